// replace-voter: which list follows which, and what has to happen in between.
import t from 'tap';
import { type Plan, planReplacement } from '../../chain/register/replacement.ts';
import { encodeVoters, firstVoters, hostsOf, isQuorum, type Voter, type Voters } from '../../chain/register/voters.ts';
import type { HostId } from '../../engine/base/ids.ts';
import { registerOpMs, replaceVoterMs } from '../../engine/base/limits.ts';
import { Prng } from '../prng.ts';
import { accepted, cas, found, listOf, One, promised, voter } from './one.ts';
import { voterOf, World } from './world.ts';

const abc = firstVoters(listOf('a1', 'b1', 'c1'));
const joint: Voters = { generation: 2, voters: listOf('a1', 'b1', 'c1'), joining: listOf('a1', 'b1', 'd1') };
const abd: Voters = { generation: 3, voters: listOf('a1', 'b1', 'd1'), joining: undefined };

t.test('[C1] what a list becomes is a table', async (t) => {
  const refused = (reason: string): Plan => ({ kind: 'refused', reason });
  const cases: [what: string, list: Voters, leaver: string, joiner: string, plan: Plan][] = [
    ['begin', abc, 'c1', 'd1', { kind: 'begin', next: joint }],
    [
      'begin, with another disk of the same host',
      abc,
      'c1',
      'c2',
      { kind: 'begin', next: { ...joint, joining: listOf('a1', 'b1', 'c2') } },
    ],
    ['go on', joint, 'c1', 'd1', { kind: 'goOn', joint }],
    ['another', joint, 'c1', 'e1', refused('another voter is being replaced')],
    ['another', joint, 'b1', 'd1', refused('another voter is being replaced')],
    ['the same, but no voter', joint, 'e1', 'c1', refused('another voter is being replaced')],
    ['done', abd, 'c1', 'd1', { kind: 'done' }],
    ['nobody', abd, 'c1', 'e1', refused('c with store c1 is no voter')],
    ['another disk', abc, 'c2', 'd1', refused('c with store c2 is no voter')],
    ['a voter already', abc, 'c1', 'a1', refused('a with store a1 is a voter already')],
    ['oneself', abc, 'c1', 'c1', refused('c with store c1 is a voter already')],
    ['two votes on one host', abc, 'c1', 'a2', refused('a host is listed twice')],
  ];
  for (const [what, list, leaver, joiner, plan] of cases)
    t.same(planReplacement(list, voter(leaver), voter(joiner)), plan, what);
});

t.test(
  '[C1] every quorum of a joint list meets every quorum of the lists beside it; those two need not meet',
  async (t) => {
    const stores = ['a1', 'b1', 'c1', 'd1'];
    const quorumsOf = (voters: Voters): string[][] => {
      const all = Array.from({ length: 16 }, (_, bits) => stores.filter((_, index) => (bits & (1 << index)) !== 0));
      return all.filter((some) => isQuorum(voters, new Set(some)));
    };
    const meet = (x: Voters, y: Voters): boolean => {
      return quorumsOf(x).every((some) => quorumsOf(y).every((others) => some.some((one) => others.includes(one))));
    };
    for (const list of [abc, joint, abd]) t.ok(meet(list, list) && meet(list, joint));
    t.notOk(meet(abc, abd));
    t.same(hostsOf(joint), ['a', 'b', 'c', 'd']);
    t.throws(() => firstVoters(listOf('a1', 'b1')), /2 voters/);
  },
);

/** One voter, a1, that makes way for b1; two chains. */
function moving(): One {
  const a = new One('a1', { voters: firstVoters(listOf('a1')) });
  a.step({ kind: 'replace', leaver: voter('a1'), joiner: voter('b1'), chains: 2 });
  return a;
}

const moves = {
  joint: { generation: 2, voters: listOf('a1'), joining: listOf('b1') },
  moved: { generation: 3, voters: listOf('b1'), joining: undefined },
} as const;
const jointFound = { ballot: { counter: 2, host: 'a' as HostId, boot: '1' }, value: encodeVoters(moves.joint) };

