#!/usr/bin/env node
// The command line. Each command is a file; what goes wrong is said in one line, with its code.
import { CodedError, retryOf } from '../../engine/base/errors.ts';
import { RefusedError } from '../../proxy/client/node.ts';
import type { Arguments } from './arguments.ts';
import { parseArguments, usage } from './arguments.ts';
import { callCommand, getCommand } from './ask.ts';
import { backupCommand, restoreCommand } from './backup.ts';
import { deleteCommand } from './delete.ts';
import { doctorCommand } from './doctor.ts';
import { forceConfigCommand } from './force.ts';
import { historyCommand, rewindCommand } from './history.ts';
import { logCommand } from './log.ts';
import { drainCommand, replaceVoterCommand, undrainCommand } from './operate.ts';
import { hostCommand, proxyCommand } from './serve.ts';
import { statusCommand } from './status.ts';
import { upCommand } from './up.ts';
import { verifyCommand } from './verify.ts';

const commands: Readonly<Record<string, (args: Arguments) => Promise<void>>> = {
  up: upCommand,
  host: hostCommand,
  proxy: proxyCommand,
  call: callCommand,
  get: getCommand,
  status: statusCommand,
  log: logCommand,
  verify: verifyCommand,
  doctor: doctorCommand,
  history: historyCommand,
  rewind: rewindCommand,
  delete: deleteCommand,
  backup: backupCommand,
  restore: restoreCommand,
  drain: drainCommand,
  undrain: undrainCommand,
  'replace-voter': replaceVoterCommand,
  'force-config': forceConfigCommand,
};

async function main(): Promise<void> {
  const [name, ...rest] = process.argv.slice(2);
  if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
    process.stdout.write(`${usage}\n`);
    return;
  }
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command === undefined) throw new CodedError('CLI_USAGE', `there is no command ${name}`);
  const args = parseArguments(rest);
  if (args.help) process.stdout.write(`${usage}\n`);
  else await command(args);
}

function say(error: unknown): void {
  const isJson = process.argv.includes('--json');
  if (!(error instanceof CodedError) && !(error instanceof RefusedError)) {
    process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
    return;
  }
  const { code, message: text } = error;
  if (isJson) process.stdout.write(`${JSON.stringify({ error: { code, retry: retryOf(code), text } })}\n`);
  else process.stderr.write(`levelten: ${code}: ${text}\n`);
  if (code === 'CLI_USAGE' && !isJson) process.stderr.write('levelten: see levelten help\n');
}

main().catch((error: unknown) => {
  say(error);
  process.exitCode = 1;
});
