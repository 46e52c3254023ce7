import { test } from 'tap';
import { FakeHost, openBoard, RawClient, served, session1, startProxy } from './stage.ts';

test('[F1] an open goes to the head of the newest epoch, with the secret and the principal', async (t) => {
  const stale = await FakeHost.start(t);
  const head = await FakeHost.start(t);
  const { port } = await startProxy(t, [stale, head]);
  await Promise.all([stale.links.take(), head.links.take()]);
  t.equal(head.authorization, 'Bearer sesame');
  const client = await RawClient.connect(t, port);
  head.say([1, [[0, 7, true]]]);
  stale.say([1, [[0, 6, true]]]);
  client.say({ t: 'open', doc: 'board/main', session: 'new' });
  t.same((await head.take(1)).slice(2), ['board/main', 'alice', 'dev', 'new']);
});

test('[F2] without a route the client waits, and gets its view when one appears', async (t) => {
  const host = await FakeHost.start(t);
  const { port } = await startProxy(t, [host]);
  await host.links.take();
  const client = await RawClient.connect(t, port);
  client.say({ t: 'open', doc: 'board/main' });
  t.same(await client.take('status'), { t: 'status', doc: 'board/main', state: 'waiting' });
  host.say([1, [[0, 1, false]]]);
  host.say([1, [[0, 1, true]]]);
  const open = await host.take(1);
  t.equal(open[5], '', 'no session: a reader');
  host.say([2, open[1], 1, '', 'i1', 4, '{"text":"hi"}']);
  t.same(await client.take('view'), {
    t: 'view',
    doc: 'board/main',
    session: null,
    incarnation: 'i1',
    seq: 4,
    view: { text: 'hi' },
  });
  t.equal((await client.take('status')).state, 'live');
  client.say({ t: 'send', doc: 'board/main', n: 1, done: 0, channel: 'write', message: 1 });
  t.equal((await client.take('refused')).code, 'DOCUMENT_READ_ONLY');
});

test('[F3] [C15] after a lost link the unanswered sends leave again, in order, under the same session', async (t) => {
  const { host, client } = await served(t);
  const view = await openBoard(host, client);
  const send = (n: number) => ({ t: 'send', doc: 'board/main', n, done: 0, channel: 'write', message: { n } });
  client.say(send(1), send(2), send(3));
  for (const n of [1, 2, 3]) t.equal((await host.take(2))[2], n);
  host.say([3, view, 1, 5, '"one"']);
  t.same(await client.take('answer'), { t: 'answer', doc: 'board/main', n: 1, seq: 5, value: 'one' });

  host.breakLink();
  t.equal((await client.take('status')).state, 'waiting');
  client.say(send(4));
  await host.links.take();
  t.same(await client.settled(), [], 'nothing but a pause');
  host.say([1, [[0, 1, true]]]);
  const again = await host.take(1);
  t.equal(again[5], session1);
  t.not(again[1], view, 'a view number is used once');
  host.say([2, again[1], 9, session1, 'i1', 6, '{"text":"two"}']);
  for (const n of [2, 3, 4]) t.same((await host.take(2)).slice(1), [again[1], n, 0, 'write', { n }]);
  t.equal((await client.take('view')).seq, 6);
  t.equal((await client.take('status')).state, 'live');
  host.say([3, again[1], 2, 6, '"two"'], [3, again[1], 2, 6, '"two"'], [3, view, 3, 6, '"of the old view"']);
  t.equal((await client.take('answer')).n, 2);
  t.same(await client.settled(), [], 'a repeated answer and one for the old view go nowhere');
});

test('[F3] a chain that moves, or whose epoch grows, is followed; a host that falls back is not', async (t) => {
  const first = await FakeHost.start(t);
  const second = await FakeHost.start(t);
  const { port, front } = await startProxy(t, [first, second]);
  await Promise.all([first.links.take(), second.links.take()]);
  first.say([1, [[0, 1, true]]]);
  const client = await RawClient.connect(t, port);
  const view = await openBoard(first, client);

  second.say([1, [[0, 2, false]]]);
  t.equal((await client.take('status')).state, 'waiting', 'the old head is left as soon as a newer one is known');
  t.same(await first.take(3), [3, view]);
  t.same(front.chains, [{ chain: 0, epoch: 2, head: 'h2', serving: false }]);
  second.say([1, [[0, 2, true]]]);
  const open = await second.take(1);
  second.say([2, open[1], 1, session1, 'i1', 5, '{}']);
  await client.take('view');
  t.equal((await client.take('status')).state, 'live');

  second.say([1, [[0, 3, true]]]);
  t.equal((await client.take('status')).state, 'waiting');
  t.equal((await second.take(1))[5], session1, 'opened again in the new epoch');
  t.same(first.heard.items, []);
});

