// What the desks of tests run, also where each thread loads it by itself.
import { z } from 'zod';
import { all, app, document, open, t } from '../../engine/document/define.ts';
import { base } from '../document/kit.ts';

const nothing = z.object({});

/** Says what it is told, and is otherwise as bad as an application can be. */
const bad = document({ said: t.list(t.string()), trap: t.string(''), guarded: t.string('') })
  .policies({
    calm: ({ doc, who }) => {
      while (doc.trap === who.agent);
      return true;
    },
  })
  .privacy({ said: open, guarded: all('calm') })
  .events({ invent: () => true })
  .channel('say', z.object({ text: z.string() }), ({ doc, message }) => {
    doc.said.push(message.text);
    return doc.said.length;
  })
  .channel('trap', z.object({ who: z.string() }), ({ doc, message }) => {
    doc.trap = message.who;
  })
  .channel('spin', nothing, ({ doc }) => {
    doc.said.push('never to be seen');
    for (;;);
  })
  .channel('exit', nothing, () => process.exit(3))
  .channel('stray', nothing, () => {
    Promise.reject(new Error('nobody waits for this'));
  })
  .channel('throw', nothing, () => {
    throw new TypeError('as told', { cause: 'by a test' });
  });

export const effects: { readonly ran: string[]; fails: number } = { ran: [], fails: 0 };

/** Does things by itself. */
const alive = document({ log: t.list(t.string()), count: t.int(0) })
  .privacy({ log: open, count: open })
  .events({
    invent: () => true,
    connected: ({ doc, who }) => void doc.log.push(`+${who.agent}`),
    disconnected: ({ doc, who }) => void doc.log.push(`-${who.agent}`),
  })
  .timer('ring', z.object({ text: z.string() }), ({ doc, arg }) => {
    if (arg.text === 'spin') for (;;);
    doc.log.push(arg.text);
  })
  .effect(
    'note',
    async ({ arg, id }: { readonly arg: { readonly text: string }; readonly id: string }) => {
      effects.ran.push(`${arg.text} ${id.split('/')[3]}`);
      if (effects.fails > 0) {
        effects.fails -= 1;
        throw new Error('as told');
      }
      return arg.text.length;
    },
    ({ doc, result }) => void doc.log.push(result.ok ? `effect ${result.value}` : `effect ${result.error}`),
  )
  .delivered(({ doc, receipt }) => void doc.log.push(`${receipt.to} ${receipt.ok ? receipt.answer : receipt.code}`))
  .channel('set', z.object({ inMs: z.number(), text: z.string() }), ({ message, ctx }) => {
    ctx.schedule('ring', message.inMs, { text: message.text });
  })
  .channel(
    'write',
    z.object({ count: z.int() }),
    ({ doc, message }) => {
      doc.count = message.count;
    },
    { undo: true },
  )
  .channel('note', z.object({ text: z.string() }), ({ message, ctx }) => ctx.effect('note', message))
  .channel('tell', z.object({ to: z.string(), times: z.int() }), ({ message, ctx }) => {
    for (let time = 0; time < message.times; time += 1) ctx.send(message.to, 'hear', { time });
  })
  .channel('hear', z.object({ time: z.int() }), ({ doc, message, who }) => {
    doc.log.push(`${who.agent} ${message.time}`);
    doc.count += 1;
    return doc.count;
  });

/** Documents anybody may see all of but for `secret`; some that nobody can begin; and bad ones. */
export const spaces = {
  s: base.privacy({ text: open, count: open, tags: open }),
  closed: document({ text: t.string('') }).privacy({ text: open }),
  bad,
  alive,
};

export default app({ spaces });
