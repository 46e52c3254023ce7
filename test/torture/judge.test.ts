// What became of a store, and what is wrong with it; and whether a cluster has healed.
import t from 'tap';
import { cases, casesNamed } from '../../bench/torture/cases.ts';
import type { Finding } from '../../bench/torture/findings.ts';
import {
  chooseHosts,
  type Overview,
  partOf,
  storeIdOf,
  voiceless,
  whyNotHealed,
  whyNotSame,
} from '../../bench/torture/healing.ts';
import {
  type Case,
  complaintsOf,
  countsOf,
  fateOf,
  needsWalk,
  type Row,
  tellingOf,
} from '../../bench/torture/judge.ts';
import { describeFinding, isGood, lineOf, summaryOf, tableOf } from '../../bench/torture/report.ts';

const behind: Finding = { host: 'h1', by: 'open', code: 'ENGINE_BEHIND', message: 'the store in /a/b/store is at 3' };
const voters: Finding = { host: 'h1', by: 'voters', code: 'voter: lost', message: 'h1 votes' };
const base: Case = { name: 'x', rule: 'E5', what: 'y', must: 'by name', fates: ['set aside'], hurt: async () => '' };

t.test('what became of a store', async (t) => {
  const same = ['a', 'a'] as const;
  t.equal(fateOf({ asides: ['why'], found: [behind], storeIds: ['a', 'b'] }), 'set aside');
  t.equal(fateOf({ asides: [], found: [voters], storeIds: ['a', 'b'] }), 'gone');
  t.equal(fateOf({ asides: [], found: [behind], storeIds: same }), 'refused');
  t.equal(fateOf({ asides: [], found: [{ ...behind, by: 'write' }], storeIds: same }), 'believed');
  t.equal(fateOf({ asides: [], found: [], storeIds: same }), 'believed');
});

t.test('what must be found and was not, or by nobody who counts, is wrong', async (t) => {
  const walked: Finding = { ...behind, by: 'verify' };
  t.same(complaintsOf(base, [behind], 'set aside'), []);
  t.same(complaintsOf(base, [], 'set aside'), ['it was not found']);
  t.same(complaintsOf(base, [walked], 'set aside'), ['it was not found']);
  t.same(complaintsOf(base, [voters], 'set aside'), ['it was not found']);
  t.same(complaintsOf({ ...base, fates: ['gone'] }, [voters], 'gone'), []);
  t.same(complaintsOf({ ...base, must: 'by walk' }, [walked], 'set aside'), []);
  t.same(complaintsOf({ ...base, must: 'by walk' }, [], 'set aside'), ['it was not found, by a walk neither']);
  t.same(complaintsOf({ ...base, must: 'maybe' }, [], 'set aside'), []);
  t.match(complaintsOf({ ...base, must: 'never', fates: ['refused'] }, [behind], 'refused'), [/found ENGINE_BEHIND/]);
  t.match(complaintsOf(base, [{ ...behind, code: 'no code' }], 'set aside'), [/found without a name/]);
  t.match(complaintsOf(base, [behind], 'believed'), [/the store is believed, and should be set aside/]);
});

t.test('a walk is for what nobody has found; and lost voices count where nothing else does', async (t) => {
  t.equal(needsWalk({ ...base, must: 'by walk' }, []), true);
  t.equal(needsWalk({ ...base, must: 'maybe' }, []), true);
  t.equal(needsWalk({ ...base, must: 'maybe' }, [behind]), false);
  t.equal(needsWalk(base, []), false);
  t.same(tellingOf([voters, behind]), [behind]);
  t.same(tellingOf([voters]), [voters]);
  const walked: Finding = { ...behind, by: 'verify' };
  t.same(tellingOf([walked, voters, behind]), [walked], 'the note of the walk is read, and found by nobody else');
});

type Line = { readonly state?: string; readonly isHead?: boolean; readonly durable?: number; readonly hash?: string };

function overviewOf(lines: Readonly<Record<string, Line>>, voter: Readonly<Record<string, string>> = {}): Overview {
  const hosts = Object.entries(lines).map(([host, line]) => {
    const order = ['h1', 'h2', 'h3'];
    const one = { chain: 0, epoch: 2, state: 'serving', isHead: host === 'h1', order, durable: 5, hash: 'aa', ...line };
    return { host, voter: voter[host] ?? 'yes', status: { storeId: `s-${host}`, chains: [one] } };
  });
  return { hosts, voters: { generation: 3 } };
}

const all = { h1: {}, h2: {}, h3: {} };

