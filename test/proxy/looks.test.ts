// What a client's view looks at, on its way through a proxy; and as a client of ours says it.
import type { Test } from 'tap';
import { test } from 'tap';
import { viewerStateLengthMax, viewerStateMs } from '../../engine/base/limits-shown.ts';
import type { OpenDocument, OpenOptions } from '../../proxy/client/client.ts';
import { stateLengthMax, stateMs } from '../../proxy/client/frames.ts';
import { connect } from '../../proxy/client/node.ts';
import type { Frame } from './stage.ts';
import { FakeHost, openBoard, served, session1, startProxy } from './stage.ts';

const doc = 'board/main';
const look = (n: number, value: unknown): Frame => ({ t: 'viewer', doc, n, value });

test('[F25] the newest goes to the host, at once and then after a pause', async (t) => {
  const { host, client } = await served(t);
  client.say(look(1, 0));
  t.match(await client.take('error'), { code: 'DOCUMENT_NOT_OPEN', doc, about: 'viewer', n: 1 });
  const view = await openBoard(host, client);
  client.say(...Array.from({ length: 100 }, (_, page) => look(page + 1, { page })));
  t.same(await host.take(8), [8, view, 1, { page: 0 }]);
  t.same(await host.take(8), [8, view, 100, { page: 99 }]);
  client.say(look(101, 7), look(102, 8), { t: 'close', doc });
  await host.take(3);
  t.same(host.heard.items.filter(([kind]) => kind === 8).length <= 1, true, 'what waits goes with its view');
});

test('[F25] wherever the document is opened, it is by what its view looks at', async (t) => {
  const { host, client } = await served(t);
  client.say({ t: 'open', doc, session: 'new', create: { title: 'x' }, viewer: { page: 2 } });
  const opened = await host.take(9);
  const [, view] = opened;
  t.same(opened, [9, view, doc, 'alice', 'dev', 'new', 0, { page: 2 }, [{ title: 'x' }]]);
  client.say(look(1, { page: 3 }));
  t.same(await host.take(8), [8, view, 1, { page: 3 }], 'also where the view has not come');
  host.say([2, view, 1, session1, 'i1', 4, '{}']);
  await client.take('view');
  host.say([1, [[0, 2, true]]]);
  const again = await host.take(9);
  t.same(again, [9, again[1], doc, 'alice', 'dev', session1, 1, { page: 3 }, []]);
  host.breakLink();
  await host.links.take();
  client.say(look(2, { page: 4 }), look(3, { page: 5 }));
  await client.settled();
  host.say([1, [[0, 3, true]]]);
  const last = await host.take(9);
  t.same(last.slice(6), [3, { page: 5 }, []], 'what was said while it was nowhere');
  t.same(
    host.heard.items.filter(([kind]) => kind === 8),
    [],
  );
});

test('[F25] [F12] what is refused names document and number, and nothing is opened by it', async (t) => {
  const { host, client } = await served(t);
  const view = await openBoard(host, client);
  client.say({ t: 'viewer', doc, n: 1, value: 'x'.repeat(viewerStateLengthMax) });
  const refused = { t: 'error', doc, about: 'viewer', retry: 'never' };
  t.match(await client.take('error'), { ...refused, n: 1, code: 'FRAME_INVALID' });
  client.say(look(2, 'a'));
  await host.take(8);
  host.say([12, view, 2, 'MESSAGE_INVALID', 'no'], [12, 99, 2, 'MESSAGE_INVALID', 'nobody']);
  t.same(await client.take('error'), { ...refused, n: 2, code: 'MESSAGE_INVALID', text: 'no' });
  t.same(await client.settled(), []);
  const reopen = (epoch: number, kind: 1 | 9) => {
    host.say([1, [[0, epoch, true]]]);
    return host.take(kind);
  };
  const [, again] = await reopen(2, 1);
  host.say([2, again, 1, session1, 'i1', 4, '{}']);
  await client.take('view');
  client.say(look(3, 'b'), look(4, 'c'));
  await host.take(8);
  const opened = await reopen(3, 9);
  t.same(opened.slice(6), [4, 'c', []], 'what waited is what it is opened by');
  host.say([2, opened[1], 1, session1, 'i1', 4, '{}'], [12, opened[1], 4, 'MESSAGE_INVALID', 'no']);
  t.match(await client.take('error'), { n: 4 });
  t.same((await reopen(4, 1)).slice(2), [doc, 'alice', 'dev', session1]);
  client.say({ t: 'open', doc: 'board/other', viewer: 'x'.repeat(viewerStateLengthMax) });
  t.match(await client.take('refused'), { doc: 'board/other', n: 0, code: 'FRAME_INVALID' });
});

