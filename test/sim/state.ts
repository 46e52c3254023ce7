// Merge patches applied where they stand: what a document's log makes of it.
import type { Json, JsonObject } from '../../engine/base/merge-patch.ts';
import { isJsonObject } from '../../engine/base/merge-patch.ts';

export function mergeInPlace(target: JsonObject, patch: JsonObject): void {
  for (const [key, part] of Object.entries(patch)) {
    const known = target[key];
    if (part === null) delete target[key];
    else if (!isJsonObject(part)) target[key] = part;
    else if (isJsonObject(known)) mergeInPlace(known, part);
    else {
      const fresh: JsonObject = {};
      mergeInPlace(fresh, part);
      target[key] = fresh;
    }
  }
}

export function isSame(one: Json | undefined, other: Json | undefined): boolean {
  if (!isJsonObject(one) || !isJsonObject(other)) return one === other;
  const keys = Object.keys(one);
  return keys.length === Object.keys(other).length && keys.every((key) => isSame(one[key], other[key]));
}
