// A board: one text that everyone sees and may change, and a note for each principal that nobody else sees, nor that it
// is there.
import { app, document, open, t, viewerIs } from 'levelten';
import { z } from 'zod';

const text = z.object({ text: z.string().max(5_000) });

export const board = document({
  text: t.string(''),
  editedBy: t.principal(),
  notes: t.map(t.record({ owner: t.principal(), text: t.string('') })),
})
  .privacy({
    text: open,
    editedBy: open,
    notes: { owner: viewerIs('owner'), text: viewerIs('owner') },
  })
  .events({ invent: () => true })
  .channel('write', text, ({ doc, message, who }) => {
    doc.text = message.text;
    doc.editedBy = who;
  })
  .channel('note', text, ({ doc, message, who }) => {
    doc.notes.set(`${who.authority.length}:${who.authority}:${who.agent}`, { owner: who, text: message.text });
  });

export default app({ spaces: { board } });
