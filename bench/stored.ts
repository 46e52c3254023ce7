// Everything that a stopped host's disk holds, document by document: what was folded, and what the log has above it. For checkers.
import type { ChainId, Position } from '../engine/base/ids.ts';
import { createIndex, type DocumentIndex, indexVisited } from '../engine/store/document-index.ts';
import { readDocument, readHistoryBlock } from '../engine/store/documents.ts';
import { documentKeys, nameOfSnapshotKey } from '../engine/store/snapshot-format.ts';
import { Store } from '../engine/store/store.ts';
import type { Folder } from '../host/folder.ts';
import { storeDir } from '../host/folder.ts';
import { LevelStore } from '../host/level-store.ts';

export type StoredDocument = {
  readonly name: string;
  /** As it was folded; undefined where it never was. */
  readonly state: Uint8Array | undefined;
  /** Its newest updates of those that were folded, as far as they are kept, section by section. */
  readonly history: readonly Uint8Array[];
  /** Its updates behind that. */
  readonly sections: readonly Uint8Array[];
};

/** `visit` sees each document of each chain; returns where each chain ends. */
export async function readStored(
  folder: Folder,
  host: string,
  chains: readonly ChainId[],
  visit: (chain: ChainId, document: StoredDocument) => void,
): Promise<Map<ChainId, Position>> {
  const disk = await LevelStore.open(storeDir(folder.dir, host));
  const indexes = new Map<ChainId, DocumentIndex>();
  const fresh = { storeId: '', host, cluster: folder.cluster.cluster };
  const ends = new Map<ChainId, Position>();
  try {
    const store = await Store.open(disk, chains, fresh, (record) => indexVisited(indexes, record));
    for (const chain of chains) {
      ends.set(chain, store.durable(chain));
      const index = indexes.get(chain) ?? createIndex(store.base(chain).folded);
      const names = new Set(index.lsns.keys());
      for await (const page of store.scan(...documentKeys(chain)[0])) {
        for (const { key } of page) names.add(nameOfSnapshotKey(key));
      }
      for (const name of names) {
        const { snapshot, sections } = await readDocument(store, chain, index, name);
        const history: Uint8Array[] = [];
        for (const seqFirst of snapshot?.blocks ?? []) {
          history.push((await readHistoryBlock(store, chain, name, seqFirst)).updates);
        }
        visit(chain, { name, state: snapshot?.state, history, sections });
      }
    }
    return ends;
  } finally {
    await disk.close();
  }
}
