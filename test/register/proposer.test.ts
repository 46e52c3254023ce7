// Operations: what a quorum is, what they find, and what they may say they did.
import t from 'tap';
import type { Voters } from '../../chain/register/voters.ts';
import { registerItemsMax, registerOpMs, registerRestMsMin, registerRetryMs } from '../../engine/base/limits.ts';
import { accepted, cas, found, listOf, One, promised, rejected } from './one.ts';

const joint: Voters = { generation: 2, voters: listOf('a1', 'b1', 'c1'), joining: listOf('a1', 'b1', 'd1') };

/** Begins a CAS on register 0 and brings it to where its accept is sent. */
function accepting(expect?: string): One {
  const a = new One('a1');
  a.begin(0, cas(expect, 'new'));
  const one = expect === undefined ? undefined : found('1b', expect);
  a.tell('a1', [promised(0, '1a', one)]);
  t.match(a.tell('b1', [promised(0, '1a', one)])[0], /accept 0 1a new/);
  return a;
}

t.test('[C13] a read is what a quorum tells after it began', async (t) => {
  const a = new One('a1');
  t.same(a.begin(0), ['-> a g1 prepare 0 1a', '-> b g1 prepare 0 1a', '-> c g1 prepare 0 1a']);
  t.same(a.tell('b1', [promised(0, '1a', found('1b', 'x'))]), [], 'one is none');
  t.same(a.tell('b1', [promised(0, '1a', found('1b', 'x'))]), [], 'and stays one when heard again');
  t.same(
    a.tell('c1', [promised(0, '1a', found('1b', 'x'))]),
    ['decided 0 #0 value x'],
    'a quorum has accepted it: decided',
  );
  t.same(a.tell('a1', [promised(0, '1a', found('1b', 'x'))]), []);
});

t.test('[C13] a read that finds an undecided value decides it; the highest ballot counts', async (t) => {
  const a = new One('a1');
  a.begin(0);
  a.tell('a1', [promised(0, '1a', found('3c', 'high'))]);
  const lines = a.tell('b1', [promised(0, '1a', found('2b', 'low'))]);
  t.same(lines, ['-> a g1 accept 0 1a high', '-> b g1 accept 0 1a high', '-> c g1 accept 0 1a high']);
  t.same(a.tell('c1', [accepted(0, '1a')]), []);
  t.same(a.tell('a1', [accepted(0, '1a')]), ['decided 0 #0 value high']);
});

t.test('[C13] an empty register is read as such, and nothing is written', async (t) => {
  const a = new One('a1');
  a.begin(0);
  a.tell('a1', [promised(0, '1a')]);
  t.same(a.tell('c1', [promised(0, '1a')]), ['decided 0 #0 value nothing']);
  a.begin(1, cas('x', 'y'));
  a.tell('a1', [promised(1, '1a')]);
  t.same(a.tell('c1', [promised(1, '1a')]), ['decided 1 #0 lost nothing']);
});

t.test(
  '[C1] [C14] only voters of the list in force count, each once, and only answers to what was asked',
  async (t) => {
    const a = new One('a1');
    a.begin(0);
    a.tell('b1', [promised(0, '1a')]);
    t.same(a.tell('d1', [promised(0, '1a')]), [], 'no voter');
    t.same(a.tell('c2', [promised(0, '1a')]), [], 'a voter with another disk');
    t.same(a.tell('c1', [promised(0, '1a')], 2), [], 'another generation');
    t.same(a.tell('c1', [promised(0, '1a2')]), [], 'to another process of this host');
    t.same(a.tell('c1', [promised(0, '2a')]), [], 'to another attempt');
    t.same(a.tell('c1', [promised(1, '1a')]), [], 'of another register');
    t.same(a.tell('c1', [accepted(0, '1a')]), [], 'to another question');
    t.same(a.tell('c1', [promised(0, '1a')]), ['decided 0 #0 value nothing']);
  },
);

t.test('[C1] while the list changes, both lists have to agree', async (t) => {
  const a = new One('a1', { voters: joint });
  t.equal(a.begin(0).length, 4);
  a.tell('a1', [promised(0, '1a')], 2);
  t.same(a.tell('c1', [promised(0, '1a')], 2), [], 'a majority of the old list');
  t.same(a.tell('d1', [promised(0, '1a')], 2), ['decided 0 #0 value nothing']);
  a.begin(0);
  a.tell('a1', [promised(0, '2a')], 2);
  t.same(a.tell('d1', [promised(0, '2a')], 2), [], 'a majority of the new one');
});

t.test('[C1] a CAS compares every byte, and takes effect once a quorum has accepted', async (t) => {
  const a = accepting('old');
  t.same(a.tell('a1', [accepted(0, '1a')]), []);
  t.same(a.tell('b1', [accepted(0, '1a')]), ['decided 0 #0 won']);
  a.begin(0, cas('ole', 'other'));
  a.tell('a1', [promised(0, '2a', found('1a', 'new'))]);
  t.same(a.tell('b1', [promised(0, '2a', found('1a', 'new'))]), ['decided 0 #0 lost new']);
});

