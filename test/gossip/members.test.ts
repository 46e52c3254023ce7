// Who is gone and who is not: by silence, by hearsay, by a newer start; and who may come back.
import t from 'tap';
import { bootOf, type Instance } from '../../chain/gossip/instances.ts';
import { farMs, lan, paper } from '../../chain/gossip/profile.ts';
import { goneInstancesMax, recentInstancesMax } from '../../engine/base/limits.ts';
import { carry, exchange, hello, idle, instanceOf, Person, people } from './kit.ts';

const { deletableMs, deadMs } = paper;

/** a and b, who talk every second; c has been silent towards both since 0. */
function silentC(untilMs: number): { a: Person; b: Person; c: Person } {
  const [a, b, c] = people('a', 'b', 'c') as [Person, Person, Person];
  for (const [one, other] of [
    [a, c],
    [b, c],
    [a, b],
  ] as const)
    exchange(one, other, 0);
  for (const person of [a, b, c]) person.news = [];
  for (let nowMs = 1_000; nowMs <= untilMs; nowMs += 1_000) {
    b.tick(nowMs);
    exchange(a, b, nowMs);
  }
  return { a, b, c };
}

t.test('[G4] an instance that is silent for deadMs is gone, and it is said', async (t) => {
  const { a, b } = silentC(deadMs - 1_000);
  t.same([a.news, b.news], [[], []], 'not before');
  a.tick(deadMs);
  t.same([a.news, a.ids], [['-c expired'], ['a', 'b']]);
});

t.test('[G4] patience grows with the rounds that a counter takes through a larger cluster', async (t) => {
  t.same([farMs(lan, 2), farMs(lan, 32), farMs(lan, 64), farMs(paper, 1_000)], [0, 0, lan.doublingMs, 0]);
  t.ok(lan.deadMs + farMs(lan, 1_000) < 3_000);
});

t.test('[G4] a suspect is asked itself before it goes', async (t) => {
  const { a } = silentC(deletableMs - 1_000);
  a.said = [];
  a.gossip.peers = [];
  a.tick(deletableMs);
  t.same(
    a.said.map(({ to, message }) => `${message.kind} ${to}`),
    ['hello c'],
  );
});

t.test('[G5] a delete is taken from a peer when our own counter is old, and not before', async (t) => {
  for (const [atMs, news] of [
    [10_000 + deletableMs - 1, []],
    [10_000 + deletableMs, ['-c deleted']],
  ] as const) {
    const [b, c] = people('b', 'c') as [Person, Person];
    for (let nowMs = 0; nowMs <= 10_000; nowMs += 1_000) {
      b.tick(nowMs);
      exchange(c, b, nowMs);
    }
    b.takeNews();
    idle(b, 11_000, 29_000);
    b.hear({ from: 'a', to: 'b', message: deleteOf(b, c) }, atMs);
    t.same(b.news, news);
  }
});

/** What somebody says who holds c for dead. */
function deleteOf(a: Person, c: Person) {
  const { set } = a.gossip;
  const none: never[] = [];
  const [gone, rest] = [[c.gossip.self.hash], { appeared: none, rumours: none, versions: undefined }];
  return { kind: 'unknown', set: set.hash, gone, ...rest } as const;
}

t.test('[G5] a delete that came too early counts when its time has come, unless the counter grew', async (t) => {
  const early = silentC(10_000);
  early.a.hear({ from: 'b', to: 'a', message: deleteOf(early.b, early.c) }, 10_000);
  idle(early.a, 11_000, deletableMs - 1_000);
  t.same(early.a.takeNews(), []);
  early.a.tick(deletableMs);
  t.same(early.a.takeNews(), ['-c deleted']);
  const wrong = silentC(10_000);
  wrong.a.hear({ from: 'b', to: 'a', message: deleteOf(wrong.b, wrong.c) }, 10_000);
  wrong.c.gossip.gossipAtMs = 11_000;
  exchange(wrong.c, wrong.a, 11_000);
  idle(wrong.a, 12_000, 11_000 + deletableMs);
  t.notOk(wrong.a.news.includes('-c deleted'));
});

t.test('[G5] the news of a death runs both ways: who calls is told as well', async (t) => {
  const { a, b } = silentC(deletableMs);
  b.gossip.grewMs[2] = deadMs - deletableMs;
  idle(a, deletableMs + 1_000, deadMs);
  idle(b, deletableMs + 1_000, deadMs);
  t.same(a.takeNews(), ['-c expired']);
  t.same(exchange(b, a, deadMs), ['hello', 'found', 'counters']);
  t.same(b.takeNews(), ['-c deleted']);
});

