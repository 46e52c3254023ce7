// How the difference of two views is said: field by field, as the plan knows what each holds. Deltas are laid out in proxy/PROTOCOL.md.
import { diffJson, diffList, orderDelta } from '../../base/delta-diff.ts';
import type { Json, JsonObject } from '../../base/merge-patch.ts';
import { diff, isJsonObject } from '../../base/merge-patch.ts';
import type { ViewPlan, VisibleField } from './plan.ts';

/** The delta from one view of a field to another, undefined where they are equal; undefined stands for what is not seen. */
export function differenceOf(field: VisibleField, was: Json | undefined, is: Json | undefined): Json | undefined {
  switch (field.kind) {
    case 'list':
      return Array.isArray(was) && Array.isArray(is) ? diffList(was as Json[], is as Json[]) : diff(was, is);
    case 'json':
    case 'formula':
      return diffJson(was, is);
    case 'bubble':
      return areRows(was) && areRows(is) ? rowsDifference(was, is) : diffJson(was, is);
    case 'record':
      return field.inner === undefined ? diff(was, is) : recordDifference(field.inner, was, is);
    case 'map':
      return mapDifference(field, was, is);
    case 'table':
      return tableDifference(field, was, is);
    default:
      return diff(was, is);
  }
}

/** Of a record, or of an entry of a map of records. */
function recordDifference(plan: ViewPlan, was: Json | undefined, is: Json | undefined): Json | undefined {
  if (was === undefined && is === undefined) return undefined;
  if (!isJsonObject(is)) return null;
  const before = isJsonObject(was) ? was : {};
  const delta: JsonObject = {};
  for (const field of plan.visible) {
    const part = differenceOf(field, valueIn(before, field.name), valueIn(is, field.name));
    if (part !== undefined) delta[field.name] = part;
  }
  return isJsonObject(was) && isEmpty(delta) ? undefined : delta;
}

function mapDifference(field: VisibleField, was: Json | undefined, is: Json | undefined): Json | undefined {
  if (was === undefined && is === undefined) return undefined;
  if (!isJsonObject(is)) return null;
  const before = isJsonObject(was) ? was : {};
  const delta: JsonObject = {};
  for (const key of Object.keys(before)) if (!Object.hasOwn(is, key)) delta[key] = null;
  for (const key of Object.keys(is)) {
    const part = entryDifference(field, valueIn(before, key), is[key]);
    if (part !== undefined) delta[key] = part;
  }
  return isJsonObject(was) && isEmpty(delta) ? undefined : delta;
}

function tableDifference(field: VisibleField, was: Json | undefined, is: Json | undefined): Json | undefined {
  if (!Array.isArray(was) || !Array.isArray(is)) return is === undefined ? (was === undefined ? undefined : null) : is;
  const former = byId(was as JsonObject[]);
  const now = byId(is as JsonObject[]);
  const delta: JsonObject = {};
  for (const id of former.keys()) if (!now.has(id)) delta[id] = null;
  for (const [id, row] of now) {
    const part = rowDifference(field, former.get(id), row);
    if (part !== undefined) delta[id] = part;
  }
  const order = orderDelta([...former.keys()], [...now.keys()]);
  if (order !== undefined) delta['@o'] = order;
  return isEmpty(delta) ? undefined : delta;
}

/** Of rows that a bubble shows, each once. */
function rowsDifference(was: readonly JsonObject[], is: readonly JsonObject[]): Json | undefined {
  const former = byId(was);
  const now = byId(is);
  const delta: JsonObject = {};
  for (const id of former.keys()) if (!now.has(id)) delta[id] = null;
  for (const [id, row] of now) {
    const part = diffJson(former.get(id), row);
    if (part !== undefined) delta[id] = part;
  }
  const order = orderDelta([...former.keys()], [...now.keys()]);
  if (order !== undefined) delta['@o'] = order;
  return isEmpty(delta) ? undefined : delta;
}

/** Whether a delta can name each: a bubble may show anything under `id`. */
function areRows(value: Json | undefined): value is readonly JsonObject[] {
  if (!Array.isArray(value)) return false;
  const ids = new Set(value.map((row: Json) => (isJsonObject(row) ? row['id'] : undefined)));
  return ids.size === value.length && [...ids].every(isName);
}

function isName(id: Json | undefined): boolean {
  return typeof id === 'string' && !id.startsWith('@') && id !== '__proto__';
}

function byId(rows: readonly JsonObject[]): Map<string, JsonObject> {
  return new Map(rows.map((row) => [row['id'] as string, row]));
}

/** Of a row that is seen: whole where it was not. Its id is part of it only then. */
export function rowDifference(field: VisibleField, was: JsonObject | undefined, is: JsonObject): Json | undefined {
  const part = field.inner === undefined ? undefined : recordDifference(field.inner, was, is);
  return was === undefined && isJsonObject(part) ? { id: is['id'] as Json, ...part } : part;
}

/** As `differenceOf`, for an entry of a map. */
export function entryDifference(field: VisibleField, was: Json | undefined, is: Json | undefined): Json | undefined {
  if (field.inner !== undefined) return recordDifference(field.inner, was, is);
  return field.entry === 'json' ? diffJson(was, is) : diff(was, is);
}

function valueIn(record: JsonObject, name: string): Json | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}

function isEmpty(object: JsonObject): boolean {
  for (const _ in object) return false;
  return true;
}
