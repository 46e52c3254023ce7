// One client's connection: hello first, then frames in, lines out. Lines leave once a turn, all in one message, so that an
// answer and the delta it caused arrive together. It never looks into a view, and holds nothing that outlives the socket.
import type WebSocket from 'ws';
import type { ErrorCode } from '../engine/base/errors.ts';
import type { Principal } from '../engine/base/ids.ts';
import { framesPerMessageMax, sendsInFlightMax, unansweredBytesMax } from '../engine/base/limits.ts';
import { ephemeralBacklogBytes } from '../engine/base/limits-shown.ts';
import type { Attachment, Viewer } from './attachment.ts';
import type { Attachments } from './attachments.ts';
import type { ClientFrame, ClientLook, ClientOpen, ClientSend, ClientShow, Line } from './client-wire.ts';
import {
  closedLine,
  decodeFrame,
  errorLine,
  FrameRefused,
  pongLine,
  refusedLine,
  refusedLookLine,
  refusedShowLine,
  welcomeLine,
} from './client-wire.ts';
import { LatestShown } from './latest-shown.ts';
import { look } from './looking.ts';
import { show } from './showing.ts';

export type SessionOptions = {
  readonly attachments: Attachments;
  readonly chainOf: (documentName: string) => number;
  readonly helloMs: number;
  readonly clientBacklogBytesMax: number;
  readonly documentsPerConnectionMax: number;
  /** Called once for all the lines of a turn, to have flush() called at its end. */
  readonly onDirty: (session: Session) => void;
  readonly onFrame: (frame: 'known' | 'unknown' | 'refused') => void;
  readonly onClosed: (session: Session) => void;
};

export class Session {
  readonly #socket: WebSocket;
  readonly #options: SessionOptions;
  readonly #open = new Map<string, Attachment>();
  readonly #helloTimer: NodeJS.Timeout;
  #viewer: Viewer | undefined;
  readonly #shown = new LatestShown();
  #lines: Line[] = [];
  #unansweredBytes = 0;
  #isClosed = false;
  #isHeard = true;

