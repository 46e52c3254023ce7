// Stores for the bench, laid down through the engine's own doors: documents at rest, or a log that nobody has folded yet.
import type { DocumentName, Position } from '../engine/base/ids.ts';
import { chainId, documentName, hostId, lsn } from '../engine/base/ids.ts';
import { document, open, t } from '../engine/document/define.ts';
import { foldSections } from '../engine/document/life/snapshot.ts';
import { encodeUpdate, noMessage } from '../engine/document/life/update.ts';
import { noBase } from '../engine/store/entries.ts';
import { encodeBatch, type Section } from '../engine/store/format.ts';
import type { Put } from '../engine/store/port.ts';
import {
  addToSum,
  encodeHistoryEntry,
  encodeSnapshotEntry,
  historyKey,
  snapshotKey,
} from '../engine/store/snapshot-format.ts';
import { Store } from '../engine/store/store.ts';
import { LevelStore } from '../host/level-store.ts';
import { updateOf } from './updates.ts';

export type Laid = { readonly folder: string };
/** Whose store it is. */
export type StoreOwner = { readonly host: string; readonly cluster: string };

const chain = chainId(0);
const documentsPerWrite = 2_000;
const bytesPerWrite = 1024 * 1024;
const nobody: StoreOwner = { host: 'h1', cluster: 'bench' };
const who = { agent: 'alice', authority: 'bench' };
/** A text of the length of a short page. */
const page = 'x'.repeat(300);

export const benchDefinition = document({ text: t.string('') }).privacy({ text: open });

export function nameOf(number: number): DocumentName {
  return documentName(`bench/d${number}`).name;
}

/** Updates 1 to 3 of a document: it begins, somebody comes, and writes a page. */
function updatesOf(number: number): Uint8Array[] {
  const id = new Uint8Array(16);
  new DataView(id.buffer).setUint32(0, number);
  const common = { ...noMessage, atMs: 1_700_000_000_000, who };
  return [
    encodeUpdate({ ...common, kind: 'invent', seq: 1, id }),
    encodeUpdate({ ...common, kind: 'session', seq: 2, id }),
    encodeUpdate({
      ...common,
      kind: 'send',
      seq: 3,
      session: 2,
      n: 1,
      channel: 'set',
      redo: { text: page },
      undo: { text: null },
    }),
  ].map((bytes) => Uint8Array.from(bytes));
}

/** So many documents at rest, each with its snapshot and its history, and an empty log above them. */
export async function layDocuments(folder: string, documents: number): Promise<void> {
  const store = await begin(folder, nobody);
  const floor: Position = { lsn: lsn(documents), hash: 'f'.repeat(32) as Position['hash'] };
  let { sum } = noBase;
  for (let from = 0; from < documents; from += documentsPerWrite) {
    const puts: Put[] = [];
    for (let number = from; number < Math.min(documents, from + documentsPerWrite); number += 1) {
      const updates = updatesOf(number);
      const name = nameOf(number);
      const key = snapshotKey(chain, name);
      const state = foldSections(undefined, updates);
      const value = encodeSnapshotEntry(key, { lsn: lsn(number + 1), seq: updates.length, blocks: [1], state });
      const block = historyKey(chain, name, 1);
      const history = { count: updates.length, updates: Buffer.concat(updates) };
      puts.push({ key, value }, { key: block, value: encodeHistoryEntry(block, history) });
      sum = addToSum(sum, key, value, 1);
    }
    await store.behind(chain, puts, { sum, hasLeftover: true });
  }
  await store.behind(chain, [], { floor, folded: floor, newest: floor.lsn, sum, hasLeftover: false });
  await store.close();
}

export type LaidLog = {
  readonly folder: string;
  readonly who: StoreOwner;
  readonly updates: number;
  readonly perBatch: number;
  readonly documents: number;
};

/**
 * Adds a log of so many updates in batches of `perBatch`, of so many documents, one after the other, to a store that its host has begun.
 * Nothing of it is folded. The updates of one document in a batch are one section, as a head makes them.
 */
export async function layLog({ folder, who, updates, perBatch, documents }: LaidLog): Promise<void> {
  const store = await begin(folder, who);
  const { logEpoch } = store.marks(chain);
  let after = store.durable(chain);
  let bytes = 0;
  for (let from = 0; from < updates; from += perBatch) {
    const sections = sectionsFrom(from, Math.min(perBatch, updates - from), documents);
    const record = encodeBatch({ chain, epoch: logEpoch, after }, sections);
    after = { lsn: record.lsn, hash: record.hash };
    bytes += record.bytes.length;
    store.append(chain, [record], undefined);
    if (bytes < bytesPerWrite && from + perBatch < updates) continue;
    bytes = 0;
    await store.behind(chain, [], {});
  }
  await store.close();
}

/** Updates `from` to `from + count` of all, in the documents that they fall to. */
function sectionsFrom(from: number, count: number, documents: number): Section[] {
  const sections: { name: string; seqFirst: number; updates: Uint8Array[] }[] = [];
  for (let index = from; index < from + count; index += 1) {
    const seq = 1 + Math.floor(index / documents);
    const known = sections[(index - from) % documents];
    if (known !== undefined) known.updates.push(updateOf(seq));
    else sections.push({ name: nameOf(index % documents), seqFirst: seq, updates: [updateOf(seq)] });
  }
  return sections;
}

async function begin(folder: string, { host, cluster }: StoreOwner): Promise<Store> {
  const disk = await LevelStore.open(folder);
  const store = await Store.open(disk, [chain], { storeId: 'bench', host: hostId(host), cluster });
  store.listen({
    onSynced: () => {},
    onFailed: (cause) => {
      throw cause;
    },
  });
  return store;
}
