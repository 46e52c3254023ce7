// Whole clusters under chance: hosts, proxies and clients run their real code over simulated disks, links and clocks, and
// whatever goes wrong, the promises of SPEC.md hold. One seed decides everything; `npm run sim -- --seed N` repeats it with its story.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { runSeed } from './seed.ts';
import type { Summary } from './summary.ts';
import { addSummary, emptySummary } from './summary.ts';

const seeds = 1_000;

/** Seeds that found a bug once, each with what it was. */
const regressions: readonly (readonly [seed: number, what: string])[] = [
  [1_789, 'a source that lost its disk wedged whoever copied from it'],
  [1_887, 'a source that lost its disk wedged whoever copied from it'],
  [3_355, 'the list of voters was lost with the one host that knew it was decided'],
  [4_098, 'a joiner fetched one chunk a tick'],
  [6_213, 'the list of voters was lost with the one host that knew it was decided'],
  [201_067, 'a joiner that was stuck once was given up at once, each time that it was added again'],
  [613_041, 'a pass of folding that was paused slept for minutes, and who joined waited for it'],
  [607_996, 'an index that was built while the log was trimmed took what was gone for corruption'],
  [700_789, 'a log that was about to be trimmed was given to a joiner, and then not all of it'],
  [675_784, 'a page of documents that came twice was stored over the log that followed the first'],
  [601_641, 'a question asked twice was answered past what a joiner had, and it took the rest for another history'],
  [603_467, 'a pass of folding that crossed the beginning of a copy ended its process'],
];

t.test(
  '[C3] [C4] [C5] [C6] [C7] [C13] [C15] [C18] [F3] [E2] [E4] [E5] [E14] clusters keep their promises, whatever fails',
  { timeout: 600_000 },
  async (t) => {
    const { failed, ...summary } = await runApart();
    for (const { seed, findings } of failed) {
      t.fail(`npm run sim -- --seed ${seed}: ${findings.map(({ check, text }) => `${check}: ${text}`).join('; ')}`);
    }
    const { answered, events, reconfigurations, faults, sometimes } = summary;
    t.comment(JSON.stringify({ answered, events, reconfigurations }));
    t.ok(answered > seeds * 50, `${answered} sends were answered`);
    for (const [kind, count] of Object.entries(faults)) t.ok(count > 0, `${kind}: it happened`);
    for (const [state, count] of Object.entries(sometimes)) t.ok(count > 0, `${state}: it happened`);
  },
);

/** In processes of their own, without the coverage that costs more than the run. */
async function runApart(): Promise<Summary> {
  const summary = emptySummary();
  const half = seeds / 2;
  for (const slice of await Promise.all([runSlice(1, half), runSlice(1 + half, half)])) addSummary(summary, slice);
  return summary;
}

function runSlice(first: number, count: number): Promise<Summary> {
  const { NODE_V8_COVERAGE: _, ...env } = process.env;
  const words = ['--slice', '--seed', `${first}`, '--seeds', `${count}`];
  const child = spawn(process.execPath, [fileURLToPath(new URL('main.js', import.meta.url)), ...words], { env });
  let text = '';
  child.stdout.on('data', (data: Buffer) => {
    text += data.toString();
  });
  child.stderr.pipe(process.stderr);
  return new Promise((done, fail) => {
    child.on('error', fail);
    child.on('close', () => done(JSON.parse(text) as Summary));
  });
}

t.test('seeds that found a bug find none now', async (t) => {
  for (const [seed, what] of regressions) t.same((await runSeed(seed)).findings, [], `seed ${seed}: ${what}`);
  t.pass(`${regressions.length} seeds`);
});

t.test('the same seed gives the same story', async (t) => {
  const [one, other] = [await runSeed(7, true), await runSeed(7, true)];
  t.ok(one.story.length > 100, `${one.story.length} lines`);
  t.same(one.story, other.story);
  t.not((await runSeed(8, true)).story.join('\n'), one.story.join('\n'), 'another seed gives another');
});