t.test('[G6] who is gone does not come back from a peer that still holds it', async (t) => {
  const { a, b, c } = silentC(10_000);
  // b hears c's last words when a has given up hope; they are young there.
  idle(a, 11_000, deadMs);
  b.gossip.grewMs[0] = deadMs;
  t.ok(a.takeNews().includes('-c expired'));
  idle(b, 11_000, deadMs - 1_000);
  b.takeNews();
  carry([b], [hello(c, b, 500)], deadMs - 1_000);
  t.ok(b.ids.includes('c'));
  for (const [one, other] of [
    [a, b],
    [b, a],
  ] as const) {
    exchange(one, other, deadMs);
    t.notOk(a.ids.includes('c'), 'a word of the dead');
  }
});

t.test('[G6] what a peer has not heard for deletableMs itself is not taken from it', async (t) => {
  const instance = instanceOf('c');
  for (const [ageMs, ids] of [
    [deletableMs, ['a']],
    [deletableMs - 1, ['a', 'c']],
  ] as const) {
    const a = new Person(instanceOf('a'));
    idle(a, 0, deadMs);
    a.step({
      kind: 'message',
      from: 'b',
      nowMs: deadMs,
      message: { kind: 'full', instances: [{ instance, counter: 1, ageMs }] },
    });
    t.same(a.ids, ids);
    idle(a, deadMs + 1_000, 2 * deadMs - ageMs + 1_000);
    t.same(a.ids, ['a'], 'its silence began there, not here');
  }
});

t.test(
  '[G6] who was declared dead and lives comes back with a counter that it can only have reached alive',
  async (t) => {
    const { a, b, c } = silentC(deadMs - 1_000);
    a.tick(deadMs);
    b.tick(deadMs);
    t.same(a.takeNews(), ['-c expired']);
    // c was cut off; its set is one that a remembers.
    c.gossip.patientFromMs = deadMs;
    t.same(exchange(c, a, deadMs), ['hello', 'found', 'counters']);
    t.notOk(a.ids.includes('c'), 'a few heartbeats prove nothing');
    idle(c, deadMs + 1_000, deadMs + 1_000 * paper.revivalHeartbeats);
    exchange(c, a, deadMs + 1_000 * (paper.revivalHeartbeats + 1));
    t.ok(a.ids.includes('c'));
    t.same(a.takeNews(), ['+c']);
  },
);

t.test(
  '[G6] who is gone does not come back with the counter that it had, however young it is said to be',
  async (t) => {
    const { a, c } = silentC(deadMs);
    t.same(a.ids, ['a', 'b']);
    const last = a.gossip.gone.get(c.gossip.self.hash)?.counter ?? -1;
    for (const [grown, ids] of [
      [0, ['a', 'b']],
      [paper.revivalHeartbeats, ['a', 'b']],
      [paper.revivalHeartbeats + 1, ['a', 'b', 'c']],
    ] as const) {
      const instances = [{ instance: c.gossip.self, counter: last + grown, ageMs: 0 }];
      a.step({ kind: 'message', from: 'b', nowMs: deadMs, message: { kind: 'full', instances } });
      t.same(a.ids, ids);
    }
  },
);

t.test('[G6] news of an instance that we hold is as old as it is said to be', async (t) => {
  const { a, c } = silentC(10_000);
  const instances = [{ instance: c.gossip.self, counter: 9, ageMs: 4_000 }];
  a.step({ kind: 'message', from: 'b', nowMs: 10_000, message: { kind: 'full', instances } });
  t.same([a.gossip.counters[2], a.gossip.grewMs[2]], [9, 6_000]);
});

t.test('[G6] who was long forgotten is asked for, and comes with its age', async (t) => {
  const { a, b } = silentC(10_000);
  b.gossip.grewMs[2] = 10_500 - deadMs;
  b.gossip.oldestMs = 10_500 - deadMs;
  b.gossip.patientFromMs = 10_500 - deadMs;
  b.tick(10_500);
  t.same(b.takeNews(), ['-c expired']);
  b.gossip.gone.clear();
  b.gossip.recentGone = [];
  a.gossip.recent = [];
  t.same(exchange(a, b, 10_500), ['hello', 'found', 'counters']);
  t.same([b.takeNews(), b.gossip.grewMs[2]], [['+c'], a.gossip.grewMs[2]]);
});

