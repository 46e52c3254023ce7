// Documents that clients begin by saying what they are to be, and end.
import { test } from 'tap';
import { z } from 'zod';
import { document, open, same, t } from '../../engine/document/define.ts';
import { testDocument } from '../../host/testing/testing.ts';

const rooms = document({ title: t.string('untitled'), owner: t.principal() })
  .privacy({ title: open })
  .events({
    construct: ({ doc, who }) => {
      doc.owner = who;
    },
    delete: ({ doc, who }) => {
      doc.title = 'tried';
      if (who.agent === 'bug') throw new Error('as told');
      return same(doc.owner, who);
    },
  })
  .create(z.object({ title: z.string() }), ({ doc, arg, who, ctx }) => {
    if (arg.title === '') return false;
    if (arg.title === 'mine') ctx.abort('TAKEN', `not for ${who.agent}`);
    doc.title = arg.title;
    return true;
  });

test('[D12] a document is created by what its definition takes, or opened where it is there', (t) => {
  const doc = testDocument(rooms);
  t.throws(() => doc.as('ada'), { code: 'DOCUMENT_UNKNOWN' });
  t.throws(() => doc.as('ada', { create: {} }), { code: 'MESSAGE_INVALID', text: /title/ });
  t.throws(() => doc.as('ada', { create: { title: '' } }), { code: 'DOCUMENT_UNKNOWN' });
  t.throws(() => doc.as('ada', { create: { title: 'mine' } }), { code: 'TAKEN', text: 'not for ada' });
  t.equal(doc.seq, 0);
  t.same(doc.as('ada', { create: { title: 'one' } }).view, { title: 'one' });
  t.same(doc.as('bob', { create: { title: 'two' } }).view, { title: 'one' });
  doc.restart();
  const never = testDocument(document({}).events({ invent: () => true }));
  t.throws(() => never.as('ada', { create: {} }), { code: 'DOCUMENT_UNKNOWN' }, 'what is not said is denied');
  t.end();
});

test('[D12] [D20] a client ends a document where its definition lets him', (t) => {
  const doc = testDocument(rooms);
  const ada = doc.as('ada', { create: { title: 'one' } });
  for (const who of ['bob', 'bug']) t.throws(() => doc.delete(who), { code: 'DELETE_REFUSED' });
  t.same(ada.view, { title: 'one' });
  const { seq } = doc;
  doc.delete('ada');
  t.throws(() => doc.as('ada'), { code: 'DOCUMENT_UNKNOWN' });
  t.throws(() => doc.delete('ada'), { code: 'DOCUMENT_UNKNOWN' });
  t.same(doc.as('bob', { create: { title: 'two' } }).view, { title: 'two' });
  t.ok(doc.seq > seq + 1);
  doc.restart();
  const open = testDocument(document({}).events({ invent: () => true }));
  open.as('ada');
  t.throws(() => open.delete('ada'), { code: 'DELETE_REFUSED' }, 'what is not said is denied');
  t.end();
});
