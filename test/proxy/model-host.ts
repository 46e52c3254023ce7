// A head in a few lines: it keeps C15 by the letter and nothing else. The client library is held to it.
import type { ToHost } from '../../proxy/link-wire.ts';
import type { FakeHost } from './stage.ts';

type ModelSession = {
  last: number;
  done: number;
  readonly answers: Map<number, readonly [seq: number, json: string]>;
  view: number;
};

export class ModelHost {
  /** Messages in the order in which they were applied: none may stand here twice. */
  readonly applied: unknown[] = [];
  /** Sends to this many are refused as busy before the head takes one again. */
  busy = 0;
  /** Refuses opens of a session it does not know, as heads do. */
  readonly sessions = new Map<string, ModelSession>();
  readonly refusals = { gap: 0, busy: 0 };
  readonly #host: FakeHost;
  readonly #views = new Map<number, string>();
  #seq = 0;
  #lastSession = 0;

  constructor(host: FakeHost) {
    this.#host = host;
    host.onMessage = (message) => this.#onMessage(message);
  }

  /** The link is new: views were of the old one. */
  serve(): void {
    this.#views.clear();
    this.#host.say([1, [[0, 1, true]]]);
  }

  #onMessage(message: ToHost): void {
    if (message[0] === 1) this.#onOpen(message[1], message[2], message[5]);
    if (message[0] === 2) this.#onSend(message[1], message[2], message[3], message[4], message[5]);
    if (message[0] === 3) this.#views.delete(message[1]);
  }

  #onOpen(view: number, doc: string, asked: string): void {
    let id = asked;
    if (asked === 'new') {
      this.#lastSession += 1;
      id = this.#lastSession.toString(16).padStart(32, '0');
      this.sessions.set(id, { last: 0, done: 0, answers: new Map(), view });
    }
    const session = this.sessions.get(id);
    if (id !== '' && session === undefined) return this.#host.say([4, view, 0, 0, 'SESSION_EXPIRED', 'unknown']);
    // The newest view of a session is the only one that sends for it: what the old one still has under way is void.
    if (session !== undefined) session.view = view;
    this.#views.set(view, id);
    // A kind is of one document: every viewer of the board is alike, and nobody changes another document.
    const kind = doc === 'board/main' ? 1 : 2;
    this.#host.say([2, view, kind, id, 'i1', this.#seq, `{"count":${this.applied.length}}`]);
  }

  #onSend(view: number, n: number, done: number, channel: string, message: unknown): void {
    const session = this.sessions.get(this.#views.get(view) ?? '');
    if (session === undefined || session.view !== view) return;
    session.done = Math.max(session.done, done);
    const repeat = session.answers.get(n);
    if (repeat !== undefined) return this.#host.say([3, view, n, ...repeat]);
    if (n <= session.last || n <= session.done) return this.#refuse(view, n, 'SESSION_DONE');
    if (n > session.last + 1) {
      this.refusals.gap += 1;
      return this.#refuse(view, n, 'SESSION_GAP');
    }
    for (const number of [...session.answers.keys()]) if (number <= done) session.answers.delete(number);
    if (channel === 'unknown') return this.#refuse(view, n, 'CHANNEL_UNKNOWN');
    if (this.busy > 0) {
      this.busy -= 1;
      this.refusals.busy += 1;
      return this.#refuse(view, n, 'CHAIN_BUSY');
    }
    session.last = n;
    this.#seq += 1;
    if (channel === 'throws') return this.#refuse(view, n, 'HANDLER_FAILED');
    this.applied.push(message);
    const answer = [this.#seq, JSON.stringify(message)] as const;
    session.answers.set(n, answer);
    this.#host.say([3, view, n, ...answer], [5, 1, this.#seq, `{"count":${this.applied.length}}`]);
  }

  #refuse(view: number, n: number, code: string): void {
    this.#host.say([4, view, n, this.#seq, code, 'refused by the model']);
  }
}
