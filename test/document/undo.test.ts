// Undo of one's own message.
import fc from 'fast-check';
import { test } from 'tap';
import { z } from 'zod';
import { document, open, t } from '../../engine/document/define.ts';
import { testDocument } from '../../host/testing/testing.ts';

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
