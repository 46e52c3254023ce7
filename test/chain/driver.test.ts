// A reconfiguration at the host that drives it: what it asks the register, whose answers count, and when it gives up.
import t from 'tap';
import type { Configuration } from '../../chain/configuration.ts';
import type { HostId } from '../../engine/base/ids.ts';
import { active, endOf, history, marksOf, One, says, strangeAt } from './one.ts';

const log = history(3);
const hosts = (order: string): HostId[] => order.split('>') as HostId[];

/** d, which is no member of a > b > c in epoch 4, drives `order` and has its pending configuration. */
function driver(order = 'a>b>c', serversMin = 1, loss?: string, before: Configuration | 'none' = active(4)): One {
  const one = new One('d');
  for (const peer of ['a', 'b', 'c']) one.connect(peer);
  if (before !== 'none') one.learn('a', before);
  one.step({ kind: 'reconfigure', intention: { order: hosts(order), serversMin, loss } });
  if (before === 'none') one.decide({ kind: 'value', value: undefined });
  return one;
}

const sealed = (one: One, count: number, logEpoch = 4, storeId = '') => {
  const nonce = one.replica.drive?.nonce;
  return (from: string) =>
    one.hear(from, 5, {
      kind: 'sealed',
      nonce,
      storeId: storeId || from,
      logEpoch,
      position: endOf(log.slice(0, count)),
    });
};

t.test(
  '[C1] a pending configuration takes a higher epoch, keeps what was active last, and is nobody else its own',
  async (t) => {
    const one = driver();
    const first = one.replica.drive?.pending;
    t.match(first, { phase: 'pending', epoch: 5, minor: 0, previous: { epoch: 4, nonce: 'n4.0' } });
    one.decide({ kind: 'lost', value: { ...(first as Configuration), epoch: 7 as never, nonce: 'theirs' } });
    t.equal(one.replica.drive, undefined, 'the attempt of somebody else is not finished');
    one.step({ kind: 'reconfigure', intention: { order: hosts('a>b'), serversMin: 1, loss: undefined } });
    t.match(one.replica.drive?.pending, { epoch: 8, previous: { epoch: 4 } });
    t.not(one.replica.drive?.nonce, first?.nonce);
  },
);

t.test(
  '[C4] an answer counts if its store serves in the last active configuration, with a log of that epoch',
  async (t) => {
    const one = driver('a>b>c', 1, undefined, active(4, 'a>b>(c)'));
    says(t, one.decide({ kind: 'won' }), ['learned', 'send ->a seal e5', 'send ->b seal e5']);
    t.same(sealed(one, 3, 4)('c'), [], 'a joiner saves nobody');
    t.same(sealed(one, 3, 3)('b'), [], 'nor does a log of an older epoch');
    const lines = sealed(one, 2)('a');
    t.ok(lines.includes(`send ->a transfer e5 to #2.${log[1]?.hash.slice(0, 6)} from a`), lines.join('; '));
    t.notOk(lines.some((line) => line.startsWith('send ->b transfer')));
  },
);

t.test('[C10] an answer from a store that has no seat does not count', async (t) => {
  const one = driver();
  one.decide({ kind: 'won' });
  sealed(one, 3, 9, 'b2')('b');
  sealed(one, 1)('a');
  const lines = sealed(one, 2)('c');
  t.match(one.replica.drive?.chosen, { source: 'c', start: endOf(log.slice(0, 2)) });
  t.notOk(lines.some((line) => line.startsWith('send ->b transfer')));
});

t.test('[C4] a history is chosen once for an epoch: a late answer takes it, however long its log is', async (t) => {
  const one = driver();
  one.decide({ kind: 'won' });
  sealed(one, 1)('a');
  one.step({ kind: 'hurry' });
  t.match(one.replica.drive?.chosen, { source: 'a', start: endOf(log.slice(0, 1)) });
  says(t, sealed(one, 3)('b'), ['send ->b transfer e5 to #1.']);
  t.match(one.replica.drive?.chosen, { source: 'a' });
});

t.test('[C6] [C12] with fewer than it needs the chain stays pending', async (t) => {
  const one = driver('a>b>c', 2);
  one.decide({ kind: 'won' });
  const { nonce } = one.replica.drive ?? {};
  sealed(one, 1)('a');
  one.step({ kind: 'hurry' });
  t.same([...(one.replica.drive?.asked ?? [])], ['a', 'b', 'c'], 'others are filled');
  const taken = (from: string) => one.hear(from, 5, { kind: 'transferred', nonce, storeId: from });
  t.same(taken('a'), []);
  t.same(one.step({ kind: 'hurry' }), [], 'one is not enough, and no hurry makes it so');
  t.same(taken('c'), []);
  says(t, one.step({ kind: 'hurry' }), ['cas pending e5.0 a>b>c -> active e5.0 a>c at #1.']);
});

t.test('[C4] who is asked to take the history is waited for, while its link is there', async (t) => {
  const one = driver();
  one.decide({ kind: 'won' });
  const { nonce } = one.replica.drive ?? {};
  for (const host of ['a', 'b', 'c']) sealed(one, 1)(host);
  for (const from of ['a', 'b']) t.same(one.hear(from, 5, { kind: 'transferred', nonce, storeId: from }), []);
  says(t, one.disconnect('c'), ['cas pending e5.0 a>b>c -> active e5.0 a>b at #1.']);
});

