// The counter has a name, which those that were there are given.
import { z } from 'zod';
import { app, document, open, t } from '../../engine/document/define.ts';
import { add } from './counter-1.ts';

const counter = document({ value: t.int(0), name: t.string('') })
  .version(2, {
    2: ({ doc }) => {
      if (doc.value === 13) throw new Error('13 is not brought anywhere');
      doc.name = `was at ${doc.value ?? 0}`;
    },
  })
  .privacy({ value: open, name: open })
  .events({ invent: () => true })
  .channel('add', add, ({ doc, message }) => {
    doc.value += message.by;
    return doc.value;
  })
  .channel('name', z.object({ text: z.string() }), ({ doc, message }) => {
    doc.name = message.text;
  });

export default app({ spaces: { counter } });
