// The clients: real ones, that reconnect and send again by themselves. Each keeps several sends in flight, and writes down
// what it sent and what it was told.
import { setTimeout as sleep } from 'node:timers/promises';
import { placeDocument } from '../../chain/placement.ts';
import type { Answer, Client, OpenDocument } from '../../proxy/client/node.ts';
import { connect, RefusedError } from '../../proxy/client/node.ts';
import type { Prng } from '../../test/prng.ts';
import type { ReadRecord, SendRecord } from './record.ts';

export type LedgerView = {
  readonly count?: number;
  readonly entries?: { readonly [place: string]: { readonly client: string; readonly value: string } };
};

export const chains = 8;
/** Of each chain, one document that two clients share and one that a client has to itself. */
const clientsPerChain = 3;
/** Reconnects are sooner than a real client's, so that more of a run is load. */
const patience = 0.15;
const settleMsMax = 90_000;

/**
 * How much every client keeps in flight, and how long at most it waits before it sends again.
 *
 *   usual    around a fault
 *   urgent   in the moments before one, so that as much as possible is on its way
 *   calm     while nothing is expected to happen but what the next trial waits for: little to remember, and still more than an
 *            answer in 100 ms of every chain
 *   light    no more than what shows that every chain answers
 *   still    nothing new: see `rest`
 */
const paces = {
  usual: { inFlight: 4, pauseMsMax: 25 },
  urgent: { inFlight: 4, pauseMsMax: 0 },
  calm: { inFlight: 1, pauseMsMax: 100 },
  light: { inFlight: 1, pauseMsMax: 400 },
  still: { inFlight: 0, pauseMsMax: 0 },
} as const;
export type Pace = keyof typeof paces;

export class Load {
  readonly sends: SendRecord[] = [];
  /** Views of the clients that went back, each behind the one that it went back from. */
  readonly reads: ReadRecord[] = [];
  trial = 0;
  pace: Pace = 'usual';
  answered = 0;
  /** Since when what is sent counts for `backMs`. */
  #sinceMs = 0;
  readonly #chainsBack = new Set<number>();
  #backMs: number | undefined;
  readonly #workers: Worker[];

