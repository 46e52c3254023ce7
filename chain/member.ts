// A member between two epochs: sealed, given a history, started. The order of its phases is the order of what it has synced:
//
//   sealing  -> sealed    `sealed` is on disk, behind the write that was in flight: the log is frozen (C4)
//   copying  -> ready     the log is exactly the chosen history and `logEpoch` says so, in the same sync (C7)
//   adopting -> serving   `ran` is on disk: this member can never run the epoch a second time (C13)
import { assert } from '../engine/base/assert.ts';
import type { Epoch, HostId, Position } from '../engine/base/ids.ts';
import { samePosition } from '../engine/base/ids.ts';
import type { Activate, Chunk, Entry, Fetch, Seal, Transfer } from './messages.ts';
import { advanceAck, beginServing, retire, wedge } from './normal.ts';
import type { Effect, Event, Marks, Replica } from './state.ts';

export function onSeal(replica: Replica, from: HostId, message: Seal, out: Effect[]): void {
  const { epoch, nonce } = message;
  if (epoch <= replica.epoch) {
    const isRepeat = epoch === replica.epoch && nonce === replica.nonce;
    if (!isRepeat) refuse(replica, from, out);
    return;
  }
  if (from !== replica.self) retire(replica, out);
  replica.epoch = epoch;
  replica.nonce = nonce;
  replica.driver = from;
  replica.phase = { kind: 'sealing' };
  replica.lowerResume = undefined;
  out.push({ kind: 'dropQueued' });
  out.push({ kind: 'write', entries: [], marks: { sealed: epoch, nonce } });
}

/** The driver says which history the epoch begins with, and who holds it. */
export function onTransfer(replica: Replica, from: HostId, message: Transfer, out: Effect[]): void {
  if (!isOfAttempt(replica, from, message) || replica.phase.kind !== 'sealed') return;
  const { source, position: target } = message;
  const { chain, epoch, durable } = replica;
  if (durable.lsn > target.lsn) return wedge(replica, `C7: asked to cut record ${durable.lsn} to ${target.lsn}`, out);
  replica.phase = { kind: 'copying', source, target };
  if (samePosition(durable, target)) return write(replica, [], { logEpoch: epoch }, out);
  out.push({ kind: 'send', to: source, message: { kind: 'fetch', chain, epoch, after: durable } });
}

/** Another member asks for what follows its last record. Only a frozen log is read: what is sent cannot change meanwhile. */
export function onFetch(replica: Replica, from: HostId, message: Fetch, out: Effect[]): void {
  if (message.epoch !== replica.epoch || !isFrozen(replica)) return;
  out.push({ kind: 'read', to: from, epoch: message.epoch, after: message.after });
}

export function onFetched(replica: Replica, event: Event & { kind: 'fetched' }, out: Effect[]): void {
  if (event.epoch !== replica.epoch || !isFrozen(replica)) return;
  const { chain, epoch } = replica;
  const { isShared, entries } = event;
  out.push({ kind: 'send', to: event.to, message: { kind: 'chunk', chain, epoch, isShared, entries } });
}

export function onChunk(replica: Replica, from: HostId, message: Chunk, out: Effect[]): void {
  const { phase, epoch } = replica;
  if (message.epoch !== epoch || phase.kind !== 'copying' || phase.source !== from) return;
  const first = message.entries[0];
  if (!message.isShared || first === undefined) return stopDiverged(replica, replica.durable, out);
  // Asked for twice, since the link of the first question broke, and answered twice.
  if (first.lsn <= replica.received.lsn) return;
  const isFirst = replica.marks.logEpoch !== 0;
  for (const entry of message.entries) {
    if (entry.lsn !== replica.received.lsn + 1 || entry.previousHash !== replica.received.hash) {
      return stopDiverged(replica, replica.received, out);
    }
    replica.received = { lsn: entry.lsn, hash: entry.hash };
  }
  if (samePosition(replica.received, phase.target)) return write(replica, message.entries, { logEpoch: epoch }, out);
  if (replica.received.lsn >= phase.target.lsn) return stopDiverged(replica, replica.received, out);
  write(replica, message.entries, isFirst ? { logEpoch: 0 as Epoch } : undefined, out);
}

