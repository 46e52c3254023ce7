// A join, at the member that it hangs on: the last that serves. It fills the joiner's log, lets it follow, closes the gate, and
// promotes it. All changes within an epoch are its own to make (C1: one who writes, and the register decides).
//
//   add -> fetch / chunk ... -> live -> the joiner's acks come near -> GATE -> acked all that was ever acked -> promote
//
// From the gate on this member acks and passes only as far as the joiner did. So at the promotion the joiner holds every
// answered write, and writes never stopped. The gate opens by a confirmed change and by nothing else (C9).
import { assert } from '../engine/base/assert.ts';
import type { HostId } from '../engine/base/ids.ts';
import { lsn, origin } from '../engine/base/ids.ts';
import { gateLagMax, joinWindowMax } from '../engine/base/limits.ts';
import type { Configuration, Seat } from './configuration.ts';
import { seatOf, servingOf } from './configuration.ts';
import { isFrozen } from './copy.ts';
import { onFetchedFrozen, onFetchFrozen } from './member.ts';
import type { Ack, Entry, Fetch } from './messages.ts';
import { hashAt, isCurrent, lowerOf, onAck, runningConfig, sendEntry, trim } from './normal.ts';
import type { Effect, Event, Replica } from './state.ts';

/** The joiner behind this member, if it is the last one that serves and there is one. */
export function joinerOf(replica: Replica): Seat | undefined {
  if (replica.phase.kind !== 'serving') return undefined;
  const lower = lowerOf(replica);
  const seat = lower === undefined ? undefined : seatOf(replica.phase.config.members, lower);
  return seat?.role === 'syncing' ? seat : undefined;
}

export function isLastServing({ phase, self }: Replica): boolean {
  return phase.kind === 'serving' && servingOf(phase.config.members).at(-1)?.host === self;
}

export function onFetch(replica: Replica, from: HostId, message: Fetch, out: Effect[]): void {
  if (message.epoch === replica.epoch && isFrozen(replica)) return onFetchFrozen(from, message, out);
  if (replica.phase.kind !== 'serving' || !isCurrent(replica, from, message.epoch, 'lower')) return;
  const { after } = message;
  replica.joinSteps += 1;
  replica.lowerResume = undefined;
  // Among what is kept in memory: it may be more than is on this disk.
  if (hashAt(replica, after.lsn) === after.hash) return goLive(replica, from, after, [], out);
  replica.retainAfter = replica.durable.lsn;
  out.push({ kind: 'read', to: from, epoch: message.epoch, after });
}

export function onFetched(replica: Replica, event: Event & { kind: 'fetched' }, out: Effect[]): void {
  if (event.epoch !== replica.epoch) return;
  if (isFrozen(replica)) return onFetchedFrozen(replica, event, out);
  if (replica.phase.kind !== 'serving' || lowerOf(replica) !== event.to) return;
  const { to, after, entries, isShared } = event;
  const last = entries.at(-1) ?? after;
  const isEnd = isShared && replica.lowerResume === undefined && hashAt(replica, last.lsn) === last.hash;
  if (isEnd) goLive(replica, to, after, entries, out);
  else onFetchedFrozen(replica, event, out);
  replica.retainAfter = undefined;
  trim(replica);
}

/** The joiner has, or is now sent, everything up to what is kept in memory: from here on it gets what the others get. */
function goLive(replica: Replica, to: HostId, after: Fetch['after'], entries: readonly Entry[], out: Effect[]): void {
  const { chain, epoch, inflight } = replica;
  const last = entries.at(-1) ?? after;
  const chunk = {
    kind: 'chunk',
    chain,
    epoch,
    after,
    isShared: true,
    isLive: true,
    start: replica.logStart,
    entries,
  } as const;
  out.push({ kind: 'send', to, message: chunk });
  replica.lowerResume = { from: to, position: { lsn: last.lsn, hash: last.hash } };
  for (const entry of inflight) if (entry.lsn > last.lsn) sendEntry(replica, to, entry, out);
  if (replica.barrier > replica.passed && replica.gate === to) {
    out.push({ kind: 'send', to, message: { kind: 'barrier', chain, epoch, token: replica.barrier } });
  }
}

