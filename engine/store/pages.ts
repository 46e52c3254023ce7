// A chain's documents as pages: how a member that lacks the log's beginning is given what stands in its place. In the order of keys,
// snapshots first; a page is so many entries, each with its key, and is checked entry by entry where it arrives.
//
//   bytes := (keyBytes varint | key | valueBytes varint | value) *
import { assert } from '../base/assert.ts';
import { ByteReader, ByteWriter } from '../base/bytes.ts';
import { CodedError } from '../base/errors.ts';
import type { ChainId, Position } from '../base/ids.ts';
import { wipeEntriesMax } from '../base/limits.ts';
import { noBase } from './entries.ts';
import { recordKeys } from './format.ts';
import { putPending } from './pending.ts';
import type { Pair, Put } from './port.ts';
import { reading } from './sealed.ts';
import { addToSum, checkDocumentEntry, decodeSnapshotEntry, documentKeys } from './snapshot-format.ts';
import type { Store } from './store.ts';

/** `cursor` is the hex of the key that a page begins at, '' for the first; `next` likewise, '' behind the last. */
export type DocumentPage = {
  readonly cursor: string;
  readonly next: string;
  /** Documents are folded through this, or further. */
  readonly start: Position;
  readonly sum: string;
  readonly bytes: Uint8Array;
};

/** Removes the chain, all but its marks, in slices; until it is done the store says that there is something left. */
export async function wipeChain(store: Store, chain: ChainId): Promise<void> {
  await store.behind(chain, [], { ...noBase, hasLeftover: true });
  let isFirst = true;
  for (const [from, to] of [recordKeys(chain), ...documentKeys(chain)]) {
    for await (const page of store.scan(from, to)) {
      for (let at = 0; at < page.length; at += wipeEntriesMax) {
        const puts = page.slice(at, at + wipeEntriesMax).map(({ key }): Put => ({ key, value: undefined }));
        // What was here stays in the files until they are rewritten.
        if (isFirst) puts.push(putPending(chain, '', store.serial));
        isFirst = false;
        await store.behind(chain, puts, {});
      }
    }
  }
  await store.behind(chain, [], { hasLeftover: false });
}

/**
 * Entries from `cursor` on, `bytesMax` at most, or one that is larger. No pass is under way: a snapshot that holds more than
 * the others would be ahead of the log of whoever copies it. ENGINE_CORRUPT where an entry is not what was written.
 */
export async function readPage(store: Store, chain: ChainId, cursor: string, bytesMax: number): Promise<DocumentPage> {
  const { folded: start, newest, sum } = store.base(chain);
  assert(newest <= start.lsn, 'C11: documents that are copied are of one moment');
  const taken: Pair[] = [];
  let bytes = 0;
  let next = '';
  for await (const pair of documentsFrom(store, chain, cursor)) {
    // One entry may be as large as a link carries: it goes alone.
    if (bytes > 0 && bytes + pair.key.length + pair.value.length > bytesMax) {
      next = Buffer.from(pair.key).toString('hex');
      break;
    }
    // Found here, not by who copies it: there it would be the copier's store that is doubted.
    checkEntry(chain, pair.key, pair.value);
    taken.push(pair);
    bytes += pair.key.length + pair.value.length;
  }
  return { cursor, next, start, sum, bytes: encodePairs(taken) };
}

/**
 * Keeps a page. With the last one the log begins at its start, unless the documents do not come to the sum: then false, and nothing
 * here is believed. False too for what is no document of this chain.
 */
export async function storePage(store: Store, chain: ChainId, page: DocumentPage): Promise<boolean> {
  const { hasLeftover, floor } = store.base(chain);
  assert(hasLeftover || floor.lsn + store.durable(chain).lsn === 0, 'C11: documents are laid where nothing is');
  const pairs = pairsIn(chain, page);
  if (pairs === undefined) return false;
  await store.behind(chain, pairs, { hasLeftover: true });
  if (page.next !== '') return true;
  const { start, sum } = page;
  if ((await sumOf(store, chain)) !== sum) return false;
  await store.behind(chain, [], { floor: start, folded: start, newest: start.lsn, sum, hasLeftover: false });
  return true;
}

/** Undefined where a page is none: whoever sent it may be doubted, and not this store. */
function pairsIn(chain: ChainId, page: DocumentPage): readonly Pair[] | undefined {
  try {
    const pairs = decodePairs(page.bytes);
    for (const { key, value } of pairs) checkEntry(chain, key, value);
    return pairs;
  } catch (cause) {
    if (cause instanceof CodedError) return undefined;
    throw cause;
  }
}

/** Over the snapshots as they are, each of them checked. */
export async function sumOf(store: Store, chain: ChainId): Promise<string> {
  const [[from, to]] = documentKeys(chain);
  let { sum } = noBase;
  for await (const page of store.scan(from, to)) {
    for (const { key, value } of page) {
      decodeSnapshotEntry(key, value);
      sum = addToSum(sum, key, value, 1);
    }
  }
  return sum;
}

async function* documentsFrom(store: Store, chain: ChainId, cursor: string): AsyncGenerator<Pair> {
  const first = Buffer.from(cursor, 'hex');
  for (const [from, to] of documentKeys(chain)) {
    if (Buffer.compare(first, to) >= 0) continue;
    for await (const page of store.scan(Buffer.compare(first, from) > 0 ? first : from, to)) yield* page;
  }
}

function checkEntry(chain: ChainId, key: Uint8Array, value: Uint8Array): void {
  const isOurs = documentKeys(chain).some(
    ([from, to]) => Buffer.compare(key, from) >= 0 && Buffer.compare(key, to) < 0,
  );
  if (!isOurs)
    throw new CodedError('ENGINE_CORRUPT', `a page for chain ${chain} has an entry that is none of its documents`);
  checkDocumentEntry(key, value);
}

function encodePairs(pairs: readonly Pair[]): Uint8Array {
  const size = pairs.reduce((sum, { key, value }) => sum + key.length + value.length + 16, 0);
  const writer = new ByteWriter(size);
  for (const part of pairs.flatMap(({ key, value }) => [key, value])) {
    writer.varint(part.length);
    writer.bytes(part);
  }
  return writer.done();
}

function decodePairs(bytes: Uint8Array): Pair[] {
  return reading('page of documents', () => {
    const reader = new ByteReader(bytes);
    const pairs: Pair[] = [];
    while (reader.offset < bytes.length) {
      const key = reader.take(reader.varint());
      pairs.push({ key, value: reader.take(reader.varint()) });
    }
    return pairs;
  });
}
