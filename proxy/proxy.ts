// The door: what clients talk to. A proxy holds no truth and can be killed at any moment; it joins clients' connections
// (session.ts) to the heads of chains (attachments.ts) over one link per host (host-link.ts), and hands out the page.
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Logger } from 'pino';
import WebSocket, { WebSocketServer } from 'ws';
import type { Configuration } from '../chain/configuration.ts';
import { lastActive } from '../chain/configuration.ts';
import { CodedError } from '../engine/base/errors.ts';
import {
  clientBacklogBytesMax,
  clientFrameBytesMax,
  clientPingMs,
  connectionsMax,
  documentsPerConnectionMax,
  helloMs,
} from '../engine/base/limits.ts';
import { Attachments } from './attachments.ts';
import { errorLine, subprotocol } from './client-wire.ts';
import { checkLoopback, isOurs, refuseUpgrade, replyError, replyJson } from './doorkeeper.ts';
import { ProxyGossip } from './gossip.ts';
import type { HostAddress } from './host-link.ts';
import { HostLink } from './host-link.ts';
import type { ToProxy } from './link-wire.ts';
import { toHost, toProxy } from './link-wire.ts';
import type { PageFile } from './page.ts';
import { readPages, servePage } from './page.ts';
import { claimOf } from './route.ts';
import { Session } from './session.ts';

export type ProxyOptions = {
  /** Loopback: there is no authentication but the name that a client gives itself. HOST_OPTIONS otherwise. */
  readonly address: string;
  /** 0 takes any free port; listen() returns it. */
  readonly port: number;
  readonly hosts: readonly HostAddress[];
  /** Among all that gossip: no other proxy's name, and no host's. `proxy` unless said otherwise. */
  readonly id?: string;
  readonly region?: string;
  /** The cluster's secret, said to every host. */
  readonly secret: string;
  /** Chains of the cluster: 0 ... chains - 1. */
  readonly chains: number;
  readonly chainOf: (documentName: string) => number;
  readonly pageFolder?: string;
  readonly distFolder?: string;
  readonly log: Logger;
  /** From 0 to below 1: spreads retries. */
  readonly random: () => number;
  /** The bounds of limits.ts, unless said otherwise. */
  readonly limits?: Partial<ProxyLimits>;
};

export type ProxyLimits = {
  readonly helloMs: number;
  readonly connectionsMax: number;
  readonly documentsPerConnectionMax: number;
  readonly clientBacklogBytesMax: number;
};

export type ProxyCounts = {
  readonly connections: number;
  readonly documents: number;
  readonly framesKnown: number;
  readonly framesUnknown: number;
  readonly framesRefused: number;
};

/** What the newest claim says of a chain. Without one its head is unknown: epoch 0, head null. */
export type ChainStatus = {
  readonly chain: number;
  readonly epoch: number;
  readonly head: string | null;
  readonly serving: boolean;
};

/** A frame that is too big ends the connection, as ws wants it; the client is told before, in its own language. */
class ClientSocket extends WebSocket {
  override close(code?: number, reason?: string | Buffer): void {
    if (code === 1009 && this.readyState === WebSocket.OPEN) {
      this.send(errorLine('FRAME_TOO_BIG', `a message of a client has at most ${clientFrameBytesMax} bytes`).text);
    }
    super.close(code, reason);
  }
}

export class ProxyServer {
  readonly #options: ProxyOptions;
  readonly #limits: ProxyLimits;
  readonly #attachments: Attachments;
  readonly #links = new Map<string, HostLink>();
  readonly #sessions = new Set<Session>();
  readonly #gossip: ProxyGossip;
  readonly #frames = { known: 0, unknown: 0, refused: 0 };
  readonly #http: Server;
  readonly #sockets: WebSocketServer;
  #files: ReadonlyMap<string, PageFile> = new Map();
  #dirty: Session[] = [];
  #pingTimer: NodeJS.Timeout | undefined;
  #port = 0;

