// What the kit needs of plain JSON: copies that nobody changes by mistake, and where two values differ.

import type { Json } from '../../engine/base/merge-patch.ts';
import { isJsonObject } from '../../engine/base/merge-patch.ts';
import type { Resident } from '../../engine/document/document.ts';
import { encodeSnapshot } from '../../engine/document/life/snapshot.ts';

/** Freezes what is not frozen yet: parts that a delta did not touch are not walked again. */
export function frozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const part of Object.values(value)) frozen(part);
  return value;
}

export function parseFrozen(json: string): Json {
  return frozen(JSON.parse(json) as Json);
}

/** The first place where two values differ, as `notes.ada.text: "a", and not "b"`; the order of keys is no difference. */
export function differenceOf(value: Json | undefined, wanted: Json | undefined, path = ''): string | undefined {
  if (Array.isArray(value) && Array.isArray(wanted) && value.length === wanted.length) {
    return firstOf(value.keys(), (index) => differenceOf(value[index], wanted[index], below(path, String(index))));
  }
  if (isJsonObject(value) && isJsonObject(wanted)) {
    const keys = new Set([...Object.keys(value), ...Object.keys(wanted)]);
    return firstOf(keys, (key) => differenceOf(own(value, key), own(wanted, key), below(path, key)));
  }
  const [is, should] = [shown(value), shown(wanted)];
  return is === should ? undefined : `${path === '' ? 'all of it' : path}: ${is}, and not ${should}`;
}

function own(value: { readonly [key: string]: Json }, key: string): Json | undefined {
  return Object.hasOwn(value, key) ? value[key] : undefined;
}

function below(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}

function firstOf<T>(items: Iterable<T>, look: (item: T) => string | undefined): string | undefined {
  for (const item of items) {
    const found = look(item);
    if (found !== undefined) return found;
  }
  return undefined;
}

function shown(value: Json | undefined): string {
  return value === undefined ? 'nothing' : JSON.stringify(value);
}

/** What a document that was replayed has otherwise. Keys of its state may stand in another order, and nothing else may. */
export function differenceOfStored(before: Resident, after: Resident): string | undefined {
  const stored = differenceOf(after.state, before.state);
  if (stored !== undefined) return `what is stored is another: ${stored}`;
  const [one, other] = [before, after].map((resident) => encodeSnapshot({ ...resident, state: {} })) as [
    Buffer,
    Buffer,
  ];
  return Buffer.compare(one, other) === 0 ? undefined : 'its sessions, answers or seq are others';
}
