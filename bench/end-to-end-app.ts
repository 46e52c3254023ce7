// The application that P3 and the tests of whole clusters run: one open text, set by a message, whose delta goes to its sender.
import { app, document, open, t } from 'levelten';
import { z } from 'zod';

const note = document({ v: t.string('') })
  .privacy({ v: open })
  .events({ invent: () => true })
  .channel('set', z.object({ v: z.string() }), ({ doc, message }) => {
    doc.v = message.v;
  });

export default app({ spaces: { note } });
