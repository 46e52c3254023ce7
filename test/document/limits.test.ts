// How many updates a document takes.
import { test } from 'tap';
import { z } from 'zod';
import { document, open, t } from '../../engine/document/define.ts';
import { testDocument } from '../../host/testing/testing.ts';

const empty = z.object({});

const slow = document({ count: t.int(0) })
  .privacy({ count: open })
  .events({ invent: () => true })
  .limits({ updatesPerSecond: 3 })
  .channel('add', empty, ({ doc }) => {
    doc.count += 1;
  });

test('[D50] a document takes so many updates a second, and more are refused for now', (t) => {
  const doc = testDocument(slow);
  const ada = doc.as('ada');
  for (let n = 0; n < 3; n += 1) ada.send('add', {});
  t.throws(() => ada.send('add', {}), { code: 'DOCUMENT_BUSY' });
  doc.advance(300);
  t.throws(() => ada.send('add', {}), { code: 'DOCUMENT_BUSY' });
  doc.advance(100);
  ada.send('add', {});
  t.equal(ada.view.count, 4);
  t.throws(() => slow.limits({ updatesPerSecond: 5 }), { code: 'APP_INVALID' });
  doc.advance(1_000);
  for (let n = 0; n < 3; n += 1) t.throws(() => ada.undo(1), { code: 'UNDO_REFUSED' });
  const { seq } = doc;
  t.throws(() => ada.undo(1), { code: 'DOCUMENT_BUSY' });
  t.throws(() => doc.receive('shop/two', 'add', {}), { code: 'DOCUMENT_BUSY' });
  t.equal(doc.seq, seq, 'nothing is written');
  doc.advance(1_000);
  doc.receive('shop/two', 'add', {});
  t.equal(ada.view.count, 5);
  t.end();
});
