// The simulated disk under the one contract of ordered stores: a rule that only one disk keeps is not a rule. And what it alone
// can do: crash.
import t from 'tap';
import { checkOrderedStore } from '../contract/ordered-store.ts';
import { SimDisk } from './disk.ts';
import { Kernel } from './kernel.ts';

const key = Uint8Array.of(1);
const enter = (run: () => void): void => run();

checkOrderedStore('simulated', async () => {
  const kernel = new Kernel(1);
  const disk = new SimDisk(kernel, 'disk');
  let isEnded = false;
  const pump = async (): Promise<void> => {
    for (; !isEnded; await new Promise(setImmediate)) await kernel.run(kernel.nowMs + 100);
  };
  void pump();
  const end = async (): Promise<void> => {
    isEnded = true;
  };
  return { store: disk.open(enter), reopen: async () => disk.open(enter), end };
});

t.test('[S1] [S2] a crash keeps what was written, and all or nothing of a write on its way', async (t) => {
  const outcomes = new Set<string>();
  for (let seed = 1; seed <= 20; seed += 1) {
    const kernel = new Kernel(seed);
    const disk = new SimDisk(kernel, 'disk');
    const [to, other] = [Uint8Array.of(9), Uint8Array.of(2)];
    const done = disk.open(enter).write([{ key, value: Uint8Array.of(1) }]);
    await kernel.run(100);
    await done;
    const puts = [key, other].map((one) => ({ key: one, value: Uint8Array.of(2) }));
    void disk.open(enter).write(puts);
    t.equal(disk.isWriting, true);
    const outcome = disk.crash();
    outcomes.add(outcome);
    const held = disk.entries(key, to).map((value) => value[0]);
    t.same(held, outcome === 'kept' ? [2, 2] : [1]);
    await kernel.run(200);
    t.same(disk.entries(key, to).length, held.length, 'nothing comes after the crash');
    disk.lose();
    t.same(disk.entries(key, to), []);
  }
  t.same([...outcomes].sort(), ['kept', 'lost']);
});

t.test('[S3] a write that fails rejects, and is there or not', async (t) => {
  const found = new Set<number>();
  for (let seed = 1; seed <= 20; seed += 1) {
    const kernel = new Kernel(seed);
    const disk = new SimDisk(kernel, 'disk');
    disk.isFailing = true;
    const write = disk.open(enter).write([{ key, value: key }]);
    const rejected = t.rejects(write, { name: 'DiskFailed' });
    await kernel.run(100);
    await rejected;
    found.add(disk.entries(key, Uint8Array.of(9)).length);
  }
  t.same([...found].sort(), [0, 1]);
});

t.test('[S2] a process that is gone writes nothing any more', async (t) => {
  const kernel = new Kernel(1);
  const disk = new SimDisk(kernel, 'disk');
  const handle = disk.open(enter);
  disk.crash();
  void handle.write([{ key, value: key }]);
  t.equal(disk.isWriting, false);
  const done = disk.open(enter).write([{ key, value: Uint8Array.of(7) }]);
  await kernel.run(100);
  await done;
  t.same(disk.entries(key, Uint8Array.of(9)), [Uint8Array.of(7)]);
});