/** The link to the source of a copy is new: what was asked on the old one, or its answer, may be lost. */
export function onSourceBack(replica: Replica, peer: HostId, out: Effect[]): void {
  const { phase, durable, received, chain, epoch } = replica;
  if (phase.kind !== 'copying' || phase.source !== peer || durable.lsn === phase.target.lsn) return;
  // While a piece is being written, the next is asked for when that is done.
  if (!samePosition(durable, received)) return;
  out.push({ kind: 'send', to: peer, message: { kind: 'fetch', chain, epoch, after: durable } });
}

export function onActivate(replica: Replica, from: HostId, message: Activate, out: Effect[]): void {
  if (!isOfAttempt(replica, from, message) || replica.phase.kind !== 'ready') return;
  const { order, start, epoch } = message;
  assert(samePosition(start, replica.durable), 'C7: a chain starts with the history that was transferred');
  assert(replica.marks.ran < epoch, `C13: epoch ${epoch} is run once, and ${replica.marks.ran} ran`);
  assert(
    replica.marks.sealed === epoch && replica.marks.logEpoch === epoch,
    'C4: sealed and filled before it is started',
  );
  replica.phase = { kind: 'adopting', order, start };
  write(replica, [], { ran: epoch }, out);
}

/** A write is on disk: the log grew, or a mark was made, and with it this member may be one phase further. */
export function onSynced(replica: Replica, event: Event & { kind: 'synced' }, out: Effect[]): void {
  if (event.position !== undefined) {
    assert(event.position.lsn > replica.durable.lsn, `synced ${event.position.lsn} after ${replica.durable.lsn}`);
    replica.durable = event.position;
    advanceAck(replica, out);
  }
  if (event.marks !== undefined) replica.marks = event.marks;
  advancePhase(replica, out);
}

function advancePhase(replica: Replica, out: Effect[]): void {
  const { phase, marks, chain, epoch, nonce, driver } = replica;
  if (driver === undefined) return;
  if (phase.kind === 'sealing' && marks.sealed === epoch && marks.nonce === nonce) {
    // What was queued behind the write in flight is dropped: this member never had it.
    replica.received = replica.durable;
    replica.inflight.length = 0;
    replica.phase = { kind: 'sealed' };
    const { storeId, durable: position } = replica;
    const answer = { chain, epoch, nonce, storeId, logEpoch: marks.logEpoch, position };
    out.push({ kind: 'send', to: driver, message: { kind: 'sealed', ...answer } });
  }
  if (phase.kind === 'copying' && samePosition(replica.durable, replica.received)) {
    if (marks.logEpoch === epoch && samePosition(replica.durable, phase.target)) {
      replica.phase = { kind: 'ready', target: phase.target };
      out.push({ kind: 'send', to: driver, message: { kind: 'transferred', chain, epoch, nonce } });
    } else if (replica.durable.lsn < phase.target.lsn) {
      const after = replica.durable;
      out.push({ kind: 'send', to: phase.source, message: { kind: 'fetch', chain, epoch, after } });
    }
  }
  if (phase.kind === 'adopting' && marks.ran === epoch) {
    beginServing(replica, out);
    out.push({ kind: 'send', to: driver, message: { kind: 'adopted', chain, epoch, nonce } });
  }
}

function write(replica: Replica, entries: readonly Entry[], marks: Partial<Marks> | undefined, out: Effect[]): void {
  assert(replica.phase.kind !== 'serving', 'a serving member writes through accept');
  out.push({ kind: 'write', entries, marks });
}

/** C11: two histories that differ are not mended by software here; this member says so and serves nothing. */
function stopDiverged(replica: Replica, at: Position, out: Effect[]): void {
  replica.driver = undefined;
  wedge(replica, `CHAIN_DIVERGED: chain ${replica.chain} has another history after record ${at.lsn}`, out);
}

function refuse(replica: Replica, to: HostId, out: Effect[]): void {
  const { chain, epoch, nonce } = replica;
  out.push({ kind: 'send', to, message: { kind: 'refused', chain, epoch, nonce } });
}

function isOfAttempt(replica: Replica, from: HostId, message: { epoch: Epoch; nonce: string }): boolean {
  return from === replica.driver && message.epoch === replica.epoch && message.nonce === replica.nonce;
}

function isFrozen(replica: Replica): boolean {
  return replica.phase.kind === 'sealed' || replica.phase.kind === 'copying' || replica.phase.kind === 'ready';
}
