// A merge patch applied to a state that nobody else holds: costs what the patch touches.
import type { Json, JsonObject } from '../../base/merge-patch.ts';
import { isJsonObject, merge } from '../../base/merge-patch.ts';
import { forgetTable } from '../draft/table-memory.ts';

/** Of objects that somebody asked about: to count what is large takes long. */
const sizes = new WeakMap<JsonObject, number>();

/** How many keys an object has that nothing but `mergeInPlace` changes. */
export function sizeOf(object: JsonObject): number {
  const size = sizes.get(object) ?? Object.keys(object).length;
  sizes.set(object, size);
  return size;
}

export function mergeInPlace(target: JsonObject, patch: JsonObject): void {
  forgetTable(target);
  let growth = 0;
  for (const key of Object.keys(patch)) {
    const part = patch[key] as Json;
    const before = Object.hasOwn(target, key) ? target[key] : undefined;
    growth += Number(part !== null) - Number(before !== undefined);
    if (part === null) delete target[key];
    else if (isJsonObject(part) && isJsonObject(before)) mergeInPlace(before, part);
    else target[key] = merge(undefined, part);
  }
  const size = sizes.get(target);
  if (size !== undefined) sizes.set(target, size + growth);
}
