// JSON Merge Patch (RFC 7396), the shape of redo and undo; view deltas say more (delta.ts). State and views never hold null: a null in a
// patch removes. It runs in browsers too (levelten/client), so it imports nothing.

/** Any JSON value. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
export type JsonObject = { [key: string]: Json };

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Returns `target` with `patch` applied. Parts that the patch does not touch keep their identity, so that a reader can see
 * by `===` what changed; `target` itself is left as it was.
 */
export function merge(target: Json | undefined, patch: Json): Json {
  if (!isJsonObject(patch)) return patch;
  const result: JsonObject = isJsonObject(target) ? { ...target } : {};
  for (const key of Object.keys(patch)) {
    const part = patch[key] as Json;
    if (part === null) delete result[key];
    else result[key] = merge(result[key], part);
  }
  return result;
}

/** The smallest patch that turns `before` into `after`, or undefined where they are equal. Lists are replaced whole. */
export function diff(before: Json | undefined, after: Json | undefined): Json | undefined {
  if (before === after) return undefined;
  if (after === undefined) return null;
  if (!isJsonObject(after)) return sameJson(before, after) ? undefined : after;
  if (!isJsonObject(before)) return after;
  const patch: JsonObject = {};
  let isChanged = false;
  for (const key of Object.keys(before)) {
    // Not `in`: a key may be called toString.
    if (Object.hasOwn(after, key)) continue;
    patch[key] = null;
    isChanged = true;
  }
  for (const key of Object.keys(after)) {
    const part = diff(before[key], after[key]);
    if (part === undefined) continue;
    patch[key] = part;
    isChanged = true;
  }
  return isChanged ? patch : undefined;
}

function sameJson(a: Json | undefined, b: Json): boolean {
  if (a === b) return true;
  if (!Array.isArray(a) || !Array.isArray(b)) return isJsonObject(a) && isJsonObject(b) && diff(a, b) === undefined;
  return a.length === b.length && a.every((value, index) => sameJson(value, b[index] as Json));
}
