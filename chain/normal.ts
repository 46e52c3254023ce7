// The chain in its normal case: batches go down, acks come up, a broken link resumes where its successor stands, and barriers
// go through for the reads of the head.
import { assert } from '../engine/base/assert.ts';
import type { Epoch, Hash, HostId, Lsn, Position } from '../engine/base/ids.ts';
import { lsn } from '../engine/base/ids.ts';
import { batchesInFlightMax } from '../engine/base/limits.ts';
import type { Active, Seat } from './configuration.ts';
import type { Ack, Append, Barrier, Entry, Passed, Resume } from './messages.ts';
import type { Effect, Replica } from './state.ts';

/** The configuration that this member runs: as one that serves, or that is being filled. */
export function runningConfig({ phase }: Replica): Active | undefined {
  return phase.kind === 'serving' || phase.kind === 'syncing' ? phase.config : undefined;
}

/** True on the member that heads a running chain. */
export function isServingHead({ phase, self }: Replica): boolean {
  return phase.kind === 'serving' && phase.config.members[0]?.host === self;
}

/** Whether the head may propose another batch now. Bounds what is in flight. */
export function canPropose(replica: Replica): boolean {
  return isServingHead(replica) && replica.received.lsn - replica.committed < batchesInFlightMax;
}

export function upperOf(replica: Replica): HostId | undefined {
  return neighbour(replica, -1)?.host;
}

export function lowerOf(replica: Replica): HostId | undefined {
  return neighbour(replica, 1)?.host;
}

/**
 * The successor without whom nothing is acked or passed: one that serves, or a joiner for whom this member gates. Once gated,
 * it stays until a confirmed configuration says otherwise (C9).
 */
export function countedLowerOf(replica: Replica): HostId | undefined {
  const lower = neighbour(replica, 1);
  return lower?.role === 'serving' || lower?.host === replica.gate ? lower?.host : undefined;
}

function neighbour(replica: Replica, step: 1 | -1): Seat | undefined {
  const members = runningConfig(replica)?.members;
  assert(members !== undefined, `a member that is ${replica.phase.kind} has no neighbours`);
  return members[members.findIndex(({ host }) => host === replica.self) + step];
}

export function onPropose(replica: Replica, entry: Entry, out: Effect[]): void {
  assert(canPropose(replica), 'only a serving head with room in flight proposes');
  assert(entry.epoch === replica.epoch, `C16: entry of epoch ${entry.epoch} proposed in epoch ${replica.epoch}`);
  accept(replica, entry, out);
}

export function onAppend(replica: Replica, from: HostId, message: Append, out: Effect[]): void {
  if (!isCurrent(replica, from, message.epoch, 'upper')) return;
  // What was sent before this joiner asked anew is not what it asked for.
  if (replica.phase.kind === 'syncing' && replica.phase.copy !== undefined) return;
  const { entry } = message;
  // Sent twice, since this member said twice where it stands.
  if (entry.lsn <= replica.base.lsn || hashAt(replica, entry.lsn) === entry.hash) return;
  if (entry.lsn !== replica.received.lsn + 1 || entry.previousHash !== replica.received.hash) {
    return wedge(replica, `C7: record ${entry.lsn} does not follow ${replica.received.lsn}`, out);
  }
  accept(replica, entry, out);
  if (replica.phase.kind !== 'serving') return;
  assert(
    message.committed <= replica.acked.lsn,
    `C6: told ${message.committed} is committed, acked ${replica.acked.lsn}`,
  );
  replica.committed = lsn(Math.max(replica.committed, message.committed));
}

/** The one way into the log of a running member: queued for the disk and forwarded at once. */
function accept(replica: Replica, entry: Entry, out: Effect[]): void {
  assert(entry.lsn === replica.received.lsn + 1, `record ${entry.lsn} follows ${replica.received.lsn}`);
  assert(entry.previousHash === replica.received.hash, `record ${entry.lsn} continues the history before it`);
  replica.received = { lsn: entry.lsn, hash: entry.hash };
  replica.inflight.push(entry);
  // A joiner that has passed the start of the epoch holds its history: it says so before its acks count.
  const isFilled = replica.phase.kind === 'syncing' && replica.marks.logEpoch !== replica.epoch;
  out.push({
    kind: 'write',
    cut: undefined,
    entries: [entry],
    marks: isFilled ? { logEpoch: replica.epoch } : undefined,
  });
  const lower = lowerOf(replica);
  if (lower !== undefined && replica.lowerResume !== undefined) sendEntry(replica, lower, entry, out);
}

