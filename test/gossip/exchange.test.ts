// The three paths of an exchange, by the messages that they take.
import t from 'tap';
import { makeSet } from '../../chain/gossip/instances.ts';
import type { GossipMessage } from '../../chain/gossip/messages.ts';
import { instanceSetsMax } from '../../engine/base/limits.ts';
import { carry, exchange, hello, idle, instanceOf, Person, people } from './kit.ts';

/** Three who know each other, long enough ago that none of it is news. */
function settled(): { a: Person; b: Person; c: Person; nowMs: number } {
  const [a, b, c] = people('a', 'b', 'c') as [Person, Person, Person];
  exchange(a, b, 0);
  exchange(b, c, 0);
  exchange(c, a, 0);
  for (let nowMs = 1_000; nowMs <= 30_000; nowMs += 1_000) {
    exchange(a, b, nowMs);
    exchange(b, c, nowMs);
    exchange(c, a, nowMs);
  }
  for (const person of [a, b, c]) person.news = [];
  return { a, b, c, nowMs: 31_000 };
}

t.test('[G1] peers with one set exchange counters in three messages', async (t) => {
  const { a, b, nowMs } = settled();
  const [happy, bytes] = [a.gossip.metrics.happy, b.gossip.metrics.bytes.happy];
  const counter = b.gossip.counters[b.gossip.selfAt];
  t.same(exchange(a, b, nowMs), ['hello', 'found', 'counters']);
  t.equal(a.gossip.metrics.happy, happy + 1);
  t.equal(b.gossip.metrics.bytes.happy - bytes, 1 + 8 + 2 + 3 * 4 + 2 + 2 + 2 + 2 + 1, 'three counters and no names');
  t.equal(a.gossip.counters[1], counter);
  t.equal(b.gossip.counters[0], a.gossip.counters[0]);
});

t.test('[G1] a first message that arrives is a sign of life by itself', async (t) => {
  const { a, b, nowMs } = settled();
  b.hear(hello(a, b, nowMs), nowMs);
  t.equal(b.gossip.counters[0], a.gossip.counters[0]);
  t.equal(b.gossip.grewMs[0], nowMs);
});

t.test('[G1] who is new rides in the first message, and the set is common by then', async (t) => {
  const { a, b, c, nowMs } = settled();
  const d = new Person(instanceOf('d'), nowMs);
  exchange(d, a, nowMs);
  t.same(a.ids, ['a', 'b', 'c', 'd']);
  t.same(exchange(a, b, nowMs), ['hello', 'found', 'counters']);
  t.same([b.ids, b.news], [['a', 'b', 'c', 'd'], ['+d']]);
  t.same(exchange(c, b, nowMs), ['hello', 'found', 'counters'], 'who was called remembers the older set');
  t.same(c.ids, ['a', 'b', 'c', 'd'], 'and says what is missing from it');
});

t.test('[G1] where only the caller remembers, it takes four messages', async (t) => {
  const { a, b, c, nowMs } = settled();
  const d = new Person(instanceOf('d'), nowMs);
  exchange(d, a, nowMs);
  // Once it is no news any more, b can learn of d by comparing sets only.
  a.gossip.recent = [];
  t.same(exchange(a, b, nowMs), ['hello', 'unknown', 'reverse', 'counters']);
  t.same(b.ids, ['a', 'b', 'c', 'd']);
  t.same([a.gossip.metrics.reverse > 0, c.ids], [true, ['a', 'b', 'c']]);
  t.equal(b.gossip.counters[3], a.gossip.counters[3]);
});

t.test('[G2] where neither remembers, one full set is sent, and what it lacks comes back', async (t) => {
  const [a, b, c, d] = people('a', 'b', 'c', 'd') as [Person, Person, Person, Person];
  exchange(a, b, 0);
  exchange(c, d, 0);
  for (const person of [a, b, c, d]) person.gossip.recent = [];
  const slow = a.gossip.metrics.slow;
  t.same(exchange(a, c, 1_000), ['hello', 'unknown', 'full', 'rest']);
  t.equal(a.gossip.metrics.slow, slow + 1);
  t.same(
    [a.ids, c.ids],
    [
      ['a', 'b', 'c', 'd'],
      ['a', 'b', 'c', 'd'],
    ],
  );
  t.equal(a.gossip.set.hash, c.gossip.set.hash);
  t.same(exchange(a, c, 2_000), ['hello', 'found', 'counters']);
});

