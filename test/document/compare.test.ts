// What a change of a definition does to documents and to clients that are there: three verdicts, and what they promise.
import fc from 'fast-check';
import { all, document, t as f, open, requires, viewerIs } from 'levelten';
import t from 'tap';
import { z } from 'zod';
import { CodedError } from '../../engine/base/errors.ts';
import type { Json, JsonObject } from '../../engine/base/merge-patch.ts';
import { diff } from '../../engine/base/merge-patch.ts';
import type { Definition, Shape } from '../../engine/document/define.ts';
import type { Finding } from '../../engine/document/definition/compare.ts';
import { compareDefinitions, compareSpaces, succeed, verdictOf } from '../../engine/document/definition/compare.ts';
import type { Described, Description } from '../../engine/document/definition/describe.ts';
import { describe, describeApp } from '../../engine/document/definition/describe.ts';
import type { Field } from '../../engine/document/definition/fields.ts';
import { takesAll } from '../../engine/document/definition/takes.ts';
import { beginWork, planRecord } from '../../engine/document/draft/draft.ts';
import { storedRecord } from '../../engine/document/draft/stored.ts';
import { fakeEnv } from './kit.ts';

function compare(before: Definition, after: Definition): string[] {
  // Through JSON, as it is kept with a host.
  const kept = JSON.parse(JSON.stringify(describe(before))) as Description;
  return compareDefinitions(kept, describe(after)).map(({ path, verdict, what }) => `${verdict}: ${path}: ${what}`);
}

const shapes = (before: Shape, after: Shape): string[] => compare(document(before), document(after));

t.test('[D41] what is stored', async (t) => {
  const table = (options: object, more: object = {}): Shape => ({
    t: f.table({ a: f.int(0), b: f.string(''), ...more }, options),
  });
  const rows: readonly (readonly [before: Shape, after: Shape, findings: readonly string[]])[] = [
    [{ a: f.int(0) }, { a: f.int(0) }, []],
    [{}, { a: f.int(0) }, ['allowed: a: a new field: int']],
    [{ a: f.int(0) }, {}, ['allowed: a: the field is gone: what documents hold of it stays, unseen']],
    [{ a: f.int(0) }, { a: f.string('') }, ['forbidden: a: int becomes string']],
    [{ a: f.int(0) }, { a: f.double(0) }, ['forbidden: a: int becomes double']],
    [{ a: f.int(0) }, { a: f.maybe(f.int()) }, ['forbidden: a: int becomes maybe of int']],
    [{ a: f.maybe(f.int()) }, { a: f.maybe(f.string()) }, ['forbidden: a: int becomes string']],
    [{ a: f.int(0) }, { a: f.int(1) }, ['allowed: a: where it is absent it reads as 1, and no more as 0']],
    [
      { a: f.enum(['x', 'y']) },
      { a: f.enum(['x', 'z']) },
      ['forbidden: a: it is no more one of y', 'allowed: a: it may also be one of z'],
    ],
    [
      { a: f.list(f.int(), { max: 2 }) },
      { a: f.list(f.int(), { max: 1 }) },
      ['forbidden: a: it holds at most 1, and held 2'],
    ],
    [{ a: f.list(f.int(), { max: 2 }) }, { a: f.list(f.int(), { max: 3 }) }, ['allowed: a: it holds up to 3']],
    [{ a: f.list(f.enum(['x'])) }, { a: f.list(f.int()) }, ['forbidden: a.*: enum becomes int']],
    [{ a: f.map(f.int()) }, { a: f.map(f.string()) }, ['forbidden: a.*: int becomes string']],
    [
      { a: f.map(f.record({ b: f.int(0) })) },
      { a: f.map(f.record({ b: f.json() })) },
      ['forbidden: a.*.b: int becomes json'],
    ],
    [
      { a: f.record({ b: f.int(0) }) },
      { a: f.record({ b: f.int(0), c: f.int(0) }) },
      ['allowed: a.c: a new field: int'],
    ],
    [table({}), table({ key: 'a' }), ['forbidden: t: its key is a now: rows may hold it twice']],
    [table({ key: 'a' }), table({ key: 'b' }), ['forbidden: t: its key is b now: rows may hold it twice']],
    [table({ key: 'a' }), table({}), ['allowed: t: a is no key any more']],
    [
      table({ key: 'a' }),
      table({ key: 'a' }, { a: f.int(1) }),
      [
        'forbidden: t: its key a reads as another value where it is absent: rows may hold it twice',
        'allowed: t.*.a: where it is absent it reads as 1, and no more as 0',
      ],
    ],
    [table({ index: ['a'] }), table({ index: ['b'] }), ['allowed: t: its indexes are b']],
    [table({ max: 9 }), table({ max: 8 }), ['forbidden: t: it holds at most 8, and held 9']],
    [table({}), table({}, { b: f.int(0) }), ['forbidden: t.*.b: string becomes int']],
  ];
  for (const [before, after, findings] of rows) t.same(shapes(before, after), findings);
});

