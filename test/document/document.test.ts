import { test } from 'tap';
import { z } from 'zod';
import type { DocumentName } from '../../engine/base/ids.ts';
import { documentLengthMax, sessionsPerPrincipalMax, updateLengthMax } from '../../engine/base/limits.ts';
import type { ChannelOf } from '../../engine/document/define.ts';
import { document, t as f, open } from '../../engine/document/define.ts';
import type { Resident } from '../../engine/document/document.ts';
import { checkResident, createResident, openView, replaySection, viewOf } from '../../engine/document/document.ts';
import { decodeSection } from '../../engine/document/life/update.ts';
import { board } from '../../examples/board/app.ts';
import { ada, bob, codeOf, deliver, eve, fakeEnv, Member, opened } from './kit.ts';

const name = 'board/one' as DocumentName;
const thenable = z.object({ how: z.string() });

const trials = document({ text: f.string(''), count: f.int(0), notes: f.map(f.record({ text: f.string('') })) })
  .privacy({ text: open, count: open, notes: open })
  .events({ invent: ({ who, key }) => who.authority === 'test' && key === 'one' })
  .channel('set', z.object({ text: z.string() }), ({ doc, message, ctx }) => {
    doc.text = message.text;
    doc.count += 1;
    return { count: doc.count, seq: ctx.seq, nothing: undefined, list: [undefined, 1] };
  })
  .channel('echo', z.object({ length: z.number() }), ({ message }) => 'x'.repeat(message.length))
  .channel('big', z.object({ size: z.number() }), ({ doc, message }) => {
    doc.text = 'x'.repeat(message.size);
  })
  .channel('abort', z.object({ code: z.string(), isCaught: z.boolean() }), ({ doc, message, ctx }) => {
    doc.text = 'never';
    try {
      ctx.abort(message.code, 'because');
    } catch (error) {
      if (!message.isCaught) throw error;
    }
    return 'went on';
  })
  .channel('odd', thenable, ({ doc, message, ctx }) => {
    doc.text = 'odd';
    return answers[message.how]?.(doc, ctx) as string;
  })
  .channel('note', z.object({ text: z.string() }), ({ doc, message, ctx }) => {
    const id = ctx.id();
    doc.notes.set(id, message);
    return { id, now: ctx.now };
  });

type Odd = (doc: { notes: object; text: string }, ctx: { now: number }) => unknown;
const cyclic: { self?: unknown } = {};
cyclic.self = cyclic;
const answers: Record<string, Odd> = {
  draft: (doc) => doc,
  inner: (doc) => ({ a: [doc.notes] }),
  function: () => () => 1,
  bigint: () => [1n],
  cyclic: () => cyclic,
  deep: () => JSON.parse('['.repeat(40) + ']'.repeat(40)),
  nan: () => ({ x: Number.NaN }),
  date: () => new Date(0),
  listToJson: () => Object.assign([], { toJSON: () => undefined }),
  toJson: () => ({ toJSON: () => undefined }),
  symbol: () => Symbol('x'),
  promise: async (doc) => {
    await undefined;
    doc.text = 'late';
  },
  overflow: (doc, ctx): unknown => [answers.overflow?.(doc, ctx)],
  throws: () => {
    throw new Error('a secret');
  },
  undefinedThrown: () => {
    throw undefined;
  },
};

function replayed(from: Resident, updates: readonly Uint8Array[]): Resident {
  const to = createResident(from.definition, from.name);
  replaySection(to, Buffer.concat(updates));
  checkResident(to);
  return to;
}

