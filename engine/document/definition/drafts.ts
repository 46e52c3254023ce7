// What a handler holds of a document, as the compiler knows it. What is behind these types is made in draft/.
import type {
  DateTimeField,
  EntryField,
  Held,
  ItemField,
  ListField,
  MapField,
  MaybeField,
  NamesOf,
  NullableField,
  PrincipalField,
  RecordField,
  ScalarField,
  Shape,
  TableField,
} from './fields.ts';

type Nested = RecordField | MapField | ListField | TableField;
/** An entry of a map: a record as a draft, anything else as its value. */
export type EntryDraft<E> = E extends RecordField<infer S> ? Draft<S> : Held<E>;

/** What a handler holds: fields are read and assigned; records, maps and lists are reached through, never assigned. */
export type Draft<S extends Shape> = {
  -readonly [K in keyof S as S[K] extends Nested ? never : K]: S[K] extends NullableField
    ? Held<S[K]> | null
    : Held<S[K]>;
} & {
  readonly [K in keyof S as S[K] extends Nested ? K : never]: S[K] extends RecordField<infer R>
    ? Draft<R>
    : S[K] extends MapField<infer E>
      ? MapDraft<E>
      : S[K] extends ListField<infer I>
        ? ListDraft<I>
        : S[K] extends TableField<infer R, infer Key>
          ? TableDraft<R, Key>
          : never;
};

/** What `set` takes for an entry. It is copied; a field left out is absent. */
export type Input<E> =
  E extends RecordField<infer S>
    ? { readonly [K in keyof S]?: Input<S[K]> | null }
    : E extends MapField<infer V>
      ? { readonly [key: string]: Input<V> }
      : E extends ListField<infer I>
        ? readonly Held<I>[]
        : E extends TableField
          ? never
          : Held<E>;

/** Entries by key, for a handler. A key is 1 to 128 characters, none of them a lone surrogate, and does not begin with `@`; another is HANDLER_FAILED where it is written. */
export interface MapDraft<E extends EntryField> {
  /** How many entries there are. */
  readonly size: number;
  /** Whether there is an entry of this key. */
  has(key: string): boolean;
  /** The entry, or undefined. A record comes as a draft: assigning to it changes the document. */
  get(key: string): EntryDraft<E> | undefined;
  /** Replaces the whole entry by a copy of `value`. Drafts of the entry that was there can no longer be used. */
  set(key: string, value: Input<E>): void;
  /** Whether there was one. */
  delete(key: string): boolean;
  /** Sorted by UTF-16 code unit, so that a handler sees the same order on every host. */
  keys(): string[];
  /** In the order of `keys`. */
  entries(): [string, EntryDraft<E>][];
}

/** Values in order. Positions are 0 ... length - 1; negative ones count from the end, as with `Array.at`. One that is not there is HANDLER_FAILED where it is written. */
export interface ListDraft<E extends ItemField> {
  /** How many there are. */
  readonly length: number;
  /** The value there, or undefined. */
  at(index: number): Held<E> | undefined;
  /** Replaces what is there. */
  set(index: number, value: Held<E>): void;
  /** Adds behind all. */
  push(...values: readonly Held<E>[]): void;
  /** Takes the last one out, and returns it; undefined where there is none. */
  pop(): Held<E> | undefined;
  /** Takes the first one out, and returns it; undefined where there is none. */
  shift(): Held<E> | undefined;
  /** Before what stands at `index`; at `length` behind all. */
  insert(index: number, ...values: readonly Held<E>[]): void;
  /** Takes out so many from `index` on, and returns them. */
  remove(index: number, count?: number): Held<E>[];
  /** Where the first such value is; -1 where there is none. Principals and moments are compared by what they are. */
  indexOf(value: Held<E>): number;
  /** Whether there is such a value. */
  includes(value: Held<E>): boolean;
  /** A copy: changing it changes nothing. */
  values(): Held<E>[];
  /** Replaces all of it. */
  assign(values: readonly Held<E>[]): void;
  /** Takes all out. */
  clear(): void;
  /** From the first to the last. */
  [Symbol.iterator](): IterableIterator<Held<E>>;
}

