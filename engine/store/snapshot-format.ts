// The bytes of documents below a chain's log: what was made of each, and its newest updates. Names are ASCII without a zero byte; a
// checksum covers the key too, so that a value under another's key is wrong.
//
//   snapshot key  := 20 | chain u16 | name
//   history key   := 21 | chain u16 | name | 00 | seqFirst u64
//   seq floor key := 22 | chain u16 | 00
//
//   snapshot      := version u8 = 1 | lsn u64 | seq varint | blocks varint | seqFirst varint * blocks | state | checksum u32
//   history       := version u8 = 1 | count varint | updates as in a section | checksum u32
//   seq floor     := version u8 = 1 | seq u64 | checksum u32                    the highest seq of any document that was deleted here
//   checksum      := CRC-32 of the key, and of everything before it
//
// `lsn` is the record through which the document is folded: what stands before it in the log is passed over. `blocks` are the
// entries of its history, by their first seq. The state is opaque here: engine/document/life/snapshot.ts lays it out.
import { ByteReader, ByteWriter } from '../base/bytes.ts';
import { checksumOfTwo, digestOf } from '../base/checksum.ts';
import { CodedError } from '../base/errors.ts';
import type { ChainId, Lsn } from '../base/ids.ts';
import { checksumBytes, reading } from './sealed.ts';

const version = 1;
const snapshotKind = 0x20;
const historyKind = 0x21;
const seqFloorKind = 0x22;
const numberBytesMax = 8;

export type StoredSnapshot = {
  readonly lsn: Lsn;
  readonly seq: number;
  /** Rising: the first seq of each entry of its history. */
  readonly blocks: readonly number[];
  readonly state: Uint8Array;
};

/** `count` updates, back to back. */
export type HistoryBlock = { readonly count: number; readonly updates: Uint8Array };

export function snapshotKey(chain: ChainId, name: string): Uint8Array {
  const writer = new ByteWriter(3 + name.length);
  writer.u8(snapshotKind);
  writer.u16(chain);
  writer.ascii(name);
  return writer.done();
}

export function historyKey(chain: ChainId, name: string, seqFirst: number): Uint8Array {
  const writer = new ByteWriter(12 + name.length);
  writer.u8(historyKind);
  writer.u16(chain);
  writer.ascii(name);
  writer.u8(0);
  writer.u64(seqFirst);
  return writer.done();
}

/** Everything of the chain's documents lies from the first of a pair to below its second. */
export function documentKeys(chain: ChainId): readonly [Range, Range, Range] {
  const rangeOf = (kind: number): Range => [keyOf(kind, chain), keyOf(kind, chain + 1)];
  return [rangeOf(snapshotKind), rangeOf(historyKind), rangeOf(seqFloorKind)];
}

/** Everything of one document lies between the keys of a pair; they themselves are the key of nothing. */
export function documentKeysOf(chain: ChainId, name: string): readonly [Range, Range] {
  const key = snapshotKey(chain, name);
  // Names are ASCII, without a zero byte: the first stands behind all that come before this name, and before it.
  const before = Uint8Array.from([...key.subarray(0, -1), (key.at(-1) ?? 1) - 1, 0xff]);
  const history = historyKey(chain, name, 0).subarray(0, -8);
  return [
    [before, Uint8Array.from([...key, 0])],
    [history, Uint8Array.from([...history.subarray(0, -1), 1])],
  ];
}

export function seqFloorKey(chain: ChainId): Uint8Array {
  return Uint8Array.of(seqFloorKind, chain >>> 8, chain & 0xff, 0);
}

/** Of any chain. */
export const seqFloorKeys: Range = [Uint8Array.of(seqFloorKind), Uint8Array.of(seqFloorKind + 1)];

export function isSeqFloorKey(key: Uint8Array): boolean {
  return key[0] === seqFloorKind;
}

export type Range = readonly [from: Uint8Array, to: Uint8Array];

export function encodeSeqFloor(key: Uint8Array, seq: number): Uint8Array {
  const writer = new ByteWriter(1 + 8 + checksumBytes);
  writer.u8(version);
  writer.u64(seq);
  return sealed(key, writer);
}

export function decodeSeqFloor(key: Uint8Array, bytes: Uint8Array): number {
  return open(key, bytes, 'seq floor', (reader) => reader.u64());
}

/** An entry as its key says what it is, checked; ENGINE_CORRUPT where it is none. */
export function checkDocumentEntry(key: Uint8Array, bytes: Uint8Array): void {
  if (key[0] === snapshotKind) decodeSnapshotEntry(key, bytes);
  else if (key[0] === historyKind) decodeHistoryEntry(key, bytes);
  else decodeSeqFloor(key, bytes);
}

