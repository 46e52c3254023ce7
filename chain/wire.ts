// The bytes between members of a chain. A link carries frames of many chains; each is one message:
//
//   frame       := kind u8 | chain u16 | epoch u32 | body                     all integers big-endian
//   position    := lsn u64 | hash 16 bytes
//   text        := length u16 | UTF-8; a nonce and a storeId are at most 128 bytes
//   record      := length u32 | bytes                                         as engine/store/format.ts lays it out
//   append      := committed u64 | record bytes up to the end of the frame
//   ack, resume := position
//   seal, refused := nonce text
//   transferred := nonce text | storeId text
//   sealed      := nonce text | storeId text | logEpoch u32 | position
//   transfer    := nonce text | source text | position
//   fetch       := position
//   chunk       := position | isShared u8 = 0, 1 | isLive u8 = 0, 1 | start position | count u32 | record ...
//   fetchPage   := cursor text
//   page        := cursor text | next text | start position | sum 16 bytes | documents up to the end of the frame
//   configured  := a register's value, as configuration.ts lays it out, up to the end of the frame
//   barrier, passed := token u64
//
// A record is the same bytes on every wire and every disk: nothing here looks into it. The one who does (engine/store) is
// handed in as `openRecord`. APPEND ONLY: kind numbers travel between versions; a retired kind keeps its number (7, 9, 10, 11
// and 16 are). Numbers from 32 on belong to registers, from 40 on to gossip: what is not about one chain's log.
import { type ByteReader, ByteWriter, readWhole } from '../engine/base/bytes.ts';
import { CodedError } from '../engine/base/errors.ts';
import type { ChainId, Epoch, Hash, Lsn, Position } from '../engine/base/ids.ts';
import { epoch as asEpoch, lsn as asLsn, chainId, hostId } from '../engine/base/ids.ts';
import { configurationBytesMax, cursorBytesMax, nonceBytesMax } from '../engine/base/limits.ts';
import type { Configuration } from './configuration.ts';
import { decodeConfiguration, encodeConfiguration } from './configuration.ts';
import type { Entry, Message, Page } from './messages.ts';

const kindNumbers = {
  append: 1,
  ack: 2,
  resume: 3,
  seal: 4,
  sealed: 5,
  transfer: 6,
  fetch: 8,
  refused: 12,
  configured: 13,
  barrier: 14,
  passed: 15,
  transferred: 17,
  chunk: 18,
  fetchPage: 19,
  page: 20,
} as const satisfies Record<Message['kind'], number>;

const kindNames = new Map<number, Message['kind']>(
  Object.entries(kindNumbers).map(([name, number]) => [number, name as Message['kind']]),
);

/** Checks the bytes of a record of `chain` and says what they hold; throws CodedError where they are not one. */
export type OpenRecord = (bytes: Uint8Array, chain: ChainId) => Entry;

export function encodeMessage(message: Message): Uint8Array {
  const writer = new ByteWriter(sizeOf(message));
  writer.u8(kindNumbers[message.kind]);
  writer.u16(message.chain);
  writer.u32(message.epoch);
  encodeBody(writer, message);
  return writer.done();
}

/** CHAIN_PROTOCOL unless `bytes` are exactly one message whose records `openRecord` accepts. */
export function decodeMessage(bytes: Uint8Array, openRecord: OpenRecord): Message {
  return readWhole(bytes, 'a message', (reader) => {
    const kind = kindNames.get(reader.u8());
    if (kind === undefined) throw new CodedError('CHAIN_PROTOCOL', `unknown message kind ${bytes[0]}`);
    return decodeBody(kind, reader, openRecord);
  });
}

function encodeBody(writer: ByteWriter, message: Message): void {
  switch (message.kind) {
    case 'append':
      writer.u64(message.committed);
      return writer.bytes(message.entry.bytes);
    case 'ack':
    case 'resume':
      return position(writer, message.position);
    case 'fetch':
      return position(writer, message.after);
    case 'configured':
      return writer.bytes(encodeConfiguration(message.value));
    case 'barrier':
    case 'passed':
      return writer.u64(message.token);
    case 'chunk':
      position(writer, message.after);
      writer.u8(message.isShared ? 1 : 0);
      writer.u8(message.isLive ? 1 : 0);
      position(writer, message.start);
      writer.u32(message.entries.length);
      for (const entry of message.entries) {
        writer.u32(entry.bytes.length);
        writer.bytes(entry.bytes);
      }
      return;
    case 'fetchPage':
      return writer.text(message.cursor);
    case 'page':
      return encodePage(writer, message.page);
    default:
      writer.text(message.nonce);
  }
  if (message.kind === 'sealed') {
    writer.text(message.storeId);
    writer.u32(message.logEpoch);
    position(writer, message.position);
  } else if (message.kind === 'transfer') {
    writer.text(message.source);
    position(writer, message.position);
  } else if (message.kind === 'transferred') writer.text(message.storeId);
}

