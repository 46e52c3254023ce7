// What an update changes for somebody: the difference of two views of which neither is made whole, nor kept. The state is that after the update;
// what it was before follows from `undo`, where the update touched it, and is the same elsewhere. So a note among ten thousand costs one note,
// and a viewer costs nothing while nobody writes.
//
// Who sees what may change as well, though no field that he sees did: `stirred` policies say something else now, or may for some row. What
// hangs on them is compared whole.

import { orderDelta } from '../../base/delta-diff.ts';
import type { Json, JsonObject } from '../../base/merge-patch.ts';
import { isJsonObject, merge } from '../../base/merge-patch.ts';
import { nextKey } from '../draft/table-memory.ts';
import { differenceOf, entryDifference, rowDifference } from './difference.ts';
import { idsOf, ordinalOf } from './order.ts';
import type { ViewPlan, VisibleField } from './plan.ts';
import type { Path } from './project.ts';
import { below, entryPath, passesGate, projectEntry, projectField, projectRow, rootPath } from './project.ts';
import type { Sight } from './sight.ts';
import { passesAll } from './sight.ts';

/** One viewer, or one kind of viewers, before and after an update. */
export type Shift = {
  readonly before: Sight;
  readonly after: Sight;
  /** Policies whose outcomes are not the same, and those that hang on rows and may not be. */
  readonly stirred: ReadonlySet<number>;
  /** Formulas and bubbles whose values may not be the same. */
  readonly formulas: ReadonlySet<number>;
  readonly bubbles: ReadonlySet<number>;
  /** Told of each entry of the document's own maps and tables before it is looked at, and when that is over. */
  readonly onEntry: (field: string, key: string | undefined) => void;
};

/** A record of the state: as it is, and what was done to it, `{}` both where nothing was. */
type Twin = { readonly state: JsonObject | undefined; readonly redo: JsonObject; readonly undo: JsonObject };

/** The delta of the whole document, undefined where there is no difference to be seen. */
export function deltaOf(
  plan: ViewPlan,
  state: JsonObject,
  redo: JsonObject,
  undo: JsonObject,
  shift: Shift,
): JsonObject | undefined {
  const twin = { state, redo, undo };
  const was = passesAll(plan.requires, shift.before, undefined);
  const is = passesAll(plan.requires, shift.after, undefined);
  if (was && is) return recordDelta(plan, twin, shift, rootPath);
  // All of the document comes or goes.
  return was === is ? undefined : partsDelta(plan.visible, twin, shift, rootPath, was, is);
}

/** Of a record that is seen before and after. */
function recordDelta(plan: ViewPlan, twin: Twin, shift: Shift, path: Path): JsonObject | undefined {
  return partsDelta(touchedFields(plan, twin.redo, shift), twin, shift, path, true, true);
}

function partsDelta(
  fields: Iterable<VisibleField>,
  twin: Twin,
  shift: Shift,
  path: Path,
  wasThere: boolean,
  isThere: boolean,
): JsonObject | undefined {
  let delta: JsonObject | undefined;
  for (const field of fields) {
    const was = wasThere && passesGate(field, gatesBefore(field, twin), shift.before, path);
    const is = isThere && passesGate(field, twin.state, shift.after, path);
    const part = was || is ? fieldDelta(field, twin, shift, path, was, is) : undefined;
    if (part === undefined) continue;
    delta ??= {};
    delta[field.name] = part;
  }
  return delta;
}

/** What may look different, each once. */
function touchedFields(plan: ViewPlan, redo: JsonObject, shift: Shift): Iterable<VisibleField> {
  const names = Object.keys(redo);
  const isStirred = isTouched(plan.policies, shift.stirred) || shift.formulas.size + shift.bubbles.size > 0;
  if (names.length === 1 && !isStirred) return plan.touchedBy.get(names[0] as string) ?? [];
  const fields = new Set<VisibleField>();
  for (const name of names) for (const field of plan.touchedBy.get(name) ?? []) fields.add(field);
  if (!isStirred) return fields;
  for (const field of plan.visible) {
    if (isTouched(field.policies, shift.stirred)) fields.add(field);
    if (field.kind === 'formula' && shift.formulas.has(field.initial as number)) fields.add(field);
    if (field.kind === 'bubble' && shift.bubbles.has(field.initial as number)) fields.add(field);
  }
  return fields;
}

