// The bytes of registers between hosts, beside those of chains (chain/wire.ts), which has the kind numbers below 32.
//
//   frame       := kind u8 | body                                             all integers big-endian
//   registerAsk  (32) := generation u32 | count u16 | ask ...
//   ask               := register u16 | kind u8 | ballot | body:  1 prepare: nothing    2 accept: value
//   registerTell (33) := generation u32 | storeId text | count u16 | tell ...
//   tell              := register u16 | kind u8 | ballot | body:  1 promised: found     2 accepted: nothing   3 rejected: ballot
//   found             := 0 u8, or 1 u8 | ballot | value
//   value             := length u32 | bytes
//   votersNews   (34) := voters                                               as voters.ts lays them out
//
// A ballot is laid out in ballot.ts. What is decoded shares no memory with the frame: a voter keeps values for years.
// APPEND ONLY: kind numbers travel between versions; a retired kind keeps its number.
import { assert } from '../../engine/base/assert.ts';
import { type ByteReader, ByteWriter, readWhole } from '../../engine/base/bytes.ts';
import { CodedError } from '../../engine/base/errors.ts';
import { nonceBytesMax, registerItemsMax, registerValueBytesMax } from '../../engine/base/limits.ts';
import { ballotBytesMax, readBallot, writeBallot } from './ballot.ts';
import type { AskItem, RegisterMessage, TellItem } from './messages.ts';
import { decodeVoters, encodeVoters } from './voters.ts';

export const registerKindNumbers = {
  registerAsk: 32,
  registerTell: 33,
  votersNews: 34,
} as const satisfies Record<RegisterMessage['kind'], number>;

const itemBytesMin = 3 + 8 + 2 + 2;

/** Whether a frame that begins with `kind` is for decodeRegisterMessage. */
export function isRegisterKind(kind: number | undefined): boolean {
  return Object.values(registerKindNumbers).some((number) => number === kind);
}

export function encodeRegisterMessage(message: RegisterMessage): Uint8Array {
  const number = registerKindNumbers[message.kind];
  if (message.kind === 'votersNews') return Buffer.concat([Uint8Array.of(number), encodeVoters(message.voters)]);
  assert(message.items.length <= registerItemsMax, `${message.items.length} registers fit a message`);
  const writer = new ByteWriter(sizeOf(message.items));
  writer.u8(number);
  writer.u32(message.generation);
  if (message.kind === 'registerTell') writer.text(message.storeId);
  writer.u16(message.items.length);
  if (message.kind === 'registerAsk') for (const item of message.items) writeAsk(writer, item);
  else for (const item of message.items) writeTell(writer, item);
  return writer.done();
}

/** CHAIN_PROTOCOL unless `bytes` are exactly one message. */
export function decodeRegisterMessage(bytes: Uint8Array): RegisterMessage {
  return readWhole(bytes, 'a message', (reader) => decodeBody(reader.u8(), reader));
}

function decodeBody(kind: number, reader: ByteReader): RegisterMessage {
  switch (kind) {
    case registerKindNumbers.registerAsk: {
      const generation = reader.u32();
      return { kind: 'registerAsk', generation, items: readItems(reader, readAsk) };
    }
    case registerKindNumbers.registerTell: {
      const [generation, storeId] = [reader.u32(), reader.text(nonceBytesMax)];
      return { kind: 'registerTell', generation, storeId, items: readItems(reader, readTell) };
    }
    case registerKindNumbers.votersNews:
      return { kind: 'votersNews', voters: decodeVoters(reader.rest()) };
    default:
      throw new CodedError('CHAIN_PROTOCOL', `unknown message kind ${kind}`);
  }
}

function readItems<T>(reader: ByteReader, readItem: (reader: ByteReader) => T): readonly T[] {
  const count = reader.count(reader.u16(), itemBytesMin);
  if (count > registerItemsMax) throw new CodedError('CHAIN_PROTOCOL', `${count} registers in one message`);
  return Array.from({ length: count }, () => readItem(reader));
}

function writeAsk(writer: ByteWriter, item: AskItem): void {
  writer.u16(item.register);
  writer.u8(item.kind === 'prepare' ? 1 : 2);
  writeBallot(writer, item.ballot);
  if (item.kind === 'accept') writeValue(writer, item.value);
}

function readAsk(reader: ByteReader): AskItem {
  const [register, kind, ballot] = [reader.u16(), reader.u8(), readBallot(reader)];
  if (kind === 1) return { kind: 'prepare', register, ballot };
  if (kind === 2) return { kind: 'accept', register, ballot, value: readValue(reader) };
  throw new CodedError('CHAIN_PROTOCOL', `nothing is asked by ${kind}`);
}

const tellNumbers = { promised: 1, accepted: 2, rejected: 3 } as const satisfies Record<TellItem['kind'], number>;

function writeTell(writer: ByteWriter, item: TellItem): void {
  writer.u16(item.register);
  writer.u8(tellNumbers[item.kind]);
  writeBallot(writer, item.ballot);
  if (item.kind === 'rejected') writeBallot(writer, item.promised);
  if (item.kind !== 'promised') return;
  writer.u8(item.found === undefined ? 0 : 1);
  if (item.found === undefined) return;
  writeBallot(writer, item.found.ballot);
  writeValue(writer, item.found.value);
}

function readTell(reader: ByteReader): TellItem {
  const [register, kind, ballot] = [reader.u16(), reader.u8(), readBallot(reader)];
  switch (kind) {
    case tellNumbers.promised: {
      const found = reader.flag() ? { ballot: readBallot(reader), value: readValue(reader) } : undefined;
      return { kind: 'promised', register, ballot, found };
    }
    case tellNumbers.accepted:
      return { kind: 'accepted', register, ballot };
    case tellNumbers.rejected:
      return { kind: 'rejected', register, ballot, promised: readBallot(reader) };
    default:
      throw new CodedError('CHAIN_PROTOCOL', `nothing is told by ${kind}`);
  }
}

function writeValue(writer: ByteWriter, value: Uint8Array): void {
  assert(value.length <= registerValueBytesMax, `a value of ${value.length} bytes fits a register`);
  writer.u32(value.length);
  writer.bytes(value);
}

function readValue(reader: ByteReader): Uint8Array {
  const length = reader.u32();
  if (length > registerValueBytesMax) throw new CodedError('CHAIN_PROTOCOL', `a value of ${length} bytes`);
  return Uint8Array.from(reader.take(length));
}

/** What the items take at most, and the message before them. */
function sizeOf(items: readonly (AskItem | TellItem)[]): number {
  const lengthOf = (item: AskItem | TellItem): number => {
    if (item.kind === 'accept') return item.value.length;
    return item.kind === 'promised' ? (item.found?.value.length ?? 0) : 0;
  };
  return items.reduce((sum, item) => sum + 8 + 2 * ballotBytesMax + lengthOf(item), 16 + nonceBytesMax);
}
