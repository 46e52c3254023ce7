// Those who only look. While the faults happen, one of each chain opens a document afresh, again and again: what it is shown must
// hold all that was answered before it asked, whichever head it is that shows it. And when all is over, one looks at everything.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client, OpenDocument } from '../../proxy/client/node.ts';
import { connect } from '../../proxy/client/node.ts';
import type { Prng } from '../../test/prng.ts';
import { chains, documentOn, type LedgerView } from './load.ts';
import type { Copy, ReadRecord, StoredValue } from './record.ts';

const pauseMsMin = 50;
const pauseMsMax = 250;
const readMsMax = 60_000;
const patience = 0.15;

export class Readers {
  readonly reads: ReadRecord[] = [];
  readonly failures: string[] = [];
  trial = 0;
  #generation = 0;
  #isStopped = false;
  readonly #pace: number;
  readonly #clients: Client[];

  /** `pace` multiplies the pauses between two looks. */
  constructor(url: string, prng: Prng, pace = 1) {
    this.#pace = pace;
    this.#clients = Array.from({ length: chains }, (_, index) => {
      return connect(url, { as: `reader-${index}`, random: () => prng.next() * patience });
    });
    for (const [chain, client] of this.#clients.entries()) void this.#look(chain, client, prng);
  }

  moveTo(generation: number): void {
    this.#generation = generation;
  }

  close(): void {
    this.#isStopped = true;
    for (const client of this.#clients) client.close();
  }

  async #look(chain: number, client: Client, prng: Prng): Promise<void> {
    while (!this.#isStopped) {
      const doc = documentOn(chain, this.#generation, 'shared');
      const askedAtMs = performance.now();
      const document = client.open<LedgerView>(doc, { readOnly: true });
      const view = await firstView(document);
      if (document.error !== undefined && !this.#isStopped) {
        this.failures.push(`reader-${chain} cannot open ${doc}: ${document.error.code}: ${document.error.message}`);
        return;
      }
      document.close();
      if (view === undefined) continue;
      const { count = 0 } = view;
      const { trial } = this;
      this.reads.push({ viewer: `reader-${chain}`, doc, trial, askedAtMs, seenAtMs: performance.now(), count });
      await sleep(this.#pace * (pauseMsMin + prng.below(pauseMsMax - pauseMsMin)));
    }
  }
}

/** undefined where the document is refused, or closed before. */
function firstView(document: OpenDocument<LedgerView>): Promise<LedgerView | undefined> {
  return new Promise((done) => {
    document.subscribe(done);
    document.onStatus((status) => {
      if (status === 'refused' || status === 'closed') done(undefined);
    });
  });
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
