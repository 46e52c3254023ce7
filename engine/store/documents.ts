// Documents below the log: read one by one, whatever else a store holds. A load is one read of a snapshot, and one of each record
// above it that has the document.
import { CodedError } from '../base/errors.ts';
import type { ChainId } from '../base/ids.ts';
import type { DocumentIndex } from './document-index.ts';
import { indexAfterFold, indexRecord } from './document-index.ts';
import { sectionsOf } from './format.ts';
import type { HistoryBlock, StoredSnapshot } from './snapshot-format.ts';
import { decodeHistoryEntry, decodeSnapshotEntry, historyKey, snapshotKey } from './snapshot-format.ts';
import type { Store } from './store.ts';

/** What there is of a document: its snapshot, and the updates behind it, section by section. */
export type Stored = { readonly snapshot: StoredSnapshot | undefined; readonly sections: readonly Uint8Array[] };

export async function readSnapshot(store: Store, chain: ChainId, name: string): Promise<StoredSnapshot | undefined> {
  const key = snapshotKey(chain, name);
  const entry = await store.get(key);
  return entry === undefined ? undefined : decodeSnapshotEntry(key, entry);
}

/** ENGINE_CORRUPT where its snapshot names a block that is not there. */
export async function readHistoryBlock(
  store: Store,
  chain: ChainId,
  name: string,
  seqFirst: number,
): Promise<HistoryBlock> {
  const key = historyKey(chain, name, seqFirst);
  const entry = await store.get(key);
  if (entry === undefined) {
    throw new CodedError('ENGINE_CORRUPT', `chain ${chain}: the history of ${name} from ${seqFirst} on is missing`);
  }
  return decodeHistoryEntry(key, entry);
}

/** What is stored of `name`; `index` reaches to the end of the log. Read again where it was folded meanwhile. */
export async function readDocument(store: Store, chain: ChainId, index: DocumentIndex, name: string): Promise<Stored> {
  for (;;) {
    const { folded } = store.base(chain);
    const lsns = [...(index.lsns.get(name) ?? [])];
    const snapshot = await readSnapshot(store, chain, name);
    const sections: Uint8Array[] = [];
    // What was folded since may have been trimmed under this read: it is in a snapshot by now. Folds are seconds apart, so this ends.
    const isFoldedSince = (): boolean => store.base(chain).folded.lsn !== folded.lsn;
    try {
      await readSections(store, chain, name, lsns, snapshot?.lsn ?? 0, sections);
    } catch (cause) {
      if (isFoldedSince()) continue;
      throw cause;
    }
    if (!isFoldedSince()) return { snapshot, sections };
  }
}

/** Takes into the index what the log has behind it. What is folded and trimmed meanwhile is in snapshots, and needs no index (seed 607996). */
export async function indexToEnd(
  store: Store,
  chain: ChainId,
  index: DocumentIndex,
  isStopped: () => boolean,
): Promise<void> {
  while (index.through.lsn < store.durable(chain).lsn && !isStopped()) {
    const from = index.through.lsn;
    try {
      for await (const record of store.walk(chain, index.through)) {
        if (isStopped()) return;
        indexRecord(index, record);
      }
      return;
    } catch (cause) {
      if (isStopped()) return;
      if (!store.isTrimmed(chain, from)) throw cause;
      indexAfterFold(index, store.base(chain).folded, [...index.lsns.keys()]);
    }
  }
}

async function readSections(
  store: Store,
  chain: ChainId,
  name: string,
  lsns: readonly number[],
  foldedLsn: number,
  sections: Uint8Array[],
): Promise<void> {
  for (const lsn of lsns) {
    if (lsn <= foldedLsn) continue;
    const record = await store.readRecord(chain, lsn);
    const section = sectionsOf(record).find((one) => one.name === name);
    if (section === undefined) {
      throw new CodedError('ENGINE_CORRUPT', `chain ${chain}, record ${lsn} should hold ${name}`);
    }
    sections.push(section.bytes);
  }
}
