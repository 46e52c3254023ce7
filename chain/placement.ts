// Who keeps what: document -> chain -> hosts, by rendezvous hashing (highest random weight; Thaler and Ravishankar, 1998).
// One hash function and one order, with test vectors in SPEC.md: every process that runs the same configuration computes the
// same placement. One host more or less moves only its own share.
//
// Plain highest weight gives 5/2/1 heads for 8 chains on 3 hosts. So heads are dealt in chain order: each chain's head is its
// highest-weight member that may lead and leads fewer than ceil(chains / hosts) chains so far; where there is none, an earlier
// chain hands its head on to make room.
import { assert } from '../engine/base/assert.ts';
import { weightOf } from '../engine/base/checksum.ts';
import type { ChainId, HostId } from '../engine/base/ids.ts';
import { chainId } from '../engine/base/ids.ts';

/** The chain of a document: the first 4 bytes of SHA-256 over its name, modulo the number of chains (fixed at `init`). */
export function placeDocument(documentName: string, chains: number): ChainId {
  return chainId(Number.parseInt(weightOf(documentName).slice(0, 8), 16) % chains);
}

/** The members of every chain, head first, then by falling weight. `mayLead` takes hosts out of the heads only. */
export function placeChains(
  hosts: readonly HostId[],
  chains: number,
  replication: number,
  mayLead: (host: HostId) => boolean,
): readonly (readonly HostId[])[] {
  assert(hosts.length > 0, 'a cluster has hosts');
  const headsMax = Math.ceil(chains / hosts.length);
  const members = Array.from({ length: chains }, (_, chain) => byWeight(hosts, chain).slice(0, replication));
  const leaders = members.map((of) => (of.some(mayLead) ? of.filter(mayLead) : of.slice(0, 1)));
  const heads: HostId[] = [];
  for (let chain = 0; chain < chains; chain += 1) {
    // Where its members cannot lead so few between them, one of them leads one more.
    for (let max = headsMax; !deal(chain, leaders, heads, max, new Set()); max += 1);
  }
  return members.map((of, chain) => {
    const head = heads[chain] as HostId;
    return [head, ...of.filter((host) => host !== head)];
  });
}

/**
 * Finds a head for `chain` that leads fewer than `max` others: by weight, or else by handing a chain of an earlier head on to
 * another of its members, as far as that takes (an augmenting path). `asked` are hosts that cannot be relieved.
 */
function deal(
  chain: number,
  leaders: readonly (readonly HostId[])[],
  heads: HostId[],
  max: number,
  asked: Set<HostId>,
): boolean {
  const candidates = leaders[chain] ?? [];
  const free = candidates.find((host) => heads.filter((head) => head === host).length < max);
  if (free !== undefined) {
    heads[chain] = free;
    return true;
  }
  for (const host of candidates) {
    if (asked.has(host)) continue;
    asked.add(host);
    for (let other = 0; other < heads.length; other += 1) {
      if (other === chain || heads[other] !== host || !deal(other, leaders, heads, max, asked)) continue;
      heads[chain] = host;
      return true;
    }
  }
  return false;
}

function byWeight(hosts: readonly HostId[], chain: number): HostId[] {
  const weights = hosts.map((host) => ({ host, weight: weightOf(`${chain}/${host}`) }));
  weights.sort((a, b) => (a.weight === b.weight ? (a.host < b.host ? -1 : 1) : a.weight > b.weight ? -1 : 1));
  return weights.map(({ host }) => host);
}