export function sendEntry(replica: Replica, to: HostId, entry: Entry, out: Effect[]): void {
  const { chain, epoch, committed } = replica;
  out.push({ kind: 'send', to, message: { kind: 'append', chain, epoch, committed, entry } });
}

/** From a successor that serves, or from a joiner that this member gates for. */
export function onAck(replica: Replica, message: Ack, out: Effect[]): void {
  if (message.position.lsn <= replica.ackedBelow.lsn || message.position.lsn < replica.acked.lsn) return;
  if (hashAt(replica, message.position.lsn) !== message.position.hash) {
    return wedge(replica, `C3: acked record ${message.position.lsn} is not the one sent`, out);
  }
  replica.ackedBelow = message.position;
  advanceAck(replica, out);
}

/** C5: moves the ack to what is synced here and acked below. Called wherever either may have moved; acks leave nowhere else. */
export function advanceAck(replica: Replica, out: Effect[]): void {
  const { phase, durable, acked, ackedBelow } = replica;
  if (phase.kind === 'syncing') return advanceJoiner(replica, out);
  if (phase.kind !== 'serving') return;
  const isBound = countedLowerOf(replica) !== undefined && ackedBelow.lsn < durable.lsn;
  // A gate that has just closed is behind what was acked before: nothing moves until it has caught up.
  const through = isBound ? ackedBelow : durable;
  if (through.lsn <= acked.lsn) return;
  replica.acked = through;
  trim(replica);
  const upper = upperOf(replica);
  if (upper !== undefined) return sendAck(replica, upper, out);
  replica.committed = through.lsn;
  out.push({ kind: 'committed', through: through.lsn });
}

/** A joiner acks what is synced here, once its log is marked as one of this epoch. */
function advanceJoiner(replica: Replica, out: Effect[]): void {
  if (replica.marks.logEpoch !== replica.epoch || replica.durable.lsn <= replica.acked.lsn) return;
  replica.acked = replica.durable;
  trim(replica);
  const upper = upperOf(replica);
  if (upper !== undefined) sendAck(replica, upper, out);
}

/** Forgets the records that nobody can ask for again. */
export function trim(replica: Replica): void {
  const through = Math.min(replica.acked.lsn, replica.retainAfter ?? replica.acked.lsn);
  const count = through - replica.base.lsn;
  const last = replica.inflight[count - 1];
  if (last === undefined) return;
  replica.base = { lsn: last.lsn, hash: last.hash };
  replica.inflight.splice(0, count);
}

function sendAck(replica: Replica, to: HostId, out: Effect[]): void {
  const { chain, epoch, acked } = replica;
  out.push({ kind: 'send', to, message: { kind: 'ack', chain, epoch, position: acked } });
}

/** A link that breaks and comes back resumes at the successor's last received record, compared by hash. */
export function onResume(replica: Replica, from: HostId, message: Resume, out: Effect[]): void {
  if (message.epoch !== replica.epoch) return;
  // A successor may run before its predecessor does, which may even be a later process: what it said is kept until then.
  if (runningConfig(replica) === undefined) {
    replica.lowerResume = { from, position: message.position };
  } else if (isCurrent(replica, from, message.epoch, 'lower')) resumeLower(replica, message.position, out);
}

export function resumeLower(replica: Replica, position: Position, out: Effect[]): void {
  const lower = lowerOf(replica);
  assert(lower !== undefined, 'a tail has nobody to resume');
  if (hashAt(replica, position.lsn) !== position.hash) {
    return wedge(replica, `C7: ${lower} resumes at record ${position.lsn}, which is not in this history`, out);
  }
  replica.lowerResume = { from: lower, position };
  for (const entry of replica.inflight) {
    if (entry.lsn > position.lsn) sendEntry(replica, lower, entry, out);
  }
  if (replica.barrier > replica.passed) sendBarrier(replica, out);
}

/** The hash after record `lsn`, for any record that a neighbour may still speak of; undefined for all others. */
export function hashAt(replica: Replica, at: Lsn): Hash | undefined {
  if (at === replica.base.lsn) return replica.base.hash;
  return replica.inflight[at - replica.base.lsn - 1]?.hash;
}

