// What happens to a document without a message: timers, schedules, presence, effects, messages of other documents.
import fc from 'fast-check';
import { test } from 'tap';
import { z } from 'zod';
import { documentName } from '../../engine/base/ids.ts';
import { document, t as f, open, t } from '../../engine/document/define.ts';
import { createResident, deliver, happen, openView, replaySections, wakeMsOf } from '../../engine/document/document.ts';
import { testDocument } from '../../host/testing/testing.ts';
import { ada, fakeEnv, Member } from './kit.ts';

const empty = z.object({});

const clock = document({ rings: t.list(t.string()), by: t.principal() })
  .privacy({ rings: open, by: open })
  .events({ invent: () => true })
  .timer('ring', z.object({ label: z.string() }), ({ doc, arg, ctx }) => {
    if (arg.label === 'throw') throw new Error('as told');
    doc.rings.push(`${arg.label} ${ctx.now}`);
    if (arg.label === 'again') ctx.schedule('ring', 10, { label: 'second' });
  })
  .channel('set', z.object({ inMs: z.number(), label: z.string() }), ({ message, ctx }) =>
    ctx.schedule('ring', message.inMs, { label: message.label }),
  )
  .channel('setAndAbort', empty, ({ ctx }) => {
    ctx.schedule('ring', 1, { label: 'never' });
    ctx.abort('NO');
  })
  .channel('cancel', z.object({ id: z.string() }), ({ message, ctx }) => ctx.cancel(message.id));

test('[D45] a timer runs once, at its time, and is seen like a message', (t) => {
  const doc = testDocument(clock, { nowMs: 1_000 });
  const viewer = doc.as('ada');
  viewer.send('set', { inMs: 500, label: 'a' });
  viewer.send('set', { inMs: 500.2, label: 'b' });
  doc.advance(499);
  t.strictSame(viewer.view.rings, []);
  doc.advance(1);
  t.strictSame(viewer.view.rings, ['a 1500']);
  doc.restart();
  doc.advance(10_000);
  t.strictSame(viewer.view.rings, ['a 1500', 'b 1501']);
  doc.restart();
  doc.advance(10_000);
  t.equal(viewer.view.rings.length, 2);
  viewer.send('set', { inMs: 0, label: 'again' });
  doc.advance(20);
  t.strictSame(viewer.view.rings.slice(2), ['again 21500', 'second 21510'], 'handlers of timers set timers');
  t.notOk('@wake' in doc.state, 'nothing is left of them');
  t.strictSame(doc.failures, []);
  t.end();
});

test('[D45] [D8] what a refused handler set is not set, and one that throws is over', (t) => {
  const doc = testDocument(clock);
  const viewer = doc.as('ada');
  t.throws(() => viewer.send('setAndAbort', {}), { code: 'NO' });
  t.notOk('@wake' in doc.state);
  const id = viewer.send('set', { inMs: 5, label: 'x' });
  t.equal(viewer.send('cancel', { id }), true);
  t.equal(viewer.send('cancel', { id }), false);
  viewer.send('set', { inMs: 5, label: 'throw' });
  const { seq } = doc;
  doc.advance(100);
  t.equal(doc.seq, seq + 1, 'its failure is an update');
  t.strictSame(viewer.view.rings, []);
  t.equal(doc.failures[0]?.name, 'timer ring');
  doc.restart();
  doc.advance(100);
  t.equal(doc.seq, seq + 1);
  t.end();
});

test('[D45] who looks before anything is due finds nothing', (t) => {
  const env = { ...fakeEnv(), nowMs: 1_000 };
  const resident = createResident(clock, documentName('s/clock').name);
  new Member(resident, ada, env).send('set', { inMs: 20, label: 'a' });
  t.strictSame([wakeMsOf(resident, 1_000), happen(resident, { ...env, nowMs: 1_019 }).updates], [1_020, []]);
  t.equal(happen(resident, { ...env, nowMs: 1_020 }).updates.length, 1);
  t.equal(wakeMsOf(resident, 2_000), undefined);
  t.end();
});

const step = fc.oneof(
  fc.record({ do: fc.constant('set' as const), inMs: fc.nat(50) }),
  fc.record({ do: fc.constant('advance' as const), ms: fc.nat(30) }),
  fc.record({ do: fc.constant('cancel' as const), at: fc.nat(5) }),
  fc.record({ do: fc.constant('restart' as const) }),
);

