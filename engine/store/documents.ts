// Documents below the log: read one by one, whatever else a store holds. A load is one read of a snapshot, and one of each record
// above it that has the document.
import { CodedError } from '../base/errors.ts';
import type { ChainId } from '../base/ids.ts';
import type { DocumentIndex } from './document-index.ts';
import { indexAfterFold, indexRecord } from './document-index.ts';
import { sectionsOf } from './format.ts';
import type { HistoryBlock, StoredSnapshot } from './snapshot-format.ts';
import {
  decodeHistoryEntry,
  decodeSeqFloor,
  decodeSnapshotEntry,
  documentKeys,
  historyKey,
  nameOfSnapshotKey,
  seqFloorKey,
  snapshotKey,
} from './snapshot-format.ts';
import type { Store } from './store.ts';

/** What there is of a document: its snapshot, and the updates behind it, section by section. */
export type Stored = {
  readonly snapshot: StoredSnapshot | undefined;
  readonly sections: readonly Uint8Array[];
  /** Where there is neither: what its seq begins above. */
  readonly seqFloor: number;
  /** Of the last update that is there, by what stands around updates. */
  readonly seqLast: number;
};

/** The highest seq of any document of the chain that was deleted, and erased here. */
export async function readSeqFloor(store: Store, chain: ChainId): Promise<number> {
  const key = seqFloorKey(chain);
  const entry = await store.get(key);
  return entry === undefined ? 0 : decodeSeqFloor(key, entry);
}

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
    let seqLast = snapshot?.seq ?? 0;
    // What was folded since may have been trimmed under this read: it is in a snapshot by now. Folds are seconds apart, so this ends.
    const isFoldedSince = (): boolean => store.base(chain).folded.lsn !== folded.lsn;
    try {
      seqLast = Math.max(seqLast, await readSections(store, chain, name, lsns, snapshot?.lsn ?? 0, sections));
    } catch (cause) {
      if (isFoldedSince()) continue;
      throw cause;
    }
    // Read behind the rest: whatever erased this document has raised it before.
    const isNothing = snapshot === undefined && sections.length === 0;
    const seqFloor = isNothing ? await readSeqFloor(store, chain) : 0;
    if (!isFoldedSince()) return { snapshot, sections, seqFloor, seqLast };
  }
}

/** The names behind `after` of documents that may be there, in order, at most `max`; `index` reaches to the end of the log. */
export async function documentNames(
  store: Store,
  chain: ChainId,
  index: DocumentIndex,
  after: string,
  max: number,
): Promise<readonly string[]> {
  const names = new Set<string>();
  for (const name of index.lsns.keys()) if (name > after) names.add(name);
  const [[from, to]] = documentKeys(chain);
  const first = after === '' ? from : Uint8Array.from([...snapshotKey(chain, after), 0]);
  let folded = 0;
  for await (const page of store.scan(first, to)) {
    for (const { key } of page) names.add(nameOfSnapshotKey(key));
    folded += page.length;
    // Whatever else is folded comes behind these.
    if (folded >= max) break;
  }
  return [...names].sort().slice(0, max);
}

/** What reads a document backwards: see engine/document/life/history.ts. Each answers whether more is wanted. */
export type BackReader = {
  begin(snapshot: Uint8Array | undefined, sections: readonly Uint8Array[]): boolean;
  block(updates: Uint8Array): boolean;
};

/**
 * Gives `reader` what is stored of `name`, then its folded updates, newest block first, for as long as it wants more. It begins anew
 * where a block was let go of meanwhile: folds are seconds apart, so this ends. A block may hold updates that `begin` has shown.
 */
export async function readBack(
  store: Store,
  chain: ChainId,
  index: DocumentIndex,
  name: string,
  reader: BackReader,
): Promise<void> {
  for (;;) {
    const { snapshot, sections } = await readDocument(store, chain, index, name);
    const { lsn, blocks } = snapshot ?? { lsn: 0, blocks: [] };
    let isWanted = reader.begin(snapshot?.state, sections);
    let isStale = false;
    for (let at = blocks.length - 1; at >= 0 && isWanted && !isStale; at -= 1) {
      const block = await readHistoryBlock(store, chain, name, blocks[at] as number).catch(async (cause: unknown) => {
        if ((await readSnapshot(store, chain, name))?.lsn === lsn) throw cause;
      });
      if (block === undefined) isStale = true;
      else isWanted = reader.block(block.updates);
    }
    if (!isStale) return;
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
): Promise<number> {
  let seqLast = 0;
  for (const lsn of lsns) {
    if (lsn <= foldedLsn) continue;
    const record = await store.readRecord(chain, lsn);
    const section = sectionsOf(record).find((one) => one.name === name);
    if (section === undefined) {
      throw new CodedError('ENGINE_CORRUPT', `chain ${chain}, record ${lsn} should hold ${name}`);
    }
    sections.push(section.bytes);
    seqLast = section.seqFirst + section.count - 1;
  }
  return seqLast;
}
