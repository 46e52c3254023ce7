// How fast gossip runs, and how patient it is. Each setting says what it costs and what it is made from.

export type Profile = {
  /** How often an instance raises its own counter. Below the pause between exchanges nobody would see the difference. */
  readonly heartbeatMs: number;
  /** Pauses between the exchanges that one starts. Each costs 8 bytes an instance, both ways together, and halves what is late. */
  readonly gossipMsMin: number;
  readonly gossipMsMax: number;
  /** An instance whose counter is this old goes at a peer's word: `deadMs` less the drift of clocks and the news under way. */
  readonly deletableMs: number;
  /**
   * An instance whose counter is this old goes by our own word. All know of a crash within this and the ~log2(n) rounds in which its last
   * counter was still spreading; what is below the longest gap between two counters at the farthest host accuses the living.
   */
  readonly deadMs: number;
  /**
   * Added to both for each doubling of the set above 32 instances: each takes a counter one round more to the farthest host. Nothing
   * where `deadMs` was chosen for the largest cluster; else a small cluster pays for its patience what only a large one needs.
   */
  readonly doublingMs: number;
  /** How long a change rides in first messages: at least `deadMs - deletableMs`, plus log2(n) rounds and some that got lost. */
  readonly recentMs: number;
  /**
   * An instance that was declared dead comes back once its counter has grown by more than this. A dead one's last counters that were under
   * way cannot pass it; a living one passes it while it is silent: half of `deletableMs`, in heartbeats.
   */
  readonly revivalHeartbeats: number;
  /** How long one that is gone is remembered: longer than any peer may still hold it, who ages what he hands on. */
  readonly goneMs: number;
  /** A pause of our own longer than this starts our patience anew. Ticks are never this late in a process that is well. */
  readonly lagMs: number;
  /** How often, about, we call on a bootstrap peer that is not in our set, and so perhaps in another. */
  readonly bootstrapMs: number;
  /** How long a hint that was withdrawn is refused. Longer saves reads of a register; shorter forgives a mistake sooner. */
  readonly hintRefusedMs: number;
};

/** The set up to which a profile's patience holds as it stands. */
const patientUpTo = 32;

/** What `doublingMs` adds for a set of so many. */
export function farMs(profile: Profile, instances: number): number {
  return profile.doublingMs * Math.max(0, Math.log2(instances / patientUpTo));
}

/** The paper's figures: 1,000 hosts know of a crash within 25 s + 11 rounds. */
export const paper: Profile = {
  heartbeatMs: 1_000,
  gossipMsMin: 1_000,
  gossipMsMax: 1_000,
  deletableMs: 20_000,
  deadMs: 25_000,
  doublingMs: 0,
  recentMs: 20_000,
  revivalHeartbeats: 10,
  goneMs: 250_000,
  lagMs: 2_000,
  bootstrapMs: 10_000,
  hintRefusedMs: 60_000,
};

/** A rack, a laptop. */
export const lan: Profile = {
  heartbeatMs: 100,
  gossipMsMin: 100,
  gossipMsMax: 250,
  deletableMs: 1_500,
  deadMs: 2_000,
  doublingMs: 175,
  recentMs: 3_000,
  revivalHeartbeats: 7,
  goneMs: 60_000,
  lagMs: 200,
  bootstrapMs: 2_000,
  hintRefusedMs: 30_000,
};
