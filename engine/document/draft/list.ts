// Lists as handlers hold them. In the state a list is an array that nobody changes: a handler's first write puts a copy in its place, and goes on
// with that. So what was there before is what is noted, whatever the handler does next.
import type { Json } from '../../base/merge-patch.ts';
import { diff } from '../../base/merge-patch.ts';
import type { ListField } from '../definition/fields.ts';
import type { Cursor } from './cursor.ts';
import { readerOf, scalarStore } from './stores.ts';
import { mistake } from './values.ts';

/** A list of the definition, compiled once. */
export type ListPlan = {
  readonly name: string;
  readonly max: number;
  readonly storeItem: (value: unknown) => Json;
  readonly read: (stored: Json) => unknown;
};

export function planList({ of, max }: ListField, name: string): ListPlan {
  const store = scalarStore(of, `${name}.*`);
  const storeItem = (value: unknown): Json => {
    const item = store(value);
    if (item === undefined) throw mistake(`${name} holds no null: take the item out`);
    return item;
  };
  return { name, max, storeItem, read: readerOf(of) };
}

export class ListOf {
  /** Of the record that holds the list. */
  readonly #cursor: Cursor;
  readonly #plan: ListPlan;
  /** The array that this handler has put there. */
  #own: Json[] | undefined;

  constructor(cursor: Cursor, plan: ListPlan) {
    this.#cursor = cursor;
    this.#plan = plan;
  }

  get length(): number {
    return this.#items().length;
  }

  at(index: number): unknown {
    const item = this.#items().at(index);
    return item === undefined ? undefined : this.#plan.read(item);
  }

  set(index: number, value: unknown): void {
    const at = this.#position(index, this.length - 1);
    const item = this.#plan.storeItem(value);
    this.#writable()[at] = item;
  }

  push(...values: readonly unknown[]): void {
    this.insert(this.length, ...values);
  }

  pop(): unknown {
    return this.length === 0 ? undefined : this.remove(this.length - 1)[0];
  }

  shift(): unknown {
    return this.length === 0 ? undefined : this.remove(0)[0];
  }

  insert(index: number, ...values: readonly unknown[]): void {
    const at = this.#position(index, this.length);
    const items = values.map((value) => this.#plan.storeItem(value));
    checkLength(this.#plan, this.length + items.length);
    if (items.length > 0) this.#writable().splice(at, 0, ...items);
  }

  remove(index: number, count = 1): unknown[] {
    if (!Number.isSafeInteger(count) || count < 0)
      throw mistake(`${this.#plan.name}: a count is a whole number from 0`);
    const at = this.#position(index, this.length - 1);
    if (at + count > this.length)
      throw mistake(`${this.#plan.name} has ${this.length} items: ${count} from ${at} on are not there`);
    const taken = this.#items()
      .slice(at, at + count)
      .map(this.#plan.read);
    // Empty and absent are one thing, and stored as one.
    if (count === this.length) this.clear();
    else if (count > 0) this.#writable().splice(at, count);
    return taken;
  }

  indexOf(value: unknown): number {
    const item = this.#plan.storeItem(value);
    return this.#items().findIndex((one) => diff(one, item) === undefined);
  }

  includes(value: unknown): boolean {
    return this.indexOf(value) >= 0;
  }

  values(): unknown[] {
    return this.#items().map(this.#plan.read);
  }

  assign(values: readonly unknown[]): void {
    this.#own = undefined;
    this.#cursor.write(this.#plan.name, storeList(this.#plan, values));
  }

  clear(): void {
    this.#own = undefined;
    this.#cursor.write(this.#plan.name, undefined);
  }

  [Symbol.iterator](): Iterator<unknown> {
    return this.values()[Symbol.iterator]();
  }

  #items(): readonly Json[] {
    const value = this.#cursor.read(this.#plan.name);
    return Array.isArray(value) ? value : [];
  }

  /** Whatever else was put there since is copied again. */
  #writable(): Json[] {
    const items = this.#items();
    if (this.#own !== undefined && items === this.#own) return this.#own;
    this.#own = [...items];
    this.#cursor.write(this.#plan.name, this.#own);
    return this.#own;
  }

  #position(index: number, max: number): number {
    const at = Number.isSafeInteger(index) && index < 0 ? this.length + index : index;
    if (Number.isSafeInteger(at) && at >= 0 && at <= max) return at;
    throw mistake(`${this.#plan.name} has ${this.length} items, and nothing at ${index}`);
  }
}

/** A whole list, as `assign` and what holds a list take it: undefined for null, undefined and an empty one. */
export function storeList(plan: ListPlan, value: unknown): readonly Json[] | undefined {
  if (value === null || value === undefined) return undefined;
  // The list of another record, too, is taken by what it holds.
  const values: unknown = value instanceof ListOf ? value.values() : value;
  if (!Array.isArray(values)) throw mistake(`${plan.name} holds a list`);
  checkLength(plan, values.length);
  // Not map: it passes holes over, and leaves them.
  return values.length === 0 ? undefined : Array.from(values as unknown[], plan.storeItem);
}

function checkLength({ max, name }: ListPlan, length: number): void {
  if (length > max) throw mistake(`${name} holds at most ${max} items`);
}
