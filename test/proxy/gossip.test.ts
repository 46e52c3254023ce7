import { type Test, test } from 'tap';
import type { Configuration, Seat } from '../../chain/configuration.ts';
import { encodeConfiguration } from '../../chain/configuration.ts';
import type { Instance } from '../../chain/gossip/instances.ts';
import { makeInstance, makeSet } from '../../chain/gossip/instances.ts';
import { decodeGossip, encodeGossip } from '../../chain/gossip/wire.ts';
import { chainId, epoch as epochOf, hostId, origin } from '../../engine/base/ids.ts';
import { FakeHost, openBoard, RawClient, session1, startProxy } from './stage.ts';

const hint = (epoch: number, order: readonly string[], changes: Partial<Configuration> = {}): Configuration => {
  const members = order.map((id): Seat => ({ host: hostId(id), storeId: `s-${id}`, boot: '', role: 'serving' }));
  const head = { chain: chainId(0), region: 'local', phase: 'active', epoch: epochOf(epoch), minor: 0 } as const;
  return { ...head, nonce: `n${epoch}`, members, start: origin, previous: undefined, loss: undefined, ...changes };
};

const h9 = (address: string): Instance =>
  makeInstance({ id: 'h9', boot: 'b1', roles: ['host'], region: 'local', address, appHash: 'a' });

/** What a host that gossips would say first: who appeared, and how chains stand. */
function gossip(host: FakeHost, appeared: readonly Instance[], hints: readonly Configuration[]): void {
  const { hash } = makeSet(appeared);
  const rumours = hints.map((value) => {
    const minor = value.phase === 'active' ? value.minor + 1 : 0;
    return { chain: value.chain, epoch: value.epoch, minor, bytes: encodeConfiguration(value) };
  });
  const knowns = appeared.map((instance) => ({ instance, counter: 1, ageMs: 0 }));
  const news = { appeared: knowns, gone: [], rumours };
  const sender = '1'.repeat(16);
  host.say([8, encodeGossip({ kind: 'hello', set: hash, sender, counter: 1, digest: hash, ...news })]);
}

/** Two hosts, the first of which heads the chain in epoch 1 with a client's board open. */
async function twoHosts(t: Test) {
  const first = await FakeHost.start(t);
  const second = await FakeHost.start(t);
  const { port, front } = await startProxy(t, [first, second]);
  await Promise.all([first.links.take(), second.links.take()]);
  first.say([1, [[0, 1, true]]]);
  const client = await RawClient.connect(t, port);
  const view = await openBoard(first, client);
  return { first, second, front, client, view };
}

async function follows(host: FakeHost, client: RawClient): Promise<void> {
  const [, view] = await host.take(1);
  host.say([2, view, 1, session1, 'i1', 5, '{}']);
  await client.take('view');
  await client.take('status');
}

test('[F20] a proxy gossips over its links, under its own name, and ends a link that speaks nonsense', async (t) => {
  const host = await FakeHost.start(t);
  await startProxy(t, [host], { id: 'p7' });
  await host.links.take();
  const [, name, bytes] = await host.gossip.take();
  t.equal(name, 'p7');
  t.equal(decodeGossip(bytes).kind, 'hello');
  gossip(host, [h9('127.0.0.1:1')], []);
  const [, , answer] = await host.gossip.take((message) => decodeGossip(message[2]).kind !== 'hello');
  t.equal(decodeGossip(answer).kind, 'unknown', 'a set that it never had');
  host.say([8, new Uint8Array([47, 1, 2])]);
  await host.links.take();
  t.pass('it dialled again');
});

test('[F20] a host that is heard of is linked, and let go when it is gone', async (t) => {
  const host = await FakeHost.start(t);
  const added = await FakeHost.start(t);
  const { front } = await startProxy(t, [host]);
  await host.links.take();
  gossip(host, [h9(new URL(added.url).host)], []);
  const link = await added.links.take();
  t.equal(added.authorization, 'Bearer sesame');
  t.same(front.hostIds, ['h1', 'h9']);
  added.say([1, [[0, 1, true]]]);
  const ended = new Promise((done) => link.on('close', done));
  // Nobody says that it lives: after the patience of the profile it is gone.
  await ended;
  t.same(front.hostIds, ['h1'], 'and a host of the configuration stays');
  t.same(front.chains[0], { chain: 0, epoch: 0, head: null, serving: false });
});

test('[F21] a move that gossip tells of is followed before the new head speaks', async (t) => {
  const { first, second, front, client, view } = await twoHosts(t);
  gossip(first, [], [hint(2, ['h2', 'h1'])]);
  t.same(await first.take(3), [3, view], 'the view at the old head is closed');
  await follows(second, client);
  t.same(front.chains, [{ chain: 0, epoch: 1, head: 'h1', serving: true }], 'what is reported is what hosts claim');
  second.say([1, [[0, 2, true]]]);
  t.same(
    (await client.settled()).map(({ state, t: kind }) => state ?? kind),
    ['live'],
  );
  t.same(second.heard.items, [], 'the claim of the host itself changes nothing');
  gossip(first, [], [hint(2, ['h1', 'h2'], { minor: 1 })]);
  second.say([1, [[0, 2, true]]]);
  await client.settled();
  t.same(first.heard.items, [], 'a claim wins over a guess in the same epoch');
});

for (const code of ['CHAIN_NOT_SERVING', 'CHAIN_NOT_HEAD']) {
  test(`[F21] an epoch that does not exist stops nothing: the guess is forgotten at ${code}`, async (t) => {
    const { first, second, client } = await twoHosts(t);
    gossip(first, [], [hint(99, ['h2'])]);
    second.say([4, (await second.take(1))[1], 0, 0, code, 'not here']);
    await follows(first, client);
    await second.take(3);
    gossip(first, [], [hint(99, ['h2'])]);
    gossip(second, [], [hint(99, ['h2'], { minor: 1 })]);
    await client.settled();
    t.same(
      second.heard.items,
      [],
      'as the chain has shown that no such epoch is, nothing like it is believed for a while',
    );

    first.say([1, [[0, 2, true]]]);
    await follows(first, client);
    gossip(first, [], [hint(3, ['h2', 'h1'])]);
    await second.take(1);
    t.pass('a newer one that may be true is followed');
  });
}

test('[F21] a guess at a host that cannot be reached, or a pending epoch, moves nobody', async (t) => {
  const { first, second, client } = await twoHosts(t);
  gossip(first, [], [hint(5, ['h8', 'h2'])]);
  const { epoch, minor, nonce, members, start } = hint(1, ['h1', 'h2']);
  const previous = { epoch, minor, nonce, members, start };
  gossip(first, [], [hint(6, ['h2', 'h1'], { phase: 'pending', previous })]);
  gossip(first, [], [hint(7, ['h2'], { chain: chainId(3) })]);
  client.say({ t: 'send', doc: 'board/main', n: 1, done: 0, channel: 'write', message: 1 });
  await first.take(2);
  t.same(await client.settled(), [], 'nobody was told to wait');
  t.same(second.heard.items, []);
});