function isTouched(policies: ReadonlySet<number>, stirred: ReadonlySet<number>): boolean {
  if (stirred.size === 0 || policies.size === 0) return false;
  for (const policy of policies) if (stirred.has(policy)) return true;
  return false;
}

function fieldDelta(
  field: VisibleField,
  twin: Twin,
  shift: Shift,
  path: Path,
  was: boolean,
  is: boolean,
): Json | undefined {
  const { state, redo, undo } = twin;
  const value = state?.[field.name];
  const [forth, back] = [redo[field.name], undo[field.name]];
  const isInside = was && is && isJsonObject(value) && isJsonObject(forth) && isJsonObject(back);
  const isStirred = field.inner !== undefined && isTouched(field.inner.policies, shift.stirred);
  if (isInside && !isStirred) {
    const inside: Twin = { state: value, redo: forth, undo: back };
    if (field.kind === 'map') return mapDelta(field, inside, shift, path);
    if (field.kind === 'table') return tableDelta(field, inside, shift, path);
    if (field.inner !== undefined && isSeenThroughout(field.inner, inside, shift, below(path, field.name))) {
      return recordDelta(field.inner, inside, shift, below(path, field.name));
    }
  }
  return wholeDelta(field, twin, shift, path, was, is);
}

function wholeDelta(
  field: VisibleField,
  twin: Twin,
  { before, after }: Shift,
  path: Path,
  was: boolean,
  is: boolean,
): Json | undefined {
  const former = was ? projectField(field, valueBefore(twin, field.name), before, path) : undefined;
  const now = is ? projectField(field, twin.state?.[field.name], after, path) : undefined;
  return differenceOf(field, former, now);
}

function mapDelta(field: VisibleField, map: Twin, shift: Shift, path: Path): JsonObject | undefined {
  let delta: JsonObject | undefined;
  for (const key of Object.keys(map.redo)) {
    if (path === rootPath) shift.onEntry(field.name, key);
    const part = entryDelta(field, key, map, shift, path);
    if (part === undefined) continue;
    delta ??= {};
    delta[key] = part;
  }
  if (path === rootPath) shift.onEntry(field.name, undefined);
  return delta;
}

function entryDelta(field: VisibleField, key: string, map: Twin, shift: Shift, path: Path): Json | undefined {
  const { inner, name } = field;
  // Keys are a user's words, and every object answers to some: toString is in no state.
  const entry = map.state !== undefined && Object.hasOwn(map.state, key) ? map.state[key] : undefined;
  const [forth, back] = [map.redo[key], map.undo[key]];
  const isInside = isJsonObject(entry) && isJsonObject(forth) && isJsonObject(back);
  if (inner !== undefined && isInside && !hangsOnRow(inner.policies, shift)) {
    const inside: Twin = { state: entry, redo: forth, undo: back };
    const place = entryPath(inner, path, name, key, entry);
    if (isSeenThroughout(inner, inside, shift, place)) return recordDelta(inner, inside, shift, place);
  }
  const former = projectEntry(field, key, valueBefore(map, key), shift.before, path);
  return entryDifference(field, former, projectEntry(field, key, entry, shift.after, path));
}

/** Rows that the update touched; and where some came or went, the order of all. */
function tableDelta(field: VisibleField, table: Twin, shift: Shift, path: Path): JsonObject | undefined {
  const delta: JsonObject = {};
  const came = new Set<string>();
  const went: string[] = [];
  for (const id of Object.keys(table.redo)) {
    if (id === nextKey) continue;
    if (path === rootPath) shift.onEntry(field.name, id);
    const part = rowDelta(field, id, table, shift, path);
    if (part === undefined) continue;
    delta[id] = part;
    if (part === null) went.push(id);
    else if (isJsonObject(part) && 'id' in part) came.add(id);
  }
  if (path === rootPath) shift.onEntry(field.name, undefined);
  if (came.size + went.length > 0) delta['@o'] = orderAfter(field, table, shift.after, path, came, went);
  return isEmpty(delta) ? undefined : delta;
}

