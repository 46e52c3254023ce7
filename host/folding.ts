// When which chain is folded: one pass at a time for a whole host, of the chain that has most to fold, when it is worth a pass or has
// waited for long. It runs behind what clients wait for, in a worker and at a bounded rate (engine/store/folding.ts).
import type { ChainId, Lsn } from '../engine/base/ids.ts';
import {
  foldBacklogRecords,
  foldBytesPerSecond,
  foldHurryBytesPerSecond,
  foldRecordsMin,
  foldWaitMs,
  historyUpdates,
} from '../engine/base/limits.ts';
import type { Fold, Folded } from '../engine/store/folding.ts';
import { foldChain } from '../engine/store/folding.ts';
import type { Store } from '../engine/store/store.ts';

export type FoldingParts = {
  readonly store: Store;
  readonly fold: Fold;
  readonly sleep: (ms: number) => Promise<void>;
  /** Chains that may be folded, with what is committed of each. */
  readonly chains: () => Iterable<{ readonly chain: ChainId; readonly committed: Lsn }>;
  readonly onFolded: (chain: ChainId, folded: Folded) => void;
  readonly fatal: (cause: unknown) => void;
  /** Of each document: updates that stay readable. */
  readonly history?: number;
  readonly recordsMin?: number;
};

export class Folding {
  readonly #parts: FoldingParts;
  /** Since when each chain has something to fold. */
  readonly #sinceMs = new Map<ChainId, number>();
  #isBusy = false;
  #isClosed = false;

  constructor(parts: FoldingParts) {
    this.#parts = parts;
  }

  get isBusy(): boolean {
    return this.#isBusy;
  }

  /** Time went by: begins a pass where one is due and none runs. */
  tick(nowMs: number): void {
    if (this.#isBusy || this.#isClosed) return;
    const due = this.#due(nowMs);
    if (due === undefined) return;
    this.#isBusy = true;
    this.#fold(due.chain, due.committed)
      .catch((cause: unknown) => {
        if (!this.#isClosed) this.#parts.fatal(cause);
      })
      .finally(() => {
        this.#isBusy = false;
      });
  }

  /** No pass begins any more; one that runs stops with its next slice, as the store takes no writes then. */
  close(): void {
    this.#isClosed = true;
  }

  #due(nowMs: number): { chain: ChainId; committed: Lsn } | undefined {
    const { store, chains, recordsMin = foldRecordsMin } = this.#parts;
    let due: { chain: ChainId; committed: Lsn } | undefined;
    let most = 0;
    for (const { chain, committed } of chains()) {
      const records = committed - store.base(chain).folded.lsn;
      if (records <= 0) {
        this.#sinceMs.delete(chain);
        continue;
      }
      const sinceMs = this.#sinceMs.get(chain) ?? nowMs;
      this.#sinceMs.set(chain, sinceMs);
      const isDue = records >= recordsMin || nowMs - sinceMs >= foldWaitMs;
      if (isDue && records > most) [due, most] = [{ chain, committed }, records];
    }
    return due;
  }

  async #fold(chain: ChainId, committed: Lsn): Promise<void> {
    const { store, fold, sleep, onFolded, history = historyUpdates } = this.#parts;
    const isHurried = committed - store.base(chain).folded.lsn > foldBacklogRecords;
    const bytesPerSecond = isHurried ? foldHurryBytesPerSecond : foldBytesPerSecond;
    const pace = (bytes: number): Promise<void> => sleep((bytes * 1_000) / bytesPerSecond);
    const folded = await foldChain(store, chain, { committed, history, fold, pace });
    this.#sinceMs.delete(chain);
    if (folded !== undefined) onFolded(chain, folded);
  }
}
