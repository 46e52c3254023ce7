// The engine's only way to a disk: bytes in the order of their keys. Each promise has a number, and the contract suite
// (test/contract/) holds every implementation to it.

/** A key with its value. */
export type Pair = { readonly key: Uint8Array; readonly value: Uint8Array };
/** What a write does to a key: gives it a value, or removes it where that is undefined. */
export type Put = { readonly key: Uint8Array; readonly value: Uint8Array | undefined };

export interface OrderedStore {
  /**
   * S1: all puts are applied in their order, or none. S2: once this resolves they survive a crash of the machine. S3: where it rejects,
   * nothing is known of them, and the caller must end. One call at a time (E1).
   */
  write(puts: readonly Put[]): Promise<void>;
  /** S4: the value of the last resolved write of `key`, or undefined where there is none, or where that removed it. */
  get(key: Uint8Array): Promise<Uint8Array | undefined>;
  /** S5: everything with `from <= key < to`, by rising key, in pages of bounded size. */
  scan(from: Uint8Array, to: Uint8Array): AsyncIterable<readonly Pair[]>;
  close(): Promise<void>;
}
