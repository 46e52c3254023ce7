// Undo of one's own message.
import fc from 'fast-check';
import { test } from 'tap';
import { z } from 'zod';
import { document, open, t } from '../../engine/document/define.ts';
import { TestRefused, testDocument } from '../../host/testing/testing.ts';

const board = document({
  title: t.string(''),
  notes: t.map(t.record({ text: t.string(''), color: t.string('') })),
  rows: t.table({ name: t.string(''), rank: t.int(0) }, { key: 'name', max: 4 }),
  tags: t.list(t.string()),
})
  .privacy({ title: open, notes: open, rows: { name: open, rank: open }, tags: open })
  .events({ invent: () => true })
  .timer('later', z.object({}), () => undefined)
  .channel('title', z.object({ title: z.string() }), ({ doc, message }) => void setTitle(doc, message.title), {
    undo: true,
  })
  .channel('final', z.object({ title: z.string() }), ({ doc, message }) => void setTitle(doc, message.title))
  .channel(
    'note',
    z.object({ key: z.string(), text: z.string().nullable() }),
    ({ doc, message, ctx }) => {
      if (message.text === null) doc.notes.delete(message.key);
      else doc.notes.set(message.key, { text: message.text });
      doc.tags.push(message.key);
      ctx.schedule('later', 5);
    },
    { undo: true },
  )
  .channel('add', z.object({ name: z.string() }), ({ doc, message }) => doc.rows.add({ name: message.name }).id, {
    undo: true,
  })
  .channel('bare', z.object({}), ({ doc }) => doc.rows.add({}).id, { undo: true })
  .channel('drop', z.object({ id: z.string() }), ({ doc, message }) => doc.rows.delete(message.id), { undo: true })
  .channel(
    'rank',
    z.object({ id: z.string(), rank: z.int() }),
    ({ doc, message }) => {
      const row = doc.rows.get(message.id);
      if (row !== undefined) row.rank = message.rank;
    },
    { undo: true },
  );

function setTitle(doc: { title: string }, title: string): void {
  doc.title = title;
}

test('[D51] a message is taken back, and so is that', (t) => {
  const doc = testDocument(board);
  const ada = doc.as('ada');
  ada.send('title', { title: 'one' });
  ada.send('title', { title: 'two' });
  const { seq } = doc;
  ada.undo(seq);
  t.equal(ada.view.title, 'one');
  ada.undo(seq + 1);
  t.equal(ada.view.title, 'two', 'undone again');
  doc.restart();
  t.equal(ada.view.title, 'two');
  t.end();
});

test('[D51] what may not be undone is refused, and changes nothing', (t) => {
  const doc = testDocument(board);
  const [ada, bob] = [doc.as('ada'), doc.as('bob')];
  ada.send('title', { title: 'one' });
  const first = doc.seq;
  t.throws(() => bob.undo(first), { code: 'UNDO_REFUSED' });
  ada.send('final', { title: 'two' });
  const last = doc.seq;
  t.throws(() => ada.undo(last), { code: 'UNDO_REFUSED' });
  t.throws(() => ada.undo(first), { code: 'UNDO_CONFLICT' });
  t.throws(() => ada.undo(1), { code: 'UNDO_REFUSED' });
  t.throws(() => ada.undo(99), { code: 'HISTORY_GONE' });
  t.equal(ada.view.title, 'two');
  bob.send('title', { title: 'three' });
  t.equal(bob.view.title, 'three', 'numbers go on');
  t.end();
});

test('[D51] what came beside it stays, and what it asked for is not taken back', (t) => {
  const doc = testDocument(board);
  const [ada, bob] = [doc.as('ada'), doc.as('bob')];
  ada.send('note', { key: 'a', text: 'hers' });
  const hers = doc.seq;
  t.throws(() => bob.undo(hers), { code: 'UNDO_REFUSED' });
  const id = bob.send('add', { name: 'x' });
  const row = doc.seq;
  ada.send('add', { name: 'y' });
  bob.send('rank', { id, rank: 3 });
  t.throws(() => bob.undo(row), { code: 'UNDO_CONFLICT' }, 'it has a rank by now');
  bob.undo(doc.seq - 1);
  bob.undo(row);
  t.same(
    ada.view.rows.map(({ name }) => name),
    ['y'],
  );
  ada.undo(hers);
  t.same([ada.view.notes, ada.view.tags], [{}, []]);
  t.ok('@wake' in doc.state, 'the timer is set');
  t.end();
});

