// Tables: what a handler may do to rows, what becomes of the state, and who is known by which id.
import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { test } from 'tap';
import { z } from 'zod';
import type { DocumentName } from '../../engine/base/ids.ts';
import type { JsonObject } from '../../engine/base/merge-patch.ts';
import { isJsonObject, merge } from '../../engine/base/merge-patch.ts';
import { document, t as f, open } from '../../engine/document/define.ts';
import type { Draft } from '../../engine/document/definition/drafts.ts';
import type { Shape } from '../../engine/document/definition/fields.ts';
import {
  applyDelete,
  applyRewind,
  checkResident,
  createResident,
  replaySections,
  restoreResident,
} from '../../engine/document/document.ts';
import type { Change } from '../../engine/document/draft/cursor.ts';
import { beginWork, planRecord } from '../../engine/document/draft/draft.ts';
import { knownMemoryOf } from '../../engine/document/draft/table-memory.ts';
import { change, createPast } from '../../engine/document/life/past.ts';
import { encodeSnapshot } from '../../engine/document/life/snapshot.ts';
import { ada, bob, codeOf, eve, fakeEnv, Member } from './kit.ts';
import type { Fields, Step } from './table-kit.ts';
import { places, seen, shape, step, Twin, tableOf, valued } from './table-kit.ts';

const plan = planRecord(shape);

/** Runs a handler over a document of `given` fields. */
function work<S extends Shape>(given: S, state: JsonObject, handler: (doc: Draft<S>) => void): Change {
  const made = beginWork(planRecord(given), state, fakeEnv().randomBytes16);
  handler(made.doc as Draft<S>);
  return made.finish();
}

/** Every memory that there is, against the state. Returns how many there are. */
function checkMemories(state: JsonObject): number {
  let count = 0;
  for (const part of Object.values(state)) {
    if (!isJsonObject(part)) continue;
    knownMemoryOf(part)?.check();
    count += (knownMemoryOf(part) === undefined ? 0 : 1) + checkMemories(part);
  }
  return count;
}

/** Tens of thousands of these are not worth a line each. */
function same(found: string, wanted: string): void {
  if (found !== wanted) throw new Error(found);
}

type Run = { readonly steps: readonly Step[]; readonly end: 'finish' | 'throw' | 'excess' | 'rewind' };
const runs: fc.Arbitrary<Run[]> = fc.array(
  fc.record({
    steps: fc.array(step, { maxLength: 12, size: 'max' }),
    end: fc.constantFrom('finish', 'finish', 'finish', 'throw', 'excess', 'rewind'),
  }) as fc.Arbitrary<Run>,
  { maxLength: 6, size: 'max' },
);

/** What the first run adds, so that there is something to ask for. */
const first = fc.array(valued, { minLength: 4, maxLength: 14 });

test('[D26] [D27] [D7] [D8] a table does what an array of objects does, whatever was taken back before', (t) => {
  const ends = { finish: 0, throw: 0, excess: 0, rewind: 0, memories: 0 };
  const env = fakeEnv();
  const property = fc.property(runs, first, fc.constantFrom(...places), (program, begun, place) => {
    const past = createPast();
    let rows: Fields[] = [];
    let copy: JsonObject = {};
    for (const [at, { steps, end }] of program.entries()) {
      const before = structuredClone(past.state);
      const made = beginWork(plan, past.state, env.randomBytes16);
      const twin = new Twin(tableOf(made.doc as Draft<typeof shape>, place), place, rows, at * 100);
      // Not behind each run: what asks for all has seen all, and a memory that is told nothing would not show.
      if (at > 0) same(twin.differs(), '');
      const adds = at > 0 ? [] : begun.map((values) => ({ do: 'add', values }) as const);
      for (const one of [...adds, ...steps]) same(twin.take(one), '');
      if (at % 2 === 0) same(twin.differs(), '');
      ends[end] += 1;
      const { redo, undo } = end === 'throw' ? { redo: {}, undo: {} } : made.finish();
      if (end === 'throw' || end === 'excess') {
        made.rollback();
        t.strictSame(past.state, before);
      } else {
        t.strictSame(merge(before, redo), past.state);
        t.strictSame(merge(past.state, undo), before);
        if (end === 'rewind') change(past, undo, redo);
        else [rows, copy] = [twin.rows, merge(copy, redo) as JsonObject];
      }
      ends.memories += checkMemories(past.state);
      t.strictSame(past.state, copy, 'updates alone lead there');
    }
  });
  fc.assert(property, { numRuns: 400 });
  t.comment({ ...seen, ...ends });
  t.ok(
    seen.rows > 1_000 && seen.found > 500 && seen.narrowed > 300 && seen.longest > 10,
    'tables were filled, and asked',
  );
  t.ok(seen.refused > 100 && seen.full > 0, 'rows were refused');
  t.ok(ends.throw > 100 && ends.excess > 100 && ends.rewind > 100 && ends.memories > 300, 'runs were taken back');
  t.end();
});

