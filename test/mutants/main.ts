// `npm run mutants`: each line of the tables beside it on a copy of the built code, under seeds of the simulator until one fails. Prints who
// caught what, and within how many seeds; ends with 1 where a mutant survived, where one that nothing should see was seen, or
// where a line fits no code.
import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Summary } from '../sim/summary.ts';
import type { Mutant } from './mutant.ts';
import { chainMutants } from './table-chain.ts';
import { hostMutants } from './table-host.ts';

const mutants: readonly Mutant[] = [...chainMutants, ...hostMutants];

const dist = fileURLToPath(new URL('../../', import.meta.url));
const rooms = ['engine', 'chain', 'host', 'proxy', 'test/sim', 'test/prng.js'];
/** What must survive is not tried for long. */
const unseenSeeds = 100;
const sliceSeeds = 100;
/** A slice takes some seconds; one that takes this long hangs. */
const sliceMsMax = 180_000;

type Verdict = {
  readonly mutant: Mutant;
  readonly outcome: 'caught' | 'survived' | 'misfit';
  /** Which checker, or how the process ended. */
  readonly by: string;
  readonly seeds: number;
  readonly text: string;
};

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '3000' },
    workers: { type: 'string', default: '1' },
    only: { type: 'string', default: '' },
    json: { type: 'string' },
  },
});
const seedsMax = Number(values.seeds);
const asked = mutants.filter(({ name, rule }) => `${rule} ${name}`.includes(values.only));
const verdicts: Verdict[] = [];
let next = 0;
await Promise.all(Array.from({ length: Number(values.workers) }, (_, index) => work(index)));
report();

async function work(worker: number): Promise<void> {
  const copy = join(dist, 'mutants', String(worker));
  rmSync(copy, { recursive: true, force: true });
  mkdirSync(join(copy, 'test'), { recursive: true });
  for (const room of rooms) cpSync(join(dist, room), join(copy, room), { recursive: true });
  for (;;) {
    const mutant = asked[next];
    next += 1;
    if (mutant === undefined) break;
    const verdict = await judge(copy, mutant);
    verdicts.push(verdict);
    console.log(describe(verdict));
  }
  rmSync(copy, { recursive: true, force: true });
}

async function judge(copy: string, mutant: Mutant): Promise<Verdict> {
  const originals = new Map<string, string>();
  try {
    for (const { file, find, replace } of mutant.patches) {
      const path = join(copy, file);
      const text = readFileSync(path, 'utf8');
      if (!originals.has(path)) originals.set(path, text);
      const count = text.split(find).length - 1;
      if (count !== 1) {
        return { mutant, outcome: 'misfit', by: '', seeds: 0, text: `${file} has this ${count} times: ${find}` };
      }
      writeFileSync(
        path,
        text.replace(find, () => replace),
      );
    }
    return await runSeeds(copy, mutant);
  } finally {
    for (const [path, text] of originals) writeFileSync(path, text);
  }
}

/** Slice after slice, each in a process of its own. One that dies, or hangs in a seed, has caught the mutant too. */
async function runSeeds(copy: string, mutant: Mutant): Promise<Verdict> {
  const most = mutant.unseen === undefined ? seedsMax : Math.min(seedsMax, unseenSeeds);
  for (let tried = 0; tried < most; ) {
    const count = Math.min(sliceSeeds, most - tried);
    const { last, end, errors } = await runSlice(copy, tried + 1, count);
    if (last === '') {
      return { mutant, outcome: 'caught', by: `the process ended (${end})`, seeds: tried + count, text: errors };
    }
    const { seeds, failed } = JSON.parse(last) as Summary;
    tried += seeds;
    const finding = failed[0]?.findings[0];
    if (finding !== undefined) {
      return { mutant, outcome: 'caught', by: finding.check, seeds: tried, text: finding.text };
    }
  }
  return { mutant, outcome: 'survived', by: '', seeds: most, text: '' };
}

/** The child prints one line: what its seeds add up to. */
async function runSlice(copy: string, first: number, count: number) {
  const main = join(copy, 'test/sim/main.js');
  const args = [main, '--slice', '--stop-at-first', '--seed', String(first), '--seeds', String(count)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const timer = setTimeout(() => child.kill('SIGKILL'), sliceMsMax);
  let errors = '';
  child.stderr.on('data', (data: Buffer) => {
    errors = (errors + data.toString()).slice(-2_000);
  });
  const ended = new Promise<string>((resolve) => child.on('close', (code, signal) => resolve(signal ?? String(code))));
  let last = '';
  for await (const line of createInterface({ input: child.stdout })) last = line;
  const end = await ended;
  clearTimeout(timer);
  return { last, end, errors };
}

function isGood({ outcome, mutant }: Verdict): boolean {
  return outcome === (mutant.unseen === undefined ? 'caught' : 'survived');
}

function describe(verdict: Verdict): string {
  const { mutant, outcome, by, seeds, text } = verdict;
  const how = outcome === 'caught' ? `${by} | ${seeds}` : `${mutant.unseen ?? outcome.toUpperCase()} | ${seeds}`;
  return `| ${mutant.rule} | ${mutant.name} | ${how} | ${isGood(verdict) ? '' : '(!) '}${text.split('\n')[0]?.slice(0, 110)} |`;
}

function report(): void {
  verdicts.sort((a, b) => mutants.indexOf(a.mutant) - mutants.indexOf(b.mutant));
  const bad = verdicts.filter((verdict) => !isGood(verdict));
  console.log('\n| rule | mutant | caught by | seeds | first finding |\n| --- | --- | --- | --- | --- |');
  for (const verdict of verdicts) console.log(describe(verdict));
  const caught = verdicts.filter(({ outcome }) => outcome === 'caught').length;
  console.log(`\n${verdicts.length} mutants, ${caught} caught, ${bad.length} not as they should be`);
  if (values.json !== undefined) {
    const rows = verdicts.map(({ mutant, ...rest }) => {
      return { rule: mutant.rule, name: mutant.name, unseen: mutant.unseen ?? null, ...rest };
    });
    const counts = { mutants: verdicts.length, caught, failures: bad.length };
    writeFileSync(values.json, `${JSON.stringify({ ...counts, rows }, undefined, 2)}\n`);
  }
  process.exitCode = bad.length > 0 ? 1 : 0;
}