t.test('[G2] a full set is remembered, also where not all of it was taken', async (t) => {
  const { a, b, nowMs } = settled();
  const old = { instance: instanceOf('x'), counter: 1, ageMs: 99_999 };
  const instances = [...a.gossip.set.instances.map((instance) => ({ instance, counter: 1, ageMs: 0 })), old];
  b.hear({ from: 'a', to: 'b', message: { kind: 'full', instances } }, nowMs);
  t.same(b.ids, ['a', 'b', 'c']);
  const set = makeSet(instances.map(({ instance }) => instance)).hash;
  const said = hello(a, b, nowMs);
  const [answer] = b.hear({ ...said, message: { ...said.message, set } as GossipMessage }, nowMs);
  t.equal(answer?.message.kind, 'found', 'so that it need not be sent again');
});

t.test('[G3] the hash of a set covers its members, not their counters', async (t) => {
  const [x, y, z] = [instanceOf('x'), instanceOf('y'), instanceOf('x', { boot: 'b2' })];
  const hashes = [[x], [y], [z], [x, y], []].map((instances) => makeSet(instances).hash);
  t.equal(new Set(hashes).size, hashes.length);
  const { a, b, nowMs } = settled();
  const before = a.gossip.set;
  exchange(a, b, nowMs);
  t.equal(a.gossip.set, before, 'counters grew, and the set is the same');
  for (const parts of [{ region: 's' }, { address: '' }, { appHash: '' }, { roles: ['proxy'] as const }])
    t.not(instanceOf('x', parts).hash, x.hash, JSON.stringify(parts));
});

t.test('[G10] a message about a set that nobody remembers is dropped, and counted', async (t) => {
  const { a, b, c, nowMs } = settled();
  const [found] = b.hear(hello(a, b, nowMs), nowMs);
  if (found === undefined || found.message.kind !== 'found') throw new Error('b answers');
  const { counters } = found.message;
  for (const message of [
    { ...found.message, set: '00'.repeat(8) },
    { ...found.message, counters: counters.slice(1) },
  ]) {
    const refused = c.gossip.metrics.refused;
    t.same(c.hear({ ...found, message }, nowMs), []);
    t.equal(c.gossip.metrics.refused, refused + 1);
  }
});

t.test('[G10] messages may come twice, late and out of order', async (t) => {
  const { a, b, nowMs } = settled();
  const first = hello(a, b, nowMs);
  const [found] = b.hear(first, nowMs);
  if (found === undefined) throw new Error('b answers');
  exchange(a, b, nowMs + 1_000);
  const counters = [...b.gossip.counters];
  carry([a, b], [found, first, found], nowMs + 1_500);
  t.same([...b.gossip.counters], counters, 'what is old changes nothing');
  t.same([a.news, b.news], [[], []]);
});

t.test('[G10] what is remembered of sets is bounded', async (t) => {
  const a = new Person(instanceOf('a'));
  for (let host = 0; host < 3 * instanceSetsMax; host += 1) exchange(new Person(instanceOf(`h${host}`)), a, 0);
  t.equal(a.gossip.set.instances.length, 3 * instanceSetsMax + 1);
  t.equal(a.gossip.history.size, instanceSetsMax);
});

t.test('[G13] hosts call hosts and, over a link, proxies; proxies call hosts', async (t) => {
  const host = new Person(instanceOf('h'));
  const proxy = new Person(instanceOf('p', { roles: ['proxy'], address: '' }));
  const other = new Person(instanceOf('q', { roles: ['proxy'], address: '' }));
  const voter = new Person(instanceOf('v', { roles: ['voter'] }));
  for (const person of [proxy, other, voter]) exchange(person, host, 0);
  exchange(proxy, host, 0);
  t.same([host.gossip.peers, proxy.gossip.peers], [[], ['h']]);
  host.step({ kind: 'connected', id: 'p' });
  t.same(host.gossip.peers, ['p']);
  idle(host, 1_000, 5_000);
  t.same([...new Set(host.said.filter(({ message }) => message.kind === 'hello').map(({ to }) => to))], ['p']);
  host.step({ kind: 'disconnected', id: 'p' });
  t.same(host.gossip.peers, []);
});
