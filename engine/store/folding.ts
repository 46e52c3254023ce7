// What keeps a store small: committed updates are folded into snapshots, and the log below them goes. All of it runs behind what
// clients wait for, in slices of bounded size, and may stop after any of them: a snapshot says through which record it is folded, and what
// stands before that is passed over, by the next pass as by every load.
import { assert } from '../base/assert.ts';
import type { ChainId, Lsn, Position } from '../base/ids.ts';
import {
  foldPassBytes,
  foldSliceBytes,
  historyBlockBytes,
  historyBlockUpdates,
  trimRecordsMax,
} from '../base/limits.ts';
import { readHistoryBlock, readSeqFloor, readSnapshot } from './documents.ts';
import { recordKey, sectionsOf } from './format.ts';
import { putPending } from './pending.ts';
import type { Put } from './port.ts';
import type { StoredSnapshot } from './snapshot-format.ts';
import {
  addToSum,
  encodeHistoryEntry,
  encodeSeqFloor,
  encodeSnapshotEntry,
  historyKey,
  seqFloorKey,
  snapshotKey,
} from './snapshot-format.ts';
import type { Store } from './store.ts';

/** One document: `sections` are its updates behind `state`, in order. */
export type FoldTask = { readonly state: Uint8Array | undefined; readonly sections: readonly Uint8Array[] };
/** What became of one. */
export type FoldResult = {
  /** Undefined: there is no such document now. */
  readonly state: Uint8Array | undefined;
  /** It was deleted, last at `seq`: of its updates only these, behind that, are of a document. Each piece is about a block of history. */
  readonly deleted: { readonly seq: number; readonly pieces: readonly HistoryEntry[] } | undefined;
};
type HistoryEntry = { readonly seqFirst: number; readonly count: number; readonly updates: Uint8Array };
/** Makes the new state of each. Runs where it stalls nobody. What it rejects with comes out as FoldFailed. */
export type Fold = (tasks: readonly FoldTask[]) => Promise<readonly FoldResult[]>;

/** The updates of some document cannot be folded. The disk is well, and the log has them still. */
export class FoldFailed extends Error {
  override readonly name = 'FoldFailed';
}

export type FoldOptions = {
  /** Nothing past this is folded: it may yet be cut. */
  readonly committed: Lsn;
  /** Updates of each document that stay readable by themselves. */
  readonly history: number;
  readonly fold: Fold;
  /** Comes after each slice, and waits. */
  readonly pace: () => Promise<void>;
  /** Looked at before each slice: the pass is then given up. */
  readonly isStopped: () => boolean;
};

type Piece = { readonly lsn: Lsn; readonly seqFirst: number; readonly count: number; readonly bytes: Uint8Array };

/** What one pass folded: the record through which every document is folded now, and which ones had something to fold. */
export type Folded = { readonly folded: Position; readonly names: readonly string[] };

/**
 * One pass over the next records above what is folded: some MiB of them, all of whose documents get a new snapshot. Undefined where there
 * is nothing to fold, or it was stopped.
 */
export async function foldChain(store: Store, chain: ChainId, options: FoldOptions): Promise<Folded | undefined> {
  const { pieces, folded } = await gather(store, chain, options.committed);
  if (folded === undefined) return undefined;
  // By rising name: neighbours on the disk are read and written together.
  const names = [...pieces.keys()].sort();
  let slice: SlicePart[] = [];
  let bytes = 0;
  for (const name of names) {
    // What it takes in, and what it writes anew.
    const before = await readSnapshot(store, chain, name);
    slice.push({ name, before });
    bytes += (pieces.get(name) ?? []).reduce((sum, piece) => sum + piece.bytes.length, before?.state.length ?? 0);
    if (bytes < foldSliceBytes) continue;
    if (options.isStopped()) return undefined;
    await foldSlice(store, chain, slice, pieces, options);
    [slice, bytes] = [[], 0];
  }
  if (options.isStopped()) return undefined;
  if (slice.length > 0) await foldSlice(store, chain, slice, pieces, options);
  if (options.isStopped()) return undefined;
  await store.behind(chain, [], { folded });
  return { folded, names };
}

