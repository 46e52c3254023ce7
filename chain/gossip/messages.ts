// What peers say to each other. An exchange keeps no state between its messages: each names the set in whose order its counters
// stand, both sides look it up in what they remember, and all that is said may be said twice, late or not at all. So there is
// nothing to forget when an exchange is interrupted, and no table of exchanges that could overflow.
//
//   happy    hello -> found -> counters                    the responder remembers the initiator's set
//   reverse  hello -> unknown -> reverse -> counters       the initiator remembers the responder's
//   slow     hello -> unknown -> full -> rest              neither does: one full set, and what it lacks
//
// Hints are compared beside it: a digest in each hello; where it differs, versions in the answer; then `hints`, both ways.
import type { Instance } from './instances.ts';

/** An instance as its sender knows it. `ageMs` is how long ago its counter grew there: news does not get younger on its way. */
export type Known = { readonly instance: Instance; readonly counter: number; readonly ageMs: number };

/** The configuration of a chain as somebody has it. Its bytes are opaque here. Never an authority (C2). */
export type Hint = {
  readonly chain: number;
  readonly epoch: number;
  readonly minor: number;
  readonly bytes: Uint8Array;
};
export type Version = Omit<Hint, 'bytes'>;

/** What became known lately: instances, hashes of those that are gone, and hints that are still news. */
type News = {
  readonly appeared: readonly Known[];
  readonly gone: readonly string[];
  readonly rumours: readonly Hint[];
};
/** What the sender knows of `set`, a hash: counters in its order. */
type Counters = { readonly set: string; readonly counters: Uint32Array };
/** What the sender has besides the set, and what of the set it knows to be gone. */
type Difference = { readonly missing: readonly Known[]; readonly gone: readonly string[] };
/** What of the set, by its place, the sender lacks and would take. */
type Wanted = { readonly wanted: readonly number[] };
/** All hints by version; undefined where the digests were equal. */
type Versions = { readonly versions: readonly Version[] | undefined };

export type GossipMessage =
  /** The sender's own counter rides along, under the hash of its instance: a first message that arrives is a sign of life. */
  | ({
      readonly kind: 'hello';
      readonly set: string;
      readonly sender: string;
      readonly counter: number;
      readonly digest: string;
    } & News)
  | ({ readonly kind: 'found'; readonly rumours: readonly Hint[] } & Counters & Difference & Wanted & Versions)
  | ({ readonly kind: 'unknown'; readonly set: string } & News & Versions)
  | ({ readonly kind: 'reverse' } & Counters & Difference & Wanted)
  | ({ readonly kind: 'counters' } & Counters & { readonly missing: readonly Known[] })
  | { readonly kind: 'full'; readonly instances: readonly Known[] }
  | ({ readonly kind: 'rest' } & Counters & Difference)
  | { readonly kind: 'hints'; readonly hints: readonly Hint[]; readonly wanted: readonly number[] };

export type GossipKind = GossipMessage['kind'];
