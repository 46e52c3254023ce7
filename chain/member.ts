// A member between two epochs: it is sealed (frozen, by a synced mark), and given the history that the next epoch begins with.
//
//   any phase -> sealing -> sealed -> copying -> ready          what comes then is in adopt.ts
//
// A history is copied in from whoever holds it. Where the two logs part is found by asking: "do you hold this record?", going
// back twice as far with each no. What lies behind it is cut in the same write that appends what follows (C7).
import { assert } from '../engine/base/assert.ts';
import type { Epoch, HostId, Position } from '../engine/base/ids.ts';
import { lsn, origin, samePosition } from '../engine/base/ids.ts';
import type { Chunk, Entry, Fetch, Seal, Transfer } from './messages.ts';
import { leave, wedge } from './normal.ts';
import type { Copy, Effect, Event, Marks, Replica } from './state.ts';

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
  const copy: Copy = { source, target, base: undefined, asked: 0, step: 1, isShared: false };
  replica.phase = { kind: 'copying', driver, copy };
  forgetInflight(replica);
  const { durable, epoch, self } = replica;
  if (samePosition(durable, target)) return write(replica, undefined, [], { logEpoch: epoch }, out);
  // It was the source, and lost its disk since it was sealed.
  if (source === self) return loseSource(replica, copy, out);
  findBase(replica, copy, Math.min(durable.lsn, target.lsn), out);
}

/** A joiner begins to fill its log from its predecessor's. */
export function startJoinCopy(replica: Replica, source: HostId, out: Effect[]): Copy {
  const copy: Copy = { source, target: undefined, base: undefined, asked: 0, step: 1, isShared: false };
  forgetInflight(replica);
  findBase(replica, copy, replica.durable.lsn, out);
  return copy;
}

/** Nothing is on its way to the disk: the log is what is durable. */
function forgetInflight(replica: Replica): void {
  replica.received = replica.durable;
  replica.base = replica.durable;
  replica.inflight.length = 0;
}

function findBase(replica: Replica, copy: Copy, at: number, out: Effect[]): void {
  copy.base = undefined;
  copy.asked = at;
  const known = at === replica.durable.lsn ? replica.durable : at === 0 ? origin : undefined;
  if (known === undefined) out.push({ kind: 'locate', epoch: replica.epoch, lsn: lsn(at) });
  else onBase(replica, copy, known, out);
}

/** A place in the own log that the source's may share. Where it is the end of the chosen history, whatever lies behind it goes. */
function onBase(replica: Replica, copy: Copy, base: Position, out: Effect[]): void {
  copy.base = base;
  if (copy.target === undefined || !samePosition(base, copy.target)) return fetchNext(replica, copy, out);
  copy.isShared = true;
  replica.received = base;
  write(replica, base, [], { logEpoch: replica.epoch }, out);
}

function fetchNext(replica: Replica, copy: Copy, out: Effect[]): void {
  const after = copy.isShared ? replica.received : copy.base;
  if (after === undefined || replica.peers.get(copy.source)?.isConnected !== true) return;
  const { chain, epoch } = replica;
  out.push({ kind: 'send', to: copy.source, message: { kind: 'fetch', chain, epoch, after } });
}

export function copyOf({ phase }: Replica): Copy | undefined {
  return phase.kind === 'copying' || phase.kind === 'syncing' ? phase.copy : undefined;
}

export function onLocated(replica: Replica, { epoch, position }: Event & { kind: 'located' }, out: Effect[]): void {
  const copy = copyOf(replica);
  // An answer to a question of another attempt: the log may have been cut and filled since.
  if (epoch !== replica.epoch || position.lsn !== copy?.asked) return;
  if (copy === undefined || copy.base !== undefined || position.lsn > replica.durable.lsn) return;
  onBase(replica, copy, position, out);
}

/** A frozen log is read for those who lack of it: what is sent cannot change meanwhile. */
export function onFetchFrozen(from: HostId, message: Fetch, out: Effect[]): void {
  out.push({ kind: 'read', to: from, epoch: message.epoch, after: message.after });
}

export function onFetchedFrozen(replica: Replica, event: Event & { kind: 'fetched' }, out: Effect[]): void {
  const { chain, epoch } = replica;
  const { isShared, entries, after } = event;
  const chunk = { kind: 'chunk', chain, epoch, after, isShared, isLive: false, entries } as const;
  out.push({ kind: 'send', to: event.to, message: chunk });
}

export function isFrozen({ phase }: Replica): boolean {
  return phase.kind === 'sealed' || phase.kind === 'copying' || phase.kind === 'ready';
}

