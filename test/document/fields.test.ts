// Every kind of field: what a handler may put in comes back as it was, through disk, wire and JSON, and is shown as JSON says it.
import fc from 'fast-check';
import { test } from 'tap';
import { z } from 'zod';
import type { DocumentName } from '../../engine/base/ids.ts';
import type { JsonObject } from '../../engine/base/merge-patch.ts';
import { merge } from '../../engine/base/merge-patch.ts';
import type { View } from '../../engine/document/define.ts';
import { document, t as f, open, viewerIs } from '../../engine/document/define.ts';
import type { Draft, ListDraft } from '../../engine/document/definition/drafts.ts';
import type { Shape } from '../../engine/document/definition/fields.ts';
import type { Resident } from '../../engine/document/document.ts';
import { createResident, replaySections, viewOf } from '../../engine/document/document.ts';
import { beginWork, planRecord } from '../../engine/document/draft/draft.ts';
import { ada, bob, codeOf, fakeEnv, Member } from './kit.ts';

const shape = {
  suit: f.enum(['hearts', 'spades', 'clubs']),
  pot: f.bigint(10n),
  due: f.dateTime(),
  score: f.maybe(f.int()),
  extra: f.json<{ readonly list: readonly (number | null)[]; readonly note?: string }>(),
  deck: f.list(f.string()),
  turns: f.list(f.principal()),
  dates: f.map(f.dateTime()),
  hands: f.map(f.record({ owner: f.principal(), cards: f.list(f.enum(['a', 'b'])) })),
};

const game = document(shape)
  .privacy({
    suit: open,
    pot: open,
    due: open,
    score: open,
    extra: open,
    deck: open,
    turns: open,
    dates: open,
    hands: { owner: open, cards: viewerIs('owner') },
  })
  .events({ invent: () => true })
  .channel('fill', z.object({}), ({ doc, who, ctx }) => {
    doc.suit = 'clubs';
    doc.pot **= 30n;
    doc.due = new Date(ctx.now);
    doc.score = 0;
    doc.extra = { list: [1, null], note: 'x' };
    doc.deck.push('x', 'y', 'z');
    doc.turns.push(who);
    doc.dates.set('one', new Date(0));
    doc.hands.set('mine', { owner: who, cards: ['b', 'a'] });
    return { pot: String(doc.pot), due: doc.due.getTime() === ctx.now };
  })
  .channel('read', z.object({}), ({ doc }) => ({
    suit: doc.suit,
    pot: typeof doc.pot,
    due: doc.due instanceof Date ? doc.due.toISOString() : null,
    score: doc.score,
    extra: doc.extra === null ? null : [...doc.extra.list],
    deck: doc.deck.values(),
    first: doc.turns.at(0)?.agent ?? null,
    date: doc.dates.get('one')?.getTime() ?? null,
    cards: doc.hands.get('mine')?.cards.values() ?? [],
    isFrozen: Object.isFrozen(doc.extra) && Object.isFrozen(doc.extra?.list),
  }))
  .channel('empty', z.object({}), ({ doc }) => {
    for (const name of ['score', 'extra', 'due'] as const) doc[name] = null;
    doc.deck.clear();
    doc.turns.remove(0);
    doc.dates.delete('one');
    doc.hands.get('mine')?.cards.assign([]);
  });

const name = 'game/one' as DocumentName;
type GameView = View<typeof game>;

/** After `fill`. */
function filled(): Resident {
  const resident = createResident(game, name);
  new Member(resident, ada, fakeEnv()).send('fill', {});
  return resident;
}

function answerOf(sent: ReturnType<Member['send']>): unknown {
  return sent.result.kind === 'answered' ? JSON.parse(sent.result.json) : codeOf(sent);
}

test('[D24] [D7] what a handler put into any kind of field comes back, and through the log', (t) => {
  const resident = createResident(game, name);
  const member = new Member(resident, ada, fakeEnv());
  const empty = {
    suit: 'hearts',
    pot: 'bigint',
    due: null,
    score: null,
    extra: null,
    deck: [],
    first: null,
    date: null,
  };
  t.match(answerOf(member.send('read', {})), { ...empty, cards: [] }, 'defaults');
  t.same(answerOf(member.send('fill', {})), { pot: String(10n ** 30n), due: true });
  const full = answerOf(member.send('read', {}));
  t.match(full, {
    suit: 'clubs',
    pot: 'bigint',
    score: 0,
    extra: [1, null],
    deck: ['x', 'y', 'z'],
    first: 'ada',
    date: 0,
  });
  t.match(full, { cards: ['b', 'a'], isFrozen: true, due: /^2023-.*Z$/ });
  const seen = viewOf(resident, bob) as GameView;
  t.same(seen.pot, `1${'0'.repeat(30)}`);
  t.same(seen.extra, { list: [1, null], note: 'x' });
  t.same(seen.hands['mine'], { owner: ada }, 'another one sees no cards');
  t.same((viewOf(resident, ada) as GameView).hands['mine']?.cards, ['b', 'a']);
  t.equal(JSON.stringify(JSON.parse(JSON.stringify(resident.state))), JSON.stringify(resident.state));
  t.same(answerOf(member.send('empty', {})), null);
  t.match(answerOf(member.send('read', {})), { due: null, score: null, extra: null, deck: [], cards: [], first: null });
  t.same(Object.keys(resident.state).sort(), ['dates', 'hands', 'pot', 'suit'], 'empty is absent');
  t.same((viewOf(resident, bob) as GameView).deck, [], 'and shown as empty');
  t.end();
});

