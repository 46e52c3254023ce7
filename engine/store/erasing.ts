// Where a deleted document's bytes go. A store that removes an entry writes that it is removed: the bytes stay in its files until those are
// rewritten. So whoever removes a document notes that (`putPending`, in the same write), and when its updates have left the log too, the
// files are rewritten where it lay, and the note goes.
//
//   pending key := 23 | chain u16 | name | 00 | lsn u64          lsn: the record through which it is gone; no name: the whole chain
import { ByteReader, ByteWriter } from '../base/bytes.ts';
import type { ChainId, Lsn } from '../base/ids.ts';
import { erasePassMax } from '../base/limits.ts';
import { recordKey, recordKeys } from './format.ts';
import type { Put } from './port.ts';
import type { Range } from './snapshot-format.ts';
import { documentKeys, documentKeysOf } from './snapshot-format.ts';
import type { Store } from './store.ts';

const pendingKind = 0x23;
const allPending: Range = [Uint8Array.of(pendingKind), Uint8Array.of(pendingKind + 1)];

/** What waits: the document `name` of the chain, '' = all that the chain held. */
export type Pending = { readonly chain: ChainId; readonly name: string; readonly lsn: Lsn };

export function putPending(chain: ChainId, name: string, lsn: Lsn): Put {
  return { key: keyOf({ chain, name, lsn }), value: Uint8Array.of(1) };
}

/** Everything that waits in this store. */
export async function pendingIn(store: Store): Promise<Pending[]> {
  const found: Pending[] = [];
  for await (const page of store.scan(...allPending)) found.push(...page.map(({ key }) => pendingOf(key)));
  return found;
}

/** Whether its bytes have left the log, and what stands in their place is whole. */
export function isDue(store: Store, { chain, lsn }: Pending): boolean {
  const { floor, hasLeftover } = store.base(chain);
  return !hasLeftover && lsn <= floor.lsn;
}

/** Rewrites the files where some of one chain that are due lay, and forgets about those. Returns how many that were. */
export async function erase(store: Store, chain: ChainId, waiting: readonly Pending[]): Promise<number> {
  const due = waiting.filter((one) => one.chain === chain && isDue(store, one)).slice(0, erasePassMax);
  if (due.length === 0) return 0;
  for (const [from, to] of rangesOf(store, chain, due)) await store.compact(from, to);
  await store.behind(
    chain,
    due.map((one) => ({ key: keyOf(one), value: undefined })),
    {},
  );
  // The notes hold names.
  await store.compact(...allPending);
  return due.length;
}

function rangesOf(store: Store, chain: ChainId, due: readonly Pending[]): Range[] {
  if (due.some(({ name }) => name === '')) return [...documentKeys(chain), recordKeys(chain)];
  const trimmed = Uint8Array.from([...recordKey(chain, store.base(chain).floor.lsn), 0]);
  const names = new Set(due.map(({ name }) => name));
  return [[recordKey(chain, 0), trimmed], ...[...names].flatMap((name) => documentKeysOf(chain, name))];
}

function keyOf({ chain, name, lsn }: Pending): Uint8Array {
  const writer = new ByteWriter(12 + name.length);
  writer.u8(pendingKind);
  writer.u16(chain);
  writer.ascii(name);
  writer.u8(0);
  writer.u64(lsn);
  return writer.done();
}

function pendingOf(key: Uint8Array): Pending {
  const reader = new ByteReader(key);
  reader.take(1);
  const chain = reader.u16() as ChainId;
  const name = Buffer.from(reader.take(key.length - 12)).toString('latin1');
  reader.take(1);
  return { chain, name, lsn: reader.u64() as Lsn };
}
