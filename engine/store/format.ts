// Every byte that levelten keeps on a disk, and of every batch on a wire: nothing else knows one. All integers are big-endian.
//
//   store        := entry of key, value; keys sort by (kind, chain, lsn)
//   identity key := 01                            one; who this store is (C10)
//   marks key    := 02 | chain u16                one per chain; see Marks in chain/state.ts
//   cell key     := 03 | register u16             what this store keeps as a voter of a register
//   base key     := 04 | chain u16                where a chain's log begins, and through where it is folded
//   tally key    := 05                            one; what the entries above and the ends of logs come to: see tally.ts
//   record key   := 10 | chain u16 | lsn u64      the log of a chain, without holes from its floor on
//   snapshots, history, seq floors: see snapshot-format.ts; notes of what is to leave the files: see pending.ts
//
//   identity     := version u8 = 1, 2 | storeId text | host text | cluster text | checksum u32
//   marks        := version u8 = 1 | sealed u32 | ran u32 | logEpoch u32 | nonce text | checksum u32
//   base         := version u8 = 1 | hasLeftover u8 = 0, 1 | floor position | folded position | newest u64 | sum 16 bytes | checksum u32
//   position     := lsn u64 | hash 16 bytes
//   cell         := as chain/register/cell.ts lays it out, with a version and a checksum of its own
//   text         := length u16 | UTF-8
//
//   record       := version u8 = 1 | kind u8 | chain u16 | epoch u32 | lsn u64 | previousHash 16 bytes
//                   | count u32 | directoryBytes u32 | directory | payload | checksum u32
//   kind         := 1 batch | 2 activation
//   directory    := section * count
//   section      := nameBytes varint | name ASCII | payloadBytes varint | seqFirst varint | updates varint
//   payload      := the updates of the first section, of the second, ... (a batch); JSON (an activation)
//   varint       := 7 bits a byte, lowest first, top bit set on all but the last; the shortest form only
//   checksum     := CRC-32 of everything before it
//
// The hash after a record is the first 16 bytes of SHA-256 over all its bytes, which hold the hash before it: so a hash names
// a whole history. The directory lets an index be built, and one document be read, without decoding the others. Costs: 44
// bytes a batch, and its name plus 4 to 9 bytes for each document in it. An example in hex stands in test/golden/record.hex.
import { assert } from '../base/assert.ts';
import { ByteReader, ByteWriter } from '../base/bytes.ts';
import { rollingHashOf } from '../base/checksum.ts';
import { CodedError } from '../base/errors.ts';
import type { ChainId, Epoch, Hash, Lsn, Position } from '../base/ids.ts';
import { epoch as asEpoch, lsn as asLsn, chainId } from '../base/ids.ts';
import { checkSum, checksumBytes, reading, withChecksum } from './sealed.ts';

const formatVersion = 1;
const kindNumbers = { batch: 1, activation: 2 } as const;
const headBytes = 40;
/** What a section takes in the directory beside its name: four numbers of at most 8 bytes. */
const sectionBytesMax = 32;

export type RecordKind = keyof typeof kindNumbers;

/** What is known of a record without looking into its payload. */
export type OpenedRecord = {
  readonly kind: RecordKind;
  readonly chain: ChainId;
  readonly epoch: Epoch;
  readonly lsn: Lsn;
  readonly previousHash: Hash;
  readonly hash: Hash;
  readonly bytes: Uint8Array;
};

/** The updates of one document in a batch: `count` of them, numbered from `seqFirst`, each already encoded. */
export type Section = { readonly name: string; readonly seqFirst: number; readonly updates: readonly Uint8Array[] };

/** Where a document's updates lie in a record: `bytes` are theirs, back to back. */
export type SectionView = {
  readonly name: string;
  readonly seqFirst: number;
  readonly count: number;
  readonly bytes: Uint8Array;
};

export type RecordPlace = { readonly chain: ChainId; readonly epoch: Epoch; readonly after: Position };

export function encodeBatch(place: RecordPlace, sections: readonly Section[]): OpenedRecord {
  const lengths = sections.map(payloadBytesOf);
  let sizeMax = headBytes + checksumBytes;
  sections.forEach(({ name }, index) => {
    sizeMax += name.length + sectionBytesMax + (lengths[index] as number);
  });
  const writer = new ByteWriter(sizeMax);
  const directoryBytesAt = writeHead(writer, 'batch', place, sections.length);
  sections.forEach((section, index) => {
    writer.varint(section.name.length);
    writer.ascii(section.name);
    writer.varint(lengths[index] as number);
    writer.varint(section.seqFirst);
    writer.varint(section.updates.length);
  });
  const directoryBytes = writer.size - directoryBytesAt - 4;
  for (const section of sections) for (const update of section.updates) writer.bytes(update);
  return finish(writer, 'batch', place, directoryBytesAt, directoryBytes);
}

/** The first record of an epoch: says who runs it, in which order, and which loss an operator accepted for it. */
export function encodeActivation(place: RecordPlace, order: readonly string[], loss?: string): OpenedRecord {
  const payload = Buffer.from(JSON.stringify({ order, loss }));
  const writer = new ByteWriter(headBytes + checksumBytes + payload.length);
  const directoryBytesAt = writeHead(writer, 'activation', place, 0);
  writer.bytes(payload);
  return finish(writer, 'activation', place, directoryBytesAt, 0);
}

