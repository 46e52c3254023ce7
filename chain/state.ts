// The state of one chain on one host, what happens to it, and what it wants done: plain data, so that it can be printed,
// compared and cloned. What is decided on it is in normal.ts (batches, acks, barriers), member.ts (being sealed and filled),
// adopt.ts (running a configuration), join.ts (both ends of a join) and driver.ts (reconfiguring); replica.ts is the door.
import type { ChainId, Epoch, HostId, Lsn, Position } from '../engine/base/ids.ts';
import { lsn, origin } from '../engine/base/ids.ts';
import type { Configuration } from './configuration.ts';
import type { Entry, Message, Page, Sealed, Transfer } from './messages.ts';

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

/** Documents on their way: from `cursor` on, of a source that is folded through `start`. A page that is being stored is not stored twice. */
export type Pages = { readonly start: Position | undefined; readonly cursor: string; readonly isStoring: boolean };

/**
 * A history that is being copied in. `base` is the last record that this log may share with the source's; once it is shown to,
 * everything behind it is cut and filled. `target` is where it ends: undefined where it goes on growing (a join).
 */
export type Copy = {
  readonly source: HostId;
  readonly target: Position | undefined;
  /** Undefined while the log is being asked for it: for the record `asked`. */
  base: Position | undefined;
  asked: number;
  /** How far the next guess goes back: doubled with each that was wrong. */
  step: number;
  /** The base is shown to be shared, and the log ends there or behind it with what was fetched. */
  isShared: boolean;
  /** The source's log begins past what this one may share: first its documents come, page by page, from `cursor` on. */
  pages: Pages | undefined;
};

export type Leftover = 'none' | 'some' | 'going';

/** Where this host stands in the chain. `idle`: since its process began, or since it stepped down, it belongs to no epoch. */
export type Phase =
  | { readonly kind: 'idle' }
  | { readonly kind: 'sealing'; readonly driver: HostId; readonly transfer: Transfer | undefined }
  | { readonly kind: 'sealed'; readonly driver: HostId }
  | { readonly kind: 'copying'; readonly driver: HostId; readonly copy: Copy }
  | { readonly kind: 'ready'; readonly driver: HostId; readonly target: Position }
  | { readonly kind: 'adopting'; readonly config: Configuration }
  | { readonly kind: 'serving'; readonly config: Configuration }
  | { readonly kind: 'enrolling'; readonly config: Configuration }
  /** `copy` is undefined once appends follow. */
  | { readonly kind: 'syncing'; readonly config: Configuration; readonly copy: Copy | undefined }
  | { readonly kind: 'wedged'; readonly reason: string };

/** What this host knows of another: which process it is (`boot` changes with every start), and which store it has. */
export type Peer = { readonly boot: string; readonly storeId: string; readonly isConnected: boolean };

/** How a driver means to have the chain: `order` are the hosts that may be in it, head first. */
export type Intention = {
  readonly order: readonly HostId[];
  readonly serversMin: number;
  /** An operator takes what these hosts hold, complete or not, and says what he accepts (C12). */
  readonly loss: string | undefined;
};

/** A reconfiguration that this host drives. One goes through its stages once; what goes wrong begins another, one epoch higher. */
export type Drive = {
  readonly intention: Intention;
  readonly nonce: string;
  stage: 'reading' | 'proposing' | 'sealing' | 'transferring' | 'activating';
  /** Its pending configuration, from `proposing` on. */
  pending: Configuration | undefined;
  readonly sealed: Map<HostId, Sealed>;
  /** The history chosen for this epoch, once (20-chain: choosing twice loses data), and who holds it. */
  chosen: { readonly source: HostId; readonly start: Position } | undefined;
  /** Who was asked to take it; and who has, with which store. */
  readonly asked: Set<HostId>;
  readonly transferred: Map<HostId, string>;
};

