// A disk that fills up, and empties again (E9).
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { reserveBytes } from '../../engine/base/limits.ts';
import { freeBytesOf, giveReserve, makeReserve } from '../../host/reserve.ts';
import { Space, type SpaceParts } from '../../host/space.ts';
import { settled } from '../contract/memory-store.ts';

function stage(changes: Partial<SpaceParts> = {}) {
  const said: string[] = [];
  const disk = { freeBytes: 1_000 };
  const space = new Space({
    freeBytes: async () => disk.freeBytes,
    lowBytes: 100,
    criticalBytes: 20,
    reserveBytes: 50,
    checkMs: 1_000,
    makeReserve: async () => void said.push('reserve made'),
    giveReserve: async () => void said.push('reserve given'),
    onFull: (isFull, free) => said.push(`${isFull ? 'full' : 'room'} at ${free}`),
    onFailed: (cause) => said.push(`failed: ${cause}`),
    ...changes,
  });
  const at = async (freeBytes: number): Promise<string[]> => {
    disk.freeBytes = freeBytes;
    await space.check();
    return said.splice(0);
  };
  return { space, said, at, disk };
}

t.test(
  '[E9] writes are refused in good time, the reserve is given last, and both come back with room to spare',
  async (t) => {
    const { at } = stage();
    t.same(await at(1_000), ['reserve made']);
    t.same(await at(100), []);
    t.same(await at(99), ['full at 99']);
    t.same(await at(20), []);
    t.same(await at(19), ['reserve given']);
    t.same(await at(10), [], 'once');
    t.same(await at(69), [], 'what the reserve gave is no room');
    t.same(await at(149), []);
    t.same(await at(150), ['room at 150', 'reserve made']);
  },
);

t.test('[E9] a host that starts on a full disk says so, and gives the reserve of its last process', async (t) => {
  t.same(await stage().at(5), ['full at 5', 'reserve given']);
  t.same(await stage().at(50), ['full at 50'], 'there is a reserve, or not: it is not touched');
});

t.test('[E9] it is looked at in turns, and a look that fails changes nothing', async (t) => {
  let looks = 0;
  const { space, said } = stage({
    freeBytes: async () => {
      looks += 1;
      if (looks === 2) throw new Error('no');
      return 1_000;
    },
  });
  for (const nowMs of [0, 10, 999]) space.tick(nowMs);
  await settled();
  t.equal(looks, 1);
  space.tick(1_000);
  await space.close();
  t.same(said, ['reserve made', 'failed: Error: no']);
});

t.test('[E9] the reserve takes its space, and gives it', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'levelten-reserve-'));
  t.teardown(() => rm(dir, { recursive: true }));
  const file = join(dir, 'reserve');
  await writeFile(file, 'one of another size');
  await makeReserve(file);
  const { blocks, size } = await stat(file);
  t.equal(size, reserveBytes);
  t.ok(blocks * 512 >= reserveBytes, 'no hole');
  t.ok((await freeBytesOf(dir)) > 0);
  await giveReserve(dir, file);
  t.same(await readdir(dir), []);
});
