// What those who run the cluster read of the documents of a desk: from the store, past whatever is in memory, and behind the commit of what they may have
// seen (C18).
import { CodedError } from '../engine/base/errors.ts';
import type { BackReader, Stored } from '../engine/store/documents.ts';
import { documentNames, readBack, readDocument } from '../engine/store/documents.ts';
import type { DeskParts } from './desk-parts.ts';
import { isUnreadable, readableBy } from './shelf.ts';
import type { Waiters } from './waiters.ts';

export type DeskReadsParts = Pick<DeskParts, 'store' | 'chain' | 'index'> & {
  /** Resolves when the index reaches to the end of the log. */
  readonly indexed: () => Promise<void>;
  /** The store cannot be read, which counts unless the desk has stopped. */
  readonly failed: (cause: unknown) => void;
  readonly waiters: Waiters;
};

export class DeskReads {
  readonly #parts: DeskReadsParts;

  constructor(parts: DeskReadsParts) {
    this.#parts = parts;
  }

  /** Reads what is stored of a document backwards. */
  async back(text: string, reader: BackReader): Promise<void> {
    const { store, chain, index } = this.#parts;
    await this.#reading(() => readBack(store, chain, index, text, readableBy(text, reader)));
  }

  /**
   * What is stored of the documents behind `after`, by name: at most `max` of them, for as long as `take` wants another. True where that was the last there
   * is.
   */
  async scan(after: string, max: number, take: (name: string, stored: Stored) => boolean): Promise<boolean> {
    const { store, chain, index } = this.#parts;
    let isWhole = false;
    await this.#reading(async () => {
      const names = await documentNames(store, chain, index, after, max);
      let isWanted = true;
      for (const name of names) {
        if (isWanted) isWanted = take(name, await readDocument(store, chain, index, name));
      }
      isWhole = isWanted && names.length < max;
    });
    return isWhole;
  }

  async #reading(read: () => Promise<void>): Promise<void> {
    const { indexed, failed, waiters } = this.#parts;
    try {
      await indexed();
      await read();
    } catch (cause) {
      if (isUnreadable(cause)) throw cause;
      failed(cause);
      throw new CodedError('CHAIN_NOT_SERVING', 'the chain is headed here no more', { cause });
    }
    await new Promise<void>((resolve, reject) => waiters.settle(undefined, resolve, reject));
  }
}
