// Deletion down to the files, on the real LevelDB: what it removed is in none of them.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import type { ChainId } from '../../engine/base/ids.ts';
import { chainId } from '../../engine/base/ids.ts';
import { erasePassMax } from '../../engine/base/limits.ts';
import { countPending, erase, findDue } from '../../engine/store/erasing.ts';
import { readPage, storePage, wipeChain } from '../../engine/store/pages.ts';
import { putPending } from '../../engine/store/pending.ts';
import type { Put } from '../../engine/store/port.ts';
import { Store } from '../../engine/store/store.ts';
import { deleteDocument } from '../../host/history.ts';
import { LevelStore } from '../../host/level-store.ts';
import { MemoryStore } from '../contract/memory-store.ts';
import { chain, DeskStage } from '../host/desk-stage.ts';
import { filesWith } from './files.ts';

const marker = 'a word that is in no other document';
const bytes = (text: string): Buffer => Buffer.from(text);

async function inFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'levelten-erasing-'));
  try {
    await run(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Documents of about `length` bytes each, `count` of them before the one with the marker and as many after it. */
async function filled(folder: string, count: number, length: number): Promise<DeskStage> {
  const stage = await DeskStage.of(await LevelStore.open(folder));
  const names = Array.from({ length: 2 * count + 1 }, (_, at) => `s/d${String(at).padStart(4, '0')}`);
  for (const [at, name] of names.entries()) {
    const viewer = await stage.come(name);
    const value = at === count ? marker : String.fromCharCode(97 + (at % 26)).repeat(length);
    for (const key of ['one', 'two']) stage.send(viewer, { steps: [{ do: 'tag', tag: key, value }] });
    stage.desk.close(viewer.attached);
    await stage.settle();
  }
  // All of it in the lowest files, of some MiB each: what is removed from now on is hidden, and not gone.
  await stage.fold(false);
  await stage.disk.compact(Uint8Array.of(0), Uint8Array.of(0xff));
  return stage;
}

for (const [title, count, length] of [
  ['small enough for the memory table', 3, 100],
  ['spread over files', 50, 40_000],
] as const) {
  t.test(`[D21] a document that was deleted, folded, trimmed and erased is in no file: ${title}`, async (t) => {
    await inFolder(async (folder) => {
      const stage = await filled(folder, count, length);
      const name = `s/d${String(count).padStart(4, '0')}`;
      t.not(filesWith(folder, marker).length, 0, 'it was there');
      t.match(await stage.during(deleteDocument(stage.desk, name)), { seq: 5 });
      const { store } = stage;
      await stage.fold(false);
      t.equal(await countPending(store, chain, 10), 1);
      t.same(await findDue(store), [], 'its updates are in the log');
      const { lsn } = store.durable(chain);
      await stage.fold();
      t.not(filesWith(folder, marker).length, 0, 'removing it does not erase it');
      const due = await findDue(store);
      t.same(due, [{ chain, name, number: lsn - 2 }]);
      await erase(store, due);
      t.same(filesWith(folder, marker), []);
      t.equal(await countPending(store, chain, 10), 0);
      const other = await stage.come('s/d0000');
      t.match(other.view, { tags: { one: 'a'.repeat(length) } }, 'others are there');
      await store.close();
      const again = await LevelStore.open(folder);
      t.same(filesWith(folder, marker), [], 'nor after the next start');
      await again.close();
    });
  });
}

t.test('[D21] [S7] whoever reads while it is erased is waited for, and holds no file back', async (t) => {
  await inFolder(async (folder) => {
    const disk = await LevelStore.open(folder);
    const at = (number: number): Buffer => bytes(`k${number}`);
    await disk.write([{ key: at(1), value: bytes(marker) }]);
    const scan = disk.scan(at(0), at(9))[Symbol.asyncIterator]();
    await scan.next();
    await disk.write([{ key: at(1), value: undefined }]);
    let isErased = false;
    const erased = disk.compact(at(0), at(9)).then(() => {
      isErased = true;
    });
    t.same(await disk.get(at(1)), undefined);
    for (let turns = 0; turns < 20; turns += 1) await new Promise(setImmediate);
    t.notOk(isErased, 'somebody reads at a time when it was there');
    await scan.return?.(undefined);
    await erased;
    t.same(filesWith(folder, marker), []);
    await disk.close();
  });
});

t.test('[S7] what lies beside a range, and what was written since, stays', async (t) => {
  await inFolder(async (folder) => {
    const disk = await LevelStore.open(folder);
    const puts: Put[] = ['a', 'b1', 'b2', 'b3', 'c'].map((key) => ({
      key: bytes(key),
      value: bytes(`${key} ${marker}`),
    }));
    await disk.write(puts);
    await disk.compact(bytes('b'), bytes('b9'));
    for (const { key, value } of puts) t.same(await disk.get(key), value);
    await disk.write([{ key: bytes('b2'), value: bytes('new') }]);
    await disk.compact(bytes('b'), bytes('b9'));
    t.same(await disk.get(bytes('b2')), bytes('new'));
    t.same(filesWith(folder, `b2 ${marker}`), []);
    t.not(filesWith(folder, `b1 ${marker}`).length, 0);
    await disk.close();
  });
});

t.test(
  '[C11] [D21] a chain that was wiped for a copy leaves no byte of what it was, and takes the seq floor over',
  async (t) => {
    await inFolder(async (folder) => {
      const stage = await filled(folder, 2, 100);
      await stage.fold();
      const source = new DeskStage(await LevelStore.open(join(folder, 'source')));
      await source.start();
      const viewer = await source.come('s/other');
      for (let at = 0; at < 20; at += 1) source.send(viewer, { steps: [{ do: 'count', value: 1 }] });
      await source.settle();
      t.match(await source.during(deleteDocument(source.desk, 's/other')), { seq: 23 });
      await source.fold();
      const { store } = stage;
      await wipeChain(store, chain);
      const page = await readPage(source.store, chain, '', 1_000_000);
      t.equal(page.next, '');
      t.ok(await storePage(store, chain, page));
      t.not(filesWith(folder, marker).length, 0);
      const due = await findDue(store);
      t.match(due, [{ chain, name: '' }]);
      // It is wiped again while its files are rewritten: that is another note, and stays.
      await wipeChain(store, chain);
      t.equal(await countPending(store, chain, 10), 2);
      t.equal(await countPending(store, chain, 1), 1, 'as far as it is counted');
      await storePage(store, chain, page);
      await erase(store, due);
      t.same(filesWith(folder, marker), []);
      t.match(await findDue(store), [{ chain, name: '' }]);
      // Of a document that was deleted in the log that was wiped: nobody trims that any more.
      const { key, value } = putPending(chain, 's/before', store.durable(chain).lsn + 1);
      await store.behind(chain, [{ key, value }], {});
      t.match(await findDue(store, chain), [{ name: '' }, { name: 's/before' }], 'round and round');
      await store.close();
      await source.store.close();
      const after = await DeskStage.of(await LevelStore.open(folder));
      const fresh = await after.come('s/new');
      t.equal(after.residentOf(fresh)?.seq, 25, 'above what was deleted');
      await after.store.close();
    });
  },
);

t.test('[D21] every chain has its turn, whatever waits in others', async (t) => {
  const store = await Store.open(new MemoryStore(), [0, 1].map(chainId), { storeId: 's', host: 'h', cluster: 'k' });
  for (const one of [0, 1].map(chainId)) {
    const puts = Array.from({ length: erasePassMax + 1 }, (_, at) => putPending(one, '', at));
    await store.behind(one, puts, {});
  }
  const turns: number[] = [];
  for (let last: ChainId | undefined; turns.length < 4; ) {
    const due = await findDue(store, last);
    t.equal(due.length, erasePassMax);
    last = due[0]?.chain;
    turns.push(last ?? -1);
  }
  t.same(turns, [0, 1, 0, 1]);
});
