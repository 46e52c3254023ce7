// A counter, as it is at first: test/process/deploy.test.ts deploys what comes behind it.
import { z } from 'zod';
import { app, document, open, t } from '../../engine/document/define.ts';

export const add = z.object({ by: z.int() });

const counter = document({ value: t.int(0) })
  .privacy({ value: open })
  .events({ invent: () => true })
  .channel('add', add, ({ doc, message }) => {
    doc.value += message.by;
    return doc.value;
  });

export default app({ spaces: { counter } });
