// The proxy's end of the one link to a host: dialled again and again while the proxy lives, batched per turn, watched by
// pings. It knows nothing of documents; what arrives goes up as it is, apart from replies to questions.
import WebSocket from 'ws';
import { CodedError } from '../engine/base/errors.ts';
import {
  askMs,
  asksInFlightMax,
  linkBacklogBytesMax,
  linkDialMs,
  linkFrameBytesMax,
  linkPingMs,
  linkRedialMsMax,
  redialMsMin,
} from '../engine/base/limits.ts';
import type { ToHost, ToProxy } from './link-wire.ts';
import { decodeToProxy, encodeBatch, frontPath, toHost, toProxy } from './link-wire.ts';

/** A host's id, and where it listens, as in `ws://127.0.0.1:7401`. */
export type HostAddress = { readonly id: string; readonly url: string };

export type LinkOptions = {
  readonly host: HostAddress;
  readonly secret: string;
  /** From 0 to below 1: spreads the redials of many proxies. */
  readonly random: () => number;
  readonly onUp: () => void;
  readonly onMessage: (message: ToProxy) => void;
  readonly onDown: (reason: string) => void;
};

/** What an open, a close or a question weighs at most, names included. */
const messageBytesUsual = 1024;
/** A message on a link holds this much JSON, so that it cannot pass `linkFrameBytesMax` as msgpack. */
const batchJsonBytesMax = linkFrameBytesMax / 4;

type Ask = { readonly resolve: (json: string) => void; readonly reject: (error: Error) => void; timer: NodeJS.Timeout };

export class HostLink {
  readonly hostId: string;
  readonly #options: LinkOptions;
  readonly #asks = new Map<number, Ask>();
  #status: 'down' | 'up' | 'closed' = 'down';
  #socket: WebSocket | undefined;
  #outbox: ToHost[] = [];
  #outboxBytes = 0;
  #redialMs = redialMsMin;
  #redialTimer: NodeJS.Timeout | undefined;
  #pingTimer: NodeJS.Timeout | undefined;
  #isHeard = false;
  #reason = '';
  #lastRequest = 0;

  constructor(options: LinkOptions) {
    this.hostId = options.host.id;
    this.#options = options;
  }

  get status(): 'down' | 'up' | 'closed' {
    return this.#status;
  }

  /** Dials, and keeps dialling until close(). */
  start(): void {
    const socket = new WebSocket(new URL(frontPath, this.#options.host.url), {
      headers: { authorization: `Bearer ${this.#options.secret}` },
      handshakeTimeout: linkDialMs,
      maxPayload: linkFrameBytesMax,
      perMessageDeflate: false,
    });
    this.#reason = 'the link was closed';
    this.#socket = socket;
    socket.on('open', () => this.#onOpen(socket));
    socket.on('message', (data) => this.#onData(socket, data as Buffer));
    socket.on('pong', () => {
      this.#isHeard = true;
    });
    socket.on('error', (error) => {
      this.#reason = error.message;
    });
    socket.on('close', () => this.#onClose());
  }

  /**
   * Leaves with all else of this turn, and is dropped when the link is down: whoever sent it re-opens on the next link.
   * `bytes` is about what it weighs as JSON; as msgpack it is at most 2.5 times that (`1e99,` becomes nine bytes).
   */
  send(message: ToHost, bytes = messageBytesUsual): void {
    if (this.#status !== 'up') return;
    if (this.#outboxBytes + bytes > batchJsonBytesMax) this.#flush();
    this.#outbox.push(message);
    this.#outboxBytes += bytes;
    if (this.#outbox.length === 1) setImmediate(() => this.#flush());
  }

  /** An operator's question. Rejects with CONNECTION_LOST when the link goes or `waitMs` pass. */
  ask(question: string, args: Readonly<Record<string, unknown>>, waitMs = askMs): Promise<string> {
    const { promise, resolve, reject } = pending<string>();
    if (this.#status !== 'up') {
      reject(new CodedError('CONNECTION_LOST', `no link to ${this.hostId}`));
    } else if (this.#asks.size >= asksInFlightMax) {
      reject(new CodedError('LIMIT_REACHED', `${asksInFlightMax} questions to ${this.hostId} are open`));
    } else {
      this.#lastRequest += 1;
      const request = this.#lastRequest;
      const timer = setTimeout(() => {
        this.#asks.delete(request);
        reject(new CodedError('CONNECTION_LOST', `${this.hostId} did not reply within ${waitMs} ms`));
      }, waitMs);
      this.#asks.set(request, { resolve, reject, timer });
      this.send([toHost.ask, request, question, args]);
    }
    return promise;
  }

  close(): void {
    this.#status = 'closed';
    clearTimeout(this.#redialTimer);
    this.#stop('the proxy closes');
    this.#socket?.terminate();
  }

  #onOpen(socket: WebSocket): void {
    if (this.#status === 'closed') return socket.terminate();
    this.#status = 'up';
    this.#isHeard = true;
    this.#pingTimer = setInterval(() => {
      if (!this.#isHeard) return socket.terminate();
      this.#isHeard = false;
      socket.ping();
    }, linkPingMs);
    this.#options.onUp();
  }

  #onData(socket: WebSocket, data: Buffer): void {
    if (this.#status !== 'up') return;
    this.#isHeard = true;
    try {
      for (const message of decodeToProxy(data)) this.#onMessage(message);
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      // What a host says must be right to the letter: after one wrong word nothing on this link is known.
      this.#reason = error.message;
      socket.terminate();
    }
  }

  #onMessage(message: ToProxy): void {
    // Any word shows that the host speaks our language: only now is the next redial a quick one again.
    this.#redialMs = redialMsMin;
    if (message[0] !== toProxy.reply) return this.#options.onMessage(message);
    const ask = this.#asks.get(message[1]);
    if (ask === undefined) return;
    this.#asks.delete(message[1]);
    clearTimeout(ask.timer);
    ask.resolve(message[2]);
  }

  #onClose(): void {
    const reason = this.#reason;
    this.#socket = undefined;
    const wasUp = this.#status === 'up';
    if (this.#status === 'closed') return;
    this.#status = 'down';
    this.#stop(reason);
    this.#redialTimer = setTimeout(() => this.start(), this.#redialMs * (0.5 + this.#options.random() / 2));
    this.#redialMs = Math.min(this.#redialMs * 2, linkRedialMsMax);
    if (wasUp) this.#options.onDown(reason);
  }

  #stop(reason: string): void {
    clearInterval(this.#pingTimer);
    this.#outbox = [];
    this.#outboxBytes = 0;
    for (const ask of this.#asks.values()) {
      clearTimeout(ask.timer);
      ask.reject(new CodedError('CONNECTION_LOST', reason));
    }
    this.#asks.clear();
  }

  #flush(): void {
    const messages = this.#outbox;
    this.#outbox = [];
    this.#outboxBytes = 0;
    const socket = this.#socket;
    if (messages.length === 0 || socket === undefined || this.#status !== 'up') return;
    if (socket.bufferedAmount > linkBacklogBytesMax) return socket.terminate();
    socket.send(encodeBatch(messages));
  }
}

function pending<T>(): { promise: Promise<T>; resolve: (value: T) => void; reject: (error: Error) => void } {
  let resolve: (value: T) => void = () => {};
  let reject: (error: Error) => void = () => {};
  const promise = new Promise<T>((onValue, onError) => {
    resolve = onValue;
    reject = onError;
  });
  return { promise, resolve, reject };
}
