// Pages of a list, and what is found in it: what the kit's own tests look at.
import { app, document, t as f, open, viewerIs } from 'levelten';
import { z } from 'zod';

export const pages = document({
  notes: f.table({ by: f.principal(), text: f.string('') }),
})
  .viewerState(z.object({ page: z.int().min(0), find: z.string().default('') }), { page: 0 })
  .bubbles({
    shown: ({ doc, viewer }) =>
      doc.notes
        .where((note) => note.text.includes(viewer.find))
        .skip(2 * viewer.page)
        .limit(2),
  })
  .privacy({ notes: { text: viewerIs('by'), by: open }, shown: open })
  .events({ invent: () => true })
  .channel('write', z.object({ text: z.string() }), ({ doc, message, who }) => {
    doc.notes.add({ by: who, text: message.text });
  });

export default app({ spaces: { pages } });
