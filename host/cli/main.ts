#!/usr/bin/env node
// The command line. Each command is a file (commands.ts lists them); what goes wrong is said in one line, with its code.
import { CodedError, retryOf } from '../../engine/base/errors.ts';
import { RefusedError } from '../../proxy/client/node.ts';
import { parseArguments, usage } from './arguments.ts';
import { checkArguments, commands } from './commands.ts';

async function main(): Promise<void> {
  const [name, ...rest] = process.argv.slice(2);
  if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
    process.stdout.write(`${usage}\n`);
    return;
  }
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command === undefined) throw new CodedError('CLI_USAGE', `there is no command ${name}`);
  const args = parseArguments(rest);
  if (args.help) {
    process.stdout.write(`${usage}\n`);
    return;
  }
  checkArguments(name, command, args);
  await command.run(args);
}

/** A file that cannot be read or written is the world's fault, and no trace of the stack helps. */
function codedOf(error: unknown): unknown {
  const isOfFiles = error instanceof Error && 'syscall' in error && 'path' in error;
  return isOfFiles ? new CodedError('ENGINE_DISK', error.message, { cause: error }) : error;
}

function say(thrown: unknown): void {
  const error = codedOf(thrown);
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
