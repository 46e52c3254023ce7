// Drafts: what a handler mutates. One class is built for each record of a definition, with a getter and a setter on its
// prototype for each field: V8 inlines those, which it does not do for a Proxy, and a misspelt field is an error in
// either the compiler or the class, not a new key in the state.
//
// A draft has no properties of its own (its cursor is private), so that nothing of the state gets out by JSON.stringify
// or by a spread.
import { assert } from '../../base/assert.ts';
import type { Json, JsonObject } from '../../base/merge-patch.ts';
import { isJsonObject } from '../../base/merge-patch.ts';
import type { EntryField, Field, Shape, TableField } from '../definition/fields.ts';
import type { Change, Transaction } from './cursor.ts';
import { Cursor } from './cursor.ts';
import type { ListPlan } from './list.ts';
import { ListOf, planList, storeList } from './list.ts';
import type { Store } from './stores.ts';
import { readerOf, scalarStore } from './stores.ts';
import { planTable, rowsOfDraft, TableOf } from './table.ts';
import { ordinalKey } from './table-memory.ts';
import { checkKey, isPlain, mistake } from './values.ts';

/** A record of the definition, compiled once. */
export type RecordPlan = {
  /** Records of one shape may be set where another one of it belongs. */
  readonly shape: Shape;
  /** What an input may hold. */
  readonly stores: ReadonlyMap<string, Store>;
  readonly draftOf: (cursor: Cursor) => object;
  /** Where in the document a record, an entry or a row stands; undefined where `value` is no draft of one. */
  readonly pathOf: (value: object) => readonly string[] | undefined;
  /** The rows of a table or of a query, as drafts; undefined where `value` is neither. */
  readonly rowsOf: (value: object) => readonly object[] | undefined;
};

/** One run of a handler over a document. */
export type Work = {
  readonly doc: object;
  /** Ends the run: drafts are dead from here on. Returns the net change; the state holds it already. */
  readonly finish: () => Change;
  /** Ends the run and puts the state back. May follow `finish`. */
  readonly rollback: () => void;
};

/** One at a time over a state, and each is ended. Without `randomBytes16` no row can be added. */
export function beginWork(plan: RecordPlan, state: JsonObject, randomBytes16?: () => Uint8Array): Work {
  const transaction: Transaction = { isAlive: true, isReadOnly: false, randomBytes16, tables: [], created: [] };
  const root = new Cursor(transaction, state);
  return {
    doc: plan.draftOf(root),
    finish: () => {
      transaction.isAlive = false;
      // Inner ones were created after those around them.
      for (const cursor of transaction.created.reverse()) cursor.prune();
      for (const table of transaction.tables) table.end(false);
      return root.change();
    },
    rollback: () => {
      transaction.isAlive = false;
      root.rollback();
      for (const table of transaction.tables) table.end(true);
    },
  };
}

/** Compiles the drafts of a checked shape; those of rows have an `id`. */
export function planRecord(shape: Shape, isRow = false): RecordPlan {
  const stores = new Map<string, Store>();
  class ShapedDraft extends RecordDraft {}
  if (isRow) RecordDraft.defineId(ShapedDraft.prototype);
  for (const [name, field] of Object.entries(shape)) {
    const part = planField(field, name);
    stores.set(name, part.store);
    RecordDraft.define(ShapedDraft.prototype, name, part);
  }
  const draftOf = (cursor: Cursor): object => (cursor.draft ??= new ShapedDraft(cursor, plan));
  const plan: RecordPlan = { shape, stores, draftOf, pathOf: RecordDraft.pathOf, rowsOf: rowsOfDraft };
  return plan;
}

type FieldPlan = {
  readonly store: Store;
  /** What a getter hands out where there is no draft: never an object of the state itself. */
  readonly read: (stored: Json | undefined) => unknown;
  /** For a record, a map or a table: of its own cursor. */
  readonly draftOf: ((cursor: Cursor) => object) | undefined;
  /** For a list, which has no cursor: it is written whole into the record that holds it. */
  readonly list?: ListPlan;
};

/** Of what is reached through a draft. */
const unread = (): never => assert(false, 'it has a draft') as never;

function planField(field: Field, name: string): FieldPlan {
  if (field.kind === 'record') {
    const plan = planRecord(field.shape);
    return { store: (value) => storeRecord(plan, value, name), read: unread, draftOf: plan.draftOf };
  }
  if (field.kind === 'map') {
    const entry = planField(field.of, `${name}.*`);
    const draftOf = (cursor: Cursor): object => (cursor.draft ??= new MapOfEntries(cursor, field.of, entry));
    return { store: (value) => storeMap(field.of, entry, value, name), read: unread, draftOf };
  }
  if (field.kind === 'list') {
    const list = planList(field, name);
    return { store: (value) => storeList(list, value), read: unread, draftOf: undefined, list };
  }
  if (field.kind === 'table') return planTableField(field, name);
  return { store: scalarStore(field, name), read: readerOf(field), draftOf: undefined };
}

function planTableField(field: TableField, name: string): FieldPlan {
  const row = planRecord(field.shape, true);
  const storeRow = (input: unknown): JsonObject => {
    const stored = storeRecord(row, input, `${name}.*`);
    if (!isJsonObject(stored)) throw mistake(`${name} holds rows`);
    return stored;
  };
  const plan = planTable(field, name, { storeRow, draftOf: row.draftOf });
  const draftOf = (cursor: Cursor): object => (cursor.draft ??= new TableOf(cursor, plan));
  const store = (): never => {
    throw mistake(`${name} is a table: rows are added to it`);
  };
  return { store, read: unread, draftOf };
}

/** The base of all record drafts. It has no methods of its own: every name belongs to the fields. */
class RecordDraft {
  readonly #cursor: Cursor;
  readonly #plan: RecordPlan;
  #lists: Map<ListPlan, ListOf> | undefined;

