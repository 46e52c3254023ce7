// The words of a command line, checked. What is wrong is CLI_USAGE, said with the command to type next.
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { CodedError } from '../../engine/base/errors.ts';
import { workersMax } from '../../engine/base/limits.ts';
import { pageBeside } from '../application.ts';

export const usage = `levelten: a real-time document server whose every answer is durable on every replica of a chain

  levelten up [--app FILE] [--page DIR] [--port-base N] [--hosts N] [--chains N] [--history N] [--workers N]
                                                     a cluster on this machine, until Ctrl-C; documents run in N threads a host
  levelten call SPACE/KEY CHANNEL JSON --as NAME [--wait S]     send a message, print the answer
  levelten get SPACE/KEY --as NAME [--wait S]        print what NAME may see
  levelten status                                    hosts, voters, chains, epochs, members; what is wrong first
  levelten log [--host ID] [--chain N] [--after LSN] [--before LSN] [--document SPACE/KEY] [--kind batch|activation] [--epoch N] [--max N]
                                                     records of one host's log; all that is given must fit
  levelten verify [--host ID]                        reads every entry of the stores, of all hosts or of one, and says what is wrong
  levelten doctor [--hosts N] [--port-base N]        looks at this machine: what may slow a cluster down, or stop it
  levelten history SPACE/KEY [--before SEQ] [--max N]   its newest updates: who did what when
  levelten quota SPACE [--as NAME]                   what counts for the quota of a space, or of NAME in it
  levelten rewind SPACE/KEY SEQ                      set a document to its state after update SEQ
  levelten delete SPACE/KEY [--wait S]               end a document, and see its bytes leave every disk
  levelten backup DIR [--check] [--wait S]           the documents of a running cluster into plain files; again: goes on; --check reads them
  levelten restore BACKUP --dir NEW [--hosts N] [--chains N] [--history N] [--port-base N]
                                                     a backup into a new cluster, of any size
  levelten deploy --app FILE [--breaking]            other code for a cluster that runs: checked, then host by host; viewers stay
  levelten migrate --dry-run --app FILE [--space S]  what the steps of its versions would make of the documents that there are; nothing is written
  levelten drain HOST [--wait S] | undrain HOST      move all chains off a host, to stop it; take it back
  levelten replace-voter OLD NEW                     OLD's disk is gone: NEW (or OLD itself, with a new disk) votes in its place
  levelten force-config --chain N --members H[,H] --accept "WHAT MAY BE LOST" [--wait S] [--yes-lose CHAIN:EPOCH]
                                                     a chain goes on with what these hosts hold: may lose answered messages
  levelten believe HOST ASIDE --accept "WHAT MAY BE LOST"
                                                     a stopped host goes on with a store that it set aside: for when all of them did
  levelten host --id ID [--app FILE] [--workers N] | proxy [--app FILE] [--page DIR]
                                                     one process of a cluster, as up starts them

Every command takes --dir DIR (the cluster's folder, .levelten unless said) and --json.`;

const options = {
  dir: { type: 'string', default: '.levelten' },
  json: { type: 'boolean', default: false },
  breaking: { type: 'boolean', default: false },
  check: { type: 'boolean', default: false },
  'dry-run': { type: 'boolean', default: false },
  help: { type: 'boolean', default: false, short: 'h' },
  'port-base': { type: 'string', default: '7100' },
  app: { type: 'string' },
  page: { type: 'string' },
  hosts: { type: 'string' },
  chains: { type: 'string' },
  history: { type: 'string' },
  workers: { type: 'string', default: '0' },
  id: { type: 'string' },
  as: { type: 'string' },
  host: { type: 'string' },
  chain: { type: 'string' },
  after: { type: 'string', default: '0' },
  before: { type: 'string' },
  document: { type: 'string' },
  space: { type: 'string' },
  kind: { type: 'string' },
  epoch: { type: 'string' },
  max: { type: 'string', default: '20' },
  wait: { type: 'string', default: '10' },
  members: { type: 'string' },
  accept: { type: 'string' },
  'yes-lose': { type: 'string' },
} as const;

export type Arguments = ReturnType<typeof parse>;

/** CLI_USAGE for an option that does not exist. */
export function parseArguments(words: readonly string[]): Arguments {
  try {
    return parse(words);
  } catch (cause) {
    throw new CodedError('CLI_USAGE', cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

function parse(words: readonly string[]) {
  const { values, positionals, tokens } = parseArgs({
    args: [...words],
    options,
    allowPositionals: true,
    tokens: true,
  });
  const given = tokens.flatMap((token) => (token.kind === 'option' ? token.name : []));
  return { ...values, words: positionals, given };
}

export function numberOf(text: string, name: string, min: number, max: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < min || value > max) {
    // Words are named in capitals.
    const shown = name === name.toUpperCase() ? name : `--${name}`;
    throw new CodedError('CLI_USAGE', `${shown} is a whole number from ${min} to ${max}, not ${text}`);
  }
  return value;
}

export function required(value: string | undefined, what: string, next: string): string {
  if (value === undefined || value === '')
    throw new CodedError('CLI_USAGE', `${what} is missing; for example: ${next}`);
  return value;
}

/** The compiled package: dist/. */
export const distFolder = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
export const packageFolder = resolve(distFolder, '..');

/** Threads that run documents in each host; 0 = they run in its loop. */
export function workersOf(args: Arguments): number {
  return numberOf(args.workers, 'workers', 0, workersMax);
}

/** The file and the page of an application; those of the examples, all of them at once, unless told otherwise. */
export function applicationOf(args: Arguments): { file: string; page: string | undefined } {
  if (args.app === undefined) {
    return { file: join(distFolder, 'examples/app.js'), page: join(packageFolder, 'examples') };
  }
  const file = resolve(args.app);
  return { file, page: args.page ?? pageBeside(file) };
}
