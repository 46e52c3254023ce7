// What is not forbidden leaves every document readable: random deploys over a document that is written to between them.
import fc from 'fast-check';
import t from 'tap';
import { CodedError } from '../../engine/base/errors.ts';
import type { Json, JsonObject } from '../../engine/base/merge-patch.ts';
import { diff } from '../../engine/base/merge-patch.ts';
import type { Shape } from '../../engine/document/define.ts';
import { document, t as f } from '../../engine/document/define.ts';
import type { Finding } from '../../engine/document/definition/compare.ts';
import { compareSpaces, succeed, verdictOf } from '../../engine/document/definition/compare.ts';
import type { Described } from '../../engine/document/definition/describe.ts';
import { describeApp } from '../../engine/document/definition/describe.ts';
import type { Field } from '../../engine/document/definition/fields.ts';
import { beginWork, planRecord } from '../../engine/document/draft/draft.ts';
import { storedRecord } from '../../engine/document/draft/stored.ts';
import { fakeEnv } from './kit.ts';

// Shapes of few names and few kinds, so that they meet each other often.
const scalar: fc.Arbitrary<Field> = fc.oneof(
  fc.constant(f.int(0)),
  fc.constant(f.string('')),
  fc.constant(f.boolean(false)),
  fc.constant(f.bigint(0n)),
  fc.subarray(['x', 'y', 'z'], { minLength: 1 }).map((words) => f.enum(words)),
);
const value: fc.Arbitrary<Field> = fc.oneof(
  { weight: 4, arbitrary: scalar },
  scalar.map((of) => f.maybe(of as never)),
  fc.constant(f.principal()),
  fc.constant(f.dateTime()),
  fc.constant(f.json()),
  fc.tuple(scalar, fc.integer({ min: 1, max: 3 })).map(([of, max]) => f.list(of as never, { max })),
);
const names = ['a', 'b', 'c'];
const record = <F extends Field>(part: fc.Arbitrary<F>): fc.Arbitrary<Shape> => {
  return fc.dictionary(fc.constantFrom(...names), part, { minKeys: 1, maxKeys: 3 }).map((fields) => ({ ...fields }));
};
const table = fc.tuple(record(value), fc.boolean(), fc.integer({ min: 1, max: 3 })).map(([shape, isKeyed, max]) => {
  const key = isKeyed
    ? Object.keys(shape).find((name) => ['int', 'string', 'boolean', 'enum'].includes(shape[name]?.kind ?? ''))
    : undefined;
  return f.table(shape as never, { key: key as never, max });
});
const anyField: fc.Arbitrary<Field> = fc.oneof(
  { weight: 3, arbitrary: value },
  record(value).map((shape) => f.record(shape)),
  fc
    .oneof(
      scalar,
      record(value).map((shape) => f.record(shape)),
    )
    .map((of) => f.map(of as never)),
  table,
);
const shape = record(anyField);

/** Writes something into each field, as a handler would. */
function write(fields: Shape, draft: Record<string, unknown>, pick: () => number): void {
  for (const [name, field] of Object.entries(fields)) {
    try {
      if (field.kind === 'record') write(field.shape, draft[name] as never, pick);
      else if (field.kind === 'list') (draft[name] as { push(value: unknown): void }).push(heldBy(field.of, pick));
      else if (field.kind === 'table') write(field.shape, (draft[name] as { add(row: object): never }).add({}), pick);
      else if (field.kind === 'map') {
        const map = draft[name] as { set(key: string, value: unknown): void; get(key: string): unknown };
        const key = names[pick() % 3] as string;
        map.set(key, field.of.kind === 'record' ? {} : heldBy(field.of, pick));
        if (field.of.kind === 'record') write(field.of.shape, map.get(key) as never, pick);
      } else draft[name] = heldBy(field, pick);
    } catch (cause) {
      // Full, or its key is taken.
      if (!(cause instanceof CodedError)) throw cause;
    }
  }
}

