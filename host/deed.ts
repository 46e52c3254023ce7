// What is done to a document beside its messages: an operator's rewind, or its end.
import type { ViewDelta } from '../engine/document/document.ts';

/** What was done to a document otherwise than by a message. */
export type Deed = {
  readonly updates: readonly Uint8Array[];
  readonly deltas: readonly ViewDelta[];
  /** There is no document any more: whoever views it is told, and hears nothing else of it. */
  readonly isDeleted?: boolean;
};

/** The seq of a document when something was done to it, and a record through which that is committed. */
export type Done = { readonly seq: number; readonly lsn: number };