test('[D12] a document begins when somebody who may opens it, and else is unknown', (t) => {
  const env = fakeEnv();
  const resident = createResident(trials, name);
  t.equal(codeOf(openView(resident, { who: eve, session: 'new' }, env)), 'DOCUMENT_UNKNOWN');
  t.strictSame([resident.seq, resident.incarnation, resident.viewers.size], [0, '', 0]);
  const first = openView(resident, { who: ada, session: 'new' }, env);
  t.strictSame(
    decodeSection(Buffer.concat(first.updates)).map(({ kind, seq, who }) => [kind, seq, who]),
    [
      ['invent', 1, ada],
      ['session', 2, ada],
    ],
  );
  t.match(opened(first), { seq: 2, session: /^[0-9a-f]{32}$/, incarnation: /^[0-9a-f]{32}$/, json: /"text":""/ });
  const second = openView(resident, { who: eve, session: '' }, env);
  t.strictSame([second.updates.length, opened(second).session, opened(second).seq], [0, '', 2]);
  const nobody = createResident(document({ text: f.string('') }), name);
  t.equal(codeOf(openView(nobody, { who: ada, session: '' }, env)), 'DOCUMENT_UNKNOWN');
  for (const invent of [() => 1 as unknown as boolean, async () => true, () => answers.throws as never as boolean]) {
    const made = document({ text: f.string('') }).events({ invent: invent as () => boolean });
    t.equal(codeOf(openView(createResident(made, name), { who: ada, session: '' }, env)), 'DOCUMENT_UNKNOWN');
  }
  const throwing = document({ text: f.string('') }).events({ invent: () => JSON.parse('{') as boolean });
  t.equal(codeOf(openView(createResident(throwing, name), { who: ada, session: '' }, env)), 'DOCUMENT_UNKNOWN');
  t.end();
});

test('[C15] a repeat gets the first answer and is not applied again', (t) => {
  const resident = createResident(trials, name);
  const member = new Member(resident, ada, fakeEnv());
  const first = member.send('set', { text: 'a' });
  t.strictSame(first.result, { kind: 'answered', n: 1, seq: 3, json: '{"count":1,"seq":3,"list":[null,1]}' });
  const refusal = member.send('abort', { code: 'TOO_LATE', isCaught: false });
  t.strictSame(refusal.result, { kind: 'refused', n: 2, seq: 4, code: 'TOO_LATE', text: 'because' });
  member.send('set', { text: 'b' });
  const seq = resident.seq;
  for (const [n, before] of [
    [1, first],
    [2, refusal],
  ] as const) {
    const again = member.sendAs(n, 0, 'set', { text: 'other' });
    t.strictSame([again.result, again.update, again.deltas], [before.result, undefined, []]);
  }
  t.equal(resident.seq, seq);
  t.match(viewOf(resident, ada), { text: 'b', count: 2 });
  t.end();
});

test('[C15] numbers without gaps, answers until confirmed, and only to whom they belong', (t) => {
  const env = fakeEnv();
  const resident = createResident(trials, name);
  const member = new Member(resident, ada, env);
  t.equal(codeOf(member.sendAs(2, 0, 'set', { text: 'x' })), 'SESSION_GAP');
  for (let n = 1; n <= 32; n += 1) t.equal(codeOf(member.sendAs(n, 0, 'set', { text: `${n}` })), '');
  t.equal(codeOf(member.sendAs(33, 0, 'set', { text: 'x' })), 'SESSION_FULL');
  t.equal(codeOf(member.sendAs(33, 1, 'set', { text: '33' })), '');
  t.equal(codeOf(member.sendAs(1, 0, 'set', { text: '1' })), 'SESSION_DONE');
  t.equal(codeOf(member.sendAs(2, 0, 'set', { text: '2' })), '');
  t.equal(codeOf(member.sendAs(34, 0, 'set', { text: 'x' })), 'SESSION_FULL', 'a confirmation is not taken back');
  t.equal(codeOf(member.sendAs(34, 20, 'set', { text: '34' })), '');
  t.equal(codeOf(member.sendAs(35, 0, 'set', { text: '35' })), '', 'neither to refuse more');
  for (const [n, done] of [
    [0, 0],
    [36, 36],
    [36, -1],
    [36.5, 3],
    [Number.NaN, 0],
  ] as const) {
    t.equal(codeOf(member.sendAs(n, done, 'set', { text: 'x' })), 'FRAME_INVALID');
  }
  const stolen = openView(resident, { who: bob, session: member.session }, env);
  const unknown = openView(resident, { who: bob, session: 'f'.repeat(32) }, env);
  t.equal(codeOf(stolen), 'SESSION_EXPIRED');
  t.strictSame(stolen, unknown, 'one cannot be told from the other');
  t.equal(opened(openView(resident, { who: ada, session: member.session }, env)).session, member.session);
  const thief = new Member(resident, eve, env);
  Object.assign(thief, { session: member.session });
  const byThief = thief.sendAs(33, 32, 'set', { text: 'x' });
  Object.assign(thief, { session: 'f'.repeat(32) });
  t.equal(codeOf(byThief), 'SESSION_EXPIRED');
  t.strictSame(byThief, thief.sendAs(33, 32, 'set', { text: 'x' }));
  t.end();
});

