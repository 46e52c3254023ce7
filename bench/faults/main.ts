// `npm run faults -- --quick --json FILE --svg FILE --trials N --seed N --all --no-goals --plant NAME`: hosts of a cluster under
// load are killed and paused, one at a time, again and again, and now and then all at once; and then every answer is held
// against what is stored. With --plant the server is broken on purpose, and the run succeeds when that is found.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { onStage } from '../processes.ts';
import { plantInto, plantNames } from './plants.ts';
import { foundText, isClean, reportOf, summaryOf } from './report.ts';
import { type Run, runFaults } from './run.ts';
import { timelineOf } from './timeline.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
/** Enough for a p99 over the gaps of all chains; every tenth kills everything. */
const trialsFull = 300;
const trialsQuick = 30;
const trialsAllFull = 100;
const trialsAllQuick = 20;
/** At most: it ends with the trial that shows the plant. */
const trialsPlanted = 40;

const usage = `npm run faults -- [--quick] [--all] [--no-goals] [--json FILE] [--svg FILE] [--trials N] [--seed N] [--port-base N] [--dir DIR] [--plant ${plantNames.join('|')}]

  --all       every trial kills every process, instead of one host; so it is with --plant
  --no-goals  long gaps are reported, and do not fail the run`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      all: { type: 'boolean', default: false },
      'no-goals': { type: 'boolean', default: false },
      json: { type: 'string' },
      svg: { type: 'string' },
      trials: { type: 'string' },
      seed: { type: 'string' },
      plant: { type: 'string' },
      dir: { type: 'string' },
      'port-base': { type: 'string', default: '7500' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return say(usage);
  const { plant, json, svg, quick } = values;
  const isAll = values.all || plant !== undefined;
  const trialsUsual = isAll ? (quick ? trialsAllQuick : trialsAllFull) : quick ? trialsQuick : trialsFull;
  const trials = numberOf(values.trials ?? `${plant === undefined ? trialsUsual : trialsPlanted}`, 'trials', 1);
  const seed = numberOf(values.seed ?? `${Date.now() % 2 ** 32}`, 'seed', 0);
  const portBase = numberOf(values['port-base'], 'port-base', 1_024);
  await onStage(async (stage) => {
    const dist = plant === undefined ? join(root, 'dist') : plantInto(root, stage.folder(), plant);
    say(`${trials} trials, seed ${seed}${plant === undefined ? '' : `, with plant ${plant}`}`);
    const run = await runFaults({
      dist,
      seed,
      trials,
      isAll,
      portBase,
      dir: values.dir,
      isStoppedWhenFound: plant !== undefined,
      progress: say,
    });
    const report = reportOf(run, seed);
    if (json !== undefined) writeFileSync(json, `${JSON.stringify(report, null, 2)}\n`);
    if (svg !== undefined) writeFileSync(svg, timelineOf(run));
    say(summaryOf(run, report));
    const areGoalsHeld = values['no-goals'] || report.goals.every(({ holds }) => holds);
    process.exitCode = plant === undefined ? Number(!(isClean(run) && areGoalsHeld)) : exitCodeOfPlant(plant, run);
  });
}

function exitCodeOfPlant(plant: string, run: Run): number {
  say(foundText(plant, run));
  return run.violations.length > 0 ? 0 : 1;
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
