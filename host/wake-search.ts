// Which documents want to be woken, found by whoever begins to head their chain: those in whose bytes the key stands under which a state says so
// (engine/document/life/agenda.ts). Nothing is decoded and nothing is kept for it, so that no index can be wrong; it runs behind everything
// else, a piece at each look of the clock, and some documents are found that have nothing before them.
import type { ChainId } from '../engine/base/ids.ts';
import { wakeSearchBytes } from '../engine/base/limits-life.ts';
import { wakeKey } from '../engine/document/document.ts';
import { sectionsOf } from '../engine/store/format.ts';
import { documentKeys, nameOfSnapshotKey } from '../engine/store/snapshot-format.ts';
import type { Store } from '../engine/store/store.ts';

const mark = Buffer.from(wakeKey);

export class WakeSearch {
  readonly #store: Store;
  readonly #chain: ChainId;
  readonly #onFound: (name: string) => void;
  #isStopped = false;
  #bytes = 0;
  #goOn: (() => void) | undefined;

  constructor(store: Store, chain: ChainId, onFound: (name: string) => void) {
    this.#store = store;
    this.#chain = chain;
    this.#onFound = onFound;
  }

  /** Resolves when all is searched that was there, or it was stopped. */
  async run(): Promise<void> {
    // First the log: what is folded meanwhile stands in snapshots by the time that they are read.
    await this.#searchLog();
    const [[from, to]] = documentKeys(this.#chain);
    for await (const page of this.#store.scan(from, to)) {
      for (const { key, value } of page) {
        if (isIn(value)) this.#onFound(nameOfSnapshotKey(key));
        this.#bytes += value.length;
      }
      await this.#pause();
      if (this.#isStopped) return;
    }
  }

  /** The clock came round. */
  tick(): void {
    this.#bytes = 0;
    this.#goOn?.();
  }

  stop(): void {
    this.#isStopped = true;
    this.#goOn?.();
  }

  async #searchLog(): Promise<void> {
    for (;;) {
      const { folded } = this.#store.base(this.#chain);
      try {
        for await (const record of this.#store.walk(this.#chain, folded)) {
          this.#bytes += record.bytes.length;
          if (isIn(record.bytes)) {
            for (const { name, bytes } of sectionsOf(record)) if (isIn(bytes)) this.#onFound(name);
          }
          await this.#pause();
          if (this.#isStopped) return;
        }
        return;
      } catch (cause) {
        // What was trimmed under this walk is in snapshots by now.
        if (this.#isStopped || !this.#store.isTrimmed(this.#chain, folded.lsn)) throw cause;
      }
    }
  }

  async #pause(): Promise<void> {
    if (this.#bytes < wakeSearchBytes || this.#isStopped) return;
    await new Promise<void>((resolve) => {
      this.#goOn = resolve;
    });
    this.#goOn = undefined;
  }
}

function isIn(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).includes(mark);
}
