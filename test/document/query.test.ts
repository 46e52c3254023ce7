// Questions to a table: what they find is what looking at every row would find, and how few are looked at.
import fc from 'fast-check';
import { test } from 'tap';
import type { JsonObject } from '../../engine/base/merge-patch.ts';
import { t as f } from '../../engine/document/define.ts';
import type { Draft } from '../../engine/document/definition/drafts.ts';
import { beginWork, planRecord } from '../../engine/document/draft/draft.ts';
import { ada, bob, fakeEnv } from './kit.ts';
import type { Fields } from './table-kit.ts';
import { ask, initial, question, scan, shape as twins } from './table-kit.ts';

const shape = {
  rows: f.table(
    { team: f.string(), score: f.int(), seat: f.int(), who: f.principal(), due: f.dateTime(), size: f.int() },
    { key: 'seat', index: ['team', 'score', 'who'], max: 20_000 },
  ),
};
type Doc = Draft<typeof shape>;
const plan = planRecord(shape);

function run<T>(state: JsonObject, handler: (doc: Doc) => T): T {
  const made = beginWork(plan, state, fakeEnv().randomBytes16);
  const answer = handler(made.doc as Doc);
  made.finish();
  return answer;
}

/** A table of ten thousand rows that counts how often one of its rows is looked at. */
function watched(): { readonly state: JsonObject; readonly looks: () => number } {
  let count = 0;
  const rows: JsonObject = { '@next': 10_000 };
  for (let at = 0; at < 10_000; at += 1) {
    const row: JsonObject = { team: `t${at % 100}`, score: at, seat: at, size: at % 10, '@n': at };
    rows[`r${at}`] = new Proxy(row, {
      get: (target, name, receiver) => {
        count += 1;
        return Reflect.get(target, name, receiver);
      },
    });
  }
  const looks = (): number => {
    const looked = count;
    count = 0;
    return looked;
  };
  return { state: { rows }, looks };
}

/** A question, how many looks at rows it may take, and what it finds. */
const asks: readonly (readonly [string, number, (doc: Doc) => unknown, unknown])[] = [
  ['key', 20, ({ rows }) => rows.byKey(77)?.size, 7],
  ['equal', 400, ({ rows }) => rows.where({ team: 't7' }).count(), 100],
  ['equal and more', 900, ({ rows }) => rows.where({ team: 't7', size: 7 }).rows().length, 100],
  ['the first of equal ones', 20, ({ rows }) => rows.where({ team: 't7' }).first()?.score, 7],
  ['the last of equal ones', 20, ({ rows }) => rows.where({ team: 't7' }).last()?.score, 9_907],
  [
    'range',
    60,
    ({ rows }) =>
      rows
        .where('score', '>=', 9_990)
        .where('score', '<', 9_995)
        .map((row) => row.score),
    [9_990, 9_991, 9_992, 9_993, 9_994],
  ],
  ['the highest', 20, ({ rows }) => rows.by('score', 'desc').first()?.score, 9_999],
  ['the last of all', 20, ({ rows }) => rows.by('score').last()?.score, 9_999],
  [
    'a page',
    60,
    ({ rows }) =>
      rows
        .by('score', 'desc')
        .skip(2)
        .limit(3)
        .map((row) => row.score),
    [9_997, 9_996, 9_995],
  ],
  ['the first', 20, ({ rows }) => rows.first()?.score, 0],
  ['size', 0, ({ rows }) => rows.size, 10_000],
];

test('[D27] what an index answers costs what it finds, and not what is there', (t) => {
  const { state, looks } = watched();
  run(state, (doc) => {
    for (const [, , handler] of asks) handler(doc);
  });
  t.ok(looks() > 10_000, 'the first ones look at all rows, once an index');
  for (const [what, most, handler, wanted] of asks) {
    t.strictSame(run(state, handler), wanted, what);
    const looked = looks();
    t.ok(looked <= most, `${what}: ${looked} looks, of at most ${most}`);
  }
  run(state, ({ rows }) => {
    const row = rows.byKey(5);
    if (row !== undefined) row.score = 20_000;
    rows.add({ seat: 20_000, score: 30_000, team: 't7' });
    t.strictSame(
      rows
        .by('score')
        .rows()
        .slice(-2)
        .map((one) => one.seat),
      [5, 20_000],
    );
    looks();
    t.equal(rows.by('score', 'desc').skip(1).first()?.seat, 5);
  });
  t.ok(looks() < 50, 'and so with what the handler wrote itself');
  t.equal(
    run(state, ({ rows }) => rows.where({ team: 't7' }).by('score').last()?.seat),
    20_000,
  );
  t.ok(run(state, ({ rows }) => rows.where({ size: 3 }).count()) === 1_000 && looks() > 10_000, 'others look at all');
  t.end();
});