const players = {
  players: f.table({ who: f.principal(), score: f.int(), text: f.string() }, { key: 'who', index: ['score'] }),
};

test('[D26] rows lie in the state by random ids, with their ordinal; the rest is JSON', (t) => {
  const state: JsonObject = {};
  const { redo } = work(players, state, (doc) => {
    const row = doc.players.add({ who: ada, score: 1 });
    doc.players.add({});
    t.match(row.id, /^[a-z][a-z2-7]{7}$/, 'it knows its id');
    const { id } = row;
    t.ok(doc.players.has(id) && doc.players.delete(id) && !doc.players.has(id));
    t.notOk(doc.players.delete(id) || doc.players.has('@next') || doc.players.delete('@next'));
    t.throws(() => row.id, { code: 'HANDLER_FAILED' }, 'nor is a deleted row any more');
    t.equal(doc.players.get('@next'), undefined);
    t.equal(doc.players.get('toString'), undefined);
    t.strictSame([JSON.stringify(doc.players), JSON.stringify(doc.players.where({ score: 1 }))], ['{}', '{}']);
    doc.players.add({ score: 3 });
  });
  const table = state['players'] as JsonObject;
  const ids = Object.keys(table).filter((id) => id !== '@next');
  t.strictSame(ids.map((id) => table[id]).sort(), [{ '@n': 1 }, { score: 3, '@n': 2 }]);
  t.equal(table['@next'], 3);
  t.strictSame(redo, state);
  work(players, state, (doc) => doc.players.clear());
  t.strictSame(state, { players: { '@next': 3 } }, 'ordinals do not come again');
  t.end();
});

test('[D26] ids are 8 characters that begin with a letter, never twice, and tell nothing of each other', (t) => {
  const state: JsonObject = {};
  const made = beginWork(planRecord(players), state, () => randomBytes(16));
  const doc = made.doc as Draft<typeof players>;
  const ids = Array.from({ length: 2_000 }, (_, at) => doc.players.add({ score: at }).id);
  made.finish();
  t.ok(ids.every((id) => /^[a-z][a-z2-7]{7}$/.test(id)));
  t.equal(new Set(ids).size, ids.length);
  const rising = ids.filter((id, at) => id > (ids[at - 1] ?? '')).length;
  t.ok(rising > 800 && rising < 1_200, `${rising} of 2000 are behind the one before`);
  t.ok(new Set(ids.map((id) => id[0])).size === 26 && new Set(ids.map((id) => id[7])).size === 32);
  let looks = 0;
  const slow = beginWork(planRecord(players), {}, () => new Uint8Array(16).fill(Math.floor(looks++ / 5)));
  const table = (slow.doc as Draft<typeof players>).players;
  t.not(table.add({}).id, table.add({}).id, 'one that is taken is drawn again');
  t.equal(looks, 6);
  const stuck = beginWork(planRecord(players), {}, () => new Uint8Array(16)).doc as Draft<typeof players>;
  stuck.players.add({});
  t.throws(() => stuck.players.add({}), { name: 'AssertionFailed' });
  const reader = beginWork(planRecord(players), state).doc as Draft<typeof players>;
  t.throws(() => reader.players.add({}), { code: 'HANDLER_FAILED' }, 'without randomness nothing is added');
  t.equal(reader.players.where({ score: 7 }).count(), 1, 'and all can be asked');
  t.end();
});

