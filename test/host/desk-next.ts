// What comes after desk-app.ts: what is said is said louder, and counted. What somebody else's trap is in cannot be brought to it.
import { z } from 'zod';
import { app, document, open, t } from '../../engine/document/define.ts';
import { spaces as before } from './desk-app.ts';

const text = z.object({ text: z.string() });

const bad = document({ said: t.list(t.string()), count: t.int(0) })
  .version(2, {
    2: ({ doc }) => {
      if (doc.trap === 'nobody') throw new Error('as told');
      doc.count = doc.said?.length ?? 0;
    },
  })
  .privacy({ said: open, count: open })
  .events({ invent: () => true })
  .channel('say', text, ({ doc, message }) => {
    doc.said.push(`${message.text}!`);
    doc.count += 1;
    return doc.count;
  })
  .channel('whisper', text, ({ doc, message }) => {
    doc.said.push(`(${message.text})`);
    return -1;
  });

const pages = document({ count: t.int(0), log: t.list(t.string()) })
  .viewerState(z.object({ page: z.int().max(3) }), { page: 1 })
  .bubbles({ shown: ({ doc, viewer }) => `${viewer.page} of ${doc.count}!` })
  .privacy({ shown: open })
  .events({ invent: () => true });

export default app({ spaces: { s: before.s, bad, pages } });
