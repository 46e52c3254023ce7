// One open document, as the client holds it: the view, and the sends that are not settled yet.
//
// A send gets its number n when it leaves; numbers run from 1 within a session, and the head applies exactly the next one.
// After a lost connection everything in flight leaves again under the same numbers, which cannot apply it twice. The one
// delicate case is a refusal that comes before the handler: then n is still the next number, and all that was sent after it
// is refused as a gap. Numbers may be given anew only when nothing is in flight any more - or two messages could be out
// under one number - so the queue stands still until each send in flight has come back, and then goes on from the lowest
// number that was not used.
import { applyDelta } from '../../engine/base/delta.ts';
import type { Json } from '../../engine/base/merge-patch.ts';
import type { RefusedFrame, ServerFrame } from './frames.ts';
import { consumesNumber, pauseMs, RefusedError, sendsInFlightMax } from './frames.ts';
import { Looking } from './looking.ts';
import type { Send } from './sends.ts';
import { refusalOf, sendLine } from './sends.ts';
import type { Ephemerals, Shown } from './shown.ts';
import { Showing } from './shown.ts';
import type { Answer, DocumentStatus, OpenOptions } from './words.ts';

/** What a document needs of its client. */
export type Wire = {
  /** Leaves with everything of this turn; dropped while there is no connection. */
  readonly write: (line: string) => void;
  /** Closes the document; what still comes of it before the server's `closed` is dropped. */
  readonly writeClose: (doc: string) => void;
  readonly random: () => number;
  readonly onClosed: () => void;
};

/** A document that a client has opened. All that it tells is committed: on the disk of every serving replica. */
export class OpenDocument<View = unknown, E extends Ephemerals = Ephemerals, State = unknown> {
  /** Its name, `space/key`. */
  readonly doc: string;
  /** Whether it was opened to be read: then each send is refused with DOCUMENT_READ_ONLY. */
  readonly isReadOnly: boolean;
  readonly #wire: Wire;
  readonly #showing: Showing;
  readonly #looking: Looking;
  readonly #viewListeners = new Set<(view: View) => void>();
  readonly #statusListeners = new Set<(status: DocumentStatus) => void>();
  /** JSON: what the document is to be where it does not exist, until it was seen. */
  #create: string | undefined;
  /** An open has left over this connection, and was not refused. */
  #isOpen = false;
  #status: DocumentStatus = 'connecting';
  #error: RefusedError | undefined;
  #view: Json | undefined;
  #seq = 0;
  #session: string | undefined;
  /** Numbered and not settled, by n. */
  #inFlight: Send[] = [];
  /** Refused before the handler, and to be sent again, by their old n. */
  #returned: Send[] = [];
  #queued: Send[] = [];
  #next = 1;
  /** The lowest number that was refused before the handler; 0 when numbers are in order. */
  #gap = 0;
  /** Of the refusals since `#gap` was set, one was not itself a gap: it explains the others. */
  #isGapExplained = false;
  /** The connection is new: what is in flight was lost with the old one. */
  #isResendDue = false;
  #tries = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @internal Use `Client.open`. */
  constructor(doc: string, options: OpenOptions<State>, wire: Wire) {
    this.doc = doc;
    this.isReadOnly = options.readOnly === true;
    this.#create = options.create === undefined ? undefined : JSON.stringify(options.create);
    this.#wire = wire;
    this.#showing = new Showing({ doc, write: wire.write, isLive: () => this.#status === 'live' });
    this.#looking = new Looking({ doc, write: wire.write, isOpen: () => this.#isOpen });
    if (options.viewer !== undefined) this.#looking.say(options.viewer);
  }

  /** What becomes of it now. */
  get status(): DocumentStatus {
    return this.#status;
  }

  /** Why the document was refused; undefined while it was not. */
  get error(): RefusedError | undefined {
    return this.#error;
  }

  /** The newest view; undefined before the first. Parts that a delta did not touch keep their identity. */
  get view(): View | undefined {
    return this.#view as View | undefined;
  }

  /** What the view looks at, as it was said last and not refused; undefined where nothing was. */
  get viewer(): State | undefined {
    return this.#looking.state as State | undefined;
  }