function decodeBody(kind: Message['kind'], reader: ByteReader, openRecord: OpenRecord): Message {
  const chain = chainId(reader.u16());
  const epoch = asEpoch(reader.u32());
  switch (kind) {
    case 'append': {
      const committed = asLsn(reader.u64());
      return { kind, chain, epoch, committed, entry: openRecord(reader.rest(), chain) };
    }
    case 'ack':
    case 'resume':
      return { kind, chain, epoch, position: readPosition(reader) };
    case 'fetch':
      return { kind, chain, epoch, after: readPosition(reader) };
    case 'barrier':
    case 'passed':
      return { kind, chain, epoch, token: reader.u64() };
    case 'configured':
      return { kind, chain, epoch, value: readConfiguration(reader, chain, epoch) };
    case 'chunk': {
      const after = readPosition(reader);
      const [isShared, isLive] = [reader.flag(), reader.flag()];
      const start = readPosition(reader);
      return { kind, chain, epoch, after, isShared, isLive, start, entries: readRecords(reader, chain, openRecord) };
    }
    case 'fetchPage':
      return { kind, chain, epoch, cursor: reader.text(cursorBytesMax) };
    case 'page':
      return { kind, chain, epoch, page: readPage(reader) };
    default:
      return decodeAttempt(kind, { chain, epoch, nonce: reader.text(nonceBytesMax) }, reader);
  }
}

type AttemptKind = 'seal' | 'sealed' | 'transfer' | 'transferred' | 'refused';
type AttemptHead = { chain: Message['chain']; epoch: Epoch; nonce: string };

function decodeAttempt(kind: AttemptKind, head: AttemptHead, reader: ByteReader): Message {
  switch (kind) {
    case 'sealed':
      return {
        kind,
        ...head,
        storeId: reader.text(nonceBytesMax),
        logEpoch: asEpoch(reader.u32()),
        position: readPosition(reader),
      };
    case 'transfer':
      return { kind, ...head, source: hostId(reader.text()), position: readPosition(reader) };
    case 'transferred':
      return { kind, ...head, storeId: reader.text(nonceBytesMax) };
    default:
      return { kind, ...head };
  }
}

function encodePage(writer: ByteWriter, { cursor, next, start, sum, bytes }: Page): void {
  writer.text(cursor);
  writer.text(next);
  position(writer, start);
  writer.hex(sum);
  writer.bytes(bytes);
}

function readPage(reader: ByteReader): Page {
  const [cursor, next] = [reader.text(cursorBytesMax), reader.text(cursorBytesMax)];
  return { cursor, next, start: readPosition(reader), sum: reader.hex(16), bytes: reader.rest() };
}

function readConfiguration(reader: ByteReader, chain: ChainId, epoch: Epoch): Configuration {
  const value = decodeConfiguration(reader.rest());
  if (value.chain === chain && value.epoch === epoch) return value;
  throw new CodedError(
    'CHAIN_PROTOCOL',
    `the configuration of epoch ${value.epoch} of chain ${value.chain} came for another`,
  );
}

function readRecords(reader: ByteReader, chain: ChainId, openRecord: OpenRecord): Entry[] {
  const count = reader.count(reader.u32(), 4);
  return Array.from({ length: count }, () => openRecord(reader.take(reader.u32()), chain));
}

function position(writer: ByteWriter, { lsn, hash }: Position): void {
  writer.u64(lsn);
  writer.hex(hash);
}

function readPosition(reader: ByteReader): Position {
  return { lsn: reader.u64() as Lsn, hash: reader.hex(16) as Hash };
}

/** What a message takes, so that its buffer is allocated once. Only batches are large; for the rest a bound will do. */
function sizeOf(message: Message): number {
  if (message.kind === 'append') return 15 + message.entry.bytes.length;
  if (message.kind === 'configured') return 7 + configurationBytesMax;
  if (message.kind === 'page') return 1024 + message.page.bytes.length;
  if (message.kind !== 'chunk') return 1024;
  return message.entries.reduce((bytes, entry) => bytes + 4 + entry.bytes.length, 64);
}
