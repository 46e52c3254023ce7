// Documents laid down in a store before its host first starts, in a cluster of whatever size. Each chain begins behind one record that
// nobody ever made: number 1, under a hash over the documents. So those who were laid the same stand at the same place, the longest history
// of a chain that never ran is theirs (C4), and one that was laid something else, or nothing, is not taken for them.
import { assert } from '../base/assert.ts';
import { digestOf } from '../base/checksum.ts';
import type { ChainId, Hash, Position } from '../base/ids.ts';
import { lsn } from '../base/ids.ts';
import { layBytes, layHeldBytes } from '../base/limits.ts';
import type { DocumentEntry, HistoryEntry, Tally } from './backup-format.ts';
import { addDocument, addHistory, noTally } from './backup-format.ts';
import { readHistoryBlock } from './documents.ts';
import { noBase } from './entries.ts';
import type { Put } from './port.ts';
import {
  addToSum,
  decodeSnapshotEntry,
  documentKeys,
  encodeHistoryEntry,
  encodeSnapshotEntry,
  historyKey,
  nameOfSnapshotKey,
  snapshotKey,
} from './snapshot-format.ts';
import type { Store } from './store.ts';

const laidLsn = lsn(1);

type Laid = { puts: Put[]; bytes: number; sum: string; tally: Tally };
type Open = { readonly chain: ChainId; readonly document: DocumentEntry; readonly blocks: number[] };

export class Laying {
  readonly #store: Store;
  readonly #chains = new Map<ChainId, Laid>();
  #open: Open | undefined;
  /** Bytes that wait, of all chains. */
  #held = 0;

  constructor(store: Store) {
    this.#store = store;
  }

  /** The next document of a chain that has none of this name. */
  async document(chain: ChainId, document: DocumentEntry): Promise<void> {
    await this.#close();
    this.#open = { chain, document, blocks: [] };
    this.#tally(chain, (tally) => addDocument(tally, document));
  }

  /** An entry of the history of the last document, newest first. */
  async history({ seqFirst, count, updates }: HistoryEntry): Promise<void> {
    const open = this.#open;
    assert(open !== undefined, 'history is of a document');
    const { chain, document, blocks } = open;
    blocks.unshift(seqFirst);
    const key = historyKey(chain, document.name, seqFirst);
    await this.#put(chain, key, encodeHistoryEntry(key, { count, updates }));
    this.#tally(chain, (tally) => addHistory(tally, document.name, { seqFirst, count, updates }));
  }

  /** Everything was given: from here on it counts. Returns what each chain was laid. */
  async done(): Promise<ReadonlyMap<ChainId, Tally>> {
    await this.#close();
    const tallies = new Map<ChainId, Tally>();
    for (const [chain, laid] of this.#chains) {
      await this.#flush(chain, laid);
      const start = startOf(laid);
      const base = { floor: start, folded: start, newest: start.lsn, sum: laid.sum, hasLeftover: false };
      await this.#store.behind(chain, [], base);
      tallies.set(chain, laid.tally);
    }
    return tallies;
  }

  async #close(): Promise<void> {
    if (this.#open === undefined) return;
    const { chain, document, blocks } = this.#open;
    this.#open = undefined;
    const { name, seq, state } = document;
    const key = snapshotKey(chain, name);
    const value = encodeSnapshotEntry(key, { lsn: laidLsn, seq, blocks, state });
    const laid = this.#of(chain);
    laid.sum = addToSum(laid.sum, key, value, 1);
    await this.#put(chain, key, value);
  }

  async #put(chain: ChainId, key: Uint8Array, value: Uint8Array): Promise<void> {
    const laid = this.#of(chain);
    laid.puts.push({ key, value });
    laid.bytes += key.length + value.length;
    this.#held += key.length + value.length;
    if (laid.bytes >= layBytes) await this.#flush(chain, laid);
    if (this.#held < layHeldBytes) return;
    for (const [other, one] of this.#chains) if (one.bytes > 0) await this.#flush(other, one);
  }

  async #flush(chain: ChainId, laid: Laid): Promise<void> {
    const { puts, bytes } = laid;
    this.#held -= bytes;
    [laid.puts, laid.bytes] = [[], 0];
    // Nothing of a restore that does not come to its end is ever believed.
    await this.#store.behind(chain, puts, { hasLeftover: true });
  }

  #tally(chain: ChainId, add: (tally: Tally) => Tally): void {
    const laid = this.#of(chain);
    laid.tally = add(laid.tally);
  }

  #of(chain: ChainId): Laid {
    const known = this.#chains.get(chain) ?? { puts: [], bytes: 0, sum: noBase.sum, tally: noTally };
    this.#chains.set(chain, known);
    return known;
  }
}

/** Whoever was laid the same documents, with the same history, stands here. */
function startOf({ sum, tally }: Laid): Position {
  const hash = digestOf(Buffer.from(`laid ${sum}`), Buffer.from(tally.history)) as Hash;
  return { lsn: laidLsn, hash };
}

/** What lies in a chain below its log, each entry read and checked. ENGINE_CORRUPT by chain and document. */
export async function tallyOf(store: Store, chain: ChainId): Promise<Tally> {
  let tally = noTally;
  for await (const page of store.scan(...documentKeys(chain)[0])) {
    for (const { key, value } of page) {
      const name = nameOfSnapshotKey(key);
      const { seq, state, blocks } = decodeSnapshotEntry(key, value);
      tally = addDocument(tally, { name, seq, state });
      for (const seqFirst of blocks) {
        const block = await readHistoryBlock(store, chain, name, seqFirst);
        tally = addHistory(tally, name, { seqFirst, ...block });
      }
    }
  }
  return tally;
}
