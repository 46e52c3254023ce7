// When to reconfigure a chain, have a host join it, or move it. Policy, and nothing but: whatever is decided here, at whatever
// moment and by however many hosts at once, costs availability at worst. What keeps data safe is in replica.ts and below.
//
//   unknown   nobody here knows the register -> look
//   empty     the chain never ran            -> the host that is to head it begins, with all who are placed
//   trouble   a member is dead, was restarted, wedged or stuck; a driver is gone -> reconfigure with those who are left
//   thin      fewer serve than should        -> the last serving member adds one, and gives up one that does not come along
//   former    this host has left it          -> it forgets what it had, after a while
//   crooked   placement wants it otherwise   -> the head moves it, when nothing else happened for a while
//
// The members of a chain act in turn, the first at once and each other `staggerMs` later, so that drivers seldom meet.
import type { HostId } from '../engine/base/ids.ts';
import {
  driveMs,
  heldUpMsMax,
  heldUpMsMin,
  hurryMs,
  idleLookMs,
  joinStuckMs,
  lookMs,
  movePauseMs,
  pendingMs,
  pendingMsMax,
  settledMs,
  spacingMsMax,
  spacingMsMin,
  staggerMs,
  stuckMs,
} from '../engine/base/limits.ts';
import { isLeftOut } from './adopt.ts';
import type { Active, Seat } from './configuration.ts';
import { lastActive, seatOf, servingOf } from './configuration.ts';
import type { Detector } from './detector.ts';
import { isConfirmedDead, isLive, isSuspect } from './detector.ts';
import { isForgettable } from './former.ts';
import { isLastServing, joinerOf } from './join.ts';
import { isServingHead, lowerOf } from './normal.ts';
import type { Event, Replica } from './state.ts';

/** What policy remembers of one chain. */
export type Care = {
  /** The register was read and held nothing. */
  isEmpty: boolean;
  lookAtMs: number;
  /** The stage of the reconfiguration under way here, and since when. */
  stage: string;
  stageSinceMs: number;
  /** What is wrong, since when; undefined where nothing is. */
  trouble: string | undefined;
  troubleSinceMs: number;
  /** The pending value of somebody else, by its nonce, and since when it is known. */
  pendingNonce: string;
  pendingSinceMs: number;
  /** Since when this host answers to the attempt that it is sealed for. */
  sealedKey: string;
  sealedSinceMs: number;
  /** Hosts that held the chain up: until when they are passed over, and for how long the next time. */
  heldUp: Map<HostId, { readonly untilMs: number; readonly pauseMs: number }>;
  /** Who served in the configuration before this one. */
  served: readonly HostId[];
  /** How far acks had come, and since when they stand there while work waits. */
  ackedLsn: number;
  passed: number;
  movedMs: number;
  /** Which process each member was when its configuration was learned. */
  boots: Map<HostId, string>;
  configSinceMs: number;
  configKey: string;
  joinSeenMs: number;
  joinKey: string;
  /** Not before this, and how long after the next. */
  nextAtMs: number;
  spacingMs: number;
  /** Why the chain does not serve as it should, for people. */
  reason: string | undefined;
};

/** What policy goes by: the cluster as configured, and where placement wants the chain, given who is there. */
export type Facts = {
  readonly detector: Detector;
  readonly nowMs: number;
  readonly replication: number;
  readonly serversMin: number;
  /** Head first, among those who are there now. */
  readonly desired: readonly HostId[];
  /** Head first, among all hosts of the cluster: who begins the chain. */
  readonly founders: readonly HostId[];
  /** How long a host keeps what it had of a chain that it left. */
  readonly leftMs: number;
  readonly chance: number;
};

