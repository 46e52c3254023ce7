// Every ordered store under the one contract; and what only the one on a disk can do.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { LevelStore } from '../../host/level-store.ts';
import { MemoryStore } from '../contract/memory-store.ts';
import { checkOrderedStore } from '../contract/ordered-store.ts';

checkOrderedStore('memory', async () => {
  const store = new MemoryStore();
  return { store, end: async () => undefined };
});

checkOrderedStore('LevelDB', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'levelten-store-'));
  let store = await LevelStore.open(folder);
  return {
    store,
    reopen: async () => {
      await store.close();
      store = await LevelStore.open(folder);
      return store;
    },
    end: async () => {
      await store.close();
      await rm(folder, { recursive: true });
    },
  };
});

t.test('[E8] a folder that is open is not opened twice: ENGINE_LOCKED', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'levelten-store-'));
  const store = await LevelStore.open(folder);
  await t.rejects(LevelStore.open(folder), { code: 'ENGINE_LOCKED', message: new RegExp(`${folder}.*lock`, 's') });
  await store.close();
  const again = await LevelStore.open(folder);
  await again.close();
  await rm(folder, { recursive: true });
  await t.rejects(LevelStore.open('/dev/null/store'), { code: 'ENGINE_DISK' });
});
