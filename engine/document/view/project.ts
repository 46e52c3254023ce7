// What a viewer sees of a state, whole (`project`) and as it changes (`refresh`). Both walk the view plan, never the
// state: what is in no plan cannot be shown.
//
// Views are not shared with the state: records, maps and principals are copied, so that a view is what was sent,
// whatever a handler does next. A view that is kept is brought up to date in place, at the price of what was touched
// and not of what is there: a note among ten thousand costs one note.

import { diffJson } from '../../base/delta-diff.ts';
import type { Principal } from '../../base/ids.ts';
import type { Json, JsonObject } from '../../base/merge-patch.ts';
import { isJsonObject } from '../../base/merge-patch.ts';
import type { ViewPlan, VisibleField } from './privacy.ts';

/** The whole view of a document. */
export function projectDocument(plan: ViewPlan, state: JsonObject, who: Principal): JsonObject {
  return projectRecord(plan, state, who) ?? {};
}

/**
 * Brings `view` from what it was before `redo` to what `state` is after it. Returns the delta that does the same
 * to a client's copy, undefined where this viewer sees no difference. The patch may share objects with `view`: use it
 * at once.
 */
export function refresh(
  plan: ViewPlan,
  view: JsonObject,
  state: JsonObject,
  redo: JsonObject,
  who: Principal,
): JsonObject | undefined {
  let delta: JsonObject | undefined;
  for (const key of Object.keys(redo)) {
    for (const field of plan.touchedBy.get(key) ?? []) {
      const part = refreshField(field, view, state, redo[field.name], who);
      if (part === undefined) continue;
      delta ??= {};
      delta[field.name] = part;
    }
  }
  return delta;
}

/** The view of a record, undefined where this viewer sees nothing of it: then nothing tells that it is there. */
function projectRecord(plan: ViewPlan, state: JsonObject | undefined, who: Principal): JsonObject | undefined {
  let view: JsonObject | undefined;
  for (const field of plan.visible) {
    if (!passes(field, state, who)) continue;
    const value = projectField(field, state?.[field.name], who);
    if (value === undefined && field.kind === 'record') continue;
    view ??= {};
    if (value !== undefined) view[field.name] = value;
  }
  return view;
}

/**
 * The view of a field whose gate is passed; undefined for an absent principal and for a record of which nothing is
 * seen.
 */
function projectField(field: VisibleField, value: Json | undefined, who: Principal): Json | undefined {
  if (field.kind === 'record' && field.inner !== undefined) {
    return projectRecord(field.inner, isJsonObject(value) ? value : undefined, who);
  }
  if (field.kind !== 'map') return projectScalar(value) ?? field.initial;
  const view: JsonObject = {};
  if (!isJsonObject(value)) return view;
  for (const key of Object.keys(value)) {
    const entry = projectEntry(field, value[key], who);
    if (entry !== undefined) view[key] = entry;
  }
  return view;
}

function projectEntry(field: VisibleField, entry: Json | undefined, who: Principal): Json | undefined {
  if (entry === undefined || field.inner === undefined) return projectScalar(entry);
  return projectRecord(field.inner, isJsonObject(entry) ? entry : undefined, who);
}

function projectScalar(value: Json | undefined): Json | undefined {
  return isJsonObject(value) ? { ...value } : value;
}

function passes(field: VisibleField, state: JsonObject | undefined, who: Principal): boolean {
  if (field.gate === undefined) return true;
  const holder = state?.[field.gate];
  return isJsonObject(holder) && holder.agent === who.agent && holder.authority === who.authority;
}

/** Whether this viewer sees anything of a record. */
function isSeen(plan: ViewPlan, state: JsonObject | undefined, who: Principal): boolean {
  return plan.visible.some((field) => {
    if (!passes(field, state, who)) return false;
    if (field.kind !== 'record' || field.inner === undefined) return true;
    const inside = state?.[field.name];
    return isSeen(field.inner, isJsonObject(inside) ? inside : undefined, who);
  });
}

/** `redo` is what changed in the field; undefined where only its gate did. */
function refreshField(
  field: VisibleField,
  view: JsonObject,
  state: JsonObject,
  redo: Json | undefined,
  who: Principal,
): Json | undefined {
  const before = view[field.name];
  const value = state[field.name];
  const isShown = passes(field, state, who);
  if (isShown && isJsonObject(before) && isJsonObject(value) && isJsonObject(redo)) {
    if (field.kind === 'map') return refreshMap(field, before, value, redo, who);
    if (field.inner !== undefined && isSeen(field.inner, value, who)) {
      return refresh(field.inner, before, value, redo, who);
    }
  }
  return replace(view, field.name, before, isShown ? projectField(field, value, who) : undefined);
}

function refreshMap(
  field: VisibleField,
  view: JsonObject,
  state: JsonObject,
  redo: JsonObject,
  who: Principal,
): JsonObject | undefined {
  let delta: JsonObject | undefined;
  for (const key of Object.keys(redo)) {
    // Keys are a user's words, and every object answers to some: toString is in no view.
    const before = Object.hasOwn(view, key) ? view[key] : undefined;
    const entry = Object.hasOwn(state, key) ? state[key] : undefined;
    const part = refreshEntry(field, view, key, before, entry, redo[key], who);
    if (part === undefined) continue;
    delta ??= {};
    delta[key] = part;
  }
  return delta;
}

function refreshEntry(
  field: VisibleField,
  view: JsonObject,
  key: string,
  before: Json | undefined,
  entry: Json | undefined,
  redo: Json | undefined,
  who: Principal,
): Json | undefined {
  const { inner } = field;
  if (inner !== undefined && isJsonObject(before) && isJsonObject(entry) && isJsonObject(redo)) {
    if (isSeen(inner, entry, who)) return refresh(inner, before, entry, redo, who);
  }
  return replace(view, key, before, projectEntry(field, entry, who));
}

function replace(view: JsonObject, key: string, before: Json | undefined, after: Json | undefined): Json | undefined {
  const part = diffJson(before, after);
  if (part === undefined) return undefined;
  if (after === undefined) delete view[key];
  else view[key] = after;
  return part;
}