/** The link to a successor broke, or is new: nothing is sent until the successor has said where it stands. */
export function onLowerGone(replica: Replica, peer: HostId): void {
  if (replica.lowerResume?.from === peer) replica.lowerResume = undefined;
}

/** Says where this member stands, and again what it acked and passed, since that may be lost with the last link. */
export function resumeAtUpper(replica: Replica, out: Effect[]): void {
  const upper = upperOf(replica);
  if (upper === undefined || replica.peers.get(upper)?.isConnected !== true) return;
  const { chain, epoch, received } = replica;
  out.push({ kind: 'send', to: upper, message: { kind: 'resume', chain, epoch, position: received } });
  repeatAtUpper(replica, out);
}

/** What was acked and passed, once more: nothing else may come that would say so. */
export function repeatAtUpper(replica: Replica, out: Effect[]): void {
  const upper = upperOf(replica);
  if (upper === undefined) return;
  const { chain, epoch, passed } = replica;
  if (replica.phase.kind === 'serving' || replica.acked.lsn > 0) sendAck(replica, upper, out);
  if (passed > 0) out.push({ kind: 'send', to: upper, message: { kind: 'passed', chain, epoch, token: passed } });
}

/** The head asks: does everybody run this epoch, unsealed? */
export function onBarrierAsked(replica: Replica, out: Effect[]): void {
  assert(isServingHead(replica), 'only a serving head asks');
  takeBarrier(replica, replica.barrier + 1, out);
}

/** That it is heard at all says that this member runs the epoch unsealed: `isCurrent` hears nobody otherwise. */
export function onBarrier(replica: Replica, from: HostId, message: Barrier, out: Effect[]): void {
  if (isCurrent(replica, from, message.epoch, 'upper')) takeBarrier(replica, message.token, out);
}

function takeBarrier(replica: Replica, token: number, out: Effect[]): void {
  replica.barrier = Math.max(replica.barrier, token);
  if (countedLowerOf(replica) !== undefined) sendBarrier(replica, out);
  else passBarrier(replica, replica.barrier, out);
}

function sendBarrier(replica: Replica, out: Effect[]): void {
  const to = countedLowerOf(replica);
  if (to === undefined || replica.lowerResume === undefined) return;
  const { chain, epoch, barrier: token } = replica;
  out.push({ kind: 'send', to, message: { kind: 'barrier', chain, epoch, token } });
}

export function onPassed(replica: Replica, from: HostId, message: Passed, out: Effect[]): void {
  if (!isCurrent(replica, from, message.epoch, 'lower') || countedLowerOf(replica) !== from) return;
  passBarrier(replica, message.token, out);
}

function passBarrier(replica: Replica, token: number, out: Effect[]): void {
  if (token <= replica.passed || token > replica.barrier) return;
  replica.passed = token;
  const { chain, epoch } = replica;
  const upper = upperOf(replica);
  if (upper === undefined) out.push({ kind: 'passed', token });
  else out.push({ kind: 'send', to: upper, message: { kind: 'passed', chain, epoch, token } });
}

/** Whom this member waits for has changed: what waits may be able to go on. */
export function onLowerChanged(replica: Replica, out: Effect[]): void {
  advanceAck(replica, out);
  if (replica.phase.kind !== 'serving' || replica.barrier === replica.passed) return;
  takeBarrier(replica, replica.barrier, out);
}

/** Stops without a lie: says nothing more in this epoch. The way out is a higher one. */
export function wedge(replica: Replica, reason: string, out: Effect[]): void {
  leave(replica, out);
  replica.phase = { kind: 'wedged', reason };
  out.push({ kind: 'wedged', reason });
}

/** This member runs no epoch any more; where it headed one, that is said. What comes next is set by the caller. */
export function leave(replica: Replica, out: Effect[]): void {
  if (isServingHead(replica)) out.push({ kind: 'stopped' });
  replica.phase = { kind: 'idle' };
  replica.lowerResume = undefined;
  replica.retainAfter = undefined;
  replica.gate = undefined;
}

/** C3: only what the neighbour in the running epoch says counts; everything else is late, or of a chain that moved on. */
export function isCurrent(replica: Replica, from: HostId, epoch: Epoch, side: 'upper' | 'lower'): boolean {
  if (runningConfig(replica) === undefined || epoch !== replica.epoch) return false;
  return from === (side === 'upper' ? upperOf(replica) : lowerOf(replica));
}
