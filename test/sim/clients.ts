// A client: the real open document (numbers, resends, resume) over a simulated connection to any of the proxies, which is lost
// and made again. What it says, hears and shows is written down.
import type { JsonObject } from '../../engine/base/merge-patch.ts';
import { OpenDocument } from '../../proxy/client/document.ts';
import type { ServerFrame } from '../../proxy/client/frames.ts';
import { pauseMs, RefusedError } from '../../proxy/client/frames.ts';
import type { Prng } from '../prng.ts';
import { Actor } from './actor.ts';
import type { History, SendChannel, SendRecord } from './history.ts';
import type { Network, Socket } from './network.ts';

type Held = {
  document: OpenDocument;
  /** When the open that is not answered yet was said. */
  beganMs: number | undefined;
  view: JsonObject | undefined;
  seq: number;
  /** The seq that this client has seen, through whatever view. */
  seqMax: number;
  closing: number;
};

export type ClientParts = {
  readonly network: Network;
  readonly prng: Prng;
  readonly history: History;
  readonly proxies: readonly string[];
  readonly say: (line: () => string) => void;
  readonly onAnswered: (send: SendRecord) => void;
};

export class SimClient extends Actor {
  readonly agent: string;
  readonly #parts: ClientParts;
  readonly #held = new Map<string, Held>();
  readonly #numbers = new Map<string, number>();
  #socket: Socket | undefined;
  #tries = 0;
  unsettled = 0;

  constructor(name: string, agent: string, parts: ClientParts) {
    super(name);
    this.agent = agent;
    this.#parts = parts;
    this.#dial();
  }

