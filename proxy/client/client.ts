/**
 * `levelten/client`: opens documents, sees them change, sends messages that are durable when they are answered. It has no dependencies; it runs in browsers
 * as it is, and in Node with the WebSocket of `ws`. One connection carries all documents; it is made again, with full jitter, for as long as the client
 * lives.
 *
 * @module levelten/client
 */
import { OpenDocument } from './document.ts';
import type { ServerFrame } from './frames.ts';
import { frameBytesMax, frameOf, isOver, pauseMs, pingMs, RefusedError, subprotocol } from './frames.ts';
import type { Ephemerals } from './shown.ts';
import type { OpenOptions } from './words.ts';

export type { Retry } from '../../engine/base/errors.ts';
export type { OpenDocument } from './document.ts';
export { RefusedError } from './frames.ts';
export type { Ephemerals, Who } from './shown.ts';
export { Shown } from './shown.ts';
export type { Answer, DocumentStatus, OpenOptions } from './words.ts';

/** What a browser's WebSocket and that of `ws` have in common. */
export type SocketLike = {
  /** Sends one text message. */
  send(text: string): void;
  /** Closes it. */
  close(code?: number): void;
  /** That it opened, closed, or failed. */
  addEventListener(type: 'open' | 'close' | 'error', listener: () => void): void;
  /** What came. */
  addEventListener(type: 'message', listener: (event: { data: unknown }) => void): void;
};
/** A class of WebSockets, as a browser's. */
export type SocketConstructor = new (url: string, subprotocol: string) => SocketLike;

/** How to connect. */
export type ConnectOptions = {
  /** Who you are, `[A-Za-z0-9][A-Za-z0-9._:@-]{0,127}`: believed in development mode only. One that is no name is refused: see `OpenDocument.error`. */
  readonly as: string;
  /** Where there is no WebSocket of the platform's own. */
  readonly WebSocket?: SocketConstructor;
  /** From 0 to below 1: spreads reconnects. */
  readonly random?: () => number;
};

/**
 * Connects to a proxy, as in `ws://127.0.0.1:7100` (or `http:`), and keeps the connection until close(). It returns at once; what is opened and sent
 * meanwhile waits. Throws an Error where the platform has no WebSocket and none is given.
 */
export function connect(url: string, options: ConnectOptions): Client {
  const Socket = options.WebSocket ?? (globalThis as { WebSocket?: SocketConstructor }).WebSocket;
  if (Socket === undefined) throw new Error('this platform has no WebSocket: give one in the options');
  return new Client(url.replace(/^http/, 'ws'), Socket, options.as, options.random ?? Math.random);
}

/** A connection to a proxy, made again whenever it is lost, and the documents that are open over it. */
export class Client {
  readonly #url: string;
  readonly #Socket: SocketConstructor;
  readonly #as: string;
  readonly #random: () => number;
  readonly #documents = new Map<string, OpenDocument<unknown>>();
  /** Documents closed here and not yet there, and how often: what comes of them before `closed` is of the past. */
  readonly #closing = new Map<string, number>();
  #status: 'down' | 'up' | 'refused' | 'closed' = 'down';
  #socket: SocketLike | undefined;
  #lines: string[] = [];
  #tries = 0;
  #isHeard = false;
  #lastPing = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @internal Use `connect`. */
  constructor(url: string, Socket: SocketConstructor, as: string, random: () => number) {
    this.#url = url;
    this.#Socket = Socket;
    this.#as = as;
    this.#random = random;
    this.#dial();
  }