test('[D51] [D26] a row comes back where it was, unless its key or its place is taken', (t) => {
  const doc = testDocument(board);
  const ada = doc.as('ada');
  const names = (): string[] => ada.view.rows.map(({ name }) => name);
  for (const name of ['a', 'b', 'c']) ada.send('add', { name });
  ada.send('drop', { id: ada.view.rows[1]?.id ?? '' });
  const dropped = doc.seq;
  ada.undo(dropped);
  t.same(names(), ['a', 'b', 'c']);
  ada.undo(doc.seq);
  ada.send('add', { name: 'b' });
  const other = doc.seq;
  const again = dropped + 2;
  t.throws(() => ada.undo(again), { code: 'UNDO_CONFLICT' }, 'there is another b');
  ada.undo(other);
  for (const name of ['d', 'e']) ada.send('add', { name });
  t.throws(() => ada.undo(again), { code: 'UNDO_CONFLICT' }, 'there are four');
  t.same(names(), ['a', 'c', 'd', 'e']);
  ada.send('drop', { id: ada.view.rows[3]?.id ?? '' });
  ada.undo(again);
  t.same(names(), ['a', 'b', 'c', 'd']);
  t.end();
});

const names = fc.constantFrom('a', 'b', 'c');
const act = fc.oneof(
  fc.record({ channel: fc.constant('title' as const), message: fc.record({ title: names }) }),
  fc.record({ channel: fc.constant('note' as const), message: fc.record({ key: names, text: fc.option(names) }) }),
  fc.record({ channel: fc.constant('add' as const), message: fc.record({ name: names }) }),
);

test('[D51] all of what somebody did is undone backwards to where it began', (t) => {
  const runs = fc.property(fc.array(act, { maxLength: 12 }), (acts) => {
    const doc = testDocument(board);
    const ada = doc.as('ada');
    ada.send('title', { title: 'x' });
    const before = JSON.stringify(ada.view);
    const done: number[] = [];
    for (const { channel, message } of acts) if (ada.trySend(channel, message as never).ok) done.push(doc.seq);
    for (const seq of done.reverse()) ada.undo(seq);
    return JSON.stringify(ada.view) === before;
  });
  fc.assert(runs, { numRuns: 150 });
  t.end();
});

test('[D51] [D26] a table goes on counting where all of it is taken back', (t) => {
  const doc = testDocument(board);
  const [ada, bob] = [doc.as('ada'), doc.as('bob')];
  bob.send('add', { name: 'first' });
  const first = doc.seq;
  const id = ada.send('add', { name: 'a' });
  ada.send('drop', { id });
  const dropped = doc.seq;
  bob.undo(first);
  t.same(ada.view.rows, []);
  for (const name of ['b', 'c']) bob.send('add', { name });
  ada.undo(dropped);
  t.same(
    ada.view.rows.map(({ name }) => name),
    ['a', 'b', 'c'],
  );
  t.end();
});

test('[D51] [D26] a row without a key of its own has the one that all begin with', (t) => {
  const doc = testDocument(board);
  const ada = doc.as('ada');
  ada.send('drop', { id: ada.send('bare', {}) });
  const { seq } = doc;
  ada.send('bare', {});
  t.throws(() => ada.undo(seq), { code: 'UNDO_CONFLICT' });
  t.equal(ada.view.rows.length, 1);
  t.end();
});

const deed = fc.oneof(
  act,
  fc.record({ channel: fc.constant('add' as const), message: fc.record({ name: names }) }),
  fc.record({ drop: fc.nat(4) }),
  fc.record({ undo: fc.nat(12), by: fc.nat(1) }),
);

function tryUndo(viewer: { undo(seq: number): void }, seq: number): void {
  try {
    viewer.undo(seq);
  } catch (cause) {
    if (!(cause instanceof TestRefused)) throw cause;
  }
}

test('[D51] [D26] in whatever order things are undone, a table keeps what it promises', (t) => {
  const runs = fc.property(fc.array(deed, { maxLength: 30 }), (deeds) => {
    const doc = testDocument(board);
    const viewers = [doc.as('ada'), doc.as('bob')] as const;
    const order: string[] = [];
    for (const [number, one] of deeds.entries()) {
      const viewer = viewers[number % 2 === 0 ? 0 : 1];
      if ('undo' in one) tryUndo(viewers[one.by === 0 ? 0 : 1], Math.max(doc.seq - one.undo, 1));
      else if ('drop' in one) viewer.trySend('drop', { id: viewer.view.rows[one.drop]?.id ?? '' });
      else viewer.trySend(one.channel, one.message as never);
      const { rows } = viewer.view;
      for (const { id } of rows) if (!order.includes(id)) order.push(id);
      const places = rows.map(({ id }) => order.indexOf(id));
      if (places.some((place, at) => at > 0 && place < (places[at - 1] ?? 0))) return false;
      if (rows.length > 4 || new Set(rows.map(({ name }) => name)).size < rows.length) return false;
    }
    doc.restart();
    return true;
  });
  fc.assert(runs, { numRuns: 300 });
  t.end();
});
