// What is remembered of a table beside the state: its order, and an order by each field that is looked for. All of it follows from the state, is made
// when it is first asked for, and is stored nowhere.
//
// It hangs on the table's own object in the state, so it goes with that, and nobody carries it around: handlers, policies and formulas
// that read the same state find the same memory. Two write a state: a run of a handler, which tells what it wrote, also when it
// took it back (table-rows.ts); and updates that are taken in, which let the whole memory go (`forgetTable`).
import { assert } from '../../base/assert.ts';
import type { Json, JsonObject } from '../../base/merge-patch.ts';
import { isJsonObject } from '../../base/merge-patch.ts';
import type { Rank, RankOf } from './rank.ts';
import { compareRanks } from './rank.ts';
import type { Entry } from './sorted.ts';
import { Sorted } from './sorted.ts';

/** Of a row: how many were added to its table before it. Of a table: how many were, ever. */
export const ordinalKey = '@n';
export const nextKey = '@next';

/** What of a definition the memory depends on: with another one it begins anew. */
export type TableRanks = {
  readonly rankOf: ReadonlyMap<string, RankOf>;
  /** Fields that have an order of their own. */
  readonly indexed: ReadonlySet<string>;
};

// Registered: an application that brought its own copy of this package remembers with that, and the host's has it forgotten.
const memoryKey: unique symbol = Symbol.for('levelten.table');
type Remembered = { [memoryKey]?: TableMemory };

/** The memory of a table, made where there is none. */
export function memoryOf(table: JsonObject, ranks: TableRanks): TableMemory {
  const known = knownMemoryOf(table);
  if (known?.ranks === ranks) return known;
  const memory = new TableMemory(table, ranks);
  // Unseen by whoever copies, clones or writes the state.
  Object.defineProperty(table, memoryKey, { value: memory, configurable: true });
  return memory;
}

/** The same, undefined where nobody has asked for it yet. */
export function knownMemoryOf(table: JsonObject): TableMemory | undefined {
  return (table as Remembered)[memoryKey];
}

/** To be called for every object of a state that is written by anyone but a handler. */
export function forgetTable(table: JsonObject): void {
  if (memoryKey in table) delete (table as Remembered)[memoryKey];
}

export class TableMemory {
  readonly ranks: TableRanks;
  readonly #table: JsonObject;
  readonly #orders = new Map<string, Sorted>();
  readonly #order: Sorted;

  constructor(table: JsonObject, ranks: TableRanks) {
    this.ranks = ranks;
    this.#table = table;
    this.#order = this.#sort(undefined);
  }

  /** All rows, by age. */
  get order(): Sorted {
    return this.#order;
  }

  /** All rows by an indexed field; undefined for other fields. */
  orderBy(name: string): Sorted | undefined {
    if (!this.ranks.indexed.has(name)) return undefined;
    const known = this.#orders.get(name);
    if (known !== undefined) return known;
    const made = this.#sort(name);
    this.#orders.set(name, made);
    return made;
  }

  /** Looks again at the rows of these ids. */
  take(ids: ReadonlySet<string>): void {
    if (ids.size === 0) return;
    this.#takeInto(this.#order, undefined, ids);
    for (const [name, order] of this.#orders) this.#takeInto(order, name, ids);
  }

  /** Asserts that it is what would be made of the table now. For tests and samples. */
  check(): void {
    this.#checkOne(this.#order, undefined);
    for (const [name, order] of this.#orders) this.#checkOne(order, name);
  }

  #checkOne({ entries }: Sorted, name: string | undefined): void {
    const wanted = this.#sort(name).entries;
    const isSame = ({ id, ordinal, rank }: Entry, at: number): boolean => {
      const other = entries[at];
      return id === other?.id && ordinal === other.ordinal && compareRanks(rank, other.rank) === 0;
    };
    assert(
      entries.length === wanted.length && wanted.every(isSame),
      `the order by ${name ?? 'age'} is that of the table`,
    );
  }

  #takeInto(order: Sorted, name: string | undefined, ids: ReadonlySet<string>): void {
    const changes = new Map<string, Entry | undefined>();
    for (const id of ids) changes.set(id, this.#entryOf(id, name));
    order.take(changes);
  }

  #sort(name: string | undefined): Sorted {
    const entries: Entry[] = [];
    for (const id of Object.keys(this.#table)) {
      const entry = this.#entryOf(id, name);
      if (entry !== undefined) entries.push(entry);
    }
    return new Sorted(entries);
  }

  /** Undefined for what is no row. */
  #entryOf(id: string, name: string | undefined): Entry | undefined {
    const row = rowIn(this.#table, id);
    if (row === undefined) return undefined;
    const ordinal = typeof row[ordinalKey] === 'number' ? row[ordinalKey] : 0;
    return { id, ordinal, rank: name === undefined ? ordinal : rankIn(this.ranks, row, name) };
  }
}

/** The row of an id, undefined where there is none. */
export function rowIn(table: JsonObject, id: string): JsonObject | undefined {
  const row = Object.hasOwn(table, id) ? table[id] : undefined;
  return isJsonObject(row) ? row : undefined;
}

/** The rank of a field of a row. */
export function rankIn(ranks: TableRanks, row: JsonObject, name: string): Rank {
  const stored: Json | undefined = Object.hasOwn(row, name) ? row[name] : undefined;
  const rank = ranks.rankOf.get(name);
  assert(rank !== undefined, `${name} has a rank`);
  return rank(stored);
}
