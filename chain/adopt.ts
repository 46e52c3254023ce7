// What a host makes of a confirmed configuration: run it, join it, follow a change in it, or step down.
//
// Only what a quorum confirmed is applied (C1): the answer to an own read or CAS, or `configured`, which is sent by nobody who
// does not have such an answer. It may be late: then a higher epoch is sealed or runs here, and it is passed over.
import { assert } from '../engine/base/assert.ts';
import type { HostId } from '../engine/base/ids.ts';
import { lsn, origin, samePosition } from '../engine/base/ids.ts';
import type { Active, Configuration, Seat } from './configuration.ts';
import { isNewer, lastActive, seatOf } from './configuration.ts';
import { beginCopy, fetchPage, forgetInflight, newCopy } from './copy.ts';
import type { Chunk } from './messages.ts';
import {
  isServingHead,
  leave,
  lowerOf,
  onLowerChanged,
  resumeAtUpper,
  resumeLower,
  runningConfig,
  upperOf,
} from './normal.ts';
import type { Effect, Replica } from './state.ts';

/** The register was confirmed to hold `value`. */
export function learn(replica: Replica, value: Configuration | undefined, out: Effect[]): void {
  if (value === undefined) return;
  if (isNewer(value, replica.known)) {
    replica.known = value;
    out.push({ kind: 'learned', value });
    // An own attempt that another has passed can never be activated.
    const { drive, asking } = replica;
    if (asking !== 'drive' && (drive?.pending?.epoch ?? value.epoch) < value.epoch) replica.drive = undefined;
  }
  if (replica.known === value || !isNewer(replica.known as Configuration, value)) apply(replica, value, out);
}

/**
 * Somebody says what was confirmed. Where a joiner's predecessor says what the joiner knew before it, that one may not have
 * known of the joiner when it was asked: it is asked again.
 */
export function onConfigured(replica: Replica, from: HostId, value: Configuration, out: Effect[]): void {
  const before = replica.phase;
  learn(replica, value, out);
  const { phase } = replica;
  if (phase.kind !== 'syncing' || phase !== before || phase.copy?.isShared !== false) return;
  if (from === upperOf(replica) && value.epoch === replica.epoch) restartJoin(replica, out);
}

/**
 * A member that follows is sent a piece of the log: its predecessor answers an older question, and goes on behind that piece, or not at all. What
 * this member has not of the piece would be missing (seed 601641).
 */
export function isOutOfStep(replica: Replica, from: HostId, { epoch, isLive, after, entries }: Chunk): boolean {
  const { phase, received } = replica;
  const isFollowing = phase.kind === 'serving' || (phase.kind === 'syncing' && phase.copy === undefined);
  if (!isFollowing || epoch !== replica.epoch || from !== upperOf(replica)) return false;
  return !isLive || (entries.at(-1) ?? after).lsn > received.lsn;
}

/** Says once more from where on it is to be sent what comes. */
export function fallInStep(replica: Replica, out: Effect[]): void {
  if (replica.phase.kind === 'serving') resumeAtUpper(replica, out);
  else restartJoin(replica, out);
}

/** Tells the members of a configuration, and those of the one before it, what was confirmed. */
export function announce(replica: Replica, value: Configuration, before: Active | undefined, out: Effect[]): void {
  const hosts = new Set([...value.members, ...(before?.members ?? [])].map(({ host }) => host));
  for (const to of hosts) if (to !== replica.self) tell(replica, to, value, out);
}

export function tell(replica: Replica, to: HostId, value: Configuration, out: Effect[]): void {
  const { chain } = replica;
  out.push({ kind: 'send', to, message: { kind: 'configured', chain, epoch: value.epoch, value } });
}

/** A new link: whoever runs an epoch says so, once, to a host that has a part in it. */
export function tellPeer(replica: Replica, peer: HostId, out: Effect[]): void {
  const { known, self } = replica;
  if (peer === self || known?.phase !== 'active' || known.epoch !== runningConfig(replica)?.epoch) return;
  if (seatOf(known.members, peer) !== undefined) tell(replica, peer, known, out);
}

function apply(replica: Replica, value: Configuration, out: Effect[]): void {
  if (value.phase !== 'active' || value.epoch < replica.epoch) return;
  const { phase } = replica;
  const config = 'config' in phase ? phase.config : undefined;
  if (config?.epoch === value.epoch) {
    if (value.minor > config.minor) applyChange(replica, value, out);
    return;
  }
  const seat = mySeat(replica, value);
  // The epoch that ran here, or that was being prepared here, is over.
  if (value.epoch > replica.epoch && phase.kind !== 'idle') leave(replica, out);
  if (seat?.role === 'serving') adopt(replica, value, out);
  else if (seat?.boot === replica.boot) enroll(replica, value, out);
}

function mySeat(replica: Replica, { members }: Active): Seat | undefined {
  const seat = seatOf(members, replica.self);
  return seat?.storeId === replica.storeId ? seat : undefined;
}

/** C13: runs an epoch only with exactly its history, and only once: a process that was restarted after it ran does not resume. */
function adopt(replica: Replica, config: Configuration, out: Effect[]): void {
  const { phase, marks, durable, received } = replica;
  const isAtRest = phase.kind === 'idle' || phase.kind === 'sealed' || phase.kind === 'ready';
  if (!isAtRest || !samePosition(durable, received) || !samePosition(durable, config.start)) return;
  if (marks.sealed > config.epoch || marks.ran >= config.epoch || marks.logEpoch !== config.epoch) return;
  replica.epoch = config.epoch;
  replica.phase = { kind: 'adopting', config };
  out.push({ kind: 'write', cut: undefined, entries: [], marks: { ran: config.epoch } });
}