  /** Why what was said last is not looked at; undefined once something else is said. */
  get lookError(): RefusedError | undefined {
    return this.#looking.error;
  }

  /** The document's seq that the view shows: how many updates were made before; 0 before the first view. */
  get seq(): number {
    return this.#seq;
  }

  /** Sends that are not settled: what a leave-page guard asks about. */
  get unsent(): number {
    return this.#inFlight.length + this.#returned.length + this.#queued.length;
  }

  /** Calls `listener` after each change of the view. Returns what ends that. */
  subscribe(listener: (view: View) => void): () => void {
    this.#viewListeners.add(listener);
    return () => this.#viewListeners.delete(listener);
  }

  /** Calls `listener` after each change of `status`, and when `lookError` says something else. Returns what ends that. */
  onStatus(listener: (status: DocumentStatus) => void): () => void {
    this.#statusListeners.add(listener);
    return () => this.#statusListeners.delete(listener);
  }

  /**
   * Sends a message, which is JSON, to a channel. Resolves when what it did is on the disk of every serving replica, and in the view; it is done once, also
   * where connections and hosts die on the way. Rejects with a RefusedError: of the channel (MESSAGE_INVALID, HANDLER_FAILED, the application's own codes),
   * of the client (FRAME_TOO_BIG past 64 KiB, LIMIT_REACHED past 1,024 that wait, DOCUMENT_READ_ONLY), or with retry `maybe` where the document was closed,
   * or its session forgotten, before the answer came: only then is it open whether it happened.
   */
  send<Value = unknown>(channel: string, message: unknown): Promise<Answer<Value>> {
    return new Promise((resolve, reject) => {
      // Text from now on: what leaves again after a failover is what left the first time, whatever became of the object.
      const body: string | undefined = JSON.stringify(message);
      const refused = this.#error ?? refusalOf(this, channel, body, this.#queued.length);
      if (refused !== undefined || body === undefined) return reject(refused);
      this.#queued.push({ channel, body, resolve: resolve as Send['resolve'], reject, n: 0 });
      this.#pump();
    });
  }

