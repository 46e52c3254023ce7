// What somebody sees of a state, whole. This walks the view plan, never the state: what is in no plan cannot be shown.
// A view shares its values with the state: it is made into text at once, and never kept.
import type { Json, JsonObject } from '../../base/merge-patch.ts';
import { isJsonObject } from '../../base/merge-patch.ts';
import { idsOf } from './order.ts';
import type { ViewPlan, VisibleField } from './plan.ts';
import type { Row, Sight } from './sight.ts';
import { passes, passesAll } from './sight.ts';

/** Where in the document something stands: how a row is known again. */
export type Path = { readonly text: string; readonly row: Row | undefined };

export const rootPath: Path = { text: '', row: undefined };

/** The whole view of a document. */
export function projectDocument(plan: ViewPlan, state: JsonObject, sight: Sight): JsonObject {
  return projectRecord(plan, state, sight, rootPath) ?? {};
}

/** The view of a record, undefined where nothing of it is seen: then nothing tells that it is there. */
function projectRecord(
  plan: ViewPlan,
  state: JsonObject | undefined,
  sight: Sight,
  path: Path,
): JsonObject | undefined {
  if (!passesAll(plan.requires, sight, path.row)) return undefined;
  let view: JsonObject | undefined;
  for (const field of plan.visible) {
    if (!passesGate(field, state, sight, path)) continue;
    const value = projectField(field, state?.[field.name], sight, path);
    if (value === undefined && field.kind === 'record') continue;
    view ??= {};
    if (value !== undefined) view[field.name] = value;
  }
  return view;
}

export function passesGate({ gate }: VisibleField, state: JsonObject | undefined, sight: Sight, path: Path): boolean {
  return passes(gate, gate.kind === 'viewerIs' ? state?.[gate.field] : undefined, sight, path.row);
}

/**
 * The view of a field whose gate is passed; undefined for an absent principal and for a record of which nothing is seen.
 */
export function projectField(field: VisibleField, value: Json | undefined, sight: Sight, path: Path): Json | undefined {
  if (field.kind === 'formula') return sight.formulas[field.initial as number];
  if (field.kind === 'bubble') return projectBubble(field, sight);
  if (field.kind === 'record' && field.inner !== undefined) {
    return projectRecord(field.inner, isJsonObject(value) ? value : undefined, sight, below(path, field.name));
  }
  if (field.kind === 'table') return projectTable(field, isJsonObject(value) ? value : {}, sight, path);
  if (field.kind !== 'map') return value ?? field.initial;
  const view: JsonObject = {};
  if (!isJsonObject(value)) return view;
  for (const key of Object.keys(value)) {
    const entry = projectEntry(field, key, value[key], sight, path);
    if (entry !== undefined) view[key] = entry;
  }
  return view;
}

function projectBubble({ initial }: VisibleField, sight: Sight): Json | undefined {
  if (sight.who === undefined) sight.onOwn();
  return sight.bubbles[initial as number];
}

/** The record, the entry or the row at `keys`, as this viewer may see it; undefined where he may not, or there is none. */
export function projectAt(
  plan: ViewPlan,
  state: JsonObject | undefined,
  keys: readonly string[],
  sight: Sight,
  path: Path = rootPath,
): Json | undefined {
  if (!passesAll(plan.requires, sight, path.row)) return undefined;
  const [name = '', key, ...rest] = keys;
  const field = plan.visible.find((one) => one.name === name);
  if (field?.inner === undefined || !passesGate(field, state, sight, path)) return undefined;
  const value = state?.[name];
  if (field.kind === 'record') {
    if (key === undefined) return projectField(field, value, sight, path);
    return projectAt(field.inner, isJsonObject(value) ? value : undefined, keys.slice(1), sight, below(path, name));
  }
  if (key === undefined || !isJsonObject(value) || !Object.hasOwn(value, key)) return undefined;
  const entry = value[key];
  if (rest.length > 0) {
    if (!isJsonObject(entry)) return undefined;
    return projectAt(field.inner, entry, rest, sight, entryPath(field.inner, path, name, key, entry));
  }
  const project = field.kind === 'table' ? projectRow : projectEntry;
  return project(field, key, entry, sight, path);
}

/** In the order of the table; rows of which nothing is seen are not there. */
function projectTable(field: VisibleField, table: JsonObject, sight: Sight, path: Path): Json[] {
  const rows: Json[] = [];
  for (const id of idsOf(table)) {
    const row = projectRow(field, id, table[id], sight, path);
    if (row !== undefined) rows.push(row);
  }
  return rows;
}

export function projectRow(
  field: VisibleField,
  id: string,
  row: Json | undefined,
  sight: Sight,
  path: Path,
): JsonObject | undefined {
  if (field.inner === undefined || !isJsonObject(row)) return undefined;
  const view = projectRecord(field.inner, row, sight, entryPath(field.inner, path, field.name, id, row));
  return view === undefined ? undefined : { id, ...view };
}

export function projectEntry(
  field: VisibleField,
  key: string,
  entry: Json | undefined,
  sight: Sight,
  path: Path,
): Json | undefined {
  if (entry === undefined || field.inner === undefined) return entry;
  return isJsonObject(entry)
    ? projectRecord(field.inner, entry, sight, entryPath(field.inner, path, field.name, key, entry))
    : undefined;
}

export function below({ text, row }: Path, name: string): Path {
  return { text: `${text}/${name}`, row };
}

/** Keys may hold anything, a slash too: as JSON they end where they end. */
export function entryPath(plan: ViewPlan, { text }: Path, name: string, key: string, state: JsonObject): Path {
  const path = `${text}/${name}/${JSON.stringify(key)}`;
  return { text: path, row: { path, key, state, plan } };
}