export function createCare(nowMs: number): Care {
  return {
    isEmpty: false,
    lookAtMs: nowMs,
    stage: '',
    stageSinceMs: nowMs,
    trouble: undefined,
    troubleSinceMs: nowMs,
    pendingNonce: '',
    pendingSinceMs: nowMs,
    sealedKey: '',
    sealedSinceMs: nowMs,
    heldUp: new Map(),
    served: [],
    ackedLsn: 0,
    passed: 0,
    movedMs: nowMs,
    boots: new Map(),
    configSinceMs: nowMs,
    configKey: '',
    joinSeenMs: nowMs,
    joinKey: '',
    nextAtMs: nowMs,
    spacingMs: spacingMsMin,
    reason: undefined,
  };
}

/** What to do about a chain now, if anything. */
export function decide(care: Care, replica: Replica, facts: Facts): Event | undefined {
  observe(care, replica, facts);
  if (replica.drive !== undefined) return attend(care, facts);
  if (replica.asking !== undefined) return undefined;
  const active = lastActive(replica.known);
  if (replica.known === undefined && !care.isEmpty) return look(care, facts);
  if (active === undefined && replica.known === undefined) return found(care, replica, facts);
  const trouble = troubleOf(care, replica, active, facts);
  if (trouble !== care.trouble) {
    if (care.trouble === undefined || trouble === undefined) care.troubleSinceMs = facts.nowMs;
    care.trouble = trouble;
  }
  if (trouble !== undefined) return mend(care, replica, active, facts);
  care.reason = undefined;
  if (facts.nowMs - care.troubleSinceMs > settledMs) care.spacingMs = spacingMsMin;
  if (isForgettable(replica, care.configSinceMs, facts)) return { kind: 'forget' };
  return tend(care, replica, facts) ?? (isLookDue(care, replica, facts) ? look(care, facts) : undefined);
}

function observe(care: Care, replica: Replica, facts: Facts): void {
  const { known, phase } = replica;
  const { nowMs } = facts;
  const key = `${known?.phase} ${known?.epoch} ${known?.minor}`;
  const sealedKey = `${replica.epoch} ${replica.nonce}`;
  if (sealedKey !== care.sealedKey) [care.sealedKey, care.sealedSinceMs] = [sealedKey, nowMs];
  if (key !== care.configKey) {
    noteLeftOut(care, replica, facts);
    care.configKey = key;
    care.configSinceMs = nowMs;
    care.boots = new Map((known?.members ?? []).map(({ host, boot }) => [host, boot]));
  }
  // A member whose process is not known is the one that it is at the next link.
  for (const [host, boot] of care.boots) {
    const peer = replica.peers.get(host);
    if (boot === '' && peer?.isConnected === true) care.boots.set(host, peer.boot);
  }
  const isWaiting =
    phase.kind === 'serving' && (replica.received.lsn > replica.acked.lsn || replica.barrier > replica.passed);
  if (!isWaiting || replica.acked.lsn !== care.ackedLsn || replica.passed !== care.passed) care.movedMs = nowMs;
  care.ackedLsn = replica.acked.lsn;
  care.passed = replica.passed;
}

/** Who lives, is wanted and was left out all the same was too slow: a disk that hangs, a link that loses. */
function noteLeftOut(care: Care, { known }: Replica, { detector, desired, nowMs }: Facts): void {
  if (known?.phase !== 'active') return;
  const serving = servingOf(known.members).map(({ host }) => host);
  for (const host of care.served) {
    if (!serving.includes(host) && desired.includes(host) && isLive(detector, host)) holdBack(care, host, nowMs);
  }
  care.served = serving;
}

function holdBack(care: Care, host: HostId, nowMs: number): void {
  const pauseMs = Math.min((care.heldUp.get(host)?.pauseMs ?? heldUpMsMin / 2) * 2, heldUpMsMax);
  care.heldUp.set(host, { untilMs: nowMs + pauseMs, pauseMs });
}

