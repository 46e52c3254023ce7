// What a client shows, and what others show to it.
import type { Test } from 'tap';
import { test } from 'tap';
import { ephemeralFrameLengthMax, ephemeralMs } from '../../engine/base/limits-shown.ts';
import type { OpenDocument } from '../../proxy/client/client.ts';
import { showFrameLengthMax, showMs } from '../../proxy/client/frames.ts';
import { connect } from '../../proxy/client/node.ts';
import { FakeHost, session1, startProxy } from './stage.ts';

type Cursor = { readonly x: number };
type Board = OpenDocument<unknown, { cursor: { message: Cursor; value: Cursor } }>;
const ada = { agent: 'ada', authority: 'dev' };
const bob = { agent: 'bob', authority: 'dev' };

async function startAll(t: Test) {
  const host = await FakeHost.start(t);
  const { port } = await startProxy(t, [host]);
  await host.links.take();
  host.say([1, [[0, 1, true]]]);
  const client = connect(`http://127.0.0.1:${port}`, { as: 'ada', random: () => 0 });
  t.teardown(() => client.close());
  const board: Board = client.open('board/main');
  const serve = async (): Promise<number> => {
    const [, view] = await host.take(1);
    host.say([2, view, 1, session1, 'i1', 4, '{}']);
    await when(board, () => board.status === 'live');
    return view;
  };
  return { host, client, board, serve };
}

function when(board: Board, holds: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const look = (): void => {
      if (!holds()) return;
      for (const end of ends) end();
      resolve();
    };
    const ends = [board.onStatus(look), board.shown('cursor').subscribe(look)];
    look();
  });
}

const shown = (...items: (readonly [who: object, value: unknown])[]): string =>
  JSON.stringify(items.map(([who, value]) => ({ channel: 'cursor', who, value })));

test('[F24] a client agrees with its proxy on how often and how much', async (t) => {
  t.equal(showFrameLengthMax, ephemeralFrameLengthMax);
  t.ok(showMs > ephemeralMs, 'nothing of a client of ours waits at a proxy');
});

test('[F24] what others show is one object for each channel, whose parts stay the same until they change', async (t) => {
  const { host, board, serve } = await startAll(t);
  const cursors = board.shown('cursor');
  const view = await serve();
  t.equal(board.shown('cursor'), cursors);
  let calls = 0;
  const end = cursors.subscribe(() => {
    calls += 1;
  });
  host.say([10, 1, 0, shown([ada, { x: 1 }], [bob, { x: 2 }])]);
  await when(board, () => cursors.size === 2);
  const [entries, own] = [cursors.entries, cursors.get(ada)];
  t.same(
    [...cursors],
    [
      [ada, { x: 1 }],
      [bob, { x: 2 }],
    ],
  );
  t.equal(cursors.entries, entries);
  host.say([10, 1, 0, shown([bob, { x: 3 }])]);
  await when(board, () => cursors.get(bob)?.x === 3);
  t.equal(cursors.get(ada), own, 'what is not named stays');
  t.not(cursors.entries, entries);
  t.equal(entries[1]?.[1].x, 2, 'and what was had before');
  host.say([10, 0, view, shown([bob, null], [{ agent: 'bob', authority: 'elsewhere' }, null])]);
  await when(board, () => cursors.size === 1);
  t.equal(calls, 3);
  end();
  board.close();
  t.equal(cursors.size, 0);
});

test('[F24] the newest is shown, after a pause where much is, and again behind each view', async (t) => {
  const { host, board, serve } = await startAll(t);
  board.show('cursor', { x: 0 });
  const cursors = board.shown('cursor');
  const view = await serve();
  t.same(await host.take(7), [7, view, 'cursor', { x: 0 }], 'once it is live');
  for (let x = 1; x <= 100; x += 1) board.show('cursor', { x });
  t.same(await host.take(7), [7, view, 'cursor', { x: 100 }]);
  host.say([10, 1, 0, shown([ada, { x: 100 }])]);
  await when(board, () => cursors.size === 1);
  host.breakLink();
  await host.links.take();
  host.say([1, [[0, 1, true]]]);
  const again = await serve();
  t.equal(cursors.size, 0, 'what was shown before the view is gone');
  t.same(await host.take(7), [7, again, 'cursor', { x: 100 }]);
  board.show('cursor', null);
  t.same(await host.take(7), [7, again, 'cursor', null]);
  host.say([2, again, 1, session1, 'i1', 5, '{}']);
  board.show('cursor', { x: 101 });
  t.same(await host.take(7), [7, again, 'cursor', { x: 101 }], 'what was taken back is not shown again');
});

test('[F24] what cannot be shown is thrown at once, and what the server refuses is told by its channel', async (t) => {
  const { host, board, serve } = await startAll(t);
  const view = await serve();
  t.throws(() => board.show('cursor', undefined as never), { code: 'FRAME_INVALID' });
  t.throws(() => board.show('cursor', 'x'.repeat(showFrameLengthMax) as never), { code: 'FRAME_INVALID' });
  // @ts-expect-error: a cursor has an x.
  board.show('cursor', { y: 1 });
  await host.take(7);
  host.say([11, view, 'cursor', 'MESSAGE_INVALID', 'x: is missing']);
  await when(board, () => board.shown('cursor').error?.code === 'MESSAGE_INVALID');
  t.equal(board.status, 'live');
  board.close();
  board.show('cursor', { x: 1 });
  await host.take(3);
  t.same(host.heard.items, []);
});
