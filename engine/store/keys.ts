// Where each kind of key lies, for who walks all of a store: format.ts and snapshot-format.ts say what is in them.
import type { ChainId } from '../base/ids.ts';

export type KeyRange = readonly [from: Uint8Array, to: Uint8Array];

/** Identity, marks, cells, bases: everything that is not of a log or a document. */
export const smallKeys: KeyRange = [Uint8Array.of(0x00), Uint8Array.of(0x10)];

const recordKind = 0x10;
const snapshotKind = 0x20;
const historyKind = 0x21;
const seqFloorKind = 0x22;
const pendingKind = 0x23;
const kindsOfChains = [recordKind, snapshotKind, historyKind, seqFloorKind, pendingKind] as const;
/** Past every key: longer than any name. */
const end = new Uint8Array(1_024).fill(0xff);

/** Everything that stands under a chain, be it a key of its kind or not. */
export function recordRange(chain: ChainId): KeyRange {
  return rangeOf(recordKind, chain);
}

export function snapshotRange(chain: ChainId): KeyRange {
  return rangeOf(snapshotKind, chain);
}

export function historyRange(chain: ChainId): KeyRange {
  return rangeOf(historyKind, chain);
}

/** What deletions leave behind: the chain's seq floor, and notes of what has yet to leave the files. */
export function deletedRanges(chain: ChainId): readonly [KeyRange, KeyRange] {
  return [rangeOf(seqFloorKind, chain), rangeOf(pendingKind, chain)];
}

/** What lies between the ranges of these chains, behind the small keys: nothing, in a store that is well. */
export function strangeRanges(chains: readonly ChainId[]): KeyRange[] {
  const sorted = [...chains].sort((a, b) => a - b);
  const ranges: KeyRange[] = [];
  let [, from] = smallKeys;
  for (const kind of kindsOfChains) {
    for (const chain of sorted) {
      const [first, next] = rangeOf(kind, chain);
      if (Buffer.compare(from, first) < 0) ranges.push([from, first]);
      from = next;
    }
  }
  ranges.push([from, end]);
  return ranges;
}

function rangeOf(kind: number, chain: number): KeyRange {
  const at = (number: number): Uint8Array => {
    // Past the last chain comes the next kind.
    return number > 0xffff ? Uint8Array.of(kind + 1) : Uint8Array.of(kind, number >>> 8, number & 0xff);
  };
  return [at(chain), at(chain + 1)];
}
