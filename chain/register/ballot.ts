// The rank of an attempt to read or change a register. A counter orders the attempts; the host, and which process of it
// (`boot` is new with every start), make each ballot belong to one attempt only. Both matter: two attempts under one ballot
// are two values with one rank, and a process that restarts has forgotten which counters it has used.
//
//   ballot := counter u64 | host text | boot text
import { assert } from '../../engine/base/assert.ts';
import type { ByteReader, ByteWriter } from '../../engine/base/bytes.ts';
import { CodedError } from '../../engine/base/errors.ts';
import type { HostId } from '../../engine/base/ids.ts';
import { hostId } from '../../engine/base/ids.ts';
import { nonceBytesMax } from '../../engine/base/limits.ts';

export type Ballot = { readonly counter: number; readonly host: HostId; readonly boot: string };

/** What a ballot takes at most: a host's name has 32 bytes. */
export const ballotBytesMax = 8 + (2 + 32) + (2 + nonceBytesMax);
/** Far beyond what a cluster counts in its life, and far below where counting stops: nobody can use the numbers up. */
export const ballotCounterMax = 2 ** 48;

/** Below, at or above 0 as `a` stands below, at or above `b`: by counter, then host, then boot. */
export function compareBallots(a: Ballot, b: Ballot): number {
  return a.counter - b.counter || compareTexts(a.host, b.host) || compareTexts(a.boot, b.boot);
}

/** Whether `a` is strictly above `b`, where no ballot at all is below every one. */
export function isAbove(a: Ballot, b: Ballot | undefined): boolean {
  return b === undefined || compareBallots(a, b) > 0;
}

export function sameBallot(a: Ballot | undefined, b: Ballot | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return compareBallots(a, b) === 0;
}

export function writeBallot(writer: ByteWriter, { counter, host, boot }: Ballot): void {
  assert(counter > 0 && counter <= ballotCounterMax, `ballot ${counter} is in 1...2^48`);
  writer.u64(counter);
  writer.text(host);
  writer.text(boot);
}

/** CHAIN_PROTOCOL where the bytes are no ballot; HOST_OPTIONS where its host is none. */
export function readBallot(reader: ByteReader): Ballot {
  const counter = reader.u64();
  if (counter === 0 || counter > ballotCounterMax)
    throw new CodedError('CHAIN_PROTOCOL', `a ballot's counter of ${counter} is not in 1...2^48`);
  return { counter, host: hostId(reader.text()), boot: reader.text(nonceBytesMax) };
}

function compareTexts(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
