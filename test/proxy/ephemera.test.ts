// What clients show each other, on its way through a proxy.
import { EventEmitter } from 'node:events';
import { test } from 'tap';
import type WebSocket from 'ws';
import {
  ephemeralBacklogBytes,
  ephemeralFrameLengthMax,
  ephemeralHeldMax,
  ephemeralsMax,
} from '../../engine/base/limits-shown.ts';
import type { Viewer } from '../../proxy/attachment.ts';
import type { Attachments } from '../../proxy/attachments.ts';
import { shownLine } from '../../proxy/client-wire.ts';
import { Session } from '../../proxy/session.ts';
import { FakeHost, openBoard, RawClient, served, session1, startProxy } from './stage.ts';

const doc = 'board/main';
const show = (channel: string, message: unknown) => ({ t: 'ephemeral', doc, channel, message });
const item = (agent: string, value: unknown) => ({ channel: 'cursor', who: { agent, authority: 'dev' }, value });
const listOf = (...items: unknown[]) => JSON.stringify(items);

test('[F24] the newest of each channel goes to the host, at once and then after a pause', async (t) => {
  const { host, client } = await served(t);
  client.say(show('cursor', 0));
  t.match(await client.take('error'), { code: 'DOCUMENT_NOT_OPEN', doc, channel: 'cursor' });
  client.say({ t: 'open', doc }, show('cursor', { x: 'before it is live' }));
  const [, view] = await host.take(1);
  t.same(await client.settled(), []);
  host.say([2, view, 1, '', 'i1', 4, '{}']);
  await client.take('view');
  const many = Array.from({ length: 100 }, (_, x) => show('cursor', { x }));
  client.say(...many, show('typing', true));
  t.same(await host.take(7), [7, view, 'cursor', { x: 0 }]);
  t.same(await host.take(7), [7, view, 'cursor', { x: 99 }], 'a reader shows things too');
  t.same(await host.take(7), [7, view, 'typing', true]);
  client.say(...Array.from({ length: 2 * ephemeralsMax }, (_, at) => show(`channel${at}`, at)));
  await client.settled();
  client.say({ t: 'close', doc });
  await host.take(3);
  t.same(host.heard.items, [], 'what waits goes with its view, and was bounded');
});

test('[F24] what waits goes with its view', async (t) => {
  const { host, client } = await served(t);
  const view = await openBoard(host, client);
  client.say(show('cursor', 1), show('typing', true));
  t.same(await host.take(7), [7, view, 'cursor', 1]);
  host.say([1, [[0, 2, true]]]);
  const [, again] = await host.take(1);
  host.say([2, again, 1, session1, 'i1', 4, '{}']);
  await client.take('view');
  client.say(show('cursor', 2));
  // What waited may have left before its view was gone.
  t.same(await host.heard.take((message) => message[0] === 7 && message[1] === again), [7, again, 'cursor', 2]);
});

test('[F24] [F12] a show that is refused names document and channel, and ends nothing', async (t) => {
  const { host, client } = await served(t);
  const view = await openBoard(host, client);
  client.say(show('cursor', 'x'.repeat(ephemeralFrameLengthMax)));
  const refused = { t: 'error', doc, channel: 'cursor', retry: 'never' };
  t.match(await client.take('error'), { ...refused, code: 'FRAME_INVALID' });
  host.say([11, view, 'cursor', 'MESSAGE_INVALID', 'x: too far'], [11, 99, 'cursor', 'MESSAGE_INVALID', 'nobody']);
  t.same(await client.take('error'), { ...refused, code: 'MESSAGE_INVALID', text: 'x: too far' });
  client.say(show('cursor', 'y'));
  t.same(await host.take(7), [7, view, 'cursor', 'y']);
  t.same(await client.settled(), []);
});

