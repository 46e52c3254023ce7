import { once } from 'node:events';
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { connect as connectTcp } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { test } from 'tap';
import WebSocket from 'ws';
import { framesPerMessageMax, sendsInFlightMax } from '../../engine/base/limits.ts';
import { Admin } from '../../proxy/admin.ts';
import { ProxyServer } from '../../proxy/proxy.ts';
import { FakeHost, get, openBoard, RawClient, startProxy } from './stage.ts';

const distFolder = join(import.meta.dirname, '../..');

test('[F8] beyond loopback there is no proxy and no admin door', async (t) => {
  const options = { port: 0, hosts: [], secret: '', chains: 1, chainOf: () => 0, random: () => 0 };
  const log = pino({ level: 'silent' });
  const make = (address: string) => new ProxyServer({ ...options, log, address });
  for (const address of ['0.0.0.0', '::', '192.168.1.1', 'example.org']) {
    t.throws(() => make(address), { code: 'HOST_OPTIONS' });
    t.throws(() => new Admin({ address, port: 0, token: 'x', proxy: make('127.0.0.1') }), { code: 'HOST_OPTIONS' });
  }
});

test('[F9] a foreign Host or Origin gets 403, on HTTP and on upgrade', async (t) => {
  const { port } = await startProxy(t, []);
  const own = `http://localhost:${port}`;
  t.equal((await get(port, '/healthz', { host: `localhost:${port}`, origin: own })).status, 200);
  const foreign: Record<string, string>[] = [
    { host: `evil.example:${port}` },
    { host: `127.0.0.1:${port + 1}` },
    { host: '127.0.0.1' },
    { origin: 'http://evil.example' },
    { origin: 'null' },
    { origin: `https://localhost:${port}` },
    { origin: `http://localhost:${port + 1}` },
  ];
  for (const headers of foreign) {
    const reply = await get(port, '/healthz', headers);
    t.equal(reply.status, 403, JSON.stringify(headers));
    t.match(JSON.parse(reply.body), { code: 'ORIGIN_REFUSED', retry: 'never' });
    t.equal(await upgradeStatus(port, 'levelten.v1.json', headers), 403);
  }
  t.equal(await upgradeStatus(port, 'levelten.v1.json', { origin: own }), 101);
  t.equal(await upgradeStatus(port, 'other', {}), 400);
});

async function upgradeStatus(port: number, subprotocol: string, headers: Record<string, string>): Promise<number> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}`, subprotocol, { headers });
  socket.on('error', () => {});
  const status = await Promise.race([
    once(socket, 'open').then(() => 101),
    once(socket, 'unexpected-response').then(([, response]) => (response as { statusCode: number }).statusCode),
  ]);
  socket.terminate();
  return status;
}

test('[F10] pages and client modules by exact path, with a strict policy, and nothing else', async (t) => {
  const pageFolder = await mkdtemp(join(tmpdir(), 'page-'));
  await writeFile(join(pageFolder, 'index.html'), '<p>hello');
  await writeFile(join(pageFolder, 'secret.env'), 'x');
  for (const folder of ['game/art', '.git', 'node_modules']) {
    await mkdir(join(pageFolder, folder), { recursive: true });
    await writeFile(join(pageFolder, folder, 'index.html'), `<p>${folder}`);
  }
  const { port } = await startProxy(t, [], { pageFolder, distFolder });
  const page = await get(port, '/?as=alice');
  t.equal(page.body, '<p>hello');
  t.equal((await get(port, '/game/art/')).body, '<p>game/art');
  const moved = await get(port, '/game/art?as=alice');
  t.same([moved.status, moved.headers['location']], [308, '/game/art/?as=alice']);
  t.match(page.headers, { 'content-type': /text\/html/, 'x-content-type-options': 'nosniff' });
  t.match(page.headers['content-security-policy'], /default-src 'none'; script-src 'self'; style-src 'self'/);
  // Every import of a served module is served too.
  const paths = ['/levelten/proxy/client/client.js'];
  for (const path of paths) {
    const reply = await get(port, path);
    t.equal(reply.status, 200, path);
    t.match(reply.headers['content-type'], /^text\/javascript/);
    for (const [, found] of reply.body.matchAll(/from ['"](\.[^'"]*)['"]/g)) {
      const next = new URL(found ?? '', `http://x${path}`).pathname;
      if (!paths.includes(next)) paths.push(next);
    }
  }
  t.ok(paths.length > 2);
  for (const path of [
    '/secret.env',
    '/game/',
    '/.git/',
    '/node_modules/index.html',
    '/../package.json',
    '/levelten/../../package.json',
    '/levelten/proxy/proxy.js',
    '/levelten/proxy/client/..%2fproxy.js',
    '/%2e%2e/package.json',
    'x',
  ]) {
    t.not((await get(port, path)).status, 200, path);
  }
});

