// A chat: each room is a document. Everyone in it reads what is said to all; what is whispered is there for two people, and for nobody else is it there.
import { app, document, open, requires, same, t } from 'levelten';
import { z } from 'zod';

const kept = 200;

export const chat = document({
  /** Who has the room open. */
  here: t.list(t.principal()),
  messages: t.table(
    { from: t.principal(), to: t.principal(), text: t.string(''), at: t.dateTime() },
    { index: ['to'] },
  ),
})
  .policies({ mayRead: ({ row, who }) => row.to === null || same(row.to, who) || same(row.from, who) })
  .privacy({ here: open, messages: requires('mayRead', open) })
  .events({
    invent: () => true,
    connected: ({ doc, who }) => {
      if (!doc.here.includes(who)) doc.here.push(who);
    },
    disconnected: ({ doc, who }) => {
      const at = doc.here.indexOf(who);
      if (at >= 0) doc.here.remove(at);
    },
  })
  .ephemeral('typing', z.literal(true), { see: open })
  .channel('say', z.object({ text: z.string().trim().min(1).max(2_000), to: z.string().optional() }), (input) => {
    const { doc, message, who, ctx } = input;
    const to = message.to === undefined ? null : { agent: message.to, authority: who.authority };
    // Of each conversation the newest are kept, so that what one cannot see pushes nothing out that one can.
    const alike = to === null ? doc.messages.where({ to }) : doc.messages.where({ from: who, to });
    const tooMany = alike.count() - kept + 1;
    if (tooMany > 0) alike.limit(tooMany).delete();
    return doc.messages.add({ from: who, to, text: message.text, at: new Date(ctx.now) }).id;
  })
  .channel('unsay', z.object({ id: z.string() }), ({ doc, message, who, ctx }) => {
    const said = doc.messages.get(message.id);
    if (said === undefined || !same(said.from, who)) return ctx.abort('NOT_YOURS');
    doc.messages.delete(said.id);
  });

export default app({ spaces: { chat } });
