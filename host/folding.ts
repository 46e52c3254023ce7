// When which chain is folded: one pass at a time for a whole host, of the chain that has most to fold, when it is worth a pass or the chain
// is quiet. It runs behind what clients wait for, in a worker and at a bounded rate (engine/store/folding.ts).
import type { ChainId, Lsn } from '../engine/base/ids.ts';
import {
  foldBacklogRecords,
  foldHurryShare,
  foldRecordsMin,
  foldRestMs,
  foldShare,
  foldSleepMsMax,
  foldWaitMs,
} from '../engine/base/limits.ts';
import type { Fold, Folded } from '../engine/store/folding.ts';
import { FoldFailed, foldChain } from '../engine/store/folding.ts';
import type { Store } from '../engine/store/store.ts';

export type FoldingParts = {
  readonly store: Store;
  readonly fold: Fold;
  readonly nowMs: () => number;
  readonly sleep: (ms: number) => Promise<void>;
  /** Chains that may be folded, with what is committed of each. */
  readonly chains: () => Iterable<{ readonly chain: ChainId; readonly committed: Lsn }>;
  /** Comes before a pass writes anything: it goes no further than `through`. */
  readonly onBegun: (chain: ChainId, through: Lsn) => void;
  readonly onFolded: (chain: ChainId, folded: Folded) => void;
  /** A chain cannot be folded: it goes on, its log grows, and somebody should look. */
  readonly onFailed: (chain: ChainId, cause: FoldFailed) => void;
  readonly fatal: (cause: unknown) => void;
  /** Of each document: updates that stay readable. */
  readonly history: number;
  readonly recordsMin?: number;
};

/** A pass that is under way; `wake` ends its sleep. */
type Pass = {
  readonly chain: ChainId;
  readonly done: Promise<void>;
  isStopped: boolean;
  isHurried: boolean;
  wake: () => void;
};

export class Folding {
  readonly #parts: FoldingParts;
  /** Since when nothing was committed in each chain that has something to fold. */
  readonly #quiet = new Map<ChainId, { readonly committed: Lsn; readonly sinceMs: number }>();
  /** Until when a chain is passed over that could not be folded. */
  readonly #restsUntilMs = new Map<ChainId, number>();
  #busy: Pass | undefined;
  /** Chains whose folding is being brought to its end: no pass of theirs begins meanwhile. */
  readonly #settling = new Set<ChainId>();
  /** Through where somebody waits for a chain to be folded: it comes before the others. */
  readonly #awaited = new Map<ChainId, Lsn>();
  #isClosed = false;

  constructor(parts: FoldingParts) {
    this.#parts = parts;
  }

  get isBusy(): boolean {
    return this.#busy !== undefined;
  }

