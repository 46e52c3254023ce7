// Documents given to a store that lacks them: page by page, checked entry by entry and by their sum; and a chain removed whole.
import fc from 'fast-check';
import t from 'tap';
import { ByteReader } from '../../engine/base/bytes.ts';
import type { Lsn } from '../../engine/base/ids.ts';
import { chainId, epoch, origin } from '../../engine/base/ids.ts';
import type { FoldResult } from '../../engine/store/folding.ts';
import { foldChain } from '../../engine/store/folding.ts';
import { encodeBatch, recordKeys } from '../../engine/store/format.ts';
import type { DocumentPage } from '../../engine/store/pages.ts';
import { readPage, storePage, sumOf, wipeChain } from '../../engine/store/pages.ts';
import type { Pair } from '../../engine/store/port.ts';
import { documentKeys } from '../../engine/store/snapshot-format.ts';
import { Store } from '../../engine/store/store.ts';
import { MemoryStore } from '../contract/memory-store.ts';
import { codeOr, fuzz, spoiled } from '../fuzz.ts';

const [chain, other] = [chainId(3), chainId(4)];

type Place = { readonly disk: MemoryStore; readonly store: Store };

async function open(disk = new MemoryStore()): Promise<Place> {
  const store = await Store.open(disk, [chain, other], { storeId: 's', host: 'h1', cluster: 'k' });
  store.listen({ onSynced: () => {}, onFailed: (cause) => t.fail(String(cause)) });
  return { disk, store };
}

/** So many documents of one update each, folded; and one record more above them. */
async function filled(documents: number): Promise<Place> {
  const place = await open();
  const { store } = place;
  for (let number = 0; number <= documents; number += 1) {
    const section = { name: `s/d${number}`, seqFirst: 1, updates: [Buffer.from(`word ${number}`)] };
    store.append(chain, [encodeBatch({ chain, epoch: epoch(1), after: store.durable(chain) }, [section])], undefined);
    store.flush();
    await new Promise(setImmediate);
  }
  const fold = async (tasks: readonly { readonly sections: readonly Uint8Array[] }[]): Promise<FoldResult[]> =>
    tasks.map(({ sections }) => ({ state: Buffer.concat(sections), deleted: undefined }));
  const options = { committed: documents as Lsn, history: 4, fold, pace: async () => {}, isStopped: () => false };
  await foldChain(store, chain, options);
  return place;
}

async function pagesOf(store: Store, bytesMax: number): Promise<DocumentPage[]> {
  const pages: DocumentPage[] = [];
  for (let cursor = ''; pages.length === 0 || cursor !== ''; cursor = pages.at(-1)?.next ?? '') {
    pages.push(await readPage(store, chain, cursor, bytesMax));
  }
  return pages;
}

/** How many entries a page has, and what they are long together. */
function sizeOf({ bytes }: DocumentPage): { readonly entries: number; readonly length: number } {
  const reader = new ByteReader(bytes);
  const lengths: number[] = [];
  while (reader.offset < bytes.length) {
    const one = reader.varint();
    reader.take(one);
    lengths.push(one);
  }
  return { entries: lengths.length / 2, length: lengths.reduce((sum, one) => sum + one, 0) };
}

async function entriesOf({ store }: Place, ranges: readonly (readonly [Uint8Array, Uint8Array])[]): Promise<string[]> {
  const entries: string[] = [];
  for (const [from, to] of ranges) {
    for await (const page of store.scan(from, to)) {
      for (const { key, value } of page)
        entries.push(`${Buffer.from(key).toString('hex')} ${Buffer.from(value).toString('hex')}`);
    }
  }
  return entries;
}

t.test('[C11] [C17] page by page, in pages of any size, documents come to the same; then the log begins', async (t) => {
  const from = await filled(20);
  for (const bytesMax of [1, 100, 300, 1_000_000]) {
    const to = await open();
    const pages = await pagesOf(from.store, bytesMax);
    t.ok(bytesMax > 1 || pages.length > 30, `${pages.length} pages`);
    const sizes = pages.map(sizeOf);
    t.ok(
      sizes.every(({ entries, length }) => entries === 1 || length <= bytesMax),
      'an entry that is larger goes alone: two of them might not fit a link',
    );
    for (const [index, page] of pages.entries()) {
      t.ok(await storePage(to.store, chain, page));
      if (index < pages.length - 1) t.equal((await open(to.disk)).store.base(chain).hasLeftover, true, 'not whole');
    }
    t.same(await entriesOf(to, documentKeys(chain)), await entriesOf(from, documentKeys(chain)));
    const base = { ...from.store.base(chain), floor: from.store.base(chain).folded };
    t.same(to.store.base(chain), base);
    t.same(to.store.durable(chain), base.folded);
    t.same((await open(to.disk)).store.durable(chain), base.folded, 'and after a start');
    await t.rejects(storePage(to.store, chain, pages[0] as DocumentPage), /C11/, 'and never over what is there');
  }
});