test('[F4] a host that refuses an open for now, or drops a view, is asked again; the client only waits', async (t) => {
  const { host, client } = await served(t);
  client.say({ t: 'open', doc: 'board/main', session: 'new' });
  for (const code of ['CHAIN_NOT_SERVING', 'CHAIN_NOT_HEAD', 'DOCUMENT_BUSY']) {
    host.say([4, (await host.take(1))[1], 0, 0, code, 'not now']);
  }
  const open = await host.take(1);
  t.equal(open[5], 'new');
  host.say([2, open[1], 1, session1, 'i1', 4, '{}']);
  await client.take('view');
  host.say([6, open[1], 'CHAIN_NOT_HEAD']);
  const next = await host.take(1);
  t.equal(next[5], session1);
  host.say([2, next[1], 1, session1, 'i1', 4, '{}']);
  await client.take('view');
  client.say({ t: 'send', doc: 'board/main', n: 1, done: 0, channel: 'write', message: 1 });
  host.say([4, (await host.take(2))[1], 1, 0, 'CHAIN_NOT_SERVING', 'sealed']);
  const last = await host.take(1);
  host.say([2, last[1], 1, session1, 'i1', 4, '{}']);
  t.equal((await host.take(2))[2], 1, 'and the send leaves again');
  const states = (await client.settled()).map((frame) => frame.state ?? frame.t);
  t.same(states, ['waiting', 'live', 'waiting', 'live', 'waiting', 'view', 'live']);
});

test('[F4] an open refused for good is told, and the document is not open any more', async (t) => {
  const { host, client } = await served(t);
  client.say({ t: 'open', doc: 'board/main', session: session1 });
  host.say([4, (await host.take(1))[1], 0, 0, 'SESSION_EXPIRED', 'who?']);
  t.match(await client.take('refused'), { n: 0, code: 'SESSION_EXPIRED', retry: 'never' });
  const view = await openBoard(host, client);
  host.say([6, view, 'SESSION_EXPIRED']);
  t.match(
    await client.take('refused'),
    { n: 0, code: 'SESSION_EXPIRED' },
    'another view took the session: no fight for it',
  );
  client.say({ t: 'send', doc: 'board/main', n: 1, done: 0, channel: 'write', message: 1 });
  t.equal((await client.take('refused')).code, 'DOCUMENT_NOT_OPEN');
});

test('[C15] a client that comes back with its session ends what its old connection had open, and no other', async (t) => {
  const host = await FakeHost.start(t);
  const { port } = await startProxy(t, [host]);
  await host.links.take();
  host.say([1, [[0, 1, true]]]);
  const old = await RawClient.connect(t, port);
  const view = await openBoard(host, old);
  const open = { t: 'open', doc: 'board/main', session: session1 };

  const mallory = await RawClient.connect(t, port, 'mallory');
  mallory.say(open);
  const [, hers] = await host.take(1);
  host.say([4, hers, 0, 0, 'SESSION_EXPIRED', 'of another']);
  await mallory.take('refused');
  t.same(await host.take(3), [3, hers]);
  const elsewhere = await RawClient.connect(t, port);
  elsewhere.say({ ...open, doc: 'board/other' });
  await host.take(1);
  t.same(await old.settled(), [], 'the name of a session is no key to it');
  t.same(host.heard.items, [], 'no view is closed');

  const back = await RawClient.connect(t, port);
  back.say(open);
  t.match(await old.take('refused'), { doc: 'board/main', n: 0, code: 'SESSION_EXPIRED', retry: 'never' });
  t.same(await host.take(3), [3, view]);
  const [, next] = await host.take(1);
  old.say({ t: 'send', doc: 'board/main', n: 1, done: 0, channel: 'write', message: 1 });
  t.equal((await old.take('refused')).code, 'DOCUMENT_NOT_OPEN');
  host.say([2, next, 1, session1, 'i1', 4, '{}']);
  await back.take('view');
  back.say({ t: 'send', doc: 'board/main', n: 1, done: 0, channel: 'write', message: 2 });
  t.same((await host.take(2)).slice(1), [next, 1, 0, 'write', 2]);
});