/** This process stood still for so long: what it waited for may have happened meanwhile. */
export function forgive(care: Care, pausedMs: number): void {
  care.stageSinceMs += pausedMs;
  care.troubleSinceMs += pausedMs;
  care.pendingSinceMs += pausedMs;
  care.sealedSinceMs += pausedMs;
  care.movedMs += pausedMs;
  care.configSinceMs += pausedMs;
  care.joinSeenMs += pausedMs;
}

function look(care: Care, { nowMs }: Facts): Event | undefined {
  if (nowMs < care.lookAtMs) return undefined;
  care.lookAtMs = nowMs + lookMs;
  return { kind: 'look' };
}

/** Who has no part in what runs, or waits for news of it, looks now and then: a told configuration may have been lost. */
function isLookDue(care: Care, { phase, known, self }: Replica, { nowMs, chance }: Facts): boolean {
  if (phase.kind === 'serving' || phase.kind === 'syncing') return false;
  const hasPart = known === undefined || seatOf(known.members, self) !== undefined;
  const pauseMs = hasPart ? lookMs : idleLookMs * (0.5 + chance);
  return nowMs - Math.max(care.configSinceMs, care.lookAtMs - lookMs) > pauseMs;
}

/** A reconfiguration of this host's own: who does not answer is not waited for for ever. */
function attend(care: Care, { nowMs }: Facts): Event | undefined {
  const waitedMs = nowMs - care.stageSinceMs;
  if (waitedMs > driveMs) return { kind: 'abandon' };
  return waitedMs > hurryMs ? { kind: 'hurry' } : undefined;
}

/** Keeps the time of stages: called whenever the replica may have moved. */
export function noteStage(care: Care, { drive }: Replica, nowMs: number): void {
  const stage = drive === undefined ? '' : `${drive.nonce} ${drive.stage}`;
  if (stage === care.stage) return;
  care.stage = stage;
  care.stageSinceMs = nowMs;
}

/** The chain never ran. It begins with everybody who is placed on it, so that no log that an older release kept is passed over. */
function found(care: Care, replica: Replica, facts: Facts): Event | undefined {
  const { founders, detector, nowMs } = facts;
  const missing = founders.filter((host) => !isLive(detector, host));
  if (missing.length > 0) care.reason = `a chain begins with all of its hosts: ${missing.join(', ')} did not come yet`;
  const rank = founders.indexOf(replica.self);
  if (missing.length > 0 || rank < 0 || nowMs < care.nextAtMs || nowMs - care.configSinceMs < rank * pendingMs) {
    return look(care, facts);
  }
  space(care, nowMs, facts.chance);
  return { kind: 'reconfigure', intention: { order: founders, serversMin: founders.length, loss: undefined } };
}

function troubleOf(care: Care, replica: Replica, active: Active | undefined, facts: Facts): string | undefined {
  const { known, phase, epoch } = replica;
  const { nowMs, detector } = facts;
  if (known?.phase === 'pending') {
    if (known.nonce !== care.pendingNonce) [care.pendingNonce, care.pendingSinceMs] = [known.nonce, nowMs];
    const driver = driverOf(known.nonce);
    const isGone = driver.host !== replica.self && !isSameProcess(replica, detector, driver);
    if (isGone) return `the driver of epoch ${known.epoch} is gone`;
    const isLate = nowMs - care.pendingSinceMs > patienceMs(replica);
    return isLate ? `epoch ${known.epoch} is pending for too long` : undefined;
  }
  if (active === undefined) return undefined;
  const serving = servingOf(active.members);
  const dead = serving.find(({ host }) => isConfirmedDead(detector, host));
  if (dead !== undefined) return `${dead.host} is dead`;
  const restarted = serving.find(({ host }) => isRestarted(care, replica, host));
  if (restarted !== undefined) return `${restarted.host} was started anew`;
  const other = serving.find(({ host, storeId }) => (replica.peers.get(host)?.storeId ?? storeId) !== storeId);
  if (other !== undefined) return `${other.host} has another store`;
  if (phase.kind === 'wedged') return `wedged: ${phase.reason}`;
  // Sealed for an epoch whose driver is at work, as far as is known here.
  if (epoch > active.epoch && nowMs - care.sealedSinceMs <= patienceMs(replica)) return undefined;
  if (isLeftOut(replica) && nowMs - care.configSinceMs > staggerMs)
    return 'this host cannot run what the register holds';
  if (nowMs - care.movedMs > stuckMs + stuckRank(replica) * staggerMs) return 'acks do not move';
  return undefined;
}

