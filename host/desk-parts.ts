// What a desk is made of: the world as values and functions, so that it can be run anywhere.
import type { CodedError } from '../engine/base/errors.ts';
import type { ChainId, Epoch } from '../engine/base/ids.ts';
import type { Letter, Reply } from '../engine/document/document.ts';
import type { DocumentIndex } from '../engine/store/document-index.ts';
import type { Store } from '../engine/store/store.ts';
import type { Memory } from './memory.ts';
import type { Runner } from './running.ts';

export type DeskParts = {
  readonly chain: ChainId;
  readonly epoch: Epoch;
  /** That a chain has at most. */
  readonly members: number;
  /** Where its documents run. Shared by all desks of a host. */
  readonly runner: Runner;
  readonly store: Store;
  readonly index: DocumentIndex;
  /** Since 1970: what is due in documents goes by it. */
  readonly wallMs: () => number;
  /** Asks for a turn of the host. */
  readonly wake: () => void;
  /** Calls back once, after so many milliseconds. */
  readonly later: (ms: number, then: () => void) => void;
  readonly fatal: (cause: unknown) => void;
  /** Why nothing new may be written now: a disk among the chain's members is full (E9). */
  readonly full: () => string | undefined;
  /** Shared by all desks of a host. */
  readonly memory: Memory;
  /** Sends a message of one document to another, wherever that is. Rejects where nobody knows what became of it. */
  readonly deliver: (to: string, letter: Letter) => Promise<Reply>;
  /** The application failed: its developer wants to know, its clients are not told. */
  readonly onFailure: (document: string, where: string, failure: unknown) => void;
  /** A document cannot be made of what is stored of it: others go on, and somebody should look. */
  readonly onUnreadable: (document: string, cause: CodedError) => void;
};