test('[C15] the table of sessions is bounded, and the same after a replay', (t) => {
  const env = fakeEnv();
  const resident = createResident(trials, name);
  const updates: Uint8Array[] = [];
  const members: Member[] = [];
  const send = (member: Member | undefined): string => {
    const sent = member?.send('set', { text: 'x' });
    if (sent?.update !== undefined) updates.push(sent.update);
    return sent === undefined ? 'nobody' : codeOf(sent);
  };
  for (let index = 0; index < 1_005; index += 1) {
    if (index < 3) {
      const member = new Member(resident, ada, env);
      members.push(member);
      updates.push(...member.updates);
    } else {
      updates.push(...openView(resident, { who: { ...bob, agent: `bob${index}` }, session: 'new' }, env).updates);
    }
    // The first is used all along, so it stays; the second never, so it goes.
    if (index % 100 === 0) t.equal(send(members[0]), '');
  }
  t.equal(resident.sessions.byId.size, 1_000);
  t.equal(send(members[1]), 'SESSION_EXPIRED');
  t.equal(send(members[0]), '');
  const other = replayed(resident, updates);
  t.strictSame([...other.sessions.byId], [...resident.sessions.byId], 'the order of forgetting included');
  t.end();
});

test('[C15] who registers session after session pushes out its own, and nobody else', (t) => {
  const env = fakeEnv();
  const resident = createResident(trials, name);
  const member = new Member(resident, ada, env);
  for (let count = 0; count < 2_000; count += 1) openView(resident, { who: bob, session: 'new' }, env);
  t.equal(resident.sessions.byId.size, 1 + sessionsPerPrincipalMax);
  t.equal(codeOf(member.send('set', { text: 'still here' })), '');
  t.end();
});

test('[C15] answers that nobody takes are bounded by their length', (t) => {
  const member = new Member(createResident(trials, name), ada, fakeEnv());
  const length = 100_000;
  const codes = Array.from({ length: 4 }, (_, index) => codeOf(member.sendAs(index + 1, 0, 'echo', { length })));
  t.strictSame(codes, ['', '', '', 'SESSION_FULL']);
  t.equal(codeOf(member.sendAs(4, 2, 'echo', { length })), '', 'two taken: there is room');
  t.end();
});

test('[C15] [D13] a refusal before the handler writes nothing and takes no number', (t) => {
  const resident = createResident(trials, name);
  const member = new Member(resident, ada, fakeEnv());
  const seq = resident.seq;
  for (const [channel, message, code] of [
    ['nowhere', {}, 'CHANNEL_UNKNOWN'],
    ['toString', {}, 'CHANNEL_UNKNOWN'],
    ['set', { text: 1 }, 'MESSAGE_INVALID'],
    ['set', null, 'MESSAGE_INVALID'],
  ] as const) {
    const sent = member.send(channel, message);
    t.strictSame([codeOf(sent), sent.update, sent.result.seq, sent.deltas], [code, undefined, seq, []]);
  }
  t.match(member.send('set', { text: 1 }).result, { text: /^text: / });
  t.equal(codeOf(member.sendAs(2, 0, 'set', { text: 'behind' })), 'SESSION_GAP');
  t.equal(codeOf(member.sendAs(1, 0, 'set', { text: 'behind' })), '');
  t.end();
});