/**
 * How long somebody else's attempt is waited for. Each attempt takes an epoch, so the epochs above the last that was active tell how many came
 * to nothing. The wait grows with them, as the timeout of a view change does (Castro and Liskov, OSDI 1999, 4.5.2): else slow drivers overtake each other for ever.
 */
function patienceMs({ known, epoch }: Replica): number {
  const attempts = Math.max(known?.epoch ?? 0, epoch) - (lastActive(known)?.epoch ?? 0);
  return Math.min(pendingMs * 2 ** Math.max(0, attempts - 2), pendingMsMax);
}

function isRestarted(care: Care, replica: Replica, host: HostId): boolean {
  const [then, now] = [care.boots.get(host) ?? '', replica.peers.get(host)?.boot ?? ''];
  return then !== '' && now !== '' && then !== now;
}

/** Who has the tail's end of the trouble acts first. */
function stuckRank({ phase, self }: Replica): number {
  if (phase.kind !== 'serving') return 0;
  const { members } = phase.config;
  return members.length - 1 - members.findIndex(({ host }) => host === self);
}

/** A nonce begins with the host and the process that made it. */
function driverOf(nonce: string): { host: string; boot: string } {
  const [host = '', boot = ''] = nonce.split('.');
  return { host, boot };
}

function isSameProcess(replica: Replica, detector: Detector, { host, boot }: { host: string; boot: string }): boolean {
  const peer = replica.peers.get(host as HostId);
  return peer?.boot === boot && !isSuspect(detector, host as HostId);
}

/** Reconfigures with those who are left, when it is this host's turn. */
function mend(care: Care, replica: Replica, active: Active | undefined, facts: Facts): Event | undefined {
  const { nowMs, detector, desired, serversMin, founders, replication } = facts;
  if (active === undefined) return found(care, replica, facts);
  const complete = servingOf(active.members).filter((seat) => isThere(replica, detector, seat));
  const spare = [...desired, ...founders].filter(
    (host) => isLive(detector, host) && !complete.some((one) => one.host === host),
  );
  const order = orderOf(replica, complete, desired);
  if (complete.length === 0) {
    care.reason = `no host that holds all of the chain is here: ${active.members.map(({ host }) => host).join(', ')}`;
    return undefined;
  }
  const extra = [...new Set(spare)].slice(0, Math.max(0, replication - order.length));
  if (order.length + extra.length < serversMin) {
    care.reason = `only ${order.length} of at least ${serversMin} hosts are here`;
    return undefined;
  }
  care.reason = care.trouble;
  const rank = [...order, ...extra].indexOf(replica.self);
  const turn = rank < 0 ? order.length + 1 : rank;
  if (nowMs < care.nextAtMs || nowMs - care.troubleSinceMs < turn * staggerMs) return undefined;
  space(care, nowMs, facts.chance);
  return { kind: 'reconfigure', intention: { order: [...order, ...extra], serversMin, loss: undefined } };
}

function isThere(replica: Replica, detector: Detector, { host, storeId }: Seat): boolean {
  const isSameStore = (replica.peers.get(host)?.storeId ?? storeId) === storeId;
  return isSameStore && isLive(detector, host);
}

