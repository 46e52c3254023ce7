// A file of a backup. What leaves a host in an export are the same entries, so that a checksum made where a document was read is checked
// where it is laid down again. Integers are big-endian; varint, text, state and updates are as in format.ts and snapshot-format.ts.
//
//   file     := magic | place | (document | history *) * | end
//   magic    := "levelten backup 1\n" in ASCII; 1 is the version
//   entry    := kind u8 | bodyBytes u32 | body | checksum u32       CRC-32 of everything before it in the entry
//
//   kind       body
//   1 place    cluster text | chain u16 | number u32                number: of the file among those of its chain, from 1
//   2 document nameBytes u16 | name ASCII | seq varint | state
//   3 history  seqFirst varint | count varint | updates             of the document before it, newest first
//   4 end      documents varint | updates varint                    how many the file holds
//
// Documents stand by rising name, within a file and from one to the next. The first history entry of a document ends with its seq; each
// other ends where the one before it begins. So a document lies in one file, and what was lost of either would be seen.
import { ByteReader, ByteWriter } from '../base/bytes.ts';
import { checksumOf } from '../base/checksum.ts';
import { CodedError } from '../base/errors.ts';
import { checksumBytes, reading } from './sealed.ts';
import { addSums, addToSum } from './snapshot-format.ts';

export const magic: Uint8Array = Buffer.from('levelten backup 1\n');
const kinds = { place: 1, document: 2, history: 3, end: 4 } as const;
const headBytes = 5;
const numberBytesMax = 8;

export type PlaceEntry = {
  readonly kind: 'place';
  readonly cluster: string;
  readonly chain: number;
  readonly number: number;
};
export type DocumentEntry = {
  readonly kind: 'document';
  readonly name: string;
  readonly seq: number;
  readonly state: Uint8Array;
};
export type HistoryEntry = {
  readonly kind: 'history';
  readonly seqFirst: number;
  readonly count: number;
  readonly updates: Uint8Array;
};
export type EndEntry = { readonly kind: 'end'; readonly documents: number; readonly updates: number };
export type BackupEntry = PlaceEntry | DocumentEntry | HistoryEntry | EndEntry;

export function encodeEntry(entry: BackupEntry): Uint8Array {
  const writer = new ByteWriter(headBytes + bodyBytesMax(entry) + checksumBytes);
  writer.u8(kinds[entry.kind]);
  writer.u32(0);
  writeBody(writer, entry);
  writer.done().writeUInt32BE(writer.size - headBytes, 1);
  writer.u32(checksumOf(writer.done()));
  return writer.done();
}

function bodyBytesMax(entry: BackupEntry): number {
  if (entry.kind === 'document') return 2 + entry.name.length + numberBytesMax + entry.state.length;
  if (entry.kind === 'history') return 2 * numberBytesMax + entry.updates.length;
  return entry.kind === 'place' ? 1024 : 2 * numberBytesMax;
}

function writeBody(writer: ByteWriter, entry: BackupEntry): void {
  switch (entry.kind) {
    case 'place':
      writer.text(entry.cluster);
      writer.u16(entry.chain);
      return writer.u32(entry.number);
    case 'document':
      writer.u16(entry.name.length);
      writer.ascii(entry.name);
      writer.varint(entry.seq);
      return writer.bytes(entry.state);
    case 'history':
      writer.varint(entry.seqFirst);
      writer.varint(entry.count);
      return writer.bytes(entry.updates);
    case 'end':
      writer.varint(entry.documents);
      return writer.varint(entry.updates);
  }
}

