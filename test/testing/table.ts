// What viewers show each other: what the kit's own tests show.
import { all, app, document, t as f, open, same } from 'levelten';
import { z } from 'zod';

export const table = document({ dealer: f.principal(), isOpen: f.boolean(true) })
  .policies({ dealer: ({ doc, who }) => same(doc.dealer, who) })
  .privacy({ isOpen: open })
  .events({ invent: () => true })
  .ephemeral('cursor', z.object({ x: z.number() }), { see: open, check: ({ doc }) => doc.isOpen })
  .ephemeral('whisper', z.string().max(20), { see: all('dealer') })
  .channel('deal', z.object({}), ({ doc, who }) => {
    doc.dealer = who;
  })
  .channel('open', z.object({ isOpen: z.boolean() }), ({ doc, message }) => {
    doc.isOpen = message.isOpen;
  });

export default app({ spaces: { table } });
