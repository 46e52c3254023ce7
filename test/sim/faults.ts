// What goes wrong, and when. Each seed takes some of the kinds of fault and a pace; a kind comes with its own undoing, so that
// what is broken is mended after a while, and what is still broken when the world heals is mended then.
import type { Prng } from '../prng.ts';
import { lostVoter, mayLoseDisk } from './atlas.ts';
import { damage, damages } from './damage.ts';
import type { Machine } from './machine.ts';
import type { World } from './world.ts';

/** Returns false where it cannot happen now. */
type Fault = (world: World, prng: Prng) => boolean;

const faultKinds: Readonly<Record<string, Fault>> = {
  crash: (world, prng) => crashSome(world, prng, 1, false),
  crashTwo: (world, prng) => crashSome(world, prng, 2, false),
  crashAll: (world, prng) => crashSome(world, prng, world.machines.length, false),
  powerLoss: (world, prng) => crashSome(world, prng, 1, true),
  crashWriting: (world, prng) => {
    const writing = world.machines.filter(({ isUp, disk }) => isUp && disk.isWriting);
    return writing.length > 0 && crash(world, prng, prng.pick(writing), false);
  },
  crashTwice: (world, prng) => {
    const machine = prng.pick(world.machines);
    harmLater(world, 10 + prng.below(150), () => crash(world, prng, machine, false));
    return crash(world, prng, machine, false, 1 + prng.below(5));
  },
  pause: (world, prng) => pause(world, prng, 20 + prng.below(800)),
  pauseLong: (world, prng) => pause(world, prng, 3_000 + prng.below(3_000)),
  clogOneWay: (world, prng) => {
    const [one, other] = pair(world, prng);
    return clog(world, prng, [[one, other]]);
  },
  clogPair: (world, prng) => {
    const [one, other] = pair(world, prng);
    return clog(world, prng, bothWays([[one, other]]));
  },
  clogFront: (world, prng) => {
    const ways: [string, string][] = [[prng.pick(world.machines).id, prng.pick(world.proxies).name]];
    return clog(world, prng, prng.below(2) === 0 ? ways : bothWays(ways));
  },
  halves: (world, prng) => clog(world, prng, acrossHalves(world, prng)),
  flipFlop: (world, prng) => {
    const ways = bothWays([pair(world, prng)]);
    for (let round = 0; round < 6; round += 1) {
      harmLater(world, round * 120, () => clog(world, prng, ways, 60));
    }
    return true;
  },
  delay: (world, prng) => {
    const [one, other] = pair(world, prng);
    return forAWhile(world, prng, 2_000, () => {
      world.network.way(one, other).extraMs = 1 + prng.below(60);
      return () => {
        world.network.way(one, other).extraMs = 0;
      };
    });
  },
  sloppy: (world, prng) => {
    const [one, other] = pair(world, prng);
    return forAWhile(world, prng, 2_000, () => {
      world.network.way(one, other).isSloppy = true;
      return () => {
        world.network.way(one, other).isSloppy = false;
      };
    });
  },
  resetLink: (world, prng) => reset(world, prng, 'chain'),
  resetInFlight: (world, prng) => {
    resetInFlight(world, prng, 100);
    return true;
  },
  resetFront: (world, prng) => reset(world, prng, 'front'),
  resetClient: (world, prng) => {
    prng.pick([...world.writers, ...world.readers]).breakConnection();
    return true;
  },
  restartProxy: (world, prng) => {
    world.restartProxy(prng.pick(world.proxies));
    return true;
  },
  slowDisk: (world, prng) => {
    const { disk } = prng.pick(world.machines);
    return forAWhile(world, prng, 1_500, () => {
      const { syncMs } = disk;
      disk.syncMs = 5 + prng.below(100);
      return () => {
        disk.syncMs = Math.min(syncMs, 3);
      };
    });
  },
  slowReads: (world, prng) => {
    const { disk } = prng.pick(world.machines);
    return forAWhile(world, prng, 500, () => {
      const { readMs } = disk;
      disk.readMs = 20 + prng.below(200);
      return () => {
        disk.readMs = Math.min(readMs, 0.05);
      };
    });
  },
  diskError: (world, prng) => {
    prng.pick(world.machines).disk.isFailing = true;
    return true;
  },
  diskLost: (world, prng) => {
    const machine = prng.pick(world.machines);
    if (!mayLoseDisk(world, machine)) return false;
    world.crash(machine);
    machine.loseDisk();
    world.say(() => `* ${machine.id} has an empty disk: ${machine.storeId}`);
    world.kernel.after(prng.below(400), () => world.start(machine));
    replaceVoters(world, prng);
    return true;
  },
};

