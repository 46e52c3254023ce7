// What a handler holds of a table, and of a question to it: see Rows, Query and TableDraft in definition/drafts.ts. Like all drafts they have nothing
// of their own to be seen by JSON or spread.
import type { TableField } from '../definition/fields.ts';
import type { Cursor } from './cursor.ts';
import type { Wanted } from './query.ts';
import {
  everything,
  find,
  rankOfValue,
  withDirection,
  withEqual,
  withLimit,
  withRange,
  withSkip,
  withTest,
} from './query.ts';
import type { RankedField } from './rank.ts';
import { rankOf } from './rank.ts';
import type { Store } from './stores.ts';
import { scalarStore } from './stores.ts';
import type { TablePlan } from './table-rows.ts';
import { TableRows } from './table-rows.ts';
import { isPlain, mistake } from './values.ts';

/** What is compiled of the rows of a table, beside their fields. */
export type RowPlan = Pick<TablePlan, 'storeRow' | 'draftOf'>;

export function planTable({ shape, key, index, max }: TableField, name: string, row: RowPlan): TablePlan {
  const stores = new Map<string, Store>();
  const ranks = new Map<string, ReturnType<typeof rankOf>>();
  const nullable = new Set<string>();
  const ordered = new Set<string>();
  for (const [part, field] of Object.entries(shape)) {
    if (field.kind === 'record' || field.kind === 'map' || field.kind === 'list' || field.kind === 'json') continue;
    const ranked: RankedField = field;
    stores.set(part, scalarStore(field, `${name}.${part}`));
    ranks.set(part, rankOf(ranked));
    if (!('initial' in field)) nullable.add(part);
    if (field.kind !== 'principal') ordered.add(part);
  }
  const indexed = new Set(key === undefined ? index : [key, ...index]);
  return { name, key, max, stores, rankOf: ranks, nullable, ordered, indexed, ...row };
}

class Asked {
  readonly #rows: TableRows;
  readonly #wanted: Wanted;

  constructor(rows: TableRows, wanted: Wanted) {
    this.#rows = rows;
    this.#wanted = wanted;
  }

  where(what: unknown, is?: unknown, value?: unknown): Query {
    const { plan } = this.#rows;
    if (typeof what === 'string') return this.#next(withRange(plan, this.#wanted, what, is, value));
    if (typeof what === 'function') return this.#next(withTest(this.#wanted, what as (row: object) => boolean));
    if (typeof what !== 'object' || what === null) throw mistake(`${plan.name}: where takes fields, a range or a test`);
    // A row says nothing of itself: taken for an empty question it would find all.
    if (!isPlain(what)) throw mistake(`${plan.name}: where takes plain fields`);
    return this.#next(withEqual(plan, this.#wanted, what));
  }

  by(field: string, direction: unknown = 'asc'): Query {
    return this.#next(withDirection(this.#rows.plan, this.#wanted, field, direction));
  }

  limit(count: number): Query {
    return this.#next(withLimit(this.#rows.plan, this.#wanted, count));
  }

  skip(count: number): Query {
    return this.#next(withSkip(this.#rows.plan, this.#wanted, count));
  }

  first(): object | undefined {
    const [id] = find(this.#rows, withLimit(this.#rows.plan, this.#wanted, 1));
    return id === undefined ? undefined : this.#rows.get(id);
  }

  last(): object | undefined {
    const [id] = find(this.#rows, this.#wanted, true);
    return id === undefined ? undefined : this.#rows.get(id);
  }

  count(): number {
    return find(this.#rows, this.#wanted).length;
  }

  some(): boolean {
    return find(this.#rows, withLimit(this.#rows.plan, this.#wanted, 1)).length > 0;
  }

  rows(): object[] {
    return [...this];
  }

  map<T>(to: (row: object) => T): T[] {
    const mapped: T[] = [];
    for (const row of this) mapped.push(to(row));
    return mapped;
  }

  /** What is found is fixed here, and not with the first step. */
  [Symbol.iterator](): IterableIterator<object> {
    return drafts(this.#rows, find(this.#rows, this.#wanted));
  }

  #next(wanted: Wanted): Query {
    return new Query(this.#rows, wanted);
  }
}

function* drafts(rows: TableRows, ids: readonly string[]): Generator<object> {
  for (const id of ids) {
    const row = rows.get(id);
    if (row !== undefined) yield row;
  }
}

class Query extends Asked {
  readonly #rows: TableRows;
  readonly #wanted: Wanted;

  constructor(rows: TableRows, wanted: Wanted) {
    super(rows, wanted);
    this.#rows = rows;
    this.#wanted = wanted;
  }

  delete(): number {
    return find(this.#rows, this.#wanted).filter((id) => this.#rows.delete(id)).length;
  }

  update(change: (row: object) => void): number {
    let count = 0;
    for (const row of this) {
      change(row);
      count += 1;
    }
    return count;
  }
}

/** The draft of a table. */
export class TableOf extends Asked {
  readonly #rows: TableRows;

  constructor(cursor: Cursor, plan: TablePlan) {
    const rows = new TableRows(cursor, plan);
    super(rows, everything);
    this.#rows = rows;
  }

  get size(): number {
    return this.#rows.size;
  }

  add(row: unknown): object {
    return this.#rows.add(row);
  }

  get(id: string): object | undefined {
    return this.#rows.get(id);
  }

  has(id: string): boolean {
    return this.#rows.get(id) !== undefined;
  }

  byKey(value: unknown): object | undefined {
    const { plan } = this.#rows;
    if (plan.key === undefined) throw mistake(`${plan.name} has no key`);
    const entry = this.#rows.entryOfKey(plan.key, rankOfValue(plan, plan.key, value));
    return entry === undefined ? undefined : this.#rows.get(entry.id);
  }

  delete(id: string): boolean {
    return this.#rows.delete(id);
  }

  clear(): void {
    for (const id of find(this.#rows, everything)) this.#rows.delete(id);
  }
}

/** The rows of a table or of a query, as drafts; undefined where `value` is neither. */
export function rowsOfDraft(value: object): readonly object[] | undefined {
  return value instanceof Asked ? value.rows() : undefined;
}