/** What was fetched. Says whether the log now follows its predecessor's live; false also where the chunk was not asked for. */
export function onChunk(replica: Replica, from: HostId, message: Chunk, out: Effect[]): boolean {
  const copy = copyOf(replica);
  if (message.epoch !== replica.epoch || copy === undefined || copy.source !== from) return false;
  const asked = copy.isShared ? replica.received : copy.base;
  if (asked === undefined || !samePosition(asked, message.after)) return false;
  // Until a piece is written, nothing was asked for: this is an answer to a question of the last link.
  if (copy.isShared && !samePosition(replica.durable, replica.received)) return false;
  if (!message.isShared) {
    guessFurtherBack(replica, copy, out);
    return false;
  }
  return fill(replica, copy, message, out);
}

function guessFurtherBack(replica: Replica, copy: Copy, out: Effect[]): void {
  const { base } = copy;
  if (copy.isShared || base === undefined || base.lsn === 0) {
    return loseSource(replica, copy, out);
  }
  const at = Math.max(0, base.lsn - copy.step);
  copy.step *= 2;
  findBase(replica, copy, at, out);
}

/** The source no longer holds what it had: its disk is another. This member stays sealed, and waits for a higher epoch. */
function loseSource(replica: Replica, copy: Copy, out: Effect[]): void {
  const { phase } = replica;
  if (phase.kind === 'copying') replica.phase = { kind: 'sealed', driver: phase.driver };
  else wedge(replica, `C7: ${copy.source} does not hold what it sent`, out);
}

function fill(replica: Replica, copy: Copy, message: Chunk, out: Effect[]): boolean {
  const cut = !copy.isShared && replica.durable.lsn > message.after.lsn ? message.after : undefined;
  copy.isShared = true;
  let last = message.after;
  for (const entry of message.entries) {
    if (entry.lsn !== last.lsn + 1 || entry.previousHash !== last.hash) {
      wedge(replica, `C7: fetched record ${entry.lsn} does not follow ${last.lsn}`, out);
      return false;
    }
    last = { lsn: entry.lsn, hash: entry.hash };
  }
  const { target } = copy;
  if (target !== undefined && message.entries.length === 0) {
    loseSource(replica, copy, out);
    return false;
  }
  const isPast = target !== undefined && last.lsn >= target.lsn && !samePosition(last, target);
  if (isPast) {
    wedge(replica, `C7: fetched up to ${last.lsn}, and the chosen history ends at ${target?.lsn}`, out);
    return false;
  }
  replica.received = last;
  replica.base = last;
  replica.inflight.length = 0;
  const isFilled = holdsHistory(replica, copy);
  const isMarked = replica.marks.logEpoch === replica.epoch && cut === undefined;
  const marks = isFilled ? { logEpoch: replica.epoch } : cut === undefined ? undefined : { logEpoch: 0 as Epoch };
  if (message.entries.length > 0 || cut !== undefined || (isFilled && !isMarked)) {
    write(replica, cut, message.entries, marks, out);
  }
  return message.isLive;
}

/** Whether the log, once what was received is written, is one of the epoch's: all of the chosen history, or past its start. */
function holdsHistory({ received, phase }: Replica, { target }: Copy): boolean {
  if (target !== undefined) return samePosition(received, target);
  return phase.kind === 'syncing' && received.lsn >= phase.config.start.lsn;
}

/** A piece is on disk: the copy is done, or asks for more. */
export function advanceCopy(replica: Replica, out: Effect[]): void {
  const { phase, marks, epoch, durable, received } = replica;
  const copy = copyOf(replica);
  if (copy === undefined || !samePosition(durable, received)) return;
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

function write(
  replica: Replica,
  cut: Position | undefined,
  entries: readonly Entry[],
  marks: Partial<Marks> | undefined,
  out: Effect[],
): void {
  const { kind } = replica.phase;
  assert(
    kind === 'copying' || kind === 'syncing',
    'C7: a serving member never cuts its log, and fills it by appends only',
  );
  out.push({ kind: 'write', cut, entries, marks });
}

/** The refusal carries the attempt that it refuses, and the epoch that this member stands at. */
function refuse(replica: Replica, to: HostId, { nonce }: { nonce: string }, out: Effect[]): void {
  const { chain, epoch } = replica;
  out.push({ kind: 'send', to, message: { kind: 'refused', chain, epoch, nonce } });
}

function isOwnAttempt(replica: Replica, { epoch, nonce }: { epoch: Epoch; nonce: string }): boolean {
  return epoch === replica.epoch && nonce === replica.nonce;
}
