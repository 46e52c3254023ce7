// The rows of a table during one run of a handler: reached by id, added, deleted, and found by what is remembered of them (table-memory.ts).
//
// The memory is of the state at the last look at it. What was written since is in `#unseen`, and taken in before the next look; so a query sees
// what the handler wrote, at the price of what it wrote. What the whole run wrote is in `#written`: if it is taken back, the memory looks at all of it again.
// Two runs over one state, one inside the other, would not see each other's writes: there is one at a time.
import { assert } from '../../base/assert.ts';
import type { Json, JsonObject } from '../../base/merge-patch.ts';
import type { Cursor, TableWatch } from './cursor.ts';
import type { Rank } from './rank.ts';
import type { Entry } from './sorted.ts';
import { placeOf } from './sorted.ts';
import type { Store } from './stores.ts';
import type { TableMemory, TableRanks } from './table-memory.ts';
import { knownMemoryOf, memoryOf, nextKey, ordinalKey, rankIn, rowIn } from './table-memory.ts';
import { mistake } from './values.ts';

/** A table of the definition, compiled once. */
export type TablePlan = TableRanks & {
  readonly name: string;
  readonly key: string | undefined;
  readonly max: number;
  /** Of the fields that a query may name: what it is to store to be equal. */
  readonly stores: ReadonlyMap<string, Store>;
  /** Of these: null is a value of its own. */
  readonly nullable: ReadonlySet<string>;
  /** Of these: they have an order. */
  readonly ordered: ReadonlySet<string>;
  /** What `add` takes, as it is stored. */
  readonly storeRow: (input: unknown) => JsonObject;
  readonly draftOf: (row: Cursor) => object;
};

const firstLetters = 'abcdefghijklmnopqrstuvwxyz';
const letters = 'abcdefghijklmnopqrstuvwxyz234567';
const idAttempts = 1_000;

export class TableRows implements TableWatch {
  readonly plan: TablePlan;
  readonly #cursor: Cursor;
  readonly #unseen = new Set<string>();
  readonly #written = new Set<string>();

  constructor(cursor: Cursor, plan: TablePlan) {
    this.plan = plan;
    this.#cursor = cursor;
    cursor.watch = this;
    cursor.transaction.tables.push(this);
  }

  /** The state of the table, undefined while it never had a row. */
  table(): JsonObject | undefined {
    return this.#cursor.object();
  }

  /** What is remembered of the table as it is now. */
  memory(): TableMemory | undefined {
    const table = this.table();
    if (table === undefined) return undefined;
    const memory = memoryOf(table, this.plan);
    memory.take(this.#unseen);
    this.#unseen.clear();
    return memory;
  }

  get size(): number {
    return this.memory()?.order.entries.length ?? 0;
  }

  /** The draft of a row. */
  get(id: string): object | undefined {
    const table = this.table();
    if (table === undefined || typeof id !== 'string' || rowIn(table, id) === undefined) return undefined;
    return this.plan.draftOf(this.#cursor.child(id));
  }

  add(input: unknown): object {
    const { plan } = this;
    const row = plan.storeRow(input);
    if (this.size >= plan.max) throw mistake(`${plan.name} holds at most ${plan.max} rows`);
    if (plan.key !== undefined) this.#checkKey(plan.key, rankIn(plan, row, plan.key), undefined);
    const id = this.#freshId();
    const next = this.#cursor.read(nextKey);
    const ordinal = typeof next === 'number' ? next : 0;
    row[ordinalKey] = ordinal;
    this.#cursor.write(id, row);
    this.#cursor.write(nextKey, ordinal + 1);
    return plan.draftOf(this.#cursor.child(id));
  }

  delete(id: string): boolean {
    const table = this.table();
    if (table === undefined || typeof id !== 'string' || rowIn(table, id) === undefined) return false;
    this.#cursor.write(id, undefined);
    return true;
  }

  /** The row whose key this is, as a rank. */
  entryOfKey(key: string, rank: Rank): Entry | undefined {
    const entries = this.memory()?.orderBy(key)?.entries;
    if (entries === undefined || rank === null) return undefined;
    const entry = entries[placeOf(entries, { rank, isAfter: false })];
    return entry?.rank === rank ? entry : undefined;
  }

  beforeWrite(id: string, field: string, value: Json | undefined): void {
    if (field !== this.plan.key) return;
    this.#checkKey(field, rankIn(this.plan, value === undefined ? {} : { [field]: value }, field), id);
  }

  noteWrite(id: string): void {
    this.#unseen.add(id);
    this.#written.add(id);
  }

  end(isTakenBack: boolean): void {
    const table = this.#cursor.peek();
    if (table === undefined) return;
    knownMemoryOf(table)?.take(isTakenBack ? this.#written : this.#unseen);
    this.#unseen.clear();
  }

  /** Refuses a key that another row than `id` has. */
  #checkKey(key: string, rank: Rank, id: string | undefined): void {
    const other = this.entryOfKey(key, rank);
    if (other !== undefined && other.id !== id) throw mistake(`${this.plan.name} has another row with this ${key}`);
  }

  /** Random, since ids that count up would tell how many rows a viewer does not see. A letter first: objects keep integer-like keys apart. */
  #freshId(): string {
    const { randomBytes16 } = this.#cursor.transaction;
    if (randomBytes16 === undefined) throw mistake(`nothing is added to ${this.plan.name} here`);
    return freshIdIn((id) => this.#cursor.read(id) !== undefined, randomBytes16);
  }
}

/** An id that no row has for which `isTaken` answers. */
export function freshIdIn(isTaken: (id: string) => boolean, randomBytes16: () => Uint8Array): string {
  for (let attempt = 0; attempt < idAttempts; attempt += 1) {
    const id = idOf(randomBytes16());
    if (!isTaken(id)) return id;
  }
  return assert(false, 'what is random is not always the same') as never;
}

/** 8 characters out of 39 bits: two of a table of a hundred thousand rows meet once in a hundred such tables. */
function idOf(bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const high = view.getUint32(8);
  const low = view.getUint32(12);
  let id = `${firstLetters[(high >>> 5) % firstLetters.length]}${letters[high & 31]}`;
  for (let shift = 0; shift < 30; shift += 5) id += letters[(low >>> shift) & 31];
  return id;
}
