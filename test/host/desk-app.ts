// What the desks of tests run, also where each thread loads it by itself.
import { z } from 'zod';
import { all, app, document, open, t } from '../../engine/document/define.ts';
import { base } from '../document/kit.ts';

const nothing = z.object({});

/** Each fills the memory of its thread, in another way. One piece of more than 16 MB at the end would end the process: V8 knows no other way. */
const hoards = {
  objects: (at: number) => Array.from({ length: 1_000 }, (_, index) => ({ at, index })),
  text: (at: number) => Buffer.alloc(1_000_000, `${at}`).toString('latin1'),
  closures: (at: number) => Array.from({ length: 1_000 }, (_, index) => () => at + index),
} as const satisfies Record<string, (at: number) => unknown>;
const hoardNames = Object.keys(hoards) as (keyof typeof hoards)[];

/** Says what it is told, and is otherwise as bad as an application can be. */
const bad = document({ said: t.list(t.string()), trap: t.string(''), guarded: t.string('') })
  .policies({
    calm: ({ doc, who }) => {
      while (doc.trap === who.agent);
      if (doc.trap === 'throw') throw new Error('a policy failed');
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
  .channel('hoard', z.object({ what: z.enum(hoardNames) }), ({ message }) => {
    const hoard: unknown[] = [];
    for (let at = 0; ; at += 1) hoard.push(hoards[message.what](at));
  })
  .channel('echo', z.object({ text: z.string() }), ({ message }) => message.text)
  .channel('exit', nothing, () => process.exit(3))
  .channel('stray', nothing, () => {
    Promise.reject(new Error('nobody waits for this'));
  })
  .channel('behind', z.object({ how: z.enum(['exit', 'spin']) }), ({ doc, message }) => {
    doc.said.push('never to be seen');
    queueMicrotask(() => {
      if (message.how === 'exit') process.exit(3);
      for (;;);
    });
  })
  .channel('sly', z.object({ isEndless: z.boolean() }), ({ message }) => {
    throw Object.defineProperty(new Error('sly', { cause: 'told' }), 'message', {
      get: () => {
        while (message.isEndless);
        throw new Error('nobody may look');
      },
    });
  })
  .channel('throw', nothing, () => {
    throw new TypeError('as told', { cause: 'by a test' });
  });

/** What is shown in it anybody sees, but for secrets: those only guests do. */
const party = document({ guests: t.list(t.string()) })
  .policies({ guest: ({ doc, who }) => doc.guests.includes(who.agent) })
  .privacy({ guests: open })
  .events({ invent: () => true })
  .ephemeral('cursor', z.object({ x: z.int() }), { see: open })
  .ephemeral('secret', z.string(), {
    see: all('guest'),
    check: ({ message }) => {
      while (message === 'spin');
      if (message === 'throw') throw new TypeError('as told');
      return message !== 'no';
    },
  })
  .channel('invite', z.object({ guests: z.array(z.string()) }), ({ doc, message }) => {
    doc.guests.assign(message.guests);
  });

type Effects = { readonly ran: string[]; fails: number; until: Promise<void> };

export const effects: Effects = { ran: [], fails: 0, until: Promise.resolve() };

function spin(): never {
  for (;;);
}

/** A message that nobody checks in time. */
const endless = z.object({}).refine(() => spin());

/** Does things by itself. */
const alive = document({ log: t.list(t.string()), count: t.int(0) })
  .privacy({ log: open, count: open })
  .events({
    invent: () => true,
    construct: ({ key }) => void (key === 'endless' && spin()),
    connected: ({ doc, who }) => void (who.agent === 'mallory' ? spin() : doc.log.push(`+${who.agent}`)),
    disconnected: ({ doc, who }) => void (who.agent === 'trudy' ? spin() : doc.log.push(`-${who.agent}`)),
    load: () => undefined,
  })
  .timer('ring', z.object({ text: z.string() }), ({ doc, arg }) => {
    if (arg.text === 'spin') for (;;);
    if (arg.text === 'behind') queueMicrotask(spin);
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
      await effects.until;
      return arg.text.length;
    },
    ({ doc, arg, result }) => {
      if (arg.text === 'spin') spin();
      doc.log.push(result.ok ? `effect ${result.value}` : `effect ${result.error}`);
    },
  )
  .delivered(({ doc, receipt }) => void doc.log.push(`${receipt.to} ${receipt.ok ? receipt.answer : receipt.code}`))
  .channel('set', z.object({ inMs: z.number(), text: z.string(), times: z.int().default(1) }), ({ message, ctx }) => {
    for (let time = 0; time < message.times; time += 1) ctx.schedule('ring', message.inMs, { text: message.text });
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
  .channel('ask', z.object({ to: z.string(), channel: z.string() }), ({ message, ctx }) => {
    ctx.send(message.to, message.channel, {});
  })
  .channel('spin', nothing, () => spin())
  .channel('endless', endless, () => undefined)
  .channel('hear', z.object({ time: z.int() }), ({ doc, message, who }) => {
    doc.log.push(`${who.agent} ${message.time}`);
    doc.count += 1;
    return doc.count;
  });

/** Small, and long where it is shown. */
const wide = document({ isShown: t.boolean(), cells: t.map(t.record({ text: t.string('x'.repeat(1_000)) })) })
  .policies({ shown: ({ doc }) => doc.isShown })
  .privacy({ isShown: open, cells: all('shown') })
  .events({ invent: () => true })
  .channel('fill', z.object({ count: z.int() }), ({ doc, message }) => {
    for (let cell = 0; cell < message.count; cell += 1) doc.cells.set(`${cell}`, {});
  })
  .channel('show', z.object({ isShown: z.boolean() }), ({ doc, message }) => {
    doc.isShown = message.isShown;
  });

/** Each view is shown a page of it, and nothing else; there is one that never comes, and one that no link carries. */
const pages = document({ count: t.int(0), log: t.list(t.string()) })
  .viewerState(z.object({ page: z.int().max(9) }), { page: 0 })
  .bubbles({
    shown: ({ doc, viewer }) => {
      while (viewer.page === -1);
      return `${viewer.page} of ${doc.count}`;
    },
    left: ({ viewer }) => (viewer.page === 9 ? 'x'.repeat(4_000_000) : null),
    right: ({ viewer }) => (viewer.page === 9 ? 'x'.repeat(4_000_000) : null),
  })
  .privacy({ log: open, shown: open, left: open, right: open })
  .events({
    invent: () => true,
    delete: () => true,
    connected: ({ doc, who }) => void doc.log.push(`+${who.agent}`),
    disconnected: ({ doc, who }) => void doc.log.push(`-${who.agent}`),
  })
  .channel('add', nothing, ({ doc }) => {
    doc.count += 1;
  });

/** Documents anybody may see all of but for `secret`; some that nobody can begin; and bad ones. */
const counted = document({ text: t.string('') })
  .privacy({ text: open })
  .events({ invent: () => true, delete: () => true })
  .channel('write', z.object({ text: z.string() }), ({ doc, message }) => {
    doc.text = message.text;
    return doc.text.length;
  });
const thousands = z.object({ thousands: z.int() });
const filled = counted.channel('fill', thousands, ({ doc, message }) => {
  doc.text = 'x'.repeat(message.thousands * 1_000);
});

export const quotas = {
  metered: filled.quota({ space: { documents: 5, bytes: 40_000 }, principal: { documents: 2, bytes: 20_000 } }),
  rated: counted.quota({ space: { createsPerMinute: 4 }, principal: { createsPerMinute: 3 } }),
};

export const spaces = {
  ...quotas,
  s: base.privacy({ text: open, count: open, tags: open }),
  closed: document({ text: t.string('') }).privacy({ text: open }),
  bad,
  party,
  alive,
  wide,
  pages,
};

export default app({ spaces });