test('[D24] [D11] the log alone gives the same state', (t) => {
  const resident = createResident(game, name);
  const member = new Member(resident, ada, fakeEnv());
  const updates = member.updates.map((one) => Uint8Array.from(one));
  for (const channel of ['fill', 'empty', 'fill']) updates.push(Uint8Array.from(member.send(channel, {}).update ?? []));
  const replayed = createResident(game, name);
  replaySections(replayed, updates);
  t.strictSame(replayed.state, resident.state);
  t.equal(replayed.length, resident.length);
  t.end();
});

test('[D24] [D9] what a field cannot hold is the handler’s mistake, and changes nothing', (t) => {
  const plan = planRecord(shape);
  const assigned: readonly (readonly [keyof typeof shape, unknown])[] = [
    ['suit', 'diamonds'],
    ['suit', 1],
    ['pot', 5],
    ['pot', 10n ** 1_000n],
    ['due', '2024-01-01'],
    ['due', new Date(Number.NaN)],
    ['due', new Date(8.64e15)],
    ['score', '1'],
    ['score', 0.5],
    ['extra', () => 1],
    ['extra', { list: [Number.POSITIVE_INFINITY] }],
    ['extra', new Map()],
    ['extra', JSON.parse('{"list":[],"__proto__":1}')],
    ['extra', { list: [], '@o': 1 }],
    ['extra', nested(40)],
    ['deck', ['x']],
  ];
  const called: readonly ((doc: Draft<typeof shape>) => void)[] = [
    (doc) => doc.deck.push(1 as never),
    (doc) => doc.deck.push(null as never),
    (doc) => doc.deck.set(0, 'x'),
    (doc) => doc.deck.insert(1, 'x'),
    (doc) => doc.deck.assign('x' as never),
    (doc) => doc.deck.assign(Array.from({ length: 1_001 }, () => 'x')),
    (doc) => void doc.deck.remove(0),
    (doc) => void doc.deck.remove(0, -1),
    (doc) => doc.turns.push({ agent: 'ada' } as never),
    (doc) => doc.dates.set('a', 0 as never),
    (doc) => doc.hands.set('a', { cards: ['c' as never] }),
  ];
  const assignments = assigned.map(([field, value]) => (doc: Draft<typeof shape>): void => {
    (doc as Record<string, unknown>)[field] = value;
  });
  const wrong = [...assignments, ...called];
  for (const [index, handler] of wrong.entries()) {
    const state: JsonObject = {};
    const work = beginWork(plan, state);
    t.throws(() => handler(work.doc as Draft<typeof shape>), `${index}: ${handler}`);
    work.rollback();
    t.strictSame(state, {});
  }
  t.end();
});

function nested(depth: number): unknown {
  return depth === 0 ? 1 : { a: nested(depth - 1) };
}

/** One step of a random handler over a list, with what it does to a plain array. */
const steps = fc.array(
  fc.record({
    do: fc.constantFrom('push', 'pop', 'shift', 'insert', 'remove', 'set', 'assign', 'clear'),
    at: fc.integer({ min: -5, max: 5 }),
    count: fc.nat(3),
    values: fc.array(fc.nat(3), { maxLength: 3 }),
  }),
  { maxLength: 12 },
);
const listShape = {
  box: f.record({ list: f.list(f.int()), other: f.int() }),
  map: f.map(f.record({ list: f.list(f.int()) })),
};
type Model = { readonly list: ListDraft<Shape['list'] & ReturnType<typeof f.int>>; items: number[] };

type ListStep = {
  readonly do: string;
  readonly at: number;
  readonly count: number;
  readonly values: readonly number[];
};

/** Does a step to both, where it can be done; returns the array after it. */
function take({ list, items }: Model, { do: what, at, count, values }: ListStep): number[] {
  const spot = at < 0 ? items.length + at : at;
  const isInside = spot >= 0 && spot < items.length;
  switch (what) {
    case 'push':
      list.push(...values);
      return [...items, ...values];
    case 'pop':
      assertSame(list.pop(), items.pop());
      return items;
    case 'shift':
      assertSame(list.shift(), items.shift());
      return items;
    case 'insert':
      if (spot < 0 || spot > items.length) return items;
      list.insert(at, ...values);
      return [...items.slice(0, spot), ...values, ...items.slice(spot)];
    case 'remove':
      if (!isInside || spot + count > items.length) return items;
      assertSame(JSON.stringify(list.remove(at, count)), JSON.stringify(items.splice(spot, count)));
      return items;
    case 'set':
      if (isInside) list.set(at, count);
      return items.map((item, index) => (index === spot ? count : item));
    case 'assign':
      list.assign(values);
      return [...values];
    case 'clear':
      list.clear();
      return [];
    default:
      return items;
  }
}

