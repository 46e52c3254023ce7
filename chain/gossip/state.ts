// What one peer knows, and what happens to it. Counters stand in typed arrays in the order of the current set: an exchange between
// peers that agree is two loops over plain numbers, without a lookup, a sort or a string.
import type { Instance, InstanceSet } from './instances.ts';
import type { GossipMessage, Hint } from './messages.ts';
import type { Profile } from './profile.ts';

export type GossipOptions = {
  readonly self: Instance;
  readonly profile: Profile;
  /** In [0, 1). */
  readonly random: () => number;
  /** Whom to call on before anybody is known: ids, or addresses as instances give them. */
  readonly bootstrap: readonly string[];
  /** Of a clock that never goes back. */
  readonly nowMs: number;
};

export type GossipEvent =
  /** `lagMs` is how much later than due the host's own loop came round. */
  | { readonly kind: 'tick'; readonly nowMs: number; readonly lagMs: number }
  | { readonly kind: 'message'; readonly from: string; readonly message: GossipMessage; readonly nowMs: number }
  /** A link to or from `id` stands: only so can a host call on a proxy. */
  | { readonly kind: 'connected' | 'disconnected'; readonly id: string }
  /** The register was read, or written, by ourselves: this is how the chain stands. */
  | ({ readonly kind: 'hint'; readonly nowMs: number } & Hint)
  /** The register was read and knows nothing of `epoch` or any after it: what was heard of those is false. */
  | { readonly kind: 'dropHint'; readonly chain: number; readonly epoch: number; readonly nowMs: number };

export type GoneWhy = 'expired' | 'deleted' | 'replaced';
export type GossipEffect =
  /** `to` is an id, or an entry of `bootstrap`. Best effort: it may be lost, repeated or late. */
  | { readonly kind: 'gossip'; readonly to: string; readonly message: GossipMessage }
  | { readonly kind: 'appeared'; readonly instance: Instance }
  | { readonly kind: 'gone'; readonly instance: Instance; readonly why: GoneWhy }
  /** A newer configuration was heard of. A reason to read the register, never to believe. */
  | ({ readonly kind: 'hint' } & Hint);

/** How often and how dearly, since the start. Exchanges are counted by whoever began them. */
export type GossipMetrics = {
  started: number;
  happy: number;
  reverse: number;
  /** To be watched: many outside changes of capacity mean that peers have no common past. */
  slow: number;
  /** Messages about a set that is no longer remembered, and such that cannot be. */
  refused: number;
  readonly bytes: { hello: number; happy: number; reverse: number; slow: number; hints: number };
};

/** One that is gone, and the counter that it had then: it lives only if that has grown far past it. */
export type Tombstone = { readonly counter: number; readonly atMs: number };

export type HeldHint = {
  readonly hint: Hint;
  /** How many more exchanges it rides in. */
  ridesLeft: number;
};

export type Hints = {
  readonly held: Map<number, HeldHint>;
  /** Chains whose hint still rides. */
  readonly rumours: Set<number>;
  /** What we confirmed ourselves last: what a false one gives way to. */
  readonly confirmed: Map<number, Hint>;
  /** By chain: the epoch from which on what is heard is not believed, and until when. */
  readonly refused: Map<number, { readonly epoch: number; readonly untilMs: number }>;
  /** Over all versions; undefined when it has to be made anew. */
  digest: string | undefined;
};

export type Gossip = {
  readonly self: Instance;
  readonly profile: Profile;
  readonly random: () => number;
  readonly bootstrap: readonly string[];
  /** The current set, and in its order: counters, and when each grew by our clock. */
  set: InstanceSet;
  counters: Uint32Array;
  grewMs: Float64Array;
  /** Our own place in the set. */
  selfAt: number;
  /** The instance set chain: sets that were ours or a peer's, by hash, the one used longest ago first. */
  readonly history: Map<string, InstanceSet>;
  /** The oldest first. */
  recent: { readonly instance: Instance; readonly atMs: number }[];
  recentGone: { readonly hash: string; readonly atMs: number }[];
  readonly gone: Map<string, Tombstone>;
  /** Whom a peer holds for dead and we do not yet, with its counter then; by hash, only of our set. */
  readonly accused: Map<string, { readonly instance: Instance; readonly counter: number }>;
  /** When the first of them may be judged. */
  accusedAtMs: number;
  readonly reachable: Set<string>;
  /** Whom we may call on: made anew with the set and with links. */
  peers: readonly string[];
  readonly hints: Hints;
  readonly metrics: GossipMetrics;
  /** Nobody's silence counts from before this: we were not listening. */
  patientFromMs: number;
  heartbeatAtMs: number;
  gossipAtMs: number;
  bootstrapAtMs: number;
  /** Nobody has been silent since before this: without a look at each, an earlier bound of it. */
  oldestMs: number;
  /** Patience for a set as it is now: at a peer's word, and at our own. */
  deletableMs: number;
  deadMs: number;
};
