import t from 'tap';
import { z } from 'zod';
import type { Json } from '../../engine/base/merge-patch.ts';
import type { Definition, Shape } from '../../engine/document/define.ts';
import { all, document, t as f, open, requires, viewerIs } from '../../engine/document/define.ts';
import { compareDefinitions, compareSpaces, succeed, verdictOf } from '../../engine/document/definition/compare.ts';
import type { Described, Description } from '../../engine/document/definition/describe.ts';
import { describe, describeApp } from '../../engine/document/definition/describe.ts';
import { takesAll } from '../../engine/document/definition/takes.ts';

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
  t.match(
    compare(before, document({ a: f.string('') })),
    [/^breaks clients: version: 1 is behind 2/],
    'it can be taken back',
  );
  t.match(compare(before, after.version(3, { 3: step })), [
    /^allowed/,
    /^breaks clients: version: documents of version 1 that/,
    /^allowed/,
  ]);
  t.match(compare(before, document({ a: f.int(0) }).version(2, {})), [
    /^breaks clients: version: documents of version 1 that/,
  ]);
});

t.test('[D40] [D41] what documents of other versions hold is remembered', async (t) => {
  const of = (definition: Definition): Described => describeApp({ spaces: { s: definition } });
  const step = (): void => {};
  const after = (...definitions: readonly Definition[]): Described => definitions.map(of).reduce(succeed);
  const verdict = (before: Described, next: Definition): string => {
    return verdictOf(compareSpaces(before, of(next)).flatMap(({ findings }) => findings));
  };
  const first = document({ a: f.int(0) });
  const second = document({ a: f.string('') }).version(2, { 2: step });
  const run = after(first, second);
  t.equal(verdict(run, first), 'breaks clients', 'what has run may run again');
  t.equal(verdict(run, document({ a: f.json() })), 'forbidden', 'and nothing else of its version');
  t.equal(verdict(after(first, second, first), second), 'allowed');
  t.equal(verdict(after(first, second, first), document({ a: f.json() }).version(2, { 2: step })), 'forbidden');
  t.equal(
    verdict(after(first, document({}), second), document({ a: f.json() })),
    'forbidden',
    'nor what was gone in it',
  );
  const gone = succeed(of(first), {});
  t.same(compareSpaces(gone, {}), []);
  t.equal(verdict(gone, document({ a: f.int(0) })), 'allowed', 'a space may come back');
  t.equal(verdict(gone, document({ a: f.json() })), 'forbidden', 'as what it was');
  t.equal(verdict(succeed(gone, {}), document({ a: f.json() })), 'forbidden');
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
  t.same(compare(one(text), document({})), ['breaks clients: channel say: it is gone']);
  t.same(compare(document({}), one(text)), ['allowed: channel say: it is new']);
  t.same(compare(document({}), document({}).events({ invent: () => true })), [
    'allowed: events.invent: documents may be begun',
  ]);
  const made = document({})
    .create(text, () => true)
    .events({ delete: () => true });
  t.same(compare(made, made), []);
  t.same(compare(made, document({})), ['breaks clients: create: it is gone', 'breaks clients: delete: it is gone']);
  const shown = document({}).policies({ p: () => true });
  const before = shown.ephemeral('cursor', text, { see: open });
  t.same(compare(before, before), []);
  t.match(compare(before, shown), [
    /^breaks clients: ephemeral cursor: viewers saw/,
    /^breaks clients: ephemeral cursor: it is gone/,
  ]);
  t.match(compare(before, shown.ephemeral('cursor', text, { see: all('p') })), [
    /^breaks clients: ephemeral cursor: who sees it/,
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