export type Replica = {
  readonly self: HostId;
  readonly boot: string;
  readonly storeId: string;
  readonly region: string;
  readonly chain: ChainId;
  readonly peers: Map<HostId, Peer>;
  /** The log begins behind this record: everything up to it is in documents, and on every member's disk (C17). */
  logStart: Position;
  /** Documents on this disk hold everything up to this record. */
  folded: Position;
  /** None of them holds anything past this one: while a pass is under way, or was given up, that is past `folded`. The log is never cut below it. */
  newest: Lsn;
  /** What lies on this disk beside the log: `some` of an older copy, which goes (`going`) before anything is written. */
  leftover: Leftover;
  /** The attempt that this member answers to, from the moment a seal arrives; or the epoch that it runs. */
  epoch: Epoch;
  nonce: string;
  /** As on disk. */
  marks: Marks;
  phase: Phase;
  /** The last record handed to the disk, the last synced, the last acked by the successor, and the last acked to above. */
  received: Position;
  durable: Position;
  ackedBelow: Position;
  acked: Position;
  /** As the head knows it, or has told: everything up to it is on every serving member's disk. */
  committed: Lsn;
  /** The records in (base, received]: what may have to be sent again. `base` is at or before `acked`. */
  base: Position;
  readonly inflight: Entry[];
  /** What the successor said it has, in this epoch and on this connection; nothing is sent to it before. */
  lowerResume: { readonly from: HostId; readonly position: Position } | undefined;
  /** A joiner's fetch is being read: records behind `after` are kept until it can be answered. */
  retainAfter: Lsn | undefined;
  /** What the joiner says it has synced, as far as it was told. */
  joinerAcked: Lsn;
  /** Grows with every sign that a joiner comes along. */
  joinSteps: number;
  /** This last serving member acks and passes only what this joiner acked and passed. */
  gate: HostId | undefined;
  /** The highest barrier that came from above, and the highest that was passed up. */
  barrier: number;
  passed: number;
  /** The newest value that the register was confirmed to hold. */
  known: Configuration | undefined;
  /** What the register was asked, one question at a time. */
  asking: 'look' | 'drive' | 'change' | undefined;
  /** What the CAS under way would write. */
  writing: Configuration | undefined;
  drive: Drive | undefined;
  /** The highest epoch that another host refused a lower one with. */
  floor: Epoch;
  /** Counts what this process has written into the register: no nonce is used twice. */
  nonces: number;
};

/** What an operation on the register came to. A value is what a quorum confirmed. */
export type Decision =
  | { readonly kind: 'value'; readonly value: Configuration | undefined }
  | { readonly kind: 'won' }
  | { readonly kind: 'lost'; readonly value: Configuration | undefined }
  /** It may have happened, or may not: only reading tells. */
  | { readonly kind: 'unknown' }
  /** A read that found nothing out. */
  | { readonly kind: 'failed' };

export type Event =
  | { readonly kind: 'message'; readonly from: HostId; readonly message: Message }
  | {
      readonly kind: 'synced';
      readonly position: Position | undefined;
      readonly marks: Marks | undefined;
      readonly isCut: boolean;
    }
  | { readonly kind: 'connected'; readonly peer: HostId; readonly boot: string; readonly storeId: string }
  | { readonly kind: 'disconnected'; readonly peer: HostId }
  | { readonly kind: 'propose'; readonly entry: Entry }
  /** The head asks whether its epoch still runs; answered by the effect `passed`. */
  | { readonly kind: 'barrier' }
  | {
      readonly kind: 'fetched';
      readonly to: HostId;
      readonly epoch: Epoch;
      readonly after: Position;
      readonly entries: readonly Entry[];
      /** False where the log does not hold `after`. */
      readonly isShared: boolean;
    }
  | { readonly kind: 'located'; readonly epoch: Epoch; readonly position: Position }
  /** A pass over documents begins, on this disk: none of them will hold anything past this record. */
  | { readonly kind: 'folding'; readonly through: Lsn }
  /** Documents are folded, on this disk, through this record: the log below may go, as far as C17 lets it. */
  | { readonly kind: 'folded'; readonly through: Position; readonly newest: Lsn }
  /** Nothing of the chain is left on this disk. */
  | { readonly kind: 'wiped' }
  | { readonly kind: 'pageRead'; readonly to: HostId; readonly epoch: Epoch; readonly page: Page }
  /** `isRight` is false where, with the last page, documents do not come to the sum of the source's. */
  | {
      readonly kind: 'pageStored';
      readonly epoch: Epoch;
      readonly cursor: string;
      readonly next: string;
      readonly isRight: boolean;
    }
  | { readonly kind: 'decided'; readonly decision: Decision }
  /** Policy speaks: whenever it likes. */
  | { readonly kind: 'look' }
  | { readonly kind: 'reconfigure'; readonly intention: Intention }
  /** Nobody else is waited for in the stage of the reconfiguration under way. */
  | { readonly kind: 'hurry' }
  | { readonly kind: 'abandon' }
  /** This host has no part in the chain, and keeps nothing of it any longer. */
  | { readonly kind: 'forget' }
  | { readonly kind: 'add'; readonly host: HostId }
  | { readonly kind: 'remove'; readonly host: HostId };

