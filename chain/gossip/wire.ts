// The bytes of gossip. Counters are u32 and not varints: after a day they would be as long, and a fixed width costs one bound
// check for all of them. A counter of ten a second lasts 13 years.
//
//   frame    := kind u8 | body                                                 all integers big-endian
//   hash     := 8 bytes
//   text     := length u16 | printable ASCII
//   known    := id text | boot text | roles u8 | region text | address text | appHash text | counter u32 | ageMs u32
//   knowns   := count u16 | known ...                                          by rising key
//   gone     := count u16 | hash ...
//   counters := count u16 | u32 ...
//   numbers  := count u16 | u16 ...                                            rising
//   hints    := count u16 | (chain u16 | epoch u32 | minor u32 | length u16 | bytes) ...
//   versions := has u8 = 0 | has u8 = 1, count u16 | (chain u16 | epoch u32 | minor u32) ...
//   hello    := set hash | sender hash | counter u32 | digest hash | appeared knowns | gone | rumours hints
//   found    := set hash | counters | missing knowns | gone | wanted numbers | rumours hints | versions
//   unknown  := set hash | appeared knowns | gone | rumours hints | versions
//   reverse  := set hash | counters | missing knowns | gone | wanted numbers
//   counters' := set hash | counters | missing knowns
//   rest     := set hash | counters | missing knowns | gone
//   full     := knowns
//   hints'   := hints | wanted numbers
//
// APPEND ONLY: kind numbers travel between versions, on links that carry other messages with other numbers.
import { type ByteReader, ByteWriter, readWhole } from '../../engine/base/bytes.ts';
import { CodedError } from '../../engine/base/errors.ts';
import { hintBytesMax, hintsMax, instancesMax, instanceTextBytesMax } from '../../engine/base/limits.ts';
import { checkOrder, makeInstance, roles } from './instances.ts';
import type { GossipKind, GossipMessage, Hint, Known, Version } from './messages.ts';

export const gossipKindNumbers = {
  hello: 40,
  found: 41,
  counters: 42,
  unknown: 43,
  reverse: 44,
  full: 45,
  rest: 46,
  hints: 47,
} as const satisfies Record<GossipKind, number>;

const kindNames = new Map<number, GossipKind>(
  Object.entries(gossipKindNumbers).map(([name, number]) => [number, name as GossipKind]),
);
const rolesMax = 2 ** roles.length - 1;
const [hashBytes, versionBytes, knownBytesMin] = [8, 10, 19];

export function encodeGossip(message: GossipMessage): Uint8Array {
  const writer = new ByteWriter(bytesOf(message));
  writer.u8(gossipKindNumbers[message.kind]);
  if ('set' in message) writer.hex(message.set);
  if (message.kind === 'hello') {
    writer.hex(message.sender);
    writer.u32(message.counter);
    writer.hex(message.digest);
  }
  if ('counters' in message) writeCounters(writer, message.counters);
  if ('instances' in message) writeKnowns(writer, message.instances);
  if ('missing' in message) writeKnowns(writer, message.missing);
  if ('appeared' in message) writeKnowns(writer, message.appeared);
  if ('gone' in message) {
    writer.u16(message.gone.length);
    for (const hash of message.gone) writer.hex(hash);
  }
  if ('hints' in message) writeHints(writer, message.hints);
  if ('wanted' in message) {
    writer.u16(message.wanted.length);
    for (const number of message.wanted) writer.u16(number);
  }
  if ('rumours' in message) writeHints(writer, message.rumours);
  if ('versions' in message) writeVersions(writer, message.versions);
  return writer.done();
}