test('[F24] [F5] what is shown reaches the members of its kind, or one view, and nobody else', async (t) => {
  const host = await FakeHost.start(t);
  const { port } = await startProxy(t, [host]);
  await host.links.take();
  host.say([1, [[0, 1, true]]]);
  const clients = [];
  for (const as of ['alice', 'bob', 'carol']) clients.push(await RawClient.connect(t, port, as));
  const [alice, bob, carol] = clients as [RawClient, RawClient, RawClient];
  await openBoard(host, alice, 1);
  const bobView = await openBoard(host, bob, 1);
  const carolView = await openBoard(host, carol, 2);
  host.say([10, 1, 0, listOf(item('alice', 1))], [10, 0, carolView, listOf(item('bob', null))], [10, 9, 0, '[]']);
  const frame = { t: 'ephemeral', doc, shown: [item('alice', 1)] };
  t.same(await alice.take('ephemeral'), frame);
  t.same(await bob.take('ephemeral'), frame);
  t.same((await carol.take('ephemeral')).shown, [item('bob', null)]);
  host.say([9, bobView, 2, 5, ''], [10, 1, 0, listOf(item('alice', 2))], [10, 2, 0, listOf(item('carol', 3))]);
  t.same((await alice.take('ephemeral')).shown, [item('alice', 2)]);
  t.same((await bob.take('ephemeral')).shown, [item('carol', 3)], 'he is of another kind now');
  t.same((await carol.take('ephemeral')).shown, [item('carol', 3)]);
  host.breakLink();
  await alice.take('status');
  await host.links.take();
  host.say([1, [[0, 1, true]]]);
  const again = await host.take(1);
  host.say([10, 0, again[1], listOf(item('bob', 4))], [2, again[1], 7, session1, 'i1', 6, '{}']);
  await Promise.race(clients.map((client) => client.take('view')));
  for (const client of clients) t.notOk((await client.settled()).some((one) => one.t === 'ephemeral'));
});

/** A socket that is read as slowly as a test wants. */
class SlowSocket extends EventEmitter {
  bufferedAmount = 0;
  readonly sent: string[] = [];
  readonly closed: number[] = [];
  #written: (() => void)[] = [];

  send(data: Buffer | string, ...rest: unknown[]): void {
    this.sent.push(...String(data).split('\n'));
    this.#written.push(rest.at(-1) as () => void);
  }

  close(code: number): void {
    this.closed.push(code);
  }

  ping(): void {}

  drain(): void {
    this.bufferedAmount = 0;
    for (const written of this.#written.splice(0)) written();
  }
}

function slowSession(): { socket: SlowSocket; session: Session; viewer: Viewer } {
  const socket = new SlowSocket();
  let viewer: Viewer | undefined;
  const attach = (_doc: string, _chain: number, _session: string, one: Viewer) => {
    viewer = one;
    return {};
  };
  const session = new Session(socket as unknown as WebSocket, {
    attachments: { attach, detach: () => {} } as unknown as Attachments,
    chainOf: () => 0,
    helloMs: 10_000,
    clientBacklogBytesMax: 1e9,
    documentsPerConnectionMax: 4,
    onDirty: () => {},
    onFrame: () => {},
    onClosed: () => {},
  });
  socket.emit('message', Buffer.from(`{"t":"hello","as":"ada"}\n{"t":"open","doc":"${doc}"}`), false);
  session.flush();
  socket.drain();
  socket.sent.length = 0;
  if (viewer === undefined) throw new Error('the document was opened');
  return { socket, session, viewer };
}

test('[F24] who reads slowly is sent the newest of each value, and nothing of before a view', async (t) => {
  const { socket, session, viewer } = slowSession();
  const shown = (...items: unknown[]) => viewer.show(doc, listOf(...items), shownLine(doc, listOf(...items)));
  const settle = (): string[] => {
    session.flush();
    return socket.sent.splice(0);
  };
  shown(item('ada', 1));
  t.equal(settle().length, 1);
  socket.bufferedAmount = ephemeralBacklogBytes + 1;
  for (let x = 2; x < 100; x += 1) shown(item('ada', x), item('bob', x));
  shown(item('bob', null));
  t.same(settle(), [], 'nothing is added to what waits');
  socket.bufferedAmount = 10;
  shown(item('ada', 100));
  t.same(settle(), [], 'nor told before what was held');
  socket.drain();
  t.same(
    settle().map((line) => JSON.parse(line)),
    [{ t: 'ephemeral', doc, shown: [item('ada', 100), item('bob', null)] }],
  );
  shown(item('ada', 101));
  t.equal(settle().length, 1, 'who reads again is told at once');
  socket.bufferedAmount = ephemeralBacklogBytes + 1;
  shown(item('bob', 102));
  viewer.unshow(doc);
  viewer.push({ text: '{"t":"view"}' });
  shown(item('ada', 103));
  t.same(settle(), ['{"t":"view"}']);
  socket.drain();
  t.same(settle(), [shownLine(doc, listOf(item('ada', 103))).text]);
  socket.bufferedAmount = ephemeralBacklogBytes + 1;
  for (let at = 0; at < ephemeralHeldMax; at += 1) shown(item(`p${at}`, 1));
  t.same(socket.closed, []);
  shown(item('one more', 1));
  t.same(socket.closed, [1013], 'for whom too much waits is too slow');
});