test('[F10] a folder of more than a thousand files was not meant to be a page', async (t) => {
  const pageFolder = await mkdtemp(join(tmpdir(), 'page-'));
  for (let count = 0; count <= 1_000; count += 1) await writeFile(join(pageFolder, `${count}.js`), '');
  await t.rejects(startProxy(t, [], { pageFolder }), { code: 'HOST_OPTIONS', message: /more than 1000/ });
});

test('[F10] ready means that every chain has a serving route', async (t) => {
  const host = await FakeHost.start(t);
  const { port } = await startProxy(t, [host], { chains: 2, chainOf: () => 1 });
  await host.links.take();
  t.same(JSON.parse((await get(port, '/readyz')).body), { waiting: [0, 1] });
  const client = await RawClient.connect(t, port);
  host.say([1, [[1, 1, true]]]);
  await openBoard(host, client); // so the routes were heard
  const reply = await get(port, '/readyz');
  t.same([reply.status, JSON.parse(reply.body)], [503, { waiting: [0] }]);
  const isReady = openBoard(host, await RawClient.connect(t, port));
  host.say([1, [[0, 1, true] as const, [1, 1, true] as const]]);
  await isReady;
  t.equal((await get(port, '/readyz')).status, 200);
});

test('[F11] hello comes first, in time and with a name', async (t) => {
  const { port } = await startProxy(t, [], { limits: { helloMs: 30 } });
  const silent = await RawClient.connect(t, port, '');
  t.match(await silent.take('error'), { code: 'AUTH_REQUIRED' });
  t.equal((await silent.closed).code, 1008);
  for (const frame of [
    { t: 'open', doc: 'board/main' },
    { t: 'hello', as: '' },
  ]) {
    const client = await RawClient.connect(t, port, '');
    client.say({ t: 'from the future' }, frame);
    t.match(await client.take('error'), { code: 'AUTH_REQUIRED' });
    t.equal((await client.closed).code, 1008);
  }
});

test('[F12] a bad frame is refused by code, and the connection stays', async (t) => {
  const { port, front } = await startProxy(t, [], { limits: { documentsPerConnectionMax: 1 } });
  const client = await RawClient.connect(t, port);
  client.socket.send('{');
  client.socket.send(Buffer.from([1, 2, 3]));
  client.say(
    { t: 'hello', as: 'bob' },
    { t: 'nonsense' },
    { t: 'send', doc: 'a/b', n: 1, done: 0, channel: 'c', message: 1 },
  );
  client.say(
    { t: 'open', doc: 'no name' },
    { t: 'open', doc: 'a/b' },
    { t: 'open', doc: 'a/b' },
    { t: 'open', doc: 'a/c' },
  );
  const frames = await client.settled();
  t.same(
    frames.map(({ t: kind, code, doc, n, state }) => [kind, code ?? state, doc, n]),
    [
      ['error', 'FRAME_INVALID', undefined, undefined],
      ['error', 'FRAME_INVALID', undefined, undefined],
      ['error', 'FRAME_INVALID', undefined, undefined],
      ['refused', 'DOCUMENT_NOT_OPEN', 'a/b', 1],
      ['refused', 'DOCUMENT_NAME', 'no name', 0],
      ['status', 'waiting', 'a/b', undefined],
      ['error', 'FRAME_INVALID', undefined, undefined],
      ['refused', 'LIMIT_REACHED', 'a/c', 0],
    ],
  );
  t.match(front.counts, { connections: 1, documents: 1, framesUnknown: 1, framesRefused: 7 });
  client.socket.send(`${'{"t":"x"}\n'.repeat(framesPerMessageMax)}`);
  t.equal((await client.closed).code, 1008);
});