t.test('[G7] a newer boot takes the place of the older, which does not come back', async (t) => {
  const [oldBoot, newBoot] = [bootOf(1_000, 0.9), bootOf(2_000, 0.1)];
  t.ok(oldBoot < newBoot);
  const [a, b] = people('a', 'b') as [Person, Person];
  const before = new Person(instanceOf('c', { boot: oldBoot }));
  exchange(before, a, 0);
  exchange(before, b, 0);
  a.takeNews();
  exchange(new Person(instanceOf('c', { boot: newBoot })), a, 1_000);
  t.same(a.takeNews(), ['-c replaced', '+c']);
  exchange(b, a, 1_000);
  exchange(a, b, 1_000);
  t.same(
    [a.ids, b.ids],
    [
      ['a', 'b', 'c'],
      ['a', 'b', 'c'],
    ],
  );
  for (const { gossip } of [a, b]) t.equal(gossip.set.instances[2]?.boot, newBoot);
});

t.test('[G7] an older boot is refused also by one that never knew it', async (t) => {
  const a = new Person(instanceOf('a'));
  exchange(new Person(instanceOf('c', { boot: 'b2' })), a, 0);
  exchange(new Person(instanceOf('c', { boot: 'b1' })), a, 0);
  t.same([a.news, a.gossip.set.instances[1]?.boot], [['+c'], 'b2']);
});

t.test('[G7] nobody else speaks for our own id, nor raises our counter', async (t) => {
  const { a } = silentC(0);
  const full = (instance: Instance) => ({ kind: 'full', instances: [{ instance, counter: 99, ageMs: 0 }] }) as const;
  a.step({ kind: 'message', from: 'b', nowMs: 100, message: full(instanceOf('a', { boot: 'b9' })) });
  t.same([a.ids, a.gossip.set.instances[0]?.boot, a.news], [['a', 'b', 'c'], 'b1', []]);
  const counter = a.gossip.counters[0];
  a.step({ kind: 'message', from: 'b', nowMs: 100, message: full(a.gossip.self) });
  const counters = Uint32Array.of(99, 99, 0);
  const message = { kind: 'counters', set: a.gossip.set.hash, counters, missing: [] } as const;
  const third = a.gossip.counters[2];
  a.step({ kind: 'message', from: 'b', nowMs: 100, message });
  t.same([...a.gossip.counters], [counter, 99, third], 'that of others rises');
});

t.test('[G8] after a pause of its own a host accuses nobody before a new patience has passed', async (t) => {
  const { a } = silentC(10_000);
  a.tick(70_000, 60_000);
  idle(a, 71_000, 70_000 + deadMs - 1_000);
  t.same(a.takeNews(), []);
  a.tick(70_000 + deadMs);
  t.same(a.takeNews(), ['-b expired', '-c expired']);
});

t.test('[G8] a pause counts also where a message tells of it before the tick does', async (t) => {
  const { a, b, c } = silentC(10_000);
  a.hear({ from: 'b', to: 'a', message: deleteOf(b, c) }, 70_000);
  t.same(a.takeNews(), []);
  a.tick(70_000, 0);
  t.same(a.takeNews(), []);
  const well = silentC(deletableMs);
  well.a.hear({ from: 'b', to: 'a', message: deleteOf(b, c) }, deletableMs + 500);
  t.same(well.a.takeNews(), ['-c deleted'], 'without one it is taken');
});

t.test('[G10] what is remembered of the dead, and said of the new, is bounded', async (t) => {
  const a = new Person(instanceOf('a'));
  const instances = Array.from({ length: goneInstancesMax - 1 }, (_, index) => ({
    instance: instanceOf(`h${String(index).padStart(5, '0')}`),
    counter: 1,
    ageMs: 0,
  }));
  a.step({ kind: 'message', from: 'b', nowMs: 0, message: { kind: 'full', instances } });
  t.equal(a.ids.length, goneInstancesMax);
  const [said] = a.tick(500);
  t.equal(said?.message.kind === 'hello' && said.message.appeared.length, recentInstancesMax);
  const more = { instance: instanceOf('z'), counter: 1, ageMs: 0 };
  a.step({ kind: 'message', from: 'b', nowMs: 500, message: { kind: 'full', instances: [more] } });
  t.notOk(a.ids.includes('z'), 'nor are more instances taken than have room');
  idle(a, 1_000, deadMs);
  t.same([a.ids, a.gossip.gone.size], [['a'], goneInstancesMax - 1]);
  idle(a, deadMs + 1_000, deadMs + paper.goneMs);
  t.same([a.gossip.gone.size, a.gossip.recentGone.length], [0, 0], 'and in time they are forgotten');
});