/** What `message` takes on the wire, exactly; cheap, since counters have one width. */
export function bytesOf(message: GossipMessage): number {
  let bytes = 1;
  if ('set' in message) bytes += hashBytes;
  if (message.kind === 'hello') bytes += 2 * hashBytes + 4;
  if ('counters' in message) bytes += 2 + 4 * message.counters.length;
  if ('instances' in message) bytes += knownsBytes(message.instances);
  if ('missing' in message) bytes += knownsBytes(message.missing);
  if ('appeared' in message) bytes += knownsBytes(message.appeared);
  if ('gone' in message) bytes += 2 + hashBytes * message.gone.length;
  if ('hints' in message) bytes += hintsBytes(message.hints);
  if ('wanted' in message) bytes += 2 + 2 * message.wanted.length;
  if ('rumours' in message) bytes += hintsBytes(message.rumours);
  if ('versions' in message) bytes += message.versions === undefined ? 1 : 3 + versionBytes * message.versions.length;
  return bytes;
}

/** CHAIN_PROTOCOL unless `bytes` are exactly one message of gossip. */
export function decodeGossip(bytes: Uint8Array): GossipMessage {
  return readWhole(bytes, 'gossip', (reader) => {
    const kind = kindNames.get(reader.u8());
    if (kind === undefined) throw new CodedError('CHAIN_PROTOCOL', `unknown kind of gossip ${bytes[0]}`);
    return readBody(kind, reader);
  });
}

// Parts are read in the order in which they are written here.
function readBody(kind: GossipKind, reader: ByteReader): GossipMessage {
  switch (kind) {
    case 'hello': {
      const [set, sender, counter, digest] = [readHash(reader), readHash(reader), reader.u32(), readHash(reader)];
      return { kind, set, sender, counter, digest, ...readNews(reader) };
    }
    case 'found': {
      const difference = readDifference(reader);
      const wanted = readPlaces(reader, difference.counters.length);
      return { kind, ...difference, wanted, rumours: readHints(reader), versions: readVersions(reader) };
    }
    case 'unknown':
      return { kind, set: readHash(reader), ...readNews(reader), versions: readVersions(reader) };
    case 'reverse': {
      const difference = readDifference(reader);
      return { kind, ...difference, wanted: readPlaces(reader, difference.counters.length) };
    }
    case 'counters':
      return { kind, set: readHash(reader), counters: readCounters(reader), missing: readKnowns(reader) };
    case 'rest':
      return { kind, ...readDifference(reader) };
    case 'full':
      return { kind, instances: readKnowns(reader) };
    case 'hints':
      return { kind, hints: readHints(reader), wanted: readNumbers(reader, hintsMax) };
  }
}

function readDifference(reader: ByteReader) {
  const [set, counters, missing] = [readHash(reader), readCounters(reader), readKnowns(reader)];
  return { set, counters, missing, gone: readGone(reader) };
}

function readNews(reader: ByteReader) {
  return { appeared: readKnowns(reader), gone: readGone(reader), rumours: readHints(reader) };
}

function readGone(reader: ByteReader): string[] {
  return Array.from({ length: readCount(reader, hashBytes, instancesMax) }, () => readHash(reader));
}

/** Places in a set of so many. */
function readPlaces(reader: ByteReader, count: number): number[] {
  const places = readNumbers(reader, count);
  if ((places.at(-1) ?? -1) >= count) throw new CodedError('CHAIN_PROTOCOL', 'what is wanted is not in the set');
  return places;
}

function readHash(reader: ByteReader): string {
  return reader.hex(hashBytes);
}

function readCount(reader: ByteReader, bytesMin: number, countMax: number): number {
  const count = reader.count(reader.u16(), bytesMin);
  if (count > countMax) throw new CodedError('CHAIN_PROTOCOL', `${count} items where ${countMax} may be`);
  return count;
}

function readNumbers(reader: ByteReader, countMax: number): number[] {
  const numbers = Array.from({ length: readCount(reader, 2, countMax) }, () => reader.u16());
  if (numbers.some((number, index) => index > 0 && number <= (numbers[index - 1] ?? 0)))
    throw new CodedError('CHAIN_PROTOCOL', 'numbers do not rise');
  return numbers;
}

