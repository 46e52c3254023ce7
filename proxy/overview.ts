// One picture of the cluster out of what each host says of itself and of the others. Any host may be down, or behind: for each chain
// the newest configuration counts, and each member speaks for its own replica. This is the model that `levelten status` shows.
import type { ChainStatus } from './proxy.ts';

/** What a host says of its replica of a chain: host/inspect.ts. */
export type ReplicaLine = {
  readonly chain: number;
  readonly epoch: number;
  readonly state: string;
  readonly isHead: boolean;
  readonly members: readonly { readonly host: string; readonly storeId: string; readonly role: string }[];
  readonly configured?: { readonly epoch: number; readonly minor: number; readonly phase: string };
  /** The last epoch that it knows to have been active; 0 where none was. */
  readonly servedEpoch?: number;
  readonly received: number;
  readonly durable: number;
  /** After its last record. */
  readonly hash: string;
  /** What an operator accepted with the configuration that it knows, and a reconfiguration that it drives. */
  readonly loss?: string;
  readonly drive?: { readonly epoch: number; readonly stage: string };
  readonly logEpoch: number;
  /** Through which record documents are folded, and the log is trimmed. */
  readonly folded: number;
  readonly trimmed: number;
  /** Deleted documents whose bytes may still be in its files, and wipings of the chain; counted up to 1,000. */
  readonly erasing: number;
  readonly lag: number;
  readonly reason?: string;
};

type Voter = { readonly host: string; readonly storeId: string };
export type Voters = {
  readonly generation: number;
  readonly voters: readonly Voter[];
  readonly joining?: readonly Voter[];
};

export type HostLine = {
  readonly boot: string;
  readonly storeId: string;
  readonly isLeaving: boolean;
  readonly chains: readonly ReplicaLine[];
  readonly hosts: readonly { readonly host: string; readonly isLive: boolean; readonly isDead: boolean }[];
  readonly voters: Voters;
  /** Its clock, when it was asked. */
  readonly wallMs?: number;
  /** Its disk has too little space for new writes (E9). */
  readonly isFull?: boolean;
  /** What the walks over its store found; absent in hosts of a release before there were any. */
  readonly scrub?: { readonly last: { readonly findings: number; readonly found: readonly Found[] } | null };
};

export type Found = { readonly chain?: number; readonly code: string; readonly where: string; readonly what: string };

/** `status` is null where the host did not answer. */
export type Answer = { readonly host: string; readonly status: HostLine | null };

export type HostOverview = {
  /** `dead`: hosts that answer miss it. `silent`: it does not answer, and nobody says that it is dead. */
  readonly state: 'live' | 'leaving' | 'silent' | 'dead';
  readonly boot: string | null;
  readonly isLeaving: boolean;
  readonly heads: number;
  /** Chains in whose configuration it stands. */
  readonly chains: number;
  /** `lost`: it votes by the list, and has another store now. */
  readonly voter: 'yes' | 'no' | 'lost';
};

export type MemberOverview = {
  readonly host: string;
  readonly role: string;
  /** Of its own replica; `silent` where it does not answer. */
  readonly state: string;
  /** Its last synced record; null where it does not answer. */
  readonly lsn: number | null;
  /** How many records that is behind the longest log of the chain. */
  readonly lag: number | null;
};

export type ChainOverview = {
  readonly chain: number;
  /** Of the newest configuration that anybody knows; 0 where there is none. */
  readonly epoch: number;
  readonly minor: number;
  /** The last epoch that was active: those above it, up to `epoch`, are attempts that came to nothing yet. */
  readonly servedEpoch: number;
  readonly phase: 'active' | 'pending' | 'none';
  /** `pending`: members are being sealed and filled. `waiting`: nothing happens, for `reason`. */
  readonly state: 'serving' | 'pending' | 'waiting';
  readonly serving: boolean;
  /** Who heads it, or is meant to. */
  readonly head: string | null;
  readonly members: readonly MemberOverview[];
  /** Records that the head has taken and not yet committed. */
  readonly lag: number;
  readonly reason?: string;
};

type Said = { readonly host: string; readonly line: ReplicaLine };

export function overviewOfChain(answers: readonly Answer[], claim: ChainStatus): ChainOverview {
  const { chain } = claim;
  const said = answers.flatMap(({ host, status }): Said[] => {
    const line = status?.chains.find((one) => one.chain === chain);
    return line === undefined ? [] : [{ host, line }];
  });
  const newest = said.reduce<Said | undefined>((best, one) => (isNewer(one, best) ? one : best), undefined);
  const config = newest?.line.configured;
  const [epoch, minor] = [Math.max(config?.epoch ?? 0, claim.epoch), config?.minor ?? 0];
  const head = said.find(({ line }) => line.isHead && line.epoch >= claim.epoch);
  const members = newest?.line.members ?? [];
  const longest = Math.max(0, ...members.map(({ host }) => lineOf(said, host)?.received ?? 0));
  const isHeaded = head !== undefined || (claim.serving && claim.epoch >= (config?.epoch ?? 0));
  const isServing = isHeaded && isWhole(answers, head?.host ?? claim.head, members);
  const phase = config === undefined ? 'none' : config.phase === 'pending' ? 'pending' : 'active';
  const reason = isServing ? undefined : reasonOf(said, members, answers);
  const isStuck = phase !== 'pending' || reason !== undefined;
  return {
    chain,
    epoch,
    minor,
    servedEpoch: Math.max(newest?.line.servedEpoch ?? 0, claim.serving ? claim.epoch : 0),
    phase,
    state: isServing ? 'serving' : isStuck ? 'waiting' : 'pending',
    serving: isServing,
    head: head?.host ?? (claim.serving ? claim.head : (members[0]?.host ?? claim.head)),
    members: members.map((seat) => overviewOfMember(said, seat, longest)),
    lag: head?.line.lag ?? 0,
    ...(reason === undefined ? {} : { reason }),
  };
}