  constructor(cursor: Cursor, plan: RecordPlan) {
    this.#cursor = cursor;
    this.#plan = plan;
  }

  static define(prototype: RecordDraft, name: string, part: FieldPlan): void {
    const { store, read, draftOf, list } = part;
    const property: PropertyDescriptor & ThisType<RecordDraft> = { enumerable: true };
    if (draftOf !== undefined) {
      property.get = function (this: RecordDraft) {
        return draftOf(this.#cursor.child(name));
      };
    } else if (list !== undefined) {
      property.get = function (this: RecordDraft) {
        return this.#listOf(list);
      };
    } else {
      property.get = function (this: RecordDraft) {
        return read(this.#cursor.read(name));
      };
      property.set = function (this: RecordDraft, value: unknown) {
        this.#cursor.write(name, store(value));
      };
    }
    Object.defineProperty(prototype, name, property);
  }

  static defineId(prototype: RecordDraft): void {
    const property: PropertyDescriptor & ThisType<RecordDraft> = { enumerable: true };
    property.get = function (this: RecordDraft) {
      this.#cursor.object();
      return this.#cursor.key;
    };
    Object.defineProperty(prototype, 'id', property);
  }

  /** Kept, so that `doc.deck === doc.deck`. */
  #listOf(plan: ListPlan): ListOf {
    this.#lists ??= new Map();
    const list = this.#lists.get(plan) ?? new ListOf(this.#cursor, plan);
    this.#lists.set(plan, list);
    return list;
  }

  /** Where in the document a record stands, undefined where `value` is no draft of one. */
  static pathOf(value: object): readonly string[] | undefined {
    return #cursor in value ? value.#cursor.path : undefined;
  }

  /** What a draft stands for, where `value` is one of a record of `plan`; undefined where it is no draft at all. */
  static copyOf(value: object, plan: RecordPlan): JsonObject | undefined {
    if (!(#cursor in value)) return undefined;
    if (value.#plan.shape !== plan.shape) throw mistake('a draft of one record was set where another record belongs');
    const copy = copyOf(value.#cursor);
    // Of a row: its place in its table.
    delete copy[ordinalKey];
    return copy;
  }
}

class MapOfEntries {
  readonly #cursor: Cursor;
  readonly #of: EntryField;
  readonly #entry: FieldPlan;

  constructor(cursor: Cursor, of: EntryField, entry: FieldPlan) {
    this.#cursor = cursor;
    this.#of = of;
    this.#entry = entry;
  }

  get size(): number {
    return Object.keys(this.#cursor.object() ?? {}).length;
  }

  has(key: string): boolean {
    return this.#read(key) !== undefined;
  }

  get(key: string): unknown {
    const value = this.#read(key);
    if (value === undefined) return undefined;
    return this.#entry.draftOf === undefined ? this.#entry.read(value) : this.#entry.draftOf(this.#cursor.child(key));
  }

  set(key: string, value: unknown): void {
    checkKey(key);
    this.#cursor.write(key, this.#entry.store(value));
  }

  delete(key: string): boolean {
    if (!this.has(key)) return false;
    this.#cursor.write(key, undefined);
    return true;
  }

  keys(): string[] {
    return Object.keys(this.#cursor.object() ?? {}).sort();
  }

  entries(): [string, unknown][] {
    return this.keys().map((key) => [key, this.get(key)]);
  }

  /** By a number too an object would find something: a second draft of one entry. */
  #read(key: unknown): Json | undefined {
    return typeof key === 'string' ? this.#cursor.read(key) : undefined;
  }

  static copyOf(value: object, of: EntryField): JsonObject | undefined {
    if (!(#cursor in value)) return undefined;
    if (value.#of !== of) throw mistake('a draft of one map was set where another map belongs');
    return copyOf(value.#cursor);
  }
}

function copyOf(cursor: Cursor): JsonObject {
  const copy = copied(cursor.object() ?? {});
  assert(isJsonObject(copy), 'a copy of an object is an object');
  return copy;
}

/** Lists too: one that this handler has written is written in place. */
function copied(value: Json): Json {
  if (Array.isArray(value)) return value.map(copied);
  if (!isJsonObject(value)) return value;
  const copy: JsonObject = {};
  for (const key of Object.keys(value)) copy[key] = copied(value[key] as Json);
  return copy;
}

function storeRecord(plan: RecordPlan, value: unknown, name: string): Json | undefined {
  if (value === null || value === undefined) return undefined;
  if (typeof value !== 'object') throw mistake(`${name} holds a record`);
  const copy = RecordDraft.copyOf(value, plan);
  if (copy !== undefined) return copy;
  if (!isPlain(value)) throw mistake(`${name} holds a record, given as a plain object`);
  const record: JsonObject = {};
  for (const [key, part] of Object.entries(value)) {
    const store = plan.stores.get(key);
    if (store === undefined) throw mistake(`${name} has no field ${JSON.stringify(key)}`);
    const stored = store(part);
    if (stored !== undefined) record[key] = stored;
  }
  return record;
}

function storeMap(of: EntryField, entry: FieldPlan, value: unknown, name: string): Json | undefined {
  if (value === null || value === undefined) return undefined;
  if (typeof value !== 'object') throw mistake(`${name} holds entries by key`);
  const copy = MapOfEntries.copyOf(value, of);
  if (copy !== undefined) return copy;
  if (!isPlain(value)) throw mistake(`${name} holds entries by key, given as a plain object`);
  const map: JsonObject = {};
  for (const [key, part] of Object.entries(value)) {
    checkKey(key);
    const stored = entry.store(part);
    if (stored !== undefined) map[key] = stored;
  }
  return map;
}
