// What a network may bring: whatever it is, it throws nothing, pollutes nothing, and costs no more than it is long.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { test } from 'tap';
import { applyDelta, deltaDepthMax } from '../../engine/base/delta.ts';
import { composeDeltas } from '../../engine/base/delta-compose.ts';
import type { Json } from '../../engine/base/merge-patch.ts';
import { isJsonObject } from '../../engine/base/merge-patch.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const keys = [
  '@r',
  '@s',
  '@o',
  '@x',
  'id',
  'a',
  '0',
  '1',
  '-0',
  '01',
  '__proto__',
  'constructor',
  'prototype',
  'toString',
];
const numbers = fc.constantFrom<Json>(-1, 0, 1, 2, 0.5, 2 ** 31, 2 ** 53, 1e300);

/** JSON full of operators and of keys that every object answers to. */
const garbage = fc.letrec<{ any: Json; object: Json; list: Json }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 5 },
    numbers,
    fc.constantFrom<Json>(null, true, 'a', '__proto__', '@o'),
    tie('object'),
    tie('list'),
  ),
  list: fc.array(fc.oneof(tie('any'), fc.tuple(numbers, numbers), fc.constantFrom(...keys)), { maxLength: 5 }),
  object: fc
    .array(fc.tuple(fc.constantFrom(...keys), tie('any')), { maxLength: 5 })
    .map((members) => Object.fromEntries(members)),
})).any;

/** Nothing in `value` has another prototype than JSON gives. */
function isPlain(value: Json | undefined): boolean {
  if (Array.isArray(value)) return Object.getPrototypeOf(value) === Array.prototype && value.every(isPlain);
  if (!isJsonObject(value)) return true;
  return Object.getPrototypeOf(value) === Object.prototype && Object.values(value).every(isPlain);
}

test('[D5] [D25] garbage throws nothing, pollutes nothing, and gives the same each time', (t) => {
  const before = Object.getOwnPropertyNames(Object.prototype).join();
  const seen = { changed: 0, same: 0 };
  const property = fc.property(garbage, garbage, garbage, (view, first, second) => {
    const text = JSON.stringify([view, first, second]);
    const results = [applyDelta(view, first), composeDeltas(first, second)];
    results.push(applyDelta(results[0], second), applyDelta(view, results[1] as Json));
    if (results[0] === view) seen.same += 1;
    else seen.changed += 1;
    const again = applyDelta(view, first);
    return (
      results.every(isPlain) &&
      JSON.stringify(again) === JSON.stringify(results[0]) &&
      JSON.stringify([view, first, second]) === text &&
      JSON.stringify(applyDelta(view, JSON.parse(JSON.stringify(first)))) === JSON.stringify(results[0])
    );
  });
  fc.assert(property, { numRuns: 10_000 });
  t.equal(Object.getOwnPropertyNames(Object.prototype).join(), before);
  t.ok(seen.changed > 1_000 && seen.same > 20, JSON.stringify(seen));
  const attack = JSON.parse('{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}') as Json;
  for (const view of [{}, [], undefined, attack]) applyDelta(view, attack);
  t.notOk('polluted' in {});
  t.end();
});

test('[D5] [D25] what nests without end, or names without end, costs neither the stack nor the time', (t) => {
  const nested = (open: string, close: string): Json =>
    JSON.parse(`${open.repeat(50_000)}1${close.repeat(50_000)}`) as Json;
  const deep = [nested('{"a":', '}'), nested('{"@o":["a"],"a":', '}')];
  for (const delta of deep) {
    t.doesNotThrow(() => applyDelta({ a: 1 }, delta));
    t.doesNotThrow(() => applyDelta(delta, delta));
    t.doesNotThrow(() => composeDeltas(delta, delta));
  }
  const legal = JSON.parse('{"a":'.repeat(deltaDepthMax) + 1 + '}'.repeat(deltaDepthMax)) as Json;
  t.strictSame(applyDelta(undefined, legal), legal, 'no view nests that deep');
  t.strictSame(applyDelta([1], { '@s': Number.MAX_SAFE_INTEGER, 1: 2, 3: 4 }), [1, 2], 'as far as items are given');

  const rows = Array.from({ length: 5_000 }, (_, index) => ({ id: `${index}` }));
  let reads = 0;
  const counted = new Proxy(rows, {
    get: (target, key, receiver): unknown => {
      reads += 1;
      return Reflect.get(target, key, receiver) as unknown;
    },
  });
  const order = Array.from({ length: 5_000 }, (): Json => [0, Number.MAX_SAFE_INTEGER]);
  t.strictSame(applyDelta(counted, { '@o': order }), rows);
  t.ok(reads < 40_000, `${reads} reads of 5,000 rows that are named 5,000 times`);
  t.end();
});

test('[D5] rows that are none, and ids that are not theirs', (t) => {
  const view = [{ id: 'a', n: 1 }, { id: 'b' }, { id: 'c' }];
  const cases: readonly (readonly [delta: Json, after: Json, why: string])[] = [
    [{ '@o': ['b', 'b', [0, 2], 'a'] }, [{ id: 'b' }, { id: 'a', n: 1 }], 'a range ends at a row that is placed'],
    [{ '@o': [[-5, 1]] }, view.slice(0, 2), 'a range is cut to the list'],
    [{ '@o': [[2, 99]] }, view.slice(2), 'at its end too'],
    [{ '@o': [[2, 1], [0], ['0', 1], 5, null, [0.5, 1]] }, [], 'what is neither id nor range is none'],
    [{ '@o': ['x', 'a'] }, view.slice(0, 1), 'a row of which nothing is said'],
    [{ '@o': ['x'], x: { id: 'y' } }, [], 'a row under another id'],
    [{ a: { id: 'z' } }, view, 'a row keeps its id'],
    [{ a: 5, b: { '@r': [] } }, view, 'and stays a row'],
    [{ x: { id: 'x' } }, view, 'without an order nothing comes'],
    [{ a: null }, view.slice(1), 'null removes'],
    [{ '@o': 5, a: { n: 2 } }, [{ id: 'a', n: 2 }, ...view.slice(1)], 'an order that is none'],
    [{ '@s': 3, '': 1, '01': 2, '-0': 3, '1.0': 4 }, view, 'an index has one spelling'],
    [{ '@s': -1, a: { n: 2 } }, [{ id: 'a', n: 2 }, ...view.slice(1)], 'a size that is none'],
  ];
  for (const [delta, after, why] of cases) t.strictSame(applyDelta(view, delta), after, why);
  t.equal(applyDelta(view, { x: { n: 1 } }), view, 'what changes nothing is the same list');
  t.end();
});

test('[D5] what PROTOCOL.md shows of deltas is so', (t) => {
  const page = readFileSync(`${root}proxy/PROTOCOL.md`, 'utf8');
  const section = page.slice(page.indexOf('\n## Deltas\n'), page.indexOf('\n## Sessions'));
  const shown = [...section.matchAll(/^\| `(.*?)` +\| `(.*?)` +\| `(.*?)` +\|/gm)];
  t.ok(shown.length >= 15, `${shown.length} examples`);
  for (const [, view = '', delta = '', after = ''] of shown) {
    const result = applyDelta(view === 'nothing' ? undefined : (JSON.parse(view) as Json), JSON.parse(delta) as Json);
    t.strictSame(result, after === 'nothing' ? undefined : JSON.parse(after), `${view} with ${delta}`);
  }
  t.end();
});
