// What a host does while its disk fills (E9). A write that fails for want of space ends the process, and nobody knows what of it happened: so
// new writes are refused in good time, on every chain that has a member here, while what keeps chains whole (seals, registers, joins) goes on.
//
//   free space     below `lowBytes`                  new writes are refused with ENGINE_FULL, until there is room again
//                  below `criticalBytes`             the reserve, a file of that purpose, is given back
//                  above `lowBytes` and a reserve    writes are taken again, and the reserve is made anew
import { fullAmong } from '../chain/detector.ts';
import type { Node } from '../chain/node-state.ts';
import type { ChainId } from '../engine/base/ids.ts';

export type SpaceParts = {
  readonly freeBytes: () => Promise<number>;
  readonly lowBytes: number;
  readonly criticalBytes: number;
  readonly reserveBytes: number;
  readonly checkMs: number;
  /** Both are told once where nothing is to be done, too. */
  readonly makeReserve: () => Promise<void>;
  readonly giveReserve: () => Promise<void>;
  /** New writes are refused from now on, or are not any more: for people. */
  readonly onFull: (isFull: boolean, freeBytes: number) => void;
  /** The space cannot be measured, or the reserve not made: the host goes on. */
  readonly onFailed: (cause: unknown) => void;
};

export class Space {
  readonly #parts: SpaceParts;
  #isFull = false;
  #onFull: (isFull: boolean) => void = () => {};
  #hasReserve: boolean | undefined;
  #lastMs = Number.NEGATIVE_INFINITY;
  #busy: Promise<void> | undefined;

  constructor(parts: SpaceParts) {
    this.#parts = parts;
  }

  /** Time went by: looks every `checkMs`, and not while it still acts on the last look. */
  tick(nowMs: number): void {
    if (this.#busy !== undefined || nowMs - this.#lastMs < this.#parts.checkMs) return;
    this.#lastMs = nowMs;
    this.#busy = this.check().finally(() => {
      this.#busy = undefined;
    });
  }

  /** Whoever has to refuse writes is told now, and whenever it changes. */
  listen(onFull: (isFull: boolean) => void): void {
    this.#onFull = onFull;
    onFull(this.#isFull);
  }

  async close(): Promise<void> {
    await this.#busy;
  }

  /** Looks now. Before a store opens on a full disk it is what makes room for that. */
  async check(): Promise<void> {
    try {
      await this.#check();
    } catch (cause) {
      this.#parts.onFailed(cause);
    }
  }

  async #check(): Promise<void> {
    const { freeBytes, lowBytes, criticalBytes, reserveBytes, makeReserve, giveReserve, onFull } = this.#parts;
    const free = await freeBytes();
    const isFull = free < (this.#isFull ? lowBytes + reserveBytes : lowBytes);
    if (isFull !== this.#isFull) {
      this.#isFull = isFull;
      onFull(isFull, free);
      this.#onFull(isFull);
    }
    if (free < criticalBytes && this.#hasReserve !== false) {
      this.#hasReserve = false;
      await giveReserve();
    } else if (free >= lowBytes + reserveBytes && this.#hasReserve !== true) {
      await makeReserve();
      this.#hasReserve = true;
    }
  }
}

/** In which words a write is refused: any member whose disk is full would end with it. */
export function whoIsFull({ chains, detector }: Node, chain: ChainId): string | undefined {
  const members = chains.get(chain)?.replica.known?.members ?? [];
  const full = fullAmong(
    detector,
    members.map(({ host }) => host),
  );
  return full.length === 0 ? undefined : `too little space on the disk of ${full.join(', ')}`;
}