/** Takes the place of a joiner. The mark comes behind whatever is still on its way to the disk. */
function enroll(replica: Replica, config: Configuration, out: Effect[]): void {
  const { epoch } = config;
  if (replica.marks.sealed > epoch) return;
  leave(replica, out);
  replica.epoch = epoch;
  replica.nonce = config.nonce;
  replica.phase = { kind: 'enrolling', config };
  out.push({ kind: 'dropQueued' });
  out.push({ kind: 'write', cut: undefined, entries: [], marks: { sealed: epoch, nonce: config.nonce, ran: epoch } });
}

/** `ran` is on disk: this member runs the epoch from here on. */
export function onRanSynced(replica: Replica, out: Effect[]): void {
  const { phase, marks, epoch, nonce } = replica;
  if (phase.kind === 'adopting' && marks.ran === epoch) beginServing(replica, phase.config, out);
  if (phase.kind === 'enrolling' && marks.ran === epoch && marks.nonce === nonce) {
    beginEpoch(replica);
    replica.acked = origin;
    replica.phase = { kind: 'syncing', config: phase.config, copy: undefined };
    restartJoin(replica, out);
  }
}

/** A joiner asks its predecessor for what it lacks: at the start, on a new link, and when it was asked to join once more. */
export function restartJoin(replica: Replica, out: Effect[]): void {
  const { phase } = replica;
  if (phase.kind !== 'syncing') return;
  const source = upperOf(replica);
  assert(source !== undefined, 'C8: a joiner stands last, behind one that serves');
  // Pages go on where they were: what is stored of them is of the same state, or will be found not to be.
  if (phase.copy?.source === source && phase.copy.pages !== undefined) return fetchPage(replica, phase.copy, out);
  // What was received and is not synced yet is kept: nothing that may have been acked is ever cut, or written twice.
  if (!samePosition(replica.durable, replica.received)) {
    const copy = { ...newCopy(source, undefined), base: replica.received, isShared: true };
    replica.phase = { ...phase, copy };
    return;
  }
  const copy = newCopy(source, undefined);
  replica.phase = { ...phase, copy };
  forgetInflight(replica);
  beginCopy(replica, copy, out);
}

function beginEpoch(replica: Replica): void {
  const { durable } = replica;
  replica.received = durable;
  replica.base = durable;
  replica.acked = durable;
  replica.ackedBelow = durable;
  replica.inflight.length = 0;
  replica.retainAfter = undefined;
  replica.joinerAcked = lsn(0);
  replica.gate = undefined;
  replica.barrier = 0;
  replica.passed = 0;
}

/** Its whole log is committed, and a successor that was quicker is served now. */
function beginServing(replica: Replica, config: Configuration, out: Effect[]): void {
  assert(samePosition(replica.durable, config.start), 'C7: a member adopts with exactly the chosen history');
  const early = replica.lowerResume;
  beginEpoch(replica);
  replica.lowerResume = undefined;
  replica.phase = { kind: 'serving', config };
  replica.committed = config.start.lsn;
  if (early !== undefined && early.from === lowerOf(replica)) resumeLower(replica, early.position, out);
  // What the successor said may be none of this history: then this member stopped.
  if (replica.phase.kind !== 'serving') return;
  resumeAtUpper(replica, out);
  if (!isServingHead(replica)) return;
  const { epoch, loss, members } = config;
  out.push({ kind: 'serving', epoch, order: members.map(({ host }) => host), loss });
}

/** Another minor of the epoch that runs here: the last place of the chain has changed. */
function applyChange(replica: Replica, config: Configuration, out: Effect[]): void {
  const { phase } = replica;
  const seat = mySeat(replica, config);
  if (phase.kind === 'adopting') replica.phase = { ...phase, config };
  else if (phase.kind === 'serving') changeBelow(replica, phase.config, config, out);
  else if (phase.kind === 'syncing' && seat?.role === 'serving') promote(replica, config, out);
  else if (phase.kind === 'syncing' || phase.kind === 'enrolling') {
    if (seat?.boot !== replica.boot) leave(replica, out);
    else {
      replica.phase = { ...phase, config };
      restartJoin(replica, out);
    }
  }
}

function promote(replica: Replica, config: Configuration, out: Effect[]): void {
  const { phase, marks } = replica;
  assert(
    phase.kind === 'syncing' && marks.logEpoch === config.epoch,
    'C9: a joiner is promoted with a log of this epoch',
  );
  replica.committed = config.start.lsn;
  replica.phase = { kind: 'serving', config };
  // It was asking for the log anew: now it says where it stands, as those who serve do.
  if (phase.copy !== undefined) resumeAtUpper(replica, out);
}

function changeBelow(replica: Replica, before: Active, after: Configuration, out: Effect[]): void {
  const former = seatBelow(replica, before);
  const lower = seatBelow(replica, after);
  replica.phase = { kind: 'serving', config: after };
  const isSame = former?.host === lower?.host && former?.boot === lower?.boot;
  if (!isSame) {
    replica.lowerResume = undefined;
    replica.retainAfter = undefined;
    replica.joinerAcked = lsn(0);
  }
  // C9: a gate opens only here, by a confirmed configuration: with the joiner removed, or serving.
  if (!isSame || lower?.role === 'serving') replica.gate = undefined;
  onLowerChanged(replica, out);
}

function seatBelow({ self }: Replica, { members }: Active): Seat | undefined {
  return members[members.findIndex(({ host }) => host === self) + 1];
}

/** What the register holds names this host as one that serves, and this process does not run it and never will. */
export function isLeftOut(replica: Replica): boolean {
  const active = lastActive(replica.known);
  if (active === undefined || mySeat(replica, active)?.role !== 'serving') return false;
  const { phase } = replica;
  const config = 'config' in phase ? phase.config : undefined;
  return config?.epoch !== active.epoch;
}