test('[D26] a key is of one row; null is no key; a table has a max', (t) => {
  const small = { rows: f.table({ seat: f.int(), who: f.principal() }, { key: 'seat', max: 2 }), ...players };
  const state: JsonObject = {};
  work(small, state, ({ rows, players }) => {
    const one = rows.add({});
    t.throws(() => rows.add({ seat: 0 }), { code: 'HANDLER_FAILED' }, 'absent is its default');
    const two = rows.add({ seat: 1 });
    t.throws(() => Object.assign(two, { seat: 0 }), { code: 'HANDLER_FAILED' });
    t.throws(() => Object.assign(two, { seat: null }), { code: 'HANDLER_FAILED' });
    t.equal(two.seat, 1);
    two.seat = 1;
    t.throws(() => rows.add({ seat: 2 }), { code: 'HANDLER_FAILED' }, 'it is full');
    t.strictSame([rows.byKey(0)?.id, rows.byKey(1)?.id, rows.byKey(2)], [one.id, two.id, undefined]);
    rows.delete(one.id);
    two.seat = 0;
    t.strictSame([rows.byKey(0)?.id, rows.byKey(1), rows.size], [two.id, undefined, 1]);
    players.add({ text: 'none' });
    players.add({ text: 'none either' });
    const mine = players.add({ who: ada });
    players.add({ who: eve });
    t.equal(players.byKey({ ...ada })?.id, mine.id);
    t.throws(() => players.add({ who: { ...ada } }), { code: 'HANDLER_FAILED' });
    t.equal(players.byKey(bob), undefined);
    t.throws(() => players.byKey(undefined as never), { code: 'HANDLER_FAILED' });
    t.equal(players.where({ who: null }).count(), 2);
  });
  t.end();
});

test('[D26] a row that is put elsewhere is copied without its id and its place', (t) => {
  const card = { suit: f.string(), marks: f.map(f.int()) };
  const cards = {
    deck: f.table(card),
    hand: f.table(card),
    best: f.map(f.record(card)),
    odd: f.table({ suit: f.string() }),
  };
  const state: JsonObject = {};
  work(cards, state, ({ deck, hand, best, odd }) => {
    hand.add({});
    const row = deck.add({ suit: 'x', marks: { a: 1 } });
    const copy = hand.add(row);
    best.set('one', row as never);
    t.throws(() => odd.add(row), { code: 'HANDLER_FAILED' });
    row.marks.set('a', 2);
    t.strictSame([copy.marks.get('a'), best.get('one')?.marks.get('a')], [1, 1]);
    t.not(copy.id, row.id);
    t.throws(() => hand.add({ suit: 'x', id: 'abcdefgh' } as never), { code: 'HANDLER_FAILED' });
    t.throws(() => hand.add({ suit: 'x', '@n': 5 } as never), { code: 'HANDLER_FAILED' });
    t.throws(() => hand.add(null as never), { code: 'HANDLER_FAILED' });
    t.throws(() => Object.assign(row, { id: 'x' }), TypeError);
  });
  t.strictSame((state['best'] as JsonObject)['one'], { suit: 'x', marks: { a: 1 } });
  t.end();
});

const room = document({ ...players, log: f.string() })
  .privacy({ log: open })
  .events({ invent: () => true })
  .channel('add', z.object({ score: z.number() }), ({ doc, message, who }) => {
    const row = doc.players.byKey(who) ?? doc.players.add({ who });
    row.score += message.score;
    return row.id;
  })
  .channel('fill', z.object({}), ({ doc }) => {
    for (let at = 0; at < 50; at += 1) doc.players.add({ score: at % 7, text: `t${at}` });
  })
  .channel('drop', z.object({}), ({ doc }) => doc.players.where('score', '<', 3).delete())
  .channel('fail', z.object({}), ({ doc }) => {
    doc.players.where({ score: 5 }).delete();
    doc.players.add({ score: 9 });
    doc.players.by('score').rows();
    throw new Error('as told');
  })
  .channel('read', z.object({}), ({ doc }) => doc.players.by('score', 'desc').map((row) => `${row.score}${row.text}`))
  .channel('order', z.object({}), ({ doc }) => doc.players.map((row) => row.id));

