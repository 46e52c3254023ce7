// What a state may hold, where no draft has written it: the state that a migration made is checked here, field by field, against the shape that is
// to read it. Drafts check what a handler assigns (stores.ts); both let the same values in.
import { unreachable } from '../../base/assert.ts';
import { CodedError } from '../../base/errors.ts';
import type { Json, JsonObject } from '../../base/merge-patch.ts';
import { isJsonObject } from '../../base/merge-patch.ts';
import { isDigits } from '../definition/digits.ts';
import type { Field, ListField, MapField, Shape, TableField, ValueField } from '../definition/fields.ts';
import { storeJson } from './json.ts';
import type { RankedField } from './rank.ts';
import { rankOf } from './rank.ts';
import { nextKey, ordinalKey } from './table-memory.ts';
import { checkKey, isPrincipal, wellFormed } from './values.ts';

const rowIdPattern = /^[a-z][a-z2-7]{7}$/;

/**
 * `value` as it is to be stored for `shape`. A name that no field has may stay where it is one of `known`: definitions leave what they do not know
 * as it is. MIGRATION_FAILED with the path of what cannot be stored.
 */
export function storedRecord(shape: Shape, value: unknown, known: ReadonlySet<string>, path = ''): JsonObject {
  if (!isJsonObject(value)) throw unfit(path, 'it is no object');
  const record: JsonObject = {};
  for (const [name, part] of Object.entries(value)) {
    const at = path === '' ? name : `${path}.${name}`;
    const field = Object.hasOwn(shape, name) ? shape[name] : undefined;
    if (field === undefined && !known.has(name)) throw unfit(at, 'the shape has no such field');
    const stored = field === undefined ? part : storedField(field, part, known, at);
    if (stored !== undefined) record[name] = stored;
  }
  return record;
}

/** Undefined for what is stored as absent. */
function storedField(field: Field, value: Json, known: ReadonlySet<string>, path: string): Json | undefined {
  switch (field.kind) {
    case 'record':
      return storedRecord(field.shape, value, known, path);
    case 'map':
      return storedMap(field, value, known, path);
    case 'list':
      return storedList(field, value, path);
    case 'table':
      return storedTable(field, value, known, path);
    default:
      return storedValue(field, value, path);
  }
}

function storedValue(field: ValueField, value: Json, path: string): Json {
  switch (field.kind) {
    case 'string':
      if (typeof value === 'string') return wellFormed(value);
      break;
    case 'boolean':
      if (typeof value === 'boolean') return value;
      break;
    case 'int':
      if (typeof value === 'number' && Number.isSafeInteger(value)) return value;
      break;
    case 'double':
      if (typeof value === 'number') return value;
      break;
    case 'enum':
      if (field.values.includes(value as string)) return value;
      throw unfit(path, `it is one of ${field.values.join(', ')}`);
    case 'bigint':
      if (isDigits(value)) return value;
      throw unfit(path, 'it is the digits of an integer, as text');
    case 'principal':
      if (isPrincipal(value)) return { agent: value.agent, authority: value.authority };
      break;
    case 'dateTime':
      if (isMomentText(value)) return value;
      throw unfit(path, 'it is a moment as text: 2025-01-31T12:00:00.000Z');
    case 'maybe':
      return storedValue(field.of, value, path);
    case 'json': {
      const stored = storeJson(value, path);
      if (stored !== undefined) return stored;
      break;
    }
    default:
      return unreachable(field);
  }
  throw unfit(path, `it is no ${field.kind}`);
}

function isMomentText(value: Json): value is string {
  if (typeof value !== 'string' || !/^\d{4}-/.test(value)) return false;
  const moment = new Date(value);
  return Number.isFinite(moment.getTime()) && moment.toISOString() === value;
}

function storedList({ of, max }: ListField, value: Json, path: string): Json | undefined {
  if (!Array.isArray(value)) throw unfit(path, 'it is no list');
  if (value.length > max) throw unfit(path, `it holds at most ${max} items`);
  // Empty and absent are one thing, and stored as one.
  if (value.length === 0) return undefined;
  return value.map((item: Json, index) => storedValue(of, item, `${path}.${index}`));
}

function storedMap({ of }: MapField, value: Json, known: ReadonlySet<string>, path: string): Json {
  if (!isJsonObject(value)) throw unfit(path, 'it is no object');
  const map: JsonObject = {};
  for (const [key, part] of Object.entries(value)) {
    checkKey(key);
    const stored = storedField(of, part, known, `${path}.${key}`);
    if (stored !== undefined) map[key] = stored;
  }
  return map;
}

function storedTable(field: TableField, value: Json, known: ReadonlySet<string>, path: string): Json {
  if (!isJsonObject(value)) throw unfit(path, 'it is no table');
  const { [nextKey]: next = 0, ...rows } = value;
  const table: JsonObject = {};
  const ordinals = new Set<Json>();
  for (const [id, row] of Object.entries(rows)) {
    const at = `${path}.${id}`;
    if (!rowIdPattern.test(id)) throw unfit(at, 'this is no id of a row: tables are made by table([...])');
    if (!isJsonObject(row)) throw unfit(at, 'it is no row');
    const { [ordinalKey]: ordinal, ...fields } = row;
    if (!isCount(ordinal) || !isCount(next) || ordinal >= next || ordinals.has(ordinal)) {
      throw unfit(at, 'its place is none: tables are made by table([...])');
    }
    ordinals.add(ordinal);
    table[id] = { ...storedRecord(field.shape, fields, known, at), [ordinalKey]: ordinal };
  }
  if (ordinals.size > field.max) throw unfit(path, `it holds at most ${field.max} rows`);
  checkKeys(field, table, path);
  if (Object.hasOwn(value, nextKey)) table[nextKey] = next;
  return table;
}

/** No two rows have the same key; null is none. */
function checkKeys({ key, shape }: TableField, table: JsonObject, path: string): void {
  if (key === undefined) return;
  const rank = rankOf(shape[key] as RankedField);
  const seen = new Set<unknown>();
  for (const [id, row] of Object.entries(table)) {
    const value = rank((row as JsonObject)[key]);
    if (value !== null && seen.has(value)) throw unfit(`${path}.${id}`, `another row has its ${key}`);
    seen.add(value);
  }
}

function isCount(value: Json | undefined): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function unfit(path: string, text: string): CodedError {
  return new CodedError('MIGRATION_FAILED', `${path === '' ? 'the document' : path}: ${text}`);
}
