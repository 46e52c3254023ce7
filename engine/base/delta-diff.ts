// The parts that deltas are made of. Which of them a place takes is known to whoever knows its kind: a plain list, a list of
// records, or opaque JSON, in which keys may look like operators.
import type { Order, Range } from './delta.ts';
import { asDelta, own, put } from './delta.ts';
import type { Json, JsonObject } from './merge-patch.ts';
import { isJsonObject } from './merge-patch.ts';

/** From how many rows on a run is a range: `[4,6]` is shorter than most three ids, `[4,5]` than few pairs. */
const rangeRowsMin = 3;

/**
 * The delta of a plain list, undefined where both are equal: by index, or the list itself where that is shorter. Items are
 * compared by value.
 */
export function diffList(before: readonly Json[], after: readonly Json[]): Json | undefined {
  if (before === after) return undefined;
  const isKept = (item: Json, index: number): boolean => index < before.length && isSameJson(before[index], item);
  const patch: JsonObject = { '@s': after.length };
  const kept: Json[] = [];
  for (const [index, item] of after.entries()) {
    if (isKept(item, index)) kept.push(item);
    else patch[index] = item;
  }
  if (kept.length === after.length && before.length === after.length) return undefined;
  return isPatchShorter(patch, kept, after.length) ? patch : after;
}

/** Whether the patch is not longer than the list. Items that are in both count for nothing, so that few need to be read. */
function isPatchShorter(patch: JsonObject, kept: readonly Json[], size: number): boolean {
  // As JSON: {"@s":3,"2":item} and [item,item,item].
  let saved = 1 + Math.max(size, 1) - `{"@s":${size}}`.length;
  for (const key of Object.keys(patch)) if (key !== '@s') saved -= key.length + `,"":`.length;
  for (const item of kept) {
    if (saved >= 0) return true;
    saved += JSON.stringify(item).length;
  }
  return saved >= 0;
}

/**
 * The `@o` that turns the rows of `before` into those of `after`, by their ids; undefined where it is the same order. Ids
 * are unique in each. Costs a comparison a row, and more only between the first and the last difference.
 */
export function orderDelta(before: readonly string[], after: readonly string[]): Order | undefined {
  const shared = Math.min(before.length, after.length);
  let head = 0;
  while (head < shared && before[head] === after[head]) head += 1;
  if (head === before.length && head === after.length) return undefined;
  let tail = 0;
  while (tail < shared - head && before[before.length - 1 - tail] === after[after.length - 1 - tail]) tail += 1;
  const places = new Map<string, number>();
  for (let place = head; place < before.length - tail; place += 1) places.set(before[place] as string, place);

  const order: (string | Range)[] = [];
  let first = 0;
  let end = head;
  const flush = (): void => {
    if (end - first >= rangeRowsMin) order.push([first, end - 1]);
    else order.push(...before.slice(first, end));
  };
  for (const id of after.slice(head, after.length - tail)) {
    const place = places.get(id);
    if (place !== undefined && place === end) {
      end += 1;
      continue;
    }
    flush();
    first = place ?? 0;
    end = place === undefined ? 0 : place + 1;
    if (place === undefined) order.push(id);
  }
  flush();
  first = before.length - tail;
  end = before.length;
  flush();
  return order;
}

/**
 * The delta of opaque JSON, undefined where both are equal: member by member, and whole wherever a client would read
 * something else. Its keys may begin with `@`.
 */
export function diffJson(before: Json | undefined, after: Json | undefined): Json | undefined {
  if (before === after) return undefined;
  if (after === undefined) return null;
  if (!isJsonObject(after)) return isSameJson(before, after) ? undefined : after;
  // A patch of a list would be one of its rows.
  if (!isJsonObject(before)) return Array.isArray(before) ? asDelta(after) : asNew(after);
  if (hasOperator(before) || hasOperator(after)) return isSameJson(before, after) ? undefined : asDelta(after);
  const patch: JsonObject = {};
  let isChanged = false;
  for (const key of Object.keys(before)) {
    if (Object.hasOwn(after, key)) continue;
    put(patch, key, null);
    isChanged = true;
  }
  for (const key of Object.keys(after)) {
    const part = diffJson(own(before, key), after[key]);
    if (part === undefined) continue;
    put(patch, key, part);
    isChanged = true;
  }
  return isChanged ? patch : undefined;
}

/** The delta that puts `value` where nothing stands: itself, unless something in it would be read as an operator. */
export function asNew(value: Json): Json {
  return isReadable(value) ? value : asDelta(value);
}

/** Lists are taken as they are, whatever is in them. */
function isReadable(value: Json): boolean {
  return !isJsonObject(value) || (!hasOperator(value) && Object.values(value).every(isReadable));
}

function hasOperator(value: JsonObject): boolean {
  return Object.keys(value).some((key) => key.startsWith('@'));
}

function isSameJson(a: Json | undefined, b: Json | undefined): boolean {
  if (a === b) return true;
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item, index) => isSameJson(item, b[index]));
  }
  if (!isJsonObject(a) || !isJsonObject(b)) return false;
  const keys = Object.keys(a);
  const isSame = (key: string): boolean => Object.hasOwn(b, key) && isSameJson(a[key], b[key]);
  return keys.length === Object.keys(b).length && keys.every(isSame);
}
