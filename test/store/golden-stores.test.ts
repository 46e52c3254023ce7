// Stores as every version of the format wrote them: test/golden/stores/N. One that is kept opens, for good, or is refused by name.
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { chainId, origin } from '../../engine/base/ids.ts';
import { createIndex, type DocumentIndex, indexVisited } from '../../engine/store/document-index.ts';
import { readDocument, readHistoryBlock } from '../../engine/store/documents.ts';
import { Store } from '../../engine/store/store.ts';
import { LevelStore } from '../../host/level-store.ts';
import { endOf } from '../chain/one.ts';
import * as golden from './golden-store.ts';

const fixtures = fileURLToPath(new URL('../../../test/golden/stores/', import.meta.url));
const versions = ['1', '2'];
const zero = chainId(0);

async function folder(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'levelten-golden-'));
  t.teardown(() => rm(dir, { recursive: true }));
  return dir;
}

for (const version of versions) {
  t.test(`[E12] a store of version ${version} opens, with all that was in it, and again`, async (t) => {
    const dir = await folder();
    await cp(join(fixtures, version), dir, { recursive: true });
    // The second time it has been written to by the code of today.
    for (let times = 0; times < 2; times += 1) {
      const indexes = new Map<typeof zero, DocumentIndex>();
      const visit = (record: Parameters<typeof indexVisited>[1]): void => indexVisited(indexes, record);
      const store = await Store.open(
        await LevelStore.open(dir, false),
        golden.goldenChains,
        golden.goldenIdentity,
        visit,
      );
      t.same(store.identity, golden.goldenIdentity);
      t.same(store.durable(zero), endOf(golden.goldenLog));
      t.same(store.durable(chainId(1)), origin);
      t.same(store.base(zero).floor, endOf(golden.goldenLog.slice(0, golden.goldenFloor)));
      t.same(store.base(zero).folded, endOf(golden.goldenLog.slice(0, golden.goldenFolded)));
      for (const chain of golden.goldenChains) t.same(store.marks(chain), golden.goldenMarks);
      t.same(Buffer.from(store.cells.get(0) ?? []), golden.goldenCell.bytes);
      const { snapshot, sections } = await readDocument(store, zero, indexes.get(zero) ?? createIndex(), 'space/key');
      t.equal(Buffer.from(snapshot?.state ?? []).toString(), 'x 1x 2x 3x 4x 5x 6');
      t.same(
        sections.map((bytes) => Buffer.from(bytes).toString()),
        ['x 7', 'x 8'],
      );
      const blocks = await Promise.all(
        (snapshot?.blocks ?? []).map((seq) => readHistoryBlock(store, zero, 'space/key', seq)),
      );
      t.match(blocks.map(({ updates }) => Buffer.from(updates).toString()).join(''), /x 4x 5x 6$/);
      await store.close();
    }
  });
}

t.test(
  '[E12] what is written today is what the newest of them holds: a byte that changes is a new version',
  async (t) => {
    const dir = await folder();
    await golden.layGoldenStore(dir);
    const name = '000003.log';
    t.same(await readFile(join(dir, name)), await readFile(join(fixtures, versions.at(-1) ?? '', name)));
  },
);