/** ENGINE_FORMAT for an unknown version, ENGINE_CORRUPT for bytes that are not a record. */
export function openRecord(bytes: Uint8Array): OpenedRecord {
  if (bytes.length < headBytes + checksumBytes) throw new CodedError('ENGINE_CORRUPT', 'the record is too short');
  const reader = new ByteReader(bytes);
  const version = reader.u8();
  checkSum(bytes, 'record');
  if (version !== formatVersion)
    throw new CodedError('ENGINE_FORMAT', `record version ${version} is not ${formatVersion}`);
  const kindNumber = reader.u8();
  const kind = kindNumber === 1 ? 'batch' : kindNumber === 2 ? 'activation' : undefined;
  if (kind === undefined) throw new CodedError('ENGINE_FORMAT', `record kind ${kindNumber} is unknown`);
  return reading('record', () => {
    const chain = chainId(reader.u16());
    const epoch = asEpoch(reader.u32());
    const lsn = asLsn(reader.u64());
    const previousHash = reader.hex(16) as Hash;
    return { kind, chain, epoch, lsn, previousHash, hash: rollingHashOf(bytes), bytes };
  });
}

/** Every document in an opened record, with its bytes. Shares memory with the record. */
export function sectionsOf(record: OpenedRecord): SectionView[] {
  return readDirectory(record, (name, seqFirst, count, from, to) => {
    return { name, seqFirst, count, bytes: record.bytes.subarray(from, to) };
  });
}

/** The documents in an opened record: `sectionsOf` without the views, for every record that a member takes in. */
export function namesOf(record: OpenedRecord): string[] {
  return readDirectory(record, (name) => name);
}

function readDirectory<T>(
  record: OpenedRecord,
  sectionOf: (name: string, seqFirst: number, count: number, from: number, to: number) => T,
): T[] {
  if (record.kind !== 'batch') return [];
  return reading(`directory of record ${record.lsn}`, () => {
    const reader = new ByteReader(record.bytes);
    reader.take(32);
    const count = reader.count(reader.u32(), 4);
    const directoryBytes = reader.u32();
    let payloadAt = headBytes + directoryBytes;
    const sections: T[] = [];
    for (let index = 0; index < count; index += 1) {
      const name = reader.ascii(reader.varint());
      const length = reader.varint();
      const seqFirst = reader.varint();
      const updates = reader.varint();
      sections.push(sectionOf(name, seqFirst, updates, payloadAt, payloadAt + length));
      payloadAt += length;
    }
    const isWhole = reader.offset === headBytes + directoryBytes && payloadAt === record.bytes.length - checksumBytes;
    if (!isWhole) throw new CodedError('ENGINE_CORRUPT', `the directory of record ${record.lsn} does not fit it`);
    return sections;
  });
}

/** Who runs an epoch, from its first record. */
export function orderOfActivation(record: OpenedRecord): readonly string[] {
  const { order } = readActivation(record);
  const isOrder = Array.isArray(order) && order.every((host) => typeof host === 'string');
  if (!isOrder) throw new CodedError('ENGINE_CORRUPT', `record ${record.lsn} names no order`);
  return order;
}

/** What an operator accepted to lose with an epoch, from its first record. */
export function lossOfActivation(record: OpenedRecord): string | undefined {
  const { loss } = readActivation(record);
  return typeof loss === 'string' ? loss : undefined;
}

function readActivation(record: OpenedRecord): { readonly order?: unknown; readonly loss?: unknown } {
  assert(record.kind === 'activation', 'only an activation names an order');
  const text = Buffer.from(record.bytes).toString('utf8', headBytes, record.bytes.length - checksumBytes);
  return reading('activation', () => JSON.parse(text) ?? {}) as { readonly order?: unknown; readonly loss?: unknown };
}

export function recordKey(chain: ChainId, lsn: number): Uint8Array {
  const writer = new ByteWriter(11);
  writer.u8(0x10);
  writer.u16(chain);
  writer.u64(lsn);
  return writer.done();
}

/** Every record of the chain lies from the first of these to below the second. */
export function recordKeys(chain: ChainId): readonly [Uint8Array, Uint8Array] {
  return [recordKey(chain, 0), recordKey(chain, Number.MAX_SAFE_INTEGER)];
}

/** The lsn in a record's key. */
export function lsnOfKey(key: Uint8Array): number {
  const reader = new ByteReader(key);
  reader.take(3);
  return reader.u64();
}

function writeHead(writer: ByteWriter, kind: RecordKind, place: RecordPlace, count: number): number {
  writer.u8(formatVersion);
  writer.u8(kindNumbers[kind]);
  writer.u16(place.chain);
  writer.u32(place.epoch);
  writer.u64(place.after.lsn + 1);
  writer.hex(place.after.hash);
  writer.u32(count);
  const directoryBytesAt = writer.size;
  writer.u32(0);
  return directoryBytesAt;
}

function finish(
  writer: ByteWriter,
  kind: RecordKind,
  place: RecordPlace,
  at: number,
  directoryBytes: number,
): OpenedRecord {
  writer.done().writeUInt32BE(directoryBytes, at);
  const bytes = withChecksum(writer);
  const { chain, epoch, after } = place;
  return { kind, chain, epoch, lsn: asLsn(after.lsn + 1), previousHash: after.hash, hash: rollingHashOf(bytes), bytes };
}

function payloadBytesOf(section: Section): number {
  let bytes = 0;
  for (const update of section.updates) bytes += update.length;
  return bytes;
}
