// Deltas: they lead from one view to the next, two are as good as one, and nothing that a network brings does harm.
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { test } from 'tap';
import { applyDelta, asDelta, orderIn, own } from '../../engine/base/delta.ts';
import { composeDeltas } from '../../engine/base/delta-compose.ts';
import { asNew, diffJson, diffList, orderDelta } from '../../engine/base/delta-diff.ts';
import type { Json, JsonObject } from '../../engine/base/merge-patch.ts';
import { isJsonObject } from '../../engine/base/merge-patch.ts';
import { diffView, histories, jsonTree, orders } from './delta-kit.ts';

/** What nobody may touch from here on. */
function frozen<Value extends Json>(value: Value): Value {
  if (Array.isArray(value)) for (const part of value) frozen(part as Json);
  else if (isJsonObject(value)) for (const part of Object.values(value)) frozen(part);
  return Object.freeze(value);
}

/** How often each thing that a delta can say is in one. */
function count(seen: Record<string, number>, delta: Json | undefined, place = 'top'): void {
  const note = (what: string): void => {
    seen[what] = (seen[what] ?? 0) + 1;
  };
  if (delta === null) note('null');
  if (!isJsonObject(delta)) return;
  for (const operator of ['@r', '@s', '@o']) if (Object.hasOwn(delta, operator)) note(`${place} ${operator}`);
  if (Object.hasOwn(delta, '@r') || Object.hasOwn(delta, '@s')) return;
  const order = orderIn(delta);
  if (order?.some((element) => Array.isArray(element))) note('range');
  const below = order === undefined && place !== 'row' ? 'in' : 'row';
  for (const key of Object.keys(delta)) if (key !== '@o') count(seen, delta[key], below);
}

/** What a delta does not name keeps its identity. */
function keepsRest(before: Json | undefined, delta: Json, after: Json | undefined): boolean {
  if (!isJsonObject(delta) || Object.hasOwn(delta, '@r')) return true;
  if (Array.isArray(before) && Array.isArray(after)) {
    if (Object.hasOwn(delta, '@s'))
      return after.every((item, at) => own(delta, String(at)) !== undefined || item === before[at]);
    return after.every((row: JsonObject) => {
      const former: JsonObject | undefined = before.find(({ id }: JsonObject) => id === row['id']);
      const part = own(delta, row['id'] as string);
      return part === undefined ? row === former : former === undefined || keepsRest(former, part, row);
    });
  }
  if (!isJsonObject(before) || !isJsonObject(after)) return true;
  return Object.keys(before).every((key) => {
    const part = own(delta, key);
    return part === undefined ? after[key] === before[key] : keepsRest(before[key], part, own(after, key));
  });
}

test('[D5] a delta leads from a view to the next, and leaves alone what it does not name', (t) => {
  const seen: Record<string, number> = {};
  const property = fc.property(histories(2), ({ schema, views }) => {
    const [before, after] = views.map(frozen) as [Json, Json];
    const delta = frozen(diffView(schema, before, after) ?? {});
    count(seen, delta);
    const result = applyDelta(before, JSON.parse(JSON.stringify(delta)));
    return isDeepStrictEqual(result, after) && keepsRest(before, delta, result);
  });
  fc.assert(property, { numRuns: 250 });
  for (const what of ['null', 'range', 'in @r', 'in @s', 'in @o', 'row @r', 'row @s', 'row @o']) {
    t.ok((seen[what] ?? 0) > 5, `${what}: ${seen[what]} times`);
  }
  t.end();
});

