// Keeps the watermark behind the store by no more than `watermarkMs` (E5), beside the loop: a commit never waits for it.
import type { FileHandle } from 'node:fs/promises';
import { open, readFile } from 'node:fs/promises';
import { watermarkMs } from '../engine/base/limits.ts';
import { encodeSlot, readWatermark, slotEvery, spareSlot } from '../engine/store/watermark.ts';

export type WatermarkParts = {
  readonly storeId: string;
  /** How many writes are durable now. */
  readonly serial: () => number;
  /** Writes one of the two slots, and syncs it. */
  readonly writeSlot: (slot: 0 | 1, bytes: Uint8Array) => Promise<void>;
  readonly fatal: (cause: unknown) => void;
};

export class WatermarkKeeper {
  readonly #parts: WatermarkParts;
  #written: number;
  #slot: 0 | 1;
  #lastMs = Number.NEGATIVE_INFINITY;
  #busy: Promise<void> | undefined;

  /** `file` is what lies there already: the store may be ahead of it, and what it says is written over last. */
  constructor(parts: WatermarkParts, file: Uint8Array) {
    this.#parts = parts;
    this.#written = readWatermark(file).serial;
    this.#slot = spareSlot(file);
  }

  /** Time went by: writes where something became durable since, not more often than every `watermarkMs`. */
  tick(nowMs: number): void {
    if (this.#busy !== undefined || nowMs - this.#lastMs < watermarkMs) return;
    if (this.#parts.serial() === this.#written) return;
    this.#lastMs = nowMs;
    void this.#write();
  }

  /** The store is closed, and takes no more writes. */
  async close(): Promise<void> {
    await this.#busy;
    if (this.#parts.serial() !== this.#written) await this.#write();
  }

  #write(): Promise<void> {
    const { storeId, serial, writeSlot, fatal } = this.#parts;
    const next = serial();
    this.#busy = writeSlot(this.#slot, encodeSlot({ storeId, serial: next }))
      .then(() => {
        this.#written = next;
        this.#slot = this.#slot === 0 ? 1 : 0;
      }, fatal)
      .finally(() => {
        this.#busy = undefined;
      });
    return this.#busy;
  }
}

export type WatermarkFile = {
  readonly bytes: Uint8Array;
  readonly writeSlot: WatermarkParts['writeSlot'];
  readonly close: () => Promise<void>;
};

/** The file of a host: a slot is written where it lies. */
export async function openWatermark(file: string): Promise<WatermarkFile> {
  const bytes = await readFile(file);
  const handle: FileHandle = await open(file, 'r+');
  return {
    bytes,
    writeSlot: async (slot, written) => {
      await handle.write(written, 0, written.length, slot * slotEvery);
      await handle.datasync();
    },
    close: () => handle.close(),
  };
}