test('[D27] any question finds the same with every index and with none', (t) => {
  const doubled = planRecord(twins);
  let found = 0;
  const property = fc.property(
    fc.array(question, { minLength: 20, maxLength: 20 }),
    fc.nat(1_000),
    (questions, seed) => {
      const made = beginWork(doubled, {}, fakeEnv().randomBytes16);
      const { plain, fast } = made.doc as Draft<typeof twins>;
      const rows: Fields[] = Array.from({ length: 30 }, (_, at) => {
        const mixed = (seed * 31 + at * 7919) % 1_009;
        const who = [ada, bob, null][mixed % 3] ?? null;
        const due = mixed % 4 === 0 ? null : new Date(mixed % 2);
        return { ...initial, name: `r${at}`, score: mixed % 8, team: mixed % 5 === 0 ? 'blue' : 'red', who, due };
      });
      for (const row of rows) for (const table of [plain, fast]) table.add(row);
      for (const one of questions) {
        const wanted = scan(rows, one).map(({ name }) => name);
        if (wanted.length > 1 && wanted.length < 30) found += 1;
        for (const table of [plain, fast]) {
          t.strictSame(
            ask(table, one).map(({ name }) => name),
            wanted,
          );
          t.equal(ask(table, one).last()?.name, wanted.at(-1));
          t.equal(ask(table, one).first()?.name, wanted[0]);
        }
      }
    },
  );
  fc.assert(property, { numRuns: 40 });
  t.ok(found > 100, `${found} questions found some of the rows`);
  t.end();
});

test('[D27] what is walked is fixed when the walk begins, and a query can be asked again', (t) => {
  run({}, ({ rows }) => {
    for (let seat = 0; seat < 5; seat += 1) rows.add({ seat, score: seat });
    const high = rows.where('score', '>=', 2);
    const walked: number[] = [];
    for (const row of high) {
      walked.push(row.seat);
      if (row.seat === 2) {
        rows.byKey(3)?.score;
        rows.where({ seat: 3 }).delete();
        rows.add({ seat: 9, score: 9 });
        row.score = 0;
      }
    }
    t.strictSame(walked, [2, 4]);
    t.strictSame(
      high.map((row) => row.seat),
      [4, 9],
    );
    t.equal(high.limit(1).count() + high.count(), 3, 'a query does not change');
    const walk = rows[Symbol.iterator]();
    rows.clear();
    t.strictSame(
      [walk.next().done, rows.size, rows.first(), rows.last(), rows.some()],
      [true, 0, undefined, undefined, false],
    );
    for (let seat = 0; seat < 3; seat += 1) rows.add({ seat });
    const tested = rows.where((row) => {
      if (row.seat === 0) rows.where({ seat: 1 }).delete();
      return true;
    });
    t.strictSame(
      tested.map((row) => row.seat),
      [0, 2],
      'a test may write',
    );
    rows.add({ seat: 3 });
    const sizes: number[] = [];
    const rash = rows.where(({ id }) => {
      if (sizes.length === 0) rows.delete(id);
      return sizes.push(rows.size) > 0;
    });
    t.strictSame(
      [rash.map((row) => row.seat), sizes],
      [
        [2, 3],
        [2, 2, 2],
      ],
      'and ask again',
    );
  });
  let kept: ReturnType<Doc['rows']['where']> | undefined;
  run({}, ({ rows }) => {
    kept = rows.where({ team: '' });
  });
  t.throws(() => kept?.count(), { code: 'HANDLER_FAILED' }, 'nor does a query outlive its handler');
  t.end();
});

