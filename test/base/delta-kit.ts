// Views of every kind, and a differ that knows which place is of which kind: what a head knows by its definition.
import fc from 'fast-check';
import { asDelta, own, put } from '../../engine/base/delta.ts';
import { asNew, diffJson, diffList, orderDelta } from '../../engine/base/delta-diff.ts';
import type { Json, JsonObject } from '../../engine/base/merge-patch.ts';
import { isJsonObject } from '../../engine/base/merge-patch.ts';

type Fields = { readonly [name: string]: Schema };
export type Schema =
  | { readonly kind: 'scalar' | 'json' | 'items' }
  | { readonly kind: 'record' | 'rows'; readonly fields: Fields }
  | { readonly kind: 'map'; readonly of: Schema };

export const rowIds: readonly string[] = ['p', 'q', 'r', 's', 't', 'toString', 'u', '0', 'id'];
const jsonKeys = ['a', 'b', '@type', '@r', '@s', '@o', 'toString', '__proto__', '0'];

const scalars: fc.Arbitrary<Json> = fc.constantFrom<Json>(0, 1, 2, 'x', 'a text that is longer', true);

/** Any JSON without null in objects, also under keys that look like operators. */
export const jsonTree: fc.Arbitrary<Json> = fc.letrec<{ tree: Json; list: Json; object: Json }>((tie) => ({
  tree: fc.oneof({ maxDepth: 3, withCrossShrink: true }, scalars, tie('object'), tie('object'), tie('list')),
  list: fc.array(fc.oneof(fc.constant(null), tie('tree')), { maxLength: 3 }),
  object: fc
    .uniqueArray(fc.tuple(fc.constantFrom(...jsonKeys), tie('tree')), { maxLength: 3, selector: ([key]) => key })
    .map((members) => Object.fromEntries(members)),
})).tree;

/** A list that is mostly the same from one view to the next. */
const items: fc.Arbitrary<Json> = fc
  .tuple(fc.nat(8), fc.array(fc.tuple(fc.nat(8), fc.oneof(scalars, jsonTree)), { maxLength: 2 }))
  .map(([size, changes]) => {
    const list: Json[] = Array.from({ length: size }, (_, index) => `item ${index}`);
    for (const [at, value] of changes) if (at < size) list[at] = value;
    return list;
  });

const leaf = fc.constantFrom<Schema>({ kind: 'scalar' }, { kind: 'json' }, { kind: 'items' });

function schemas(depth: number): fc.Arbitrary<Schema> {
  if (depth === 0) return leaf;
  const inner = schemas(depth - 1);
  const named = (names: readonly string[]): fc.Arbitrary<Fields> =>
    fc
      .uniqueArray(fc.tuple(fc.constantFrom(...names), inner), { maxLength: 3, selector: ([name]) => name })
      .map((fields) => Object.fromEntries(fields));
  return fc.oneof(
    leaf,
    // A record in a map may well have a field called id.
    named(['a', 'b', 'id', 'toString']).map((fields) => ({ kind: 'record', fields }) as const),
    named(['a', 'b', 'toString']).map((fields) => ({ kind: 'rows', fields }) as const),
    inner.map((of) => ({ kind: 'map', of }) as const),
  );
}

function values(schema: Schema): fc.Arbitrary<Json> {
  switch (schema.kind) {
    case 'scalar':
      return scalars;
    case 'json':
      return jsonTree;
    case 'items':
      return items;
    case 'record':
      return members(schema.fields);
    case 'map':
      return fc.dictionary(fc.constantFrom('x', 'y', 'toString', 'constructor'), values(schema.of), {
        noNullPrototype: true,
      });
    default:
      return fc
        .tuple(orders(rowIds), fc.array(members(schema.fields), { minLength: rowIds.length, maxLength: rowIds.length }))
        .map(([ids, rows]) => ids.map((id, index) => ({ id, ...(rows[index] as JsonObject) })));
  }
}

function members(fields: Fields): fc.Arbitrary<JsonObject> {
  const parts = Object.entries(fields).map(([name, field]) => {
    return fc.option(values(field), { freq: 15 }).map((value) => [name, value] as const);
  });
  return fc.tuple(...parts).map((pairs) => Object.fromEntries(pairs.filter(([, value]) => value !== null)));
}

