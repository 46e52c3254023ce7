// The clients: real ones, that reconnect and send again by themselves. Each keeps several sends in flight, and writes down
// what it sent and what it was told.
import { setTimeout as sleep } from 'node:timers/promises';
import { placeDocument } from '../../chain/placement.ts';
import type { Answer, Client, OpenDocument } from '../../proxy/client/node.ts';
import { connect, RefusedError } from '../../proxy/client/node.ts';
import type { Prng } from '../../test/prng.ts';
import type { Copy, SendRecord, StoredValue } from './record.ts';

export type LedgerView = {
  readonly count?: number;
  readonly entries?: { readonly [place: string]: { readonly client: string; readonly value: string } };
};

export const chains = 8;
/** Of each chain, one document that two clients share and one that a client has to itself. */
const clientsPerChain = 3;
const inFlightMax = 4;
/** Reconnects are sooner than a real client's, so that more of a run is load. */
const patience = 0.15;
const settleMsMax = 30_000;
const readMsMax = 20_000;

export class Load {
  readonly sends: SendRecord[] = [];
  trial = 0;
  /** Nobody waits between two sends: for the moments before a kill. */
  isUrgent = false;
  answered = 0;
  /** When the first answer came since this was last made undefined. */
  firstAnswerMs: number | undefined;
  readonly #workers: Worker[];

  constructor(url: string, prng: Prng, pauseMsMax: number) {
    this.#workers = Array.from({ length: chains * clientsPerChain }, (_, index) => {
      const client = connect(url, { as: `client-${index}`, random: () => prng.next() * patience });
      return new Worker(`client-${index}`, client, this, () => (this.isUrgent ? 0 : prng.next() * pauseMsMax));
    });
  }

  /** All clients go on in documents of their own generation: the older ones stay as they are. */
  moveTo(generation: number): void {
    this.#workers.forEach((worker, index) => {
      const chain = index % chains;
      const kind = index < 2 * chains ? 'shared' : 'own';
      worker.moveTo(nameOn(chain, `${generation}-${kind}`));
    });
  }

  /** Begins no more sends, and waits until all are settled. Throws where that takes too long. */
  async settle(): Promise<void> {
    for (const worker of this.#workers) worker.stop();
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

  onAnswer(): number {
    this.answered += 1;
    const nowMs = performance.now();
    this.firstAnswerMs ??= nowMs;
    return nowMs;
  }
}

class Worker {
  readonly #name: string;
  readonly #client: Client;
  readonly #load: Load;
  readonly #pauseMs: () => number;
  #document: OpenDocument<LedgerView> | undefined;
  #sent = 0;
  #unsettled = 0;
  #isStopped = false;
  failure: string | undefined;

  constructor(name: string, client: Client, load: Load, pauseMs: () => number) {
    this.#name = name;
    this.#client = client;
    this.#load = load;
    this.#pauseMs = pauseMs;
  }

  moveTo(doc: string): void {
    const former = this.#document;
    if (former !== undefined) closeWhenSettled(former);
    this.#document = this.#client.open<LedgerView>(doc);
    this.#pump();
  }

  stop(): void {
    this.#isStopped = true;
  }

  close(): void {
    this.#isStopped = true;
    this.#client.close();
  }

  #pump(): void {
    while (!this.#isStopped && this.#unsettled < inFlightMax) this.#send();
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
    send.outcome = { kind: 'answered', seq, place: value, atMs: this.#load.onAnswer() };
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
    if (!this.#isStopped) setTimeout(() => this.#pump(), this.#pauseMs());
  }
}

function closeWhenSettled(document: OpenDocument<LedgerView>): void {
  if (document.unsent === 0) return document.close();
  setTimeout(() => closeWhenSettled(document), 50).unref();
}

/** A document's name that lies on this chain. */
function nameOn(chain: number, key: string): string {
  for (let salt = 0; ; salt += 1) {
    const name = `ledger/${key}-${chain}-${salt}`;
    if (placeDocument(name, chains) === chain) return name;
  }
}

/** What a client that has just come sees of the documents. */
export async function readThroughClient(url: string, docs: readonly string[]): Promise<Copy> {
  const client = connect(url, { as: 'reader' });
  const documents = new Map<string, StoredValue[]>();
  try {
    for (const doc of docs) documents.set(doc, valuesOf(await viewOfDocument(client, doc)));
  } finally {
    client.close();
  }
  return { name: 'view', documents };
}

async function viewOfDocument(client: Client, doc: string): Promise<LedgerView> {
  const document = client.open<LedgerView>(doc, { readOnly: true });
  const until = performance.now() + readMsMax;
  while (document.view === undefined) {
    if (document.error !== undefined) throw document.error;
    if (performance.now() > until) throw new Error(`no view of ${doc} within ${readMsMax} ms`);
    await sleep(2);
  }
  const { view } = document;
  document.close();
  return view;
}

function valuesOf({ entries = {} }: LedgerView): StoredValue[] {
  const values = Object.entries(entries).map(([place, entry]) => ({ place, ...entry, seq: undefined }));
  return values.sort((a, b) => (a.place < b.place ? -1 : 1));
}