t.test('[C1] it reads the list, joins, reads every register by both lists, and leaves', async (t) => {
  const a = moving();
  t.same(a.tell('a1', [promised(65535, '1a')]), ['-> a g1 prepare 65535 2a']);
  t.same(a.tell('a1', [promised(65535, '2a')]), ['-> a g1 accept 65535 2a list 2']);
  const rescan = 'g2 prepare 0 1a, prepare 1 1a';
  const joined = ['keep 1: 65534', 'voters 2', '-> b news 2', `-> a ${rescan}`, `-> b ${rescan}`];
  t.same(a.tell('a1', [accepted(65535, '2a')]), joined, 'in force once it is decided');
  a.tell('a1', [promised(0, '1a', found('1c', 'x')), promised(1, '1a')], 2);
  t.same(a.tell('b1', [promised(1, '1a')], 2), [], 'register 1 is read, and empty');
  t.match(a.tell('b1', [promised(0, '1a')], 2), [/accept 0 1a x/, /accept 0 1a x/], 'b has to hold what a held');
  a.tell('a1', [accepted(0, '1a')], 2);
  t.match(a.tell('b1', [accepted(0, '1a')], 2), [/prepare 65535 3a/, /prepare 65535 3a/]);
  a.tell('a1', [promised(65535, '3a', jointFound)], 2);
  t.match(a.tell('b1', [promised(65535, '3a')], 2), [/accept 65535 3a list 3/, /accept 65535 3a list 3/]);
  a.tell('a1', [accepted(65535, '3a')], 2);
  const end = ['keep 2: 65534', 'voters 3', '-> b news 3', '-> b g3 prepare 65535 4a'];
  t.same(a.tell('b1', [accepted(65535, '3a')], 2), end, 'decided, and known to nobody else');
  const movedFound = { ballot: { counter: 3, host: 'a' as HostId, boot: '1' }, value: encodeVoters(moves.moved) };
  t.same(a.tell('b1', [promised(65535, '4a', movedFound)], 3), ['replaced done'], 'a voter of the new list goes by it');
});

t.test('[C1] only what both lists were asked counts as read again', async (t) => {
  const a = moving();
  a.tell('a1', [promised(65535, '1a')]);
  a.tell('a1', [promised(65535, '2a')]);
  a.begin(0, { kind: 'read' }, 5);
  const lines = a.tell('a1', [accepted(65535, '2a'), promised(0, '1a')]);
  t.ok(lines.includes('decided 0 #5 value nothing'), 'a caller is answered by the old list, in the same message');
  t.match(lines.at(-1), /g2 prepare 0 2a, prepare 1 1a/, 'and that register is read again nevertheless');
  a.tell('a1', [promised(1, '1a')], 2);
  a.tell('b1', [promised(1, '1a')], 2);
  t.same(a.begin(0, cas(undefined, 'x'), 6), [], 'a caller waits for a register that is being read');
  a.tell('a1', [promised(0, '2a')], 2);
  const after = a.tell('b1', [promised(0, '2a')], 2);
  t.match(after[0], /prepare 65535 3a, prepare 0 3a|prepare 0 3a, prepare 65535 3a/, 'and no longer');
});

t.test('[C1] a change by a caller under both lists serves as the reading of its register', async (t) => {
  const a = moving();
  a.tell('a1', [promised(65535, '1a')]);
  a.tell('a1', [promised(65535, '2a')]);
  a.begin(0, cas(undefined, 'x'), 5);
  t.match(a.tell('a1', [accepted(65535, '2a')]).at(-1), /g2 prepare 0 2a, prepare 1 1a/, 'the caller goes on by both');
  a.tell('a1', [promised(0, '2a'), promised(1, '1a')], 2);
  a.tell('b1', [promised(0, '2a'), promised(1, '1a')], 2);
  a.tell('a1', [accepted(0, '2a')], 2);
  const lines = a.tell('b1', [accepted(0, '2a')], 2);
  t.equal(lines[0], 'decided 0 #5 won');
  t.match(lines[1], /prepare 65535 3a$/);
});