/** Some of `ids`, mostly in their order. */
export function orders(ids: readonly string[]): fc.Arbitrary<string[]> {
  return fc.oneof(
    fc.subarray([...ids]),
    fc.subarray([...ids], { minLength: ids.length - 2 }),
    fc.shuffledSubarray([...ids]),
  );
}

/** A schema, and a document's view at several moments. */
export function histories(length: number): fc.Arbitrary<{ readonly schema: Schema; readonly views: Json[] }> {
  const scalar: Schema = { kind: 'scalar' };
  const deep: Schema = { kind: 'rows', fields: { m: scalar, list: { kind: 'items' } } };
  const root = fc.tuple(schemas(1), schemas(2)).map(([field, other]): Schema => {
    const rows: Schema = { kind: 'rows', fields: { field, n: scalar, json: { kind: 'json' }, deep } };
    return { kind: 'record', fields: { rows, other, list: { kind: 'items' } } };
  });
  return root.chain((schema) =>
    fc.record({
      schema: fc.constant(schema),
      views: fc.array(values(schema), { minLength: length, maxLength: length }),
    }),
  );
}

/** The delta from one view to the next, undefined where they are equal. */
export function diffView(schema: Schema, before: Json | undefined, after: Json | undefined): Json | undefined {
  return diffMembers(schema, before as JsonObject, after as JsonObject);
}

function diffPart(schema: Schema, before: Json | undefined, after: Json | undefined): Json | undefined {
  if (after === undefined) return before === undefined ? undefined : null;
  if (before === undefined) return newOf(schema, after);
  switch (schema.kind) {
    case 'scalar':
      return before === after ? undefined : after;
    case 'json':
      return diffJson(before, after);
    case 'items':
      return diffList(before as Json[], after as Json[]);
    case 'rows':
      return diffRows(schema.fields, before as JsonObject[], after as JsonObject[]);
    default:
      return shorter(diffMembers(schema, before as JsonObject, after as JsonObject), after);
  }
}

function diffMembers(schema: Schema, before: JsonObject, after: JsonObject): JsonObject | undefined {
  const patch: JsonObject = {};
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const part =
      key === 'id' && !hasField(schema, key)
        ? undefined
        : diffPart(inner(schema, key), own(before, key), own(after, key));
    if (part !== undefined) put(patch, key, part);
  }
  return Object.keys(patch).length === 0 ? undefined : patch;
}

function diffRows(fields: Fields, before: readonly JsonObject[], after: readonly JsonObject[]): Json | undefined {
  const former = new Map(before.map((row) => [row['id'] as string, row]));
  // A list may always come whole.
  if (before.length > 0 && !after.some(({ id }) => former.has(id as string))) return after;
  const order = orderDelta(
    [...former.keys()],
    after.map(({ id }) => id as string),
  );
  const patch: JsonObject = order === undefined ? {} : { '@o': order };
  const record: Schema = { kind: 'record', fields };
  for (const row of after) {
    const part = diffPart(record, former.get(row['id'] as string), row);
    if (part !== undefined) put(patch, row['id'] as string, part);
  }
  return Object.keys(patch).length === 0 ? undefined : patch;
}

/** A record may be put in place whole, where that is shorter. */
function shorter(patch: JsonObject | undefined, after: Json): Json | undefined {
  const whole = asDelta(after);
  return patch !== undefined && JSON.stringify(whole).length < JSON.stringify(patch).length ? whole : patch;
}

function newOf(schema: Schema, value: Json): Json {
  if (schema.kind === 'json') return asNew(value);
  if (!isJsonObject(value)) return value;
  const whole: JsonObject = {};
  for (const key of Object.keys(value)) put(whole, key, newOf(inner(schema, key), value[key] as Json));
  return whole;
}

function inner(schema: Schema, key: string): Schema {
  if (schema.kind === 'map') return schema.of;
  return hasField(schema, key) ? ((schema as { fields: Fields }).fields[key] as Schema) : { kind: 'scalar' };
}

function hasField(schema: Schema, key: string): boolean {
  return 'fields' in schema && Object.hasOwn(schema.fields, key);
}