test('[D25] deltas compose, in any grouping, into one that does what they do one by one', (t) => {
  const seen: Record<string, number> = {};
  const property = fc.property(histories(6), fc.integer({ min: 1, max: 4 }), ({ schema, views }, split) => {
    for (const view of views) frozen(view);
    const deltas: readonly Json[] = views
      .slice(1)
      .map((view, index) => frozen(diffView(schema, views[index], view) ?? {}));
    const both = (list: readonly Json[]): Json => list.reduce((first, second) => frozen(composeDeltas(first, second)));
    const all = both(deltas);
    count(seen, all);
    noteReturns(seen, views, deltas);
    const groups = [
      all,
      composeDeltas(both(deltas.slice(0, split)), both(deltas.slice(split))),
      deltas.reduceRight((second, first) => composeDeltas(first, second)),
    ];
    const leads = (delta: Json, from: number, to: number): boolean => {
      return isDeepStrictEqual(applyDelta(views[from], JSON.parse(JSON.stringify(delta))), views[to]);
    };
    const pairs = deltas.slice(1).map((second, index) => composeDeltas(deltas[index] as Json, second));
    for (const delta of pairs) count(seen, delta);
    return groups.every((delta) => leads(delta, 0, 5)) && pairs.every((delta, from) => leads(delta, from, from + 2));
  });
  fc.assert(property, { numRuns: 100 });
  for (const what of ['null', 'range', 'in @r', 'in @s', 'in @o', 'row @r', 'row @s', 'returned', 'put and patched']) {
    t.ok((seen[what] ?? 0) > 5, `${what}: ${seen[what]} times`);
  }
  t.end();
});

/** Rows that go and come back, and rows that come and are patched at once. */
function noteReturns(seen: Record<string, number>, views: readonly Json[], deltas: readonly Json[]): void {
  const rowsOf = (view: Json | undefined): JsonObject => {
    const rows = isJsonObject(view) && Array.isArray(view['rows']) ? view['rows'] : [];
    return Object.fromEntries(rows.map((row: JsonObject) => [row['id'], row]));
  };
  for (const [index, view] of views.slice(2).entries()) {
    const [first, second] = [rowsOf(views[index]), rowsOf(views[index + 1])];
    const patches = own((deltas[index + 1] ?? {}) as JsonObject, 'rows');
    for (const id of Object.keys(rowsOf(view))) {
      if (Object.hasOwn(first, id) && !Object.hasOwn(second, id)) seen['returned'] = (seen['returned'] ?? 0) + 1;
      if (Object.hasOwn(first, id) || !Object.hasOwn(second, id)) continue;
      if (isJsonObject(patches) && isJsonObject(own(patches, id))) {
        seen['put and patched'] = (seen['put and patched'] ?? 0) + 1;
      }
    }
  }
}

const together: readonly (readonly [first: Json, second: Json, both: Json])[] = [
  [
    { a: 1, b: 2 },
    { b: null, c: 3 },
    { a: 1, b: null, c: 3 },
  ],
  [{ a: null }, { a: { x: 1 } }, { a: { '@r': { x: 1 } } }],
  [{ a: null }, { a: { x: null } }, { a: { '@r': {} } }],
  [{ a: 1 }, { a: { x: { '@r': { '@y': 1 } } } }, { a: { '@r': { x: { '@y': 1 } } } }],
  [{ a: { x: 1 } }, { a: null }, { a: null }],
  [{ a: { '@r': { x: 1 } } }, { a: { x: null, y: 2 } }, { a: { '@r': { y: 2 } } }],
  [{ a: { '@r': { x: 1 } } }, { a: [1] }, { a: [1] }],
  [{ a: [1, 2] }, { a: { '@s': 3, 2: 3 } }, { a: [1, 2, 3] }],
  [{ a: [{ id: 'x' }] }, { a: { '@o': [] } }, { a: [] }],
  [
    { '@s': 4, 1: 1, 3: 3 },
    { '@s': 2, 0: 0 },
    { '@s': 2, 0: 0, 1: 1 },
  ],
  [{ '@s': 2 }, { '@s': 3, 2: 'c' }, { '@s': 3, 2: 'c' }],
  [{ '@o': [[0, 9], 'x'], x: { id: 'x' } }, { x: { a: 1 } }, { '@o': [[0, 9], 'x'], x: { id: 'x', a: 1 } }],
  [{ '@o': [[0, 9], 'x'], x: { id: 'x' } }, { '@o': [[0, 9]] }, { '@o': [[0, 9]] }],
  [
    {
      '@o': [
        [0, 4],
        [6, 9],
      ],
    },
    { '@o': [[0, 8], 'x'], x: { id: 'x' } },
    { '@o': [[0, 4], [6, 9], 'x'], x: { '@r': { id: 'x' } } },
  ],
  [{ x: { a: 1 } }, { '@o': [[0, 4], 'y'], y: { id: 'y' } }, { '@o': [[0, 4], 'y'], x: { a: 1 }, y: { id: 'y' } }],
  [
    {
      '@o': [
        [5, 9],
        [0, 4],
      ],
    },
    {
      '@o': [
        [5, 9],
        [0, 4],
      ],
    },
    { '@o': [[0, 9]] },
  ],
  [
    { '@o': [[5, 9], 'x', [0, 4]], x: { id: 'x' } },
    { '@o': [[4, 6]] },
    { '@o': [[9, 9], 'x', [0, 0]], x: { id: 'x' } },
  ],
  [
    { '@o': ['a', 'b'], a: { '@r': { id: 'a' } } },
    { '@o': ['b'], b: { n: 1 } },
    { '@o': ['b'], b: { n: 1 } },
  ],
  [
    {
      '@o': [
        [5, 9],
        [0, 4],
      ],
    },
    {
      '@o': [
        [0, 2],
        [5, 7],
      ],
    },
    {
      '@o': [
        [5, 7],
        [0, 2],
      ],
    },
  ],
  [
    { a: { n: 1 }, b: { n: 1 } },
    { '@o': ['a'], b: null },
    { '@o': ['a'], a: { n: 1 } },
  ],
  // A field of a record in a map may be called id.
  [{ x: { a: 1 } }, { x: { id: 'x' } }, { x: { a: 1, id: 'x' } }],
];

