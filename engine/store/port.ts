// The engine's only way to a disk: bytes in the order of their keys. Each promise has a number, and the contract suite
// (test/contract/) holds every implementation to it.

/** A key with its value. */
export type Pair = { readonly key: Uint8Array; readonly value: Uint8Array };
/** What a write does to a key: gives it a value, or removes it where that is undefined. */
export type Put = { readonly key: Uint8Array; readonly value: Uint8Array | undefined };

/** What can be read: of a store as it goes on, or of one moment of it. */
export interface OrderedReader {
  /** S4: the value of the last resolved write of `key`, or undefined where there is none, or where that removed it. */
  get(key: Uint8Array): Promise<Uint8Array | undefined>;
  /** S5: everything with `from <= key < to`, by rising key, in pages of bounded size. */
  scan(from: Uint8Array, to: Uint8Array): AsyncIterable<readonly Pair[]>;
}

/** One moment of a store: every write is in it as a whole, or not at all. */
export interface OrderedView extends OrderedReader {
  /** Comes when nothing of it is being read any more. */
  close(): Promise<void>;
}

export interface OrderedStore extends OrderedReader {
  /**
   * S1: all puts are applied in their order, or none. S2: once this resolves they survive a crash of the machine. S3: where it rejects,
   * nothing is known of them, and the caller must end. One call at a time (E1).
   */
  write(puts: readonly Put[]): Promise<void>;
  /**
   * S6: what the store holds now, whatever is written later. What is removed or replaced meanwhile keeps its space until the view is
   * closed, so it is not held for long.
   */
  view(): OrderedView;
  /**
   * S7: once this resolves, nothing that was removed or overwritten between the two keys before the call is in the store's files any more.
   * The keys themselves are those of nothing. Costs what lies there, and as much beside it; writes and reads go on. S3 where it rejects.
   */
  compact(from: Uint8Array, to: Uint8Array): Promise<void>;
  close(): Promise<void>;
}
