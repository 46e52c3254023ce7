// When the bytes of deleted documents leave the files (engine/store/erasing.ts): one chain after the other, behind everything else.
import type { ChainId } from '../engine/base/ids.ts';
import { eraseLookMs, eraseRestMsMax, eraseShare } from '../engine/base/limits.ts';
import { erase, findDue } from '../engine/store/erasing.ts';
import type { Store } from '../engine/store/store.ts';

export type ErasingParts = {
  readonly store: Store;
  readonly fatal: (cause: unknown) => void;
};

export class Erasing {
  readonly #parts: ErasingParts;
  /** The chain that had its turn last. */
  #last: ChainId | undefined;
  #beganMs: number | undefined;
  #nextMs = Number.NEGATIVE_INFINITY;
  #busy: Promise<void> | undefined;
  #isClosed = false;

  constructor(parts: ErasingParts) {
    this.#parts = parts;
  }

  /** Time went by: looks now and then what waits, and rewrites files where it is due. */
  tick(nowMs: number): void {
    if (this.#busy !== undefined || this.#isClosed) return;
    // The last look has ended since: what follows is as far behind that as it took long.
    if (this.#beganMs !== undefined)
      this.#nextMs =
        nowMs + Math.max(eraseLookMs, Math.min(eraseRestMsMax, (nowMs - this.#beganMs) * (1 / eraseShare - 1)));
    this.#beganMs = undefined;
    if (nowMs < this.#nextMs) return;
    this.#beganMs = nowMs;
    this.#busy = this.#erase()
      .catch((cause: unknown) => {
        if (!this.#isClosed) this.#parts.fatal(cause);
      })
      .finally(() => {
        this.#busy = undefined;
      });
  }

  async #erase(): Promise<void> {
    const { store } = this.#parts;
    const due = await findDue(store, this.#last);
    this.#last = due[0]?.chain;
    if (!this.#isClosed) await erase(store, due);
  }

  /** Nothing begins any more. What is being rewritten stays noted, and is rewritten again after the next start. */
  close(): void {
    this.#isClosed = true;
  }
}
