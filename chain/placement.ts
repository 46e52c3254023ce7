// Who keeps what: document -> chain -> hosts, by rendezvous hashing (highest random weight; Thaler and Ravishankar, 1998).
// One hash function and one order, with test vectors in SPEC.md: every process that runs the same configuration computes the
// same placement. One host more or less moves only its own share.
//
// Plain highest weight gives 5/2/1 heads for 8 chains on 3 hosts. So heads are dealt in chain order: each chain's head is its
// highest-weight member that may lead and leads fewer than ceil(chains / hosts) chains so far.
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
  const heads = new Map<HostId, number>();
  const placed: HostId[][] = [];
  for (let chain = 0; chain < chains; chain += 1) {
    const members = byWeight(hosts, chain).slice(0, replication);
    const head =
      members.find((host) => mayLead(host) && (heads.get(host) ?? 0) < headsMax) ??
      members.find(mayLead) ??
      (members[0] as HostId);
    heads.set(head, (heads.get(head) ?? 0) + 1);
    placed.push([head, ...members.filter((host) => host !== head)]);
  }
  return placed;
}

function byWeight(hosts: readonly HostId[], chain: number): HostId[] {
  const weights = hosts.map((host) => ({ host, weight: weightOf(`${chain}/${host}`) }));
  weights.sort((a, b) => (a.weight === b.weight ? (a.host < b.host ? -1 : 1) : a.weight > b.weight ? -1 : 1));
  return weights.map(({ host }) => host);
}
