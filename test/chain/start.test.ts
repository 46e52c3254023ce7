// Whole chains: how they begin, with whom, and in which order.
import t from 'tap';
import { mend, settle } from './policy.ts';
import type { Member } from './world.ts';
import { World } from './world.ts';

/** Everybody linked, and one configuration active. */
function started(names: readonly string[]): World {
  const world = new World(names);
  mend(world, (members) => members[0] as Member);
  return world;
}

const orderOf = (world: World) => world.register.value?.members.map(({ host }) => host).join('>');

t.test('[C5] [C13] chains of one and of two members commit, and come back from a restart of each', async (t) => {
  for (const names of [['a'], ['a', 'b']]) {
    const world = started(names);
    for (const crashed of [...names, 'a']) {
      const before = world.witness.promised.lsn;
      const epoch = world.register.value?.epoch ?? 0;
      t.ok(world.head !== undefined && world.propose(world.head.id));
      t.equal(world.witness.promised.lsn, before, 'not committed before it is on every disk');
      settle(world);
      t.equal(world.witness.promised.lsn, before + 1);
      world.crash(crashed, false);
      mend(world, (members) => members[0] as Member);
      t.equal(world.register.value?.epoch, epoch + 1, 'through an epoch of its own');
    }
  }
});

t.test('[C4] a chain that never was begins with all its hosts, or not', async (t) => {
  const world = new World(['a', 'b', 'c']);
  world.connect('a', 'b');
  settle(world);
  world.reconfigure('a', ['a', 'b', 'c'], 1);
  settle(world);
  world.tell('a', { kind: 'hurry' });
  settle(world);
  t.match(world.register.value, { phase: 'pending' });
  world.connect('a', 'c');
  world.connect('b', 'c');
  settle(world);
  t.match(world.register.value, { phase: 'active', epoch: 1 });
  t.equal(orderOf(world), 'a>b>c');
});

t.test('[C8] those who serve stand in the order that was asked for; who joins stands last', async (t) => {
  const world = started(['a', 'b', 'c']);
  world.reconfigure('a', ['c', 'a'], 1);
  settle(world);
  t.equal(orderOf(world), 'c>a');
  t.equal(world.head?.id, 'c');
  world.tell('a', { kind: 'add', host: 'b' as never });
  world.decide('a');
  t.match(world.register.value?.members, [{ role: 'serving' }, { role: 'serving' }, { host: 'b', role: 'syncing' }]);
  settle(world);
  t.match(world.register.value?.members.at(-1), { host: 'b', role: 'serving' });
});

t.test('[C7] the link to the source of a copy breaks and comes back: the copy goes on', async (t) => {
  for (const lost of ['fetch', 'chunk', 'both ways'] as const) {
    const world = started(['a', 'b', 'c']);
    // b has two records more than a and c: their disks hang.
    const isToC = (_: string, to: string) => to === 'c';
    for (let count = 0; count < 2; count += 1) world.propose('a');
    while (world.deliver('a', 'b'));
    world.sync('b');
    world.disconnect('b', 'c');
    world.crash('a', false);
    world.connect('b', 'c');
    world.reconfigure('b', ['b', 'c'], 2);
    settle(world, undefined, (from, to) => isToC(from, to) && world.member('c').replica.phase.kind === 'copying');
    t.equal(world.member('c').replica.phase.kind, 'copying', 'c asked b');
    if (lost === 'chunk') world.read('b');
    world.disconnect('b', 'c');
    world.connect('b', 'c');
    settle(world);
    t.equal(orderOf(world), 'b>c', `the chain serves after ${lost} was lost`);
    t.same(world.member('c').disk.records, world.member('b').disk.records);
  }
});

t.test('[C16] a record keeps the epoch in which it was made, and a head makes records of its own only', async (t) => {
  const world = started(['a', 'b']);
  const [first] = world.member('a').disk.records;
  world.reconfigure('b', ['b', 'a'], 2);
  settle(world);
  const { records } = world.member('b').disk;
  t.equal(records[0]?.hash, first?.hash);
  t.same(
    records.map(({ epoch }) => epoch),
    [1, 2],
  );
  t.throws(() => world.step(world.member('b'), { kind: 'propose', entry: first as never }), /C16/);
});
