import { once } from 'node:events';
import type { Test } from 'tap';
import { test } from 'tap';
import WebSocket from 'ws';
import { clientFrameBytesMax, sendsInFlightMax as sendsInFlightMaxOfServer } from '../../engine/base/limits.ts';
import type { DocumentStatus, OpenDocument, SocketConstructor } from '../../proxy/client/client.ts';
import {
  frameBytesMax,
  type RefusedError,
  sendsInFlightMax,
  sendsQueuedMax,
  subprotocol,
} from '../../proxy/client/frames.ts';
import { connect } from '../../proxy/client/node.ts';
import { subprotocol as subprotocolOfServer } from '../../proxy/client-wire.ts';
import { ModelHost } from './model-host.ts';
import { FakeHost, startProxy } from './stage.ts';

type View = { readonly count: number };

async function startAll(t: Test, as = 'alice') {
  const host = await FakeHost.start(t);
  const model = new ModelHost(host);
  const { front, port } = await startProxy(t, [host]);
  await host.links.take();
  model.serve();
  const sockets: WebSocket[] = [];
  class Recorded extends WebSocket {
    constructor(url: string, protocol: string) {
      super(url, protocol);
      sockets.push(this);
    }
  }
  const client = connect(`http://127.0.0.1:${port}`, { as, random: () => 0, WebSocket: Recorded as SocketConstructor });
  t.teardown(() => client.close());
  return { host, model, front, client, sockets };
}

function reached(document: OpenDocument<View>, status: DocumentStatus): Promise<void> {
  if (document.status === status) return Promise.resolve();
  return new Promise((resolve) => {
    const end = document.onStatus((now) => {
      if (now !== status) return;
      end();
      resolve();
    });
  });
}

test('[F16] the client agrees with the server on what both must know', async (t) => {
  t.same(
    [frameBytesMax, sendsInFlightMax, subprotocol],
    [clientFrameBytesMax, sendsInFlightMaxOfServer, subprotocolOfServer],
  );
});

test('[F16] open, send, subscribe, close', async (t) => {
  const { client } = await startAll(t);
  const board = client.open<View>('board/main');
  t.equal(client.open('board/main'), board, 'one handle a document');
  t.equal(board.status, 'connecting');
  const seen: number[] = [];
  const end = board.subscribe((view) => seen.push(view.count));
  const answers = await Promise.all([board.send('write', 'a'), board.send<string>('write', 'b')]);
  t.same(answers, [
    { seq: 1, value: 'a' },
    { seq: 2, value: 'b' },
  ]);
  t.same(
    [board.status, board.view, board.seq, board.unsent],
    ['live', { count: 2 }, 2, 0],
    'the delta came with the answer',
  );
  t.same(seen, [0, 1, 2]);
  end();
  board.close();
  await t.rejects(board.send('write', 'c'), { code: 'DOCUMENT_NOT_OPEN' });
  const again = client.open<View>('board/main');
  t.not(again, board);
  await reached(again, 'live');
  t.equal(again.view?.count, 2);
});

test('[F16] what cannot leave is refused at once, and uses no number up', async (t) => {
  const { client, model } = await startAll(t);
  const board = client.open<View>('board/main');
  await t.rejects(board.send('write', 'x'.repeat(frameBytesMax)), { code: 'FRAME_TOO_BIG' });
  await t.rejects(board.send('write', undefined), { code: 'FRAME_INVALID' });
  const queued = Array.from({ length: sendsQueuedMax }, (_, index) => board.send('write', index));
  await t.rejects(board.send('write', 'one more'), { code: 'LIMIT_REACHED', retry: 'later' });
  await Promise.all(queued);
  t.same(
    model.applied,
    queued.map((_, index) => index),
  );
  const reader = client.open<View>('board/other', { readOnly: true });
  await reached(reader, 'live');
  await t.rejects(reader.send('write', 1), { code: 'DOCUMENT_READ_ONLY' });
});

test('[D5] [F16] what is no frame is passed over, and what stands beside it is heard', (t) => {
  const listeners = new Map<string, (event: { data: unknown }) => void>();
  class Silent {
    send(): void {}
    close(): void {}
    addEventListener(type: string, listener: (event: { data: unknown }) => void): void {
      listeners.set(type, listener);
    }
  }
  const client = connect('ws://nowhere', { as: 'alice', WebSocket: Silent as unknown as SocketConstructor });
  t.teardown(() => client.close());
  const board = client.open<View>('board/main');
  listeners.get('open')?.({ data: undefined });
  const hear = (...lines: readonly string[]): void => listeners.get('message')?.({ data: lines.join('\n') });
  const view = { t: 'view', doc: 'board/main', session: null, incarnation: '', seq: 1, view: { count: 1 } };
  for (const line of [
    'null',
    '5',
    '"view"',
    '[1]',
    '{',
    '{}',
    '{"doc":"board/main"}',
    '{"t":"delta","doc":"board/main"}',
  ]) {
    t.doesNotThrow(() => hear(line, JSON.stringify(view), line), line);
    t.same(board.view, { count: 1 }, line);
  }
  t.end();
});

