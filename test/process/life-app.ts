// Accounts that pay each other by messages, pay interest by timers, and know who looks at them.
import { app, document, open, t } from 'levelten';
import { z } from 'zod';

export const account = document({
  balance: t.int(100),
  paid: t.int(0),
  receipts: t.int(0),
  received: t.int(0),
  rings: t.list(t.string()),
  here: t.list(t.string()),
  notes: t.int(0),
})
  .privacy({ balance: open, paid: open, receipts: open, received: open, rings: open, here: open, notes: open })
  .events({
    invent: () => true,
    delete: ({ who }) => who.agent === 'carol',
    connected: ({ doc, who }) => {
      doc.here.push(who.agent);
    },
    disconnected: ({ doc, who }) => {
      doc.here.remove(doc.here.indexOf(who.agent));
    },
  })
  .create(z.object({ balance: z.int() }), ({ doc, arg }) => {
    doc.balance = arg.balance;
  })
  .timer('ring', z.object({ label: z.string() }), ({ doc, arg }) => {
    doc.rings.push(arg.label);
  })
  .effect(
    'note',
    async ({ id }) => id,
    ({ doc, result }) => {
      if (result.ok) doc.notes += 1;
    },
  )
  .delivered(({ doc, receipt }) => {
    if (receipt.ok) doc.receipts += 1;
  })
  .channel('ring', z.object({ label: z.string(), inMs: z.int() }), ({ message, ctx }) => {
    ctx.schedule('ring', message.inMs, { label: message.label });
    ctx.effect('note');
  })
  .channel('pay', z.object({ to: z.string(), amount: z.int() }), ({ doc, message, ctx }) => {
    doc.balance -= message.amount;
    doc.paid += 1;
    ctx.send(message.to, 'receive', { amount: message.amount });
  })
  .channel('receive', z.object({ amount: z.int() }), ({ doc, message, who, ctx }) => {
    if (who.authority !== '@document') ctx.abort('NOT_AN_ACCOUNT');
    doc.balance += message.amount;
    doc.received += 1;
  });

export const note = document({ text: t.string('') })
  .privacy({ text: open })
  .events({ invent: () => true, delete: () => true })
  .quota({ space: { documents: 30 }, principal: { documents: 8 } });

export default app({ spaces: { account, note } });
