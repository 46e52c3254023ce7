// The rows of a table in one order: by a rank, and by age where ranks tie. An array and no tree: taking a row in moves what stands behind it, which
// for a hundred thousand rows costs microseconds, and a run of equal rows is a piece of it, oldest first, with a length that is known.
import type { Rank } from './rank.ts';
import { compareRanks } from './rank.ts';

export type Entry = { readonly id: string; readonly ordinal: number; readonly rank: Rank };

/** Where a run begins or ends: before the first entry of this rank or, `isAfter`, behind the last. */
export type Edge = { readonly rank: Rank; readonly isAfter: boolean };

/** With more changes than this share of all rows, sorting anew costs less than moving what is there for each. */
const resortShare = 1 / 8;
const resortMin = 16;

export class Sorted {
  readonly #byId = new Map<string, Entry>();
  #entries: Entry[];

  constructor(entries: Entry[]) {
    this.#entries = entries.sort(compareEntries);
    for (const entry of entries) this.#byId.set(entry.id, entry);
  }

  /** As they are now: whoever goes on while rows are written takes a copy. */
  get entries(): readonly Entry[] {
    return this.#entries;
  }

  /** Takes in what became of some rows: their entries, undefined = gone. */
  take(changes: ReadonlyMap<string, Entry | undefined>): void {
    const moved = [...changes].filter(([id, entry]) => !isSame(this.#byId.get(id), entry));
    if (moved.length > resortMin + this.#entries.length * resortShare) return this.#resort(moved);
    for (const [id, entry] of moved) {
      const former = this.#byId.get(id);
      if (former !== undefined) this.#entries.splice(this.#place(former), 1);
      if (entry !== undefined) this.#entries.splice(this.#place(entry), 0, entry);
      this.#note(id, entry);
    }
  }

  #resort(moved: readonly [string, Entry | undefined][]): void {
    const gone = new Set(moved.map(([id]) => id));
    const entries = this.#entries.filter(({ id }) => !gone.has(id));
    for (const [id, entry] of moved) {
      if (entry !== undefined) entries.push(entry);
      this.#note(id, entry);
    }
    this.#entries = entries.sort(compareEntries);
  }

  #note(id: string, entry: Entry | undefined): void {
    if (entry === undefined) this.#byId.delete(id);
    else this.#byId.set(id, entry);
  }

  /** Where `entry` stands, or would. */
  #place(entry: Entry): number {
    return firstAt(this.#entries, (other) => compareEntries(other, entry) >= 0);
  }
}

/** The place of an edge in sorted entries: 0 ... their length. */
export function placeOf(entries: readonly Entry[], { rank, isAfter }: Edge): number {
  return firstAt(entries, (entry) => {
    const order = compareRanks(entry.rank, rank);
    return isAfter ? order > 0 : order >= 0;
  });
}

/**
 * Walks sorted entries from one place to another: by falling rank where `isDown`, and where ranks tie the youngest first where `isYoungFirst`.
 */
export function* walk(
  entries: readonly Entry[],
  from: number,
  to: number,
  isDown: boolean,
  isYoungFirst: boolean,
): Generator<Entry> {
  let left = from;
  let right = to;
  while (left < right) {
    const next = entries[isDown ? right - 1 : left] as Entry;
    if (isDown === isYoungFirst) {
      if (isDown) right -= 1;
      else left += 1;
      yield next;
      continue;
    }
    // Ranks go one way and ages the other: tie by tie.
    const start = isDown ? Math.max(left, placeOf(entries, { rank: next.rank, isAfter: false })) : left;
    const end = isDown ? right : Math.min(right, placeOf(entries, { rank: next.rank, isAfter: true }));
    yield* walk(entries, start, end, isYoungFirst, isYoungFirst);
    if (isDown) right = start;
    else left = end;
  }
}

/** The first place from which on `isThere` holds; it holds for all behind one for which it holds. */
function firstAt(entries: readonly Entry[], isThere: (entry: Entry) => boolean): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isThere(entries[middle] as Entry)) high = middle;
    else low = middle + 1;
  }
  return low;
}

function compareEntries(a: Entry, b: Entry): number {
  return compareRanks(a.rank, b.rank) || a.ordinal - b.ordinal;
}

function isSame(a: Entry | undefined, b: Entry | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.ordinal === b.ordinal && compareRanks(a.rank, b.rank) === 0;
}
