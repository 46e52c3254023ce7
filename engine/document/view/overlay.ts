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
  const fields = new Map<string, [string, Json][]>();
  for (const { field, key } of places) {
    const entries = whole[field];
    if (!isJsonObject(entries) || !Object.hasOwn(entries, key)) continue;
    const part = fields.get(field) ?? [];
    fields.set(field, part);
    part.push([key, entries[key] as Json]);
  }
  return Object.fromEntries([...fields].map(([field, part]) => [field, Object.fromEntries(part)]));
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
  for (const field of new Set(places.map((place) => place.field))) {
    const entries = entriesOf(common, field);
    const others = entriesOf(own, field);
    if (entries === undefined || others === undefined) return undefined;
    const made = { ...entries };
    for (const place of places) {
      if (place.field !== field) continue;
      if (Object.hasOwn(others, place.key)) made[place.key] = others[place.key] as Json;
      else delete made[place.key];
    }
    if (Object.keys(made).length > 0) delta[field] = made;
    else delete delta[field];
  }
  return { delta: Object.keys(delta).length > 0 ? delta : undefined };
}

/** Undefined where it is more than entries by their keys. */
function entriesOf(delta: JsonObject | undefined, field: string): JsonObject | undefined {
  const entries = delta?.[field] ?? {};
  return isJsonObject(entries) && !Object.keys(entries).some((key) => key.startsWith('@')) ? entries : undefined;
}
