// Who runs a chain: the value of its register, and the only truth about it. A configuration is `pending` while a driver seals
// members and moves a history, and `active` when a history is on the disk of each of its members.
//
//   value    := version u8 = 1 | phase u8 = 0 pending, 1 active | chain u16 | region text | epoch u32 | minor u32
//               | nonce text | members | start position | loss | hasPrevious u8 = 0, 1 | previous
//   previous := epoch u32 | minor u32 | nonce text | members | start position
//   members  := count u16 | (host text | storeId text | boot text | role u8 = 0 syncing, 1 serving) ...
//   position := lsn u64 | hash 16 bytes
//   loss     := has u8 = 0, 1 | what an operator accepted, text
//
// One value has one encoding, and each CAS writes a value of its own (a nonce is never used twice), so that equal bytes are the
// same configuration.
import { assert } from '../engine/base/assert.ts';
import { type ByteReader, ByteWriter, readWhole } from '../engine/base/bytes.ts';
import { CodedError } from '../engine/base/errors.ts';
import type { ChainId, Epoch, Hash, HostId, Lsn, Position } from '../engine/base/ids.ts';
import { epoch as asEpoch, chainId, hostId } from '../engine/base/ids.ts';
import { configurationBytesMax, hostsMax, lossBytesMax, nonceBytesMax } from '../engine/base/limits.ts';

/** `serving`: holds every answered write. `syncing`: is being filled; it saves nobody. */
export type Role = 'serving' | 'syncing';

/**
 * A member is a host with one certain store: the same host with another disk is somebody else (C10). `boot` is the process
 * that was asked to join: another one does not take up a join that it knows nothing of. It means nothing once that serves.
 */
export type Seat = { readonly host: HostId; readonly storeId: string; readonly boot: string; readonly role: Role };

/** What was activated. `members` stand in the order of the chain, head first, a syncing one last. */
export type Active = {
  readonly epoch: Epoch;
  /** Counts the changes within an epoch: a member that joins, is promoted, or left before it was. */
  readonly minor: number;
  readonly nonce: string;
  readonly members: readonly Seat[];
  /** The history that the epoch began with. */
  readonly start: Position;
};

export type Configuration = Active & {
  readonly chain: ChainId;
  readonly region: string;
  /** In a pending one, members are whom its driver means to have, and `start` says nothing yet. */
  readonly phase: 'pending' | 'active';
  /** Of a pending one: the last that was active. Undefined where the chain never was, and in an active one. */
  readonly previous: Active | undefined;
  /** What an operator accepted to lose with this epoch (C12). */
  readonly loss: string | undefined;
};

/** The last configuration that was active, as a register's value tells it. */
export function lastActive(value: Configuration | undefined): Active | undefined {
  return value?.phase === 'active' ? value : value?.previous;
}

export function seatOf(members: readonly Seat[], host: HostId): Seat | undefined {
  return members.find((seat) => seat.host === host);
}

export function servingOf(members: readonly Seat[]): readonly Seat[] {
  return members.filter(({ role }) => role === 'serving');
}

/** Whether `a` came after `b`: by epoch, by phase (an epoch is pending before it is active), by minor. */
export function isNewer(a: Configuration, b: Configuration | undefined): boolean {
  if (b === undefined || a.epoch !== b.epoch) return b === undefined || a.epoch > b.epoch;
  if (a.phase !== b.phase) return a.phase === 'active';
  return a.minor > b.minor;
}

export function encodeConfiguration(value: Configuration): Uint8Array {
  const writer = new ByteWriter(sizeOf(value));
  writer.u8(1);
  writer.u8(value.phase === 'active' ? 1 : 0);
  writer.u16(value.chain);
  writer.text(value.region);
  writeActive(writer, value);
  writer.u8(value.loss === undefined ? 0 : 1);
  if (value.loss !== undefined) writer.text(value.loss);
  writer.u8(value.previous === undefined ? 0 : 1);
  if (value.previous !== undefined) writeActive(writer, value.previous);
  return writer.done();
}

/** CHAIN_PROTOCOL unless `bytes` are exactly one configuration. */
export function decodeConfiguration(bytes: Uint8Array): Configuration {
  return readWhole(bytes, 'a configuration', (reader) => {
    const version = reader.u8();
    if (version !== 1) throw new CodedError('CHAIN_PROTOCOL', `version ${version} is not 1`);
    const phase = reader.flag() ? 'active' : 'pending';
    const chain = chainId(reader.u16());
    const region = reader.text(nonceBytesMax);
    const active = readActive(reader);
    const loss = reader.flag() ? reader.text(lossBytesMax) : undefined;
    const previous = reader.flag() ? readActive(reader) : undefined;
    return { chain, region, phase, ...active, loss, previous };
  });
}

function writeActive(writer: ByteWriter, { epoch, minor, nonce, members, start }: Active): void {
  writer.u32(epoch);
  writer.u32(minor);
  writer.text(nonce);
  writer.u16(members.length);
  for (const { host, storeId, boot, role } of members) {
    writer.text(host);
    writer.text(storeId);
    writer.text(boot);
    writer.u8(role === 'serving' ? 1 : 0);
  }
  writer.u64(start.lsn);
  writer.hex(start.hash);
}

function readActive(reader: ByteReader): Active {
  const epoch = asEpoch(reader.u32());
  const minor = reader.u32();
  const nonce = reader.text(nonceBytesMax);
  const count = reader.count(reader.u16(), 7);
  if (count > hostsMax) throw new CodedError('CHAIN_PROTOCOL', `a chain of ${count} hosts`);
  const members = Array.from({ length: count }, (): Seat => {
    const [host, storeId, boot] = [hostId(reader.text()), reader.text(nonceBytesMax), reader.text(nonceBytesMax)];
    return { host, storeId, boot, role: reader.flag() ? 'serving' : 'syncing' };
  });
  const start = { lsn: reader.u64() as Lsn, hash: reader.hex(16) as Hash };
  return { epoch, minor, nonce, members, start };
}

function sizeOf({ members, previous, region, nonce, loss }: Configuration): number {
  const seats = [...members, ...(previous?.members ?? [])];
  const texts = [
    region,
    nonce,
    loss ?? '',
    previous?.nonce ?? '',
    ...seats.flatMap((one) => [one.host, one.storeId, one.boot]),
  ];
  const bytes = texts.reduce((sum, text) => sum + 3 + Buffer.byteLength(text), 256);
  assert(bytes <= configurationBytesMax, 'a configuration is small');
  return bytes;
}
