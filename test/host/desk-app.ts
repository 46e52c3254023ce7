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

/** Documents anybody may see all of but for `secret`; some that nobody can begin; and bad ones. */
export const spaces = {
  s: base.privacy({ text: open, count: open, tags: open }),
  closed: document({ text: t.string('') }).privacy({ text: open }),
  bad,
};

export default app({ spaces });
