// The chain in its normal case: batches go down, acks come up, and a broken link resumes where its successor stands.
import { assert } from '../engine/base/assert.ts';
import type { Epoch, Hash, HostId, Lsn, Position } from '../engine/base/ids.ts';
import { lsn, samePosition } from '../engine/base/ids.ts';
import { batchesInFlightMax } from '../engine/base/limits.ts';
import type { Ack, Append, Entry, Resume } from './messages.ts';
import type { Effect, Replica } from './state.ts';

/** True on the member that heads a chain which all others have joined. */
export function isServingHead(replica: Replica): boolean {
  return replica.assembly?.stage === 'serving';
}

/** Whether the head may propose another batch now. Bounds what is in flight, and so every member's `inflight`. */
export function canPropose(replica: Replica): boolean {
  return isServingHead(replica) && replica.received.lsn - replica.committed < batchesInFlightMax;
}

export function upperOf(replica: Replica): HostId | undefined {
  const order = orderOf(replica);
  return order[order.indexOf(replica.self) - 1];
}

export function lowerOf(replica: Replica): HostId | undefined {
  const order = orderOf(replica);
  return order[order.indexOf(replica.self) + 1];
}

function orderOf(replica: Replica): readonly HostId[] {
  const { phase } = replica;
  assert(phase.kind === 'serving' || phase.kind === 'adopting', `a member that is ${phase.kind} has no neighbours`);
  return phase.order;
}

export function onPropose(replica: Replica, entry: Entry, out: Effect[]): void {
  assert(canPropose(replica), 'only a serving head with room in flight proposes');
  assert(entry.epoch === replica.epoch, `C16: entry of epoch ${entry.epoch} proposed in epoch ${replica.epoch}`);
  accept(replica, entry, out);
}

export function onAppend(replica: Replica, from: HostId, message: Append, out: Effect[]): void {
  if (!isCurrent(replica, from, message.epoch, 'upper')) return;
  const { entry } = message;
  if (entry.lsn !== replica.received.lsn + 1 || entry.previousHash !== replica.received.hash) {
    return wedge(replica, `C7: record ${entry.lsn} does not follow ${replica.received.lsn}`, out);
  }
  accept(replica, entry, out);
  assert(
    message.committed <= replica.acked.lsn,
    `C6: told ${message.committed} is committed, acked ${replica.acked.lsn}`,
  );
  replica.committed = lsn(Math.max(replica.committed, message.committed));
}

/** The one way into the log: queued for the disk and forwarded at once. */
function accept(replica: Replica, entry: Entry, out: Effect[]): void {
  assert(entry.lsn === replica.received.lsn + 1, `record ${entry.lsn} follows ${replica.received.lsn}`);
  assert(entry.previousHash === replica.received.hash, `record ${entry.lsn} continues the history before it`);
  replica.received = { lsn: entry.lsn, hash: entry.hash };
  replica.inflight.push(entry);
  out.push({ kind: 'write', entries: [entry], marks: undefined });
  const lower = lowerOf(replica);
  if (lower !== undefined && replica.lowerResume !== undefined) sendEntry(replica, lower, entry, out);
}

function sendEntry(replica: Replica, to: HostId, entry: Entry, out: Effect[]): void {
  const { chain, epoch, committed } = replica;
  out.push({ kind: 'send', to, message: { kind: 'append', chain, epoch, committed, entry } });
}

export function onAck(replica: Replica, from: HostId, message: Ack, out: Effect[]): void {
  if (!isCurrent(replica, from, message.epoch, 'lower')) return;
  if (message.position.lsn <= replica.ackedBelow.lsn) return;
  const mine = hashAt(replica, message.position.lsn);
  if (mine !== message.position.hash) {
    return wedge(replica, `C3: acked record ${message.position.lsn} is not the one sent`, out);
  }
  replica.ackedBelow = message.position;
  advanceAck(replica, out);
}

/** C5: moves the ack to what is synced here and acked below. Called wherever either may have moved; acks leave nowhere else. */
export function advanceAck(replica: Replica, out: Effect[]): void {
  if (replica.phase.kind !== 'serving') return;
  const lower = lowerOf(replica);
  const through =
    lower !== undefined && replica.ackedBelow.lsn < replica.durable.lsn ? replica.ackedBelow : replica.durable;
  assert(through.lsn >= replica.acked.lsn, `an ack never goes back: ${through.lsn} after ${replica.acked.lsn}`);
  if (through.lsn === replica.acked.lsn) return;
  replica.inflight.splice(0, through.lsn - replica.acked.lsn);
  replica.acked = through;
  const upper = upperOf(replica);
  if (upper !== undefined) return sendAck(replica, upper, out);
  replica.committed = through.lsn;
  out.push({ kind: 'committed', through: through.lsn });
}

function sendAck(replica: Replica, to: HostId, out: Effect[]): void {
  const { chain, epoch, acked } = replica;
  out.push({ kind: 'send', to, message: { kind: 'ack', chain, epoch, position: acked } });
}

