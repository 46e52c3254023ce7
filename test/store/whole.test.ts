// A store that is walked whole: what an opening passes over, spoiled or removed entry by entry.
import t from 'tap';
import type { Lsn } from '../../engine/base/ids.ts';
import { chainId, epoch } from '../../engine/base/ids.ts';
import type { FoldResult } from '../../engine/store/folding.ts';
import { foldChain } from '../../engine/store/folding.ts';
import { encodeBatch, recordKey } from '../../engine/store/format.ts';
import type { Pair } from '../../engine/store/port.ts';
import { documentKeys, snapshotKey } from '../../engine/store/snapshot-format.ts';
import { Store } from '../../engine/store/store.ts';
import { walkWhole } from '../../engine/store/whole.ts';
import { MemoryStore } from '../contract/memory-store.ts';

const chain = chainId(0);
const identity = { storeId: 's', host: 'h1', cluster: 'k' };
type Place = { readonly disk: MemoryStore; readonly store: Store };

/** Five documents, folded twice, with their log; the entries are those after the first pass. */
async function folded(): Promise<Place & { readonly former: readonly Pair[] }> {
  const disk = new MemoryStore();
  const store = await Store.open(disk, [chain], identity);
  store.listen({ onSynced: () => {}, onFailed: (cause) => t.fail(String(cause)) });
  const fold = async (tasks: readonly { readonly sections: readonly Uint8Array[] }[]): Promise<FoldResult[]> =>
    tasks.map(({ sections }) => ({ state: Buffer.concat(sections), deleted: undefined }));
  const former: Pair[] = [];
  for (const seqFirst of [1, 2]) {
    for (let number = 1; number <= 5; number += 1) {
      const section = { name: `s/d${number}`, seqFirst, updates: [Buffer.from(`word ${number} ${seqFirst}`)] };
      store.append(chain, [encodeBatch({ chain, epoch: epoch(1), after: store.durable(chain) }, [section])], undefined);
      store.flush();
      await new Promise(setImmediate);
    }
    const committed = store.durable(chain).lsn as Lsn;
    await foldChain(store, chain, { committed, history: 4, fold, pace: async () => {}, isStopped: () => false });
    for (const [from, to] of documentKeys(chain)) for await (const page of store.scan(from, to)) former.push(...page);
  }
  return { disk, store, former };
}

const reopened = async ({ disk }: Place): Promise<Store> => Store.open(disk, [chain], identity);

t.test('[E10] a store that is well comes through the walk', async (t) => {
  await walkWhole(await reopened(await folded()), [chain]);
  t.pass('it came through');
});

t.test(
  '[E10] an opening passes over what the walk finds: records, snapshots and history that are lost or old',
  async (t) => {
    const { former } = await folded();
    const old = former.find(({ key }) => Buffer.compare(key, snapshotKey(chain, 's/d3')) === 0);
    const [, [from, to]] = documentKeys(chain);
    const block = former.find(({ key }) => Buffer.compare(key, from) > 0 && Buffer.compare(key, to) < 0);
    const losses: readonly (readonly [
      what: string,
      key: Uint8Array,
      value: Uint8Array | undefined,
      message: RegExp,
    ])[] = [
      ['a record', recordKey(chain, 4), undefined, /record 4: is missing \(hole\)/],
      ['the last folded record', recordKey(chain, 10), undefined, /record 10: .* \(folded\)/],
      ['a snapshot', snapshotKey(chain, 's/d3'), undefined, /\((sum|history-stray)\)/],
      ['an older snapshot', snapshotKey(chain, 's/d3'), old?.value, /\((sum|history-\w+)\)/],
      ['history', block?.key ?? new Uint8Array(), undefined, /s.d1.* \(history-missing\)/],
    ];
    for (const [what, key, value, message] of losses) {
      const place = await folded();
      place.disk.corrupt(key, value);
      await t.rejects(walkWhole(await reopened(place), [chain]), { code: 'ENGINE_CORRUPT', message }, what);
    }
  },
);