function assertSame(found: unknown, wanted: unknown): void {
  if (found !== wanted) throw new Error(`${String(found)} is not ${String(wanted)}`);
}

test('[D24] [D7] [D8] a list does what an array does; redo leads there, undo and a rollback back', (t) => {
  const plan = planRecord(listShape);
  const property = fc.property(fc.array(steps, { minLength: 1, maxLength: 4 }), fc.boolean(), (runs, isInMap) => {
    const state: JsonObject = {};
    let items: number[] = [];
    for (const [index, todo] of runs.entries()) {
      const before = structuredClone(state);
      const former = [...items];
      const work = beginWork(plan, state);
      const doc = work.doc as Draft<typeof listShape>;
      if (isInMap && !doc.map.has('a')) doc.map.set('a', {});
      const list = isInMap ? doc.map.get('a')?.list : doc.box.list;
      if (list === undefined) throw new Error('it was set');
      for (const step of todo) items = take({ list, items } as Model, step);
      assertSame(JSON.stringify(list.values()), JSON.stringify(items));
      if (index % 3 === 2) {
        work.rollback();
        items = former;
        t.strictSame(state, before);
        continue;
      }
      const { redo, undo } = work.finish();
      t.strictSame(merge(before, redo), state);
      t.strictSame(merge(state, undo), before);
      if (JSON.stringify(items) === JSON.stringify(former) && !isInMap) t.strictSame(redo, {});
    }
  });
  fc.assert(property, { numRuns: 300 });
  t.end();
});

test('[D24] [D8] a list of an entry that was replaced can no longer be used; what was read of a list is a copy', (t) => {
  const state: JsonObject = { map: { a: { list: [1, 2] } } };
  const work = beginWork(planRecord(listShape), state);
  const doc = work.doc as Draft<typeof listShape>;
  const list = doc.map.get('a')?.list;
  list?.values().push(9);
  t.same(list?.values(), [1, 2]);
  t.equal(doc.map.get('a')?.list, list, 'one list, one draft');
  doc.map.set('b', { list: list?.values() ?? [] });
  doc.map.set('a', { list: [7] });
  t.throws(() => list?.push(3), { code: 'HANDLER_FAILED' });
  t.same(doc.map.get('b')?.list.values(), [1, 2]);
  const { redo, undo } = work.finish();
  t.same(redo, { map: { a: { list: [7] }, b: { list: [1, 2] } } });
  t.same(undo, { map: { a: { list: [1, 2] }, b: null } });
  t.throws(() => list?.values(), { code: 'HANDLER_FAILED' }, 'nor after its handler');
  t.end();
});

test('[D16] mistakes in these fields are APP_INVALID with their path', (t) => {
  const shapes: [string, () => unknown][] = [
    ['a: it is one of', () => f.enum([])],
    ['a: it is one of', () => f.enum(['x', 'x'])],
    ['a: it is one of', () => f.enum([1 as never])],
    ['a: its default', () => f.enum(['x'], 'y' as never)],
    ['a: its default', () => f.bigint(0.5 as never)],
    ['a: its default', () => f.bigint(10n ** 1_000n)],
    ['a: a maybe', () => f.maybe(f.principal() as never)],
    ['a: a maybe', () => f.maybe(undefined as never)],
    ['a: a list is of', () => f.list(f.list(f.int()) as never)],
    ['a: a list is of', () => f.list(f.json() as never)],
    ['a: a list has a max', () => f.list(f.int(), { max: 0 })],
    ['a.*: its default', () => f.list(f.int(0.5))],
    ['a: a map of lists', () => f.map(f.list(f.int()) as never)],
    ['a: a map of maybes', () => f.map(f.maybe(f.int()) as never)],
  ];
  for (const [path, field] of shapes) {
    t.throws(() => document({ a: field() as ReturnType<typeof f.int> }), { code: 'APP_INVALID', message: path }, path);
  }
  t.end();
});

test('[D3] the compiler knows what each viewer may find', (t) => {
  const view: GameView = {
    suit: 'hearts',
    pot: '1',
    deck: ['x'],
    turns: [ada],
    dates: { a: '1970-01-01T00:00:00.000Z' },
    hands: { a: { owner: ada, cards: ['a'] }, b: {} },
  };
  const accepts = (one: GameView): string[] => Object.keys(one);
  const viewed: GameView = viewOf(filled(), ada) as GameView;
  const optional = ['due', 'score', 'extra'];
  t.same(accepts(viewed).sort(), [...accepts(view), ...optional].sort(), 'what is found is what the compiler says');
  t.same(
    accepts(viewOf(createResident(game, name), ada) as GameView).sort(),
    accepts(view).sort(),
    'the rest is always there',
  );
  // @ts-expect-error: a moment is text for viewers.
  accepts({ ...view, due: new Date() });
  // @ts-expect-error: words that are none of the enum.
  accepts({ ...view, suit: 'diamonds' });
  // @ts-expect-error: what is open and has a default is always there.
  accepts({ ...view, pot: undefined });
  t.end();
});
