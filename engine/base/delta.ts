// View deltas: what turns one view of a document into the next. It runs in browsers too (levelten/client). The rules, for
// clients in any language, are in proxy/PROTOCOL.md:
//
//   null, a scalar, an array   removes; replaces
//   {"@r": value}              replaces: nothing in the value is a delta
//   {"@s": size, "2": item}    a plain list, by index
//   {"@o": order, id: delta}   a list of records: its rows in order, and what becomes of them
//   {key: delta}               members of an object, or rows of a list whose order stays
//
// What comes over a network may be anything: it changes something or nothing, at the price of its own length and the
// view's, and throws nothing. Keys may be called toString or __proto__: none is read or set but as an own property.
import type { Json, JsonObject } from './merge-patch.ts';
import { isJsonObject } from './merge-patch.ts';

/** What lies deeper in a delta is left out: no view nests like that, and a stack has an end. */
export const deltaDepthMax = 400;

/** First and last position, both included, in a list as it was before the delta. */
export type Range = readonly [first: number, last: number];
/** The rows of a list by id, or by where they stood. */
export type Order = readonly (string | Range)[];

/**
 * Returns `view` with `delta` applied, undefined where that leaves nothing. Parts that the delta does not touch keep their
 * identity, rows of lists too; `view` itself is left as it was.
 */
export function applyDelta(view: Json | undefined, delta: Json): Json | undefined {
  return applied(view, delta, 0);
}

/** The delta that puts `value` whole where anything may stand. */
export function asDelta(value: Json | undefined): Json {
  return isJsonObject(value) ? { '@r': value } : (value ?? null);
}

/**
 * How an object is read as a delta. An operator whose value is not what it must be is an unknown one, and passed over like
 * every key with `@` that a later version may add.
 */
export function shapeOf(delta: JsonObject): 'whole' | 'list' | 'rows' | 'members' {
  if (Object.hasOwn(delta, '@r')) return 'whole';
  if (sizeIn(delta) !== undefined) return 'list';
  return orderIn(delta) === undefined ? 'members' : 'rows';
}

/** The size that a plain list gets. */
export function sizeIn(delta: JsonObject): number | undefined {
  const size = own(delta, '@s');
  return typeof size === 'number' && Number.isSafeInteger(size) && size >= 0 ? size : undefined;
}

/** The order that a list of records gets; undefined where it stays as it is. */
export function orderIn(delta: JsonObject): readonly Json[] | undefined {
  const order = own(delta, '@o');
  return Array.isArray(order) ? order : undefined;
}

/** The range that `element` of an order is. */
export function rangeIn(element: Json | undefined): Range | undefined {
  if (!Array.isArray(element)) return undefined;
  const [first, last]: readonly unknown[] = element;
  if (!Number.isSafeInteger(first) || !Number.isSafeInteger(last)) return undefined;
  return [Math.max(first as number, 0), last as number];
}

/** The keys of a delta that name a member or a row. */
export function namesIn(delta: JsonObject): string[] {
  return Object.keys(delta).filter((key) => !key.startsWith('@'));
}

export function own(object: JsonObject, key: string): Json | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

/** Sets an own property, also one called __proto__, which an assignment would take for the prototype. */
export function put(object: JsonObject, key: string, value: Json): void {
  if (key !== '__proto__') object[key] = value;
  else Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
}

/** The id of a row; undefined for what is none. */
export function idOf(row: Json | undefined): string | undefined {
  const id = isJsonObject(row) ? own(row, 'id') : undefined;
  return typeof id === 'string' ? id : undefined;
}

function applied(target: Json | undefined, delta: Json, depth: number): Json | undefined {
  if (!isJsonObject(delta)) return delta ?? undefined;
  if (depth > deltaDepthMax) return target;
  switch (shapeOf(delta)) {
    case 'whole':
      return delta['@r'] ?? undefined;
    case 'list':
      return appliedItems(listOf(target), delta);
    case 'rows':
      return orderedRows(listOf(target), delta, depth);
    default:
      return Array.isArray(target) ? patchedRows(target, delta, depth) : appliedMembers(target, delta, depth);
  }
}

