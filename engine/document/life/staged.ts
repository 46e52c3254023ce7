// Changes to a document's agenda that a handler asks for: kept aside until it is done, so that one that fails has asked for nothing, and then made
// with what it did to the fields, in one patch and its way back.
import type { Json, JsonObject } from '../../base/merge-patch.ts';
import { isJsonObject } from '../../base/merge-patch.ts';
import type { Group, Root } from './agenda.ts';
import { groupOf, lifeKey, wakeKey } from './agenda.ts';
import { sizeOf } from './merge-in-place.ts';

type Change = { readonly redo: JsonObject; readonly undo: JsonObject };

const roots: readonly Root[] = [wakeKey, lifeKey];

export class Staged {
  readonly #state: JsonObject;
  /** Undefined while nothing is asked for, as with most messages. */
  #changes: Map<Root, Map<Group, Map<string, Json | undefined>>> | undefined;
  /** How many keys each group has more than the state. */
  #growth: Map<string, number> | undefined;

  constructor(state: JsonObject) {
    this.#state = state;
  }

  get(root: Root, group: Group, key: string): Json | undefined {
    const staged = this.#changes?.get(root)?.get(group);
    return staged?.has(key) ? staged.get(key) : groupOf(this.#state, root, group)?.[key];
  }

  /** Undefined takes it away. */
  set(root: Root, group: Group, key: string, value: Json | undefined): void {
    const before = this.get(root, group, key);
    const change = Number(value !== undefined) - Number(before !== undefined);
    this.#growth ??= new Map();
    this.#changes ??= new Map();
    const path = `${root} ${group}`;
    this.#growth.set(path, (this.#growth.get(path) ?? 0) + change);
    const groups = this.#changes.get(root) ?? new Map<Group, Map<string, Json | undefined>>();
    this.#changes.set(root, groups);
    const keys = groups.get(group) ?? new Map<string, Json | undefined>();
    groups.set(group, keys.set(key, value));
  }

  /** How many entries a group has. */
  sizeOf(root: Root, group: Group): number {
    return sizeOf(groupOf(this.#state, root, group) ?? {}) + (this.#growth?.get(`${root} ${group}`) ?? 0);
  }

  /** The patch from the state to what was asked for, and back; undefined where nothing was. */
  change(): Change | undefined {
    if (this.#changes === undefined) return undefined;
    const redo: JsonObject = {};
    const undo: JsonObject = {};
    for (const root of roots) {
      const groups = this.#changes.get(root);
      if (groups === undefined) continue;
      const inside: Change = { redo: {}, undo: {} };
      for (const [group, keys] of groups) this.#changeGroup(root, group, keys, inside);
      put({ redo, undo }, root, this.#state[root], inside);
    }
    return Object.keys(redo).length + Object.keys(undo).length === 0 ? undefined : { redo, undo };
  }

  #changeGroup(root: Root, group: Group, keys: ReadonlyMap<string, Json | undefined>, out: Change): void {
    const before = groupOf(this.#state, root, group);
    const inside: Change = { redo: {}, undo: {} };
    for (const [key, value] of keys) {
      const former = before?.[key];
      if (former === value) continue;
      // Whole, or not at all: nothing of a former entry may stay in it.
      inside.redo[key] = value === undefined ? null : replacing(former, value);
      inside.undo[key] = former === undefined ? null : replacing(value, former);
    }
    put(out, group, before, inside);
  }
}

/** Takes what was changed inside of `key` into the patch around it: what gets empty goes, what was not there comes. */
function put(out: Change, key: string, before: Json | undefined, { redo, undo }: Change): void {
  if (Object.keys(redo).length === 0) return;
  if (before === undefined) {
    out.redo[key] = redo;
    out.undo[key] = null;
  } else if (isJsonObject(before) && isEmptied(before, redo)) {
    out.redo[key] = null;
    out.undo[key] = before;
  } else {
    out.redo[key] = redo;
    out.undo[key] = undo;
  }
}

function isEmptied(before: JsonObject, redo: JsonObject): boolean {
  let gone = 0;
  for (const key in redo) {
    if (redo[key] !== null) return false;
    gone += 1;
  }
  return gone === sizeOf(before);
}

/** A patch from one entry to another. */
function replacing(from: Json | undefined, to: Json): Json {
  if (!isJsonObject(from) || !isJsonObject(to)) return to;
  const patch: JsonObject = { ...to };
  for (const key of Object.keys(from)) if (!Object.hasOwn(to, key)) patch[key] = null;
  return patch;
}
