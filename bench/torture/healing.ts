// What a status says of a cluster that was hurt: whether all is as before, who may vote, and whether members hold the same.
import { type ChainLine, whyNotWhole } from '../status.ts';

/** What `levelten status --json` says, as far as it is looked at here. */
export type Overview = {
  readonly hosts: readonly {
    readonly host: string;
    readonly voter?: string;
    readonly status: { readonly storeId?: string; readonly chains: readonly ReplicaLine[] } | null;
  }[];
  readonly voters?: { readonly generation: number; readonly joining?: unknown } | null;
};
type ReplicaLine = ChainLine & { readonly durable?: number; readonly hash?: string };

/** undefined where every chain has all its members, all of which serve, and every host has its voice. */
export function whyNotHealed(status: Overview | undefined, chains: number, members: number): string | undefined {
  const torn = whyNotWhole(status, chains, members);
  if (torn !== undefined || status === undefined) return torn;
  const voiceless = status.hosts.find(({ voter }) => voter !== 'yes');
  if (voiceless !== undefined) return `${voiceless.host} has no voice: ${voiceless.voter}`;
  return status.voters?.joining === undefined ? undefined : 'a voter is being replaced';
}

/** The host whose name has a voice that its store has not; undefined where there is none. */
export function voiceless(status: Overview | undefined): string | undefined {
  return status?.hosts.find(({ voter }) => voter === 'lost')?.host;
}

/** undefined where all hosts that keep a chain end at one record with one hash: that names everything before it. */
export function whyNotSame(status: Overview | undefined): string | undefined {
  const ends = new Map<number, string>();
  for (const { host, status: known } of status?.hosts ?? []) {
    for (const { chain, durable, hash } of known?.chains ?? []) {
      const end = `${durable} ${hash}`;
      const other = ends.get(chain) ?? end;
      ends.set(chain, other);
      if (other !== end) return `chain ${chain} ends at ${end} on ${host}, and elsewhere at ${other}`;
    }
  }
  return ends.size === 0 ? 'nobody answers' : undefined;
}

/** The id of the store that a host has in use; undefined where it does not answer. */
export function storeIdOf(status: Overview | undefined, host: string): string | undefined {
  return status?.hosts.find((one) => one.host === host)?.status?.storeId;
}

/** `head of 3, member of 5`. */
export function partOf(
  status: Overview | undefined,
  host: string,
): { readonly heads: number; readonly others: number } {
  const lines = status?.hosts.find((one) => one.host === host)?.status?.chains ?? [];
  const heads = lines.filter(({ isHead }) => isHead).length;
  return { heads, others: lines.filter(({ order, isHead }) => !isHead && order.includes(host)).length };
}

/** Whom to hurt next, and who stands by: heads before others, and of them the one that was hurt longest ago. */
export function chooseHosts(
  status: Overview,
  hurtAt: ReadonlyMap<string, number>,
): { readonly host: string; readonly other: string } {
  const since = (host: string): number => hurtAt.get(host) ?? -1;
  const sorted = status.hosts.map(({ host }) => host).sort((a, b) => since(a) - since(b));
  const host = sorted.find((one) => partOf(status, one).heads > 0) ?? sorted[0];
  const other = sorted.find((one) => one !== host);
  if (host === undefined || other === undefined) throw new Error('the cluster has no two hosts');
  return { host, other };
}