function heldBy(field: Field, pick: () => number): unknown {
  const number = pick();
  switch (field.kind) {
    case 'enum':
      return field.values[number % field.values.length];
    case 'maybe':
      return heldBy(field.of, pick);
    case 'principal':
      return { agent: `${number}`, authority: 'x' };
    case 'dateTime':
      return new Date(number);
    case 'json':
      return { [`k${number}`]: [number, null] };
    case 'bigint':
      return BigInt(number);
    case 'boolean':
      return number % 2 === 0;
    default:
      return field.kind === 'int' ? number : `${number}`;
  }
}

/** All that a handler reads of the fields that both have. */
function read(fields: Shape, other: Shape, draft: Record<string, unknown>): Json {
  const seen: JsonObject = {};
  for (const [name, field] of Object.entries(fields)) {
    const also = Object.hasOwn(other, name) ? other[name] : undefined;
    if (also === undefined) continue;
    const it = draft[name] as never;
    if (field.kind === 'record') seen[name] = read(field.shape, (also as typeof field).shape, it);
    else if (field.kind === 'list') seen[name] = plain([...(it as Iterable<unknown>)]);
    else if (field.kind === 'table') {
      const rows = [...(it as Iterable<Record<string, unknown>>)];
      seen[name] = rows.map((row) => [row['id'] as string, read(field.shape, (also as typeof field).shape, row)]);
    } else if (field.kind === 'map') {
      const { of } = field;
      const entries = (it as { entries(): [string, Record<string, unknown>][] }).entries();
      const inner = (also as typeof field).of;
      seen[name] = entries.map(([key, entry]) => [
        key,
        of.kind === 'record' && inner.kind === 'record' ? read(of.shape, inner.shape, entry) : plain(entry),
      ]);
    } else seen[name] = plain(it);
  }
  return seen;
}

function plain(value: unknown): Json {
  return JSON.parse(
    JSON.stringify(value ?? null, (_, part: unknown) => (typeof part === 'bigint' ? `${part}` : part)),
  ) as Json;
}

function reads(fields: Shape, other: Shape, state: JsonObject): Json {
  const work = beginWork(planRecord(fields), state);
  const seen = read(fields, other, work.doc as never);
  work.rollback();
  return seen;
}

function namesOf(value: Json, found = new Set<string>()): Set<string> {
  if (typeof value === 'object' && value !== null) {
    for (const [name, part] of Object.entries(value)) {
      found.add(name);
      namesOf(part, found);
    }
  }
  return found;
}

t.test('[D41] what is not forbidden leaves every document readable, with the same values', async (t) => {
  const seen = { deployed: 0, forbidden: 0, back: 0 };
  const property = fc.property(
    fc.array(shape, { minLength: 3, maxLength: 8 }),
    fc.infiniteStream(fc.nat(5)),
    (deploys, numbers) => {
      const { randomBytes16 } = fakeEnv();
      const pick = (): number => numbers.next().value as number;
      const state: JsonObject = {};
      let fields: Shape = {};
      let runs: Described = describeApp({ spaces: { s: document({}) } });
      for (const next of deploys) {
        const described = describeApp({ spaces: { s: document(next) } });
        const findings = compareSpaces(runs, described).flatMap((space): readonly Finding[] => space.findings);
        if (verdictOf(findings) === 'forbidden') {
          seen.forbidden += 1;
          continue;
        }
        seen.deployed += 1;
        if (Object.keys(runs['s']?.gone ?? {}).some((path) => Object.hasOwn(next, path))) seen.back += 1;
        if (diff(reads(fields, next, state), reads(next, fields, state)) !== undefined) return false;
        storedRecord(next, state, namesOf(state));
        [runs, fields] = [succeed(runs, described), next];
        const work = beginWork(planRecord(next), state, randomBytes16);
        for (let round = 0; round < 3; round += 1) write(next, work.doc as never, pick);
        work.finish();
      }
      return true;
    },
  );
  fc.assert(property, { seed: 20_261_123, numRuns: 2_000 });
  t.ok(seen.deployed > 1_000 && seen.forbidden > 1_000 && seen.back > 20, JSON.stringify(seen));
});
