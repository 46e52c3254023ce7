// The application under test: a ledger that takes values in and forgets none, so that everything that was ever answered can be
// looked for. Where a value came to stand is its answer; a second copy is seen by its sender alone.
import type { StandardSchema } from '../../engine/document/define.ts';
import { app, document, open, t, viewerIs } from '../../engine/document/define.ts';
import type { Plan } from '../../engine/document/definition/definition.ts';

type Entry = { readonly client: string; readonly value: string };

/** Takes what has two texts: the cheapest schema that refuses something. */
const entry: StandardSchema<Entry> = {
  '~standard': {
    version: 1,
    vendor: 'sim',
    validate: (value) => {
      const { client, value: text } = (value ?? {}) as Partial<Entry>;
      const isEntry = typeof client === 'string' && typeof text === 'string';
      return isEntry ? { value: { client, value: text } } : { issues: [{ message: 'not an entry' }] };
    },
  },
};

const ledger = document({
  count: t.int(),
  entries: t.map(t.record({ client: t.string(), value: t.string() })),
  own: t.map(t.record({ owner: t.principal(), value: t.string() })),
})
  .privacy({ count: open, entries: open, own: { value: viewerIs('owner') } })
  .events({ invent: () => true })
  .channel('add', entry, ({ doc, message, who }) => {
    doc.count += 1;
    const place = placeOf(doc.count);
    doc.entries.set(place, message);
    doc.own.set(place, { owner: who, value: message.value });
    return place;
  })
  .channel('refuse', entry, ({ doc, message, ctx }) => {
    doc.entries.set(message.value, message);
    ctx.abort('NOT_TODAY');
  });

export const ledgerApp = app({ spaces: { ledger } });
export const ledgerPlan: Plan = ledger.plan;

export function placeOf(count: number): string {
  return String(count).padStart(6, '0');
}