  /** Time went by: begins a pass where one is due and none runs. */
  tick(nowMs: number): void {
    if (this.#busy !== undefined || this.#isClosed) return;
    const due = this.#due(nowMs);
    if (due === undefined) return;
    const { chain, committed } = due;
    this.#parts.onBegun(chain, committed);
    const done = this.#fold(chain, committed)
      .catch((cause: unknown) => this.#failed(chain, cause, nowMs))
      .finally(() => {
        this.#busy = undefined;
      });
    this.#busy = { chain, done, isStopped: false, isHurried: false, wake: () => {} };
  }

  /** Somebody waits for this chain to be folded through `lsn`. False where it could not be folded a moment ago. */
  hurry(chain: ChainId, lsn: Lsn, nowMs: number): boolean {
    if (nowMs < (this.#restsUntilMs.get(chain) ?? 0)) return false;
    this.#awaited.set(chain, lsn);
    this.tick(nowMs);
    return true;
  }

  /** Stops a pass over this chain, where there is one, behind the slice that it is at. */
  async quiesce(chain: ChainId): Promise<void> {
    if (this.#busy?.chain !== chain) return;
    this.#busy.isStopped = true;
    this.#busy.wake();
    await this.#busy.done;
  }

  /** Brings a pass that was begun to its end, though it was another process that began it. False where it cannot be. */
  async settle(chain: ChainId): Promise<boolean> {
    this.#settling.add(chain);
    try {
      return await this.#settle(chain);
    } finally {
      this.#settling.delete(chain);
    }
  }

  async #settle(chain: ChainId): Promise<boolean> {
    if (this.#busy?.chain === chain) {
      this.#busy.isHurried = true;
      this.#busy.wake();
      await this.#busy.done;
    }
    const { store, fold, history, onFolded } = this.#parts;
    const { newest } = store.base(chain);
    while (store.base(chain).folded.lsn < newest) {
      const options = { committed: newest, history, fold, pace: async () => {}, isStopped: () => this.#isClosed };
      const folded = await foldChain(store, chain, options).catch((cause: unknown) => {
        if (!(cause instanceof FoldFailed)) throw cause;
        this.#parts.onFailed(chain, cause);
      });
      if (folded === undefined) return false;
      onFolded(chain, folded);
    }
    return true;
  }

  /** No pass begins any more; one that runs stops with its next slice, as the store takes no writes then. */
  close(): void {
    this.#isClosed = true;
  }

  #failed(chain: ChainId, cause: unknown, nowMs: number): void {
    if (this.#isClosed) return;
    if (!(cause instanceof FoldFailed)) return this.#parts.fatal(cause);
    this.#restsUntilMs.set(chain, nowMs + foldRestMs);
    this.#parts.onFailed(chain, cause);
  }

  #due(nowMs: number): { chain: ChainId; committed: Lsn } | undefined {
    const { store, chains, recordsMin = foldRecordsMin } = this.#parts;
    let due: { chain: ChainId; committed: Lsn } | undefined;
    let most = 0;
    for (const { chain, committed } of chains()) {
      const records = committed - store.base(chain).folded.lsn;
      const isAwaited = this.#isAwaited(chain);
      if (records <= 0) {
        this.#quiet.delete(chain);
        continue;
      }
      const seen = this.#quiet.get(chain);
      const quiet = seen?.committed === committed ? seen : { committed, sinceMs: nowMs };
      this.#quiet.set(chain, quiet);
      const isDue = records >= recordsMin || nowMs - quiet.sinceMs >= foldWaitMs;
      if (nowMs < (this.#restsUntilMs.get(chain) ?? 0) || this.#settling.has(chain)) continue;
      if (isAwaited) return { chain, committed };
      if (isDue && records > most) [due, most] = [{ chain, committed }, records];
    }
    return due;
  }

  #isAwaited(chain: ChainId): boolean {
    const isAwaited = (this.#awaited.get(chain) ?? 0) > this.#parts.store.base(chain).folded.lsn;
    if (!isAwaited) this.#awaited.delete(chain);
    return isAwaited;
  }

  async #fold(chain: ChainId, committed: Lsn): Promise<void> {
    const { store, fold, nowMs, onFolded, history } = this.#parts;
    const isHurried = this.#isAwaited(chain) || committed - store.base(chain).folded.lsn > foldBacklogRecords;
    const share = isHurried ? foldHurryShare : foldShare;
    let sinceMs = nowMs();
    const pace = async (): Promise<void> => {
      await this.#rest(Math.min((nowMs() - sinceMs) * (1 / share - 1), foldSleepMsMax));
      sinceMs = nowMs();
    };
    const isStopped = (): boolean => this.#busy?.isStopped === true;
    const folded = await foldChain(store, chain, { committed, history, fold, pace, isStopped });
    if (folded !== undefined) onFolded(chain, folded);
  }

  /** Whoever waits for the end of a pass does not wait for its sleep: a joiner was given up for it (seed 613041). */
  async #rest(ms: number): Promise<void> {
    const pass = this.#busy;
    if (pass === undefined || pass.isHurried || pass.isStopped) return;
    const woken = new Promise<void>((resolve) => {
      pass.wake = resolve;
    });
    await Promise.race([this.#parts.sleep(ms), woken]);
  }
}
