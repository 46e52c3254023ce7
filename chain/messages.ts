// What hosts say to each other about one chain. Every message carries (chain, epoch): lower is refused or dropped, and what a
// member says in an epoch that does not run is not heard (C3). How these travel as bytes is in wire.ts.
//
//   driver                         member                        neighbours, while the epoch runs
//     seal(nonce)          ->        freezes, syncs the mark       upper -> append(entry, committed)
//                          <-        sealed(durable position)      lower -> ack(position)
//     transfer(history)    ->        fetch / chunk from source     lower -> resume(position), when the link is new
//                          <-        transferred                   upper -> barrier(token);  lower -> passed(token)
//   anybody                                                      a joiner, last in the chain
//     configured(value)    ->        runs it, or steps down        joiner -> fetch(after);  upper -> chunk, then append ...
//                                                                  copier -> fetchPage(cursor);  source -> page
import type { ChainId, Epoch, Hash, HostId, Lsn, Position } from '../engine/base/ids.ts';
import type { Configuration } from './configuration.ts';

/** A batch, as its bytes travel and are stored. `hash` is the rolling hash after it; `epoch` the one it was made in (C16). */
export type Entry = {
  readonly epoch: Epoch;
  readonly lsn: Lsn;
  readonly previousHash: Hash;
  readonly hash: Hash;
  readonly bytes: Uint8Array;
};

type Of<Kind extends string> = { readonly kind: Kind; readonly chain: ChainId; readonly epoch: Epoch };
/** One attempt to begin an epoch: no two attempts share a nonce, so none can be taken for another. */
type Attempt<Kind extends string> = Of<Kind> & { readonly nonce: string };

export type Append = Of<'append'> & { readonly committed: Lsn; readonly entry: Entry };
export type Ack = Of<'ack'> & { readonly position: Position };
export type Resume = Of<'resume'> & { readonly position: Position };
export type Seal = Attempt<'seal'>;
export type Sealed = Attempt<'sealed'> & {
  readonly storeId: string;
  readonly logEpoch: Epoch;
  readonly position: Position;
};
export type Transfer = Attempt<'transfer'> & { readonly source: HostId; readonly position: Position };
export type Transferred = Attempt<'transferred'> & { readonly storeId: string };
/** The sender stands at `epoch`, and does not take part in a lower one. */
export type Refused = Attempt<'refused'>;
export type Fetch = Of<'fetch'> & { readonly after: Position };
/**
 * `isShared` is false where the sender's log does not hold the position asked for: then the histories differ there, or it lies before
 * `start`, where the sender's log begins. `isLive`: what follows these entries comes as appends.
 */
export type Chunk = Of<'chunk'> & {
  readonly after: Position;
  readonly isShared: boolean;
  readonly isLive: boolean;
  readonly start: Position;
  readonly entries: readonly Entry[];
};
/**
 * Documents below the sender's log, in the order of their keys: what they are is the store's business. They are complete through
 * `start`, or newer. `next` is where the next page begins, '' after the last; `sum` is what all of them come to.
 */
export type Page = {
  readonly cursor: string;
  readonly next: string;
  readonly start: Position;
  readonly sum: string;
  readonly bytes: Uint8Array;
};
export type FetchPage = Of<'fetchPage'> & { readonly cursor: string };
export type PageOf = Of<'page'> & { readonly page: Page };
/** What the register was confirmed to hold: whoever says this has won the CAS, or read it from a quorum (C1). */
export type Configured = Of<'configured'> & { readonly value: Configuration };
/** One question for all reads of a turn of the head: does everybody run this epoch, unsealed? Tokens grow. */
export type Barrier = Of<'barrier'> & { readonly token: number };
export type Passed = Of<'passed'> & { readonly token: number };

export type Message =
  | Append
  | Ack
  | Resume
  | Seal
  | Sealed
  | Transfer
  | Transferred
  | Refused
  | Fetch
  | Chunk
  | FetchPage
  | PageOf
  | Configured
  | Barrier
  | Passed;
