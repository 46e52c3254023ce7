// What is done to a store, as LevelDB was measured to do it (engine/README.md): writes are lost in the middle or at the end, a bit flips, an older
// copy is put back, all of it is gone. One host at a time, and the next when that one is whole again (atlas.ts).
//
// Writes are lost from before the watermark only: that a host alone notices. Of those behind it the answer is on the disks of the others.
import { decodeTally, tallyKey } from '../../engine/store/tally.ts';
import type { Prng } from '../prng.ts';
import { mayLoseDisk } from './atlas.ts';
import type { Machine } from './machine.ts';
import type { World } from './world.ts';

export type Harms = {
  /** An operator looks after the voters for a while. */
  readonly careForVoters: () => void;
  /** Not in a world that is mended. */
  readonly later: (ms: number, harm: () => void) => void;
};

/** Returns false where it cannot happen now. */
type Damage = (world: World, prng: Prng, machine: Machine, harms: Harms) => boolean;

/** Records, what is read once when a store opens, documents. */
const kindsOfBytes = [0x10, 0x10, 0x10, 0x01, 0x02, 0x03, 0x04, 0x05, 0x20, 0x21];
/** What is read while a process runs. */
const kindsRead = [0x10, 0x20, 0x20, 0x21];
const snapshotKind = 0x20;
const holeWritesMax = 30;

export const damages: Readonly<Record<string, Damage>> = {
  /** A flipped bit in the middle of the write-ahead log. */
  logHole: (world, prng, machine, harms) => {
    const last = machine.disk.journal.length - 1;
    if (last < 2) return false;
    // A lost snapshot leaves no hole in any log, and is the hardest to notice.
    const folds = machine.disk.journal.placesOf(snapshotKind).filter((at) => at < last);
    const isFold = folds.length > 0 && prng.below(2) === 0;
    const from = isFold ? prng.pick(folds) : prng.below(last);
    const count = isFold ? 1 : 1 + prng.below(Math.min(holeWritesMax, last - from));
    return whileDown(world, prng, machine, harms, () => {
      machine.harmStore('lost writes', () => machine.disk.loseWrites(from, count));
      machine.disk.isTelling = true;
      world.say(() => `* ${machine.id} lost ${count} writes, and has ${last + 1 - from - count} behind them`);
    });
  },
  /** The write-ahead log is cut. */
  logCut: (world, prng, machine, harms) => {
    return whileDown(world, prng, machine, harms, () => {
      const { disk } = machine;
      const behind = serialOf(machine) - (machine.beside.watermark?.serial ?? 0);
      const count = behind + 1 + prng.below(20);
      if (count > disk.journal.length) return;
      machine.harmStore('lost writes', () => disk.loseWrites(disk.journal.length - count, count));
      world.say(() => `* ${machine.id} lost its last ${count} writes, and ${behind} are behind its watermark`);
    });
  },
  /** The folder as it was once. */
  rolledBack: (world, prng, machine, harms) => {
    const copy = machine.disk.copy();
    const [serial, losses] = [serialOf(machine), machine.disk.losses];
    harms.later(50 + prng.below(1_500), () => {
      if (losses !== machine.disk.losses || !mayLoseDisk(world, machine)) return;
      if (serial >= (machine.beside.watermark?.serial ?? 0)) return;
      world.note('rolledBack');
      whileDown(world, prng, machine, harms, () => {
        machine.harmStore('lost writes', () => machine.disk.restore(copy));
        world.say(() => `* ${machine.id} has an old copy of its store, of write ${serial}`);
      });
    });
    return false;
  },
  bitFlip: (world, prng, machine) => flipOne(world, prng, machine, prng.below(3) > 0 ? kindsRead : kindsOfBytes),
  bitFlipDown: (world, prng, machine, harms) => {
    return whileDown(world, prng, machine, harms, () => flipOne(world, prng, machine, kindsOfBytes));
  },
  storeLost: (world, prng, machine, harms) => {
    return whileDown(world, prng, machine, harms, () => {
      machine.harmStore('lost writes', () => machine.disk.lose());
      world.say(() => `* ${machine.id} has an empty store, and knows what should be there`);
    });
  },
  watermarkSpoiled: (world, prng, machine, harms) => {
    return whileDown(world, prng, machine, harms, () => {
      const { beside } = machine;
      machine.harmStore('beside', () => {
        beside.slots = prng.below(2) === 0 ? undefined : beside.slots?.map(() => prng.below(256));
      });
    });
  },
};

export function damage(world: World, prng: Prng, name: string, harms: Harms): boolean {
  const machine = prng.pick(world.machines);
  const { beside } = machine;
  // A store that was just begun is not remembered yet.
  if (beside.identity === undefined || !mayLoseDisk(world, machine)) return false;
  return damages[name]?.(world, prng, machine, harms) === true;
}

function whileDown(world: World, prng: Prng, machine: Machine, { careForVoters }: Harms, harm: () => void): boolean {
  world.crash(machine);
  harm();
  world.kernel.after(prng.below(400), () => world.start(machine));
  if (prng.below(2) === 0) careForVoters();
  return true;
}

function flipOne(world: World, prng: Prng, machine: Machine, kinds: readonly number[]): boolean {
  const keys = machine.disk.keysOf(prng.pick(kinds));
  if (keys.length === 0) return false;
  const key = prng.pick(keys);
  machine.harmStore('flips', () => machine.disk.flip(key));
  world.say(() => `* a bit flips at ${machine.id}, under ${Buffer.from(key).toString('hex')}`);
  return true;
}

/** How many writes its store has. */
function serialOf({ disk }: Machine): number {
  const entry = disk.entries(tallyKey, Uint8Array.of(0x06))[0];
  return entry === undefined ? 0 : decodeTally(entry).serial;
}
