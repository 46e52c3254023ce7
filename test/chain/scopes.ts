// The small worlds that the model checker tries, and what each is after.
import type { HostId } from '../../engine/base/ids.ts';
import type { Scope } from './model.ts';
import { heal, settle } from './policy.ts';
import type { World } from './world.ts';

/** A chain of `order` that serves, all linked. */
function serving(order: readonly string[], records = 0): (world: World) => void {
  return (world) => {
    heal(world);
    settle(world);
    world.reconfigure(order[0] as string, order, 1);
    settle(world);
    for (let count = 0; count < records; count += 1) {
      world.propose(order[0] as string);
      settle(world);
    }
    for (const id of world.members.keys()) world.tell(id, { kind: 'look' });
    settle(world);
  };
}

/** The same, with everything committed folded and the log trimmed, everywhere. */
function trimmed(order: readonly string[], records: number): (world: World) => void {
  return (world) => {
    serving(order, records)(world);
    for (const id of order) world.fold(id);
  };
}

/** Deep enough that nothing is left to happen. */
const whole = 99;
const three = ['a', 'b', 'c'];
const drive = (
  driver: string,
  order: string,
  serversMin = 1,
): { driver: string; order: string[]; serversMin: number } => {
  return { driver, order: order.split('>'), serversMin };
};