t.test('[C1] a CAS that was refused half way explains what it finds', async (t) => {
  const retried = (value: string) => {
    const a = accepting('old');
    a.tell('a1', [rejected(0, '1a', '7c')]);
    t.match(a.tell('b1', [rejected(0, '1a', '7c')])[0], /prepare 0 8a/, 'the first time at once, above who refused');
    a.tell('a1', [promised(0, '8a', found('6b', value))]);
    return a.tell('b1', [promised(0, '8a', found('6b', value))]);
  };
  t.same(retried('new'), ['decided 0 #0 won'], 'its own: somebody finished it');
  t.match(retried('old')[0], /accept 0 8a new/, 'what it expected: it never was, and is tried again');
  t.same(retried('third'), ['decided 0 #0 unknown'], 'it may have been, and been followed');
});

t.test('[C1] what did not end in time is unknown once it may have been written, and failed before', async (t) => {
  const [read, early, late] = [new One('a1'), new One('a1'), accepting()];
  read.begin(0);
  early.begin(0, cas(undefined, 'x'));
  t.same(read.tick(registerOpMs), ['decided 0 #0 failed']);
  t.same(early.tick(registerOpMs), ['decided 0 #0 failed']);
  t.same(late.tick(registerOpMs), ['decided 0 #0 unknown']);
  t.same(late.tell('b1', [accepted(0, '1a')]), [], 'an answer after the end is none');
});

t.test('[C1] what is unanswered is asked again: after a while, and on a new link', async (t) => {
  const a = new One('a1');
  a.begin(0);
  a.tell('b1', [promised(0, '1a')]);
  t.same(a.tick(registerRetryMs - 1), []);
  t.same(a.tick(1), ['-> a g1 prepare 0 1a', '-> c g1 prepare 0 1a'], 'under the same ballot, who has not answered');
  t.same(a.step({ kind: 'connected', peer: listOf('c1')[0]?.host as never }), ['-> c g1 prepare 0 1a']);
  t.same(a.step({ kind: 'connected', peer: listOf('b1')[0]?.host as never }), []);
  t.same(a.tell('c1', [rejected(0, '1a', '3c')]), [], 'b and a can still do without c');
  t.match(a.tick(registerRetryMs)[0], /prepare 0 4a/, 'but do not');
});

t.test('[C1] of two in a duel each rests for a time of its own, longer every time', async (t) => {
  const a = new One('a1', { random: 0.999 });
  a.begin(0);
  const refuse = (counter: number) => {
    a.tell('a1', [rejected(0, `${counter}a`, `${counter}b`)]);
    return a.tell('b1', [rejected(0, `${counter}a`, `${counter}b`)]);
  };
  t.match(refuse(1)[0], /prepare 0 2a/);
  let counter = 2;
  for (const restMs of [registerRestMsMin, 2 * registerRestMsMin, 4 * registerRestMsMin]) {
    t.same(refuse(counter), [], 'it rests');
    t.same(a.tick(restMs - 1), []);
    counter += 1;
    t.match(a.tick(1)[0], new RegExp(`prepare 0 ${counter}a`));
  }
});

t.test('[C1] a turn asks each voter once, whatever it is about; one register has one operation', async (t) => {
  const a = new One('a1');
  for (let register = 0; register < registerItemsMax + 2; register += 1)
    t.same(a.step({ kind: 'begin', register, op: 0, change: { kind: 'read' } }, false), []);
  t.same(
    a.flush().map((line) => line.split(',').length),
    [192, 2, 192, 2, 192, 2],
  );
  t.same(a.flush(), []);
  t.throws(() => a.begin(0), /one operation at a time/);
  t.throws(() => a.begin(0xffff), /is a chain's/);
  t.throws(() => a.begin(300, cas(undefined, 'x'.repeat(40_000))), /fits a register/);
});

t.test(
  '[C1] an attempt ends with its generation: nothing prepared under one list is accepted under another',
  async (t) => {
    const a = new One('a1');
    a.begin(0, cas(undefined, 'new'));
    a.tell('a1', [promised(0, '1a')]);
    const message = { kind: 'registerTell', generation: 1, storeId: 'b1', items: [promised(0, '1a')] } as const;
    a.step({ kind: 'message', from: listOf('b1')[0]?.host as never, message }, false);
    t.same(a.news('b', joint, false), ['keep 1: 65534', 'voters 2']);
    const asks = ['a', 'b', 'c', 'd'].map((host) => `-> ${host} g2 prepare 0 2a`);
    t.same(a.flush(), asks, 'the accept that was about to leave is dropped');
    t.same(a.tell('a1', [promised(0, '2a')], 2), []);
    t.same(a.tell('b1', [promised(0, '1a')], 1), [], 'answers of before are none');
    t.match(a.tell('b1', [promised(0, '2a')], 2)[0], /g2 accept 0 2a new/);
    t.same(a.tick(registerOpMs), ['decided 0 #0 unknown']);
  },
);

t.test('[C19] all of it is plain data', async (t) => {
  const { acceptor, proposer, replacement, held } = accepting().registers;
  const plain = { acceptor, proposer: { ...proposer, random: undefined }, replacement, held };
  t.same(structuredClone(plain), plain);
});