test('[D8] [D14] a handler that fails is rolled back, logged without a change, and says nothing of why', async (t) => {
  const env = fakeEnv();
  const resident = createResident(trials, name);
  const member = new Member(resident, ada, env);
  member.send('set', { text: 'kept' });
  const before = JSON.stringify(resident.state);
  for (const how of Object.keys(answers)) {
    const sent = member.send('odd', { how });
    t.match(
      sent.result,
      { kind: 'refused', code: 'HANDLER_FAILED', text: 'the handler failed', seq: resident.seq },
      how,
    );
    const [update] = decodeSection(sent.update ?? new Uint8Array(0));
    t.match(update, { kind: 'send', code: 'HANDLER_FAILED', n: member.n, redo: {}, undo: {}, answer: '' });
    t.strictSame([JSON.stringify(resident.state), sent.deltas], [before, []]);
  }
  t.match(member.send('odd', { how: 'throws' }).failure, { message: 'a secret' });
  await Promise.resolve();
  t.equal(JSON.stringify(resident.state), before, 'nor does a late write get in');
  t.end();
});

test('[D14] a refusal of the application reaches the sender, as its own code and never as ours', (t) => {
  const resident = createResident(trials, name);
  const member = new Member(resident, ada, fakeEnv());
  const codes: string[] = [];
  for (const code of ['TOO_LATE', 'X', `A${'B'.repeat(63)}`, 'lower', '', `A${'B'.repeat(64)}`, 'SESSION_EXPIRED']) {
    codes.push(codeOf(member.send('abort', { code, isCaught: false })));
  }
  const own = `A${'B'.repeat(63)}`;
  t.strictSame(codes, ['TOO_LATE', 'X', own, 'HANDLER_FAILED', 'HANDLER_FAILED', 'HANDLER_FAILED', 'HANDLER_FAILED']);
  t.equal(
    codeOf(member.send('abort', { code: 'TOO_LATE', isCaught: true })),
    'TOO_LATE',
    'it holds where it is caught',
  );
  t.match(viewOf(resident, ada), { text: '' });
  t.end();
});

test('[D15] an update that is too big is rolled back and logged as a refusal', (t) => {
  const resident = createResident(trials, name);
  const member = new Member(resident, ada, fakeEnv());
  member.send('set', { text: 'kept' });
  const sent = member.send('big', { size: updateLengthMax });
  t.match(sent.result, { kind: 'refused', code: 'UPDATE_TOO_BIG', n: 2 });
  t.ok((sent.update?.length ?? 0) < 300);
  t.strictSame([resident.state, sent.deltas], [{ text: 'kept', count: 1 }, []]);
  t.equal(codeOf(member.send('big', { size: updateLengthMax - 300 })), '');
  t.equal(codeOf(member.send('set', { text: 'small' })), '', 'what an update takes away does not count');
  t.end();
});

test('[D15] a document grows to its bound and no further, and may shrink again', (t) => {
  const resident = createResident(trials, name);
  const member = new Member(resident, ada, fakeEnv());
  const codes = new Set<string>();
  for (let count = 0; count < 10 && !codes.has('DOCUMENT_TOO_BIG'); count += 1) {
    codes.add(codeOf(member.send('note', { text: 'x'.repeat(120_000) })));
  }
  t.strictSame([...codes], ['', 'DOCUMENT_TOO_BIG']);
  t.ok(resident.length <= documentLengthMax);
  checkResident(resident);
  t.equal(codeOf(member.send('set', { text: 'x' })), '');
  t.end();
});

test('[D8] [D13] a schema or an answer that is not what it should be is refused, and nothing else', (t) => {
  const issues = [{ issues: [{}] }, { issues: [{ message: 7 }] }, null, { issues: 5 }, { issues: [null] }];
  for (const odd of issues) {
    const schema = { '~standard': { version: 1 as const, vendor: 'odd', validate: () => odd as never } };
    const definition = document({ text: f.string('') })
      .events({ invent: () => true })
      .channel('odd', schema, () => null);
    const member = new Member(createResident(definition, name), ada, fakeEnv());
    t.equal(codeOf(member.send('odd', {})), 'MESSAGE_INVALID', JSON.stringify(odd));
  }
  const member = new Member(createResident(trials, name), ada, fakeEnv());
  for (const how of ['listToJson', 'toJson']) t.equal(codeOf(member.send('odd', { how })), 'HANDLER_FAILED', how);
  t.end();
});