type State = { readonly page: number };

async function startAll(t: Test, options: OpenOptions<State> = {}) {
  const host = await FakeHost.start(t);
  const { port } = await startProxy(t, [host]);
  await host.links.take();
  host.say([1, [[0, 1, true]]]);
  const client = connect(`http://127.0.0.1:${port}`, { as: 'ada', random: () => 0 });
  t.teardown(() => client.close());
  const board: OpenDocument<unknown, Record<never, never>, State> = client.open(doc, options);
  const serve = async (kind: 1 | 9): Promise<number> => {
    const [, view] = await host.take(kind);
    host.say([2, view, 1, session1, 'i1', 4, '{}']);
    await when(board, () => board.status === 'live');
    return view;
  };
  return { host, client, board, serve };
}

function when(board: OpenDocument<unknown, Record<never, never>, State>, holds: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const look = (): void => {
      if (!holds()) return;
      end();
      resolve();
    };
    const end = board.onStatus(look);
    queueMicrotask(look);
  });
}

test('[F25] a client agrees with its proxy on how often and how much', async (t) => {
  t.equal(stateLengthMax, viewerStateLengthMax);
  t.ok(stateMs > viewerStateMs, 'nothing of a client of ours waits at a proxy');
});

test('[F25] a client opens by what its view looks at, and says what comes after', async (t) => {
  const { host, board, serve } = await startAll(t, { viewer: { page: 1 } });
  t.same(board.viewer, { page: 1 });
  board.look({ page: 2 });
  const view = await serve(9);
  for (let page = 3; page <= 50; page += 1) board.look({ page });
  for (let found = 0; found !== 50; ) {
    const [, at, , state] = await host.take(8);
    t.equal(at, view);
    found = (state as State).page;
  }
  t.same(board.viewer, { page: 50 });
  host.breakLink();
  await when(board, () => board.status === 'waiting');
  await host.links.take();
  host.say([1, [[0, 1, true]]]);
  await serve(9);
  t.same(host.heard.items, [], 'a failover needs nothing of it');
  // @ts-expect-error: a state has a page.
  t.throws(() => board.look(undefined), { code: 'FRAME_INVALID' });
  // @ts-expect-error: a page is a number.
  t.throws(() => board.look({ page: 'x'.repeat(stateLengthMax) }), { code: 'FRAME_INVALID' });
  board.close();
  board.look({ page: 51 });
  await host.take(3);
  t.same(host.heard.items, []);
});

test('[F25] what is refused is told, and the view goes on with what was said before', async (t) => {
  const { host, board, serve } = await startAll(t);
  const view = await serve(1);
  board.look({ page: 1 });
  t.same(await host.take(8), [8, view, 1, { page: 1 }]);
  board.look({ page: -1 });
  t.same(await host.take(8), [8, view, 2, { page: -1 }]);
  host.say([12, view, 2, 'MESSAGE_INVALID', 'page: too small']);
  await when(board, () => board.lookError?.code === 'MESSAGE_INVALID');
  t.same(board.viewer, { page: 1 });
  t.equal(board.status, 'live');
  t.same(await host.take(8), [8, view, 3, { page: 1 }], 'so that it is opened by it next time');
  board.look({ page: 4 });
  t.equal(board.lookError, undefined);
  host.say([12, view, 3, 'MESSAGE_INVALID', 'late']);
  t.same(await host.take(8), [8, view, 4, { page: 4 }]);
  host.say([12, view, 4, 'MESSAGE_INVALID', 'page: too great']);
  await when(board, () => board.lookError !== undefined);
  t.equal(board.viewer, undefined, 'what was refused before is not gone back to');
});

test('[F25] what an open says is refused, once', async (t) => {
  const { host, board, serve } = await startAll(t, { viewer: { page: -1 } });
  const view = await serve(9);
  host.say([12, view, 0, 'MESSAGE_INVALID', 'page: too small']);
  await when(board, () => board.lookError !== undefined);
  t.equal(board.viewer, undefined);
  host.breakLink();
  await when(board, () => board.status === 'waiting');
  await host.links.take();
  host.say([1, [[0, 1, true]]]);
  await serve(1);
  t.equal(board.lookError?.message, 'page: too small');
});
