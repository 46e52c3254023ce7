// What a node is made of, what happens to it, and what it wants done; and where it would place chains. node.ts is the door.
import type { ChainId, HostId, Lsn, Position } from '../engine/base/ids.ts';
import type { Detector } from './detector.ts';
import { isWanted } from './detector.ts';
import type { Instance } from './gossip/instances.ts';
import type { GossipMessage } from './gossip/messages.ts';
import type { Profile } from './gossip/profile.ts';
import type { Gossip } from './gossip/state.ts';
import type { NodeMessage } from './node-messages.ts';
import { placeChains } from './placement.ts';
import type { CellBytes } from './register/cell.ts';
import type { Keep, Replaced, VotersChanged } from './register/effects.ts';
import type { Registers } from './register/state.ts';
import type { Voter, Voters } from './register/voters.ts';
import type { Effect, Event, Leftover, Marks, Replica } from './state.ts';
import type { Care, Facts } from './steward.ts';
import type { VoterCare } from './voter-care.ts';

/** A chain as a store has it. */
export type StoredReplica = {
  readonly chain: ChainId;
  readonly marks: Marks;
  readonly durable: Position;
  readonly logStart: Position;
  readonly folded: Position;
  readonly newest: Lsn;
  readonly leftover: Leftover;
};

export type NodeOptions = {
  readonly self: HostId;
  readonly boot: string;
  readonly storeId: string;
  readonly region: string;
  /** All hosts of the cluster, this one among them. */
  readonly hosts: readonly HostId[];
  readonly replication: number;
  /** With fewer serving members a chain does not run. */
  readonly serversMin: number;
  readonly mayLead: boolean;
  /** How this host appears in gossip. */
  readonly instance: Instance;
  readonly profile: Profile;
  /** Who votes, as the cluster was made; and what this store kept of registers. */
  readonly voters: Voters;
  readonly cells: readonly CellBytes[];
  /** Every chain of the cluster, as this store holds it. */
  readonly replicas: readonly StoredReplica[];
  readonly nowMs: number;
  /** How often ticks come. */
  readonly tickMs: number;
  /** How much of other hosts' logs may be fetched, over all chains. */
  readonly fetchBytesPerSecond: number;
  /** How long what is kept of a chain that this host left stays. */
  readonly leftMs: number;
  /** In [0, 1). */
  readonly random: () => number;
};

export type NodeChain = {
  readonly replica: Replica;
  readonly care: Care;
  /** A fetch that waits for its turn. */
  fetches: readonly (NodeEffect & { kind: 'send' })[];
};

export type Node = {
  readonly options: NodeOptions;
  readonly chains: Map<ChainId, NodeChain>;
  readonly registers: Registers;
  readonly gossip: Gossip;
  readonly detector: Detector;
  readonly mayLead: Map<HostId, boolean>;
  /** What was said to oneself in this turn. */
  readonly inbox: NodeMessage[];
  nowMs: number;
  tickAtMs: number;
  operation: number;
  /** Who begins each chain: as placed over all hosts of the cluster, whoever is there. */
  readonly founders: readonly (readonly HostId[])[];
  /** Where every chain should be, for the hosts that the key names. */
  placement: { readonly key: string; readonly chains: readonly (readonly HostId[])[] };
  /** What may still be fetched; at 0 or below nothing is, until time has paid for it. */
  fetchBytes: number;
  readonly voterCare: VoterCare;
  isShaken: boolean;
};

export type NodeEvent =
  | { readonly kind: 'message'; readonly from: HostId; readonly message: NodeMessage }
  /** Of one chain: synced, fetched, located, propose, barrier; or an operator's will. */
  | { readonly kind: 'chain'; readonly chain: ChainId; readonly event: Event }
  /** Every `keep` up to this serial is synced. */
  | { readonly kind: 'kept'; readonly serial: number }
  | {
      readonly kind: 'connected';
      readonly peer: HostId;
      readonly boot: string;
      readonly storeId: string;
      readonly mayLead: boolean;
    }
  | { readonly kind: 'disconnected'; readonly peer: HostId }
  /** Nobody listens where this host should: its process is gone. */
  | { readonly kind: 'refused'; readonly peer: HostId }
  | { readonly kind: 'tick' }
  | { readonly kind: 'replaceVoter'; readonly leaver: Voter; readonly joiner: Voter }
  /** This host is to be emptied, or is not any more. */
  | { readonly kind: 'leave'; readonly isLeaving: boolean }
  /** This host's disk has too little space, or has enough again. */
  | { readonly kind: 'space'; readonly isFull: boolean }
  | { readonly kind: 'proxyMessage'; readonly from: string; readonly message: GossipMessage }
  | { readonly kind: 'proxyLink'; readonly id: string; readonly isConnected: boolean };

export type NodeEffect =
  | { readonly kind: 'send'; readonly to: HostId; readonly message: NodeMessage }
  /** To a host or a proxy, where there is a link. */
  | { readonly kind: 'gossip'; readonly to: string; readonly message: GossipMessage }
  | { readonly kind: 'chain'; readonly chain: ChainId; readonly effect: Effect }
  | Keep
  | VotersChanged
  | Replaced;

/** Where every chain should be now: on hosts that are there and are not being emptied. */
export function desiredMembers(node: Node): readonly (readonly HostId[])[] {
  const { options, detector, chains, mayLead } = node;
  const hosts = options.hosts.filter((host) => isWanted(detector, host));
  const key = hosts.map((host) => `${host}${mayLead.get(host) === false ? '-' : ''}`).join();
  if (node.placement.key !== key) {
    const isLeader = (host: HostId): boolean => mayLead.get(host) !== false;
    const size = Math.min(options.replication, hosts.length);
    node.placement = { key, chains: size === 0 ? [] : placeChains(hosts, chains.size, size, isLeader) };
  }
  return node.placement.chains;
}

/** What policy goes by for one chain. */
export function factsOf(node: Node, chain: ChainId, placement: readonly (readonly HostId[])[]): Facts {
  const { options, detector, nowMs } = node;
  const { replication, serversMin, leftMs, random } = options;
  const [desired, founders] = [placement[chain] ?? [], node.founders[chain] ?? []];
  return { detector, nowMs, replication, serversMin, desired, founders, leftMs, chance: random() };
}
