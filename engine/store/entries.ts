// The small entries of a store: who it is, and what it keeps of each chain and register beside logs and documents.
import { type ByteReader, ByteWriter } from '../base/bytes.ts';
import { CodedError } from '../base/errors.ts';
import type { ChainId, Epoch, Hash, Lsn, Position } from '../base/ids.ts';
import { epoch as asEpoch, origin } from '../base/ids.ts';
import { openSmall, openVersioned, withChecksum } from './sealed.ts';

const version = 1;

/** Of a store that has a tally. One of version 1 has none, and gets it with its next write. */
const identityVersion = 2;

export type Identity = { readonly storeId: string; readonly host: string; readonly cluster: string };
export type StoredMarks = {
  readonly sealed: Epoch;
  readonly nonce: string;
  readonly ran: Epoch;
  readonly logEpoch: Epoch;
};

/** Of a chain that this store never ran. */
export const noMarks: StoredMarks = { sealed: 0 as Epoch, nonce: '', ran: 0 as Epoch, logEpoch: 0 as Epoch };

export function encodeIdentity({ storeId, host, cluster }: Identity): Uint8Array {
  const writer = new ByteWriter(1024);
  writer.u8(identityVersion);
  for (const text of [storeId, host, cluster]) writer.text(text);
  return withChecksum(writer);
}

export function decodeIdentity(bytes: Uint8Array): Identity {
  return openVersioned(bytes, 'identity', identityVersion, (reader) => {
    return { storeId: reader.text(), host: reader.text(), cluster: reader.text() };
  });
}

/** Whether the store of this identity has a tally. */
export function isTallied(identityBytes: Uint8Array): boolean {
  return (identityBytes[0] ?? 0) >= 2;
}

export function encodeMarks({ sealed, ran, logEpoch, nonce }: StoredMarks): Uint8Array {
  const writer = new ByteWriter(512);
  writer.u8(version);
  for (const number of [sealed, ran, logEpoch]) writer.u32(number);
  writer.text(nonce);
  return withChecksum(writer);
}

export function decodeMarks(bytes: Uint8Array): StoredMarks {
  return openSmall(bytes, 'marks', (reader) => {
    const [sealed, ran, logEpoch] = [asEpoch(reader.u32()), asEpoch(reader.u32()), asEpoch(reader.u32())];
    return { sealed, ran, logEpoch, nonce: reader.text() };
  });
}

export function cellKey(register: number): Uint8Array {
  return Uint8Array.of(0x03, register >>> 8, register & 0xff);
}

/** Every small entry lies from the first of these to below the second: marks, cells, bases. */
export const smallKeys: readonly [Uint8Array, Uint8Array] = [Uint8Array.of(0x02), Uint8Array.of(0x05)];

/** What a small entry is, and of which chain or register. ENGINE_CORRUPT for a key that is none. */
export function smallOfKey(key: Uint8Array): { readonly kind: 'marks' | 'cell' | 'base'; readonly number: number } {
  const kind = ([undefined, undefined, 'marks', 'cell', 'base'] as const)[key[0] ?? 0];
  if (kind === undefined || key.length !== 3)
    throw new CodedError('ENGINE_CORRUPT', `there is an entry under ${Buffer.from(key).toString('hex')}`);
  return { kind, number: ((key[1] ?? 0) << 8) | (key[2] ?? 0) };
}

export const identityKey: Uint8Array = Uint8Array.of(0x01);

export function marksKey(chain: ChainId): Uint8Array {
  return Uint8Array.of(0x02, chain >>> 8, chain & 0xff);
}

/**
 * What a chain's log stands on. `floor`: the log begins behind it. `folded`: every document is folded through it, so loads begin
 * there. `newest`: the last record that any snapshot holds, past `folded` while a pass
 * is not at its end. `sum`: over all snapshots, 32 hex digits. `hasLeftover`: what lies here is of a copy that did not
 * come to its end, or of what was here before it: nothing of it counts.
 */
export type Base = {
  readonly floor: Position;
  readonly folded: Position;
  readonly newest: Lsn;
  readonly sum: string;
  readonly hasLeftover: boolean;
};

/** Of a chain that never folded: stores that were made before there were bases have none. */
export const noBase: Base = {
  floor: origin,
  folded: origin,
  newest: origin.lsn,
  sum: '0'.repeat(32),
  hasLeftover: false,
};

export function baseKey(chain: ChainId): Uint8Array {
  return Uint8Array.of(0x04, chain >>> 8, chain & 0xff);
}

export function encodeBase({ floor, folded, newest, sum, hasLeftover }: Base): Uint8Array {
  const writer = new ByteWriter(80);
  writer.u8(version);
  writer.u8(hasLeftover ? 1 : 0);
  for (const { lsn, hash } of [floor, folded]) {
    writer.u64(lsn);
    writer.hex(hash);
  }
  writer.u64(newest);
  writer.hex(sum);
  return withChecksum(writer);
}

export function decodeBase(bytes: Uint8Array): Base {
  return openSmall(bytes, 'base', (reader) => {
    const hasLeftover = reader.flag();
    const [floor, folded] = [readPosition(reader), readPosition(reader)];
    return { hasLeftover, floor, folded, newest: reader.u64() as Lsn, sum: reader.hex(16) };
  });
}

function readPosition(reader: ByteReader): Position {
  return { lsn: reader.u64() as Lsn, hash: reader.hex(16) as Hash };
}