test('[D25] what two deltas are together', (t) => {
  for (const [first, second, both] of together) {
    t.strictSame(composeDeltas(frozen(first), frozen(second)), both, JSON.stringify([first, second]));
  }
  t.end();
});

test('[D25] however much comes and goes, what is composed does not grow', (t) => {
  let rows: readonly string[] = Array.from({ length: 20 }, (_, index) => `base${index}`);
  const view = rows.map((id) => ({ id }));
  let all: Json = {};
  for (let round = 0; round < 300; round += 1) {
    const id = `new${round}`;
    const after = [...rows.slice(round % 2), id].slice(-20);
    const step: JsonObject = { '@o': orderDelta(rows, after) ?? [], [id]: { id, n: round } };
    all = composeDeltas(all, step);
    rows = after;
  }
  t.strictSame(
    applyDelta(view, all),
    rows.map((id) => ({ id, n: Number(id.slice(3)) })),
  );
  t.ok(Object.keys(all as JsonObject).length <= 21, 'a row that came and went is not in it');
  t.ok((orderIn(all as JsonObject)?.length ?? 0) <= 20);
  t.end();
});

test('[D5] an order: runs of rows are ranges, and what is the same is nothing', (t) => {
  const ids = Array.from({ length: 30 }, (_, index) => `row${index}`);
  const seen = { ranges: 0, moved: 0 };
  const property = fc.property(orders(ids), orders(ids), (before, after) => {
    const order = orderDelta(before, after);
    if (order === undefined) return isDeepStrictEqual(before, after);
    const places = new Map(before.map((id, place) => [id, place]));
    const told = order.flatMap((element) =>
      typeof element === 'string' ? [element] : before.slice(element[0], element[1] + 1),
    );
    const ranges = order.filter((element) => typeof element !== 'string');
    seen.ranges += ranges.length;
    if (after.some((id, index) => (places.get(id) ?? 99) < (places.get(after[index - 1] ?? '') ?? 0))) seen.moved += 1;
    // No run of three is left as ids, and no two ranges could be one.
    const isLeft = order.some((element, index) => {
      const run = [element, order[index + 1], order[index + 2]].map((one) => places.get(one as string) ?? -9);
      const next = order[index + 1];
      if (typeof element === 'object') return typeof next === 'object' && next[0] === element[1] + 1;
      return run[0] !== -9 && run[1] === (run[0] ?? 0) + 1 && run[2] === (run[0] ?? 0) + 2;
    });
    return (
      isDeepStrictEqual(told, after) && ranges.every(([first, last]) => Number(last) - Number(first) >= 2) && !isLeft
    );
  });
  fc.assert(property, { numRuns: 1_000 });
  t.ok(seen.ranges > 200 && seen.moved > 100, JSON.stringify(seen));
  t.strictSame(orderDelta(ids, [...ids, 'x']), [[0, 29], 'x']);
  t.strictSame(
    orderDelta(
      ids,
      ids.filter((id) => id !== 'row7'),
    ),
    [
      [0, 6],
      [8, 29],
    ],
  );
  t.strictSame(orderDelta(['a', 'b', 'c', 'd'], ['a', 'b', 'd']), ['a', 'b', 'd']);
  t.strictSame(orderDelta(['a'], []), []);
  t.equal(orderDelta([], []), undefined);
  t.end();
});