  constructor(socket: WebSocket, options: SessionOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#helloTimer = setTimeout(
      () => this.#end(1008, 'AUTH_REQUIRED', `no hello within ${options.helloMs} ms`),
      options.helloMs,
    );
    socket.on('message', (data, isBinary) => this.#onMessage(data as Buffer, isBinary));
    socket.on('pong', () => {
      this.#isHeard = true;
    });
    socket.on('error', () => {}); // ws closes the socket itself, and says why with the close code
    socket.on('close', () => this.#onClose());
  }

  get documents(): number {
    return this.#open.size;
  }

  /** Ends a connection that was silent since the last call, and asks the others for a sign of life. */
  checkAlive(): void {
    if (!this.#isHeard) return this.#socket.terminate();
    this.#isHeard = false;
    this.#socket.ping();
  }

  /** Sends the lines of this turn. A client that does not read is cut off before it fills our memory. */
  flush(): void {
    const lines = this.#lines;
    this.#lines = [];
    const only = lines[0];
    if (this.#isClosed || only === undefined) return;
    if (lines.length === 1) {
      only.bytes ??= Buffer.from(only.text);
      this.#socket.send(only.bytes, { binary: false }, this.#onRead);
    } else {
      this.#socket.send(lines.map((line) => line.text).join('\n'), this.#onRead);
    }
    if (this.#socket.bufferedAmount > this.#options.clientBacklogBytesMax) this.close(1013, 'too slow');
  }

  /** What was sent has left, and with it room for what is shown. */
  readonly #onRead = (): void => {
    if (this.#shown.isEmpty || this.#socket.bufferedAmount > ephemeralBacklogBytes) return;
    for (const line of this.#shown.take()) this.#push(line);
  };

  /** The newest of each value, where the client has much to read before it. */
  #show(doc: string, json: string, line: Line): void {
    if (this.#shown.isEmpty && this.#socket.bufferedAmount <= ephemeralBacklogBytes) return this.#push(line);
    this.#shown.add(doc, json);
    if (this.#shown.isFull) this.close(1013, 'too slow');
  }

  close(code: number, reason: string): void {
    this.#onClose();
    this.#socket.close(code, reason);
  }

  /** A last error, then the close: in this order, and without waiting for the end of the turn. */
  #end(closeCode: number, code: ErrorCode, text: string): void {
    this.#push(errorLine(code, text));
    this.flush();
    this.close(closeCode, code);
  }

  #onClose(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearTimeout(this.#helloTimer);
    for (const attachment of this.#open.values()) this.#options.attachments.detach(attachment);
    this.#open.clear();
    this.#lines = [];
    this.#options.onClosed(this);
  }

  #push(line: Line): void {
    if (this.#isClosed) return;
    this.#lines.push(line);
    if (this.#lines.length === 1) this.#options.onDirty(this);
  }

  #onMessage(data: Buffer, isBinary: boolean): void {
    this.#isHeard = true;
    if (isBinary) {
      this.#options.onFrame('refused');
      return this.#push(errorLine('FRAME_INVALID', 'frames are text'));
    }
    const lines = data.toString('utf8').split('\n', framesPerMessageMax + 1);
    if (lines.length > framesPerMessageMax) {
      return this.#end(1008, 'LIMIT_REACHED', `a message holds at most ${framesPerMessageMax} frames`);
    }
    for (const line of lines) {
      if (this.#isClosed) return;
      if (line !== '' && line !== '\r') this.#onLine(line);
    }
  }

  #onLine(line: string): void {
    try {
      const frame = decodeFrame(line);
      this.#options.onFrame(frame.t === 'unknown' ? 'unknown' : 'known');
      if (frame.t === 'unknown') return;
      if (this.#viewer === undefined) this.#onHello(frame);
      else this.#onFrame(frame, this.#viewer, line.length);
    } catch (error) {
      if (!(error instanceof FrameRefused)) throw error;
      this.#options.onFrame('refused');
      if (error.code === 'AUTH_REQUIRED') return this.#end(1008, error.code, error.message);
      const { doc, channel, code, message } = error;
      if (doc !== undefined && channel !== undefined) return this.#push(refusedShowLine(doc, channel, code, message));
      if (doc !== undefined && error.isLook) return this.#push(refusedLookLine(doc, error.n, code, message));
      if (error.doc === undefined) return this.#push(errorLine(error.code, error.message));
      this.#push(refusedLine(error.doc, error.n, 0, error.code, error.message));
    }
  }

  #onHello(frame: ClientFrame): void {
    if (frame.t !== 'hello') throw new FrameRefused('AUTH_REQUIRED', 'the first frame is a hello');
    clearTimeout(this.#helloTimer);
    const principal: Principal = { agent: frame.as, authority: 'dev' };
    this.#viewer = {
      principal,
      push: (line) => this.#push(line),
      show: (doc, json, line) => this.#show(doc, json, line),
      unshow: (doc) => this.#shown.forget(doc),
      onGone: (doc) => {
        this.#open.delete(doc);
        this.#shown.forget(doc);
      },
      onAnswered: (bytes) => {
        this.#unansweredBytes -= bytes;
      },
    };
    this.#push(welcomeLine(principal));
  }

  #onFrame(frame: ClientFrame, viewer: Viewer, bytes: number): void {
    switch (frame.t) {
      case 'hello':
        throw new FrameRefused('FRAME_INVALID', 'hello was said already');
      case 'open':
        return this.#onOpen(frame, viewer, bytes);
      case 'send':
        return this.#onSend(frame, bytes);
      case 'ephemeral':
        return this.#onShow(frame, bytes);
      case 'viewer':
        return this.#onLook(frame, bytes);
      case 'close':
        return this.#onCloseDocument(frame.doc);
      case 'ping':
        return this.#push(pongLine(frame.id));
      case 'unknown':
        return;
    }
  }

  #onOpen({ doc, session, create, viewer: state }: ClientOpen, viewer: Viewer, bytes: number): void {
    // About the connection and not about the document: what is open there stays open.
    if (this.#open.has(doc)) throw new FrameRefused('FRAME_INVALID', 'the document is open on this connection already');
    if (this.#open.size >= this.#options.documentsPerConnectionMax) {
      throw new FrameRefused('LIMIT_REACHED', `${this.#open.size} documents are open`, { doc });
    }
    const { attachments, chainOf } = this.#options;
    const looked = state === undefined ? undefined : { n: 0, state, bytes };
    this.#open.set(doc, attachments.attach(doc, chainOf(doc), session, viewer, create, looked));
  }

  #onSend(frame: ClientSend, bytes: number): void {
    const about = { doc: frame.doc, n: frame.n };
    const attachment = this.#open.get(frame.doc);
    if (attachment === undefined) throw new FrameRefused('DOCUMENT_NOT_OPEN', 'open the document first', about);
    if (attachment.session === '') throw new FrameRefused('DOCUMENT_READ_ONLY', 'opened without a session', about);
    if (attachment.unanswered.has(frame.n)) throw new FrameRefused('FRAME_INVALID', `/n ${frame.n} is in flight`);
    if (attachment.unanswered.size >= sendsInFlightMax || this.#unansweredBytes + bytes > unansweredBytesMax) {
      throw new FrameRefused('LIMIT_REACHED', 'too much of this client waits for an answer', about);
    }
    this.#unansweredBytes += bytes;
    this.#options.attachments.send(attachment, frame, bytes);
  }

  #onShow({ doc, channel, message }: ClientShow, bytes: number): void {
    const attachment = this.#open.get(doc);
    const about = { doc, channel };
    if (attachment === undefined) throw new FrameRefused('DOCUMENT_NOT_OPEN', 'open the document first', about);
    show(attachment, channel, { message, bytes });
  }

  #onLook({ doc, n, value: state }: ClientLook, bytes: number): void {
    const attachment = this.#open.get(doc);
    const about = { doc, n, isLook: true };
    if (attachment === undefined) throw new FrameRefused('DOCUMENT_NOT_OPEN', 'open the document first', about);
    look(attachment, { n, state, bytes });
  }

  #onCloseDocument(doc: string): void {
    const attachment = this.#open.get(doc);
    this.#shown.forget(doc);
    if (attachment !== undefined) {
      this.#open.delete(doc);
      this.#options.attachments.detach(attachment);
    }
    this.#push(closedLine(doc));
  }
}
