// What a store ought to hold, in one entry that every write carries: LevelDB may lose a write and keep later ones, without a word. A log
// shows a hole in its middle by its hashes; that its end is missing, or that a mark or a register is an older one, nothing shows by itself.
//
//   tally key := 05
//   tally     := version u8 = 1 | serial u64 | sum 16 bytes | checksum u32
//
// `serial` counts the writes of a store. `sum` is a hash of the set of all small entries (marks, cells, bases, seq floors) and of the ends of all logs:
// a sum modulo 2^128 of a hash of each (an incremental multiset hash, Clarke et al. 2003, AdHash). Against rot and lost writes, not intent.
import { ByteWriter } from '../base/bytes.ts';
import { digestOf } from '../base/checksum.ts';
import type { ChainId, Position } from '../base/ids.ts';
import type { Put } from './port.ts';
import { openSmall, withChecksum } from './sealed.ts';

const version = 1;
const endKind = 0x10;

export const tallyKey: Uint8Array = Uint8Array.of(0x05);

export type StoredTally = { readonly serial: number; readonly sum: string };

export function decodeTally(bytes: Uint8Array): StoredTally {
  return openSmall(bytes, 'tally', (reader) => ({ serial: reader.u64(), sum: reader.hex(16) }));
}

/** Counts what a store holds while it is read, and then what each write changes. */
export class Tally {
  #serial: number;
  #sum = 0n;
  /** What each entry and each end adds to the sum. */
  readonly #parts = new Map<number, bigint>();

  /** `serial` is that of the last write. */
  constructor(serial = 0) {
    this.#serial = serial;
  }

  get serial(): number {
    return this.#serial;
  }

  get sum(): string {
    return this.#sum.toString(16).padStart(32, '0');
  }

  /** A small entry under its key, of which the first three bytes name kind and number: one of a kind for each number. Undefined where it goes. */
  countEntry(key: Uint8Array, value: Uint8Array | undefined): void {
    const slot = slotOf(key[0] ?? 0, ((key[1] ?? 0) << 8) | (key[2] ?? 0));
    this.#count(slot, value === undefined ? 0n : BigInt(`0x${digestOf(key, value)}`));
  }

  /** Where a log ends: its hash names the chain and all that is in it. Undefined where nothing that is there counts. */
  countEnd(chain: ChainId, end: Position | undefined): void {
    const isEmpty = end === undefined || end.lsn === 0;
    this.#count(slotOf(endKind, chain), isEmpty ? 0n : BigInt(`0x${end.hash}`));
  }

  /** The entry that goes with the next write. */
  next(): Put {
    this.#serial += 1;
    const writer = new ByteWriter(29);
    writer.u8(version);
    writer.u64(this.#serial);
    writer.hex(this.sum);
    return { key: tallyKey, value: withChecksum(writer) };
  }

  #count(slot: number, part: bigint): void {
    this.#sum = BigInt.asUintN(128, this.#sum - (this.#parts.get(slot) ?? 0n) + part);
    this.#parts.set(slot, part);
  }
}

function slotOf(kind: number, number: number): number {
  return (kind << 16) | number;
}