test('[D5] a plain list is told by index, and never at more length than whole', (t) => {
  const items = fc.array(fc.oneof(fc.nat(9), fc.constant('some words of text'), jsonTree), { maxLength: 40 });
  const edited = fc.tuple(items, fc.array(fc.tuple(fc.nat(39), fc.nat(9)), { maxLength: 6 }), fc.nat(50));
  const seen = { patches: 0, wholes: 0 };
  const property = fc.property(edited, ([before, changes, size]) => {
    const after = before.slice(0, size);
    for (const [at, value] of changes) if (at <= after.length) after[at] = value;
    const delta = diffList(frozen(before), frozen(after));
    if (delta === undefined) return isDeepStrictEqual(before, after);
    if (Array.isArray(delta)) seen.wholes += 1;
    else seen.patches += 1;
    const isShort = JSON.stringify(delta).length <= JSON.stringify(after).length;
    return isShort && !isDeepStrictEqual(before, after) && isDeepStrictEqual(applyDelta(before, delta), after);
  });
  fc.assert(property, { numRuns: 1_500 });
  t.ok(seen.patches > 100 && seen.wholes > 100, JSON.stringify(seen));
  const words = ['one', 'two', 'three', 'four'];
  t.strictSame(diffList(words, [...words, 'five']), { '@s': 5, 4: 'five' });
  t.strictSame(diffList(words, words.slice(1)), words.slice(1), 'from the front, all of it has moved');
  t.end();
});

test('[D5] opaque JSON is told member by member, but for what would be read as something else', (t) => {
  const property = fc.property(fc.option(jsonTree, { nil: undefined }), jsonTree, jsonTree, (before, after, last) => {
    const delta = diffJson(before, after);
    const result = delta === undefined ? before : applyDelta(before, frozen(delta));
    const next = diffJson(after, last);
    const both = delta === undefined || next === undefined ? undefined : composeDeltas(delta, next);
    const isBoth = both === undefined || isDeepStrictEqual(applyDelta(before, both), last);
    return isBoth && isDeepStrictEqual(result, after) && isDeepStrictEqual(applyDelta(undefined, asNew(after)), after);
  });
  fc.assert(property, { numRuns: 2_000 });
  t.strictSame(diffJson({ a: { x: 1, y: 2 }, b: 1 }, { a: { x: 1, y: 3 }, b: 1 }), { a: { y: 3 } });
  t.strictSame(diffJson({ a: { '@id': 1 }, b: 1 }, { a: { '@id': 1 }, b: 2 }), { b: 2 }, 'what is not on the path');
  t.strictSame(diffJson({ a: { '@id': 1 } }, { a: { '@id': 2 } }), { a: { '@r': { '@id': 2 } } });
  t.strictSame(diffJson({ a: [1] }, { a: {} }), { a: { '@r': {} } });
  t.strictSame(asNew({ a: [{ '@id': 1 }] }), { a: [{ '@id': 1 }] }, 'lists are verbatim');
  t.strictSame([asDelta({}), asDelta([]), asDelta(0), asDelta(undefined)], [{ '@r': {} }, [], 0, null]);
  t.end();
});
