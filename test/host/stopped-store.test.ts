// A store that is read while its host does not run: nothing of it changes, and one that is open is refused.
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import type { OrderedReader } from '../../engine/store/port.ts';
import { LevelStore } from '../../host/level-store.ts';
import { readStopped } from '../../host/stopped-store.ts';

const key = Uint8Array.of(1);

async function picture(folder: string): Promise<object[]> {
  const files = (await readdir(folder)).sort();
  return Promise.all(
    files.map(async (file) => {
      const { size, ino, mtimeMs, nlink } = await stat(join(folder, file));
      const hash = createHash('sha256')
        .update(await readFile(join(folder, file)))
        .digest('hex');
      return { file, size, ino, mtimeMs, nlink, hash };
    }),
  );
}

t.test('[H10] a stopped store is read as it is, and is as it was; an open one is refused, as is none', async (t) => {
  const parent = await mkdtemp(join(tmpdir(), 'levelten-stopped-'));
  t.teardown(() => rm(parent, { recursive: true }));
  const folder = join(parent, 'store');
  await mkdir(folder);
  const valueIn = async (disk: OrderedReader) => (await disk.get(key))?.[0];
  await t.rejects(readStopped(folder, valueIn), { code: 'ENGINE_DISK', message: /there is no store/ });
  t.same(await readdir(parent), ['store'], 'none was made');
  const store = await LevelStore.open(folder);
  await store.write([{ key, value: Uint8Array.of(7) }]);
  await t.rejects(readStopped(folder, valueIn), {
    code: 'ENGINE_DISK',
    message: new RegExp(`${process.pid} has the store`),
  });
  await store.close();
  const before = await picture(folder);
  t.equal(await readStopped(folder, valueIn), 7);
  await t.rejects(
    readStopped(folder, () => Promise.reject(new Error('no'))),
    { message: 'no' },
  );
  t.same(await picture(folder), before);
  t.same(await readdir(parent), ['store'], 'no copy is left');
  // A host may start while it is read.
  const both = await readStopped(folder, async (disk) => {
    const host = await LevelStore.open(folder);
    await host.write([{ key, value: Uint8Array.of(8) }]);
    await host.close();
    return valueIn(disk);
  });
  t.equal(both, 7);
  t.equal(await readStopped(folder, valueIn), 8);
});