function isNewer({ line }: Said, best: Said | undefined): boolean {
  const [a, b] = [line.configured, best?.line.configured];
  if (a === undefined || b === undefined) return b === undefined;
  if (a.epoch !== b.epoch) return a.epoch > b.epoch;
  return a.phase === b.phase ? a.minor > b.minor : a.phase === 'active';
}

/** A head that misses a member takes sends, and answers none. It says so itself; where it does not answer, others may. */
function isWhole(answers: readonly Answer[], head: string | null, members: ReplicaLine['members']): boolean {
  const own = answers.find(({ host }) => host === head)?.status;
  if (own === null || own === undefined) return head === null || !isDead(answers, head);
  return members.every(({ host, role }) => {
    return role !== 'serving' || own.hosts.find((one) => one.host === host)?.isLive !== false;
  });
}

function isDead(answers: readonly Answer[], host: string): boolean {
  return answers.some(({ status }) => status?.hosts.some((one) => one.host === host && one.isDead) === true);
}

function lineOf(said: readonly Said[], host: string): ReplicaLine | undefined {
  return said.find((one) => one.host === host)?.line;
}

function overviewOfMember(
  said: readonly Said[],
  { host, role }: { readonly host: string; readonly role: string },
  longest: number,
): MemberOverview {
  const line = lineOf(said, host);
  if (line === undefined) return { host, role, state: 'silent', lsn: null, lag: null };
  return { host, role, state: line.state, lsn: line.durable, lag: Math.max(0, longest - line.durable) };
}

/** Why it does not serve: by the voters, by a host that has a reason, the newest configuration first, or by who is missing. */
function reasonOf(
  said: readonly Said[],
  members: ReplicaLine['members'],
  answers: readonly Answer[],
): string | undefined {
  // Without voters nothing can change, whatever else is wrong.
  const quorum = missingVoters(answers);
  if (quorum !== undefined) return quorum;
  const withReason = said.filter(({ line }) => line.reason !== undefined);
  const first = withReason.sort((a, b) => (b.line.configured?.epoch ?? 0) - (a.line.configured?.epoch ?? 0))[0];
  if (first !== undefined) return first.line.reason;
  const silent = members.filter(({ host }) => lineOf(said, host) === undefined).map(({ host }) => host);
  return silent.length === 0 ? undefined : `no answer from ${silent.join(', ')}`;
}

/** Why no register can be read or changed; undefined where a quorum of voters answers. */
export function missingVoters(answers: readonly Answer[]): string | undefined {
  const voters = newestVoters(answers);
  if (voters === undefined) return answers.length === 0 ? undefined : 'no host answers';
  for (const list of [voters.voters, voters.joining ?? []]) {
    const there = list.filter((voter) => isVoterThere(answers, voter));
    if (list.length === 0 || there.length * 2 > list.length) continue;
    const names = (of: readonly Voter[]): string => of.map(({ host }) => host).join(', ') || 'none';
    const missing = list.filter((voter) => !there.includes(voter));
    return `no quorum: of ${list.length} voters ${there.length} are there (${names(there)}), missing ${names(missing)}`;
  }
  return undefined;
}

function isVoterThere(answers: readonly Answer[], { host, storeId }: Voter): boolean {
  return answers.some((one) => one.host === host && one.status?.storeId === storeId);
}

export function newestVoters(answers: readonly Answer[]): Voters | undefined {
  const lists = answers.flatMap(({ status }) => (status?.voters === undefined ? [] : [status.voters]));
  return lists.reduce<Voters | undefined>(
    (best, one) => (one.generation > (best?.generation ?? 0) ? one : best),
    undefined,
  );
}

export function overviewOfHost(
  answers: readonly Answer[],
  chains: readonly ChainOverview[],
  { host, status }: Answer,
): HostOverview {
  const isLeaving = status?.isLeaving === true;
  const voters = newestVoters(answers);
  const listed = [...(voters?.voters ?? []), ...(voters?.joining ?? [])].filter((one) => one.host === host);
  const isSame = status === null || listed.some(({ storeId }) => storeId === status.storeId);
  return {
    state: status === null ? (isDead(answers, host) ? 'dead' : 'silent') : isLeaving ? 'leaving' : 'live',
    boot: status?.boot ?? null,
    isLeaving,
    heads: chains.filter((chain) => chain.serving && chain.head === host).length,
    chains: chains.filter(({ members }) => members.some((one) => one.host === host)).length,
    voter: listed.length === 0 ? 'no' : isSame ? 'yes' : 'lost',
  };
}