/** Null where it went; with its id where it came. */
function rowDelta(field: VisibleField, id: string, table: Twin, shift: Shift, path: Path): Json | undefined {
  const { inner, name } = field;
  const row = table.state?.[id];
  const [forth, back] = [table.redo[id], table.undo[id]];
  const isInside = isJsonObject(row) && isJsonObject(forth) && isJsonObject(back);
  if (inner !== undefined && isInside && !hangsOnRow(inner.policies, shift)) {
    const inside: Twin = { state: row, redo: forth, undo: back };
    const place = entryPath(inner, path, name, id, row);
    if (isSeenThroughout(inner, inside, shift, place)) return recordDelta(inner, inside, shift, place);
  }
  const former = projectRow(field, id, valueBefore(table, id), shift.before, path);
  const now = projectRow(field, id, row, shift.after, path);
  if (now !== undefined) return rowDifference(field, former, now);
  return former === undefined ? undefined : null;
}

/** From the rows that are seen now follow those that were: what came was not, what went was. */
function orderAfter(
  field: VisibleField,
  table: Twin,
  sight: Sight,
  path: Path,
  came: ReadonlySet<string>,
  went: readonly string[],
): Json {
  const state = table.state ?? {};
  const now = idsOf(state).filter((id) => isRowSeen(field, id, state[id], sight, path));
  const ordinals = new Map(went.map((id) => [id, ordinalOf(valueBefore(table, id))]));
  const ordinal = (id: string): number => ordinals.get(id) ?? ordinalOf(state[id]);
  const former = now.filter((id) => !came.has(id));
  if (went.length > 0) former.push(...went);
  if (went.length > 0) former.sort((one, other) => ordinal(one) - ordinal(other));
  return orderDelta(former, now) ?? [];
}

function isRowSeen(field: VisibleField, id: string, row: Json | undefined, sight: Sight, path: Path): boolean {
  const { inner, name } = field;
  if (inner === undefined || !isJsonObject(row)) return false;
  return isSeen(inner, { state: row, redo: {}, undo: {} }, sight, entryPath(inner, path, name, id, row), false);
}

/** Whether anything that an entry holds may decide what else of it is seen. */
function hangsOnRow(policies: ReadonlySet<number>, { before, after }: Shift): boolean {
  for (const policy of policies) if (before.outcomes[policy] === 'row' || after.outcomes[policy] === 'row') return true;
  return false;
}

/** Whether something of a record was seen, and still is. */
function isSeenThroughout(plan: ViewPlan, twin: Twin, shift: Shift, path: Path): boolean {
  return isSeen(plan, twin, shift.after, path, false) && isSeen(plan, twin, shift.before, path, true);
}

function isSeen(plan: ViewPlan, twin: Twin, sight: Sight, path: Path, isBefore: boolean): boolean {
  if (!passesAll(plan.requires, sight, path.row)) return false;
  return plan.visible.some((field) => {
    const gates = isBefore ? gatesBefore(field, twin) : twin.state;
    if (!passesGate(field, gates, sight, path)) return false;
    if (field.kind !== 'record' || field.inner === undefined) return true;
    const value = isBefore ? valueBefore(twin, field.name) : twin.state?.[field.name];
    const inside = { state: isJsonObject(value) ? value : undefined, redo: {}, undo: {} };
    return isSeen(field.inner, inside, sight, below(path, field.name), false);
  });
}

/** What a gate looked at before the update. */
function gatesBefore({ gate }: VisibleField, twin: Twin): JsonObject | undefined {
  if (gate.kind !== 'viewerIs' || !Object.hasOwn(twin.undo, gate.field)) return twin.state;
  const holder = valueBefore(twin, gate.field);
  return holder === undefined ? {} : { [gate.field]: holder };
}

/** Costs what the field holds, where the update changed a part of it. */
function valueBefore({ state, undo }: Twin, name: string): Json | undefined {
  const value = state !== undefined && Object.hasOwn(state, name) ? state[name] : undefined;
  if (!Object.hasOwn(undo, name)) return value;
  const back = undo[name];
  return back === null || back === undefined ? undefined : merge(value, back);
}

function isEmpty(object: JsonObject): boolean {
  for (const _ in object) return false;
  return true;
}
