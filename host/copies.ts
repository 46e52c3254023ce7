// What is done to a chain's documents, and to the beginning of its log, beside the loop: trimming, and both ends of a copy that begins with
// documents. Of one chain one thing is done after the other, in the order in which its replica wanted it.
import type { NodeEvent } from '../chain/node-state.ts';
import type { Effect } from '../chain/state.ts';
import type { ChainId, Position } from '../engine/base/ids.ts';
import { trimLog } from '../engine/store/folding.ts';
import { readPage, storePage, wipeChain } from '../engine/store/pages.ts';
import type { Store } from '../engine/store/store.ts';

export type CopiesParts = {
  readonly store: Store;
  /** What one page carries. */
  readonly chunkBytes: number;
  /** Stops the folding of a chain, if it is being folded; resolves when it has stopped. */
  readonly quiesce: (chain: ChainId) => Promise<void>;
  /** Brings what was begun to be folded to its end; false where it cannot be: then no document is given away. */
  readonly settle: (chain: ChainId) => Promise<boolean>;
  readonly tell: (event: NodeEvent) => void;
  readonly fatal: (cause: unknown) => void;
};

export class Copies {
  readonly #parts: CopiesParts;
  readonly #last = new Map<ChainId, Promise<void>>();

  constructor(parts: CopiesParts) {
    this.#parts = parts;
  }

  /** From this moment on nobody is given what goes, though it waits: a joiner would begin with it, and not find the rest (seed 700789). */
  trim(chain: ChainId, to: Position): void {
    this.#parts.store.startTrim(chain, to);
    this.#enqueue(chain, () => trimLog(this.#parts.store, chain, to));
  }

  /** `onWiped` hears when nothing is left. */
  wipe(chain: ChainId, onWiped: () => void): void {
    const { store, quiesce, tell } = this.#parts;
    this.#enqueue(chain, async () => {
      await quiesce(chain);
      await wipeChain(store, chain);
      onWiped();
      tell({ kind: 'chain', chain, event: { kind: 'wiped' } });
    });
  }

  readPage(chain: ChainId, { to, epoch, cursor }: Effect & { kind: 'readPage' }): void {
    const { store, chunkBytes, settle, tell } = this.#parts;
    this.#enqueue(chain, async () => {
      if (!(await settle(chain))) return;
      const page = await readPage(store, chain, cursor, chunkBytes);
      tell({ kind: 'chain', chain, event: { kind: 'pageRead', to, epoch, page } });
    });
  }

  /** `onWhole` hears where the log begins, once all documents are there. */
  storePage(chain: ChainId, { epoch, page }: Effect & { kind: 'storePage' }, onWhole: (start: Position) => void): void {
    const { store, tell } = this.#parts;
    this.#enqueue(chain, async () => {
      const { cursor, next, start } = page;
      const isRight = await storePage(store, chain, page);
      if (isRight && next === '') onWhole(start);
      tell({ kind: 'chain', chain, event: { kind: 'pageStored', epoch, cursor, next, isRight } });
    });
  }

  #enqueue(chain: ChainId, work: () => Promise<void>): void {
    const last = this.#last.get(chain) ?? Promise.resolve();
    this.#last.set(chain, last.then(work).catch(this.#parts.fatal));
  }
}
