// Notes of what was removed, and lies in a store's files still:
//
//   pending key := 23 | chain u16 | name | 00 | number u64
//
// With a name the number is the lsn of the record through which it is gone. Without, all that the chain held was wiped; it then tells one wiping
// from the next.
import { ByteReader, ByteWriter } from '../base/bytes.ts';
import type { ChainId } from '../base/ids.ts';
import type { Put } from './port.ts';
import type { Range } from './snapshot-format.ts';

const pendingKind = 0x23;
/** Kind, chain, the zero byte and lsn. */
const keyBytesMin = 12;
export const allPending: Range = [Uint8Array.of(pendingKind), Uint8Array.of(pendingKind + 1)];

/** What waits: the document `name` of the chain, '' = all that the chain held. */
export type Pending = { readonly chain: ChainId; readonly name: string; readonly number: number };

export function putPending(chain: ChainId, name: string, number: number): Put {
  return { key: pendingKey({ chain, name, number }), value: Uint8Array.of(1) };
}

export function pendingKey({ chain, name, number }: Pending): Uint8Array {
  const writer = new ByteWriter(keyBytesMin + name.length);
  writer.u8(pendingKind);
  writer.u16(chain);
  writer.ascii(name);
  writer.u8(0);
  writer.u64(number);
  return writer.done();
}

/** Undefined for what is no such key. */
export function pendingOf(key: Uint8Array): Pending | undefined {
  if (key.length < keyBytesMin || key.at(-9) !== 0) return undefined;
  const reader = new ByteReader(key);
  reader.take(1);
  const chain = reader.u16() as ChainId;
  const name = Buffer.from(reader.take(key.length - keyBytesMin)).toString('latin1');
  reader.take(1);
  return { chain, name, number: reader.u64() };
}
