// Both ends of a join: the joiner, and the last that serves, which fills it, gates for it and promotes it.
import t from 'tap';
import { lastActive } from '../../chain/configuration.ts';
import { active, endOf, history, marksOf, One, says } from './one.ts';

const log = history(4);
const at = (count: number) => endOf(log.slice(0, count));
const append = (index: number) => ({ kind: 'append' as const, committed: 0, entry: log[index] });
const chunk = (after: number, through: number, isLive = true) =>
  ({ kind: 'chunk', after: at(after), isShared: true, isLive, entries: log.slice(after, through) }) as const;

/** b, that joins a > (b) in epoch 1 with the first `held` records, and has asked for what it lacks. */
function joiner(held = 0): One {
  const one = new One('b', { log: log.slice(0, held) });
  one.connect('a');
  one.learn('a', active(1, 'a>(b)', at(0), 1));
  says(t, one.sync(), [`send ->a fetch e1 after #${held}.`]);
  return one;
}

/** The same, filled up to `held` and following. */
function follower(held: number): One {
  const one = joiner();
  one.hear('a', 1, chunk(0, held));
  one.sync();
  return one;
}

/** a, that heads a chain of itself alone in epoch 1 with one record, and was told to add b. */
function last(): One {
  const one = new One('a').join(1, 'a');
  one.learn('a', active(1, 'a'));
  one.connect('b');
  one.step({ kind: 'propose', entry: log[0] as never });
  one.sync();
  one.step({ kind: 'add', host: 'b' as never });
  return one;
}

