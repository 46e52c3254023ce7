// The sockets of a host. Between two hosts there is one link, dialled by the one with the smaller name; proxies knock on the
// same port. Nobody speaks here without the cluster's secret, and no browser does at all: a request with an Origin is refused.
//
// Frames between hosts are not masked: the mask of WebSocket protects caches from hostile pages, and costs a pass over every
// byte. `ws` skips it both ways where the mask is zero.
import { timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, Server } from 'node:http';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Logger } from 'pino';
import { WebSocket, WebSocketServer } from 'ws';
import { splitAddress } from '../chain/config.ts';
import { CodedError } from '../engine/base/errors.ts';
import type { HostId } from '../engine/base/ids.ts';
import {
  linkBacklogBytesMax,
  linkDialMs,
  linkFrameBytesMax,
  linkPingMs,
  linkProbeMs,
  linkRedialMsMax,
  redialMsMin,
} from '../engine/base/limits.ts';
import { frontPath } from '../proxy/link-wire.ts';
import type { Hello } from './hello.ts';
import { decodeHello, encodeHello } from './hello.ts';

const chainPath = '/chain';

/** The other end of a link to a proxy. */
export type FrontSocket = {
  readonly send: (bytes: Uint8Array) => void;
  readonly terminate: () => void;
};

export type LinkEvents = {
  readonly onConnected: (peer: HostId, hello: Hello) => void;
  readonly onDisconnected: (peer: HostId) => void;
  /** Nobody listens at the peer's address: its process is gone. */
  readonly onRefused: (peer: HostId) => void;
  /** Throws CodedError where the frame is wrong; the link is then broken off. */
  readonly onFrame: (peer: HostId, bytes: Uint8Array) => void;
  /** A proxy has come: takes its socket, returns what hears it. */
  readonly onFront: (socket: FrontSocket) => { onFrame: (bytes: Uint8Array) => void; onClosed: () => void };
};

export type LinkOptions = {
  readonly hello: Hello;
  readonly address: string;
  readonly peers: readonly { readonly id: HostId; readonly address: string }[];
  readonly secret: string;
  readonly log: Logger;
  readonly random: () => number;
};