  constructor(url: string, prng: Prng) {
    this.#workers = Array.from({ length: chains * clientsPerChain }, (_, index) => {
      const client = connect(url, { as: `client-${index}`, random: () => prng.next() * patience });
      return new Worker(`client-${index}`, index % chains, client, this, prng);
    });
  }

  /** All clients go on in documents of their own generation: the older ones stay as they are. */
  moveTo(generation: number): void {
    this.#workers.forEach((worker, index) => {
      const chain = index % chains;
      worker.moveTo(documentOn(chain, generation, index < 2 * chains ? 'shared' : 'own'));
    });
  }

  /** From now on, `backMs` is about what is sent after this. */
  mark(): number {
    this.#sinceMs = performance.now();
    this.#chainsBack.clear();
    this.#backMs = undefined;
    return this.#sinceMs;
  }

  /** When every chain had answered a write that was sent since the mark; undefined as long as one has not. */
  get backMs(): number | undefined {
    return this.#backMs;
  }

  /** Of these no write has been answered since the mark. */
  get chainsAway(): number[] {
    return Array.from({ length: chains }, (_, chain) => chain).filter((chain) => !this.#chainsBack.has(chain));
  }

  /** Begins no more sends until `wake`, and waits until all are settled. Throws where that takes too long. */
  rest(): Promise<void> {
    this.pace = 'still';
    return this.#untilSettled();
  }

  wake(pace: Pace): void {
    this.pace = pace;
    for (const worker of this.#workers) worker.pump();
  }

  /** Begins no more sends at all, and waits until all are settled. Throws where that takes too long. */
  settle(): Promise<void> {
    for (const worker of this.#workers) worker.stop();
    return this.#untilSettled();
  }

  async #untilSettled(): Promise<void> {
    const until = performance.now() + settleMsMax;
    const unsettled = (): number => this.sends.filter(({ outcome }) => outcome.kind === 'unsettled').length;
    while (unsettled() > 0) {
      if (performance.now() > until) throw new Error(`${unsettled()} sends are not settled after ${settleMsMax} ms`);
      await sleep(20);
    }
  }

  close(): void {
    for (const worker of this.#workers) worker.close();
  }

  get failures(): string[] {
    return this.#workers.flatMap(({ failure }) => (failure === undefined ? [] : [failure]));
  }

  onAnswer(chain: number, { sentAtMs }: SendRecord): number {
    this.answered += 1;
    const nowMs = performance.now();
    if (sentAtMs >= this.#sinceMs) this.#chainsBack.add(chain);
    if (this.#chainsBack.size === chains) this.#backMs ??= nowMs;
    return nowMs;
  }
}

class Worker {
  readonly #name: string;
  readonly #chain: number;
  readonly #client: Client;
  readonly #load: Load;
  readonly #prng: Prng;
  #document: OpenDocument<LedgerView> | undefined;
  #sent = 0;
  #unsettled = 0;
  #isStopped = false;
  failure: string | undefined;

  constructor(name: string, chain: number, client: Client, load: Load, prng: Prng) {
    this.#name = name;
    this.#chain = chain;
    this.#client = client;
    this.#load = load;
    this.#prng = prng;
  }

  moveTo(doc: string): void {
    const former = this.#document;
    if (former !== undefined) closeWhenSettled(former);
    this.#document = this.#client.open<LedgerView>(doc);
    this.#watch(this.#document);
    this.pump();
  }

  stop(): void {
    this.#isStopped = true;
  }

  close(): void {
    this.#isStopped = true;
    this.#client.close();
  }

  #watch(document: OpenDocument<LedgerView>): void {
    let last = this.#readOf(document.doc, 0);
    document.subscribe(({ count = 0 }) => {
      const read = this.#readOf(document.doc, count);
      if (count < last.count) this.#load.reads.push(last, read);
      last = read;
    });
  }

  #readOf(doc: string, count: number): ReadRecord {
    const { trial } = this.#load;
    return { viewer: this.#name, doc, trial, askedAtMs: undefined, seenAtMs: performance.now(), count };
  }

  pump(): void {
    const { inFlight } = paces[this.#load.pace];
    while (!this.#isStopped && this.#unsettled < inFlight) this.#send();
  }

  #send(): void {
    const document = this.#document;
    if (document === undefined) return;
    this.#sent += 1;
    this.#unsettled += 1;
    const send: SendRecord = {
      client: this.#name,
      doc: document.doc,
      number: this.#sent,
      value: `${this.#name}:${this.#sent}`,
      trial: this.#load.trial,
      sentAtMs: performance.now(),
      outcome: { kind: 'unsettled' },
    };
    this.#load.sends.push(send);
    document.send<string>('add', { client: send.client, value: send.value }).then(
      (answer) => this.#answered(send, answer),
      (error: unknown) => this.#refused(send, error),
    );
  }

  #answered(send: SendRecord, { seq, value }: Answer<string>): void {
    send.outcome = { kind: 'answered', seq, place: value, atMs: this.#load.onAnswer(this.#chain, send) };
    this.#settled();
  }

  #refused(send: SendRecord, error: unknown): void {
    if (!(error instanceof RefusedError)) throw error;
    const { code, retry } = error;
    send.outcome = { kind: 'refused', code, retry, atMs: performance.now() };
    if (this.#document?.status === 'refused') {
      this.failure = `${this.#name} cannot go on with ${send.doc}: ${code}: ${error.message}`;
      this.#isStopped = true;
    }
    this.#settled();
  }

  #settled(): void {
    this.#unsettled -= 1;
    const { pauseMsMax } = paces[this.#load.pace];
    if (!this.#isStopped) setTimeout(() => this.pump(), this.#prng.next() * pauseMsMax);
  }
}

function closeWhenSettled(document: OpenDocument<LedgerView>): void {
  if (document.unsent === 0) return document.close();
  setTimeout(() => closeWhenSettled(document), 50).unref();
}

/** Of a chain and a generation, the document that clients share, or the one that a client has to itself. */
export function documentOn(chain: number, generation: number, kind: 'shared' | 'own'): string {
  for (let salt = 0; ; salt += 1) {
    const name = `ledger/${generation}-${kind}-${chain}-${salt}`;
    if (placeDocument(name, chains) === chain) return name;
  }
}