  /**
   * Has the view look at something else: a page, a filter, a search text, whatever bubbles of its definition hang on (`viewerState`). The view changes when the server has seen to that,
   * at most 20 times a second; of what is said faster the newest counts. It is of this view alone, and stays through lost connections and failovers. Throws a RefusedError where it
   * is no JSON or over 4,096 characters; what the server refuses is `lookError`, and the view goes on as it was.
   */
  look(state: State): void {
    if (this.#error !== undefined || this.#status === 'closed') return;
    this.#looking.say(state);
  }

  /**
   * Shows something to those who view the document: the newest value of each channel, at most 20 a second; null takes it back. It is stored nowhere, and
   * shown again after a lost connection. Throws a RefusedError where it is no JSON or too long; see `shown(channel).error` for what the server refuses.
   */
  show<Name extends keyof E & string>(channel: Name, message: E[Name]['message'] | null): void {
    if (this.#error !== undefined || this.#status === 'closed') return;
    this.#showing.show(channel, message);
  }

  /** Who shows what in this channel: always the same object, which changes. */
  shown<Name extends keyof E & string>(channel: Name): Shown<E[Name]['value']> {
    return this.#showing.shown(channel);
  }

  /**
   * Takes back what an own message did, by the seq of its answer: one more update, which resolves like an answer. Rejects with UNDO_REFUSED where that may not be undone,
   * UNDO_CONFLICT where something of it has been changed since, HISTORY_GONE where it is too long ago.
   */
  undo(seq: number): Promise<Answer<number>> {
    return this.send<number>('@undo', { seq });
  }

  /** Ends the document, for all who view it. Resolves when that is durable; rejects with DELETE_REFUSED where its definition does not let this viewer. */
  async delete(): Promise<void> {
    await this.send('@delete', {}).catch((error: unknown) => {
      if (!(error instanceof RefusedError) || error.code !== 'DOCUMENT_DELETED') throw error;
    });
  }

  /** Lets go of the document. What was not settled rejects with CONNECTION_LOST. */
  close(): void {
    if (this.#status === 'closed') return;
    this.#wire.writeClose(this.doc);
    this.#clearTimer();
    this.#rejectAll(new RefusedError('CONNECTION_LOST', 'maybe', 'the document was closed'));
    this.#setStatus('closed');
    this.#showing.close();
    this.#looking.close();
    this.#wire.onClosed();
  }

  /** @internal For the client: the connection is new. */
  onConnected(): void {
    if (this.#status !== 'refused' && this.#status !== 'closed') this.#open();
  }

  /** @internal For the client: the connection is gone. */
  onDisconnected(): void {
    this.#clearTimer();
    this.#isOpen = false;
    this.#isResendDue = true;
    if (this.#status === 'live') this.#setStatus('waiting');
  }

  /** @internal For the client: the connection cannot be had. */
  onRefused(error: RefusedError): void {
    if (this.#status === 'refused' || this.#status === 'closed') return;
    this.#clearTimer();
    this.#error = error;
    this.#setStatus('refused');
    this.#showing.close();
    this.#looking.close();
    this.#rejectAll(error);
  }

  /** @internal For the client: a frame about this document. */
  onFrame(frame: ServerFrame): void {
    if (this.#status === 'refused' || this.#status === 'closed') return;
    if (frame.t === 'view') return this.#onView(frame.session ?? undefined, frame.seq, frame.view);
    if (frame.t === 'delta') return this.#onDelta(frame.seq, frame.delta);
    if (frame.t === 'answer') return this.#onAnswer(frame.n, frame.seq, frame.value);
    if (frame.t === 'refused') return frame.n === 0 ? this.#onOpenRefused(frame) : this.#onSendRefused(frame);
    if (frame.t === 'ephemeral') return this.#showing.onShown(frame);
    if (frame.t === 'error' && 'channel' in frame) {
      return this.#showing.onRefused(frame.channel, new RefusedError(frame.code, frame.retry, frame.text));
    }
    if (frame.t === 'error' && 'about' in frame) return this.#onLookRefused(frame);
    if (frame.t === 'status') return this.#setStatus(this.#view === undefined ? 'connecting' : frame.state);
  }

  #open(): void {
    const session = this.isReadOnly ? undefined : (this.#session ?? 'new');
    const line = JSON.stringify({ t: 'open', doc: this.doc, session });
    const create = this.#create === undefined ? '' : `,"create":${this.#create}`;
    this.#wire.write(`${line.slice(0, -1)}${create}${this.#looking.opening()}}`);
    this.#isOpen = true;
  }

  #onLookRefused({ n, code, retry, text }: Extract<ServerFrame, { readonly about: 'viewer' }>): void {
    if (!this.#looking.onRefused(n, new RefusedError(code, retry, text))) return;
    for (const listener of [...this.#statusListeners]) listener(this.#status);
  }

  #onView(session: string | undefined, seq: number, view: Json): void {
    this.#create = undefined;
    this.#session = session;
    this.#show(seq, view);
    this.#setStatus('live');
    this.#showing.onView();
    // On a new connection what was in flight leaves again. After a failover behind the proxy, the proxy has done that.
    if (this.#isResendDue) for (const send of this.#inFlight) this.#write(send);
    this.#isResendDue = false;
    this.#pump();
  }

  #onDelta(seq: number, delta: Json | undefined): void {
    if (this.#view === undefined || delta === undefined) return;
    this.#show(seq, applyDelta(this.#view, delta) ?? {});
  }

  #onAnswer(n: number, seq: number, value: Json): void {
    const send = this.#take(n);
    if (send === undefined) return;
    this.#tries = 0;
    send.resolve({ seq, value: value as never });
    this.#renumber();
  }

  #onSendRefused(frame: RefusedFrame): void {
    if (frame.code === 'SESSION_EXPIRED') return this.#onExpired(true);
    const send = this.#take(frame.n);
    if (send === undefined) return;
    const error = new RefusedError(frame.code, frame.retry, frame.text);
    if (consumesNumber(frame.code)) {
      send.reject(error);
      return this.#renumber();
    }
    if (frame.code !== 'SESSION_GAP') this.#isGapExplained = true;
    this.#gap = this.#gap === 0 ? frame.n : Math.min(this.#gap, frame.n);
    if (frame.retry === 'never') send.reject(error);
    else this.#returned.push(send);
    if (frame.retry !== 'never' && frame.code !== 'SESSION_GAP') this.#pause(() => this.#pump());
    this.#renumber();
  }

  /** Once nothing is in flight, goes on from the lowest number that the document never saw. */
  #renumber(): void {
    if (this.#gap > 0 && this.#inFlight.length === 0) {
      this.#queued = [...this.#returned.sort((a, b) => a.n - b.n), ...this.#queued];
      this.#returned = [];
      this.#next = this.#gap;
      this.#gap = 0;
      // A gap that none of our sends explains: the head counts otherwise than we do. Nothing of it was applied.
      if (!this.#isGapExplained) return this.#onExpired(true);
      this.#isGapExplained = false;
    }
    this.#pump();
  }

  #onOpenRefused(frame: RefusedFrame): void {
    if (frame.code === 'SESSION_EXPIRED') return this.#onExpired(false);
    if (frame.retry === 'never' || frame.retry === 'maybe') {
      return this.onRefused(new RefusedError(frame.code, frame.retry, frame.text));
    }
    this.#isOpen = false;
    this.#isResendDue = true;
    if (this.#status === 'live') this.#setStatus('waiting');
    this.#clearTimer();
    this.#pause(() => this.#open());
  }

  /** The head no longer knows the session: what was in flight is unknown for ever, what was not goes into a new one. */
  #onExpired(isOpenAtServer: boolean): void {
    const lost = this.#inFlight;
    this.#queued = [...this.#returned.sort((a, b) => a.n - b.n), ...this.#queued];
    this.#inFlight = [];
    this.#returned = [];
    this.#session = undefined;
    this.#next = 1;
    this.#gap = 0;
    this.#isGapExplained = false;
    if (this.#status === 'live') this.#setStatus('waiting');
    if (isOpenAtServer) this.#wire.writeClose(this.doc);
    this.#open();
    for (const send of lost) send.reject(new RefusedError('CONNECTION_LOST', 'maybe', 'the session expired'));
  }

  #pump(): void {
    if (this.#status !== 'live' || this.#gap > 0 || this.#timer !== undefined) return;
    while (this.#inFlight.length < sendsInFlightMax) {
      const send = this.#queued.shift();
      if (send === undefined) return;
      send.n = this.#next;
      this.#next += 1;
      this.#inFlight.push(send);
      this.#write(send);
    }
  }

  /** `done` stays below a number that will be given anew: an answer to that one is still to come. */
  #write(send: Send): void {
    const lowest = this.#inFlight[0]?.n ?? this.#next;
    const done = (this.#gap === 0 ? lowest : Math.min(lowest, this.#gap)) - 1;
    this.#wire.write(sendLine(this.doc, send.n, done, send.channel, send.body));
  }

  #take(n: number): Send | undefined {
    const index = this.#inFlight.findIndex((send) => send.n === n);
    return index === -1 ? undefined : this.#inFlight.splice(index, 1)[0];
  }

  #pause(next: () => void): void {
    if (this.#timer !== undefined) return;
    const waitMs = pauseMs(this.#tries, this.#wire.random);
    this.#tries += 1;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      next();
    }, waitMs);
  }

  #clearTimer(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #show(seq: number, view: Json): void {
    this.#seq = seq;
    this.#view = view;
    for (const listener of [...this.#viewListeners]) listener(view as View);
  }

  #setStatus(status: DocumentStatus): void {
    if (this.#status === status) return;
    this.#status = status;
    for (const listener of [...this.#statusListeners]) listener(status);
  }

  #rejectAll(error: RefusedError): void {
    const sends = [...this.#inFlight, ...this.#returned, ...this.#queued];
    this.#inFlight = [];
    this.#returned = [];
    this.#queued = [];
    for (const send of sends) send.reject(error);
  }
}
