// The simulated disk lies as LevelDB was measured to, and what stands beside a store survives a crash as a file does.
import t from 'tap';
import type { OrderedStore } from '../../engine/store/port.ts';
import { encodeSlot, readWatermark, slotEvery } from '../../engine/store/watermark.ts';
import { Beside } from './beside.ts';
import { SimDisk } from './disk.ts';
import { Kernel } from './kernel.ts';

const enter = (run: () => void): void => run();
const [low, high] = [Uint8Array.of(0), Uint8Array.of(0xff)];

type Stage = { readonly kernel: Kernel; readonly disk: SimDisk; readonly store: OrderedStore };

/** So many writes, each of one key with its own number. */
async function written(count: number, seed = 1): Promise<Stage> {
  const kernel = new Kernel(seed);
  const disk = new SimDisk(kernel, 'disk');
  const stage = { kernel, disk, store: disk.open(enter) };
  for (let number = 1; number <= count; number += 1) await write(stage, number);
  return stage;
}

async function write({ kernel, disk }: Stage, number: number): Promise<void> {
  const done = disk.open(enter).write([{ key: Uint8Array.of(number), value: Uint8Array.of(number) }]);
  done.catch(() => {});
  await kernel.run(kernel.nowMs + 10);
  await done;
}

function numbersOn(disk: SimDisk): number[] {
  return disk.pairs(low, high).map(({ value }) => value[0] ?? 0);
}

t.test('[E2] what is written behind a write that failed is there until the process ends, and then gone', async (t) => {
  for (let seed = 1; seed <= 8; seed += 1) {
    const stage = await written(3, seed);
    stage.disk.isFailing = true;
    await t.rejects(write(stage, 4), { name: 'DiskFailed' });
    const atFailure = numbersOn(stage.disk);
    for (const number of [5, 6, 7]) await write(stage, number);
    t.same(numbersOn(stage.disk), [...atFailure, 5, 6, 7], 'all of them were answered');
    stage.disk.crash();
    t.same(numbersOn(stage.disk), atFailure);
    await write(stage, 8);
    stage.disk.crash();
    t.same(numbersOn(stage.disk), [...atFailure, 8], 'who opened it again is told the truth');
  }
});

t.test('writes are lost in the middle, at the end, or all behind a copy', async (t) => {
  const { disk } = await written(9);
  disk.loseWrites(3, 2);
  t.same(numbersOn(disk), [1, 2, 3, 6, 7, 8, 9]);
  disk.loseWrites(disk.journal.length - 2, 2);
  t.same(numbersOn(disk), [1, 2, 3, 6, 7]);
  const stage = await written(4);
  const copy = stage.disk.copy();
  await write(stage, 5);
  stage.disk.restore(copy);
  t.same(numbersOn(stage.disk), [1, 2, 3, 4]);
  t.equal(stage.disk.journal.length, 0);
  t.same(stage.disk.journal.placesOf(5), []);
});

t.test('a flipped bit comes back to who reads, and is gone once it is written over', async (t) => {
  const stage = await written(3);
  const { disk, store, kernel } = stage;
  const key = Uint8Array.of(2);
  const read = async (): Promise<number | undefined> => {
    const value = store.get(key);
    await kernel.run(kernel.nowMs + 10);
    return (await value)?.[0];
  };
  disk.flip(key);
  t.not(await read(), 2);
  t.same(numbersOn(disk), [1, 2, 3], 'checkers see what was written');
  t.ok(disk.hasFlips);
  await write(stage, 2);
  t.equal(await read(), 2);
  t.notOk(disk.hasFlips);
});

t.test('[E5] a crash leaves a slot old, new or torn, and the other one whole', async (t) => {
  const outcomes = new Set<string>();
  for (let seed = 1; seed <= 40; seed += 1) {
    const kernel = new Kernel(seed);
    const beside = new Beside(kernel, 'h1', new SimDisk(kernel, 'h1'));
    beside.slots = new Uint8Array(2 * slotEvery);
    for (const slot of [0, 1]) beside.slots.set(encodeSlot({ storeId: 's', serial: 5 + slot }), slot * slotEvery);
    void beside.writeSlot(0, encodeSlot({ storeId: 's', serial: 1_000_000 }), enter);
    t.ok(beside.isWriting);
    const isTorn = beside.crash();
    await kernel.run(100);
    const { serial } = readWatermark(beside.slots);
    t.ok(serial === 6 || serial === 1_000_000);
    outcomes.add(`${isTorn ? 'torn' : 'whole'} ${serial}`);
  }
  t.same([...outcomes].sort(), ['torn 6', 'whole 1000000', 'whole 6']);
});
