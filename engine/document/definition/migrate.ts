// A document of an older version, brought to the one that runs: step after step over a copy, which is then held against the shape. What fails,
// fails here, and nothing was changed.
import { AssertionFailed } from '../../base/assert.ts';
import { CodedError } from '../../base/errors.ts';
import { documentLengthMax, messageDepthMax } from '../../base/limits.ts';
import type { Json, JsonObject } from '../../base/merge-patch.ts';
import { isJsonObject } from '../../base/merge-patch.ts';
import { storedRecord } from '../draft/stored.ts';
import { nextKey, ordinalKey } from '../draft/table-memory.ts';
import { freshIdIn } from '../draft/table-rows.ts';
import { isReservedKey, wellFormed } from '../draft/values.ts';
import { agendaOf, withoutAgenda } from '../life/agenda.ts';
import { lengthOf } from '../life/length.ts';
import { versionKey, versionOf } from '../life/version.ts';
import type { Definition } from './definition.ts';
import type { Former, MigrationStep } from './steps.ts';
import { oldestOf } from './steps.ts';

/** Whether documents of this state wait for a migration. DOCUMENT_NEWER where it is the definition that is behind. */
export function isBehind({ plan }: Definition, state: JsonObject): boolean {
  const [is, runs] = [versionOf(state), plan.version];
  if (is <= runs) return is < runs;
  throw new CodedError('DOCUMENT_NEWER', `it is of version ${is}, and what runs here is of version ${runs}`);
}

/** Of a state that is behind: a new one. MIGRATION_FAILED, with what was thrown as its cause. */
export function migrate(definition: Definition, state: JsonObject, randomBytes16: () => Uint8Array): JsonObject {
  const { plan } = definition;
  const from = versionOf(state);
  if (from < oldestOf(plan)) {
    const known = `it is of version ${from}, and what runs here knows those from ${oldestOf(plan)} on`;
    throw new CodedError('MIGRATION_FAILED', known);
  }
  // What the document has before it is no part of what it says, and stays.
  const { [versionKey]: _version, ...fields } = withoutAgenda(state);
  let doc: Former = structuredCloneOf(fields);
  for (let to = from + 1; to <= plan.version; to += 1) {
    doc = stepTo(to, plan.steps.get(to) as MigrationStep, doc, randomBytes16);
  }
  return failing('what the migration made does not fit', () => {
    const stored = storedRecord(plan.record.shape, plain(doc, 0), namesIn(state));
    if (lengthOf(stored) > documentLengthMax) {
      throw new CodedError('MIGRATION_FAILED', `a document has at most ${documentLengthMax} characters as JSON`);
    }
    return { ...agendaOf(state), ...stored, [versionKey]: plan.version };
  });
}

function stepTo(to: number, step: MigrationStep, doc: Former, randomBytes16: () => Uint8Array): Former {
  return failing(`the step to version ${to} failed`, () => {
    const made: unknown = step({ doc, rows: rowsOf, table: (rows) => tableOf(rows, randomBytes16) });
    if (made instanceof Promise) {
      // It fails by itself later: nobody else would hear of it.
      made.catch(() => undefined);
      throw new TypeError('a step is synchronous: it returned a promise');
    }
    return made ?? doc;
  });
}

/** Names what failed, and keeps what was thrown. */
function failing<T>(what: string, run: () => T): T {
  try {
    return run();
  } catch (cause) {
    // It says that we are wrong, not the application (C19).
    if (cause instanceof AssertionFailed) throw cause;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new CodedError('MIGRATION_FAILED', `${what}: ${why}`, { cause });
  }
}

function rowsOf(table: Former): Former[] {
  const rows = Object.values((table ?? {}) as JsonObject).filter(isJsonObject);
  return rows.sort((a, b) => Number(a[ordinalKey]) - Number(b[ordinalKey]));
}

function tableOf(rows: readonly object[], randomBytes16: () => Uint8Array): JsonObject {
  const table: JsonObject = {};
  for (const [ordinal, row] of rows.entries()) {
    const id = freshIdIn((one) => Object.hasOwn(table, one), randomBytes16);
    table[id] = { ...row, [ordinalKey]: ordinal };
  }
  return { ...table, [nextKey]: rows.length };
}

/** The names of everything in a state. */
function namesIn(value: Json, names = new Set<string>()): ReadonlySet<string> {
  if (Array.isArray(value)) for (const part of value) namesIn(part as Json, names);
  else if (isJsonObject(value)) {
    for (const [name, part] of Object.entries(value)) {
      if (name !== versionKey) names.add(name);
      namesIn(part, names);
    }
  }
  return names;
}

function structuredCloneOf(value: Json): Json {
  if (Array.isArray(value)) return value.map((part: Json) => structuredCloneOf(part));
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, structuredCloneOf(part)]));
}

/** A copy as it can be written: null and undefined in an object are absent. */
function plain(value: unknown, depth: number): Json {
  if (depth > 2 * messageDepthMax) throw new TypeError('it nests too deep');
  if (value === null || typeof value === 'boolean') return value;
  if (typeof value === 'string') return wellFormed(value);
  if (typeof value === 'number' && Number.isFinite(value)) return value + 0;
  if (typeof value !== 'object') throw new TypeError(`it holds ${String(value)}, which is no JSON`);
  if (Array.isArray(value)) return value.map((part: unknown) => plain(part ?? null, depth + 1));
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) throw new TypeError('it holds what is no plain value');
  const copy: JsonObject = {};
  for (const [key, part] of Object.entries(value)) {
    if (isReservedKey(key)) throw new TypeError(`the key ${key} is reserved`);
    if (part !== null && part !== undefined) copy[key] = plain(part, depth + 1);
  }
  return copy;
}