/** BACKUP_CORRUPT for what `encodeEntry` does not write. Shares memory with `bytes`, which are one entry. */
export function decodeEntry(bytes: Uint8Array): BackupEntry {
  const end = bytes.length - checksumBytes;
  if (end < headBytes) throw corrupt('an entry is too short');
  if (checksumOf(bytes.subarray(0, end)) !== new ByteReader(bytes.subarray(end)).u32()) {
    throw corrupt('an entry has a wrong checksum');
  }
  try {
    return reading('entry', () => {
      const reader = new ByteReader(bytes.subarray(0, end));
      const kind = reader.u8();
      if (reader.u32() !== end - headBytes) throw corrupt('an entry has another length than it says');
      const entry = readBody(kind, reader);
      reader.end();
      return entry;
    });
  } catch (cause) {
    if (!(cause instanceof CodedError) || cause.code !== 'ENGINE_CORRUPT') throw cause;
    throw corrupt(cause.message);
  }
}

function readBody(kind: number, reader: ByteReader): BackupEntry {
  switch (kind) {
    case kinds.place:
      return { kind: 'place', cluster: reader.text(), chain: reader.u16(), number: reader.u32() };
    case kinds.document:
      return { kind: 'document', name: reader.ascii(reader.u16()), seq: reader.varint(), state: reader.rest() };
    case kinds.history:
      return { kind: 'history', seqFirst: reader.varint(), count: reader.varint(), updates: reader.rest() };
    case kinds.end:
      return { kind: 'end', documents: reader.varint(), updates: reader.varint() };
    default:
      throw corrupt(`an entry is of a kind that is not known, ${kind}`);
  }
}

/** Takes whole entries from bytes that come in pieces of any size. BACKUP_CORRUPT where they end within one. */
export async function* entriesOf(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let parts: Uint8Array[] = [];
  let held = 0;
  let needed = headBytes;
  for await (const chunk of chunks) {
    parts.push(chunk);
    held += chunk.length;
    if (held < needed) continue;
    let bytes = Buffer.concat(parts);
    for (needed = wholeBytes(bytes); needed <= bytes.length; needed = wholeBytes(bytes)) {
      yield bytes.subarray(0, needed);
      bytes = bytes.subarray(needed);
    }
    parts = [bytes];
    held = bytes.length;
  }
  if (held > 0) throw corrupt('it ends within an entry');
}

function wholeBytes(bytes: Buffer): number {
  return bytes.length < headBytes ? headBytes : headBytes + bytes.readUInt32BE(1) + checksumBytes;
}

/** What a set of documents comes to, whatever file or chain each lies in. */
export type Tally = {
  readonly documents: number;
  readonly updates: number;
  /** Over (name, seq, state) of each document: 32 hex digits, the same whatever the order (snapshot-format.ts, addToSum). */
  readonly hash: string;
  /** Over (name, seqFirst, count, updates) of each history entry: where those are cut is a host's own. */
  readonly history: string;
};

export const noTally: Tally = { documents: 0, updates: 0, hash: '0'.repeat(32), history: '0'.repeat(32) };

export function addDocument(tally: Tally, { name, seq, state }: Omit<DocumentEntry, 'kind'>): Tally {
  const key = keyOf(name, [seq]);
  return { ...tally, documents: tally.documents + 1, hash: addToSum(tally.hash, key, state, 1) };
}

export function addHistory(
  tally: Tally,
  name: string,
  { seqFirst, count, updates }: Omit<HistoryEntry, 'kind'>,
): Tally {
  const history = addToSum(tally.history, keyOf(name, [seqFirst, count]), updates, 1);
  return { ...tally, updates: tally.updates + count, history };
}

export function addTallies(a: Tally, b: Tally): Tally {
  return {
    documents: a.documents + b.documents,
    updates: a.updates + b.updates,
    hash: addSums(a.hash, b.hash),
    history: addSums(a.history, b.history),
  };
}

/** No name holds a zero byte: no two keys with what follows them are the same bytes. */
function keyOf(name: string, numbers: readonly number[]): Uint8Array {
  const writer = new ByteWriter(name.length + 1 + 8 * numbers.length);
  writer.ascii(name);
  writer.u8(0);
  for (const number of numbers) writer.u64(number);
  return writer.done();
}

export function corrupt(text: string): CodedError {
  return new CodedError('BACKUP_CORRUPT', text);
}