test('[D45] whatever happens, a timer that is not taken back runs once, in order of time', (t) => {
  const runs = fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
    const doc = testDocument(clock, { nowMs: 0 });
    const viewer = doc.as('ada');
    let set: { id: string; at: number; label: string }[] = [];
    const rung: string[] = [];
    for (const [number, one] of steps.entries()) {
      if (one.do === 'set') {
        const id = viewer.send('set', { inMs: one.inMs, label: `t${number}` });
        set.push({ id, at: doc.nowMs + one.inMs, label: `t${number}` });
      } else if (one.do === 'cancel') {
        const which = set[one.at];
        if (which !== undefined) viewer.send('cancel', { id: which.id });
        set = set.filter((other) => other !== which);
      } else if (one.do === 'restart') doc.restart();
      else {
        doc.advance(one.ms);
        const due = set.filter(({ at }) => at <= doc.nowMs);
        due.sort((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1));
        rung.push(...due.map(({ at, label }) => `${label} ${at}`));
        set = set.filter(({ at }) => at > doc.nowMs);
      }
      if (one.do === 'advance' && JSON.stringify(viewer.view.rings) !== JSON.stringify(rung)) return false;
    }
    return true;
  });
  fc.assert(runs, { numRuns: 200 });
  t.end();
});

const beat = document({ beats: t.int(0), looks: t.int(0), isStill: t.boolean(false) })
  .privacy({ beats: open })
  .events({ invent: () => true })
  .every('beat', 1_000, ({ doc }) => {
    if (!doc.isStill) doc.beats += 1;
  })
  .channel('still', z.object({ isStill: z.boolean() }), ({ doc, message }) => {
    doc.isStill = message.isStill;
  });
const always = document({ beats: t.int(0) })
  .privacy({ beats: open })
  .events({ invent: () => true })
  .every(
    'beat',
    1_000,
    ({ doc }) => {
      doc.beats += 1;
    },
    { always: true },
  );

test('[D46] a schedule runs while somebody is there; one that is for always runs on', (t) => {
  const doc = testDocument(beat);
  const viewer = doc.as('ada');
  doc.advance(3_500);
  t.equal(viewer.view.beats, 3);
  viewer.send('still', { isStill: true });
  const { seq } = doc;
  doc.advance(10_000);
  t.equal(doc.seq, seq, 'rounds that change nothing write nothing');
  viewer.send('still', { isStill: false });
  viewer.close();
  const before = doc.seq;
  doc.advance(10_000);
  t.equal(doc.seq, before, 'nobody is there');
  const again = doc.as('ada');
  doc.advance(999);
  t.equal(again.view.beats, 3);
  doc.advance(1);
  t.equal(again.view.beats, 4);

  const alone = testDocument(always);
  const eve = alone.as('eve');
  eve.close();
  alone.advance(5_000);
  t.equal(alone.as('eve').view.beats, 5);
  alone.restart();
  alone.advance(1_000);
  t.equal(alone.as('bob').view.beats, 6, 'a restart neither skips nor doubles a round');
  t.end();
});

const room = document({ here: t.map(t.int(0)), log: t.list(t.string()) })
  .privacy({ here: open, log: open })
  .events({
    invent: () => true,
    construct: ({ doc, who, key }) => {
      if (key === 'broken') throw new Error('as told');
      doc.log.push(`made by ${who.agent}`);
    },
    connected: ({ doc, who, ctx }) => {
      if (who.agent === 'mallory') return false;
      if (who.agent === 'trudy') ctx.abort('BANNED', 'go away');
      if (who.agent === 'bug') throw new Error('as told');
      doc.here.set(who.agent, (doc.here.get(who.agent) ?? 0) + 1);
      return true;
    },
    disconnected: ({ doc, who }) => {
      doc.here.delete(who.agent);
      if (who.agent === 'grumpy') throw new Error('as told');
    },
  });

test('[D47] who comes and who goes is told once, however often he opens the document', (t) => {
  const doc = testDocument(room);
  const ada = doc.as('ada');
  t.strictSame(ada.view, { here: { ada: 1 }, log: ['made by ada'] });
  const second = doc.as('ada');
  const bob = doc.as('bob');
  t.strictSame(ada.view.here, { ada: 1, bob: 1 });
  second.close();
  doc.advance(60_000);
  t.strictSame(ada.view.here, { ada: 1, bob: 1 });
  bob.close();
  doc.advance(1_999);
  t.strictSame(ada.view.here, { ada: 1, bob: 1 }, 'a page may be loaded anew');
  doc.as('bob').close();
  doc.advance(1_999);
  t.strictSame(ada.view.here, { ada: 1, bob: 1 });
  doc.advance(1);
  t.strictSame(ada.view.here, { ada: 1 });
  const grumpy = doc.as('grumpy');
  grumpy.close();
  doc.advance(2_000);
  t.strictSame(ada.view.here, { ada: 1, grumpy: 1 }, 'his handler failed');
  t.equal(doc.failures.at(-1)?.name, 'disconnected');
  t.end();
});