t.test('[D40] [D41] a version with a step allows it; one without does not', async (t) => {
  const before = document({ a: f.int(0) }).version(2, { 2: () => {} });
  const after = document({ a: f.string('') });
  const step = (): void => {};
  const verdict = (definition: Definition): string[] =>
    compare(before, definition).map((text) => text.split(':')[0] ?? '');
  t.same(compare(before, after.version(3, { 2: step, 3: step })), [
    'allowed: version: 2 becomes 3: documents are migrated when they are next opened',
    'allowed: a: int becomes string: the step sees to that',
  ]);
  t.same(verdict(after.version(2, { 2: step })), ['forbidden']);
  t.same(compare(before, document({ a: f.int(0) }).version(4, { 4: step })), [
    'forbidden: version: there is no step from 2 on',
  ]);
  t.match(compare(before, document({ a: f.int(0) })), [/^forbidden: version: 1 is behind 2/]);
  t.match(compare(before, after.version(3, { 3: step })), [
    /^allowed/,
    /^breaks clients: version: documents of version 1 that/,
    /^allowed/,
  ]);
  t.match(compare(before, document({ a: f.int(0) }).version(2, {})), [
    /^breaks clients: version: documents of version 1 that/,
  ]);
});

t.test('[D41] what viewers see', async (t) => {
  const shape = {
    who: f.principal(),
    a: f.int(0),
    r: f.record({ b: f.int(0), c: f.int(0) }),
    rows: f.table({ d: f.int(0) }),
  };
  const base = document(shape)
    .policies({ p: () => true })
    .formulas({ sum: ({ doc }) => doc.a });
  const pages = (before: object, after: object): string[] =>
    compare(base.privacy(before as never), base.privacy(after as never));
  t.same(pages({ a: open, r: open, sum: open }, { a: open, r: open, sum: open }), []);
  t.same(pages({ a: open }, {}), ['breaks clients: a: viewers saw it (open), and nobody does now']);
  t.same(pages({}, { a: viewerIs('who') }), ['allowed: a: viewers see it now (viewerIs(who))']);
  t.same(pages({ a: open }, { a: all('p') }), ['breaks clients: a: who sees it: all(p), and no more open']);
  t.same(pages({ a: all('p') }, { a: open }), ['allowed: a: who sees it: open, and no more all(p)']);
  t.same(pages({ r: open }, { r: { b: open } }), ['breaks clients: r.c: viewers saw it (open), and nobody does now']);
  t.same(pages({ rows: open }, { rows: requires('p', open) }), [
    'breaks clients: rows: who sees it: p, and no more open',
  ]);
  t.same(pages({ sum: open }, {}), ['breaks clients: sum: viewers saw it (open), and nobody does now']);
  t.same(
    compare(
      document({ l: f.list(f.int()) }).privacy({ l: open }),
      document({ l: f.list(f.string()) }).privacy({ l: open }),
    ),
    ['forbidden: l.*: int becomes string', 'breaks clients: l: viewers get list of string where they got list of int'],
  );
});

