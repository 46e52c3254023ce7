// The state of one member of one chain, what happens to it, and what it wants done: plain data, so that it can be printed,
// compared and cloned. What is decided on it is in normal.ts (batches and acks), member.ts (being sealed and started) and
// assembly.ts (starting the others); replica.ts is the door.
import { assert } from '../engine/base/assert.ts';
import type { ChainId, Epoch, HostId, Lsn, Position } from '../engine/base/ids.ts';
import { lsn, origin } from '../engine/base/ids.ts';
import type { Entry, Message, Sealed } from './messages.ts';

/**
 * What a member keeps on disk beside its log. `sealed`: the highest epoch it has sealed for, and for which attempt (nonce).
 * `ran`: the highest epoch in which it appended, forwarded, acked or served. `logEpoch`: the epoch whose history its log
 * holds; 0 while a history is being copied in.
 */
export type Marks = {
  readonly sealed: Epoch;
  readonly nonce: string;
  readonly ran: Epoch;
  readonly logEpoch: Epoch;
};

/** Where a member stands. `idle`: since its process began it belongs to no epoch. */
export type Phase =
  | { readonly kind: 'idle' }
  | { readonly kind: 'sealing' }
  | { readonly kind: 'sealed' }
  | { readonly kind: 'copying'; readonly source: HostId; readonly target: Position }
  | { readonly kind: 'ready'; readonly target: Position }
  | { readonly kind: 'adopting'; readonly order: readonly HostId[]; readonly start: Position }
  | { readonly kind: 'serving'; readonly order: readonly HostId[]; readonly start: Position }
  | { readonly kind: 'wedged'; readonly reason: string };

/** What this host knows of another: which process it is (`boot` changes with every start) and whether it may head chains. */
export type Peer = { readonly boot: string; readonly mayLead: boolean; readonly isConnected: boolean };

/**
 * A start of the chain under way, or done, on the member that drives it. Each stage waits for all members; whatever goes wrong
 * begins another start, one epoch higher.
 */
export type Assembly = {
  readonly epoch: Epoch;
  readonly nonce: string;
  /** Which process each member was when this start began. */
  readonly boots: ReadonlyMap<HostId, string>;
  stage: 'sealing' | 'transferring' | 'activating' | 'serving';
  readonly sealed: Map<HostId, Sealed>;
  /** Who has answered the current stage. */
  answered: Set<HostId>;
  /** The history chosen for this epoch, once (20-chain: choosing twice loses data). */
  start: Position;
};

export type Replica = {
  readonly self: HostId;
  readonly boot: string;
  readonly storeId: string;
  readonly chain: ChainId;
  /** All members, in the order of placement. Fixed until reconfiguration exists. */
  readonly members: readonly HostId[];
  readonly peers: Map<HostId, Peer>;
  /** The attempt that this member is sealed for: what it answers to, from the moment the seal arrives. */
  epoch: Epoch;
  nonce: string;
  driver: HostId | undefined;
  /** As on disk. */
  marks: Marks;
  phase: Phase;
  /** The last record handed to the disk, the last synced, the last acked by the successor, and the last acked to above. */
  received: Position;
  durable: Position;
  ackedBelow: Position;
  acked: Position;
  /** As the head knows it, or has told: everything up to it is on every member's disk. */
  committed: Lsn;
  /** The records in (acked, received]: what may have to be sent again. */
  readonly inflight: Entry[];
  /** What the successor said it has, in this epoch and on this connection; nothing is sent to it before. */
  lowerResume: { readonly from: HostId; readonly position: Position } | undefined;
  /** Present on the member that drives a start of the chain. */
  assembly: Assembly | undefined;
};

export type Event =
  | { readonly kind: 'message'; readonly from: HostId; readonly message: Message }
  | { readonly kind: 'synced'; readonly position: Position | undefined; readonly marks: Marks | undefined }
  | { readonly kind: 'connected'; readonly peer: HostId; readonly boot: string; readonly mayLead: boolean }
  | { readonly kind: 'disconnected'; readonly peer: HostId }
  | { readonly kind: 'propose'; readonly entry: Entry }
  | {
      readonly kind: 'fetched';
      readonly to: HostId;
      readonly epoch: Epoch;
      readonly after: Position;
      readonly entries: readonly Entry[];
      /** False where the log does not hold `after`. */
      readonly isShared: boolean;
    };

/** What the host carries out, in this order. `write` items of one turn, of all chains, become one synced batch. */
export type Effect =
  | { readonly kind: 'send'; readonly to: HostId; readonly message: Message }
  | { readonly kind: 'write'; readonly entries: readonly Entry[]; readonly marks: Partial<Marks> | undefined }
  /** Forget the writes with entries that are queued and not yet handed to the disk. */
  | { readonly kind: 'dropQueued' }
  /** Read the log after a position, for `to`; comes back as `fetched`. */
  | { readonly kind: 'read'; readonly to: HostId; readonly epoch: Epoch; readonly after: Position }
  | { readonly kind: 'committed'; readonly through: Lsn }
  /** This member heads the chain from now on: everything in its log is committed. */
  | { readonly kind: 'serving'; readonly epoch: Epoch; readonly order: readonly HostId[] }
  /** This member no longer heads the chain: whatever was made on top of `committed` is forgotten. */
  | { readonly kind: 'stopped' }
  | { readonly kind: 'wedged'; readonly reason: string };

export function createReplica(options: {
  self: HostId;
  boot: string;
  storeId: string;
  chain: ChainId;
  members: readonly HostId[];
  mayLead: boolean;
  marks: Marks;
  durable: Position;
}): Replica {
  const { self, boot, storeId, chain, members, marks, durable } = options;
  assert(members.includes(self), `${self} is a member of chain ${chain}`);
  return {
    self,
    boot,
    storeId,
    chain,
    members,
    peers: new Map([[self, { boot, mayLead: options.mayLead, isConnected: true }]]),
    epoch: marks.sealed,
    nonce: marks.nonce,
    driver: undefined,
    marks,
    phase: { kind: 'idle' },
    received: durable,
    durable,
    ackedBelow: origin,
    acked: durable,
    committed: lsn(0),
    inflight: [],
    lowerResume: undefined,
    assembly: undefined,
  };
}
