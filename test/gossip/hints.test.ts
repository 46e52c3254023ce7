// Hints: the newest goes round, a false one gives way to what was confirmed, and none is ever more than a hint.
import t from 'tap';
import type { Hint } from '../../chain/gossip/messages.ts';
import { paper } from '../../chain/gossip/profile.ts';
import { hintBytesMax, hintsBytesMax, hintsMax } from '../../engine/base/limits.ts';
import { carry, exchange, hello, instanceOf, Person, people } from './kit.ts';

function hintOf(chain: number, epoch: number, minor = 0, size = 3): Hint {
  return { chain, epoch, minor, bytes: new Uint8Array(size).fill(epoch) };
}

function versionIn({ gossip }: Person, chain: number): string | undefined {
  const hint = gossip.hints.held.get(chain)?.hint;
  return hint && `${hint.epoch}.${hint.minor}`;
}

function confirm(person: Person, hint: Hint, nowMs = 0): void {
  person.step({ kind: 'hint', nowMs, ...hint });
}

function pair(): [Person, Person] {
  const [a, b] = people('a', 'b') as [Person, Person];
  exchange(a, b, 0);
  return [a, b];
}

t.test('[G11] a hint rides in the messages of an exchange, both ways, and the newest wins', async (t) => {
  const [a, b] = pair();
  confirm(a, hintOf(1, 5, 2));
  confirm(b, hintOf(2, 7));
  t.same(
    exchange(a, b, 1_000).filter((kind) => kind !== 'hints'),
    ['hello', 'found', 'counters'],
  );
  t.same([versionIn(b, 1), versionIn(a, 2)], ['5.2', '7.0']);
  t.same(b.heard, [{ kind: 'hint', ...hintOf(1, 5, 2) }]);
  t.equal(a.heard.length, 1, 'what one confirmed oneself is no news');
  for (const [hint, wins] of [
    [hintOf(1, 5, 1), '5.2'],
    [hintOf(1, 4, 9), '5.2'],
    [hintOf(1, 5, 3), '5.3'],
    [hintOf(1, 6), '6.0'],
  ] as const) {
    b.step({ kind: 'message', from: 'a', nowMs: 1_000, message: { kind: 'hints', hints: [hint], wanted: [] } });
    t.equal(versionIn(b, 1), wins);
  }
});

t.test('[G11] a rumour ends; who missed it learns by comparing', async (t) => {
  const [a, b] = pair();
  confirm(a, hintOf(1, 5));
  let rides = 0;
  for (let nowMs = 1_000; nowMs <= 20_000; nowMs += 1_000) {
    const { message } = hello(a, b, nowMs);
    rides += message.kind === 'hello' && message.rumours.length > 0 ? 1 : 0;
  }
  t.equal(rides, 2 * Math.ceil(Math.log2(3)) + 4);
  t.same(
    exchange(a, b, 21_000).filter((kind) => kind === 'hints'),
    ['hints'],
    'the caller has more',
  );
  t.equal(versionIn(b, 1), '5.0');
  confirm(b, hintOf(1, 6));
  b.gossip.hints.rumours.clear();
  t.same(
    exchange(a, b, 22_000).filter((kind) => kind === 'hints'),
    ['hints', 'hints'],
    'who is called has more',
  );
  t.equal(versionIn(a, 1), '6.0');
  a.gossip.hints.rumours.clear();
  t.same(exchange(a, b, 23_000), ['hello', 'found', 'counters'], 'the same hints take nothing but their digest');
});

t.test('[G11] what one message carries of hints is bounded, and the rest follows', async (t) => {
  const [a, b] = pair();
  for (let chain = 0; chain < hintsMax; chain += 1) confirm(a, hintOf(chain, 1, 0, hintBytesMax));
  a.gossip.hints.rumours.clear();
  for (let nowMs = 1_000; b.gossip.hints.held.size < hintsMax; nowMs += 100) {
    const held = b.gossip.hints.held.size;
    const queue = b.hear(hello(a, b, nowMs), nowMs);
    const said = queue.flatMap((one) => a.hear(one, nowMs));
    for (const { message } of said) {
      if (message.kind !== 'hints') continue;
      t.ok(message.hints.reduce((bytes, hint) => bytes + hint.bytes.length, 0) < hintsBytesMax + hintBytesMax);
    }
    carry([a, b], said, nowMs);
    if (b.gossip.hints.held.size <= held) throw new Error('nothing follows');
  }
  confirm(a, hintOf(hintsMax, 1));
  t.equal(a.gossip.hints.held.size, hintsMax, 'and so are the chains');
});

t.test('[G12] a withdrawn hint gives way to what was confirmed, and is not believed for a while', async (t) => {
  const [a, b] = pair();
  confirm(a, hintOf(1, 7));
  exchange(a, b, 1_000);
  const lie = { kind: 'hints', hints: [hintOf(1, 999)], wanted: [] } as const;
  for (const person of [a, b]) person.step({ kind: 'message', from: 'x', nowMs: 1_000, message: lie });
  t.same([versionIn(a, 1), versionIn(b, 1)], ['999.0', '999.0']);
  a.step({ kind: 'dropHint', chain: 1, epoch: 999, nowMs: 2_000 });
  t.equal(versionIn(a, 1), '7.0');
  a.heard = [];
  t.same(exchange(a, b, 2_500).slice(0, 3), ['hello', 'found', 'counters']);
  const asked = a.said.filter(({ message }) => message.kind === 'hints' && message.wanted.length > 0);
  t.same(asked, [], 'nor is it asked for');
  for (let nowMs = 3_000; nowMs <= 10_000; nowMs += 1_000)
    exchange(nowMs % 2_000 === 0 ? a : b, nowMs % 2_000 === 0 ? b : a, nowMs);
  t.same([versionIn(a, 1), a.heard], ['7.0', []], 'a peer that still believes it cannot bring it back');
  confirm(b, hintOf(1, 8), 10_000);
  b.step({ kind: 'dropHint', chain: 1, epoch: 999, nowMs: 10_000 });
  exchange(b, a, 11_000);
  t.equal(versionIn(a, 1), '8.0', 'a true one below it is heard all the while');
  a.step({ kind: 'message', from: 'x', nowMs: 2_000 + paper.hintRefusedMs, message: lie });
  t.equal(versionIn(a, 1), '999.0', 'and after it, it is checked anew');
});

t.test('[G12] what was confirmed is never withdrawn, and a confirmation ends a refusal', async (t) => {
  const a = new Person(instanceOf('a'));
  confirm(a, hintOf(1, 7));
  a.step({ kind: 'dropHint', chain: 1, epoch: 7, nowMs: 0 });
  t.equal(versionIn(a, 1), '7.0');
  a.step({ kind: 'message', from: 'x', nowMs: 0, message: { kind: 'hints', hints: [hintOf(1, 8)], wanted: [] } });
  t.equal(versionIn(a, 1), '8.0', 'nor does anything follow from trying');
  a.step({ kind: 'dropHint', chain: 1, epoch: 9, nowMs: 0 });
  confirm(a, hintOf(1, 9));
  const later = { kind: 'hints', hints: [hintOf(1, 10)], wanted: [] } as const;
  a.step({ kind: 'message', from: 'x', nowMs: 1, message: later });
  t.equal(versionIn(a, 1), '10.0');
  a.step({ kind: 'dropHint', chain: 2, epoch: 3, nowMs: 0 });
  t.equal(versionIn(a, 2), undefined, 'nothing to fall back on');
});
