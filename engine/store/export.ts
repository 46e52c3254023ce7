// What a backup is given of a chain, page by page, while it is written to, folded and trimmed. Each document is as it was at some moment:
// its snapshot, and the updates that led to it. Nothing is remembered between pages: a cursor says where to go on, and any page may be asked
// for again.
//
// A document's history is given from its newest end, since that is where it changes: a fold rewrites the newest block, adds others behind it,
// and drops the oldest. The snapshot goes with its newest block, read until the two fit each other; an older block never changes any more,
// so it is what it was then, or gone, and then the history given begins later.
//
//   cursor := '' | "after" name | "head" name lsn offset | "history" name below offset       in words, one space between
//
// An entry that is larger than a page goes in parts. Where the snapshot was folded again between two parts of it, it is given anew.
import { CodedError } from '../base/errors.ts';
import type { ChainId } from '../base/ids.ts';
import { encodeEntry } from './backup-format.ts';
import { readSnapshot } from './documents.ts';
import type { HistoryBlock, StoredSnapshot } from './snapshot-format.ts';
import {
  decodeHistoryEntry,
  decodeSnapshotEntry,
  documentKeys,
  historyKey,
  nameOfSnapshotKey,
  snapshotKey,
} from './snapshot-format.ts';
import type { Store } from './store.ts';

/**
 * `next` is '' behind the last page. `bytes` are entries of a backup (backup-format.ts); or, with `part`, those of one unit of `length`
 * bytes from `offset` on: at 0 whatever was given of one before is forgotten.
 */
export type ExportPage = {
  readonly next: string;
  readonly bytes: Uint8Array;
  readonly part: { readonly offset: number; readonly length: number } | undefined;
};

type Cursor =
  | { readonly kind: 'after'; readonly name: string }
  | { readonly kind: 'head'; readonly name: string; readonly lsn: number; readonly offset: number }
  | { readonly kind: 'history'; readonly name: string; readonly below: number; readonly offset: number };

/** What is given whole, or in parts of one and the same: a document with its newest history, or an older block of that. */
type Unit = { readonly at: Exclude<Cursor, { kind: 'after' }>; readonly bytes: Uint8Array; readonly next: Cursor };

/** The cursor that goes on behind a document; from the beginning where there is none. */
export function cursorAfter(name: string): string {
  return name === '' ? '' : `after ${name}`;
}

/** Up to twice `bytesMax`. ENGINE_CORRUPT where the store is wrong; HOST_OPTIONS for what is no cursor. */
export async function readExport(store: Store, chain: ChainId, from: string, bytesMax: number): Promise<ExportPage> {
  const taken: Uint8Array[] = [];
  let bytes = 0;
  for await (const { at, bytes: unit, next } of unitsFrom(store, chain, parseCursor(from))) {
    if (at.offset > 0 || unit.length > bytesMax) {
      if (bytes > 0) return { next: textOf({ ...at, offset: 0 }), bytes: Buffer.concat(taken), part: undefined };
      const part = unit.subarray(at.offset, at.offset + bytesMax);
      const offset = at.offset + part.length;
      const isLast = offset === unit.length;
      const follows = isLast ? next : { ...at, offset };
      return { next: textOf(follows), bytes: part, part: { offset: at.offset, length: unit.length } };
    }
    taken.push(unit);
    bytes += unit.length;
    if (bytes >= bytesMax) return { next: textOf(next), bytes: Buffer.concat(taken), part: undefined };
  }
  return { next: '', bytes: Buffer.concat(taken), part: undefined };
}

async function* unitsFrom(store: Store, chain: ChainId, cursor: Cursor): AsyncGenerator<Unit> {
  if (cursor.kind === 'head') yield* documentUnits(store, chain, cursor.name, undefined, cursor);
  if (cursor.kind === 'history') yield* historyUnits(store, chain, cursor.name, undefined, cursor);
  const [[from, to]] = documentKeys(chain);
  const first = cursor.name === '' ? from : Buffer.concat([snapshotKey(chain, cursor.name), Uint8Array.of(0)]);
  for await (const page of store.scan(first, to)) {
    for (const { key, value } of page) {
      yield* documentUnits(store, chain, nameOfSnapshotKey(key), decodeSnapshotEntry(key, value), undefined);
    }
  }
}

