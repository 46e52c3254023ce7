// A voter: what it promises, what it accepts, and that nobody hears of either before the disk has it.
import t from 'tap';
import { encodeCell } from '../../chain/register/cell.ts';
import { firstVoters, type Voters, voterListCell } from '../../chain/register/voters.ts';
import { accept, ballot, found, listOf, One, prepare } from './one.ts';

const joint: Voters = { generation: 2, voters: listOf('a1', 'b1', 'c1'), joining: listOf('a1', 'b1', 'd1') };
const moved: Voters = { generation: 3, voters: listOf('a1', 'b1', 'd1'), joining: undefined };

t.test('[C14] a voter answers when what it answers is synced, and not before', async (t) => {
  const a = new One('a1');
  t.same(a.ask('b', [prepare(0, '1b'), prepare(1, '1b')]), ['keep 1: 0 1']);
  t.same(a.ask('c', [prepare(0, '2c')]), ['keep 2: 0'], 'memory moves at once: what is in flight counts');
  t.same(a.kept(1), ['-> b g1 promised 0 1b, promised 1 1b']);
  t.same(a.kept(2), ['-> c g1 promised 0 2c']);
  t.same(
    a.ask('b', [accept(0, '1b', 'x')]),
    ['-> b g1 rejected 0 1b by 2c'],
    'all is synced: a refusal leaves at once',
  );
});

t.test('[C14] neither a refusal nor a repeat leaves before the write that it rests on', async (t) => {
  const a = new One('a1');
  t.same(a.ask('c', [accept(0, '5c', 'x')]), ['keep 1: 0']);
  t.same(a.ask('c', [accept(0, '5c', 'x')]), [], 'the same again');
  t.same(a.ask('b', [prepare(0, '4b')]), [], 'refused, by a promise that a crash could still take back');
  t.same(a.ask('c', [prepare(1, '1c')]), ['keep 2: 1']);
  t.same(a.kept(1), ['-> c g1 accepted 0 5c, accepted 0 5c', '-> b g1 rejected 0 4b by 5c']);
  t.same(a.kept(2), ['-> c g1 promised 1 1c']);
});

t.test('[C14] a promise is made strictly above all promises; a value accepted at or above them', async (t) => {
  const a = new One('a1');
  a.ask('b', [prepare(0, '5b')]);
  a.kept(1);
  t.same(a.ask('a', [prepare(0, '5a')]), ['-> a g1 rejected 0 5a by 5b'], 'ballots of one counter go by host');
  t.same(a.ask('b', [prepare(0, '5b0')]), ['-> b g1 rejected 0 5b by 5b'], 'and by process');
  t.same(a.ask('b', [prepare(0, '5b')]), ['-> b g1 promised 0 5b'], 'the same one is told again, without a write');
  t.same(a.ask('b', [accept(0, '4b', 'x')]), ['-> b g1 rejected 0 4b by 5b']);
  t.same(a.ask('b', [accept(0, '5b', 'x')]), ['keep 2: 0'], 'at the promise');
  t.same(a.ask('c', [accept(0, '7c', 'y')]), ['keep 3: 0'], 'above the promise, which it raises');
  a.kept(3);
  t.same(a.ask('c', [accept(0, '7b', 'z')]), ['-> c g1 rejected 0 7b by 7c']);
  t.same(a.ask('b', [prepare(0, '8b')]), ['keep 4: 0']);
  t.same(a.kept(4), ['-> b g1 promised 0 8b found 7c y']);
});

t.test('[C14] a restart finds what was said, and stops at a cell that it cannot read', async (t) => {
  const a = new One('a1');
  a.ask('b', [prepare(0, '5b'), accept(1, '3b', 'x')]);
  const again = new One('a1', { cells: a.cells });
  t.same(again.ask('c', [prepare(0, '4c'), accept(1, '2c', 'y')]), [
    '-> c g1 rejected 0 4c by 5b, rejected 1 2c by 3b',
  ]);
  t.same(again.ask('c', [prepare(1, '9c')]), ['keep 1: 1']);
  t.same(again.kept(1), ['-> c g1 promised 1 9c found 3b x']);
  const cut = encodeCell({ promised: ballot('1a'), accepted: found('1a', 'x') }).subarray(1);
  t.throws(() => new One('a1', { cells: [{ register: 3, bytes: cut }] }), { code: 'ENGINE_CORRUPT' });
});

t.test('[C14] who has no vote is silent: another host, or the host of a voter with another disk', async (t) => {
  t.same(new One('d1').ask('b', [prepare(0, '5b')]), []);
  t.same(new One('a2').ask('b', [prepare(0, '5b')]), []);
});

t.test('[C1] [C14] a voter votes in the newest generation that it knows, never again in an older one', async (t) => {
  const a = new One('a1');
  t.same(a.ask('b', [prepare(0, '1b')], 2), ['-> b news 1'], 'it does not know that one yet');
  t.same(a.news('b', joint), ['keep 1: 65534', 'voters 2']);
  t.same(a.ask('c', [prepare(0, '1c')], 1), ['-> c news 2'], 'news need not wait: they are true whatever happens here');
  t.same(a.ask('b', [prepare(0, '1b')], 2), ['keep 2: 0']);
  t.same(a.kept(1), [], 'an answer in a generation waits for the list too');
  t.same(a.kept(2), ['-> b g2 promised 0 1b']);
  t.same(a.news('c', firstVoters(listOf('a1', 'b1', 'c1'))), ['-> c news 2'], 'who is behind is told');
  t.same(a.news('c', joint), [], 'who is not is not answered');
  const again = new One('a1', { cells: a.cells });
  t.same(again.ask('c', [prepare(0, '1c')], 1), ['-> c news 2'], 'a restart does not lead back');
  t.same(
    a.cells.map(({ register }) => register),
    [voterListCell, 0],
  );
});

t.test('[C14] the list decides who votes: a new voter begins, an old one falls silent', async (t) => {
  const [c, d] = [new One('c1'), new One('d1')];
  d.news('a', joint);
  t.same(d.ask('b', [prepare(0, '1b')], 2), ['keep 2: 0']);
  c.news('a', moved);
  t.same(c.ask('b', [prepare(0, '1b')], 3), []);
  t.same(c.ask('b', [prepare(0, '1b')], 2), ['-> b news 3']);
});

t.test('[C14] a list that is synced with nothing else is answered by after it all the same', async (t) => {
  const a = new One('a1');
  a.ask('b', [prepare(0, '5b')]);
  a.kept(1);
  a.news('b', joint);
  t.same(a.ask('c', [prepare(0, '1c')], 2), [], 'a refusal in generation 2 would tell that its list is kept');
  t.same(a.kept(2), ['-> c g2 rejected 0 1c by 5b']);
});
