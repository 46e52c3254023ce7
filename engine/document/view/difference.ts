// How the difference of two views is said: field by field, as the plan knows what each holds. Deltas are laid out in proxy/PROTOCOL.md.
import { diffJson, diffList } from '../../base/delta-diff.ts';
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
    case 'record':
      return field.inner === undefined ? diff(was, is) : recordDifference(field.inner, was, is);
    case 'map':
      return mapDifference(field, was, is);
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
