// Which host heads which chain, by what the hosts themselves say. A route is a hint: a wrong one costs a hop, since a host
// that does not head a chain refuses by code and a head proves itself before it answers. So the newest epoch wins, and
// nothing is remembered of a host whose link is down.
//
// Gossip may know of a move before the new head speaks. What it says is a guess (C2):
//
// | claim of a host   | newest guess                         | route                                                |
// | ----------------- | ------------------------------------ | ---------------------------------------------------- |
// | in epoch e        | in epoch <= e, or at that very host  | the claim                                            |
// | lower, or none    | its host cannot be reached           | the claim                                            |
// | lower, or none    | its host can be reached              | the guess, until its host refuses                    |
// | (any)             | refused                              | the claim; this guess is not taken again             |
import type { Route } from './link-wire.ts';

/** What one host says of a chain: it heads it in `epoch`, and does or does not serve yet. */
export type Claim = { readonly hostId: string; readonly epoch: number; readonly isServing: boolean };

/** For each host with a link, what it says it heads. */
export type Claims = Map<string, ReadonlyMap<number, Claim>>;

/** Who heads a chain by a configuration that was heard of. */
export type Guess = { readonly hostId: string; readonly epoch: number; readonly minor: number };

export type Guesses = {
  readonly held: Map<number, Guess>;
  /** The last that was refused, by chain; `isTold` once it was shown to be false and that was said. */
  readonly refused: Map<number, { readonly guess: Guess; isTold: boolean }>;
};

/** Where to go for a chain, by the table above. */
export function routeOf(
  claims: Claims,
  guesses: Guesses,
  chain: number,
  isReachable: (hostId: string) => boolean,
): (Claim & { readonly isGuess: boolean }) | undefined {
  const claim = claimOf(claims, chain);
  const guess = guesses.held.get(chain);
  const isNews = guess !== undefined && guess.epoch > (claim?.epoch ?? 0) && guess.hostId !== claim?.hostId;
  if (isNews && isReachable(guess.hostId)) {
    return { hostId: guess.hostId, epoch: guess.epoch, isServing: true, isGuess: true };
  }
  return claim === undefined ? undefined : { ...claim, isGuess: false };
}

/** Takes what was heard of; true where it is news. */
export function learnGuess({ held, refused }: Guesses, chain: number, guess: Guess): boolean {
  const [before, bad] = [held.get(chain), refused.get(chain)?.guess];
  if (bad?.epoch === guess.epoch && bad.minor === guess.minor) return false;
  if (before !== undefined && !isLater(guess, before)) return false;
  held.set(chain, guess);
  return true;
}

function isLater(a: Guess, b: Guess): boolean {
  return a.epoch === b.epoch ? a.minor > b.minor : a.epoch > b.epoch;
}

/** The host says no: this one is not taken again. */
export function refuseGuess({ held, refused }: Guesses, chain: number): void {
  const guess = held.get(chain);
  if (guess === undefined) return;
  held.delete(chain);
  refused.set(chain, { guess, isTold: false });
}

/** A chain has shown something in `epoch`: a refused guess above that was false. Its epoch, once. */
export function disproved({ refused }: Guesses, chain: number, epoch: number): number | undefined {
  const entry = refused.get(chain);
  if (entry === undefined || entry.isTold || entry.guess.epoch <= epoch) return undefined;
  entry.isTold = true;
  return entry.guess.epoch;
}

/** The claim with the highest epoch, whether it serves or not; between equals the lower host id. */
export function claimOf(claims: Claims, chain: number): Claim | undefined {
  let best: Claim | undefined;
  for (const claimsOfHost of claims.values()) {
    const claim = claimsOfHost.get(chain);
    if (claim !== undefined && (best === undefined || isNewer(claim, best))) best = claim;
  }
  return best;
}

function isNewer(claim: Claim, other: Claim): boolean {
  return claim.epoch === other.epoch ? claim.hostId < other.hostId : claim.epoch > other.epoch;
}

/** Takes a host's whole list, and returns the chains for which the best claim may have changed. */
export function learn(claims: Claims, hostId: string, routes: readonly Route[]): number[] {
  const before = claims.get(hostId) ?? new Map<number, Claim>();
  const after = new Map<number, Claim>();
  for (const [chain, epoch, isServing] of routes) after.set(chain, { hostId, epoch, isServing });
  claims.set(hostId, after);
  const changed: number[] = [];
  for (const [chain, claim] of after) {
    const former = before.get(chain);
    if (former?.epoch !== claim.epoch || former.isServing !== claim.isServing) changed.push(chain);
  }
  for (const chain of before.keys()) if (!after.has(chain)) changed.push(chain);
  return changed;
}

/** Drops all that a host said, and returns the chains it spoke of. */
export function forget(claims: Claims, hostId: string): number[] {
  const chains = [...(claims.get(hostId)?.keys() ?? [])];
  claims.delete(hostId);
  return chains;
}

/** True for an array of [chain, epoch, serving]: link-wire.ts leaves the inside of a routes message to its reader. */
export function areRoutes(value: unknown): value is readonly Route[] {
  return Array.isArray(value) && value.every(isRoute);
}

function isRoute(value: unknown): boolean {
  if (!Array.isArray(value) || value.length !== 3) return false;
  const [chain, epoch, isServing] = value as unknown[];
  return Number.isSafeInteger(chain) && Number.isSafeInteger(epoch) && typeof isServing === 'boolean';
}
