// `levelten migrate --dry-run`: what the steps of an application's versions would make of the documents that there are. The steps run in this process: one
// that does not end, or takes all memory, does so here, and no host notices.
import { randomBytes } from 'node:crypto';
import { resolve } from 'node:path';
import { CodedError } from '../../engine/base/errors.ts';
import { documentName } from '../../engine/base/ids.ts';
import { migrationsToldMax } from '../../engine/base/limits.ts';
import type { App } from '../../engine/document/define.ts';
import { isBehind, migrate } from '../../engine/document/definition/migrate.ts';
import { definitionOf } from '../../engine/document/definition-of.ts';
import { loadApplication } from '../application.ts';
import type { Folder } from '../folder.ts';
import { readFolder } from '../folder.ts';
import type { StateLine, StatesPage } from '../states.ts';
import { headOf, tellHost } from './admin-client.ts';
import type { Arguments } from './arguments.ts';
import { required } from './arguments.ts';
import { print } from './print.ts';
import { table } from './table.ts';

/** How many documents of a space: of the version that would run, to be migrated, and those of which the new code makes nothing. */
type Tally = { current: number; migrated: number; failed: number };
type Failed = { readonly name: string; readonly text: string };

/** Ends with 1 where a document fails. */
export async function migrateCommand(args: Arguments): Promise<void> {
  if (!args['dry-run']) {
    const text =
      'documents are migrated when they are next opened, by the hosts: only --dry-run is there to be asked for';
    throw new CodedError('CLI_USAGE', text);
  }
  const folder = await readFolder(args.dir);
  const file = resolve(required(args.app, '--app FILE', 'levelten migrate --dry-run --app board/2/app.js'));
  const app = await loadApplication(file);
  const tallies = new Map<string, Tally>();
  const failed: Failed[] = [];
  for (let chain = 0; chain < folder.cluster.chains; chain += 1) {
    for await (const line of statesOf(folder, chain, args.space ?? '')) {
      const { space } = documentName(line.name);
      const tally = tallies.get(space) ?? { current: 0, migrated: 0, failed: 0 };
      tallies.set(space, tally);
      const came = tryOn(app, space, line);
      if (came.kind !== 'failed') tally[came.kind] += 1;
      else {
        tally.failed += 1;
        if (failed.length < migrationsToldMax) failed.push({ name: line.name, text: came.text });
      }
    }
  }
  const spaces = Object.fromEntries([...tallies].sort(([a], [b]) => (a < b ? -1 : 1)));
  const count = [...tallies.values()].reduce((sum, tally) => sum + tally.failed, 0);
  print(args, { file, spaces, failed: count, failures: failed }, describe(spaces, count, failed));
  if (count > 0) process.exitCode = 1;
}

async function* statesOf(folder: Folder, chain: number, space: string): AsyncGenerator<StateLine> {
  const head = await headOf(folder, chain);
  let after = '';
  do {
    const { next, documents } = (await tellHost(folder, head, 'states', { chain, space, after })) as StatesPage;
    yield* documents;
    after = next;
  } while (after !== '');
}

type Came = { readonly kind: 'current' | 'migrated' } | { readonly kind: 'failed'; readonly text: string };

function tryOn(app: App, space: string, { state, text = '' }: StateLine): Came {
  if (state === null) return { kind: 'failed', text };
  const definition = definitionOf(app, space);
  if (definition === undefined) return { kind: 'failed', text: `SPACE_UNKNOWN: there is no space ${space}` };
  try {
    if (!isBehind(definition, state)) return { kind: 'current' };
    migrate(definition, state, () => randomBytes(16));
    return { kind: 'migrated' };
  } catch (cause) {
    if (!(cause instanceof CodedError)) throw cause;
    return { kind: 'failed', text: `${cause.code}: ${cause.message}` };
  }
}

function describe(spaces: { readonly [space: string]: Tally }, count: number, failed: readonly Failed[]): string {
  const rows = Object.entries(spaces).map(([space, tally]) => {
    return [space, ...[tally.current, tally.migrated, tally.failed].map(String)];
  });
  const more = count - failed.length;
  return [
    table(['space', 'of this version', 'would be migrated', 'would fail'], rows),
    ...failed.map(({ name, text }) => `! ${name}: ${text}`),
    ...(more > 0 ? [`and ${more} more`] : []),
    'Nothing was written.',
  ].join('\n');
}