t.test('[C11] documents that do not come to the sum of the source are not believed', async (t) => {
  const from = await filled(5);
  const pages = await pagesOf(from.store, 1);
  const to = await open();
  for (const page of [...pages.slice(0, 2), ...pages.slice(3, -1)]) await storePage(to.store, chain, page);
  t.notOk(await storePage(to.store, chain, pages.at(-1) as DocumentPage));
  t.ok(to.store.base(chain).hasLeftover);
  t.same((await open(to.disk)).store.durable(chain), origin, 'nothing of it counts');
});

t.test('[E3] [C11] a page is checked where it is read: who copies it is not the one to doubt', async (t) => {
  for (const [from, to] of documentKeys(chain).slice(0, 2)) {
    const { disk, store } = await filled(5);
    for await (const page of store.scan(from, to)) {
      const { key, value } = page[2] as Pair;
      disk.corrupt(key, value.with(9, (value[9] ?? 0) ^ 4));
    }
    await t.rejects(pagesOf(store, 1), { code: 'ENGINE_CORRUPT', message: /wrong checksum/ });
  }
});

t.test('[C11] a page of another chain, or with a byte changed, is refused by name', async (t) => {
  const from = await filled(3);
  const [page] = await pagesOf(from.store, 1_000_000);
  const to = await open();
  t.equal(await storePage(to.store, other, page as DocumentPage), false);
  const counts = { kept: 0, refused: 0 };
  const bytes = spoiled(fc.constant((page as DocumentPage).bytes));
  const property = fc.asyncProperty(bytes, async (one) => {
    const result = await storePage(to.store, chain, { ...(page as DocumentPage), bytes: one }).catch((cause) =>
      codeOr(() => {
        throw cause;
      }),
    );
    const isRefused =
      result === false ||
      (typeof result === 'object' && 'code' in result && ['ENGINE_CORRUPT', 'ENGINE_FORMAT'].includes(result.code));
    counts[isRefused ? 'refused' : 'kept'] += 1;
    return isRefused || result === true;
  });
  await fc.assert(property, { ...fuzz, numRuns: 300 });
  t.ok(counts.refused > 250, JSON.stringify(counts));
});

t.test(
  '[C11] a chain that is removed is gone whole, others stay; a start in the middle believes nothing of it',
  async (t) => {
    for (let writes = 1; writes < 8; writes += 1) {
      const place = await filled(10);
      const section = { name: 's/x', seqFirst: 1, updates: [Buffer.from('x')] };
      place.store.append(other, [encodeBatch({ chain: other, epoch: epoch(1), after: origin }, [section])], undefined);
      place.store.flush();
      await new Promise(setImmediate);
      let left = writes;
      place.disk.write = ((write) => async (puts) => {
        left -= 1;
        return left < 0 ? new Promise<void>(() => {}) : write.call(place.disk, puts);
      })(MemoryStore.prototype.write);
      void wipeChain(place.store, chain);
      for (let turns = 0; turns < 20; turns += 1) await new Promise(setImmediate);
      place.disk.write = MemoryStore.prototype.write;
      const again = await open(place.disk);
      t.same(again.store.durable(chain), origin, `after ${writes} writes`);
      t.equal(again.store.durable(other).lsn, 1);
      await wipeChain(again.store, chain);
      t.same(await entriesOf(again, [...documentKeys(chain), recordKeys(chain)]), []);
      t.equal((await open(place.disk)).store.base(chain).hasLeftover, false);
    }
  },
);

t.test('[E13] the sum of a store that was folded is that of its snapshots', async (t) => {
  const { store } = await filled(7);
  t.equal(await sumOf(store, chain), store.base(chain).sum);
});
