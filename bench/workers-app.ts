// The application that P9 runs: a message costs as many rounds of arithmetic as it says. A fixed piece of work and not a span of time: who is
// not given a core does not get it done.
import { app, document, open, t } from 'levelten';
import { z } from 'zod';
import { spin } from './spin.ts';

const job = document({ result: t.int(0), count: t.int(0) })
  .privacy({ count: open })
  .events({ invent: () => true })
  .channel('work', z.object({ rounds: z.int().min(1) }), ({ doc, message }) => {
    doc.result = spin(message.rounds, doc.result);
    doc.count += 1;
  });

export default app({ spaces: { job } });
