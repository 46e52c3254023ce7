// `npm run mutants`: each line of the tables beside it on a copy of the built code, until a suite or a seed of the simulator fails.
// Prints who caught what, and within how many seeds; ends with 1 where a mutant survived, where one that nothing should see was
// seen, or where a line fits no code.
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Mutant } from './mutant.ts';
import type { Catch } from './suites.ts';
import { runSimulator, runSuite, suitesFor } from './suites.ts';
import { mutants } from './tables.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const rooms = ['engine', 'chain', 'host', 'proxy', 'bench', 'test', 'examples'];
/** What must survive is not tried for long. */
const unseenSeeds = 100;

type Verdict = {
  readonly mutant: Mutant;
  readonly outcome: 'caught' | 'survived' | 'misfit';
  readonly catches: readonly Catch[];
  readonly text: string;
};

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '2000' },
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
  const copy = join(root, 'dist', 'mutants', String(worker));
  rmSync(copy, { recursive: true, force: true });
  mkdirSync(join(copy, 'test'), { recursive: true });
  for (const room of rooms) {
    cpSync(join(root, 'dist', room), join(copy, 'dist', room), { recursive: true });
  }
  // Examples import the package by its name: that is the copy too, and not the code that it was copied from.
  cpSync(join(root, 'package.json'), join(copy, 'package.json'));
  // Stories stand beside the sources.
  cpSync(join(root, 'test/golden'), join(copy, 'test/golden'), { recursive: true });
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
      const path = join(copy, 'dist', file);
      const text = readFileSync(path, 'utf8');
      if (!originals.has(path)) originals.set(path, text);
      const count = text.split(find).length - 1;
      if (count !== 1) {
        const misfit = `${file} has this ${count} times: ${find}`;
        return { mutant, outcome: 'misfit', catches: [], text: misfit };
      }
      writeFileSync(
        path,
        text.replace(find, () => replace),
      );
    }
    const catches = await tryToCatch(copy, mutant);
    const outcome = catches.length > 0 ? 'caught' : 'survived';
    return { mutant, outcome, catches, text: catches[0]?.text ?? '' };
  } finally {
    for (const [path, text] of originals) writeFileSync(path, text);
  }
}

/** What runs in seeds first; then stories and tests of single rules; then whole clusters. The first to catch it ends the search. */
async function tryToCatch(copy: string, { patches, unseen }: Mutant): Promise<Catch[]> {
  for (const suite of new Set(patches.flatMap(({ file }) => suitesFor(file)))) {
    const caught = await runSuite(copy, suite);
    if (caught !== undefined) return [caught];
  }
  const caught = await runSimulator(copy, unseen === undefined ? seedsMax : unseenSeeds);
  return caught === undefined ? [] : [caught];
}

function isGood({ outcome, mutant }: Verdict): boolean {
  return outcome === (mutant.unseen === undefined ? 'caught' : 'survived');
}

function describe(verdict: Verdict): string {
  const { mutant, outcome, catches, text } = verdict;
  const by = catches.map(({ by, seeds }) => (seeds === undefined ? by : `${by} (${seeds})`)).join(', ');
  const how = outcome === 'caught' ? by : (mutant.unseen ?? outcome.toUpperCase());
  const first = text.split('\n')[0]?.replaceAll('|', '/').slice(0, 100);
  return `| ${mutant.rule} | ${mutant.name} | ${how} | ${isGood(verdict) ? '' : '(!) '}${first} |`;
}

function report(): void {
  verdicts.sort((a, b) => mutants.indexOf(a.mutant) - mutants.indexOf(b.mutant));
  const bad = verdicts.filter((verdict) => !isGood(verdict));
  console.log('\n| rule | mutant | caught by (seeds) | first finding |\n| --- | --- | --- | --- |');
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