test('[D27] an absent field is found by its default, and by null where it has none; a question that cannot be meant fails', (t) => {
  run({}, ({ rows }) => {
    rows.add({ seat: 1 });
    rows.add({ seat: 2, due: new Date(5), who: ada });
    const seats = (query: ReturnType<typeof rows.where>) => query.map((row) => row.seat);
    t.strictSame(seats(rows.where({ score: 0, team: '' })), [1, 2]);
    t.strictSame([seats(rows.where({ due: null })), seats(rows.where({ who: null }))], [[1], [1]]);
    t.strictSame([seats(rows.where('due', '<', new Date(9))), seats(rows.where('due', '>=', new Date(5)))], [[2], [2]]);
    t.strictSame(
      [seats(rows.by('due')), seats(rows.by('due', 'desc'))],
      [
        [1, 2],
        [2, 1],
      ],
    );
    const wrong: (() => unknown)[] = [
      () => rows.where({ score: undefined } as never),
      () => rows.where({ score: null } as never),
      () => rows.where({ score: '0' } as never),
      () => rows.where({ other: 1 } as never),
      () => rows.where({ toString: 1 } as never),
      () => rows.where('score', '=' as never, 1),
      () => rows.where('score', '<', null as never),
      () => rows.where('score', '<', 'x' as never),
      () => rows.where('who' as never, '<', ada as never),
      () => rows.where(null as never),
      () => rows.where(rows.first() as never),
      () => rows.where([] as never),
      () => rows.by('who' as never),
      () => rows.by('other' as never),
      () => rows.by('score', 'up' as never),
      () => rows.limit(-1),
      () => rows.skip(0.5),
    ];
    for (const one of wrong) t.throws(one, { code: 'HANDLER_FAILED' }, String(one));
  });
  t.end();
});

test('[D27] the compiler knows which fields can be asked for', (t) => {
  const mixed = { plain: f.table({ a: f.int(), list: f.list(f.int()), any: f.json(), who: f.principal() }), ...shape };
  // Only compiled: what is wrong here would throw.
  const compiled = (doc: Draft<typeof mixed>): void => {
    const first = doc.plain.by('a').first();
    const id: string | undefined = first?.id;
    const who: string | undefined = first?.who?.agent;
    const mapped: number[] = doc.rows.where({ team: 'red', who: null }).map((row) => row.score + row.seat);
    void [id, who, mapped, doc.rows.byKey(1)?.team];
    // @ts-expect-error: it has no key.
    doc.plain.byKey(1);
    // @ts-expect-error: the key is a number.
    doc.rows.byKey('1');
    // @ts-expect-error: a list is found by nothing.
    doc.plain.where({ list: [1] });
    // @ts-expect-error: nor is JSON.
    doc.plain.where({ any: 1 });
    // @ts-expect-error: a principal has no order.
    doc.plain.by('who');
    // @ts-expect-error: nor a range.
    doc.plain.where('who', '<', ada);
    // @ts-expect-error: a scalar is never null.
    doc.plain.where({ a: null });
    // @ts-expect-error: a test says true or false.
    doc.plain.where((row) => row.a);
    // @ts-expect-error: a table is never assigned.
    doc.plain = doc.rows as never;
    // @ts-expect-error: nor is an id.
    if (first !== undefined) first.id = 'x';
    // @ts-expect-error: a table alone is not deleted: clear() says it.
    doc.plain.delete();
    // @ts-expect-error: a row has no such field.
    doc.plain.add({ b: 1 });
  };
  t.type(compiled, 'function');
  const tables = (): unknown[] => [
    // @ts-expect-error: a list is no key.
    f.table({ a: f.int(), list: f.list(f.int()) }, { key: 'list' }),
    // @ts-expect-error: there is no such field.
    f.table({ a: f.int() }, { key: 'b' }),
    // @ts-expect-error: JSON has no index.
    f.table({ a: f.int(), any: f.json() }, { index: ['a', 'any'] }),
    // @ts-expect-error: there is no table in a table.
    f.table({ a: f.table({ b: f.int() }) }),
    // @ts-expect-error: a row has an id already.
    f.table({ id: f.string() }),
  ];
  t.equal(tables().length, 5);
  t.end();
});