export class Links {
  readonly #options: LinkOptions;
  readonly #events: LinkEvents;
  readonly #server: Server;
  readonly #sockets: WebSocketServer;
  readonly #peers = new Map<HostId, WebSocket>();
  readonly #redials = new Map<HostId, NodeJS.Timeout>();
  readonly #probes = new Map<HostId, NodeJS.Timeout>();
  /** Links that said something since the last round of pings. */
  readonly #heard = new WeakSet<WebSocket>();
  #pingTimer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(options: LinkOptions, events: LinkEvents) {
    this.#options = options;
    this.#events = events;
    this.#server = createServer((_request, response) => {
      response.writeHead(404).end();
    });
    this.#sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: linkFrameBytesMax });
    this.#server.on('upgrade', (request, socket, head) => this.#onUpgrade(request, socket, head));
  }

  /** Listens and dials. PORT_TAKEN where the address is in use. */
  async open(): Promise<void> {
    const { host, port } = splitAddress(this.#options.address);
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', (cause) => {
        reject(new CodedError('PORT_TAKEN', `cannot listen on ${this.#options.address}: ${cause.message}`, { cause }));
      });
      this.#server.listen(port, host, resolve);
    });
    for (const { id } of this.#options.peers) if (this.#isMineToDial(id)) this.#dial(id, redialMsMin);
    this.#pingTimer = setInterval(() => this.#ping(), linkPingMs);
  }

  /** Frames to a peer that is not connected are lost: the link's end is told, and what was lost is sent again then. */
  sendTo(peer: HostId, bytes: Uint8Array): void {
    const socket = this.#peers.get(peer);
    if (socket !== undefined) sendBounded(socket, bytes);
  }

  isConnected(peer: HostId): boolean {
    return this.#peers.has(peer);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#pingTimer);
    for (const timer of [...this.#redials.values(), ...this.#probes.values()]) clearTimeout(timer);
    for (const socket of this.#peers.values()) socket.terminate();
    for (const socket of this.#sockets.clients) socket.terminate();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  /** A peer that lost its power says no goodbye, and a link with nothing to send would stay up on this side for ever. */
  #ping(): void {
    for (const socket of this.#peers.values()) {
      if (this.#heard.delete(socket)) socket.ping();
      else socket.terminate();
    }
  }

  #isMineToDial(peer: HostId): boolean {
    return this.#options.hello.host < peer;
  }

  #dial(peer: HostId, pauseMs: number): void {
    const address = this.#options.peers.find(({ id }) => id === peer)?.address;
    if (this.#isClosed || address === undefined) return;
    const socket = new WebSocket(`ws://${address}${chainPath}`, {
      perMessageDeflate: false,
      maxPayload: linkFrameBytesMax,
      handshakeTimeout: linkDialMs,
      headers: { authorization: `Bearer ${this.#options.secret}` },
      generateMask: (mask) => mask.fill(0),
    });
    let nextPauseMs = Math.min(pauseMs * 2, linkRedialMsMax);
    socket.on('open', () => {
      nextPauseMs = redialMsMin;
    });
    socket.on('error', (cause: NodeJS.ErrnoException) => this.#onDialFailed(peer, cause));
    socket.on('close', () => {
      if (this.#isClosed) return;
      // Half of the pause is chance, so that hosts that lost each other at once do not dial at once.
      const waitMs = pauseMs * (0.5 + this.#options.random() / 2);
      this.#redials.set(
        peer,
        setTimeout(() => this.#dial(peer, nextPauseMs), waitMs),
      );
    });
    this.#greet(socket, peer);
  }

  #onDialFailed(peer: HostId, cause: NodeJS.ErrnoException): void {
    if (cause.code === 'ECONNREFUSED' && !this.#isClosed && !this.#peers.has(peer)) this.#events.onRefused(peer);
  }

  /**
   * A link broke: is there still somebody? Both ends ask, whoever dials, until the link is back. That nobody listens says within
   * a millisecond what silence says in a second.
   */
  #probe(peer: HostId): void {
    const address = this.#options.peers.find(({ id }) => id === peer)?.address;
    if (this.#isClosed || this.#peers.has(peer) || address === undefined) return;
    const socket = connect({ ...splitAddress(address), timeout: linkDialMs });
    let isRefused = false;
    socket.on('error', (cause: NodeJS.ErrnoException) => {
      isRefused = cause.code === 'ECONNREFUSED';
      this.#onDialFailed(peer, cause);
    });
    socket.on('connect', () => socket.destroy());
    socket.on('timeout', () => socket.destroy());
    socket.on('close', () => {
      if (isRefused || this.#isClosed) return;
      clearTimeout(this.#probes.get(peer));
      this.#probes.set(
        peer,
        setTimeout(() => this.#probe(peer), linkProbeMs),
      );
    });
  }

  #onUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const path = request.url;
    const isKnown = path === chainPath || path === frontPath;
    if (!isKnown || request.headers.origin !== undefined || !holdsSecret(request, this.#options.secret)) {
      // The server has let go of the socket: nobody else hears its errors, or closes it.
      socket.on('error', () => socket.destroy());
      socket.end('HTTP/1.1 403 Forbidden\r\nconnection: close\r\n\r\n', () => socket.destroy());
      return;
    }
    this.#sockets.handleUpgrade(request, socket, head, (opened) => {
      if (path === chainPath) this.#greet(opened, undefined);
      else this.#welcomeFront(opened);
    });
  }

  /** Both ends say hello in their first frame; all that follows is the chain's. */
  #greet(socket: WebSocket, expected: HostId | undefined): void {
    let peer: HostId | undefined;
    const hello = (): void => socket.send(encodeHello(this.#options.hello));
    if (socket.readyState === WebSocket.OPEN) hello();
    else socket.once('open', hello);
    socket.on('pong', () => this.#heard.add(socket));
    socket.on('message', (data) => {
      this.#heard.add(socket);
      this.#guard(socket, () => {
        const bytes = data as Buffer;
        if (peer === undefined) peer = this.#meet(socket, bytes, expected);
        else if (this.#peers.get(peer) === socket) this.#events.onFrame(peer, bytes);
      });
    });
    socket.on('error', (cause) => this.#options.log.debug({ cause: cause.message, expected }, 'link error'));
    socket.on('close', () => {
      if (peer !== undefined && this.#peers.get(peer) === socket) this.#lose(peer);
    });
  }

  #meet(socket: WebSocket, bytes: Uint8Array, expected: HostId | undefined): HostId {
    const hello = decodeHello(bytes);
    const peer = hello.host;
    const isKnown = this.#options.peers.some(({ id }) => id === peer) && hello.cluster === this.#options.hello.cluster;
    if (!isKnown || (expected !== undefined && expected !== peer)) {
      throw new CodedError('CHAIN_PROTOCOL', `${peer} of ${hello.cluster} is not expected here`);
    }
    const older = this.#peers.get(peer);
    if (older !== undefined) {
      this.#lose(peer);
      older.terminate();
    }
    this.#peers.set(peer, socket);
    this.#options.log.info({ peer, boot: hello.boot }, 'linked');
    this.#events.onConnected(peer, hello);
    return peer;
  }

  #lose(peer: HostId): void {
    this.#peers.delete(peer);
    this.#options.log.info({ peer }, 'link lost');
    this.#events.onDisconnected(peer);
    this.#probe(peer);
  }

  #welcomeFront(socket: WebSocket): void {
    const front = this.#events.onFront({
      send: (bytes) => sendBounded(socket, bytes),
      terminate: () => socket.terminate(),
    });
    socket.on('message', (data) => this.#guard(socket, () => front.onFrame(data as Buffer)));
    socket.on('error', (cause) => this.#options.log.debug({ cause: cause.message }, 'front error'));
    socket.on('close', () => front.onClosed());
  }

  /** What a peer sends wrong ends its link, with the reason in the log. Anything else is our own mistake, and goes up. */
  #guard(socket: WebSocket, run: () => void): void {
    try {
      run();
    } catch (cause) {
      if (!(cause instanceof CodedError)) throw cause;
      this.#options.log.error({ code: cause.code, cause: cause.message }, 'link broken off');
      socket.terminate();
    }
  }
}

/** A reader that lets this much pile up is gone: the link breaks, and resumes when it is back. */
function sendBounded(socket: WebSocket, bytes: Uint8Array): void {
  if (socket.readyState !== WebSocket.OPEN) return;
  if (socket.bufferedAmount > linkBacklogBytesMax) socket.terminate();
  else socket.send(bytes);
}

function holdsSecret(request: IncomingMessage, secret: string): boolean {
  const given = Buffer.from(request.headers.authorization ?? '');
  const wanted = Buffer.from(`Bearer ${secret}`);
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}