  constructor(options: ProxyOptions) {
    checkLoopback(options.address);
    this.#options = options;
    this.#limits = {
      helloMs,
      connectionsMax,
      documentsPerConnectionMax,
      clientBacklogBytesMax,
      ...options.limits,
    };
    this.#attachments = new Attachments(options.random, (chain, epoch) => this.#gossip.withdraw(chain, epoch));
    for (const host of options.hosts) this.#addLink(host);
    this.#gossip = this.#joinGossip();
    this.#sockets = new WebSocketServer({
      noServer: true,
      maxPayload: clientFrameBytesMax,
      perMessageDeflate: false,
      clientTracking: false,
      WebSocket: ClientSocket,
    });
    this.#http = createServer((request, response) => this.#onRequest(request, response));
    this.#http.on('upgrade', (request, socket, head) => this.#onUpgrade(request, socket, head));
  }

  /** Reads the page, dials the hosts and opens the port, which it returns. PORT_TAKEN where it is in use. */
  async listen(): Promise<number> {
    const { pageFolder, distFolder, address, port } = this.#options;
    this.#files = await readPages({ pageFolder, distFolder });
    await listenOn(this.#http, address, port);
    this.#port = (this.#http.address() as AddressInfo).port;
    for (const link of this.#links.values()) link.start();
    this.#gossip.start();
    this.#pingTimer = setInterval(() => {
      for (const session of this.#sessions) session.checkAlive();
    }, clientPingMs);
    this.#options.log.info({ port: this.#port }, 'the proxy listens, in development mode: names are believed');
    return this.#port;
  }

  /** Closes every connection with 1001, every link and the port. */
  async close(): Promise<void> {
    clearInterval(this.#pingTimer);
    this.#gossip.close();
    this.#attachments.close();
    for (const session of [...this.#sessions]) session.close(1001, 'the proxy closes');
    for (const link of this.#links.values()) link.close();
    const closed = new Promise<void>((resolve) => this.#http.close(() => resolve()));
    this.#http.closeAllConnections();
    await closed;
  }

  get counts(): ProxyCounts {
    let documents = 0;
    for (const session of this.#sessions) documents += session.documents;
    const { known, unknown, refused } = this.#frames;
    return {
      connections: this.#sessions.size,
      documents,
      framesKnown: known,
      framesUnknown: unknown,
      framesRefused: refused,
    };
  }

  get chains(): ChainStatus[] {
    return Array.from({ length: this.#options.chains }, (_, chain) => {
      const claim = claimOf(this.#attachments.claims, chain);
      return claim === undefined
        ? { chain, epoch: 0, head: null, serving: false }
        : { chain, epoch: claim.epoch, head: claim.hostId, serving: claim.isServing };
    });
  }

  get hostIds(): string[] {
    return [...this.#links.keys()];
  }

  /**
   * Puts an operator's question to a host; its reply is JSON text. CONNECTION_LOST where there is no link, or no reply in
   * `waitMs` (`askMs` unless said).
   */
  async ask(
    hostId: string,
    question: string,
    args: Readonly<Record<string, unknown>>,
    waitMs?: number,
  ): Promise<string> {
    const link = this.#links.get(hostId);
    if (link === undefined) throw new CodedError('CONNECTION_LOST', 'no host of that name');
    return link.ask(question, args, waitMs);
  }

  #joinGossip(): ProxyGossip {
    const { id = 'proxy', region = 'local', hosts, random, log } = this.#options;
    return new ProxyGossip({
      id,
      region,
      hosts: hosts.map((host) => host.id),
      random,
      send: (host, bytes) => this.#links.get(host)?.send([toHost.gossip, id, bytes], bytes.length),
      onHost: (host, address) => {
        if (this.#links.has(host) || !URL.canParse(`ws://${address}`)) return;
        log.info({ host, address }, 'a host was heard of');
        this.#addLink({ id: host, url: `ws://${address}` });
        this.#links.get(host)?.start();
      },
      onHostGone: (host) => {
        const link = this.#links.get(host);
        if (link === undefined || hosts.some((one) => one.id === host)) return;
        log.info({ host }, 'a host that was heard of is gone');
        link.close();
        this.#attachments.removeLink(host);
        this.#links.delete(host);
      },
      onHint: (value) => this.#onHint(value),
    });
  }

  /** What a pending configuration means to be is not said yet to be so: whom it follows still may serve. */
  #onHint(value: Configuration): void {
    const active = lastActive(value);
    const head = active?.members[0];
    if (active === undefined || head === undefined || value.chain >= this.#options.chains) return;
    this.#attachments.hint(value.chain, { hostId: head.host, epoch: active.epoch, minor: active.minor });
  }

  #onLinkMessage(host: string, message: ToProxy): void {
    if (message[0] === toProxy.gossip) this.#gossip.hear(host, message[1]);
    else this.#attachments.onLinkMessage(host, message);
  }

  #addLink(host: HostAddress): void {
    const { secret, random, log } = this.#options;
    const link = new HostLink({
      host,
      secret,
      random,
      onUp: () => {
        log.info({ host: host.id }, 'linked');
        this.#gossip.onLink(host.id, true);
        this.#attachments.onLinkUp(host.id);
      },
      onMessage: (message) => this.#onLinkMessage(host.id, message),
      onDown: (reason) => {
        log.warn({ host: host.id, reason }, 'the link is down');
        this.#gossip.onLink(host.id, false);
        this.#attachments.onLinkDown(host.id);
      },
    });
    this.#links.set(host.id, link);
    this.#attachments.addLink(link);
  }

  #onRequest(request: IncomingMessage, response: ServerResponse): void {
    if (!isOurs(request, this.#port))
      return replyError(response, 403, 'ORIGIN_REFUSED', 'not one of our own addresses');
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      return replyError(response, 405, 'FRAME_INVALID', 'GET and HEAD only');
    }
    const path = pathOf(request);
    if (path === '/healthz') return replyJson(response, 200, '{"healthy":true}');
    if (path === '/readyz') {
      const waiting = this.chains.filter((each) => !each.serving).map((each) => each.chain);
      return replyJson(response, waiting.length === 0 ? 200 : 503, JSON.stringify({ waiting }));
    }
    servePage(this.#files, path, request, response);
  }

  #onUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    if (!isOurs(request, this.#port)) {
      return refuseUpgrade(socket, '403 Forbidden', 'ORIGIN_REFUSED', 'not one of our own addresses');
    }
    const offered = request.headers['sec-websocket-protocol']?.split(',').map((name) => name.trim());
    if (pathOf(request) !== '/' || offered?.includes(subprotocol) !== true) {
      return refuseUpgrade(socket, '400 Bad Request', 'FRAME_INVALID', `the path is / and the protocol ${subprotocol}`);
    }
    if (this.#sessions.size >= this.#limits.connectionsMax) {
      return refuseUpgrade(socket, '503 Service Unavailable', 'LIMIT_REACHED', 'too many connections');
    }
    this.#sockets.handleUpgrade(request, socket, head, (client) => this.#onClient(client));
  }

  #onClient(client: WebSocket): void {
    const session = new Session(client, {
      ...this.#limits,
      attachments: this.#attachments,
      chainOf: this.#options.chainOf,
      onDirty: (each) => this.#onDirty(each),
      onFrame: (frame) => {
        this.#frames[frame] += 1;
      },
      onClosed: (each) => this.#sessions.delete(each),
    });
    this.#sessions.add(session);
  }

  #onDirty(session: Session): void {
    this.#dirty.push(session);
    if (this.#dirty.length > 1) return;
    setImmediate(() => {
      const dirty = this.#dirty;
      this.#dirty = [];
      for (const each of dirty) each.flush();
    });
  }
}

/** The path alone. No decoding: files are found by the exact text. */
export function pathOf(request: IncomingMessage): string {
  const url = request.url ?? '';
  const end = url.indexOf('?');
  return end === -1 ? url : url.slice(0, end);
}

/** PORT_TAKEN where another process listens there. */
export function listenOn(server: Server, address: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const isTaken = error.code === 'EADDRINUSE';
      reject(isTaken ? new CodedError('PORT_TAKEN', `${address}:${port} is in use`, { cause: error }) : error);
    });
    server.listen(port, address, () => resolve());
  });
}
