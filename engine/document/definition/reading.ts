// The types of a document for policies and formulas: what a handler holds, and nothing that changes it.
import type { KeyedRows, ListDraft, Row, Rows } from './drafts.ts';
import type {
  EntryField,
  Held,
  ItemField,
  ListField,
  MapField,
  NullableField,
  RecordField,
  Shape,
  TableField,
} from './fields.ts';

/** What a policy or a formula reads: fields as a handler reads them. Writing is HANDLER_FAILED, and a policy that fails hides. */
export type Reading<S extends Shape> = {
  readonly [K in keyof S]: S[K] extends RecordField<infer R>
    ? Reading<R>
    : S[K] extends MapField<infer E>
      ? MapReading<E>
      : S[K] extends ListField<infer I>
        ? ListReading<I>
        : S[K] extends TableField<infer R, infer Key>
          ? TableReading<R, Key>
          : S[K] extends NullableField
            ? Held<S[K]> | null
            : Held<S[K]>;
};

/** An entry of a map, to read. */
export type EntryReading<E> = E extends RecordField<infer S> ? Reading<S> : Held<E>;

/** Entries by key, to read. */
export interface MapReading<E extends EntryField> {
  /** How many entries there are. */
  readonly size: number;
  /** Whether there is an entry of this key. */
  has(key: string): boolean;
  /** The entry; undefined where there is none. */
  get(key: string): EntryReading<E> | undefined;
  /** Sorted by UTF-16 code unit. */
  keys(): string[];
  /** In the order of `keys`. */
  entries(): [string, EntryReading<E>][];
}

/** Values in order, to read. */
export type ListReading<E extends ItemField> = Pick<
  ListDraft<E>,
  'length' | 'at' | 'indexOf' | 'includes' | 'values' | typeof Symbol.iterator
>;

/** Its rows come as a handler's do: one that is written to refuses. */
export type TableReading<S extends Shape, Key = undefined> = Rows<S> & {
  /** How many rows there are. */
  readonly size: number;
  /** The row of this id; undefined where there is none. */
  get(id: string): Row<S> | undefined;
  /** Whether there is a row of this id. */
  has(id: string): boolean;
} & (Key extends keyof S ? KeyedRows<S, Key> : unknown);

/** Every record that a document holds many of: what a policy may be given as its row. */
export type RowOf<S extends Shape> = {
  [K in keyof S]: S[K] extends MapField<RecordField<infer R>>
    ? Reading<R> | RowOf<R>
    : S[K] extends TableField<infer R>
      ? (Reading<R> & { readonly id: string }) | RowOf<R>
      : S[K] extends RecordField<infer R>
        ? RowOf<R>
        : never;
}[keyof S];
