// Every command with the words and options that it takes: what it does not take is a mistake, and is said to be one.
import { CodedError } from '../../engine/base/errors.ts';
import type { Arguments } from './arguments.ts';
import { callCommand, getCommand } from './ask.ts';
import { backupCommand, restoreCommand } from './backup.ts';
import { believeCommand } from './believe.ts';
import { deleteCommand } from './delete.ts';
import { deployCommand } from './deploy.ts';
import { doctorCommand } from './doctor.ts';
import { forceConfigCommand } from './force.ts';
import { historyCommand, rewindCommand } from './history.ts';
import { logCommand } from './log.ts';
import { migrateCommand } from './migrate.ts';
import { drainCommand, replaceVoterCommand, undrainCommand } from './operate.ts';
import { quotaCommand } from './quota.ts';
import { hostCommand, proxyCommand } from './serve.ts';
import { statusCommand } from './status.ts';
import { upCommand } from './up.ts';
import { verifyCommand } from './verify.ts';

export type Command = {
  readonly run: (args: Arguments) => Promise<void>;
  /** Words behind its name, at most. */
  readonly words: number;
  /** Beside those that every command takes. */
  readonly options: readonly string[];
};

const size = ['port-base', 'hosts', 'chains', 'history'];
const common = ['dir', 'json', 'help'];

export const commands: Readonly<Record<string, Command>> = {
  up: { run: upCommand, words: 0, options: [...size, 'app', 'page', 'workers'] },
  host: { run: hostCommand, words: 0, options: ['id', 'app', 'workers'] },
  proxy: { run: proxyCommand, words: 0, options: ['app', 'page'] },
  call: { run: callCommand, words: 3, options: ['as', 'wait'] },
  get: { run: getCommand, words: 1, options: ['as', 'wait'] },
  status: { run: statusCommand, words: 0, options: [] },
  log: {
    run: logCommand,
    words: 0,
    options: ['host', 'chain', 'after', 'before', 'document', 'kind', 'epoch', 'max'],
  },
  verify: { run: verifyCommand, words: 0, options: ['host'] },
  doctor: { run: doctorCommand, words: 0, options: ['port-base', 'hosts'] },
  history: { run: historyCommand, words: 1, options: ['before', 'max'] },
  quota: { run: quotaCommand, words: 1, options: ['as'] },
  rewind: { run: rewindCommand, words: 2, options: [] },
  delete: { run: deleteCommand, words: 1, options: ['wait'] },
  backup: { run: backupCommand, words: 1, options: ['check', 'wait'] },
  restore: { run: restoreCommand, words: 1, options: size },
  deploy: { run: deployCommand, words: 0, options: ['app', 'breaking'] },
  migrate: { run: migrateCommand, words: 0, options: ['app', 'dry-run', 'space'] },
  drain: { run: drainCommand, words: 1, options: ['wait'] },
  undrain: { run: undrainCommand, words: 1, options: [] },
  'replace-voter': { run: replaceVoterCommand, words: 2, options: [] },
  believe: { run: believeCommand, words: 2, options: ['accept'] },
  'force-config': {
    run: forceConfigCommand,
    words: 0,
    options: ['chain', 'members', 'accept', 'yes-lose', 'wait'],
  },
};

/** CLI_USAGE where a word is one too many, or an option does nothing for this command. */
export function checkArguments(name: string, { words, options }: Command, args: Arguments): void {
  const strange = args.given.find((option) => !common.includes(option) && !options.includes(option));
  if (strange !== undefined) throw new CodedError('CLI_USAGE', `--${strange} is no option of levelten ${name}`);
  const surplus = args.words[words];
  if (surplus !== undefined) throw new CodedError('CLI_USAGE', `levelten ${name} does not take the word ${surplus}`);
}