t.test('[D41] channels, spaces, and who begins documents', async (t) => {
  const one = (schema: Parameters<ReturnType<typeof document>['channel']>[1]): Definition =>
    document({}).channel('say', schema as never, () => 1);
  const takes = (before: unknown, after: unknown): string[] =>
    compare(one(before as never), one(after as never)).map((text) => text.replace('channel say: ', ''));
  const text = z.object({ text: z.string().max(10), more: z.string().optional() });
  t.same(takes(text, text), []);
  t.same(takes(text, z.object({ text: z.string().max(20), at: z.int().optional() })), [
    'allowed: it takes what it took, and more',
  ]);
  t.same(takes(text, text.extend({ at: z.int() })), ['breaks clients: it may not take what it took']);
  t.same(
    takes(
      text,
      z.unknown().refine(() => true),
    ),
    ['breaks clients: it may not take what it took'],
  );
  const mute = { '~standard': { version: 1, vendor: 'x', validate: (value: unknown) => ({ value }) } };
  t.match(takes(mute, text), [/^allowed: its schema tells nothing/]);
  t.same(compare(one(text), document({})), ['breaks clients: channel say: there is no such channel any more']);
  t.same(compare(document({}), one(text)), ['allowed: channel say: a new channel']);
  t.same(compare(document({}), document({}).events({ invent: () => true })), [
    'allowed: events.invent: documents may be begun',
  ]);
  const spaces = compareSpaces(
    describeApp({ spaces: { a: document({}) } }),
    describeApp({ spaces: { b: document({}).version(2, {}) } }),
  );
  t.match(spaces, [
    { space: 'a', versionBefore: 1, versionAfter: 0, findings: [{ verdict: 'breaks clients' }] },
    { space: 'b', versionBefore: 0, versionAfter: 2, findings: [{ verdict: 'allowed' }] },
  ]);
  t.same([verdictOf([]), verdictOf(spaces.flatMap(({ findings }) => findings))], ['allowed', 'breaks clients']);
});

t.test('[D41] what documents wait for', async (t) => {
  const base = document({});
  const arg = z.object({ by: z.int() });
  const timed = base.timer('ring', arg, () => {}).effect('mail', () => null);
  t.same(compare(timed, timed), []);
  t.same(compare(base, timed), []);
  t.match(compare(timed, base), [
    /^breaks clients: timer ring: there is no such timer/,
    /^breaks clients: effect mail: there is no such effect/,
  ]);
  t.same(
    compare(
      timed,
      base.timer('ring', arg.partial(), () => {}).effect('mail', () => 1),
    ),
    [],
  );
  const other = base.timer('ring', z.string(), () => {}).effect('mail', () => null);
  t.match(compare(timed, other), [/^breaks clients: timer ring: it may not take what it was set with/]);
});

t.test('[D41] a schema takes what another took where that can be seen, and not otherwise', async (t) => {
  const schema = (one: z.ZodType): Json => one['~standard'].jsonSchema.input({ target: 'draft-2020-12' }) as Json;
  const rows: readonly (readonly [before: z.ZodType, after: z.ZodType, takes: boolean])[] = [
    [z.int().max(3), z.int().max(4), true],
    [z.int().max(4), z.int().max(3), false],
    [z.int().min(3), z.int().min(4), false],
    [z.int(), z.string(), false],
    [z.string(), z.string().min(1), false],
    [z.string().min(1), z.string(), true],
    [z.string().regex(/a/), z.string().regex(/b/), false],
    [z.enum(['a']), z.enum(['a', 'b']), true],
    [z.enum(['a', 'b']), z.enum(['a']), false],
    [z.enum(['a']), z.string(), true],
    [z.string(), z.enum(['a']), false],
    [z.object({ a: z.string() }), z.object({ a: z.string().optional() }), true],
    [z.object({ a: z.string().optional() }), z.object({ a: z.string() }), false],
    [z.object({ a: z.string() }), z.object({}), true],
    [z.object({ a: z.string() }), z.strictObject({}), false],
    [z.object({}), z.strictObject({}), false],
    [z.strictObject({ a: z.string() }), z.strictObject({ a: z.string(), b: z.string().optional() }), true],
    [z.object({ a: z.int() }), z.object({ a: z.int().max(1) }), false],
    [z.array(z.int()), z.array(z.int().max(1)), false],
    [z.array(z.int()).max(2), z.array(z.int()).max(3), true],
    [z.string(), z.union([z.int(), z.string()]), true],
    [z.union([z.int(), z.string()]), z.string(), false],
    [z.union([z.int(), z.string()]), z.union([z.string(), z.int(), z.boolean()]), true],
  ];
  for (const [index, [before, after, takes]] of rows.entries()) {
    t.equal(takesAll(schema(before), schema(after)), takes, `row ${index}`);
  }
});

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