function writeCounters(writer: ByteWriter, counters: Uint32Array): void {
  writer.u16(counters.length);
  for (const counter of counters) writer.u32(counter);
}

function readCounters(reader: ByteReader): Uint32Array {
  const counters = new Uint32Array(readCount(reader, 4, instancesMax));
  for (let place = 0; place < counters.length; place += 1) counters[place] = reader.u32();
  return counters;
}

function writeKnowns(writer: ByteWriter, knowns: readonly Known[]): void {
  writer.u16(knowns.length);
  for (const { instance, counter, ageMs } of knowns) {
    writer.text(instance.id);
    writer.text(instance.boot);
    writer.u8(roles.reduce((mask, role, bit) => mask | (instance.roles.includes(role) ? 1 << bit : 0), 0));
    writer.text(instance.region);
    writer.text(instance.address);
    writer.text(instance.appHash);
    writer.u32(counter);
    writer.u32(ageMs);
  }
}

function knownsBytes(knowns: readonly Known[]): number {
  let bytes = 2;
  for (const { instance } of knowns) {
    const { id, boot, region, address, appHash } = instance;
    bytes += knownBytesMin + id.length + boot.length + region.length + address.length + appHash.length;
  }
  return bytes;
}

function readKnowns(reader: ByteReader): Known[] {
  const knowns = Array.from({ length: readCount(reader, knownBytesMin, instancesMax) }, () => readKnown(reader));
  checkOrder(knowns);
  return knowns;
}

function readKnown(reader: ByteReader): Known {
  const [id, boot, mask] = [reader.text(instanceTextBytesMax), reader.text(instanceTextBytesMax), reader.u8()];
  if (mask > rolesMax) throw new CodedError('CHAIN_PROTOCOL', `not roles: ${mask}`);
  const [region, address, appHash] = [
    reader.text(instanceTextBytesMax),
    reader.text(instanceTextBytesMax),
    reader.text(instanceTextBytesMax),
  ];
  const has = roles.filter((_, bit) => (mask & (1 << bit)) !== 0);
  const instance = makeInstance({ id, boot, roles: has, region, address, appHash });
  return { instance, counter: reader.u32(), ageMs: reader.u32() };
}

function writeVersion(writer: ByteWriter, { chain, epoch, minor }: Version): void {
  writer.u16(chain);
  writer.u32(epoch);
  writer.u32(minor);
}

function readVersion(reader: ByteReader): Version {
  return { chain: reader.u16(), epoch: reader.u32(), minor: reader.u32() };
}

function writeVersions(writer: ByteWriter, versions: readonly Version[] | undefined): void {
  writer.u8(versions === undefined ? 0 : 1);
  if (versions === undefined) return;
  writer.u16(versions.length);
  for (const version of versions) writeVersion(writer, version);
}

function readVersions(reader: ByteReader): Version[] | undefined {
  if (!reader.flag()) return undefined;
  return Array.from({ length: readCount(reader, versionBytes, hintsMax) }, () => readVersion(reader));
}

function writeHints(writer: ByteWriter, hints: readonly Hint[]): void {
  writer.u16(hints.length);
  for (const hint of hints) {
    writeVersion(writer, hint);
    writer.u16(hint.bytes.length);
    writer.bytes(hint.bytes);
  }
}

function hintsBytes(hints: readonly Hint[]): number {
  let bytes = 2;
  for (const hint of hints) bytes += versionBytes + 2 + hint.bytes.length;
  return bytes;
}

function readHints(reader: ByteReader): Hint[] {
  return Array.from({ length: readCount(reader, versionBytes + 2, hintsMax) }, () => {
    const version = readVersion(reader);
    const length = reader.u16();
    if (length > hintBytesMax) throw new CodedError('CHAIN_PROTOCOL', `a hint of ${length} bytes`);
    // A copy: a hint outlives the frame that it came in.
    return { ...version, bytes: Uint8Array.from(reader.take(length)) };
  });
}
