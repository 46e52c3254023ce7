// Two deltas as one: for a viewer who reads more slowly than a document changes. What they apply to is not at hand, so
// everything is said in terms of what was there before the first: positions are mapped back through its order, and what
// the first removed and the second puts anew says that it replaces.
//
// It leans on what the deltas of one view keep to: a list stays a plain list or a list of records, a change of membership
// always comes with `@o`, and a row that comes with its id was not there before.
import type { Order, Range } from './delta.ts';
import {
  applyDelta,
  asDelta,
  deltaDepthMax,
  idOf,
  namesIn,
  orderIn,
  own,
  put,
  rangeIn,
  shapeOf,
  sizeIn,
} from './delta.ts';
import type { Json, JsonObject } from './merge-patch.ts';
import { isJsonObject } from './merge-patch.ts';

/** The delta that does what `first` and then `second` do. */
export function composeDeltas(first: Json, second: Json): Json {
  return composed(first, second, 0);
}

function composed(first: Json, second: Json, depth: number): Json {
  if (!isJsonObject(second)) return second;
  const later = shapeOf(second);
  if (later === 'whole' || depth > deltaDepthMax) return second;
  if (!isJsonObject(first)) return asDelta(applyDelta(first, second));
  const earlier = shapeOf(first);
  if (earlier === 'whole') return asDelta(applyDelta(first['@r'], second));
  // Of two shapes that no field has both of, the one holds that has the last word.
  if (later === 'list') return earlier === 'list' ? composedItems(first, second) : second;
  if (earlier === 'list') return later === 'rows' ? second : first;
  const isMembers = earlier === 'members' && later === 'members';
  return isMembers ? composedMembers(first, second, depth) : composedRows(first, second, depth);
}

/** Nulls stay: they may remove something that was there before both. */
function composedMembers(first: JsonObject, second: JsonObject, depth: number): JsonObject {
  const both: JsonObject = { ...first };
  for (const key of namesIn(second)) {
    const part = own(first, key);
    const next = second[key] as Json;
    put(both, key, part === undefined ? next : composed(part, next, depth + 1));
  }
  return both;
}

function composedItems(first: JsonObject, second: JsonObject): JsonObject {
  const size = sizeIn(second) ?? 0;
  const both: JsonObject = {};
  for (const key of namesIn(first)) if (Number(key) < size) both[key] = first[key] as Json;
  return { ...both, ...second };
}

/** At least one of the two says an order. */
function composedRows(first: JsonObject, second: JsonObject, depth: number): JsonObject {
  const earlier = orderIn(first);
  const later = orderIn(second);
  const order = earlier === undefined || later === undefined ? (earlier ?? later ?? []) : composedOrder(earlier, later);
  // A row that the first named is at a place that is known: where the second drops that, nothing of it needs to be said.
  // A patch of a row that stood in a range may be left over, and is passed over; there are no more than there were rows.
  const dropped = new Set(earlier?.filter((element) => typeof element === 'string'));
  for (const element of order) if (typeof element === 'string') dropped.delete(element);
  const both: JsonObject = { '@o': order };
  for (const id of new Set([...namesIn(first), ...namesIn(second)])) {
    const part = dropped.has(id) ? undefined : composedRow(id, first, second, depth);
    // Who is gone is not in the order.
    if (part !== undefined && part !== null) put(both, id, part);
  }
  return both;
}

function composedRow(id: string, first: JsonObject, second: JsonObject, depth: number): Json | undefined {
  const part = own(first, id);
  const next = own(second, id);
  if (next === undefined) return part;
  // A whole row was not there after the first delta. It may have been there before: unless the first changes no
  // membership, it is put in place of what was.
  const isNew = orderIn(second) !== undefined && idOf(next) === id;
  if (isNew && (part !== undefined || orderIn(first) !== undefined)) return asDelta(applyDelta(undefined, next));
  return part === undefined ? next : composed(part, next, depth + 1);
}

/** `later` speaks of positions after `earlier`: here it is in terms of positions before both. */
function composedOrder(earlier: readonly Json[], later: readonly Json[]): Order {
  const pieces: (string | Range)[] = [];
  /** Where each piece begins in the list after the first delta; behind them, where the list ends. */
  const starts = [0];
  let size = 0;
  for (const element of earlier) {
    const piece = typeof element === 'string' ? element : rangeIn(element);
    const length = piece === undefined ? 0 : lengthOf(piece);
    if (piece === undefined || length <= 0) continue;
    pieces.push(piece);
    size += length;
    starts.push(size);
  }
  const order: (string | Range)[] = [];
  for (const element of later) {
    if (typeof element === 'string') {
      order.push(element);
      continue;
    }
    const [first, last] = rangeIn(element) ?? [0, -1];
    for (let index = pieceAt(starts, first); index < pieces.length; index += 1) {
      const start = starts[index] ?? size;
      if (start > last) break;
      append(order, partOf(pieces[index] as string | Range, first - start, last - start));
    }
  }
  return order;
}

function lengthOf(piece: string | Range): number {
  return typeof piece === 'string' ? 1 : piece[1] - piece[0] + 1;
}

/** The index of the piece in which a position lies. */
function pieceAt(starts: readonly number[], position: number): number {
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((starts[middle] ?? 0) <= position) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** What lies from `first` to `last` of a piece, counted from its beginning. */
function partOf(piece: string | Range, first: number, last: number): string | Range {
  if (typeof piece === 'string') return piece;
  return [piece[0] + Math.max(first, 0), Math.min(piece[1], piece[0] + last)];
}

function append(order: (string | Range)[], piece: string | Range): void {
  const end = order.at(-1);
  const isNext = typeof piece !== 'string' && typeof end === 'object' && end[1] + 1 === piece[0];
  if (isNext) order[order.length - 1] = [end[0], piece[1]];
  else order.push(piece);
}