  /** Whether every open document shows its newest view and nothing waits. */
  get isSettled(): boolean {
    for (const { document } of this.#held.values()) if (document.status !== 'live') return false;
    return this.unsettled === 0;
  }

  open(doc: string, readOnly: boolean): void {
    if (this.#held.has(doc)) return;
    const held: Held = {
      document: undefined as unknown as OpenDocument,
      beganMs: undefined,
      view: undefined,
      seq: 0,
      seqMax: 0,
      closing: 0,
    };
    held.document = new OpenDocument(
      doc,
      { readOnly },
      {
        write: (line) => this.#write(held, line),
        writeClose: (name) => {
          if (this.#socket?.state !== 'open') return;
          held.closing += 1;
          this.#socket.send(JSON.stringify({ t: 'close', doc: name }));
        },
        random: () => this.#parts.prng.next(),
        onClosed: () => {},
      },
    );
    this.#held.set(doc, held);
    if (this.#socket?.state === 'open') held.document.onConnected();
  }

  /** Closes and opens again: a reader's read is the first view of an open. */
  reopen(doc: string): void {
    const former = this.#held.get(doc);
    if (former !== undefined && former.view === undefined) return;
    former?.document.close();
    this.#held.delete(doc);
    if (former !== undefined) this.#show(doc, former);
    this.open(doc, true);
    const held = this.#held.get(doc);
    if (held !== undefined) {
      held.seqMax = former?.seqMax ?? 0;
      held.closing += former?.closing ?? 0;
    }
  }

  send(doc: string, channel: SendChannel): void {
    const held = this.#held.get(doc);
    if (held === undefined) return;
    const { history, network } = this.#parts;
    const number = (this.#numbers.get(doc) ?? 0) + 1;
    this.#numbers.set(doc, number);
    const value = `${this.name}.${doc.slice(-1)}.${number}`;
    const sentMs = network.kernel.nowMs;
    const send: SendRecord = {
      client: this.name,
      doc,
      channel,
      value,
      number,
      sentMs,
      outcome: { kind: 'unsettled' },
    };
    history.sends.push(send);
    this.unsettled += 1;
    const settle = (outcome: SendRecord['outcome']): void => {
      send.outcome = outcome;
      this.unsettled -= 1;
    };
    const message = channel === 'invalid' ? { client: this.name } : { client: this.name, value };
    held.document.send(channel === 'invalid' ? 'add' : channel, message).then(
      ({ seq, value: place }) => {
        settle({ kind: 'answered', atMs: network.kernel.nowMs, seq, place });
        this.#parts.onAnswered(send);
      },
      (cause: unknown) => {
        if (!(cause instanceof RefusedError)) throw cause;
        settle({ kind: 'refused', atMs: network.kernel.nowMs, code: cause.code, retry: cause.retry });
      },
    );
  }

  /** The connection breaks in mid-stream. */
  breakConnection(): void {
    if (this.#socket !== undefined) this.#parts.network.reset(this.#socket);
  }

  /** What is on the screen now, for the checkers. */
  showAll(): void {
    for (const [doc, held] of this.#held) this.#show(doc, held);
  }

  get screens(): { doc: string; seq: number }[] {
    return [...this.#held].flatMap(([doc, { view, seq }]) => (view === undefined ? [] : [{ doc, seq }]));
  }

  #dial(): void {
    const { network, prng, proxies } = this.#parts;
    const socket = network.dial(this, prng.pick(proxies), 'client', {
      onOpen: () => {
        this.#tries = 0;
        socket.send(JSON.stringify({ t: 'hello', as: this.agent }));
        for (const held of this.#held.values()) held.document.onConnected();
      },
      onData: (data) => {
        for (const line of (data as string).split('\n')) this.#onFrame(JSON.parse(line) as ServerFrame);
      },
      onClose: () => {
        for (const held of this.#held.values()) {
          held.closing = 0;
          held.beganMs = undefined;
          held.document.onDisconnected();
        }
        const waitMs = pauseMs(this.#tries, () => prng.next());
        this.#tries += 1;
        network.kernel.after(waitMs, () => this.#dial());
      },
    });
    this.#socket = socket;
  }

  #write(held: Held, line: string): void {
    if (line.startsWith('{"t":"open"')) held.beganMs = this.#parts.network.kernel.nowMs;
    this.#socket?.send(line);
  }

  #onFrame(frame: ServerFrame): void {
    if (frame.t === 'error') return this.#find('protocol', `is told ${frame.code}: ${frame.text}`);
    if (!('doc' in frame)) return;
    const held = this.#held.get(frame.doc);
    if (held === undefined) return;
    if (held.closing > 0) {
      if (frame.t === 'closed') held.closing -= 1;
      return;
    }
    this.#parts.say(() => `${this.name} hears ${describeFrame(frame)}`);
    held.document.onFrame(frame);
    this.#note(held, frame);
  }

  #note(held: Held, frame: ServerFrame): void {
    const { history, network } = this.#parts;
    if (frame.t === 'view') {
      const { doc, seq, incarnation } = frame;
      if (held.view !== undefined) this.#show(doc, held);
      const endedMs = network.kernel.nowMs;
      history.reads.push({ client: this.name, doc, beganMs: held.beganMs, endedMs, seq, incarnation });
      held.beganMs = undefined;
      if (seq < held.seqMax) this.#find('views', `${doc} went back from seq ${held.seqMax} to ${seq}`);
      held.view = held.document.view as JsonObject;
      held.seq = seq;
      this.#show(doc, held);
    } else if (frame.t === 'delta') {
      if (held.view === undefined) return this.#find('views', `${frame.doc} has a delta before a view`);
      if (frame.seq <= held.seq) {
        this.#find('views', `${frame.doc} has a delta to seq ${frame.seq} on a view of seq ${held.seq}`);
      }
      held.view = held.document.view as JsonObject;
      held.seq = frame.seq;
    }
    held.seqMax = Math.max(held.seqMax, held.seq);
  }

  #show(doc: string, { view, seq }: Held): void {
    if (view === undefined) return;
    const who = { agent: this.agent, authority: 'dev' };
    const atMs = this.#parts.network.kernel.nowMs;
    this.#parts.history.shown.push({ client: this.name, doc, who, atMs, seq, view });
  }

  #find(check: string, text: string): void {
    this.#parts.history.find(check, `${this.name}: ${text}`);
  }
}

function describeFrame(frame: ServerFrame): string {
  const { t: kind } = frame;
  if (kind === 'answer') return `answer ${frame.doc} n${frame.n} seq ${frame.seq}`;
  if (kind === 'view') return `view ${frame.doc} seq ${frame.seq}`;
  if (kind === 'delta') return `delta ${frame.doc} seq ${frame.seq}`;
  if (kind === 'refused') return `refused ${frame.doc} n${frame.n} ${frame.code}`;
  return kind === 'status' ? `status ${frame.doc} ${frame.state}` : kind;
}