test('[F12] sends in flight are bounded, and the one too many uses no number up', async (t) => {
  const { port } = await startProxy(t, []);
  const client = await RawClient.connect(t, port);
  client.say({ t: 'open', doc: 'a/b', session: 'new' });
  for (let n = 1; n <= sendsInFlightMax + 1; n += 1) {
    client.say({ t: 'send', doc: 'a/b', n, done: 0, channel: 'c', message: n });
  }
  t.match(await client.take('refused'), { n: sendsInFlightMax + 1, code: 'LIMIT_REACHED', retry: 'later' });
});

test('[F13] a 10 MB frame gets FRAME_TOO_BIG and 1009, and is not kept', async (t) => {
  const { port } = await startProxy(t, []);
  const client = await RawClient.connect(t, port);
  const before = process.memoryUsage().arrayBuffers;
  const big = Buffer.alloc(10 * 1024 * 1024, 0x20);
  client.socket.send(big, { binary: false });
  t.match(await client.take('error'), { code: 'FRAME_TOO_BIG', retry: 'never' });
  const kept = process.memoryUsage().arrayBuffers - before - 2 * big.length; // ours, and its masked copy on the way out
  t.ok(kept < big.length / 2, `the proxy keeps ${kept} bytes of it`);
  t.equal((await client.closed).code, 1009);
});

test('[F13] a frame announced as 10 MB is refused by its header alone', async (t) => {
  const { port } = await startProxy(t, []);
  const socket = connectTcp(port, '127.0.0.1');
  t.teardown(() => socket.destroy());
  const key = 'dGhlIHNhbXBsZSBub25jZQ==';
  socket.write(
    `GET / HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\nconnection: upgrade\r\nupgrade: websocket\r\n` +
      `sec-websocket-version: 13\r\nsec-websocket-key: ${key}\r\nsec-websocket-protocol: levelten.v1.json\r\n\r\n`,
  );
  await once(socket, 'data');
  const header = Buffer.alloc(14);
  header[0] = 0x81;
  header[1] = 0xff;
  header.writeBigUInt64BE(10n * 1024n * 1024n, 2);
  socket.write(header);
  const [reply] = (await once(socket, 'data')) as [Buffer];
  t.match(reply.toString('latin1'), /FRAME_TOO_BIG/);
});

test('[F14] a client that does not read is closed with 1013', async (t) => {
  const host = await FakeHost.start(t);
  const { port, front } = await startProxy(t, [host], { limits: { clientBacklogBytesMax: 64 * 1024 } });
  await host.links.take();
  host.say([1, [[0, 1, true]]]);
  const slow = await RawClient.connect(t, port, 'slow');
  const quick = await RawClient.connect(t, port, 'quick');
  await openBoard(host, slow);
  await openBoard(host, quick);
  slow.socket.pause();
  const json = JSON.stringify({ text: 'x'.repeat(1024 * 1024) });
  let seq = 5;
  while (front.counts.connections === 2) {
    host.say([5, 1, seq, json]);
    await quick.take('delta');
    seq += 1;
  }
  t.ok(seq < 50);
  slow.socket.resume();
  t.equal((await slow.closed).code, 1013);
  t.match(await host.take(3), [3], 'and its view is closed at the host');
});

