// The application of the fault tests: a ledger that takes values in and forgets none. Where a value came to stand is its
// answer, so that an answer can be held against what is stored.
import { app, document, open, t } from 'levelten';
import { z } from 'zod';

const placeDigits = 8;

export const ledger = document({
  count: t.int(),
  entries: t.map(t.record({ client: t.string(), value: t.string() })),
})
  .privacy({ count: open, entries: open })
  .events({ invent: () => true })
  .channel('add', z.object({ client: z.string(), value: z.string() }), ({ doc, message }) => {
    doc.count += 1;
    const place = String(doc.count).padStart(placeDigits, '0');
    doc.entries.set(place, message);
    return place;
  });

export default app({ spaces: { ledger } });
