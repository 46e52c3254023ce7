// `npm run faults -- --quick --json FILE --trials N --seed N --plant NAME`: kill -9 of a whole cluster under load, again and
// again, and then every answer held against what is stored. With --plant the server is broken on purpose, and the run succeeds
// when that is found.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { onStage } from '../processes.ts';
import { plantInto, plantNames } from './plants.ts';
import { foundText, isClean, reportOf, summaryOf } from './report.ts';
import { runFaults } from './run.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const trialsFull = 100;
const trialsQuick = 20;
/** At most: it ends with the trial that shows the plant. */
const trialsPlanted = 40;

const usage = `npm run faults -- [--quick] [--json FILE] [--trials N] [--seed N] [--port-base N] [--dir DIR] [--plant ${plantNames.join('|')}]`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      json: { type: 'string' },
      trials: { type: 'string' },
      seed: { type: 'string' },
      plant: { type: 'string' },
      dir: { type: 'string' },
      'port-base': { type: 'string', default: '7500' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return say(usage);
  const trialsUsual = values.plant !== undefined ? trialsPlanted : values.quick ? trialsQuick : trialsFull;
  const trials = numberOf(values.trials ?? `${trialsUsual}`, 'trials', 1);
  const seed = numberOf(values.seed ?? `${Date.now() % 2 ** 32}`, 'seed', 0);
  const portBase = numberOf(values['port-base'], 'port-base', 1_024);
  await onStage(async (stage) => {
    const { plant } = values;
    const dist = plant === undefined ? join(root, 'dist') : plantInto(root, stage.folder(), plant);
    say(`${trials} trials, seed ${seed}${plant === undefined ? '' : `, with plant ${plant}`}`);
    const run = await runFaults({
      dist,
      seed,
      trials,
      portBase,
      dir: values.dir,
      isStoppedWhenFound: plant !== undefined,
      progress: say,
    });
    const report = reportOf(run, seed);
    if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(report, null, 2)}\n`);
    say(summaryOf(run, report));
    if (plant === undefined) process.exitCode = isClean(run) ? 0 : 1;
    else {
      say(foundText(plant, run));
      process.exitCode = run.violations.length > 0 ? 0 : 1;
    }
  });
}

function numberOf(text: string, name: string, min: number): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < min) throw new Error(`--${name} is a whole number from ${min}: ${usage}`);
  return value;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
main().catch((error: unknown) => {
  process.stderr.write(`the run could not be completed: ${error instanceof Error ? error.stack : String(error)}\n`);
  process.exitCode = 1;
});