/** As placement has them; where acks do not move, so that the two ends of the link where they stop are not neighbours. */
function orderOf(replica: Replica, complete: readonly Seat[], desired: readonly HostId[]): HostId[] {
  const hosts = complete.map(({ host }) => host);
  const wanted = desired.filter((host) => hosts.includes(host));
  const order = [...wanted, ...hosts.filter((host) => !wanted.includes(host))];
  const isStuck = replica.phase.kind === 'serving' && replica.received.lsn > replica.acked.lsn;
  const lower = isStuck ? lowerOf(replica) : undefined;
  const [at, below] = [order.indexOf(replica.self), lower === undefined ? -1 : order.indexOf(lower)];
  if (lower === undefined || order.length < 3 || at < 0 || below < 0 || Math.abs(at - below) !== 1) return order;
  // One end of the chain for each end of the link: somebody else comes to stand between.
  const rest = order.filter((host) => host !== replica.self && host !== lower);
  return [replica.self, ...rest, lower];
}

function space(care: Care, nowMs: number, chance: number): void {
  care.nextAtMs = nowMs + care.spacingMs * (0.5 + chance);
  care.spacingMs = Math.min(care.spacingMs * 2, spacingMsMax);
}

/** Nothing is wrong: makes the chain whole, then straight. */
function tend(care: Care, replica: Replica, facts: Facts): Event | undefined {
  const { phase } = replica;
  if (phase.kind !== 'serving') return undefined;
  if (isLastServing(replica)) return tendJoin(care, replica, facts);
  return isServingHead(replica) ? straighten(care, replica, facts) : undefined;
}

function tendJoin(care: Care, replica: Replica, facts: Facts): Event | undefined {
  const { phase, peers } = replica;
  const { desired, detector, nowMs } = facts;
  if (phase.kind !== 'serving') return undefined;
  const joiner = joinerOf(replica);
  if (joiner !== undefined) {
    const key = `${joiner.host} ${joiner.boot} ${replica.joinSteps}`;
    if (key !== care.joinKey) [care.joinKey, care.joinSeenMs] = [key, nowMs];
    const isGone = isSuspect(detector, joiner.host) || peers.get(joiner.host)?.boot !== joiner.boot;
    const isStuck = nowMs - care.joinSeenMs > joinStuckMs;
    if (isStuck && !isGone) holdBack(care, joiner.host, nowMs);
    if (isGone || isStuck) return { kind: 'remove', host: joiner.host };
    return undefined;
  }
  // The next one has its own time, though it be the same process again (seed 201067).
  care.joinKey = '';
  const { members } = phase.config;
  const isMissing = (host: HostId): boolean => seatOf(members, host) === undefined && isLive(detector, host);
  const missing = desired.filter((host) => isMissing(host) && nowMs >= (care.heldUp.get(host)?.untilMs ?? 0));
  const [host] = missing;
  if (host !== undefined && nowMs >= care.nextAtMs) {
    care.nextAtMs = nowMs + spacingMsMin;
    return { kind: 'add', host };
  }
  return isServingHead(replica) ? straighten(care, replica, facts) : undefined;
}

/** A planned move: everybody whom placement wants serves, and stands otherwise than it wants. */
function straighten(care: Care, replica: Replica, facts: Facts): Event | undefined {
  const { detector, desired, nowMs, serversMin, chance } = facts;
  const { phase } = replica;
  if (phase.kind !== 'serving' || desired.length < serversMin) return undefined;
  const { members } = phase.config;
  // Whom this host alone misses is not moved away: that is for `mend`, which wants it confirmed.
  if (members.some(({ host }) => !isLive(detector, host))) return undefined;
  const isReady = desired.every((host) => seatOf(members, host)?.role === 'serving');
  const isCrooked = members.length !== desired.length || members[0]?.host !== desired[0];
  if (!isReady || !isCrooked || nowMs - care.configSinceMs < movePauseMs * (0.5 + chance) || nowMs < care.nextAtMs)
    return undefined;
  space(care, nowMs, chance);
  return { kind: 'reconfigure', intention: { order: desired, serversMin, loss: undefined } };
}