/** What the host carries out, in this order. `write` items of one turn, of all chains, become one synced batch. */
export type Effect =
  | { readonly kind: 'send'; readonly to: HostId; readonly message: Message }
  /** Cuts the log behind `cut`, where given, then appends. */
  | {
      readonly kind: 'write';
      readonly cut: Position | undefined;
      readonly entries: readonly Entry[];
      readonly marks: Partial<Marks> | undefined;
    }
  /** Forget the writes with entries, or that cut, which are queued and not yet handed to the disk. */
  | { readonly kind: 'dropQueued' }
  /** Read the log after a position, for `to`; comes back as `fetched`. */
  | { readonly kind: 'read'; readonly to: HostId; readonly epoch: Epoch; readonly after: Position }
  /** Read which hash stands after a record of the own log; comes back as `located`. */
  | { readonly kind: 'locate'; readonly epoch: Epoch; readonly lsn: Lsn }
  /** Remove the log through this record; takes as long as it takes. */
  | { readonly kind: 'trim'; readonly to: Position }
  /** Remove everything of the chain but its marks, behind what is queued; comes back as `wiped`. */
  | { readonly kind: 'wipe' }
  /** Read documents from `cursor` on, for `to`; comes back as `pageRead`. */
  | { readonly kind: 'readPage'; readonly to: HostId; readonly epoch: Epoch; readonly cursor: string }
  /** Keep a page; with the last one the log begins where it says. Comes back as `pageStored`. */
  | { readonly kind: 'storePage'; readonly epoch: Epoch; readonly page: Page }
  | { readonly kind: 'committed'; readonly through: Lsn }
  /** Every barrier up to this token came through the whole chain. */
  | { readonly kind: 'passed'; readonly token: number }
  /** This member heads the chain from now on: everything in its log is committed. */
  | {
      readonly kind: 'serving';
      readonly epoch: Epoch;
      readonly order: readonly HostId[];
      readonly loss: string | undefined;
    }
  /** This member no longer heads the chain: whatever was made on top of `committed` is forgotten. */
  | { readonly kind: 'stopped' }
  | { readonly kind: 'wedged'; readonly reason: string }
  /** A quorum read of the register, or a CAS; comes back as `decided`. */
  | { readonly kind: 'look' }
  | { readonly kind: 'cas'; readonly expect: Configuration | undefined; readonly value: Configuration }
  /** The register was confirmed to hold something newer than what was known here. */
  | { readonly kind: 'learned'; readonly value: Configuration };

export function createReplica(options: {
  self: HostId;
  boot: string;
  storeId: string;
  region: string;
  chain: ChainId;
  marks: Marks;
  durable: Position;
  /** Where the log begins, and through where it is folded; the origin where it never was. */
  logStart?: Position;
  folded?: Position;
  /** No document holds anything past this record; the folded one where no pass was given up. */
  newest?: Lsn;
  leftover?: Leftover;
}): Replica {
  const { self, boot, storeId, marks, durable } = options;
  return {
    ...options,
    logStart: options.logStart ?? origin,
    folded: options.folded ?? origin,
    newest: options.newest ?? (options.folded ?? origin).lsn,
    leftover: options.leftover ?? 'none',
    peers: new Map([[self, { boot, storeId, isConnected: true }]]),
    epoch: marks.sealed,
    nonce: marks.nonce,
    phase: { kind: 'idle' },
    received: durable,
    ackedBelow: origin,
    acked: durable,
    committed: lsn(0),
    base: durable,
    inflight: [],
    lowerResume: undefined,
    retainAfter: undefined,
    joinerAcked: lsn(0),
    joinSteps: 0,
    gate: undefined,
    barrier: 0,
    passed: 0,
    known: undefined,
    asking: undefined,
    writing: undefined,
    drive: undefined,
    floor: marks.sealed,
    nonces: 0,
  };
}
