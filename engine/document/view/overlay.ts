// Where an update touches many entries, and each names somebody else, what one of them is told is what nobody in particular is, but for the entries
// that name him: those alone are looked at for him. Else a thousand hands that are dealt at once were a million looks.
import type { Json, JsonObject } from '../../base/merge-patch.ts';
import { isJsonObject } from '../../base/merge-patch.ts';
import type { Change, Place } from './viewer.ts';

/** Of an update, what it did to these entries. */
export function changeAt({ redo, undo }: Change, places: readonly Place[]): Change {
  return { redo: partOf(redo, places), undo: partOf(undo, places) };
}

function partOf(whole: JsonObject, places: readonly Place[]): JsonObject {
  const part: JsonObject = {};
  for (const { field, key } of places) {
    const entries = whole[field];
    if (!isJsonObject(entries) || !Object.hasOwn(entries, key)) continue;
    let some = Object.hasOwn(part, field) ? (part[field] as JsonObject) : undefined;
    if (some === undefined) {
      some = {};
      part[field] = some;
    }
    some[key] = entries[key] as Json;
  }
  return part;
}

/**
 * `common` with these entries as they are in `own`: `{ delta }`, whose delta is undefined where there is no difference to be seen. Undefined
 * where it cannot be made so: entries came or went, and who sees which of them decides about their order.
 */
export function overlay(
  common: JsonObject | undefined,
  own: JsonObject | undefined,
  places: readonly Place[],
): { readonly delta: JsonObject | undefined } | undefined {
  const delta: JsonObject = { ...common };
  for (let at = 0; at < places.length; at += 1) {
    const { field } = places[at] as Place;
    // The first place of a field stands for all of them.
    if (places.findIndex((place) => place.field === field) < at) continue;
    const entries = entriesOf(common, field);
    const others = entriesOf(own, field);
    if (entries === undefined || others === undefined) return undefined;
    const made = { ...entries };
    for (const place of places) {
      if (place.field !== field) continue;
      if (Object.hasOwn(others, place.key)) made[place.key] = others[place.key] as Json;
      else if (Object.hasOwn(made, place.key)) delete made[place.key];
    }
    if (isEmpty(made)) delete delta[field];
    else delta[field] = made;
  }
  return { delta: isEmpty(delta) ? undefined : delta };
}

function isEmpty(object: JsonObject): boolean {
  for (const _ in object) return false;
  return true;
}

/** Undefined where it is more than entries by their keys. */
function entriesOf(delta: JsonObject | undefined, field: string): JsonObject | undefined {
  const entries = delta?.[field];
  if (entries === undefined) return nothing;
  if (!isJsonObject(entries)) return undefined;
  for (const key in entries) if (key.charCodeAt(0) === atSign) return undefined;
  return entries;
}

const nothing: JsonObject = {};
const atSign = 64;