export function isSnapshotKey(key: Uint8Array): boolean {
  return key[0] === snapshotKind;
}

/** The name in a snapshot's key. */
export function nameOfSnapshotKey(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset + 3, key.byteLength - 3).toString('latin1');
}

/** The first seq in the key of a block of history; undefined where it is not one. */
export function seqOfHistoryKey(key: Uint8Array): number | undefined {
  const at = key.length - 8;
  // The top 11 bits of a u64 that is a safe integer are zero.
  if (at < 5 || key[at - 1] !== 0 || key[at] !== 0 || (key[at + 1] as number) > 0x1f) return undefined;
  return new ByteReader(key.subarray(at)).u64();
}

export function encodeSnapshotEntry(key: Uint8Array, { lsn, seq, blocks, state }: StoredSnapshot): Uint8Array {
  const writer = new ByteWriter(1 + 8 + (2 + blocks.length) * numberBytesMax + state.length + checksumBytes);
  writer.u8(version);
  writer.u64(lsn);
  writer.varint(seq);
  writer.varint(blocks.length);
  for (const seqFirst of blocks) writer.varint(seqFirst);
  writer.bytes(state);
  return sealed(key, writer);
}

/** ENGINE_FORMAT for an unknown version, ENGINE_CORRUPT for what is not a snapshot, or not under its own key. */
export function decodeSnapshotEntry(key: Uint8Array, bytes: Uint8Array): StoredSnapshot {
  return open(key, bytes, 'snapshot', (reader) => {
    const lsn = reader.u64() as Lsn;
    const seq = reader.varint();
    const blocks = Array.from({ length: reader.count(reader.varint(), 1) }, () => reader.varint());
    return { lsn, seq, blocks, state: reader.rest() };
  });
}

export function encodeHistoryEntry(key: Uint8Array, { count, updates }: HistoryBlock): Uint8Array {
  const writer = new ByteWriter(1 + numberBytesMax + updates.length + checksumBytes);
  writer.u8(version);
  writer.varint(count);
  writer.bytes(updates);
  return sealed(key, writer);
}

export function decodeHistoryEntry(key: Uint8Array, bytes: Uint8Array): HistoryBlock {
  return open(key, bytes, 'history', (reader) => ({ count: reader.varint(), updates: reader.rest() }));
}

/**
 * The sum of a chain's snapshots with one more, or one less: modulo 2^128, of the first 16 bytes of SHA-256 over (key, entry). It does not
 * depend on the order in which they came, so that a set can be compared with what it should be (an incremental multiset hash,
 * Clarke et al. 2003, AdHash). Against rot and lost writes, not against intent.
 */
export function addToSum(sum: string, key: Uint8Array, entry: Uint8Array, sign: 1 | -1): string {
  const part = BigInt(`0x${digestOf(key, entry)}`);
  const next = BigInt(`0x${sum}`) + (sign === 1 ? part : -part);
  return BigInt.asUintN(128, next).toString(16).padStart(32, '0');
}

/** Of two sets that share nothing. */
export function addSums(a: string, b: string): string {
  return BigInt.asUintN(128, BigInt(`0x${a}`) + BigInt(`0x${b}`))
    .toString(16)
    .padStart(32, '0');
}

function keyOf(kind: number, chain: number): Uint8Array {
  // Past the last chain comes the next kind.
  return chain > 0xffff ? Uint8Array.of(kind + 1) : Uint8Array.of(kind, chain >>> 8, chain & 0xff);
}

function sealed(key: Uint8Array, writer: ByteWriter): Uint8Array {
  writer.u32(checksumOfTwo(key, writer.done()));
  return writer.done();
}

function open<T>(key: Uint8Array, bytes: Uint8Array, what: string, read: (reader: ByteReader) => T): T {
  if (bytes.length < 1 + checksumBytes) throw new CodedError('ENGINE_CORRUPT', `the ${what} is too short`);
  const body = bytes.subarray(0, bytes.length - checksumBytes);
  if (checksumOfTwo(key, body) !== new ByteReader(bytes.subarray(body.length)).u32()) {
    throw new CodedError('ENGINE_CORRUPT', `the ${what} has a wrong checksum`);
  }
  if (bytes[0] !== version) throw new CodedError('ENGINE_FORMAT', `${what} version ${bytes[0]} is not ${version}`);
  return reading(what, () => read(new ByteReader(body.subarray(1))));
}