test('[F5] a delta reaches the members of its kind and nobody else', async (t) => {
  const host = await FakeHost.start(t);
  const { port } = await startProxy(t, [host]);
  await host.links.take();
  host.say([1, [[0, 1, true]]]);
  const clients = [];
  for (const as of ['alice', 'bob', 'carol']) clients.push(await RawClient.connect(t, port, as));
  const [alice, bob, carol] = clients as [RawClient, RawClient, RawClient];
  await openBoard(host, alice, 1);
  const bobView = await openBoard(host, bob, 1);
  await openBoard(host, carol, 2);
  host.say([5, 1, 5, '{"text":"for ones"}'], [5, 2, 5, '{"text":"for twos"}'], [5, 3, 5, '{"text":"for nobody"}']);
  const delta = { t: 'delta', doc: 'board/main', seq: 5, delta: { text: 'for ones' } };
  t.same(await alice.take('delta'), delta);
  t.same(await bob.take('delta'), delta);
  t.same((await carol.take('delta')).delta, { text: 'for twos' });

  host.say([2, bobView, 2, session1, 'i1', 6, '{"reset":true}']);
  t.same(
    (await bob.take('view')).view,
    { reset: true },
    'a view of a live document is a reset, and moves it to its kind',
  );
  host.say([5, 1, 7, '{}'], [5, 2, 7, '{}']);
  await Promise.all([alice.take('delta'), bob.take('delta'), carol.take('delta')]);
  alice.say({ t: 'close', doc: 'board/main' });
  await alice.take('closed');
  await host.take(3);
  host.say([5, 1, 8, '{}'], [5, 2, 8, '{}']);
  await Promise.all([bob.take('delta'), carol.take('delta')]);
  for (const client of clients) t.same(await client.settled(), []);
});

test('[D6] what is told to one view alone comes in place of what its kind is told, and moves it to its kind', async (t) => {
  const host = await FakeHost.start(t);
  const { port } = await startProxy(t, [host]);
  await host.links.take();
  host.say([1, [[0, 1, true]]]);
  const alice = await RawClient.connect(t, port, 'alice');
  const bob = await RawClient.connect(t, port, 'bob');
  const aliceView = await openBoard(host, alice, 1);
  await openBoard(host, bob, 1);
  host.say([9, aliceView, 1, 5, '{"hand":"ace"}'], [5, 1, 5, '{"text":"for others"}']);
  t.same((await alice.take('delta')).delta, { hand: 'ace' });
  t.same((await bob.take('delta')).delta, { text: 'for others' });
  host.say([9, aliceView, 1, 6, ''], [5, 1, 6, '{"text":"still for others"}']);
  t.same((await bob.take('delta')).delta, { text: 'still for others' });
  host.say(
    [9, aliceView, 2, 7, ''],
    [5, 2, 7, '{"text":"before it came"}'],
    [5, 1, 7, '{}'],
    [5, 2, 8, '{"text":"new"}'],
  );
  t.same(await alice.take('delta'), { t: 'delta', doc: 'board/main', seq: 8, delta: { text: 'new' } });
  await bob.take('delta');
  for (const client of [alice, bob]) t.same(await client.settled(), [], 'and nothing else');
});

test('[F6] an answer and its delta leave in one message', async (t) => {
  const { host, client } = await served(t);
  const view = await openBoard(host, client);
  client.say({ t: 'send', doc: 'board/main', n: 1, done: 0, channel: 'write', message: 1 });
  await host.take(2);
  client.messageSizes.length = 0;
  host.say([3, view, 1, 5, ''], [5, 1, 5, '{"text":"ho"}']);
  t.equal((await client.take('answer')).value, null, 'a handler that returns nothing answers null');
  await client.take('delta');
  t.same(client.messageSizes, [2]);
});
