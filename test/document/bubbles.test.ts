// Bubbles by themselves: nothing here but they would have them asked again. (policies.test.ts has them among everything else.)
import type { Test } from 'tap';
import { test } from 'tap';
import { z } from 'zod';
import { applyDelta } from '../../engine/base/delta.ts';
import type { DocumentName } from '../../engine/base/ids.ts';
import type { Json } from '../../engine/base/merge-patch.ts';
import type { Definition, Principal } from '../../engine/document/define.ts';
import { document, t as f, open, viewerIs } from '../../engine/document/define.ts';
import type { Resident, ViewDelta } from '../../engine/document/document.ts';
import { applyRewind, createResident, takeFailures, viewOf } from '../../engine/document/document.ts';
import { ada, bob, deliver, fakeEnv, Member } from './kit.ts';

const name = 'board/one' as DocumentName;

/** Two viewers, whose views are kept by deltas alone. */
class Room {
  readonly resident: Resident;
  readonly env = fakeEnv();
  readonly members: readonly Member[];
  readonly views = new Map<Principal, Json>();

  constructor(definition: Definition) {
    this.resident = createResident(definition, name);
    this.members = [ada, bob].map((who) => new Member(this.resident, who, this.env));
    for (const { who, opening } of this.members) this.views.set(who, JSON.parse(opening.json));
  }

  send(who: Principal, channel: string, message: unknown): void {
    this.hear(this.members.find((member) => member.who === who)?.send(channel, message).deltas ?? []);
  }

  hear(deltas: readonly ViewDelta[]): void {
    for (const [{ who }, json] of deliver(this.members, deltas)) {
      this.views.set(who, applyDelta(this.views.get(who), JSON.parse(json)) ?? {});
    }
  }

  check(t: Test, text: string): void {
    for (const { who } of this.members) t.strictSame(this.views.get(who), viewOf(this.resident, who), text);
  }
}

const notebook = document({ owner: f.principal(), notes: f.map(f.record({ text: f.string('') })) })
  .bubbles({ newest: ({ doc }) => doc.notes.get('a') })
  .privacy({ notes: viewerIs('owner'), newest: open })
  .events({ invent: () => true })
  .channel('write', z.object({ text: z.string() }), ({ doc, message }) => doc.notes.set('a', message))
  .channel('take', z.object({}), ({ doc, who }) => {
    doc.owner = who;
  });

test('[D4] [D32] a bubble shows nothing any more to whom a field beside what it shows no longer names', (t) => {
  const room = new Room(notebook);
  room.send(ada, 'take', {});
  room.send(ada, 'write', { text: 'of ada' });
  t.strictSame(room.views.get(ada), { notes: { a: { text: 'of ada' } }, newest: { text: 'of ada' } });
  t.strictSame(room.views.get(bob), {});
  room.send(bob, 'take', {});
  t.strictSame(room.views.get(ada), {});
  t.strictSame(room.views.get(bob), { notes: { a: { text: 'of ada' } }, newest: { text: 'of ada' } });
  room.check(t, 'as anew');
  t.end();
});

const shelf = document({
  owner: f.principal(),
  box: f.record({ keeper: f.principal(), label: f.json() }),
})
  .bubbles({ shown: ({ doc }) => doc.box })
  .privacy({ box: open, shown: open })
  .events({ invent: () => true })
  .channel('keep', z.object({ label: z.string() }), ({ doc, message, who }) => {
    doc.box.keeper = who;
    doc.box.label = { text: message.label, tags: [message.label] };
  });

test('[D19] [D32] a bubble shows after a rewind what it showed then', (t) => {
  const room = new Room(shelf);
  room.send(ada, 'keep', { label: 'a' });
  const { seq, incarnation, state } = room.resident;
  const former = { seq, incarnation, state: structuredClone(state) };
  const then = structuredClone(room.views.get(ada));
  room.send(bob, 'keep', { label: 'b' });
  room.hear(applyRewind(room.resident, former, ada, room.env).deltas);
  t.strictSame(room.views.get(ada), then);
  room.check(t, 'as anew');
  t.end();
});

const free = document({ rows: f.json<Json>() })
  .bubbles({ shown: ({ doc }) => doc.rows })
  .privacy({ shown: open })
  .events({ invent: () => true })
  .channel('set', z.object({ ids: z.array(z.string()), n: z.int() }), ({ doc, message }) => {
    doc.rows = message.ids.map((id) => ({ id, n: message.n }));
  });

test('[D5] [D9] [D32] what a bubble shows may have ids that a delta would take for something else', (t) => {
  for (const id of ['@o', '@s', '@r', '@x', '__proto__', 'toString', '0', '']) {
    const room = new Room(free);
    for (const [ids, n] of [
      [[id], 1],
      [[id], 2],
      [['a', id], 2],
      [[id, 'a'], 3],
      [['a'], 4],
    ] as const) {
      room.send(ada, 'set', { ids, n });
      t.strictSame(room.views.get(bob), { shown: ids.map((one) => ({ id: one, n })) }, `${id} as ${n}`);
    }
  }
  t.end();
});

test('[D28] [D32] a formula or a bubble that is longer than any view has no value', (t) => {
  const endless = document({ text: f.string('x'), count: f.int() })
    .formulas({ value: ({ doc }) => doc.text.repeat(doc.count) })
    .bubbles({ shown: ({ doc }) => [doc.text.repeat(doc.count)] })
    .privacy({ count: open, value: open, shown: open })
    .events({ invent: () => true })
    .channel('grow', z.object({ count: z.int() }), ({ doc, message }) => {
      doc.count = message.count;
    });
  const room = new Room(endless);
  room.send(ada, 'grow', { count: 2 });
  t.strictSame(room.views.get(bob), { count: 2, value: 'xx', shown: ['xx'] });
  room.send(ada, 'grow', { count: 2 ** 23 });
  t.strictSame(room.views.get(bob), { count: 2 ** 23 });
  t.match(takeFailures(room.resident), { failure: { code: 'HANDLER_FAILED' } });
  t.end();
});

test('[D28] [D32] a formula or a bubble that waits has no value, and its failure is nobody else’s', async (t) => {
  const waits = async (): Promise<never> => {
    throw new Error('as told');
  };
  const waiting = document({ text: f.string('x') })
    .formulas({ value: waits as unknown as () => string })
    .bubbles({ shown: waits })
    .privacy({ text: open, value: open, shown: open })
    .events({ invent: () => true });
  const resident = createResident(waiting, name);
  t.strictSame(viewOf(resident, ada), { text: 'x' });
  t.match(takeFailures(resident), { count: 2, failure: { code: 'HANDLER_FAILED' } });
  // A promise that failed and that nobody watches ends this process about now.
  await new Promise((resolve) => setImmediate(resolve));
});
