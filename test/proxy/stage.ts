// What the proxy's tests stand on: a host that says what the test tells it to, and a client that speaks raw frames. Both keep
// what they hear until a test takes it, so that no test waits for time to pass.
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { createServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import pino from 'pino';
import type { Test } from 'tap';
import WebSocket, { WebSocketServer } from 'ws';
import type { ToHost, ToProxy } from '../../proxy/link-wire.ts';
import { decodeToHost, encodeBatch, frontPath } from '../../proxy/link-wire.ts';
import type { ProxyOptions } from '../../proxy/proxy.ts';
import { ProxyServer } from '../../proxy/proxy.ts';

/** Items in order of arrival; take() gives the first that fits, now or when it comes. */
export class Inbox<Item> {
  #items: Item[] = [];
  #takers: { readonly fits: (item: Item) => boolean; readonly give: (item: Item) => void }[] = [];

  get items(): readonly Item[] {
    return this.#items;
  }

  push(item: Item): void {
    const index = this.#takers.findIndex((taker) => taker.fits(item));
    const taker = this.#takers[index];
    if (taker === undefined) return void this.#items.push(item);
    this.#takers.splice(index, 1);
    taker.give(item);
  }

  take(fits: (item: Item) => boolean = () => true): Promise<Item> {
    const index = this.#items.findIndex(fits);
    if (index === -1) return new Promise((give) => this.#takers.push({ fits, give }));
    return Promise.resolve(this.#items.splice(index, 1)[0] as Item);
  }
}

type HostKind = ToHost[0];
type HostMessage<Kind extends HostKind> = Extract<ToHost, { readonly 0: Kind }>;

export class FakeHost {
  readonly heard = new Inbox<ToHost>();
  /** What the proxy says in gossip, which it does all the time. */
  readonly gossip = new Inbox<HostMessage<5>>();
  readonly links = new Inbox<WebSocket>();
  authorization: string | undefined;
  /** Called for each message instead of keeping it, where a test wants a host that acts. */
  onMessage: ((message: ToHost) => void) | undefined;
  #link: WebSocket | undefined;
  #http = createServer();
  #port = 0;

  static async start(t: Test): Promise<FakeHost> {
    const host = new FakeHost();
    await host.listen(0);
    t.teardown(() => host.stop());
    return host;
  }

  get url(): string {
    return `ws://127.0.0.1:${this.#port}`;
  }

  async listen(port: number): Promise<void> {
    this.#http = createServer();
    const server = new WebSocketServer({ server: this.#http, path: frontPath });
    server.on('connection', (link, request) => {
      this.authorization = request.headers.authorization;
      this.#link = link;
      link.on('message', (data) => {
        for (const message of decodeToHost(data as Buffer)) {
          if (message[0] === 5) this.gossip.push(message);
          else if (this.onMessage === undefined) this.heard.push(message);
          else this.onMessage(message);
        }
      });
      this.links.push(link);
    });
    this.#http.listen(port, '127.0.0.1');
    await once(this.#http, 'listening');
    this.#port = (this.#http.address() as AddressInfo).port;
  }

  say(...messages: ToProxy[]): void {
    this.#link?.send(encodeBatch(messages));
  }

  async take<Kind extends HostKind>(kind: Kind): Promise<HostMessage<Kind>> {
    return (await this.heard.take((message) => message[0] === kind)) as HostMessage<Kind>;
  }

  /** The link breaks; the host goes on, and can be dialled again. */
  breakLink(): void {
    this.#link?.terminate();
  }

  stop(): void {
    this.#link?.terminate();
    this.#http.closeAllConnections();
    this.#http.close();
  }
}

export type Frame = { readonly t: string; readonly [name: string]: unknown };

export class RawClient {
  readonly frames = new Inbox<Frame>();
  /** How many frames each message held. */
  readonly messageSizes: number[] = [];
  readonly socket: WebSocket;
  readonly closed: Promise<{ code: number }>;

  constructor(socket: WebSocket) {
    this.socket = socket;
    this.closed = new Promise((resolve) => socket.on('close', (code) => resolve({ code })));
    socket.on('error', () => {});
    socket.on('message', (data) => {
      const lines = String(data).split('\n');
      this.messageSizes.push(lines.length);
      for (const line of lines) this.frames.push(JSON.parse(line) as Frame);
    });
  }

  static async connect(t: Test, port: number, as: string | undefined = 'alice'): Promise<RawClient> {
    const client = new RawClient(new WebSocket(`ws://127.0.0.1:${port}`, 'levelten.v1.json'));
    t.teardown(() => client.socket.terminate());
    await once(client.socket, 'open');
    if (as !== '') {
      client.say({ t: 'hello', as });
      await client.take('welcome');
    }
    return client;
  }

  /** All of them in one message. */
  say(...frames: Frame[]): void {
    this.socket.send(frames.map((frame) => JSON.stringify(frame)).join('\n'));
  }

  take(kind: string): Promise<Frame> {
    return this.frames.take((frame) => frame.t === kind);
  }

  /** All that came before now: a pong is behind it. */
  async settled(): Promise<readonly Frame[]> {
    this.say({ t: 'ping', id: 0 });
    await this.take('pong');
    return this.frames.items;
  }
}

export type Stage = { readonly front: ProxyServer; readonly port: number };

export async function startProxy(t: Test, hosts: FakeHost[], options: Partial<ProxyOptions> = {}): Promise<Stage> {
  const front = new ProxyServer({
    address: '127.0.0.1',
    port: 0,
    hosts: hosts.map((host, index) => ({ id: `h${index + 1}`, url: host.url })),
    secret: 'sesame',
    chains: 1,
    chainOf: () => 0,
    log: pino({ level: 'silent' }),
    random: () => 0,
    ...options,
  });
  const port = await front.listen();
  t.teardown(() => front.close());
  return { front, port };
}

export const session1 = '1'.repeat(32);

/** A board opened by `client` at `host`, which heads its chain. Returns the view's number. */
export async function openBoard(host: FakeHost, client: RawClient, kind = 1): Promise<number> {
  client.say({ t: 'open', doc: 'board/main', session: 'new' });
  const [, view] = await host.take(1);
  host.say([2, view, kind, session1, 'i1', 4, '{"text":"hi"}']);
  await client.take('view');
  return view;
}

export type Reply = { readonly status: number; readonly headers: IncomingMessage['headers']; readonly body: string };

/** A request with its path as it is: fetch() would tidy it. */
export async function get(port: number, path: string, headers: Record<string, string> = {}): Promise<Reply> {
  const request = httpRequest({ host: '127.0.0.1', port, path, headers: { host: `127.0.0.1:${port}`, ...headers } });
  request.end();
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  let body = '';
  for await (const chunk of response) body += String(chunk);
  return { status: response.statusCode ?? 0, headers: response.headers, body };
}

/** A host that heads the one chain, and a client at a proxy that knows it. */
export async function served(
  t: Test,
): Promise<{ readonly host: FakeHost; readonly port: number; readonly client: RawClient }> {
  const host = await FakeHost.start(t);
  const { port } = await startProxy(t, [host]);
  await host.links.take();
  host.say([1, [[0, 1, true]]]);
  return { host, port, client: await RawClient.connect(t, port) };
}
