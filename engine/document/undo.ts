// Undo of one's own message: what it put into the document is taken out again, and what it took comes back, where nobody has changed any of it since.
// It is an update of its own, as a send on the channel `@undo`; so history keeps both, and an undo can be undone.

import type { Principal } from '../base/ids.ts';
import { samePrincipal } from '../base/ids.ts';
import type { Json, JsonObject } from '../base/merge-patch.ts';
import { isJsonObject } from '../base/merge-patch.ts';
import type { Plan } from './definition/definition.ts';
import type { Shape, TableField } from './definition/fields.ts';
import type { RankedField } from './draft/rank.ts';
import { rankOf } from './draft/rank.ts';
import { nextKey } from './draft/table-memory.ts';
import type { Outcome, Refusal } from './handle.ts';
import { within } from './handle.ts';
import { withoutAgenda } from './life/agenda.ts';
import { mergeInPlace } from './life/merge-in-place.ts';
import type { Past } from './life/past.ts';
import type { Update } from './life/update.ts';
import { roomOf } from './quota/claim.ts';

export const undoChannel = '@undo';
export const deleteChannel = '@delete';

/**
 * Undoes `former`, an update of this document, for `who`. Refused: HISTORY_GONE where it is not kept, UNDO_REFUSED where it is not his, was refused itself, or
 * its channel does not let it be undone; UNDO_CONFLICT where something that it wrote is not as it left it.
 */
export function undoOf(
  plan: Plan,
  { state, length }: Pick<Past, 'state' | 'length'>,
  who: Principal,
  former: Update | undefined,
): Outcome {
  if (former === undefined) return refused('HISTORY_GONE', 'that update is not kept');
  const { kind, code, channel } = former;
  const mayBe = channel === undoChannel || plan.channels.get(channel)?.isUndoable === true;
  if (kind !== 'send' || code !== '' || !samePrincipal(former.who, who) || !mayBe) {
    return refused('UNDO_REFUSED', 'that update is not one that you may undo');
  }
  const redo = inverse(recordPlace(plan.record.shape), state, withoutAgenda(former.redo), withoutAgenda(former.undo));
  if (redo === undefined) return refused('UNDO_CONFLICT', 'something that it wrote has been changed since');
  const undo = wayBack(state, redo);
  mergeInPlace(state, redo);
  const rollback = (): void => mergeInPlace(state, undo);
  if (!fitsTables(plan.record.shape, state, redo)) {
    rollback();
    return refused('UNDO_CONFLICT', 'its rows have no place any more');
  }
  return within(
    { length, room: roomOf(plan, state) },
    { kind: 'done', redo, undo, answer: String(former.seq), tasks: [], rollback },
  );
}

/** What stands in an object of the state, by key. `isWhole`: it is an entry or a row, which is there or not; else it is only what is in it. */
type Place = { readonly partOf: (key: string) => Place; readonly isWhole: boolean };

const value: Place = { partOf: () => value, isWhole: true };

function recordPlace(shape: Shape, isWhole = false): Place {
  const partOf = (key: string): Place => {
    const field = Object.hasOwn(shape, key) ? shape[key] : undefined;
    if (field?.kind === 'record') return recordPlace(field.shape);
    if (field?.kind === 'map') {
      const entry = field.of.kind === 'record' ? recordPlace(field.of.shape, true) : value;
      return { partOf: () => entry, isWhole: false };
    }
    if (field?.kind !== 'table') return value;
    const row = recordPlace(field.shape, true);
    return { partOf: () => row, isWhole: false };
  };
  return { partOf, isWhole };
}

/**
 * The patch that takes `redo` back where the state is still what it made, and leaves alone what came beside it; undefined where the state is something else. A table
 * goes on counting: rows that were added since keep their places.
 */
function inverse(place: Place, state: JsonObject, redo: JsonObject, undo: JsonObject): JsonObject | undefined {
  const patch: JsonObject = {};
  for (const key of Object.keys(redo)) {
    if (key === nextKey) continue;
    const now = Object.hasOwn(state, key) ? state[key] : undefined;
    const part = inverseOf(place.partOf(key), now, redo[key] as Json, undo[key] ?? null);
    if (part === conflict) return undefined;
    if (part !== nothing) patch[key] = part;
  }
  return patch;
}

const conflict = Symbol('conflict');
const nothing = Symbol('nothing');
type Part = Json | typeof conflict | typeof nothing;

function inverseOf(place: Place, now: Json | undefined, put: Json, back: Json): Part {
  if (put === null) return now === undefined ? back : conflict;
  if (!isJsonObject(put)) return isSame(now, put) ? back : conflict;
  if (!isJsonObject(now)) return conflict;
  if (back !== null && !isJsonObject(back)) return isSame(now, put) ? back : conflict;
  const inside = inverse(place, now, put, back ?? {});
  if (inside === undefined) return conflict;
  if (back === null) {
    // It was put there whole. A table stays, and goes on counting.
    if (Object.keys(now).every((key) => inside[key] === null)) return null;
    if (place.isWhole) return conflict;
  }
  return Object.keys(inside).length === 0 ? nothing : inside;
}

/** Rows that come back find no other one with their key, and no table that is full. */
function fitsTables(shape: Shape, state: JsonObject, patch: JsonObject): boolean {
  return Object.entries(shape).every(([name, field]) => {
    const [value, part] = [state[name], patch[name]];
    if (!isJsonObject(value) || !isJsonObject(part)) return true;
    if (field.kind === 'record') return fitsTables(field.shape, value, part);
    return field.kind !== 'table' || fitsTable(field, value);
  });
}

function fitsTable({ key, max, shape }: TableField, table: JsonObject): boolean {
  const rows = Object.values(table).filter(isJsonObject);
  if (rows.length > max) return false;
  if (key === undefined) return true;
  const rank = rankOf(shape[key] as RankedField);
  const keys = rows.map((row) => rank(row[key])).filter((one) => one !== null);
  return new Set(keys).size === keys.length;
}

/** What `patch` changes, as it is now. */
function wayBack(state: JsonObject, patch: JsonObject): JsonObject {
  const back: JsonObject = {};
  for (const key of Object.keys(patch)) {
    const part = patch[key] as Json;
    const now = Object.hasOwn(state, key) ? (state[key] as Json) : undefined;
    if (now === undefined) back[key] = null;
    else back[key] = isJsonObject(part) && isJsonObject(now) ? wayBack(now, part) : now;
  }
  return back;
}

function isSame(one: Json | undefined, other: Json): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function refused(code: string, text: string): Refusal {
  return { kind: 'refused', code, text, failure: undefined };
}