/** A link that breaks and comes back resumes at the successor's last received record, compared by hash. */
export function onResume(replica: Replica, from: HostId, message: Resume, out: Effect[]): void {
  if (message.epoch !== replica.epoch) return;
  const { phase } = replica;
  // A successor may adopt before its predecessor does: what it said is kept until then.
  if (phase.kind === 'serving' || phase.kind === 'adopting') {
    if (lowerOf(replica) !== from) return;
    if (phase.kind === 'serving') return resumeLower(replica, message.position, out);
  }
  if (phase.kind === 'adopting' || phase.kind === 'ready') replica.lowerResume = { from, position: message.position };
}

function resumeLower(replica: Replica, position: Position, out: Effect[]): void {
  const lower = lowerOf(replica);
  assert(lower !== undefined, 'a tail has nobody to resume');
  if (hashAt(replica, position.lsn) !== position.hash) {
    return wedge(replica, `C7: ${lower} resumes at record ${position.lsn}, which is not in this history`, out);
  }
  replica.lowerResume = { from: lower, position };
  for (const entry of replica.inflight) {
    if (entry.lsn > position.lsn) sendEntry(replica, lower, entry, out);
  }
}

/** The hash after record `lsn`, for any record that a neighbour may still speak of; undefined for all others. */
function hashAt(replica: Replica, at: Lsn): Hash | undefined {
  if (at === replica.acked.lsn) return replica.acked.hash;
  return replica.inflight[at - replica.acked.lsn - 1]?.hash;
}

/** The link to a predecessor is new: say where this member stands, and again what it acked, since that may be lost. */
export function onUpperBack(replica: Replica, peer: HostId, out: Effect[]): void {
  if (replica.phase.kind === 'serving' && peer === upperOf(replica)) resumeAtUpper(replica, out);
}

/** The link to a successor broke, or is new: nothing is sent until the successor has said where it stands. */
export function onLowerGone(replica: Replica, peer: HostId): void {
  if (replica.lowerResume?.from === peer) replica.lowerResume = undefined;
}

function resumeAtUpper(replica: Replica, out: Effect[]): void {
  const upper = upperOf(replica);
  if (upper === undefined || replica.peers.get(upper)?.isConnected !== true) return;
  const { chain, epoch, received } = replica;
  out.push({ kind: 'send', to: upper, message: { kind: 'resume', chain, epoch, position: received } });
  sendAck(replica, upper, out);
}

/** A member that begins to serve: its whole log is committed, and a successor that was quicker is served now. */
export function beginServing(replica: Replica, out: Effect[]): void {
  const { phase } = replica;
  assert(phase.kind === 'adopting', `a member that is ${phase.kind} does not begin to serve`);
  assert(samePosition(replica.durable, phase.start), 'C7: a member adopts with exactly the chosen history');
  replica.phase = { kind: 'serving', order: phase.order, start: phase.start };
  replica.received = phase.start;
  replica.acked = phase.start;
  replica.ackedBelow = phase.start;
  replica.committed = phase.start.lsn;
  assert(replica.inflight.length === 0, 'nothing is in flight when an epoch begins');
  const early = replica.lowerResume;
  replica.lowerResume = undefined;
  if (early !== undefined && early.from === lowerOf(replica)) resumeLower(replica, early.position, out);
  resumeAtUpper(replica, out);
}

/** Stops without a lie: says nothing more in this epoch, and asks the driver for a new one. */
export function wedge(replica: Replica, reason: string, out: Effect[]): void {
  const { driver } = replica;
  replica.phase = { kind: 'wedged', reason };
  out.push({ kind: 'wedged', reason });
  if (driver !== undefined) askForHigher(replica, driver, out);
}

function askForHigher(replica: Replica, driver: HostId, out: Effect[]): void {
  const { chain, epoch, nonce } = replica;
  out.push({ kind: 'send', to: driver, message: { kind: 'refused', chain, epoch, nonce } });
}

/** A member that broke off says so again on a new link to its driver: the first time may have been lost with the old one. */
export function onDriverBack(replica: Replica, peer: HostId, out: Effect[]): void {
  if (replica.phase.kind === 'wedged' && replica.driver === peer) askForHigher(replica, peer, out);
}

/** C3: only what the neighbour in the running epoch says counts; everything else is late, or of a chain that moved on. */
function isCurrent(replica: Replica, from: HostId, epoch: Epoch, side: 'upper' | 'lower'): boolean {
  if (replica.phase.kind !== 'serving' || epoch !== replica.epoch) return false;
  return from === (side === 'upper' ? upperOf(replica) : lowerOf(replica));
}

/** This member drives no more; and heads no more. */
export function retire(replica: Replica, out: Effect[]): void {
  if (replica.assembly?.stage === 'serving') out.push({ kind: 'stopped' });
  replica.assembly = undefined;
}