t.test('[C1] what one message decides is heard together, before anything follows from it', async (t) => {
  const a = moving();
  a.tell('a1', [promised(65535, '1a')]);
  a.tell('a1', [promised(65535, '2a')]);
  a.tell('a1', [accepted(65535, '2a')]);
  t.same(a.begin(1, { kind: 'read' }, 6), []);
  a.tell('a1', [promised(0, '1a'), promised(1, '1a')], 2);
  const lines = a.tell('b1', [promised(0, '1a'), promised(1, '1a')], 2);
  t.match(lines[0], /g2 prepare 1 2a, prepare 65535 3a/, 'register 1 is not read twice, and its caller goes first');
});

t.test('[C1] one at a time, and not for ever', async (t) => {
  const a = moving();
  const again = { kind: 'replace', leaver: voter('a1'), joiner: voter('c1'), chains: 2 } as const;
  t.same(a.step(again), ['replaced refused: a replacement is under way on this host']);
  t.match(a.tick(registerOpMs)[0], /prepare 65535 2a/, 'without an answer it tries again');
  const end = a.tick(replaceVoterMs);
  t.ok(end.includes('replaced stopped: no quorum answered while reading'), end.join('; '));
  t.same(a.step(again).slice(0, 1), ['-> a g1 prepare 65535 3a'], 'then another may begin');
});

t.test('[C1] a joint list that its driver left behind is gone on with, by whoever asks for the same', async (t) => {
  const b = new One('b1', { voters: firstVoters(listOf('a1')) });
  b.step({ kind: 'replace', leaver: voter('a1'), joiner: voter('b1'), chains: 1 });
  const lines = b.tell('a1', [promised(65535, '1b', jointFound)]);
  t.same(lines.slice(0, 3), ['keep 1: 65534', 'voters 2', '-> a news 2']);
  t.match(lines[3], /g2 prepare 0 1b/, 'what was read before does not count: all again');
  const c = new One('c1', { voters: firstVoters(listOf('a1')) });
  c.step({ kind: 'replace', leaver: voter('a1'), joiner: voter('c1'), chains: 1 });
  const other = c.tell('a1', [promised(65535, '1c', jointFound)]);
  t.equal(other.at(-1), 'replaced refused: another voter is being replaced');
});

t.test('[C1] [C14] a voter whose disk is gone has no voice until it is replaced by what it is now', async (t) => {
  const world = new World(new Prng(7), { voters: 3, hosts: 4, chains: 3 });
  const [h1, h2, h3] = world.hosts;
  if (h1 === undefined || h2 === undefined || h3 === undefined) throw new Error('three hosts');
  const isDone = (): boolean =>
    world.hosts.every(({ calls, registers }) => {
      return calls.size === 0 && registers?.replacement === undefined;
    });
  for (const register of [0, 1, 2]) world.begin(h1, register, { expect: undefined, value: `v${register}` });
  world.settle(isDone);
  const leaver: Voter = voterOf(h3);
  world.loseDisk(h3);
  world.heal();
  world.settle(isDone);
  t.equal(h3.disk.size, 0, 'it was asked, and said nothing');
  world.step(h2, { kind: 'replace', leaver, joiner: voterOf(h3), chains: world.chains }, true);
  world.settle(isDone);
  t.same(world.replaced, [{ kind: 'done' }]);
  t.equal(world.latest.generation, 3);
  t.ok(
    [0, 1, 2].every((register) => h3.disk.has(register)),
    'it holds every register now',
  );
  world.crash(h1);
  for (const register of [0, 1, 2]) world.begin(h2, register, undefined);
  world.settle(() => h2.calls.size === 0);
  t.same(
    world.calls.filter(({ kind }) => kind === 'read').map((call) => call.found),
    ['v0', 'v1', 'v2'],
    'and the two of them are a quorum',
  );
  t.same(world.check(), [1, 1, 1]);
});
