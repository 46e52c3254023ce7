// Other code for a document under test.
import { document, t as f, open } from 'levelten';
import { TestRefused, testDocument } from 'levelten/testing';
import { test } from 'tap';
import { z } from 'zod';

const first = document({ names: f.string(''), cuont: f.int(0) })
  .privacy({ names: open, cuont: open })
  .events({ invent: () => true })
  .channel('join', z.object({ text: z.string() }), ({ doc, message }) => {
    doc.names = doc.names === '' ? message.text : `${doc.names},${message.text}`;
    doc.cuont += 1;
  });

test('[D31] [D41] the kit refuses what a deploy would, and what its viewers would be', (t) => {
  const game = testDocument(first);
  game.as('ada').send('join', { text: 'ada' });
  const other = document({ names: f.int(0) }).events({ invent: () => true });
  t.throws(() => game.deploy(other), {
    name: 'TestRefused',
    code: 'DEPLOY_REFUSED',
    message: 'names: string becomes int',
  });
  const failing = document({}).version(2, {
    2: () => {
      throw new Error('as told');
    },
  });
  try {
    game.deploy(failing);
    t.fail('it is refused');
  } catch (refused) {
    t.ok(refused instanceof TestRefused);
    t.match(refused, { code: 'MIGRATION_FAILED', message: 'as told' });
  }
  t.same(game.state, { names: 'ada', cuont: 1 });
  game.as('bob').send('join', { text: 'bob' });
  game.restart();
  const without = document({ cuont: f.int(0) }).events({ invent: () => true });
  const less = game.deploy(without);
  t.throws(() => less.deploy(other), { code: 'DEPLOY_REFUSED' }, 'what is gone is remembered');
  t.match(less.deploy(first).as('eve').view, { names: 'ada,bob' }, 'and comes back');
  t.end();
});

test('[D40] what was done before a migration is not undone behind it', (t) => {
  const undoable = document({ names: f.string('') })
    .privacy({ names: open })
    .events({ invent: () => true })
    .channel(
      'join',
      z.object({ text: z.string() }),
      ({ doc, message }) => {
        doc.names = message.text;
      },
      { undo: true },
    );
  const game = testDocument(undoable);
  const ada = game.as('ada');
  ada.send('join', { text: 'ada' });
  const { seq } = game;
  const later = game.deploy(undoable.version(2, { 2: () => undefined }));
  t.throws(() => ada.undo(seq), { code: 'HISTORY_GONE' });
  ada.send('join', { text: 'bob' });
  ada.undo(later.seq);
  t.same(ada.view, { names: 'ada' });
  t.end();
});
