// The application under test: a ledger that takes values in and forgets none, so that everything that was ever answered can be
// looked for. Where a value came to stand is its answer; a second copy is seen by its sender alone.
import type { Context, StandardSchema } from '../../engine/document/define.ts';
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

const ring: StandardSchema<{ readonly value: string; readonly at: number }> = anything();
const hearing: StandardSchema<{ readonly number: number }> = anything();

function anything<T>(): StandardSchema<T> {
  return { '~standard': { version: 1, vendor: 'sim', validate: (value) => ({ value: value as T }) } };
}

type Asks = { timers: number; notes: number; sent: number };

/** Some entries ask for more: a timer, an effect, a message to a document that hears from all. */
function askFor(doc: Asks, value: string, ctx: Context): void {
  const number = Number(value.split('.').at(-1));
  if (number % 6 === 1) {
    const inMs = (number * 379) % 4_000;
    doc.timers += 1;
    ctx.schedule('ring', inMs, { value, at: ctx.now + inMs });
  }
  if (number % 6 === 3) {
    doc.notes += 1;
    ctx.effect('note', null);
  }
  if (number % 6 === 5) {
    doc.sent += 1;
    ctx.send(hearer, 'hear', { number: doc.sent });
  }
}

/** The document that hears from all others. */
export const hearer = 'ledger/hearer';

const ledger = document({
  count: t.int(),
  entries: t.map(t.record({ client: t.string(), value: t.string() })),
  own: t.map(t.record({ owner: t.principal(), value: t.string() })),
  /** What was asked for, and what came of it. */
  timers: t.int(0),
  rings: t.map(t.int(0)),
  early: t.int(0),
  notes: t.int(0),
  noted: t.int(0),
  sent: t.int(0),
  receipts: t.int(0),
  /** Of each document that sends messages to this one, the last that was heard; and how many did not follow it. */
  heard: t.map(t.int(0)),
  disorder: t.int(0),
})
  .privacy({ count: open, entries: open, own: { value: viewerIs('owner') } })
  .events({ invent: () => true })
  .timer('ring', ring, ({ doc, arg, ctx }) => {
    doc.rings.set(arg.value, (doc.rings.get(arg.value) ?? 0) + 1);
    if (ctx.now < arg.at) doc.early += 1;
  })
  .effect(
    'note',
    () => null,
    ({ doc }) => {
      doc.noted += 1;
    },
  )
  .delivered(({ doc, receipt }) => {
    if (receipt.ok) doc.receipts += 1;
  })
  .channel('hear', hearing, ({ doc, message, who }) => {
    if (message.number !== (doc.heard.get(who.agent) ?? 0) + 1) doc.disorder += 1;
    doc.heard.set(who.agent, message.number);
  })
  .channel('add', entry, ({ doc, message, who, ctx }) => {
    askFor(doc, message.value, ctx);
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

const counted = ledger.quota({ space: { documents: 1_000 }, principal: { createsPerMinute: 1_000 } });

export const ledgerApp = app({ spaces: { ledger } });
/** The same with accounts to be asked: it is slower. */
export const countedApp = app({ spaces: { ledger: counted } });
export const ledgerPlan: Plan = ledger.plan;

export function placeOf(count: number): string {
  return String(count).padStart(6, '0');
}
