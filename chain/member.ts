// A member between two epochs: it is sealed (frozen, by a synced mark), and given the history that the next epoch begins with.
//
//   any phase -> sealing -> sealed -> copying -> ready          what comes then is in adopt.ts
//
// How a history is copied in is in copy.ts.
import type { Epoch, HostId } from '../engine/base/ids.ts';
import { samePosition } from '../engine/base/ids.ts';
import { beginCopy, copyOf, fetchNext, fetchPage, forgetInflight, newCopy } from './copy.ts';
import type { Fetch, Seal, Transfer } from './messages.ts';
import { leave } from './normal.ts';
import type { Effect, Event, Replica } from './state.ts';

export function onSeal(replica: Replica, from: HostId, message: Seal, out: Effect[]): void {
  const { epoch, nonce } = message;
  if (epoch > replica.epoch) return freeze(replica, from, message, undefined, out);
  if (!isOwnAttempt(replica, message)) return refuse(replica, from, message, out);
  // Asked again: the first answer may be lost, or this process is a later one than the one that synced the seal.
  const { phase, marks } = replica;
  const isHeld = marks.sealed === epoch && marks.nonce === nonce && marks.ran < epoch;
  if (phase.kind === 'sealed' || (phase.kind === 'idle' && isHeld)) answerSeal(replica, from, out);
}

/** The driver says which history the epoch begins with, and who holds it. A host that is asked for the first time is sealed by it. */
export function onTransfer(replica: Replica, from: HostId, message: Transfer, out: Effect[]): void {
  if (message.epoch > replica.epoch) return freeze(replica, from, message, message, out);
  if (!isOwnAttempt(replica, message)) return refuse(replica, from, message, out);
  const { phase, marks, epoch } = replica;
  if (phase.kind === 'sealing') replica.phase = { ...phase, transfer: message };
  else if (phase.kind === 'sealed') startCopy(replica, from, message, out);
  else if (phase.kind === 'ready' && samePosition(phase.target, message.position)) answerTransfer(replica, from, out);
  else if (phase.kind === 'idle' && marks.sealed === epoch && marks.nonce === message.nonce && marks.ran < epoch) {
    startCopy(replica, from, message, out);
  }
}

/** From here on nothing of an older epoch is said. What is queued behind the write in flight is dropped: this member never had it. */
function freeze(
  replica: Replica,
  driver: HostId,
  { epoch, nonce }: Seal | Transfer,
  transfer: Transfer | undefined,
  out: Effect[],
): void {
  if (driver !== replica.self) replica.drive = undefined;
  leave(replica, out);
  replica.epoch = epoch;
  replica.nonce = nonce;
  replica.phase = { kind: 'sealing', driver, transfer };
  out.push({ kind: 'dropQueued' });
  out.push({ kind: 'write', cut: undefined, entries: [], marks: { sealed: epoch, nonce } });
}

function answerSeal(replica: Replica, driver: HostId, out: Effect[]): void {
  replica.phase = { kind: 'sealed', driver };
  const { chain, epoch, nonce, storeId, marks, durable: position } = replica;
  const answer = { chain, epoch, nonce, storeId, logEpoch: marks.logEpoch, position };
  out.push({ kind: 'send', to: driver, message: { kind: 'sealed', ...answer } });
}

function answerTransfer(replica: Replica, driver: HostId, out: Effect[]): void {
  const { chain, epoch, nonce, storeId } = replica;
  out.push({ kind: 'send', to: driver, message: { kind: 'transferred', chain, epoch, nonce, storeId } });
}

function startCopy(replica: Replica, driver: HostId, { source, position: target }: Transfer, out: Effect[]): void {
  const copy = newCopy(source, target);
  replica.phase = { kind: 'copying', driver, copy };
  forgetInflight(replica);
  beginCopy(replica, copy, out);
}

/** A frozen log is read for those who lack of it: what is sent cannot change meanwhile. */
export function onFetchFrozen(from: HostId, message: Fetch, out: Effect[]): void {
  out.push({ kind: 'read', to: from, epoch: message.epoch, after: message.after });
}

export function onFetchedFrozen(replica: Replica, event: Event & { kind: 'fetched' }, out: Effect[]): void {
  const { chain, epoch } = replica;
  const { isShared, entries, after } = event;
  const chunk = {
    kind: 'chunk',
    chain,
    epoch,
    after,
    isShared,
    isLive: false,
    start: replica.logStart,
    entries,
  } as const;
  out.push({ kind: 'send', to: event.to, message: chunk });
}

/** A piece is on disk: the copy is done, or asks for more. */
export function advanceCopy(replica: Replica, out: Effect[]): void {
  const { phase, marks, epoch, durable, received } = replica;
  const copy = copyOf(replica);
  if (copy === undefined || copy.pages !== undefined || replica.leftover !== 'none' || !samePosition(durable, received))
    return;
  if (phase.kind === 'copying' && copy.target !== undefined && samePosition(durable, copy.target)) {
    if (marks.logEpoch !== epoch) return;
    forgetInflight(replica);
    replica.phase = { kind: 'ready', driver: phase.driver, target: copy.target };
    return answerTransfer(replica, phase.driver, out);
  }
  if (copy.isShared) fetchNext(replica, copy, out);
}

/** The link to the source of a copy is new: what was asked on the old one, or its answer, may be lost. */
export function onSourceBack(replica: Replica, peer: HostId, out: Effect[]): void {
  const copy = copyOf(replica);
  if (copy === undefined || copy.source !== peer) return;
  if (copy.pages !== undefined || replica.leftover !== 'none') return fetchPage(replica, copy, out);
  // While a piece is being written, the next is asked for when that is done.
  if (!copy.isShared || samePosition(replica.durable, replica.received)) fetchNext(replica, copy, out);
}

/** The mark of a seal is on disk, and with it everything that was in flight before. */
export function onSealSynced(replica: Replica, out: Effect[]): void {
  const { phase, marks, epoch, nonce } = replica;
  if (phase.kind !== 'sealing' || marks.sealed !== epoch || marks.nonce !== nonce) return;
  const { driver, transfer } = phase;
  forgetInflight(replica);
  if (transfer === undefined) return answerSeal(replica, driver, out);
  startCopy(replica, driver, transfer, out);
}

/** The refusal carries the attempt that it refuses, and the epoch that this member stands at. */
function refuse(replica: Replica, to: HostId, { nonce }: { nonce: string }, out: Effect[]): void {
  const { chain, epoch } = replica;
  out.push({ kind: 'send', to, message: { kind: 'refused', chain, epoch, nonce } });
}

function isOwnAttempt(replica: Replica, { epoch, nonce }: { epoch: Epoch; nonce: string }): boolean {
  return epoch === replica.epoch && nonce === replica.nonce;
}