function listOf(target: Json | undefined): readonly Json[] {
  return Array.isArray(target) ? target : [];
}

function appliedMembers(target: Json | undefined, delta: JsonObject, depth: number): JsonObject {
  const after: JsonObject = isJsonObject(target) ? { ...target } : {};
  for (const key of namesIn(delta)) {
    const part = applied(own(after, key), delta[key] as Json, depth + 1);
    if (part === undefined) delete after[key];
    else put(after, key, part);
  }
  return after;
}

function appliedItems(before: readonly Json[], delta: JsonObject): readonly Json[] {
  const size = sizeIn(delta) ?? before.length;
  const after = before.slice(0, size);
  const kept = after.length;
  for (const key of Object.keys(delta)) {
    const index = Number(key);
    if (Number.isSafeInteger(index) && String(index) === key && index >= 0 && index < kept) {
      after[index] = delta[key] as Json;
    }
  }
  // Item by item, as far as they are given: a size is a number, and would be memory.
  while (after.length < size && Object.hasOwn(delta, String(after.length))) {
    after.push(delta[String(after.length)] as Json);
  }
  return after;
}

/** Rows where their order stays. */
function patchedRows(before: readonly Json[], delta: JsonObject, depth: number): readonly Json[] {
  const after: Json[] = [];
  let isTouched = false;
  for (const row of before) {
    const next = patchedRow(row, delta, depth);
    if (next !== row) isTouched = true;
    if (next !== undefined) after.push(next);
  }
  return isTouched ? after : before;
}

/** Undefined for a row that is gone. A row keeps its id: what would change it is left out. */
function patchedRow(row: Json, delta: JsonObject, depth: number): Json | undefined {
  const id = idOf(row);
  if (id === undefined || id.startsWith('@') || !Object.hasOwn(delta, id)) return row;
  const next = applied(row, delta[id] as Json, depth + 1);
  return next === undefined || idOf(next) === id ? next : row;
}

function orderedRows(before: readonly Json[], delta: JsonObject, depth: number): readonly Json[] {
  const order = orderIn(delta) ?? [];
  const places = placesOf(before, order);
  const isPlaced = new Uint8Array(before.length);
  const added = new Set<string>();
  const after: Json[] = [];
  const place = (at: number): void => {
    isPlaced[at] = 1;
    const row = patchedRow(before[at] as Json, delta, depth);
    if (row !== undefined) after.push(row);
  };
  for (const element of order) {
    if (typeof element === 'string') {
      const at = places.get(element);
      if (at !== undefined && isPlaced[at] === 0) place(at);
      if (at !== undefined || added.has(element)) continue;
      added.add(element);
      const row = newRow(element, delta, depth);
      if (row !== undefined) after.push(row);
      continue;
    }
    const [first, last] = rangeIn(element) ?? [0, -1];
    // Ends at the first row that has its place already: no row is looked at once for each range that names it.
    for (let at = first; at <= last && isPlaced[at] === 0; at += 1) place(at);
  }
  return after;
}

/** Where the rows stood that an order names. */
function placesOf(before: readonly Json[], order: readonly Json[]): ReadonlyMap<string, number> {
  const named = new Set(order.filter((element) => typeof element === 'string'));
  const places = new Map<string, number>();
  for (let at = 0; named.size > 0 && at < before.length; at += 1) {
    const id = idOf(before[at]);
    if (id !== undefined && named.has(id)) places.set(id, at);
  }
  return places;
}

/** A row that was not there before; undefined for what is no row. */
function newRow(id: string, delta: JsonObject, depth: number): Json | undefined {
  if (id.startsWith('@') || !Object.hasOwn(delta, id)) return undefined;
  const row = applied(undefined, delta[id] as Json, depth + 1);
  return idOf(row) === id ? row : undefined;
}
