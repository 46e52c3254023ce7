// How long nothing was answered, and what a report makes of it: on times made up by hand.
import t from 'tap';
import { answersBy, longestSilenceMs, percentile, spreadOf } from '../../bench/faults/gaps.ts';
import type { SendRecord } from '../../bench/faults/record.ts';
import { goalsOf, isClean, reportOf } from '../../bench/faults/report.ts';
import type { Measured, Run } from '../../bench/faults/run.ts';
import { timelineOf } from '../../bench/faults/timeline.ts';
import { casesOf, describeCase, type Fault } from '../../bench/faults/trial.ts';
import { Prng } from '../prng.ts';

function answeredAt(client: string, doc: string, ...times: readonly number[]): SendRecord[] {
  return times.map((atMs, index) => {
    const outcome = { kind: 'answered', seq: index + 1, place: `${index + 1}`, atMs } as const;
    return { client, doc, number: index + 1, value: `${client}:${index}`, trial: 1, sentAtMs: 0, outcome };
  });
}

function trialOf(number: number, fault: Fault, chainGapsMs: readonly number[]): Measured {
  const host = fault === 'all' ? undefined : 'h1';
  const role = fault === 'all' ? undefined : 'head';
  const times = { faultAtMs: 1_000, endedAtMs: 1_200, backAtMs: 1_500, wholeAtMs: 1_600, closedAtMs: 1_700 };
  const seen = [{ atMs: 150, said: ['h1: does not answer'] }];
  return { number, fault, role, chain: 0, host, ...times, seen, complaint: undefined, chainGapsMs, clientGapsMs: [] };
}

function runOf(trials: readonly Measured[], sends: readonly SendRecord[] = []): Run {
  const counts = { longestGapMs: 0, readsChecked: 0, disksCompared: 3, recordsCompared: 0 };
  return { sends, violations: [], problems: [], trials, ...counts };
}

t.test('answers are told apart by what is asked for, in order of time', async (t) => {
  const unsettled: SendRecord = { ...(answeredAt('c', 'x', 1)[0] as SendRecord), outcome: { kind: 'unsettled' } };
  const sends = [...answeredAt('a', 'x', 30, 10), ...answeredAt('b', 'y', 20), ...answeredAt('c', 'x', 15), unsettled];
  t.same(
    [...answersBy(sends, ({ doc }) => doc)],
    [
      ['x', [10, 15, 30]],
      ['y', [20]],
    ],
  );
  t.same(answersBy(sends, ({ client }) => client).get('c'), [15]);
});

t.test('the silence of a chain is the longest of its window, whose ends count', async (t) => {
  const window = { fromMs: 100, toMs: 200 };
  t.equal(longestSilenceMs([], window), 100);
  t.equal(longestSilenceMs([50, 250], window), 100, 'what is outside does not count');
  t.equal(longestSilenceMs([50, 101, 160, 170, 250], window), 59, 'an answer that was on its way hides nothing');
  t.equal(longestSilenceMs([130, 140, 150], window), 50, 'a silence at the end is one');
  t.equal(longestSilenceMs([101, 110, 180, 190], window), 70, 'nor does the first gap hide a second');
  t.equal(longestSilenceMs([100, 150, 200], window), 50);
});

t.test('a percentile is a value that so many of all do not exceed', async (t) => {
  const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);
  t.same(
    [0.5, 0.99, 1, 0].map((share) => percentile(hundred, share)),
    [50, 99, 100, 1],
  );
  t.equal(percentile([7], 0.99), 7);
  t.equal(percentile([], 0.5), 0);
  t.equal(percentile([...hundred, ...hundred, 1_000], 0.99), 100, 'one of 201 is past the p99');
  t.equal(percentile([...hundred, 1_000, 1_001], 0.99), 1_000, 'two of 102 are not');
  t.same(spreadOf([1.4, 2.6, 900.2]), { p50Ms: 3, p99Ms: 900, maxMs: 900 });
});

t.test('goals are those of one host, and a gap that is too long misses them', async (t) => {
  const holds = (trials: readonly Measured[]) => goalsOf(trials).map((goal) => goal.holds);
  t.same(holds([trialOf(1, 'kill', [100, 999]), trialOf(2, 'stay', [999])]), [true]);
  t.same(holds([trialOf(1, 'kill', [100, 999]), trialOf(2, 'stay', [1_000])]), [false]);
  t.same(holds([trialOf(1, 'kill', [100]), trialOf(2, 'pause', [2_999])]), [true, true]);
  t.same(holds([trialOf(1, 'pause', [3_000])]), [false]);
  t.same(holds([trialOf(1, 'all', [9_000])]), [], 'nothing of it was measured');
});

t.test('a report holds what was measured, of each kind its own, and explains the slowest', async (t) => {
  const trials = [trialOf(1, 'kill', [10, 30]), trialOf(2, 'kill', [700, 20]), trialOf(3, 'all', [1_500])];
  const report = reportOf(runOf(trials), 9);
  t.same(report.recoveries.kill, { p50Ms: 20, p99Ms: 700, maxMs: 700, trials: 2 });
  t.same(report.recoveries.pause, { p50Ms: 0, p99Ms: 0, maxMs: 0, trials: 0 });
  t.same(report.wholeAgain, { p50Ms: 400, maxMs: 400 });
  t.match(report.slowest.kill, { trial: 2, case: 'kill head of chain 0 (h1)', gapMs: 700, wholeMs: 600 });
  t.same(report.slowest.kill?.seen, trials[1]?.seen);
  t.equal(report.slowest.stay, undefined);
  t.ok(isClean(runOf(trials)));
  t.notOk(isClean({ ...runOf(trials), problems: ['one'] }));
});

t.test('every case comes as often as the others, and every tenth trial kills everything', async (t) => {
  const cases = casesOf(300, false, new Prng(1));
  const counts = new Map<string, number>();
  for (const { fault, role } of cases) {
    const name = `${fault} ${role ?? ''}`;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  t.equal(cases.length, 300);
  t.equal(counts.size, 10);
  t.same(new Set(counts.values()), new Set([30]));
  t.equal(cases[9]?.fault, 'all');
  t.same(casesOf(300, false, new Prng(1)), cases, 'a seed repeats them');
  t.same(new Set(casesOf(5, true, new Prng(1)).map(describeFault)), new Set(['all']));
});

t.test('the picture has a panel of each kind, and a bar where there were answers', async (t) => {
  const sends = answeredAt('a', 'ledger/one', 990, 1_400, 1_405, 1_650);
  const picture = timelineOf(
    runOf([trialOf(1, 'kill', [400]), trialOf(2, 'kill', [500]), trialOf(3, 'all', [1])], sends),
  );
  t.equal(picture.match(/the slowest trial/g)?.length, 2);
  t.equal(picture.match(/a usual trial/g)?.length, 1);
  t.equal(picture.match(/<path d="M/g)?.length, 3, 'one chain in each of three panels');
  t.equal(picture.match(/<g /g)?.length, picture.match(/<\/g>/g)?.length);
  t.ok(picture.startsWith('<svg xmlns=') && picture.endsWith('</svg>\n'));
});

function describeFault(one: { readonly fault: Fault; readonly role: undefined | 'head' | 'middle' | 'tail' }): string {
  return describeCase({ ...one, chain: undefined, host: undefined });
}
