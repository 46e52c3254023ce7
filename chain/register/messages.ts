// What a proposer and a voter say to each other. A message carries many registers: a cluster that comes back reads all of its
// chains with a handful of them. Values are bytes that nothing here looks into.
//
// A tell repeats the ballot that was asked under. A ballot belongs to one attempt of one process (ballot.ts), so an answer can
// never be taken for one to another question: not after a retry, and not by a process that took the place of the one that asked.
import type { Ballot } from './ballot.ts';
import type { Voters } from './voters.ts';

/** What a voter has accepted last in a register. */
export type Accepted = { readonly ballot: Ballot; readonly value: Uint8Array };

export type AskItem =
  | { readonly kind: 'prepare'; readonly register: number; readonly ballot: Ballot }
  | { readonly kind: 'accept'; readonly register: number; readonly ballot: Ballot; readonly value: Uint8Array };

/** `ballot` is the one asked under. */
export type TellItem =
  /** Nothing below `ballot` will be accepted any more, and `found` is what was so far. */
  | {
      readonly kind: 'promised';
      readonly register: number;
      readonly ballot: Ballot;
      readonly found: Accepted | undefined;
    }
  | { readonly kind: 'accepted'; readonly register: number; readonly ballot: Ballot }
  /** `promised`, to somebody else, stands above or at it. */
  | { readonly kind: 'rejected'; readonly register: number; readonly ballot: Ballot; readonly promised: Ballot };

export type RegisterAsk = {
  readonly kind: 'registerAsk';
  /** Of the list that the proposer goes by: a voter answers only where it is its own. */
  readonly generation: number;
  readonly items: readonly AskItem[];
};

export type RegisterTell = {
  readonly kind: 'registerTell';
  readonly generation: number;
  /** Which voter answers: a host is one only together with its store. */
  readonly storeId: string;
  readonly items: readonly TellItem[];
};

/** The newest list that the sender knows. Whoever knows an older one takes it; whoever knows a newer one says so. */
export type VotersNews = { readonly kind: 'votersNews'; readonly voters: Voters };

export type RegisterMessage = RegisterAsk | RegisterTell | VotersNews;
