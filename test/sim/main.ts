// `npm run sim -- --seed S --seeds N --workers W --json FILE`: runs S ... S+N-1, says what it did, tells the story of the first
// seed that failed, and ends with 1 where one did.
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { SeedResult } from './seed.ts';
import { runSeed } from './seed.ts';
import type { Summary } from './summary.ts';
import { addSeed, addSummary, emptySummary, reportOf } from './summary.ts';

const storyLinesMax = 120;
const sliceSeeds = 250;

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    seeds: { type: 'string', default: '1' },
    workers: { type: 'string', default: '1' },
    json: { type: 'string' },
    'stop-at-first': { type: 'boolean', default: false },
    slice: { type: 'boolean', default: false },
    story: { type: 'boolean', default: false },
  },
});
const first = Number(values.seed);
const count = Number(values.seeds);
if (![first, count, Number(values.workers)].every((number) => Number.isSafeInteger(number) && number > 0)) {
  console.error('--seed, --seeds and --workers are counts from 1');
  process.exit(2);
}

if (values.slice) {
  // A worker: its results are one line of JSON.
  console.log(JSON.stringify(await runSlice(first, count)));
} else {
  const startMs = performance.now();
  const summary = Number(values.workers) === 1 ? await runAlone() : await runWorkers(Number(values.workers));
  const seconds = (performance.now() - startMs) / 1_000;
  await report(summary, seconds);
}

async function runSlice(from: number, seeds: number): Promise<Summary> {
  const summary = emptySummary();
  for (let seed = from; seed < from + seeds; seed += 1) {
    const before = process.cpuUsage();
    const result = await runSeed(seed);
    const { user, system } = process.cpuUsage(before);
    addSeed(summary, result, (user + system) / 1_000);
    if (values['stop-at-first'] && summary.failed.length > 0) break;
  }
  return summary;
}

async function runAlone(): Promise<Summary> {
  const summary = emptySummary();
  for (let from = first; from < first + count; from += sliceSeeds) {
    addSummary(summary, await runSlice(from, Math.min(sliceSeeds, first + count - from)));
    progress(summary);
    if (values['stop-at-first'] && summary.failed.length > 0) break;
  }
  return summary;
}

async function runWorkers(workers: number): Promise<Summary> {
  const summary = emptySummary();
  let next = first;
  const work = async (): Promise<void> => {
    while (next < first + count && !(values['stop-at-first'] && summary.failed.length > 0)) {
      const from = next;
      const seeds = Math.min(sliceSeeds, first + count - from);
      next += seeds;
      const slice = await runChild(from, seeds);
      for (const { seed } of slice.failed) console.log(`FAILED seed ${seed}`);
      addSummary(summary, slice);
      progress(summary);
    }
  };
  await Promise.all(Array.from({ length: workers }, work));
  return summary;
}

async function runChild(from: number, seeds: number): Promise<Summary> {
  const args = [fileURLToPath(import.meta.url), '--slice', '--seed', String(from), '--seeds', String(seeds)];
  if (values['stop-at-first']) args.push('--stop-at-first');
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let last = '';
  for await (const line of createInterface({ input: child.stdout })) last = line;
  if (last === '') throw new Error(`the worker for seeds ${from} and on ended without a word`);
  return JSON.parse(last) as Summary;
}

function progress({ seeds, failed, answered }: Summary): void {
  if (count > sliceSeeds) console.log(`${seeds} of ${count} seeds, ${failed.length} failed, ${answered} answered`);
}

async function report(summary: Summary, seconds: number): Promise<void> {
  for (const { seed, findings } of summary.failed) {
    console.log(`FAILED npm run sim -- --seed ${seed}`);
    for (const { check, text } of findings.slice(0, 4)) console.log(`  ${check}: ${text}`);
  }
  const told = summary.failed[0]?.seed ?? (values.story ? first : undefined);
  if (told !== undefined) tell(await runSeed(told, true));
  const { faults, sometimes, timesMs } = summary;
  const median = timesMs.sort((a, b) => a - b)[timesMs.length >> 1] ?? 0;
  console.log(`faults ${JSON.stringify(faults)}\nsometimes ${JSON.stringify(sometimes)}`);
  const each = `median ${median.toFixed(1)} ms a seed, longest ${(timesMs.at(-1) ?? 0).toFixed(0)} ms`;
  const { seeds, failed, events, answered, reconfigurations } = summary;
  console.log(`${events} events, ${answered} answered, ${reconfigurations} epochs; ${each}`);
  console.log(`${seeds} seeds in ${seconds.toFixed(1)} s, ${failed.length} failed`);
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(reportOf(summary), undefined, 2)}\n`);
  process.exitCode = failed.length > 0 ? 1 : 0;
}

function tell({ seed, story, findings }: SeedResult): void {
  console.log(`the story of seed ${seed}, its last ${Math.min(storyLinesMax, story.length)} lines of ${story.length}:`);
  for (const line of values.story ? story : story.slice(-storyLinesMax)) console.log(line);
  for (const { check, text } of findings) console.log(`${check}: ${text}`);
}
