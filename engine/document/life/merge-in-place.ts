// A merge patch applied to a state that nobody else holds: costs what the patch touches.
import type { Json, JsonObject } from '../../base/merge-patch.ts';
import { isJsonObject, merge } from '../../base/merge-patch.ts';
import { forgetTable } from '../draft/table-memory.ts';

export function mergeInPlace(target: JsonObject, patch: JsonObject): void {
  forgetTable(target);
  for (const key of Object.keys(patch)) {
    const part = patch[key] as Json;
    const before = Object.hasOwn(target, key) ? target[key] : undefined;
    if (part === null) delete target[key];
    else if (isJsonObject(part) && isJsonObject(before)) mergeInPlace(before, part);
    else target[key] = merge(undefined, part);
  }
}
