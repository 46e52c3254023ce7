// A pulse: what every host tells all others it has a link to, a few times a second. That it comes says that the sender lives; what
// it says is whom the sender misses, so that a suspicion can be held against another observer's (steward.ts).
//
//   pulse := kind u8 = 48 | flags u8 | count u16 | host text ...
//   flags := 1 the sender is leaving, 2 its disk is full
import { ByteWriter, readWhole } from '../engine/base/bytes.ts';
import { CodedError } from '../engine/base/errors.ts';
import type { HostId } from '../engine/base/ids.ts';
import { hostId } from '../engine/base/ids.ts';
import { hostsMax } from '../engine/base/limits.ts';

export type Pulse = {
  readonly kind: 'pulse';
  readonly suspects: readonly HostId[];
  /** The sender is being emptied: its chains move away, and none comes to it. */
  readonly isLeaving: boolean;
  /** The sender has too little space for more than what keeps its chains whole (E9). */
  readonly isFull: boolean;
};

export const pulseKind = 48;

export function encodePulse({ suspects, isLeaving, isFull }: Pulse): Uint8Array {
  const writer = new ByteWriter(4 + suspects.length * 34);
  writer.u8(pulseKind);
  writer.u8((isLeaving ? 1 : 0) + (isFull ? 2 : 0));
  writer.u16(suspects.length);
  for (const host of suspects) writer.text(host);
  return writer.done();
}

/** CHAIN_PROTOCOL unless `bytes` are exactly one pulse. */
export function decodePulse(bytes: Uint8Array): Pulse {
  return readWhole(bytes, 'a pulse', (reader) => {
    reader.u8();
    const flags = reader.u8();
    if (flags > 3) throw new CodedError('CHAIN_PROTOCOL', `a pulse has flags ${flags}`);
    const [isLeaving, isFull] = [(flags & 1) !== 0, (flags & 2) !== 0];
    const count = reader.count(reader.u16(), 3);
    if (count > hostsMax) throw new CodedError('CHAIN_PROTOCOL', `${count} hosts are suspected`);
    return { kind: 'pulse', suspects: Array.from({ length: count }, () => hostId(reader.text())), isLeaving, isFull };
  });
}