test('[F15] the admin door wants its token, and forwards what hosts reply', async (t) => {
  const host = await FakeHost.start(t);
  const other = await FakeHost.start(t);
  const { front } = await startProxy(t, [host, other], { chains: 2 });
  await Promise.all([host.links.take(), other.links.take()]);
  const admin = new Admin({ address: '127.0.0.1', port: 0, token: 'open-sesame', proxy: front });
  const port = await admin.listen();
  t.teardown(() => admin.close());
  for (const authorization of ['', 'Bearer ', 'Bearer wrong', 'open-sesame', 'Bearer open-sesame2']) {
    const reply = await get(port, '/status', { authorization });
    t.equal(reply.status, 401);
    t.match(JSON.parse(reply.body), { code: 'TOKEN_REFUSED' });
  }
  const authorization = 'Bearer open-sesame';
  t.equal((await get(port, '/status', { authorization, origin: 'http://evil.example' })).status, 403);
  const status = get(port, '/status', { authorization });
  const h1 = {
    boot: 'b',
    storeId: 's1',
    isLeaving: false,
    chains: [],
    hosts: [],
    voters: { generation: 1, voters: [] },
  };
  host.say([1, [[0, 3, true]]], [7, (await host.take(4))[1], JSON.stringify(h1)]);
  await other.take(4);
  other.breakLink();
  const chain = { minor: 0, servedEpoch: 0, phase: 'none', members: [], lag: 0 };
  t.same(JSON.parse((await status).body), {
    proxy: { connections: 0, documents: 0, framesKnown: 0, framesUnknown: 0, framesRefused: 0 },
    hosts: [
      { host: 'h1', status: h1, state: 'live', boot: 'b', isLeaving: false, heads: 1, chains: 0, voter: 'no' },
      {
        host: 'h2',
        status: null,
        code: 'CONNECTION_LOST',
        text: 'the link was closed',
        state: 'silent',
        boot: null,
        isLeaving: false,
        heads: 0,
        chains: 0,
        voter: 'no',
      },
    ],
    chains: [
      { chain: 0, epoch: 3, head: 'h1', serving: true, state: 'serving', ...chain, servedEpoch: 3 },
      { chain: 1, epoch: 0, head: null, serving: false, state: 'waiting', ...chain },
    ],
    voters: { generation: 1, voters: [] },
  });
  const log = get(port, '/log?host=h1&chain=1&after=7&max=5', { authorization });
  const ask = await host.take(4);
  t.same(ask.slice(2), ['log', { chain: 1, after: 7, max: 5 }]);
  host.say([7, ask[1], '[{"lsn":8}]']);
  t.equal((await log).body, '[{"lsn":8}]');
  t.equal((await get(port, '/log?host=h9', { authorization })).status, 502);
  t.equal((await get(port, '/log?host=h1&after=-1', { authorization })).status, 400);
});

test('[F22] the admin door takes three questions that change something, whole and short', async (t) => {
  const host = await FakeHost.start(t);
  const { front } = await startProxy(t, [host]);
  await host.links.take();
  const admin = new Admin({ address: '127.0.0.1', port: 0, token: 'sesame', proxy: front });
  const port = await admin.listen();
  t.teardown(() => admin.close());
  const post = async (body: unknown, headers: Record<string, string> = {}) => {
    const reply = await fetch(`http://127.0.0.1:${port}/ask`, {
      method: 'POST',
      body: typeof body === 'string' ? body : JSON.stringify(body),
      headers: { authorization: 'Bearer sesame', ...headers },
    });
    return { status: reply.status, body: (await reply.json()) as { readonly code?: string } };
  };
  const leave = { host: 'h1', question: 'leave', args: { isLeaving: true } };
  t.match(await post(leave, { authorization: 'Bearer x' }), { status: 401, body: { code: 'TOKEN_REFUSED' } });
  t.match(await post(leave, { origin: 'http://evil.example' }), { status: 403, body: { code: 'ORIGIN_REFUSED' } });
  const bad = [
    '{',
    'null',
    '[]',
    { ...leave, question: 'status' },
    { ...leave, question: 'toString' },
    { ...leave, args: [] },
    { ...leave, host: 1 },
    { host: 'h1', question: 'leave' },
    { ...leave, args: { text: 'x'.repeat(17_000) } },
  ];
  for (const body of bad) t.match(await post(body), { status: 400, body: { code: 'FRAME_INVALID' } });
  t.match(await post({ ...leave, host: 'h9' }), { status: 502, body: { code: 'CONNECTION_LOST' } });
  t.same(host.heard.items, [], 'none of these reached a host');
  const asked = post(leave);
  const ask = await host.take(4);
  t.same(ask.slice(2), ['leave', { isLeaving: true }]);
  host.say([7, ask[1], '{"isLeaving":true}']);
  t.same(await asked, { status: 200, body: { isLeaving: true } });
  t.equal(
    (await fetch(`http://127.0.0.1:${port}/status`, { method: 'PUT', headers: { authorization: 'Bearer sesame' } }))
      .status,
    405,
  );
});
