// Which host heads which chain, by what the hosts themselves say. A route is a hint: a wrong one costs a hop, since a host
// that does not head a chain refuses by code and a head proves itself before it answers. So the newest epoch wins, and
// nothing is remembered of a host whose link is down.
import type { Route } from './link-wire.ts';

/** What one host says of a chain: it heads it in `epoch`, and does or does not serve yet. */
export type Claim = { readonly hostId: string; readonly epoch: number; readonly isServing: boolean };

/** For each host with a link, what it says it heads. */
export type Claims = Map<string, ReadonlyMap<number, Claim>>;

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