t.test('[C9] a joiner acks nothing before its log is one of the epoch', async (t) => {
  const one = joiner();
  says(t, one.hear('a', 1, chunk(0, 2)), [/^write #1.\w+ #2.\w+ logEpoch=1$/]);
  says(t, one.sync(), ['send ->a ack e1 #2.']);
  t.same(one.hear('a', 1, append(0)), [], 'what came already is passed over');
  says(t, one.hear('a', 1, append(2)), ['write #3.']);
  says(t, one.sync(), ['send ->a ack e1 #3.']);
});

t.test('[C7] [C9] what a joiner received on a link that broke is kept, however often that link breaks', async (t) => {
  const one = follower(1);
  one.hear('a', 1, append(1));
  for (let count = 0; count < 3; count += 1) {
    one.disconnect('a');
    says(t, one.connect('a'), ['send ->a configured'], 'a write is under way: nothing is asked for');
  }
  says(t, one.sync(), ['send ->a ack e1 #2.', 'send ->a fetch e1 after #2.']);
  t.same(one.hear('a', 1, chunk(1, 2)), [], 'an answer from before');
  says(t, one.hear('a', 1, chunk(2, 2)), ['send ->a ack e1 #2.']);
  t.equal(one.records.length, 2);
});

t.test('[C9] an ack and a pass that were lost with the link are said again when it follows', async (t) => {
  const one = follower(2);
  one.hear('a', 1, { kind: 'barrier', token: 4 });
  one.disconnect('a');
  says(t, one.connect('a'), ['send ->a configured', 'send ->a fetch e1 after #2.']);
  says(t, one.hear('a', 1, chunk(2, 2)), ['send ->a ack e1 #2.', 'send ->a passed e1 4']);
});

t.test('[C9] a joiner that knew of its place before its predecessor did asks once more', async (t) => {
  const one = joiner(1);
  t.same(one.learn('c', active(1, 'a>(b)', at(0), 1)), [], 'of its predecessor only');
  says(t, one.learn('a', active(1, 'a>(b)', at(0), 1)), ['send ->a fetch e1 after #1.']);
});

t.test('[C9] a joiner that follows, and is sent a piece of the log instead, asks for what comes then', async (t) => {
  const one = follower(2);
  t.same(one.hear('a', 1, chunk(0, 1)), [], 'of an older question, and appends follow');
  says(t, one.hear('a', 1, chunk(0, 1, false)), ['send ->a fetch e1 after #2.']);
});

t.test(
  '[C7] [C9] who follows asks again where an older question is answered past what it has: the rest would not follow',
  async (t) => {
    const one = follower(1);
    says(t, one.hear('a', 1, chunk(0, 2)), ['send ->a fetch e1 after #1.']);
    t.same(one.hear('a', 1, append(2)), [], 'not what it asked for');
    says(t, one.hear('a', 1, chunk(1, 2)), [/^write #2.\w+ logEpoch=1$/, 'send ->a ack e1 #1.']);
    says(t, one.sync(), ['send ->a ack e1 #2.']);
    const serving = follower(1);
    serving.learn('a', active(1, 'a>b', at(0), 2));
    for (const piece of [chunk(0, 2), chunk(0, 1, false)]) {
      says(t, serving.hear('a', 1, piece), ['send ->a resume e1 #1.', 'send ->a ack e1 #1.'], 'one that serves, too');
    }
    t.same(serving.hear('a', 1, chunk(0, 1)), [], 'all of that it has');
    says(t, serving.hear('a', 1, append(1)), ['write #2.']);
  },
);

t.test('[C1] [C8] one joins at a time, last; and only a confirmed register says so', async (t) => {
  const one = last();
  t.equal(one.replica.asking, 'change');
  t.same(one.step({ kind: 'add', host: 'c' as never }), [], 'one question at a time');
  says(t, one.hear('b', 1, { kind: 'fetch', after: at(0) }), [], 'it has no joiner yet');
  const lines = one.decide({ kind: 'won' });
  says(t, lines, ['learned active e1.1 a>(b)', 'send ->b configured e1 active e1.1 a>(b)']);
  one.connect('c');
  t.same(one.step({ kind: 'add', host: 'c' as never }), [], 'one joins already');
});

t.test('[C9] the gate: from the first near ack on nothing is acked that the joiner did not', async (t) => {
  const one = last();
  one.decide({ kind: 'won' });
  one.hear('b', 1, { kind: 'fetch', after: at(1) });
  one.step({ kind: 'propose', entry: log[1] as never });
  says(t, one.sync(), ['committed #2'], 'no gate yet');
  t.same(one.hear('b', 1, { kind: 'ack', position: at(1) }), [], 'it closes; #2 was acked without the joiner');
  one.step({ kind: 'propose', entry: log[2] as never });
  t.same(one.sync(), []);
  const lines = one.hear('b', 1, { kind: 'ack', position: at(2) });
  says(t, lines, ['cas active e1.1 a>(b)'], 'all that was ever acked: it is promoted');
  says(t, one.hear('b', 1, { kind: 'ack', position: at(3) }), ['committed #3']);
  one.step({ kind: 'propose', entry: log[3] as never });
  t.same(one.sync(), [], 'while the CAS is under way the gate stays closed');
  const looks = one.decide({ kind: 'unknown' });
  says(t, looks, ['look into the register'], 'and when nobody knows what it did');
  const known = lastActive(one.replica.known);
  t.equal(known?.minor, 1);
});

t.test('[C9] a gate opens by a confirmed register that is without the joiner, and by nothing else', async (t) => {
  const one = last();
  one.decide({ kind: 'won' });
  one.hear('b', 1, { kind: 'fetch', after: at(1) });
  one.step({ kind: 'propose', entry: log[1] as never });
  one.sync();
  one.hear('b', 1, { kind: 'ack', position: at(1) });
  one.step({ kind: 'propose', entry: log[2] as never });
  one.sync();
  one.disconnect('b');
  t.equal(one.replica.gate, 'b', 'a link that broke does not open it');
  says(t, one.step({ kind: 'remove', host: 'b' as never }), ['cas']);
  t.equal(one.replica.gate, 'b');
  const lines = one.decide({ kind: 'won' });
  t.equal(one.replica.gate, undefined);
  t.ok(lines.includes('committed #3'), lines.join('; '));
});

t.test('[C9] [C18] a barrier waits for the joiner that is gated for', async (t) => {
  const one = last();
  one.decide({ kind: 'won' });
  one.hear('b', 1, { kind: 'fetch', after: at(1) });
  says(t, one.step({ kind: 'barrier' }), ['passed 1'], 'no gate yet');
  one.step({ kind: 'propose', entry: log[1] as never });
  one.sync();
  one.hear('b', 1, { kind: 'ack', position: at(1) });
  says(t, one.step({ kind: 'barrier' }), ['send ->b barrier e1 2']);
  says(t, one.hear('b', 1, { kind: 'passed', token: 2 }), ['passed 2']);
});

t.test('[C13] a joiner that was started anew does not take up the join of the process before it', async (t) => {
  const one = new One('b', { log: log.slice(0, 2), marks: marksOf(1, 1) });
  one.step({ kind: 'connected', peer: 'a' as never, boot: 'b1', storeId: 'a' });
  const value = active(1, 'a>(b)', at(0), 1);
  const members = value.members.map((seat) => ({ ...seat, boot: 'b0' }));
  one.learn('a', { ...value, members });
  t.equal(one.replica.phase.kind, 'idle');
  one.learn('a', active(1, 'a>(b)', at(0), 3));
  t.equal(one.replica.phase.kind, 'enrolling', 'asked as itself, it does');
});