/** What is done to stores, and to what stands beside them. It comes besides other faults, and takes no turn of theirs. */
const damageKinds: Readonly<Record<string, Fault>> = {
  crashMarking: (world, prng) => {
    crashAsSoonAs(world, prng, ({ beside }) => beside.isWriting, 400);
    return true;
  },
  crashWiping: (world, prng) => {
    const isWiping = ({ process }: Machine) => process?.replicas.some(({ leftover }) => leftover === 'going') === true;
    crashAsSoonAs(world, prng, isWiping, 1_000);
    return true;
  },
  ...Object.fromEntries(Object.keys(damages).map((name) => [name, damageOf(name)])),
};

function damageOf(name: string): Fault {
  return (world, prng) => {
    const later = (ms: number, harm: () => void): void => harmLater(world, ms, harm);
    return damage(world, prng, name, { careForVoters: () => replaceVoters(world, prng, looksIdle), later });
  };
}

/** How often an operator looks for a voter without a store before it believes that there is none. */
const looksIdle = 10;

export const faultNames: readonly string[] = [...Object.keys(faultKinds), ...Object.keys(damageKinds)];

/** Faults from now until `endMs`. */
export function beginFaults(world: World, endMs: number): void {
  const prng = world.kernel.chance(`faults ${endMs}`);
  const names = Object.keys(faultKinds);
  const chosen = names.filter(() => prng.below(3) === 0);
  const kinds = chosen.length > 0 ? chosen : [prng.pick(names)];
  beginSome(world, prng, endMs, faultKinds, kinds, prng.pick([40, 120, 300, 800]));
  const other = world.kernel.chance(`damages ${endMs}`);
  const harmful = Object.keys(damageKinds).filter(() => other.below(3) === 0);
  if (harmful.length > 0) beginSome(world, other, endMs, damageKinds, harmful, other.pick([100, 300, 800]));
}

function beginSome(
  world: World,
  prng: Prng,
  endMs: number,
  faults: Readonly<Record<string, Fault>>,
  kinds: readonly string[],
  meanMs: number,
): void {
  const { kernel } = world;
  const next = (): void => {
    if (kernel.nowMs >= endMs) return;
    const kind = prng.pick(kinds);
    if (faults[kind]?.(world, prng) === true) {
      world.note(kind);
      world.say(() => `- fault: ${kind}`);
    }
    kernel.after(-Math.log(1 - prng.next()) * meanMs, next);
  };
  kernel.after(prng.next() * meanMs, next);
}

/** Mends everything. */
export function heal(world: World): void {
  world.isMended = true;
  world.say(() => '+ everything is mended');
  world.network.healAll();
  for (const machine of world.machines) {
    machine.disk.isFailing = false;
    machine.disk.readMs = 0.05;
    machine.disk.syncMs = Math.min(machine.disk.syncMs, 3);
    world.resume(machine);
    world.start(machine);
  }
}

/** An operator sees that a voter has lost its disk, and has it replaced by what stands in its place; until that is done. */
function replaceVoters(world: World, prng: Prng, idleLeft = 0): void {
  world.kernel.after(100 + prng.below(400), () => {
    const lost = lostVoter(world);
    if (lost === undefined) {
      if (idleLeft > 0) replaceVoters(world, prng, idleLeft - 1);
      return;
    }
    const isBack = world.machines.find(({ id }) => id === lost.joiner.host)?.isUp === true;
    const driver = prng.pick(world.machines).process;
    if (isBack && driver?.state === 'up') driver.tell({ kind: 'replaceVoter', ...lost });
    replaceVoters(world, prng);
  });
}

