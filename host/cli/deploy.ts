// `levelten deploy`: other code for a cluster that runs. Every host is asked first what it thinks of it; then one after the other is told.
import { resolve } from 'node:path';
import { CodedError, retryOf } from '../../engine/base/errors.ts';
import type { SpaceFindings, Verdict } from '../../engine/document/definition/compare.ts';
import { hashApplication } from '../application.ts';
import type { DeployAnswer } from '../deploying.ts';
import type { Folder } from '../folder.ts';
import { noteApplication, readFolder } from '../folder.ts';
import { readStatus, tellHost } from './admin-client.ts';
import type { Arguments } from './arguments.ts';
import { required } from './arguments.ts';
import { print } from './print.ts';
import { table } from './table.ts';

/** `documents` were in memory; `text` where it did not come to that. */
type HostLine = { readonly host: string; readonly documents: number | null; readonly text: string };

/** Ends with 1 where a host did not take it. */
export async function deployCommand(args: Arguments): Promise<void> {
  const folder = await readFolder(args.dir);
  const file = resolve(required(args.app, '--app FILE', 'levelten deploy --app board/2/app.js'));
  const appHash = await hashApplication(file);
  const ask = { file, appHash, isBreaking: args.breaking };
  const { hosts } = await readStatus(folder);
  const running = hosts.filter(({ status }) => status !== null).map(({ host }) => host);
  const trials: (readonly [host: string, answer: DeployAnswer])[] = [];
  for (const host of running) trials.push([host, await deployTo(folder, host, { ...ask, isTrial: true })]);
  const isNews = trials.some(([, { isRunning }]) => !isRunning);
  if (!args.json && isNews) process.stdout.write(`${describeTrials(trials)}\n\n`);
  const verdict = verdictOfAll(trials);
  const spaces = trials[0]?.[1].spaces ?? [];
  const refusal = refusalOf(verdict, args.breaking);
  if (refusal !== undefined && args.json)
    print(args, { file, appHash, verdict, spaces, hosts: [], error: said(refusal) }, '');
  if (refusal !== undefined && !args.json) throw refusal;
  if (refusal !== undefined) return fail();
  const lines: HostLine[] = [];
  for (const { host } of hosts) {
    lines.push(
      running.includes(host) ? await tell(folder, host, ask) : { host, documents: null, text: 'does not run' },
    );
    if (!args.json) process.stdout.write(`${describeLine(lines.at(-1) as HostLine)}\n`);
  }
  const isWhole = lines.every(({ documents }) => documents !== null);
  if (isWhole) await noteApplication(folder.dir, appHash);
  if (args.json) print(args, { file, appHash, verdict, spaces, hosts: lines }, '');
  if (!isWhole) fail();
}

/** The file is on the host's own disk. */
async function deployTo(folder: Folder, host: string, ask: object): Promise<DeployAnswer> {
  return (await tellHost(folder, host, 'deploy', ask)) as DeployAnswer;
}

/** A host that fails does not keep the others from it: they have all agreed. */
async function tell(folder: Folder, host: string, ask: object): Promise<HostLine> {
  try {
    const { documents, isRunning } = await deployTo(folder, host, ask);
    return { host, documents, text: isRunning ? 'runs it already' : `runs it: ${documents} documents changed to it` };
  } catch (cause) {
    if (!(cause instanceof CodedError)) throw cause;
    return { host, documents: null, text: `${cause.code}: ${cause.message}` };
  }
}

function verdictOfAll(trials: readonly (readonly [string, DeployAnswer])[]): Verdict {
  const verdicts = trials.map(([, { verdict }]) => verdict);
  return (['forbidden', 'breaks clients'] as const).find((one) => verdicts.includes(one)) ?? 'allowed';
}

function refusalOf(verdict: Verdict, isBreaking: boolean): CodedError | undefined {
  const why = {
    allowed: undefined,
    'breaks clients': isBreaking ? undefined : 'clients that are there may miss something: say --breaking to do it',
    forbidden:
      'what is stored could not be read: give the definition a version, with a step that brings documents to it',
  }[verdict];
  return why === undefined ? undefined : new CodedError('DEPLOY_REFUSED', `${why}. Nothing was changed`);
}

function said({ code, message: text }: CodedError): object {
  return { code, retry: retryOf(code), text };
}

function fail(): void {
  process.exitCode = 1;
}

/** Hosts that run the same say the same. */
function describeTrials(trials: readonly (readonly [host: string, answer: DeployAnswer])[]): string {
  const texts = new Map<string, string[]>();
  for (const [host, { spaces, isRunning }] of trials) {
    const text = isRunning ? 'it runs' : describeSpaces(spaces);
    texts.set(text, [...(texts.get(text) ?? []), host]);
  }
  return [...texts].map(([text, hosts]) => `${hosts.join(', ')}:\n${text}`).join('\n\n');
}

function describeSpaces(spaces: readonly SpaceFindings[]): string {
  const rows = spaces.flatMap(({ space, versionBefore: was, versionAfter: is, findings }) => {
    const name = `${space} ${was === is ? is : `${was} -> ${is}`}`;
    if (findings.length === 0) return [[name, 'allowed', '', 'nothing that can be seen but code']];
    return findings.map(({ path, verdict, what }) => [name, verdict, path, what]);
  });
  return table(['space', 'verdict', 'where', 'what'], rows);
}

function describeLine({ host, text }: HostLine): string {
  return `${host} ${text}`;
}
