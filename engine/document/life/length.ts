// How large a document is, kept up to date by what its updates change: the length of its state as JSON, about, in UTF-16
// units. What a patch adds or takes away weighs its keys and values; a removal (null) weighs nothing, so that the state after
// an update weighs what it did before, plus redo, minus undo.
import type { Json } from '../../base/merge-patch.ts';
import { isJsonObject } from '../../base/merge-patch.ts';

/** Quotes, colon and comma of a member; a number, true or false. */
const memberLength = 4;
const scalarLength = 8;

/** The length of a state, or of what a merge patch puts into one. */
export function lengthOf(value: Json): number {
  if (typeof value === 'string') return value.length + 2;
  if (Array.isArray(value)) return value.reduce<number>((sum, part: Json) => sum + lengthOf(part) + 1, 2);
  if (!isJsonObject(value)) return scalarLength;
  let length = 2;
  for (const key of Object.keys(value)) {
    const part = value[key] as Json;
    if (part !== null) length += key.length + memberLength + lengthOf(part);
  }
  return length;
}