/** A row: its fields, and the id by which the table knows it, 8 characters. It can no longer be used once it was deleted. */
export type Row<S extends Shape> = Draft<S> & { readonly id: string };
/** What `add` takes. It is copied; a field left out is absent. A row, or a record of the same fields, is copied without its id. */
export type RowInput<S extends Shape> = Input<RecordField<S>> | Draft<S>;

type Compared = ScalarField | PrincipalField | DateTimeField | MaybeField;
type Ordered = ScalarField | DateTimeField | MaybeField;
type Equal<S extends Shape> = {
  readonly [K in NamesOf<S, Compared>]?: Held<S[K]> | (S[K] extends NullableField ? null : never);
};

/**
 * Rows of a table. Nothing is looked for until an end is asked for (`rows`, `first`, `count`, a loop, ...), and what is found then is what the
 * document holds then, the handler's own writes with it. What is walked is fixed when the walk begins: rows added later are not in
 * it, rows deleted meanwhile are passed over.
 *
 * In whatever order the words are said, rows are filtered, then ordered, then skipped, then limited.
 */
export interface Rows<S extends Shape> {
  /** Those that hold these values. An absent field holds its default; null finds absent principals, moments and maybes. */
  where(equal: Equal<S>): Query<S>;
  /** Those for which `test` says true. It looks at each row that the rest of the query leaves over. */
  where(test: (row: Row<S>) => boolean): Query<S>;
  /** Text is compared by UTF-16 unit, a word of an enum by its place among them. Absent principals, moments and maybes are in no range. */
  where<K extends NamesOf<S, Ordered>>(field: K, is: '<' | '<=' | '>' | '>=', value: Held<S[K]>): Query<S>;
  /** In order of a field, what is null first. The first `by` counts most, the next ones where it ties; then, upwards or not, rows that came first are first. */
  by(field: NamesOf<S, Ordered>, direction?: 'asc' | 'desc'): Query<S>;
  /** At most so many. The least of several counts. */
  limit(count: number): Query<S>;
  /** Without the first so many. Several add up. */
  skip(count: number): Query<S>;
  /** The first one; undefined where there is none. */
  first(): Row<S> | undefined;
  /** The last one; undefined where there is none. */
  last(): Row<S> | undefined;
  /** How many there are. */
  count(): number;
  /** Whether there is any. */
  some(): boolean;
  /** All of them, in order. */
  rows(): Row<S>[];
  /** What `to` makes of each, in order. */
  map<T>(to: (row: Row<S>) => T): T[];
  /** One after the other, in order. */
  [Symbol.iterator](): IterableIterator<Row<S>>;
}

/** Rows that were asked for. It does not change: each word gives another query. */
export interface Query<S extends Shape> extends Rows<S> {
  /** Deletes what it finds; how many. */
  delete(): number;
  /** Calls `change` with each row that it finds; how many. */
  update(change: (row: Row<S>) => void): number;
}

/** A table, in the order in which its rows were added. */
export interface UnkeyedTableDraft<S extends Shape> extends Rows<S> {
  /** How many rows there are. */
  readonly size: number;
  /** Adds a row behind all others. HANDLER_FAILED where another row has its key, or the table its `max`. */
  add(row: RowInput<S>): Row<S>;
  /** The row of this id; undefined where there is none. */
  get(id: string): Row<S> | undefined;
  /** Whether there is a row of this id. */
  has(id: string): boolean;
  /** Whether there was one. */
  delete(id: string): boolean;
  /** Deletes all rows. */
  clear(): void;
}

/** What a table with a key has besides. */
export interface KeyedRows<S extends Shape, Key extends keyof S> {
  /** The row with this key; undefined where there is none. */
  byKey(value: Held<S[Key]>): Row<S> | undefined;
}

/**
 * `Key` is the field that a table is keyed by: no two rows hold the same value of it, and a write that would make them is HANDLER_FAILED.
 * Null is no key: any number of rows may be without.
 */
export type TableDraft<S extends Shape, Key = undefined> = UnkeyedTableDraft<S> &
  (Key extends keyof S ? KeyedRows<S, Key> : unknown);
