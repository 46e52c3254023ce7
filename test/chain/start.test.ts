// Starting a chain: who drives it, what it begins with, and what keeps it from beginning.
import t from 'tap';
import { canPropose } from '../../chain/normal.ts';
import { endOf, history, marksOf, One } from './one.ts';
import { World } from './world.ts';

/** Everybody linked, everything delivered. */
function started(names: readonly string[], mayLead?: (name: string) => boolean): World {
  const world = new World(names, mayLead);
  world.heal();
  world.settle();
  return world;
}

t.test('[C5] chains of one and of two members start, commit and survive a restart of each', async (t) => {
  for (const names of [['a'], ['a', 'b']]) {
    const world = new World(names);
    // A member alone waits for nobody: its host tells it of itself, as it does in every chain.
    const begin = () => names.length === 1 && world.hearOfSelf('a');
    world.heal();
    begin();
    world.settle();
    for (const crashed of [...names, 'a']) {
      t.equal(world.head?.id, 'a');
      t.ok(world.propose('a'));
      t.equal(world.promises.size, world.member('a').replica.committed, 'not committed before it is on every disk');
      world.settle();
      world.checkPromises();
      world.crash(crashed, false);
      world.heal();
      begin();
      world.settle();
    }
    t.equal(world.promises.size, names.length + 1);
    t.equal(world.head?.replica.epoch, names.length + 2);
  }
});

t.test('[C13] nobody drives before every member is connected', async (t) => {
  const world = new World(['a', 'b', 'c']);
  world.connect('a', 'b');
  world.connect('b', 'c');
  world.settle();
  t.equal(world.head, undefined);
  t.same(
    [...world.members.values()].map(({ replica }) => replica.epoch),
    [0, 0, 0],
  );
  world.connect('a', 'c');
  world.settle();
  t.equal(world.head?.id, 'a');
});

t.test(
  '[C8] a host that may not lead follows; the next one drives; when it may lead again, the chain restarts under it',
  async (t) => {
    const world = started(['a', 'b', 'c'], (name) => name !== 'a');
    t.equal(world.head?.id, 'b');
    t.same(world.member('a').replica.phase, { ...world.member('c').replica.phase }, 'all run the same');
    t.match(world.member('a').replica.phase, { kind: 'serving', order: ['b', 'a', 'c'] });
    world.propose('b');
    world.settle();
    world.crash('a', false);
    world.member('a').mayLead = true;
    world.heal();
    world.settle();
    t.equal(world.head?.id, 'a');
    t.equal(world.member('b').replica.assembly, undefined, 'b drives no more');
    t.ok(world.propose('a'));
    t.notOk(world.propose('b'));
    world.settle();
    world.checkPromises();
    t.equal(world.promises.size, 2);
  },
);

t.test('[C8] where no host may lead, none does', async (t) => {
  const world = started(['a', 'b', 'c'], () => false);
  t.equal(world.head, undefined);
  t.equal(world.member('a').replica.epoch, 0);
});

t.test('[C7] the link to the source of a copy breaks and comes back: the copy goes on', async (t) => {
  for (const lost of ['fetch', 'chunk', 'both ways'] as const) {
    const world = started(['a', 'b', 'c']);
    // b has two records more than a and c: a crashes before its disk is done, and c's link is slow.
    for (let count = 0; count < 2; count += 1) world.propose('a');
    while (world.deliver('a', 'b'));
    world.sync('b');
    world.crash('a', false);
    world.heal();
    const isHeld = (from: string, to: string) => `${from}${to}` === 'cb' || `${from}${to}` === 'bc';
    world.settle(isHeld);
    t.equal(world.member('c').replica.phase.kind, 'copying', 'c asked b');
    while (lost !== 'fetch' && world.deliver('c', 'b'));
    if (lost === 'chunk') world.read('b');
    world.disconnect('b', 'c');
    world.connect('b', 'c');
    world.settle();
    world.checkPromises();
    t.equal(world.head?.id, 'a', `the chain serves after ${lost} was lost`);
    t.equal(world.promises.size, 2);
  }
});

t.test(
  '[C11] two disks with different records of one number: CHAIN_DIVERGED, not served, and it comes to rest',
  async (t) => {
    const cases: [a: ReturnType<typeof history>, b: ReturnType<typeof history>, c: ReturnType<typeof history>][] = [
      [history(2), history(2, undefined, 1, 'other'), history(2)],
      [history(2), history(3, undefined, 1, 'other'), history(2)],
      [history(1, undefined, 1, 'other'), history(3), history(3)],
      [[], history(2, undefined, 1, 'other'), history(3)],
    ];
    for (const logs of cases) {
      const world = new World(['a', 'b', 'c']);
      world.wedged = [];
      for (const [index, name] of ['a', 'b', 'c'].entries()) {
        const { disk } = world.member(name);
        disk.records = logs[index] ?? [];
        disk.marks = { ...disk.marks, ...marksOf(1, 1) };
        world.crash(name, false);
      }
      world.heal();
      world.settle();
      t.equal(world.head, undefined, 'not served');
      t.ok(
        world.wedged.length > 0 && world.wedged.every((line) => line.includes('CHAIN_DIVERGED: chain 0')),
        `${world.wedged}`,
      );
      const epoch = world.member('a').replica.epoch;
      t.ok(epoch < 10, `it came to rest in epoch ${epoch}`);
      for (const { replica } of world.members.values()) t.notOk(canPropose(replica));
      // It is no accident of the first start: another one ends the same way, and no disk was cut.
      world.crash('b', false);
      world.heal();
      world.settle();
      t.equal(world.head, undefined);
      for (const [index, name] of ['a', 'b', 'c'].entries()) {
        const before = logs[index] ?? [];
        t.same(world.member(name).disk.records.slice(0, before.length), before, `${name} keeps what it had`);
      }
    }
  },
);

t.test('[C4] the history is chosen once for an epoch: a late answer to the seal changes nothing', async (t) => {
  const a = new One('a', { log: history(1), marks: marksOf(1, 1) });
  for (const peer of ['b', 'c']) a.connect(peer);
  const { nonce, epoch } = a.replica.assembly ?? { nonce: '', epoch: 0 };
  const sealed = (length: number) =>
    ({ kind: 'sealed', nonce, storeId: 's', logEpoch: 1, position: endOf(history(length)) }) as const;
  a.hear('a', epoch, { kind: 'seal', nonce });
  a.hear('a', epoch, sealed(1));
  a.hear('b', epoch, sealed(2));
  t.same(a.hear('c', epoch, { ...sealed(2), nonce: 'other' }), [], 'another attempt');
  t.ok(a.hear('c', epoch, sealed(2)).some((line) => line.startsWith('send ->c transfer') && line.endsWith('from b')));
  for (const peer of ['a', 'b', 'c']) t.same(a.hear(peer, epoch, sealed(3)), [], 'and it answers no later question');
  t.equal(a.replica.assembly?.start.lsn, 2);
});