test('[D47] who did not come back after a failover is missed, and nobody is told to have come twice', (t) => {
  const env = { ...fakeEnv(), nowMs: 1_000_000 };
  const doc = testDocument(room, { nowMs: env.nowMs });
  const ada = doc.as('ada');
  const bob = doc.as('bob');
  doc.restart();
  doc.advance(60_000);
  t.strictSame(ada.view.here, { ada: 1, bob: 1 }, 'both came back at once');
  bob.close();
  doc.restart();
  doc.advance(9_999);
  t.strictSame(ada.view.here, { ada: 1, bob: 1 });
  doc.advance(1);
  t.strictSame(ada.view.here, { ada: 1 });
  t.end();
});

test('[D47] a document may refuse who comes, and begins whole or not at all', (t) => {
  const doc = testDocument(room);
  t.throws(() => doc.as('mallory'), { code: 'VIEW_REFUSED' });
  t.throws(() => doc.as('trudy'), { code: 'BANNED', text: 'go away' });
  t.throws(() => doc.as('bug'), { code: 'HANDLER_FAILED', text: 'the handler failed' });
  t.strictSame(doc.as('ada').view, { here: { ada: 1 }, log: ['made by mallory'] });
  t.notOk(JSON.stringify(doc.state).includes('trudy'));
  const broken = testDocument(room, { key: 'broken' });
  t.throws(() => broken.as('ada'), { code: 'HANDLER_FAILED' });
  t.equal(broken.seq, 0);
  t.end();
});

const shop = document({ log: t.list(t.string()), stock: t.int(0) })
  .privacy({ log: open, stock: open })
  .events({ invent: () => true })
  .effect(
    'mail',
    async ({ arg }: { readonly arg: { readonly to: string } }) => `sent to ${arg.to}`,
    ({ doc, arg, result }) => {
      doc.log.push(result.ok ? `${arg.to}: ${result.value}` : `${arg.to} failed: ${result.error}`);
    },
  )
  .delivered(({ doc, receipt }) => {
    doc.log.push(`${receipt.n} ${receipt.to} ${receipt.ok ? JSON.stringify(receipt.answer) : receipt.code}`);
  })
  .channel('mail', z.object({ to: z.string() }), ({ message, ctx }) => ctx.effect('mail', message))
  .channel('order', z.object({ from: z.string() }), ({ message, ctx }) => ctx.send(message.from, 'take', { count: 1 }))
  .channel('take', z.object({ count: z.int() }), ({ doc, message, who, ctx }) => {
    if (message.count > 5) ctx.abort('TOO_MANY');
    doc.stock -= message.count;
    doc.log.push(`${who.authority} ${who.agent}`);
    return doc.stock;
  });

test('[D48] what a document asks for waits until it hears of it, once', (t) => {
  const doc = testDocument(shop);
  const ada = doc.as('ada');
  t.equal(ada.send('mail', { to: 'bob' }), 1);
  t.equal(ada.send('order', { from: 'shop/two' }), 2);
  t.strictSame(doc.waiting, [
    { kind: 'effect', n: 1, name: 'mail', arg: { to: 'bob' } },
    { kind: 'message', n: 2, to: 'shop/two', channel: 'take', message: { count: 1 } },
  ]);
  doc.restart();
  t.equal(doc.waiting.length, 2, 'another head goes on with it');
  doc.settle(1, 'sent to bob');
  t.throws(() => doc.settle(1, 'sent to bob'), /no effect 1 waits/);
  doc.reply(2, { answer: -1 });
  t.strictSame(ada.view.log, ['bob: sent to bob', '2 shop/two -1']);
  ada.send('mail', { to: 'eve' });
  doc.settle(3, new Error('no such address'));
  t.equal(ada.view.log.at(-1), 'eve failed: no such address');
  t.strictSame(doc.waiting, []);
  doc.restart();
  t.end();
});