test('[D26] [D11] [D17] [D19] tables go through the log, a snapshot, a rewind and a deletion as they are', (t) => {
  const env = fakeEnv();
  const name = 'room/one' as DocumentName;
  const resident = createResident(room, name);
  const member = new Member(resident, ada, env);
  const updates = member.updates.map((one) => Uint8Array.from(one));
  const send = (channel: string, message: object = {}): unknown => {
    const sent = member.send(channel, message);
    updates.push(Uint8Array.from(sent.update ?? []));
    return sent.result.kind === 'answered' ? JSON.parse(sent.result.json) : codeOf(sent);
  };
  t.match(send('add', { score: 2 }), /^[a-z2-7]{8}$/);
  send('fill');
  const [read, order] = [send('read'), send('order')];
  const former = { seq: resident.seq, incarnation: resident.incarnation, state: structuredClone(resident.state) };
  t.equal(send('fail'), 'HANDLER_FAILED');
  t.same([send('read'), send('order')], [read, order], 'as it was before what failed');
  t.ok((send('drop') as number) > 10);
  t.notSame(send('read'), read);
  const replayed = createResident(room, name);
  replaySections(replayed, updates);
  t.strictSame([replayed.state, replayed.length], [resident.state, resident.length]);
  const restored = restoreResident(room, name, encodeSnapshot(replayed));
  t.strictSame([restored.state, restored.length], [resident.state, resident.length]);
  applyRewind(resident, former, bob, env);
  checkResident(resident);
  t.strictSame(resident.state, former.state);
  t.same([send('read'), send('order')], [read, order], 'rows that came back stand where they stood');
  applyDelete(resident, bob, env);
  t.strictSame(resident.state, {});
  t.end();
});

test('[D16] mistakes in a table are APP_INVALID with their path', (t) => {
  const row = { a: f.int(), who: f.principal(), rate: f.double(), any: f.json(), list: f.list(f.int()) };
  const inner = f.table({ a: f.int() });
  const shapes: [string, () => unknown][] = [
    ['a: a row has', () => f.table({})],
    ['a: a row has', () => f.table(undefined as never)],
    ['a.id: this is', () => f.table({ id: f.int() } as never)],
    ['a.@n: a field is named', () => f.table({ '@n': f.int() })],
    ['a.b: its default', () => f.table({ b: f.int(0.5) })],
    ['a: its key "b"', () => f.table(row, { key: 'b' as never })],
    ['a: its key "toString"', () => f.table(row, { key: 'toString' as never })],
    ['a: its key "rate"', () => f.table(row, { key: 'rate' as never })],
    ['a: its key "any"', () => f.table(row, { key: 'any' as never })],
    ['a: its index "list"', () => f.table(row, { index: ['a', 'list' as never] })],
    ['a: its index is', () => f.table(row, { index: ['a', 'a'] })],
    ['a: its index is', () => f.table(row, { index: 'a' as never })],
    ['a: a table has a max', () => f.table(row, { max: 0 })],
    ['a: a table has a max', () => f.table(row, { max: 100_001 })],
    ['a.rows: a table stands', () => f.table({ rows: inner } as never)],
    ['a.box.rows: a table stands', () => f.table({ box: f.record({ rows: inner }) })],
    ['a.*.rows: a table stands', () => f.map(f.record({ rows: inner }))],
    ['a: a map of tables', () => f.map(inner as never)],
    ['a: a list is of', () => f.list(inner as never)],
  ];
  for (const [path, field] of shapes) {
    t.throws(() => document({ a: field() as ReturnType<typeof f.int> }), { code: 'APP_INVALID', message: path }, path);
  }
  t.doesNotThrow(() => document({ box: f.record({ deep: f.record({ rows: inner }) }) }));
  t.end();
});
