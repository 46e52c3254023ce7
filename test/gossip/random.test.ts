// By chance, of a seed: whatever links and processes did, once they are well again all live instances know all live instances.
import t from 'tap';
import { GossipWorld, type Peer } from '../../bench/gossip-world.ts';
import type { Role } from '../../chain/gossip/instances.ts';
import { lan, type Profile, paper } from '../../chain/gossip/profile.ts';
import { Prng } from '../prng.ts';

function worldOf(prng: Prng, loss: number, profile: Profile = lan): GossipWorld {
  const bootstrap = ['h1', 'h2'];
  return new GossipWorld({ profile, random: () => prng.next(), bootstrap, loss, delayMsMax: 50, encodeEvery: 1 });
}

function upIn(world: GossipWorld): Peer[] {
  return [...world.peers.values()].filter(({ status }) => status !== 'down');
}

/** Undefined when all hold the same set, and exactly those that live. */
function differenceIn(world: GossipWorld): string | undefined {
  const up = upIn(world);
  const alive = up.map(({ gossip }) => gossip.self.hash).sort();
  for (const { id, gossip } of up) {
    const held = gossip.set.instances.map(({ hash }) => hash).sort();
    if (held.join() !== alive.join()) return `${id} holds ${gossip.set.instances.map((one) => one.id)}`;
  }
  return undefined;
}

const rolesOf = (id: string): Role[] => (id.startsWith('p') ? ['proxy'] : ['host', 'voter']);

t.test('[G10] after faults of every kind all live instances hold equal sets', async (t) => {
  const seen = { crashes: 0, restarts: 0, pauses: 0, cuts: 0, gone: 0, reverse: 0, slow: 0 };
  for (let seed = 1; seed <= 12; seed += 1) {
    const prng = new Prng(seed);
    const world = worldOf(prng, 0.2);
    const ids = ['h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'h7', 'p1', 'p2'];
    for (const id of ids) world.start(id, rolesOf(id));
    for (let fault = 0; fault < 20; fault += 1) {
      world.runUntil(world.nowMs + prng.below(1_500));
      const peer = world.peers.get(prng.pick(ids)) as Peer;
      const kind = prng.below(4);
      if (peer.status === 'down') {
        world.start(peer.id, rolesOf(peer.id));
        seen.restarts += 1;
      } else if (kind === 0) {
        world.crash(peer);
        seen.crashes += 1;
      } else if (kind === 1 && peer.status === 'up') {
        world.pause(peer, prng.below(4_000));
        seen.pauses += 1;
      } else {
        const cut = new Set(ids.filter(() => prng.next() < 0.5));
        world.canReach = (from, to) => kind === 2 || cut.has(from) === cut.has(to);
        seen.cuts += kind === 2 ? 0 : 1;
      }
    }
    world.canReach = () => true;
    world.options.loss = 0;
    for (const { gossip } of world.peers.values()) {
      seen.gone += gossip.gone.size;
      seen.reverse += gossip.metrics.reverse;
      seen.slow += gossip.metrics.slow;
    }
    world.runUntil(world.nowMs + 30_000, () => false);
    t.equal(differenceIn(world), undefined, `seed ${seed}`);
    const hashes = new Set(upIn(world).map(({ gossip }) => gossip.set.hash));
    t.equal(hashes.size, 1, `seed ${seed}`);
  }
  for (const [what, count] of Object.entries(seen)) t.ok(count > 5, `${what}: ${count}`);
});

t.test('[G9] two halves that lost each other find each other again', async (t) => {
  const world = worldOf(new Prng(5), 0);
  const ids = Array.from({ length: 10 }, (_, index) => `h${index + 1}`);
  for (const id of ids) world.start(id);
  world.runUntil(5_000);
  t.equal(differenceIn(world), undefined);
  // Both bootstrap peers are in one half.
  const half = new Set(ids.slice(0, 5));
  world.canReach = (from, to) => half.has(from) === half.has(to);
  world.runUntil(15_000);
  t.same(
    upIn(world).map(({ gossip }) => gossip.set.instances.length),
    ids.map(() => 5),
  );
  world.canReach = () => true;
  t.ok(
    world.runUntil(25_000, () => differenceIn(world) === undefined),
    'one cluster again, of the same processes',
  );
});

t.test('[G9] whoever knows nobody calls on its bootstrap list, by id or address, and never on itself', async (t) => {
  const world = worldOf(new Prng(6), 0);
  world.start('h1', ['host'], []);
  const called: string[] = [];
  world.canReach = (from, to) => called.push(`${from}>${to}`) > 0;
  world.start('h2', ['host'], ['h2', '10.0.0.1:2', 'h1']);
  world.runUntil(1_000);
  t.equal(differenceIn(world), undefined);
  t.ok(called.length > 0 && called.every((call) => call === 'h1>h2' || call === 'h2>h1'), called.join(' '));
});

t.test('[G11] a hint reaches everybody within the rounds of a rumour', async (t) => {
  const prng = new Prng(8);
  const world = worldOf(prng, 0.1, paper);
  for (let host = 1; host <= 64; host += 1) world.start(`h${host}`);
  world.runUntil(40_000);
  const peer = world.peers.get('h9') as Peer;
  world.step(peer, { kind: 'hint', chain: 3, epoch: 4, minor: 0, bytes: Uint8Array.of(1), nowMs: world.nowMs });
  const isKnown = () => upIn(world).every(({ gossip }) => gossip.hints.held.get(3)?.hint.epoch === 4);
  t.ok(world.runUntil(world.nowMs + 12_000, isKnown));
  world.runUntil(world.nowMs + 30_000);
  t.ok(upIn(world).every(({ gossip }) => gossip.hints.rumours.size === 0));
});