t.test('[C1] the register is asked one thing at a time: who drives looks at nothing', async (t) => {
  const one = driver();
  t.same(one.step({ kind: 'look' }), [], 'while a CAS is under way');
  one.decide({ kind: 'won' });
  const { nonce } = one.replica.drive ?? {};
  for (const host of ['a', 'b', 'c']) sealed(one, 1)(host);
  t.same(one.step({ kind: 'look' }), [], 'nor before the next');
  for (const from of ['a', 'b']) t.same(one.hear(from, 5, { kind: 'transferred', nonce, storeId: from }), []);
  const lines = one.hear('c', 5, { kind: 'transferred', nonce, storeId: 'c' });
  says(t, lines, ['cas pending e5.0 a>b>c -> active e5.0 a>b>c at #1.']);
  says(t, one.decide({ kind: 'unknown' }), ['look into the register']);
  t.same(one.decide({ kind: 'failed' }), [], 'a read that found nothing out ends the attempt');
  t.equal(one.replica.drive, undefined);
  says(t, one.step({ kind: 'look' }), ['look into the register']);
});

t.test('[C1] what a CAS did whose answer was lost is learned by reading it back', async (t) => {
  for (const isDone of [true, false]) {
    const one = driver();
    const { pending } = one.replica.drive ?? {};
    says(t, one.decide({ kind: 'unknown' }), ['look into the register']);
    says(t, one.decide({ kind: 'unknown' }), ['look into the register'], 'until it is known');
    one.decide({ kind: 'value', value: isDone ? pending : active(4) });
    t.equal(one.replica.drive?.stage, isDone ? 'sealing' : undefined);
  }
});

t.test('[C1] an attempt that another has passed is given up', async (t) => {
  const one = driver();
  one.decide({ kind: 'won' });
  t.equal(one.replica.drive?.stage, 'sealing');
  one.learn('a', active(6));
  t.equal(one.replica.drive, undefined);
  const refused = driver();
  refused.decide({ kind: 'won' });
  refused.hear('b', 9, { kind: 'refused', nonce: 'of another' });
  t.ok(refused.replica.drive);
  refused.hear('b', 9, { kind: 'refused', nonce: refused.replica.drive?.nonce });
  t.equal(refused.replica.drive, undefined);
  refused.step({ kind: 'reconfigure', intention: { order: hosts('a'), serversMin: 1, loss: undefined } });
  t.equal(refused.replica.drive?.pending?.epoch, 10, 'the next goes past who refused');
});

t.test('[C4] the first epoch begins with all who are meant to be in it, and the longest of their logs', async (t) => {
  const one = driver('a>b', 1, undefined, 'none');
  one.decide({ kind: 'won' });
  const { nonce } = one.replica.drive ?? {};
  const answer = (from: string, count: number) =>
    one.hear(from, 1, { kind: 'sealed', nonce, storeId: from, logEpoch: 0, position: endOf(log.slice(0, count)) });
  answer('a', 1);
  t.same(one.step({ kind: 'hurry' }), []);
  t.same(one.disconnect('b'), []);
  one.connect('b');
  answer('b', 2);
  t.match(one.replica.drive?.chosen, { source: 'b' });
  one.hear('b', 1, { kind: 'transferred', nonce, storeId: 'b' });
  t.same(one.step({ kind: 'hurry' }), [], 'and all take it');
  says(t, one.hear('a', 1, { kind: 'transferred', nonce, storeId: 'a' }), ['cas']);
});

t.test(
  '[C12] an operator who accepts a loss needs only those whom he names, and the log that knows most',
  async (t) => {
    const one = driver('b>c', 1, 'the disks of a are gone');
    one.disconnect('a');
    one.decide({ kind: 'won' });
    sealed(one, 3, 2)('b');
    t.equal(one.replica.drive?.chosen, undefined);
    sealed(one, 1, 3)('c');
    t.match(one.replica.drive?.chosen, { source: 'c' }, 'the later epoch knows more than the longer log');
    t.equal(one.replica.drive?.pending?.loss, 'the disks of a are gone');
    const silent = driver('b>c', 1, 'a does not answer');
    silent.decide({ kind: 'won' });
    for (const host of ['b', 'c']) sealed(silent, 1, 0)(host);
    t.equal(silent.replica.drive?.chosen, undefined, 'a is linked, and waited for');
    silent.step({ kind: 'hurry' });
    t.ok(silent.replica.drive?.chosen);
  },
);

t.test('[C13] what a successor said to a process that runs nothing yet is kept until it does', async (t) => {
  const a = new One('a', { log, marks: { ...marksOf(5, 4, 5), nonce: 'n' } });
  a.connect('b');
  a.hear('b', 5, { kind: 'resume', position: endOf(log) });
  a.learn('b', active(5, 'a>b', endOf(log)));
  a.sync();
  const [next] = history(1, endOf(log), 5);
  says(t, a.step({ kind: 'propose', entry: next as never }), [/^write #4/, 'send ->b append e5 #4.']);
  const wrong = new One('a', { log, marks: { ...marksOf(5, 4, 5), nonce: 'n' } });
  wrong.connect('b');
  wrong.hear('b', 5, { kind: 'resume', position: strangeAt(3) });
  wrong.learn('b', active(5, 'a>b', endOf(log)));
  t.ok(
    wrong.sync().some((line) => line.startsWith('wedged: C7')),
    'and held against its history then',
  );
});