test('[D49] a message of another document is handled once, and answered alike each time', (t) => {
  const env = fakeEnv();
  const { name } = documentName('shop/one');
  const resident = createResident(shop, name);
  openView(resident, { who: ada, session: '' }, env);
  const letter = {
    from: 'shop/two',
    incarnation: 'a'.repeat(32),
    n: 4,
    channel: 'take',
    message: JSON.stringify({ count: 2 }),
  };
  const first = deliver(resident, letter, env);
  t.equal(first.updates.length, 1);
  t.strictSame(first.reply, { code: '', text: '', json: '-2' });
  const again = deliver(resident, letter, env);
  t.strictSame(again.updates, []);
  t.match(again.reply, { code: '', json: '-2' });
  t.equal(resident.state['stock'], -2);
  const refused = { ...letter, n: 6, message: JSON.stringify({ count: 9 }) };
  t.equal(deliver(resident, refused, env).reply.code, 'TOO_MANY');
  const told = deliver(resident, refused, env);
  t.strictSame([told.updates.length, told.reply.code], [0, 'TOO_MANY'], 'a refusal is remembered too');
  t.match(deliver(resident, { ...letter, n: 7, channel: 'none' }, env), {
    updates: [],
    reply: { code: 'CHANNEL_UNKNOWN' },
  });
  t.match(deliver(resident, { ...letter, n: 7, message: '{"count":"x"}' }, env), { updates: [] });
  const other = deliver(resident, { ...letter, incarnation: 'b'.repeat(32) }, env);
  t.equal(other.updates.length, 1, 'another document of the same name is another sender');
  t.equal(resident.state['stock'], -4);
  t.end();
});

test('[D30] [D49] a message that was stopped runs nothing of the application, and is answered alike', (t) => {
  const ran: string[] = [];
  const made = document({ count: f.int(0) })
    .events({ invent: () => true, construct: () => void ran.push('construct') })
    .channel(
      'take',
      z.object({}).refine(() => ran.push('check') > 0),
      () => void ran.push('handler'),
    );
  const resident = createResident(made, documentName('shop/new').name);
  const letter = { from: 'shop/two', incarnation: 'a'.repeat(32), n: 1, channel: 'take', message: '{}' };
  const env = fakeEnv();
  t.match(deliver(resident, letter, env, true), { updates: [], reply: { code: 'HANDLER_STOPPED' } });
  openView(resident, { who: ada, session: '' }, env);
  t.match(deliver(resident, letter, env, true).reply, { code: 'HANDLER_STOPPED' });
  t.match(deliver(resident, letter, env), { updates: [], reply: { code: 'HANDLER_STOPPED' } }, 'it is heard');
  t.strictSame(ran, ['construct']);
  t.end();
});

test('[D49] a message to a document that does not exist begins it, where that lets documents begin it', (t) => {
  const env = fakeEnv();
  const { name } = documentName('shop/new');
  const letter = { from: 'shop/two', incarnation: 'a'.repeat(32), n: 1, channel: 'take', message: '{"count":1}' };
  const resident = createResident(shop, name);
  const { updates, reply } = deliver(resident, letter, env);
  t.equal(updates.length, 2);
  t.equal(reply.json, '-1');
  const replayed = createResident(shop, name);
  replaySections(replayed, updates);
  t.strictSame(replayed.state, resident.state);
  const closed = createResident(document({}), name);
  t.match(deliver(closed, letter, env), { updates: [], reply: { code: 'DOCUMENT_UNKNOWN' } });
  t.end();
});

test('[D19] [D45] a rewind leaves what is due and what waits as it is', (t) => {
  const doc = testDocument(clock, { nowMs: 0 });
  const viewer = doc.as('ada');
  viewer.send('set', { inMs: 10, label: 'a' });
  doc.advance(10);
  const { seq } = doc;
  viewer.send('set', { inMs: 10, label: 'b' });
  doc.rewind(seq);
  t.ok('@wake' in doc.state, 'b is still set');
  doc.rewind(seq - 1);
  t.strictSame(viewer.view.rings, []);
  doc.advance(100);
  t.strictSame(viewer.view.rings, ['b 20'], 'a does not run again');
  t.end();
});

test('[D16] mistakes in events are told when the application loads', (t) => {
  const begun = document({});
  const invalid = { code: 'APP_INVALID' };
  const nothing = (): void => undefined;
  t.throws(() => begun.events({ conected: nothing } as never), invalid);
  t.throws(() => begun.events({ connected: 'yes' } as never), invalid);
  t.throws(() => begun.every('a', 99, nothing), invalid);
  t.throws(() => begun.every('a b', 1_000, nothing), invalid);
  t.throws(() => begun.every('a', 1_000, nothing).every('a', 1_000, nothing), invalid);
  t.throws(() => begun.timer('a', {} as never, nothing), invalid);
  t.throws(() => begun.timer('a', empty, undefined as never), invalid);
  t.throws(() => begun.effect('a', 'run' as never), invalid);
  t.throws(() => begun.delivered('x' as never), invalid);
  t.throws(() => begun.limits({ updatesPerSecond: 0 }), invalid);
  t.end();
});