test('[D11] replaying the updates gives the same document, and a history that cannot be is ENGINE_CORRUPT', (t) => {
  const env = fakeEnv();
  const resident = createResident(trials, name);
  const members = [new Member(resident, ada, env), new Member(resident, bob, env)] as const;
  const updates = members.flatMap((member) => [...member.updates]);
  for (let round = 0; round < 50; round += 1) {
    const member = members[round % 2] ?? members[0];
    const channel = ['set', 'note', 'abort', 'odd'][round % 4] ?? 'set';
    const sent = member.send(channel, { text: `${round}`, code: 'NO', isCaught: false, how: 'throws' });
    updates.push(sent.update ?? new Uint8Array(0));
  }
  const other = replayed(resident, updates);
  t.strictSame(other.state, resident.state);
  t.strictSame([...other.sessions.byId], [...resident.sessions.byId]);
  t.strictSame([other.seq, other.incarnation], [resident.seq, resident.incarnation]);
  const repeat = members[0].sendAs(members[0].n, members[0].n - 1, 'set', {});
  t.equal(repeat.update, undefined);
  const without = (from: number, to: number): Uint8Array =>
    Buffer.concat([...updates.slice(0, from), ...updates.slice(to)]);
  for (const bytes of [
    without(0, 1),
    without(1, 2),
    without(10, 11),
    Buffer.concat([...updates, ...updates.slice(-1)]),
  ]) {
    t.throws(() => replaySection(createResident(trials, name), bytes), { code: 'ENGINE_CORRUPT' });
  }
  t.throws(() => replaySection(resident, updates[0] ?? new Uint8Array(0)), { name: 'AssertionFailed' });
  t.end();
});

test('[D1] what a handler keeps of a message cannot reach the state', (t) => {
  const kept: { text: string }[] = [];
  const made = document({ notes: f.map(f.record({ text: f.string('') })) })
    .events({ invent: () => true })
    .channel('keep', z.object({ text: z.string() }), ({ doc, message }) => {
      kept.push(message);
      doc.notes.set('a', message);
    });
  const resident = createResident(made, name);
  new Member(resident, ada, fakeEnv()).send('keep', { text: 'x' });
  for (const message of kept) message.text = 'changed';
  t.strictSame(resident.state, { notes: { a: { text: 'x' } } });
  t.end();
});

test('[D4] the board: a text for all, and hidden notes that only their authors see', (t) => {
  const env = fakeEnv();
  const resident = createResident(board, name);
  const [first, second] = [new Member(resident, ada, env), new Member(resident, eve, env)];
  const written = first.send('write', { text: 'hello' });
  t.strictSame(
    written.deltas.map(({ json }) => JSON.parse(json)),
    [{ text: 'hello', editedBy: ada }],
    'one for all',
  );
  t.strictSame([...deliver([first, second], written.deltas).keys()], [first, second]);
  const noted = second.send('add', { text: 'mine', isHidden: true });
  t.strictSame([...deliver([first, second], noted.deltas).keys()], [second]);
  t.strictSame(viewOf(resident, ada), { text: 'hello', editedBy: ada, notes: [] });
  t.match(viewOf(resident, eve), { notes: [{ by: eve, text: 'mine' }] });
  t.equal(codeOf(first.send('write', { text: 'x'.repeat(5_001) })), 'MESSAGE_INVALID');
  t.end();
});

test('[D16] the types of a channel are those of its schema and its handler', (t) => {
  const message: ChannelOf<typeof trials, 'set'>['message'] = { text: 'x' };
  const answer: ChannelOf<typeof trials, 'note'>['answer'] = { id: 'x', now: 1 };
  // @ts-expect-error: a message of this channel has a text.
  const wrong: ChannelOf<typeof trials, 'set'>['message'] = { size: 1 };
  t.ok(message && answer && wrong);
  t.end();
});
