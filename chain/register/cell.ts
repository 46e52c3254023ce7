// What a voter keeps on disk: a cell for each register that it was ever asked about, and the list of voters it goes by.
//
//   cell := version u8 = 1 | promised ballot | has u8 = 0, 1 | accepted ballot, value up to the checksum | checksum u32
//   list := voters, as voters.ts lays them out | checksum u32
//
// The checksum is CRC-32 of everything before it. A voter that cannot read what it promised is in limbo (C11, C14): it must not
// guess, so ENGINE_CORRUPT, and the host stops. Its vote then counts as that of a lost disk: replace-voter.
import { ByteReader, ByteWriter } from '../../engine/base/bytes.ts';
import { checksumOf } from '../../engine/base/checksum.ts';
import { CodedError } from '../../engine/base/errors.ts';
import type { Ballot } from './ballot.ts';
import { ballotBytesMax, isAbove, readBallot, writeBallot } from './ballot.ts';
import type { Accepted } from './messages.ts';
import { decodeVoters, encodeVoters, type Voters } from './voters.ts';

export type Cell = {
  /** Nothing below it is accepted, nothing at or below it promised. Never below `accepted`. */
  readonly promised: Ballot;
  readonly accepted: Accepted | undefined;
};

/** A cell as the host keeps it: `bytes` under the number `register`. */
export type CellBytes = { readonly register: number; readonly bytes: Uint8Array };

export function encodeCell({ promised, accepted }: Cell): Uint8Array {
  const writer = new ByteWriter(8 + 2 * ballotBytesMax + (accepted?.value.length ?? 0));
  writer.u8(1);
  writeBallot(writer, promised);
  writer.u8(accepted === undefined ? 0 : 1);
  if (accepted !== undefined) {
    writeBallot(writer, accepted.ballot);
    writer.bytes(accepted.value);
  }
  return withChecksum(writer.done());
}

/** ENGINE_CORRUPT unless `bytes` are exactly one cell. */
export function decodeCell(bytes: Uint8Array): Cell {
  return open(bytes, 'a register', (body) => {
    const reader = new ByteReader(body);
    const [version, promised, has] = [reader.u8(), readBallot(reader), reader.u8()];
    if (version !== 1 || has > 1) throw new CodedError('ENGINE_CORRUPT', `version ${version}, flag ${has}`);
    const accepted = has === 1 ? { ballot: readBallot(reader), value: Uint8Array.from(reader.rest()) } : undefined;
    reader.end();
    if (accepted !== undefined && isAbove(accepted.ballot, promised))
      throw new CodedError('ENGINE_CORRUPT', 'more was accepted than promised');
    return { promised, accepted };
  });
}

export function encodeVoterList(voters: Voters): Uint8Array {
  return withChecksum(encodeVoters(voters));
}

/** ENGINE_CORRUPT unless `bytes` are exactly one list. */
export function decodeVoterList(bytes: Uint8Array): Voters {
  return open(bytes, 'the list of voters', decodeVoters);
}

function withChecksum(body: Uint8Array): Uint8Array {
  const writer = new ByteWriter(body.length + 4);
  writer.bytes(body);
  writer.u32(checksumOf(body));
  return writer.done();
}

function open<T>(bytes: Uint8Array, what: string, decode: (body: Uint8Array) => T): T {
  try {
    const reader = new ByteReader(bytes);
    const body = reader.take(Math.max(bytes.length - 4, 0));
    if (reader.u32() !== checksumOf(body)) throw new CodedError('ENGINE_CORRUPT', 'the checksum differs');
    return decode(body);
  } catch (cause) {
    if (cause instanceof CodedError)
      throw new CodedError('ENGINE_CORRUPT', `${what} cannot be read: ${cause.message}`, { cause });
    throw cause;
  }
}