test('[F17] [C15] a refusal before the handler: those behind it are numbered anew, in order', async (t) => {
  const { client, model } = await startAll(t);
  const board = client.open<View>('board/main');
  const outcome = (channel: string, message: unknown) =>
    board.send(channel, message).then(
      ({ value }) => value,
      (error: RefusedError) => error.code,
    );
  const outcomes = [1, 2, 3, 4, 5, 6].map((n) => outcome(n === 2 ? 'unknown' : n === 4 ? 'throws' : 'write', n));
  t.same(await Promise.all(outcomes), [1, 'CHANNEL_UNKNOWN', 3, 'HANDLER_FAILED', 5, 6]);
  model.busy = 2;
  t.same(await Promise.all([7, 8, 9].map((n) => outcome('write', n))), [7, 8, 9]);
  t.same(model.applied, [1, 3, 5, 6, 7, 8, 9]);
  t.ok(model.refusals.gap > 0 && model.refusals.busy > 0, 'both kinds of refusal were met');
});

test('[F17] [C15] an expired session: the unanswered are unknown, and a new one begins', async (t) => {
  const { client, model, host } = await startAll(t);
  const board = client.open<View>('board/main');
  await board.send('write', 1);
  host.onMessage = () => {};
  const lost = board.send('write', 2);
  lost.catch(() => {});
  model.sessions.clear();
  const revived = new ModelHost(host);
  host.breakLink();
  await host.links.take();
  revived.serve();
  await t.rejects(lost, { code: 'CONNECTION_LOST', retry: 'maybe' });
  t.same((await board.send('write', 3)).value, 3);
  t.same(revived.applied, [3]);
});

test('[F18] a name that is refused ends the client: no redial', async (t) => {
  const { client, sockets } = await startAll(t, 'no name');
  const board = client.open<View>('board/main');
  const send = board.send('write', 1);
  await t.rejects(send, { code: 'AUTH_REQUIRED', retry: 'never' });
  t.same([board.status, board.error?.code, sockets.length], ['refused', 'AUTH_REQUIRED', 1]);
});

test('[F19] [C15] through broken links, broken connections and refusals each send is applied once, in order', async (t) => {
  const met = { link: 0, connection: 0, gap: 0, busy: 0 };
  for (let seed = 1; seed <= 20; seed += 1) await runChaos(t, seed, met);
  for (const [what, count] of Object.entries(met)) t.ok(count > 10, `${what}: met ${count} times`);
});

async function runChaos(
  t: Test,
  seed: number,
  met: Record<'link' | 'connection' | 'gap' | 'busy', number>,
): Promise<void> {
  const { client, model, front, host, sockets } = await startAll(t);
  const random = randomOf(seed);
  const board = client.open<View>('board/main');
  const sent: number[] = [];
  const outcomes: Promise<unknown>[] = [];
  const seen: number[] = [];
  board.subscribe((view) => seen.push(view.count));
  for (let turn = 0; turn < 60; turn += 1) {
    for (let count = random(6); count > 0; count -= 1) {
      const isBad = random(8) === 0;
      const message = outcomes.length;
      if (!isBad) sent.push(message);
      outcomes.push(board.send(isBad ? 'unknown' : 'write', message).catch((error: RefusedError) => error.code));
    }
    const event = random(10);
    if (event === 0) model.busy += 1 + random(3);
    if (event === 1) {
      host.breakLink();
      await host.links.take();
      model.serve();
      met.link += 1;
    }
    if (event === 2 && board.status === 'live') {
      const socket = sockets.at(-1);
      socket?.terminate();
      if (socket !== undefined && socket.readyState !== WebSocket.CLOSED) await once(socket, 'close');
      met.connection += 1;
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  await Promise.all(outcomes);
  t.same(model.applied, sent, `seed ${seed}: applied once each, in order`);
  t.equal(board.unsent, 0);
  t.equal(front.counts.framesRefused, 0, `seed ${seed}: the client keeps the protocol`);
  t.same(
    seen,
    [...seen].sort((a, b) => a - b),
    `seed ${seed}: the view never goes back`,
  );
  met.gap += model.refusals.gap;
  met.busy += model.refusals.busy;
  client.close();
}

/** Whole numbers from 0 to below `bound`, the same for the same seed. */
function randomOf(seed: number): (bound: number) => number {
  let state = seed;
  return (bound) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * bound);
  };
}
