// What views look at, as whoever writes a definition tests it; and once in a real cluster.
import type { View, ViewerStateOf } from 'levelten';
import { document, t as f, open } from 'levelten';
import type { OpenDocument } from 'levelten/testing';
import { createTestCluster, TestBroken, TestRefused, testDocument, untilView } from 'levelten/testing';
import t from 'tap';
import { z } from 'zod';
import { pages } from './pages.ts';

const textsOf = ({ shown }: View<typeof pages>): (string | undefined)[] => (shown ?? []).map(({ text }) => text);

t.test('[D31] [D52] [D4] each view of a document under test looks at what it says', (t) => {
  const doc = testDocument(pages);
  const [one, other] = [doc.as('ada'), doc.as('ada', { viewer: { page: 1 } })];
  for (const text of ['a1', 'b1', 'a2', 'b2', 'a3']) one.send('write', { text });
  t.same(
    [one, other].map(({ view }) => textsOf(view)),
    [
      ['a1', 'b1'],
      ['a2', 'b2'],
    ],
  );
  one.heard();
  const { seq } = doc;
  one.look({ page: 1, find: 'a' });
  t.same(textsOf(one.view), ['a3']);
  t.equal(one.heard().length, 1);
  t.same([doc.seq, other.heard().length > 0, textsOf(other.view)], [seq, true, ['a2', 'b2']]);
  const eve = doc.as('eve', { viewer: { page: 0, find: 'a' } });
  t.notMatch(eve.heardText, 'a1');
  t.notMatch(one.heardText, 'find');
  t.throws(() => one.look({ page: -1 }), TestRefused);
  t.match(one.heardText, /"about":"viewer","code":"MESSAGE_INVALID"/);
  t.throws(() => doc.as('bob', { viewer: { page: 0.5 } }), { code: 'MESSAGE_INVALID' });
  doc.restart();
  t.same(textsOf(one.view), ['a3'], 'a client opens it again by what it looked at');
  one.send('write', { text: 'a4' });
  t.same(textsOf(one.view), ['a3', 'a4']);
  // @ts-expect-error: a page is a number.
  t.throws(() => one.look({ page: 'x' }), { code: 'MESSAGE_INVALID' });
  one.close();
  t.throws(() => one.look({ page: 0 }), /was closed/);
  t.same(doc.failures, []);
  t.end();
});

t.test('[D31] [D52] [D42] other code may take it no more; and what a bubble remembers is found', (t) => {
  const shape = { n: f.int(0) };
  const make = (max: number) =>
    document(shape)
      .viewerState(z.int().max(max), 0)
      .bubbles({ at: ({ viewer }) => viewer })
      .privacy({ at: open })
      .events({ invent: () => true });
  const doc = testDocument(make(9));
  const [one, other] = [doc.as('ada', { viewer: 3 }), doc.as('ada', { viewer: 7 })];
  doc.deploy(make(5));
  t.same([one.view.at, other.view.at], [3, 0]);
  t.match(other.heardText, 'MESSAGE_INVALID');
  other.look(5);
  t.same(other.view.at, 5);
  let count = 0;
  const bad = document(shape)
    .viewerState(z.int(), 0)
    .bubbles({
      at: ({ viewer }) => {
        count += 1;
        return viewer + count;
      },
    })
    .privacy({ at: open })
    .events({ invent: () => true });
  t.throws(() => testDocument(bad).as('ada'), TestBroken);
  const plain = testDocument(document(shape).events({ invent: () => true }));
  // @ts-expect-error: it takes none.
  t.throws(() => plain.as('ada', { viewer: 1 }), { code: 'MESSAGE_INVALID' });
  t.end();
});

type Pages = OpenDocument<View<typeof pages>, Record<never, never>, ViewerStateOf<typeof pages>>;

t.test('[D52] [F25] pages of a real cluster, and after its head has died', async (t) => {
  const cluster = await createTestCluster({ app: new URL('./pages.js', import.meta.url), chains: 1 });
  t.teardown(() => cluster.close());
  const ada: Pages = cluster.connect('ada').open('pages/one', { viewer: { page: 1 } });
  const tab: Pages = cluster.connect('ada').open('pages/one');
  for (const text of ['a', 'b', 'c', 'd', 'e']) await ada.send('write', { text });
  await untilView(ada, (view) => textsOf(view).join() === 'c,d');
  await untilView(tab, (view) => textsOf(view).join() === 'a,b');
  ada.look({ page: 2 });
  await untilView(ada, (view) => textsOf(view).join() === 'e');
  // Chain 0 of three hosts begins at h2 (PL3).
  await cluster.crash('h2');
  const views: string[] = [];
  ada.subscribe((view) => views.push(textsOf(view).join()));
  await tab.send('write', { text: 'f' });
  await untilView(ada, (view) => textsOf(view).join() === 'e,f');
  t.notOk(
    views.some((texts) => texts.startsWith('a')),
    `it was shown no other page in between: ${views.join(' ')}`,
  );
  t.same(textsOf(tab.view ?? ({ shown: [] } as never)), ['a', 'b']);
  ada.look({ page: -1 });
  ada.look({ page: 0, find: 'd' });
  await untilView(ada, (view) => textsOf(view).join() === 'd');
});
