// `npm run torture -- --list --only NAME,NAME --json FILE --markdown FILE --port-base N --dir DIR --seed N`: what is done to the store of a
// host in a cluster under load, who finds it and by which name, what becomes of the store, and when the host is back in all its chains.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { casesNamed } from './cases.ts';
import { isGood, lineOf, summaryOf, tableOf } from './report.ts';
import { runTorture } from './run.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));

const usage = `npm run torture -- [--list] [--only NAME,NAME] [--json FILE] [--markdown FILE] [--port-base N] [--dir DIR] [--seed N]

  --only  cases whose name begins with one of these
  --dir   where the clusters stay when all is over

It ends with 1 where anything answered is lost, doubled or stale, where damage is not found, or a host does not come back.`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      list: { type: 'boolean', default: false },
      only: { type: 'string' },
      json: { type: 'string' },
      markdown: { type: 'string' },
      dir: { type: 'string' },
      seed: { type: 'string', default: '1' },
      'port-base': { type: 'string', default: '7600' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return say(usage);
  const cases = casesNamed(values.only?.split(',') ?? []);
  if (values.list) return say(cases.map(({ name, rule, what }) => `${name} (${rule}): ${what}`).join('\n'));
  const torture = await runTorture(cases, {
    dist: join(root, 'dist'),
    seed: Number(values.seed),
    portBase: Number(values['port-base']),
    dir: values.dir,
    progress: (row) => say(lineOf(row)),
  });
  const text = `${tableOf(torture.rows)}\n\n${summaryOf(torture)}`;
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(torture, null, 2)}\n`);
  if (values.markdown !== undefined) writeFileSync(values.markdown, `${text}\n`);
  say(`\n${text}`);
  process.exitCode = isGood(torture) ? 0 : 1;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
main().catch((error: unknown) => {
  process.stderr.write(`the run could not be completed: ${error instanceof Error ? error.stack : String(error)}\n`);
  process.exitCode = 1;
});
