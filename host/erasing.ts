// When the bytes of deleted documents leave the files (engine/store/erasing.ts): one chain after the other, behind everything else.
import { eraseLookMs } from '../engine/base/limits.ts';
import { erase, isDue, pendingIn } from '../engine/store/erasing.ts';
import type { Store } from '../engine/store/store.ts';

export type ErasingParts = {
  readonly store: Store;
  readonly fatal: (cause: unknown) => void;
};

export class Erasing {
  readonly #parts: ErasingParts;
  #lookedMs = Number.NEGATIVE_INFINITY;
  #busy: Promise<void> | undefined;
  #isClosed = false;

  constructor(parts: ErasingParts) {
    this.#parts = parts;
  }

  /** Time went by: looks now and then what waits, and rewrites files where it is due. */
  tick(nowMs: number): void {
    if (this.#busy !== undefined || this.#isClosed || nowMs - this.#lookedMs < eraseLookMs) return;
    this.#lookedMs = nowMs;
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
    const waiting = await pendingIn(store);
    const due = waiting.find((one) => isDue(store, one));
    if (due !== undefined && !this.#isClosed) await erase(store, due.chain, waiting);
  }

  /** Nothing begins any more. What is being rewritten stays noted, and is rewritten again after the next start. */
  close(): void {
    this.#isClosed = true;
  }
}