export const scopes: readonly Scope[] = [
  {
    name: 'two writes while the tail crashes and another drives',
    hosts: three,
    budget: { propose: 2, crash: 1, restart: 1, hurry: 1 },
    drives: [drive('b', 'a>b>c')],
    crashes: ['c'],
    depth: 14,
    states: 48_167,
    prepare: serving(three),
  },
  {
    name: 'two drivers at once, each for itself',
    hosts: three,
    budget: { propose: 1, hurry: 2 },
    drives: [drive('b', 'b>c'), drive('a', 'a>b')],
    depth: 14,
    states: 25_175,
    prepare: serving(three),
  },
  {
    name: 'a driver dies, another takes over, a write is in flight',
    hosts: three,
    budget: { propose: 1, crash: 1, restart: 1, hurry: 2, lapse: 1 },
    drives: [drive('b', 'a>b>c'), drive('c', 'c>a')],
    crashes: ['b'],
    depth: 11,
    states: 66_430,
    prepare: serving(three),
  },
  {
    name: 'a host joins while writes flow, and the last that serves is lost',
    hosts: ['a', 'b'],
    budget: { propose: 2, add: 1, crash: 1, hurry: 1 },
    drives: [drive('b', 'b')],
    joiner: 'b',
    crashes: ['a'],
    isRegisterSlow: true,
    depth: whole,
    mendEvery: 7,
    states: 22_972,
    prepare: serving(['a'], 1),
  },
  {
    name: 'a join, its link flaps, a read, the joiner is given up or promoted',
    hosts: ['a', 'b'],
    budget: { propose: 1, barrier: 1, add: 1, remove: 1, flap: 2, hurry: 1 },
    drives: [drive('b', 'b')],
    joiner: 'b',
    isLossy: true,
    depth: 14,
    states: 80_235,
    prepare: serving(['a'], 1),
  },
  {
    name: 'reads at a head that was replaced',
    hosts: three,
    budget: { propose: 1, barrier: 1, hurry: 2 },
    drives: [drive('b', 'b>c')],
    depth: whole,
    mendEvery: 7,
    states: 49_230,
    prepare: serving(three),
  },
  {
    name: 'a disk is lost',
    hosts: three,
    budget: { propose: 1, crash: 1, restart: 1, diskLoss: 1, hurry: 2 },
    drives: [drive('b', 'c>b>a', 2), drive('c', 'c>b', 2)],
    depth: 10,
    states: 78_130,
    prepare: serving(three, 1),
  },
  {
    name: 'a member starts anew between its transfer and its first turn in the epoch',
    hosts: ['a', 'b'],
    budget: { propose: 1, crash: 1, restart: 1, look: 1 },
    drives: [drive('b', 'a>b')],
    crashes: ['a'],
    depth: whole,
    mendEvery: 7,
    states: 6_023,
    prepare: serving(['a', 'b']),
  },
  {
    name: 'a joiner learns of its promotion before who promotes it, on a link that flaps',
    hosts: ['a', 'b'],
    budget: { propose: 1, add: 1, flap: 1, look: 1 },
    joiner: 'b',
    isRegisterSlow: true,
    depth: whole,
    mendEvery: 7,
    states: 19_124,
    prepare: serving(['a'], 1),
  },
  {
    name: 'two logs of one length that differ, made members of one chain',
    hosts: ['a', 'b'],
    budget: { propose: 1, crash: 1, restart: 1, hurry: 1 },
    drives: [drive('b', 'b>a', 2), drive('a', 'a')],
    depth: whole,
    mendEvery: 7,
    states: 31_819,
    prepare: (world) => {
      serving(['a', 'b'], 1)(world);
      world.disconnect('a', 'b');
      world.propose('a');
      world.sync('a');
      world.reconfigure('b', ['b'], 1);
      settle(world);
      world.tell('b', { kind: 'hurry' });
      settle(world);
      world.propose('b');
      settle(world);
      world.connect('a', 'b');
      settle(world);
    },
  },
  {
    name: 'a chain of two takes a third, its last member dies, and the third or the first begins anew',
    hosts: three,
    budget: { propose: 1, barrier: 1, add: 1, crash: 1, hurry: 1, lapse: 1 },
    drives: [drive('c', 'c')],
    joiner: 'c',
    crashes: ['b'],
    depth: 14,
    states: 90_614,
    prepare: serving(['a', 'b'], 1),
  },
  {
    name: 'the late transfer of an older attempt, with a shorter history',
    hosts: three,
    budget: { propose: 1, hurry: 2, crash: 1, restart: 1 },
    drives: [drive('a', 'a>c')],
    crashes: ['c'],
    depth: 15,
    states: 52_766,
    prepare: (world) => {
      serving(three, 1)(world);
      // a has #2, and b and c, that begin epoch 2 without it, never heard of that.
      for (const other of ['b', 'c']) world.disconnect('a', other);
      world.propose('a');
      world.sync('a');
      world.reconfigure('b', ['b', 'c'], 1);
      const steps = [
        () => world.decide('b'),
        () => world.sync('b'),
        () => world.deliver('b', 'c'),
        () => world.sync('c'),
      ];
      for (const step of [...steps, () => world.deliver('c', 'b')]) step();
      world.connect('a', 'c');
      world.tell('a', { kind: 'look' });
      world.decide('a');
    },
  },
  {
    name: 'a read while a joiner that is gated for may serve already, and begins an epoch of its own',
    hosts: ['a', 'b'],
    budget: { propose: 1, barrier: 1, look: 1, hurry: 1 },
    drives: [drive('b', 'b')],
    isRegisterSlow: true,
    depth: whole,
    mendEvery: 7,
    states: 28_743,
    prepare: (world) => {
      serving(['a'], 1)(world);
      world.tell('a', { kind: 'add', host: 'b' as HostId });
      world.decide('a');
      // b is told, enrolls, asks, is filled and acks: a gates for it, and asks the register.
      for (const [from, to] of [['a', 'b'] as const, ['b', 'a'] as const, ['a', 'b'] as const]) {
        world.deliver(from, to);
        world.sync('b');
      }
      world.deliver('b', 'a');
    },
  },
  {
    name: 'a host is back with an empty disk, and is asked what it holds',
    hosts: three,
    budget: { propose: 1, hurry: 2 },
    drives: [drive('b', 'c>b>a', 2)],
    depth: whole,
    mendEvery: 7,
    states: 13_585,
    prepare: (world) => {
      serving(three, 1)(world);
      world.crash('c', false);
      world.restart('c', true);
      heal(world);
      settle(world);
    },
  },
  {
    name: 'reads through a member that is sealed, and left out of what began since',
    hosts: three,
    budget: { propose: 1, barrier: 1, hurry: 1 },
    drives: [drive('c', 'c')],
    depth: whole,
    mendEvery: 7,
    states: 22_999,
    prepare: serving(three),
  },
  {
    name: 'a host joins a chain whose log was trimmed, while the link flaps and the last that serves is lost',
    hosts: ['a', 'b'],
    budget: { propose: 1, add: 1, crash: 1, flap: 1, hurry: 1 },
    drives: [drive('b', 'b')],
    joiner: 'b',
    crashes: ['a'],
    depth: 18,
    states: 9_717,
    prepare: trimmed(['a'], 3),
  },
  {
    name: 'a joiner starts anew at any moment of a copy that begins with documents; folding goes on when it may',
    hosts: ['a', 'b'],
    budget: { propose: 1, add: 2, remove: 1, fold: 2, crash: 1, restart: 1 },
    joiner: 'b',
    crashes: ['b'],
    depth: 18,
    states: 3_388,
    prepare: trimmed(['a'], 3),
  },
  {
    name: 'an epoch begins with a host that must be given documents, and its driver dies',
    hosts: three,
    budget: { propose: 1, crash: 1, restart: 1, hurry: 2 },
    drives: [drive('a', 'a>b>c', 1), drive('b', 'b>c', 1)],
    crashes: ['a'],
    depth: 14,
    states: 46_364,
    prepare: trimmed(['a', 'b'], 3),
  },
  {
    name: 'two attempts to begin an epoch, one after the other, each with another source of documents',
    hosts: three,
    budget: { fold: 1, hurry: 2, flap: 1 },
    flaps: [['a', 'c']],
    drives: [drive('a', 'a>c', 1), drive('b', 'b>a>c', 1)],
    depth: 15,
    states: 13_924,
    prepare: trimmed(['a', 'b'], 3),
  },
];
