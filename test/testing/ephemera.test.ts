// What is shown and never stored, as whoever writes a definition tests it; and once in a real cluster.
import type { EphemeralsOf, View } from 'levelten';
import type { OpenDocument } from 'levelten/testing';
import { createTestCluster, TestRefused, testDocument } from 'levelten/testing';
import t from 'tap';
import { table } from './table.ts';

t.test('[D31] [D43] [D44] viewers show, and see what they may', (t) => {
  const game = testDocument(table);
  const [ada, bob] = [game.as('ada'), game.as('bob')];
  ada.send('deal', {});
  bob.show('cursor', { x: 1 });
  bob.show('whisper', 'pass');
  t.same([...ada.shown('whisper')], [[bob.who, 'pass']]);
  t.equal(bob.shown('whisper').size, 0);
  t.notMatch(bob.heardText, 'whisper');
  t.equal(bob.shown('cursor').get(bob.who)?.x, 1);
  const late = game.as('ada');
  t.equal(late.shown('whisper').get(bob.who), 'pass');
  t.throws(() => bob.show('whisper', 'x'.repeat(21)), TestRefused);
  // @ts-expect-error: nobody said so.
  t.throws(() => bob.show('none', 1), { code: 'CHANNEL_UNKNOWN' });
  // @ts-expect-error: a cursor has an x.
  t.throws(() => bob.show('cursor', {}), { code: 'MESSAGE_INVALID' });
  const { seq } = game;
  game.restart();
  t.equal(game.seq, seq, 'it is written nowhere');
  t.equal(ada.shown('whisper').size, 1, 'and shown again');
  bob.send('deal', {});
  t.same([ada.shown('whisper').size, bob.shown('whisper').size], [0, 1]);
  ada.send('open', { isOpen: false });
  t.equal(ada.shown('cursor').size, 0);
  bob.close();
  t.throws(() => bob.show('cursor', { x: 1 }), /was closed/);
  t.same(game.failures, []);
  t.end();
});

type Game = OpenDocument<View<typeof table>, EphemeralsOf<typeof table>>;

function until(game: Game, holds: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const look = (): void => {
      if (!holds()) return;
      end();
      resolve();
    };
    const end = game.shown('cursor').subscribe(look);
    queueMicrotask(look);
  });
}

t.test('[D43] [F24] cursors of a real cluster, and after its head has died', async (t) => {
  const cluster = await createTestCluster({ app: new URL('./table.js', import.meta.url), chains: 1 });
  t.teardown(() => cluster.close());
  const [ada, bob] = ['ada', 'bob'].map((name): Game => cluster.connect(name).open('table/one'));
  if (ada === undefined || bob === undefined) throw new Error('two open it');
  const [adas, bobs] = ['ada', 'bob'].map((agent) => ({ agent, authority: 'dev' })) as [
    { agent: string; authority: string },
    { agent: string; authority: string },
  ];
  for (let x = 0; x < 100; x += 1) {
    ada.show('cursor', { x });
    bob.show('cursor', { x: -x });
  }
  await until(bob, () => bob.shown('cursor').get(adas)?.x === 99 && bob.shown('cursor').get(bobs)?.x === -99);
  // Chain 0 of three hosts begins at h2 (PL3).
  await cluster.crash('h2');
  let forgot = 0;
  bob.shown('cursor').subscribe(() => {
    if (bob.shown('cursor').size === 0) forgot += 1;
  });
  await ada.send('open', { isOpen: true });
  await until(bob, () => forgot > 0 && bob.shown('cursor').get(adas)?.x === 99);
  ada.close();
  await until(bob, () => bob.shown('cursor').get(adas) === undefined && bob.shown('cursor').get(bobs)?.x === -99);
  t.equal(bob.shown('cursor').size, 1);
});
