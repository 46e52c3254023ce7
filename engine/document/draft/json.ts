// Any JSON in a field: checked and copied on its way in, copied and frozen on its way out. A null in an object is absent, since a merge patch
// removes by null; lists are replaced whole, so that one in a list stays.
import { messageDepthMax } from '../../base/limits.ts';
import type { Json, JsonObject } from '../../base/merge-patch.ts';
import { isJsonObject } from '../../base/merge-patch.ts';
import { checkKey, isPlain, mistake, wellFormed } from './values.ts';

/** Undefined for null and undefined. HANDLER_FAILED for what JSON cannot say, and for keys that a document cannot hold. */
export function storeJson(value: unknown, name: string): Json | undefined {
  return value === null || value === undefined ? undefined : stored(value, name, 0);
}

function stored(value: unknown, name: string, depth: number): Json {
  if (depth > messageDepthMax) throw mistake(`${name} nests deeper than ${messageDepthMax}`);
  switch (typeof value) {
    case 'string':
      return wellFormed(value);
    case 'boolean':
      return value;
    case 'number':
      if (!Number.isFinite(value)) throw mistake(`${name} holds a number that is not finite`);
      return value + 0;
    case 'object':
      return value === null ? null : storedObject(value, name, depth);
    default:
      throw mistake(`${name} holds JSON, and no ${typeof value}`);
  }
}

function storedObject(value: object, name: string, depth: number): Json {
  if (Array.isArray(value)) {
    // Not map: it passes holes over, and leaves them.
    return Array.from(value, (part: unknown) => (part === undefined ? null : stored(part, `${name}.*`, depth + 1)));
  }
  if (!isPlain(value)) throw mistake(`${name} holds what is no plain value`);
  const copy: JsonObject = {};
  for (const [key, part] of Object.entries(value)) {
    checkKey(key);
    if (part !== null && part !== undefined) copy[key] = stored(part, `${name}.${key}`, depth + 1);
  }
  return copy;
}

/** A copy that nobody can change: what a handler does to it would be lost. */
export function frozenCopy(value: Json): Json {
  if (Array.isArray(value)) return Object.freeze(value.map((part: Json) => frozenCopy(part)));
  if (!isJsonObject(value)) return value;
  const copy: JsonObject = {};
  for (const [key, part] of Object.entries(value)) copy[key] = frozenCopy(part);
  return Object.freeze(copy);
}
