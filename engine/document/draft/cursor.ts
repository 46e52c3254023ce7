// Write tracking. A handler writes into the state in place, as copying a map of ten thousand entries for each message
// would cost more than the message. What makes that safe is one cursor for each object that the handler reached: it
// keeps the value that each written key had *before the handler*, and from those come redo, undo and rollback.
//
//   before[k]   the value of k before the handler, undefined = absent. Noted at the first write of k, never again.
//   isFresh     this object was made by this handler. Nothing is noted: whoever holds it noted what was there before.
//   children    the cursors of objects inside. One whose object was replaced or deleted is detached: its own writes are
//               taken back first, so that `before` holds what was there, and not what the handler made of it.
import type { Json, JsonObject } from '../../base/merge-patch.ts';
import { diff, isJsonObject } from '../../base/merge-patch.ts';
import { mistake } from './values.ts';

/** What all cursors of one run of a handler share. */
export type Transaction = {
  /** False once the handler has returned: a draft that it kept is dead. */
  isAlive: boolean;
  /** A policy or a formula looks at the document, and may not change it. */
  readonly isReadOnly: boolean;
  /** 16 random bytes, for the ids of rows; undefined where nothing is added. */
  readonly randomBytes16: (() => Uint8Array) | undefined;
  /** Tables that were reached. */
  readonly tables: TableWatch[];
  /** Records and maps that came to be because something was written into them, outer ones first. */
  readonly created: Cursor[];
};

/** A table, which is told of its rows: what it remembers of them would be wrong otherwise. */
export interface TableWatch {
  /** Refuses a value that this field of this row may not take, by throwing. */
  beforeWrite(id: string, field: string, value: Json | undefined): void;
  /** Something in this row was written, or the row added or deleted. */
  noteWrite(id: string): void;
  /** The run has ended; `isTakenBack`: the state is what it was before. */
  end(isTakenBack: boolean): void;
}

export type Change = { readonly redo: JsonObject; readonly undo: JsonObject };

export class Cursor {
  readonly transaction: Transaction;
  readonly #parent: Cursor | undefined;
  readonly #key: string;
  #object: JsonObject | undefined;
  #isFresh: boolean;
  #isDetached = false;
  #before: Map<string, Json | undefined> | undefined;
  #children: Map<string, Cursor> | undefined;
  /** The draft that a handler sees; made by draft.ts and kept, so that `doc.notes === doc.notes`. */
  draft: object | undefined;
  /** What watches this object, if it is a table. Set before any row is reached. */
  watch: TableWatch | undefined;
  /** The table around this object, and the id of the row that it is, or is in. */
  readonly #table: TableWatch | undefined;
  readonly #row: string;
  readonly #isRow: boolean;

  constructor(transaction: Transaction, object: JsonObject | undefined, parent?: Cursor, key = '') {
    this.transaction = transaction;
    this.#object = object;
    this.#parent = parent;
    this.#key = key;
    this.#isFresh = parent === undefined ? false : parent.#isMade(key);
    this.#isRow = parent?.watch !== undefined;
    this.#table = parent === undefined ? undefined : (parent.watch ?? parent.#table);
    this.#row = parent === undefined || this.#isRow ? key : parent.#row;
  }

  /** Under which it stands in what holds it. */
  get key(): string {
    return this.#key;
  }

  /** Its keys, from the document on. */
  get path(): readonly string[] {
    return this.#parent === undefined ? [] : [...this.#parent.path, this.#key];
  }

  /** The value of `key`, undefined = absent. */
  read(key: string): Json | undefined {
    const object = this.object();
    return object !== undefined && Object.hasOwn(object, key) ? object[key] : undefined;
  }

  /** The object in the state, undefined while nothing was written into it. */
  object(): JsonObject | undefined {
    if (!this.transaction.isAlive) throw mistake('a draft was used after its handler had returned');
    if (this.#isDetached) throw mistake('a draft was used after its entry had been replaced or deleted');
    return this.#object;
  }

  /** What stands in the state, also when the run is over: for those who end it. */
  peek(): JsonObject | undefined {
    return this.#object;
  }

  /** Writes `value`, undefined = make absent. An object inside that was there before is let go of. */
  write(key: string, value: Json | undefined): void {
    this.object();
    if (this.transaction.isReadOnly) throw mistake('a policy or a formula reads, and changes nothing');
    if (this.#isRow) this.#table?.beforeWrite(this.#row, key, value);
    if (value === undefined && this.#object === undefined) return;
    const child = this.#children?.get(key);
    if (child !== undefined) {
      child.#detach();
      this.#children?.delete(key);
    }
    this.#put(key, value);
  }

  /** The cursor of the object under `key`, which need not be there yet. */
  child(key: string): Cursor {
    const known = this.#children?.get(key);
    if (known !== undefined) return known;
    const value = this.read(key);
    const child = new Cursor(this.transaction, isJsonObject(value) ? value : undefined, this, key);
    this.#children ??= new Map();
    this.#children.set(key, child);
    return child;
  }

  /** The net change, as merge patches: `{}` both where everything is as it was. */
  change(): Change {
    const redo: JsonObject = {};
    const undo: JsonObject = {};
    const object = this.#object ?? {};
    for (const [key, before] of this.#before ?? []) {
      const after = Object.hasOwn(object, key) ? object[key] : undefined;
      const forth = diff(before, after);
      if (forth === undefined) continue;
      redo[key] = forth;
      undo[key] = diff(after, before) ?? null;
    }
    // Those that this handler made noted nothing, and say nothing here: they are in what `before` compares.
    for (const [key, child] of this.#children ?? []) {
      const inner = child.change();
      if (Object.keys(inner.redo).length === 0) continue;
      redo[key] = inner.redo;
      undo[key] = inner.undo;
    }
    return { redo, undo };
  }

  /** Puts everything back as it was before the handler. */
  rollback(): void {
    for (const child of this.#children?.values() ?? []) child.rollback();
    const object = this.#object;
    if (object === undefined) return;
    for (const [key, before] of this.#before ?? []) {
      if (before === undefined) delete object[key];
      else object[key] = before;
    }
  }

  /**
   * Takes a created object that stayed empty away again: reading through an absent record must not change the state.
   */
  prune(): void {
    const holder = this.#parent === undefined ? undefined : this.#parent.#object;
    if (holder === undefined || this.#object === undefined || holder[this.#key] !== this.#object) return;
    if (Object.keys(this.#object).length === 0) delete holder[this.#key];
  }

  #put(key: string, value: Json | undefined): void {
    const object = this.#ensure();
    if (!this.#isFresh) {
      this.#before ??= new Map();
      if (!this.#before.has(key)) this.#before.set(key, Object.hasOwn(object, key) ? object[key] : undefined);
    }
    if (value === undefined) delete object[key];
    else object[key] = value;
    this.watch?.noteWrite(key);
    this.#table?.noteWrite(this.#row);
  }

  #ensure(): JsonObject {
    if (this.#object !== undefined) return this.#object;
    const object: JsonObject = {};
    if (this.#parent !== undefined) this.#parent.#put(this.#key, object);
    this.#object = object;
    this.#isFresh = true;
    this.transaction.created.push(this);
    return object;
  }

  /** Whether what is under `key` now was made by this handler. */
  #isMade(key: string): boolean {
    return this.#isFresh || (this.#before?.has(key) ?? false);
  }

  #detach(): void {
    for (const child of this.#children?.values() ?? []) child.#detach();
    this.rollback();
    this.#isDetached = true;
  }
}
