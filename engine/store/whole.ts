// What an opening passes over: the log below what is folded, and every document. Walked where LevelDB told of a loss (E10): a snapshot that it
// lost leaves no hole, and the older one in its place looks well.
import { CodedError } from '../base/errors.ts';
import type { ChainId } from '../base/ids.ts';
import { readHistoryBlock } from './documents.ts';
import { sumOf } from './pages.ts';
import { decodeSnapshotEntry, documentKeys, nameOfSnapshotKey } from './snapshot-format.ts';
import type { Store } from './store.ts';

/** Of a chain that nobody writes to. ENGINE_CORRUPT by name of what is wrong. */
export async function walkWhole(store: Store, chain: ChainId): Promise<void> {
  const { floor, folded, sum, hasLeftover } = store.base(chain);
  if (hasLeftover) return;
  let { lsn, hash } = floor;
  if (folded.lsn > floor.lsn) {
    for await (const record of store.walk(chain, floor)) {
      ({ lsn, hash } = record);
      if (lsn === folded.lsn) break;
    }
  }
  if (lsn !== folded.lsn || hash !== folded.hash) {
    throw new CodedError(
      'ENGINE_CORRUPT',
      `chain ${chain} is folded through ${folded.lsn}, and its log is another one`,
    );
  }
  if ((await sumOf(store, chain)) !== sum) {
    throw new CodedError('ENGINE_CORRUPT', `chain ${chain}: its documents are not those that were folded`);
  }
  const [[from, to]] = documentKeys(chain);
  for await (const page of store.scan(from, to)) {
    for (const { key, value } of page) {
      const { blocks } = decodeSnapshotEntry(key, value);
      for (const seqFirst of blocks) await readHistoryBlock(store, chain, nameOfSnapshotKey(key), seqFirst);
    }
  }
}