/** All of a document. `seen` is its snapshot as a scan has it, which may be an older one by now. */
async function* documentUnits(
  store: Store,
  chain: ChainId,
  name: string,
  seen: StoredSnapshot | undefined,
  cursor: { readonly lsn: number; readonly offset: number } | undefined,
): AsyncGenerator<Unit> {
  const head = await readHead(store, chain, name, seen);
  if (head === undefined) return;
  const { snapshot, block } = head;
  const { lsn, seq, state, blocks } = snapshot;
  const parts = [encodeEntry({ kind: 'document', name, seq, state })];
  if (block !== undefined) parts.push(encodeEntry({ kind: 'history', ...block }));
  const offset = cursor?.lsn === lsn ? cursor.offset : 0;
  const older: Cursor = { kind: 'history', name, below: block?.seqFirst ?? 0, offset: 0 };
  const next: Cursor = blocks.length > 1 ? older : { kind: 'after', name };
  yield { at: { kind: 'head', name, lsn, offset }, bytes: Buffer.concat(parts), next };
  if (next.kind === 'history') yield* historyUnits(store, chain, name, blocks, next);
}

type Head = {
  readonly snapshot: StoredSnapshot;
  readonly block: (HistoryBlock & { readonly seqFirst: number }) | undefined;
};

/** A snapshot with the newest block of its history, both of one moment. Folds are far apart, so this ends. */
async function readHead(
  store: Store,
  chain: ChainId,
  name: string,
  seen: StoredSnapshot | undefined,
): Promise<Head | undefined> {
  let snapshot = seen ?? (await readSnapshot(store, chain, name));
  while (snapshot !== undefined) {
    const seqFirst = snapshot.blocks.at(-1);
    if (seqFirst === undefined) return { snapshot, block: undefined };
    const block = await readBlock(store, chain, name, seqFirst);
    if (block !== undefined && seqFirst + block.count - 1 === snapshot.seq) {
      return { snapshot, block: { ...block, seqFirst } };
    }
    const again = await readSnapshot(store, chain, name);
    if (again?.lsn === snapshot.lsn) throw broken(chain, name, seqFirst);
    snapshot = again;
  }
  return undefined;
}

/** Its older blocks below `below`, from the newest on, as far as they are still there. `known` are those that its snapshot named. */
async function* historyUnits(
  store: Store,
  chain: ChainId,
  name: string,
  known: readonly number[] | undefined,
  cursor: { readonly below: number; readonly offset: number },
): AsyncGenerator<Unit> {
  const blocks = (known ?? (await readSnapshot(store, chain, name))?.blocks ?? []).filter((at) => at < cursor.below);
  let { below, offset } = cursor;
  while (blocks.length > 0) {
    const seqFirst = blocks.pop() as number;
    const block = await readBlock(store, chain, name, seqFirst);
    const isDropped = block === undefined && !(await readSnapshot(store, chain, name))?.blocks.includes(seqFirst);
    if (isDropped) return;
    // What does not end where the last one began would be of another life of the document: its history is not this one.
    if (known === undefined && block !== undefined && seqFirst + block.count !== below) return;
    if (block === undefined || seqFirst + block.count !== below) throw broken(chain, name, seqFirst);
    const bytes = encodeEntry({ kind: 'history', seqFirst, ...block });
    const older: Cursor = { kind: 'history', name, below: seqFirst, offset: 0 };
    const next: Cursor = blocks.length > 0 ? older : { kind: 'after', name };
    yield { at: { kind: 'history', name, below, offset }, bytes, next };
    [below, offset] = [seqFirst, 0];
  }
}

async function readBlock(
  store: Store,
  chain: ChainId,
  name: string,
  seqFirst: number,
): Promise<HistoryBlock | undefined> {
  const key = historyKey(chain, name, seqFirst);
  const entry = await store.get(key);
  return entry === undefined ? undefined : decodeHistoryEntry(key, entry);
}

function broken(chain: ChainId, name: string, seqFirst: number): CodedError {
  return new CodedError(
    'ENGINE_CORRUPT',
    `chain ${chain}: the history of ${name} from ${seqFirst} on is missing, or does not fit`,
  );
}

function textOf(cursor: Cursor): string {
  if (cursor.kind === 'after') return cursorAfter(cursor.name);
  const number = cursor.kind === 'head' ? cursor.lsn : cursor.below;
  return `${cursor.kind} ${cursor.name} ${number} ${cursor.offset}`;
}

function parseCursor(text: string): Cursor {
  if (text === '') return { kind: 'after', name: '' };
  const [, kind, name = '', numbers = ''] = /^(after|head|history) ([!-~]+)((?: \d{1,15}){0,2})$/.exec(text) ?? [];
  const [number, offset] = numbers.trim().split(' ').map(Number);
  if (kind === 'after' && numbers === '') return { kind, name };
  if (kind === 'head' && number !== undefined && offset !== undefined) return { kind, name, lsn: number, offset };
  if (kind === 'history' && number !== undefined && offset !== undefined) return { kind, name, below: number, offset };
  throw new CodedError('HOST_OPTIONS', 'not a cursor of an export');
}