async function gather(
  store: Store,
  chain: ChainId,
  committed: Lsn,
): Promise<{ readonly pieces: ReadonlyMap<string, readonly Piece[]>; readonly folded: Position | undefined }> {
  const pieces = new Map<string, Piece[]>();
  let folded: Position | undefined;
  let bytes = 0;
  if (committed <= store.base(chain).folded.lsn) return { pieces, folded };
  for await (const record of store.walk(chain, store.base(chain).folded)) {
    if (record.lsn > committed) break;
    for (const { name, seqFirst, count, bytes: updates } of sectionsOf(record)) {
      const known = pieces.get(name) ?? [];
      known.push({ lsn: record.lsn, seqFirst, count, bytes: updates });
      pieces.set(name, known);
    }
    folded = { lsn: record.lsn, hash: record.hash };
    bytes += record.bytes.length;
    if (bytes >= foldPassBytes) break;
  }
  return { pieces, folded };
}

type SlicePart = { readonly name: string; readonly before: StoredSnapshot | undefined };

async function foldSlice(
  store: Store,
  chain: ChainId,
  slice: readonly SlicePart[],
  pieces: ReadonlyMap<string, readonly Piece[]>,
  { fold, history, pace }: FoldOptions,
): Promise<void> {
  const names = slice.map(({ name }) => name);
  const snapshots = slice.map(({ before }) => before);
  const news = names.map((name, index) => {
    const from = snapshots[index]?.lsn ?? 0;
    return (pieces.get(name) ?? []).filter(({ lsn }) => lsn > from);
  });
  const tasks = news.map((sections, index) => {
    return { state: snapshots[index]?.state, sections: sections.map(({ bytes }) => bytes) };
  });
  const results = await fold(tasks).catch((cause: unknown) => {
    throw new FoldFailed(`of chain ${chain}: ${names.join(' ')}`, { cause });
  });
  const puts: Put[] = [];
  let { sum, newest } = store.base(chain);
  let seqFloor = 0;
  for (const [index, name] of names.entries()) {
    let [added, before] = [news[index] ?? [], snapshots[index]];
    const result = results[index];
    assert(result !== undefined, 'a fold answers for every task');
    const last = added.at(-1);
    if (last === undefined) continue;
    const { state, deleted } = result;
    const { lsn } = last;
    newest = Math.max(newest, lsn) as Lsn;
    if (deleted !== undefined) {
      sum = planErasure(chain, { name, before, lsn, sum }, puts);
      seqFloor = Math.max(seqFloor, deleted.seq);
      added = deleted.pieces.map(({ seqFirst, count, updates: bytes }) => ({ lsn, seqFirst, count, bytes }));
      before = undefined;
    }
    if (state === undefined) continue;
    const blocks = await planHistory(store, chain, { name, before, added, history }, puts);
    sum = planSnapshot(chain, { name, before, added, state, blocks, sum }, puts);
  }
  if (seqFloor > 0) puts.push(await planSeqFloor(store, chain, seqFloor));
  if (puts.length === 0) return;
  await store.behind(chain, puts, { sum, newest });
  await pace();
}

type Erasure = {
  readonly name: string;
  readonly before: StoredSnapshot | undefined;
  /** The record through which this is. */
  readonly lsn: Lsn;
  readonly sum: string;
};

/** Removes a document, and notes that its bytes are to go. Returns the sum without it. */
function planErasure(chain: ChainId, { name, before, lsn, sum }: Erasure, puts: Put[]): string {
  puts.push(putPending(chain, name, lsn));
  if (before === undefined) return sum;
  const key = snapshotKey(chain, name);
  puts.push({ key, value: undefined });
  for (const seqFirst of before.blocks) puts.push({ key: historyKey(chain, name, seqFirst), value: undefined });
  return addToSum(sum, key, encodeSnapshotEntry(key, before), -1);
}