/** While a joiner's fetch is read from disk, what comes meanwhile is kept; not without bound: it will ask again. */
export function boundRetained(replica: Replica): void {
  if (replica.retainAfter === undefined || replica.inflight.length <= joinWindowMax) return;
  replica.retainAfter = undefined;
  trim(replica);
}

export function onAckBelow(replica: Replica, from: HostId, message: Ack, out: Effect[]): void {
  if (replica.phase.kind !== 'serving' || !isCurrent(replica, from, message.epoch, 'lower')) return;
  const joiner = joinerOf(replica);
  if (joiner === undefined) return onAck(replica, message, out);
  // An ack from before it asked for the log anew.
  if (replica.lowerResume === undefined) return;
  replica.joinSteps += 1;
  replica.joinerAcked = lsn(Math.max(replica.joinerAcked, message.position.lsn));
  if (replica.gate === undefined) {
    if (replica.received.lsn - replica.joinerAcked > gateLagMax) return;
    replica.gate = joiner.host;
    replica.ackedBelow = origin;
  }
  onAck(replica, message, out);
  promoteJoiner(replica, out);
}

/** Promotes a joiner that is gated for and has acked, by hash, everything that was ever acked here. */
export function promoteJoiner(replica: Replica, out: Effect[]): void {
  const joiner = joinerOf(replica);
  if (joiner === undefined || replica.gate !== joiner.host || !canChange(replica)) return;
  if (replica.ackedBelow.lsn < replica.acked.lsn) return;
  const seat: Seat = { ...joiner, role: 'serving' };
  change(replica, (members) => members.map((one) => (one.host === joiner.host ? seat : one)), out);
}

/** Policy wants a host to join, as a process and a store that are known. Passed over where that cannot be now. */
export function onAdd(replica: Replica, host: HostId, out: Effect[]): void {
  const peer = replica.peers.get(host);
  if (!canChange(replica) || peer?.isConnected !== true || joinerOf(replica) !== undefined) return;
  if (replica.known === undefined || seatOf(replica.known.members, host) !== undefined) return;
  const seat: Seat = { host, storeId: peer.storeId, boot: peer.boot, role: 'syncing' };
  change(replica, (members) => [...members, seat], out);
}

/** Policy gives a joiner up. Nobody else leaves within an epoch. */
export function onRemove(replica: Replica, host: HostId, out: Effect[]): void {
  if (!canChange(replica) || joinerOf(replica)?.host !== host) return;
  change(replica, (members) => members.filter((one) => one.host !== host), out);
}

function canChange(replica: Replica): boolean {
  const { known, asking, drive } = replica;
  const config = runningConfig(replica);
  if (!isLastServing(replica) || asking !== undefined || drive !== undefined) return false;
  return known?.phase === 'active' && known.epoch === config?.epoch && known.minor === config.minor;
}

function change(replica: Replica, edit: (members: readonly Seat[]) => readonly Seat[], out: Effect[]): void {
  const { known } = replica;
  assert(known?.phase === 'active', 'C1: a change starts from what was confirmed');
  const value: Configuration = {
    ...known,
    minor: known.minor + 1,
    nonce: newNonce(replica),
    members: edit(known.members),
  };
  checkChange(known, value);
  replica.asking = 'change';
  replica.writing = value;
  out.push({ kind: 'cas', expect: known, value });
}

/** C1: within an epoch the serving set only grows. C8: a syncing member stands last, and there is at most one. */
function checkChange(before: Configuration, after: Configuration): void {
  const kept = servingOf(before.members).every(({ host }, index) => servingOf(after.members)[index]?.host === host);
  assert(kept, 'C1: within an epoch the serving set only grows');
  const syncing = after.members.filter(({ role }) => role === 'syncing');
  assert(
    syncing.length <= 1 && syncing.every((one) => after.members.at(-1) === one),
    'C8: one joins, last in the chain',
  );
}

/** Names an attempt to write a register: used once, by this process, and by nobody else. */
export function newNonce(replica: Replica): string {
  replica.nonces += 1;
  return `${replica.self}.${replica.boot}.${replica.nonces}`;
}
