// Which version of its definition a document is of: a key of its state, which no field can have, no handler can write and no view shows. Version 1
// stores nothing, so that a definition that never said a version costs nothing.
import type { JsonObject } from '../../base/merge-patch.ts';

export const versionKey = '@v';
export const versionMax = 1_000_000;

/** 0 for what is no version. */
export function versionOf(state: JsonObject): number {
  const value = Object.hasOwn(state, versionKey) ? state[versionKey] : 1;
  return isVersion(value) ? value : 0;
}

export function isVersion(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= versionMax;
}

/** What a document of this version begins with. */
export function birthOf(version: number): { readonly redo: JsonObject; readonly undo: JsonObject } {
  return version === 1 ? { redo: {}, undo: {} } : { redo: { [versionKey]: version }, undo: { [versionKey]: null } };
}