t.test('healed is what serves everywhere, with every voice', async (t) => {
  t.equal(whyNotHealed(overviewOf(all), 1, 3), undefined);
  t.match(whyNotHealed(undefined, 1, 3), 'does not answer');
  t.match(whyNotHealed(overviewOf({ ...all, h3: { state: 'syncing' } }), 1, 3), 'chain 0 on h3 is syncing');
  t.match(whyNotHealed(overviewOf(all, { h2: 'lost' }), 1, 3), 'h2 has no voice: lost');
  const joint = { ...overviewOf(all), voters: { generation: 3, joining: [] } };
  t.match(whyNotHealed(joint, 1, 3), 'a voter is being replaced');
  t.equal(voiceless(overviewOf(all, { h2: 'lost' })), 'h2');
  t.equal(voiceless(overviewOf(all)), undefined);
  t.equal(storeIdOf(overviewOf(all), 'h2'), 's-h2');
});

t.test('members that end elsewhere, or with another hash, are not the same', async (t) => {
  t.equal(whyNotSame(overviewOf(all)), undefined);
  t.match(whyNotSame(overviewOf({ ...all, h2: { durable: 4 } })), 'chain 0 ends at 4 aa on h2, and elsewhere at 5 aa');
  t.match(whyNotSame(overviewOf({ ...all, h3: { hash: 'bb' } })), 'on h3');
  t.match(whyNotSame(undefined), 'nobody answers');
});

t.test('a head is hurt before others, and the one that was hurt longest ago', async (t) => {
  const two = overviewOf({ h1: {}, h2: { isHead: true }, h3: {} });
  t.same(chooseHosts(two, new Map()), { host: 'h1', other: 'h2' });
  t.same(chooseHosts(two, new Map([['h1', 1]])), { host: 'h2', other: 'h3' });
  t.same(chooseHosts(overviewOf(all), new Map([['h1', 1]])), { host: 'h1', other: 'h2' });
  t.same(partOf(two, 'h2'), { heads: 1, others: 0 });
  t.same(partOf(two, 'h3'), { heads: 0, others: 1 });
});

t.test('every case has its own name and a rule, and is found by it', async (t) => {
  t.equal(new Set(cases.map(({ name }) => name)).size, cases.length);
  for (const { name, rule, fates } of cases) {
    t.match(rule, /^E\d+$/, `${name} names a rule`);
    t.ok(fates.length > 0, `${name} says what becomes of the store`);
  }
  t.same(casesNamed([]).length, cases.length);
  t.same(
    casesNamed(['log-cut', 'kill']).map(({ name }) => name),
    ['kill', 'log-cut-half', 'log-cut-byte'],
  );
  t.throws(() => casesNamed(['nothing']), { message: /there is no case nothing: kill, / });
});

t.test('the table says what was done, who found it, and what is wrong', async (t) => {
  const counts = countsOf([
    { kind: 'lost', value: 'v', trial: 1, text: 'lost: v' },
    { kind: 'invented', value: 'v', trial: 1, text: 'invented: v' },
  ]);
  t.same(counts, { lost: 1, doubled: 0, stale: 0, other: 1 });
  const row: Row = {
    ...base,
    host: 'h1: head of 1, member of 0',
    hit: 'a | b',
    found: [behind],
    fate: 'set aside',
    why: ['ENGINE_BEHIND: x'],
    backMs: 1_200,
    generations: [1, 3],
    counts: countsOf([]),
    complaints: [],
  };
  const wrong: Row = {
    ...row,
    found: [],
    counts,
    complaints: ['it was not found'],
    backMs: undefined,
    hand: 'put back',
  };
  const table = tableOf([row, wrong]);
  t.match(
    table,
    '| x | E5 | y: a \\| b | h1: head of 1, member of 0 | open (ENGINE_BEHIND: the store in store is at 3) |',
  );
  t.match(table, '| **WRONG** x |');
  t.match(table, '; by hand: put back');
  t.match(table, '| never | 3, before 1 | 1 / 0 / 0 / 1 others |');
  t.match(lineOf(wrong), 'WRONG: it was not found');
  t.match(describeFinding({ ...behind, message: 'm'.repeat(300) }), /m{110}\.\.\.\)$/);
  const torture = {
    rows: [row],
    answered: 5,
    readsChecked: 2,
    recordsCompared: 9,
    violations: [],
    problems: [],
    clusters: 1,
  };
  t.equal(isGood(torture), true);
  t.equal(isGood({ ...torture, rows: [row, wrong] }), false);
  t.equal(isGood({ ...torture, problems: ['p'] }), false);
  t.match(summaryOf({ ...torture, rows: [row, wrong] }), 'wrong: x: it was not found');
});