async function planSeqFloor(store: Store, chain: ChainId, seq: number): Promise<Put> {
  const key = seqFloorKey(chain);
  return { key, value: encodeSeqFloor(key, Math.max(seq, await readSeqFloor(store, chain))) };
}

type SnapshotPlan = {
  readonly name: string;
  readonly before: StoredSnapshot | undefined;
  readonly added: readonly Piece[];
  readonly state: Uint8Array;
  readonly blocks: readonly number[];
  readonly sum: string;
};

function planSnapshot(chain: ChainId, { name, before, added, state, blocks, sum }: SnapshotPlan, puts: Put[]): string {
  const last = added.at(-1);
  assert(last !== undefined, 'there is something to fold');
  const key = snapshotKey(chain, name);
  const value = encodeSnapshotEntry(key, { lsn: last.lsn, seq: last.seqFirst + last.count - 1, blocks, state });
  puts.push({ key, value });
  const without = before === undefined ? sum : addToSum(sum, key, encodeSnapshotEntry(key, before), -1);
  return addToSum(without, key, value, 1);
}

type HistoryPlan = {
  readonly name: string;
  readonly before: StoredSnapshot | undefined;
  readonly added: readonly Piece[];
  readonly history: number;
};

/** Small blocks grow before another is begun; those that hold nothing of the newest `history` updates go. Returns what is left. */
async function planHistory(
  store: Store,
  chain: ChainId,
  { name, before, added, history }: HistoryPlan,
  puts: Put[],
): Promise<number[]> {
  const [first, last] = [added[0], added.at(-1)];
  assert(first !== undefined && last !== undefined, 'there is something to fold');
  const blocks = [...(before?.blocks ?? [])];
  let block: Piece[] = [];
  const newest = blocks.at(-1);
  if (newest !== undefined) {
    const { count, updates } = await readHistoryBlock(store, chain, name, newest);
    if (count < historyBlockUpdates && updates.length < historyBlockBytes) {
      block.push({ lsn: first.lsn, seqFirst: newest, count, bytes: updates });
      blocks.pop();
    }
  }
  // Not all in one: a block is part of a page that goes over a link.
  let bytes = block[0]?.bytes.length ?? 0;
  for (const piece of added) {
    block.push(piece);
    bytes += piece.bytes.length;
    if (bytes < historyBlockBytes) continue;
    blocks.push(putBlock(chain, name, block, puts));
    [block, bytes] = [[], 0];
  }
  if (block.length > 0) blocks.push(putBlock(chain, name, block, puts));
  const oldest = last.seqFirst + last.count - history;
  while (blocks.length > 1 && (blocks[1] as number) <= oldest) {
    puts.push({ key: historyKey(chain, name, blocks.shift() as number), value: undefined });
  }
  return blocks;
}

/** Returns its first seq. */
function putBlock(chain: ChainId, name: string, pieces: readonly Piece[], puts: Put[]): number {
  const seqFirst = pieces[0]?.seqFirst ?? 0;
  const count = pieces.reduce((sum, piece) => sum + piece.count, 0);
  const key = historyKey(chain, name, seqFirst);
  const updates = Buffer.concat(pieces.map(({ bytes }) => bytes));
  puts.push({ key, value: encodeHistoryEntry(key, { count, updates }) });
  return seqFirst;
}

/** Removes the log through `to`, in slices. The replica says how far (C17): this only checks that it is folded. */
export async function trimLog(store: Store, chain: ChainId, to: Position): Promise<void> {
  assert(to.lsn <= store.base(chain).folded.lsn, 'C17: what goes is folded');
  store.startTrim(chain, to);
  for (let { floor } = store.base(chain); floor.lsn < to.lsn; floor = store.base(chain).floor) {
    const end = Math.min(to.lsn, floor.lsn + trimRecordsMax);
    const next = end === to.lsn ? to : await store.locate(chain, end);
    const puts: Put[] = [];
    for (let lsn = floor.lsn + 1; lsn <= end; lsn += 1) puts.push({ key: recordKey(chain, lsn), value: undefined });
    await store.behind(chain, puts, { floor: next });
  }
}