/** What is still to go wrong when everything is mended does not. */
function harmLater(world: World, ms: number, harm: () => void): void {
  world.kernel.after(ms, () => {
    if (!world.isMended) harm();
  });
}

function crashSome(world: World, prng: Prng, count: number, isPowerLost: boolean): boolean {
  const machines = [...world.machines].sort(() => prng.next() - 0.5).slice(0, count);
  for (const machine of machines) crash(world, prng, machine, isPowerLost);
  return true;
}

function crash(world: World, prng: Prng, machine: Machine, isPowerLost: boolean, downMs = downFor(prng)): boolean {
  world.crash(machine, isPowerLost);
  world.kernel.after(downMs, () => world.start(machine));
  return true;
}

function crashAsSoonAs(world: World, prng: Prng, isAt: (machine: Machine) => boolean, triesLeft: number): void {
  const there = world.machines.filter((machine) => machine.isUp && isAt(machine));
  if (there.length > 0) crash(world, prng, prng.pick(there), false, 1 + prng.below(20));
  else if (triesLeft > 0) harmLater(world, 0.3, () => crashAsSoonAs(world, prng, isAt, triesLeft - 1));
}

function downFor(prng: Prng): number {
  return prng.pick([2, 50, 400]) * (0.5 + prng.next());
}

function pause(world: World, prng: Prng, ms: number): boolean {
  const machine = prng.pick(world.machines);
  world.pause(machine);
  world.kernel.after(ms, () => world.resume(machine));
  return true;
}

type Ways = readonly (readonly [string, string])[];

function pair(world: World, prng: Prng): [string, string] {
  const one = prng.pick(world.machines);
  return [one.id, prng.pick(world.machines.filter((other) => other !== one)).id];
}

function bothWays(ways: Ways): Ways {
  return ways.flatMap(
    ([one, other]): Ways => [
      [one, other],
      [other, one],
    ],
  );
}

function acrossHalves(world: World, prng: Prng): Ways {
  const sides = new Map(world.machines.map(({ id }) => [id, prng.below(2)]));
  const ids = [...sides.keys()];
  return ids.flatMap((one) => ids.filter((other) => sides.get(one) !== sides.get(other)).map((other) => [one, other]));
}

/** Clogs at once; unclogs one by one. */
function clog(world: World, prng: Prng, ways: Ways, meanMs = prng.pick([50, 500, 5_000])): boolean {
  for (const [from, to] of ways) {
    world.network.clog(from, to);
    world.say(() => `* the way ${from}>${to} is clogged`);
    world.kernel.after(meanMs * (0.5 + prng.next()), () => {
      world.say(() => `* the way ${from}>${to} is free`);
      world.network.unclog(from, to);
    });
  }
  return ways.length > 0;
}

function forAWhile(world: World, prng: Prng, meanMs: number, begin: () => () => void): boolean {
  world.kernel.after(meanMs * prng.next(), begin());
  return true;
}

/** As soon as something is on its way between hosts, and its loss would be felt. */
function resetInFlight(world: World, prng: Prng, triesLeft: number): void {
  const busy = [...world.network.sockets].filter(({ kind, arriving, twin }) => {
    return kind === 'chain' && twin !== undefined && arriving.some((item) => item.kind === 'data');
  });
  if (busy.length === 0) {
    if (triesLeft > 0) harmLater(world, 0.3, () => resetInFlight(world, prng, triesLeft - 1));
    return;
  }
  const socket = prng.pick(busy);
  world.say(() => `* the link of ${socket.actor.name} and ${socket.peer} is reset in mid-stream`);
  world.network.reset(socket);
}

function reset(world: World, prng: Prng, kind: string): boolean {
  const open = [...world.network.sockets].filter((socket) => socket.kind === kind && socket.twin !== undefined);
  if (open.length === 0) return false;
  const socket = prng.pick(open);
  world.say(() => `* the link of ${socket.actor.name} and ${socket.peer} is reset`);
  world.network.reset(socket);
  return true;
}