  /**
   * Opens a document, `space/key`, or returns it where it is open already. The view comes later: see `status` and `subscribe`. A refusal is no throw: the
   * document's status is then `refused`, and `error` says why. Options count where it is not open yet.
   */
  open<View = unknown, E extends Ephemerals = Ephemerals, State = unknown>(
    doc: string,
    options: OpenOptions<State> = {},
  ): OpenDocument<View, E, State> {
    const former = this.#documents.get(doc);
    if (former !== undefined) return former as unknown as OpenDocument<View, E, State>;
    const opened = new OpenDocument<View, E, State>(doc, options, {
      write: (line) => this.#write(line),
      writeClose: (name) => this.#writeClose(name),
      random: this.#random,
      onClosed: () => this.#documents.delete(doc),
    });
    if (this.#status === 'closed' || this.#status === 'refused') {
      opened.onRefused(new RefusedError('CONNECTION_LOST', 'never', 'the client is closed'));
      return opened;
    }
    this.#documents.set(doc, opened as unknown as OpenDocument<unknown>);
    if (this.#status === 'up') opened.onConnected();
    return opened;
  }

  /** Closes all documents and the connection, for good. What was not answered rejects with CONNECTION_LOST. */
  close(): void {
    for (const document of [...this.#documents.values()]) document.close();
    this.#flush();
    this.#end('closed');
  }

  #dial(): void {
    const socket = new this.#Socket(this.#url, subprotocol);
    this.#socket = socket;
    this.#isHeard = true;
    socket.addEventListener('open', () => {
      if (this.#socket !== socket) return;
      this.#status = 'up';
      this.#write(JSON.stringify({ t: 'hello', as: this.#as }));
      for (const document of this.#documents.values()) document.onConnected();
    });
    socket.addEventListener('message', (event) => {
      if (this.#socket === socket && typeof event.data === 'string') this.#onMessage(event.data);
    });
    socket.addEventListener('error', () => {});
    socket.addEventListener('close', () => this.#onLost(socket));
    this.#timer = setTimeout(() => this.#ping(socket), pingMs);
  }

  #onLost(socket: SocketLike): void {
    if (this.#socket !== socket) return;
    this.#socket = undefined;
    this.#status = 'down';
    this.#lines = [];
    this.#closing.clear();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#dial(), pauseMs(this.#tries, this.#random));
    this.#tries += 1;
    for (const document of [...this.#documents.values()]) document.onDisconnected();
  }

  /** A connection can be dead without saying so: one that was silent since the last ping is left behind. */
  #ping(socket: SocketLike): void {
    if (!this.#isHeard) {
      socket.close();
      return this.#onLost(socket);
    }
    this.#isHeard = false;
    this.#lastPing += 1;
    this.#write(JSON.stringify({ t: 'ping', id: this.#lastPing }));
    this.#timer = setTimeout(() => this.#ping(socket), pingMs);
  }

  #onMessage(text: string): void {
    this.#isHeard = true;
    for (const line of text.split('\n')) {
      const frame = frameOf(line);
      if (frame !== undefined) this.#onFrame(frame);
    }
  }

  #onFrame(frame: ServerFrame): void {
    if (frame.t === 'welcome') this.#tries = 0;
    if (frame.t === 'error' && frame.code === 'AUTH_REQUIRED') {
      const error = new RefusedError(frame.code, frame.retry, frame.text);
      this.#end('refused');
      for (const document of this.#documents.values()) document.onRefused(error);
    }
    if (!('doc' in frame)) return;
    const closing = this.#closing.get(frame.doc) ?? 0;
    if (closing === 0) return this.#documents.get(frame.doc)?.onFrame(frame);
    if (frame.t !== 'closed') return;
    if (closing === 1) this.#closing.delete(frame.doc);
    else this.#closing.set(frame.doc, closing - 1);
  }

  #writeClose(doc: string): void {
    if (this.#status !== 'up') return;
    this.#closing.set(doc, (this.#closing.get(doc) ?? 0) + 1);
    this.#write(JSON.stringify({ t: 'close', doc }));
  }

  #write(line: string): void {
    if (this.#status !== 'up') return;
    this.#lines.push(line);
    if (this.#lines.length === 1) queueMicrotask(() => this.#flush());
  }

  /** All lines of this turn, in as few messages as their bound allows. */
  #flush(): void {
    const lines = this.#lines;
    this.#lines = [];
    if (this.#status !== 'up') return;
    let message = '';
    for (const line of lines) {
      const longer = message === '' ? line : `${message}\n${line}`;
      if (message !== '' && isOver(longer, frameBytesMax)) {
        this.#socket?.send(message);
        message = line;
      } else {
        message = longer;
      }
    }
    if (message !== '') this.#socket?.send(message);
  }

  #end(status: 'refused' | 'closed'): void {
    const socket = this.#socket;
    this.#status = status;
    this.#socket = undefined;
    clearTimeout(this.#timer);
    socket?.close(1000);
  }
}
