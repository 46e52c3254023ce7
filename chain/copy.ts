// A history that is being copied in, from whoever holds it. Where the two logs part is found by asking: "do you hold this record?",
// going back twice as far with each no. What lies behind it is cut in the same write that appends what follows (C7).
//
// Where one of the two logs begins later than what they share, no record shows it any more: then everything goes, and the source's
// documents come first, page by page (pages.ts). From the wipe on nothing here counts (C11): the mark goes before it, and comes back with the
// end of the copy.
import { assert } from '../engine/base/assert.ts';
import type { Epoch, HostId, Position } from '../engine/base/ids.ts';
import { lsn, origin, samePosition } from '../engine/base/ids.ts';
import type { Chunk, Entry } from './messages.ts';
import { wedge } from './normal.ts';
import type { Copy, Effect, Event, Marks, Replica } from './state.ts';

export function newCopy(source: HostId, target: Position | undefined): Copy {
  return { source, target, base: undefined, asked: 0, step: 1, isShared: false, pages: undefined };
}

/** Nothing is on its way to the disk: the log is what is durable. */
export function forgetInflight(replica: Replica): void {
  replica.received = replica.durable;
  replica.base = replica.durable;
  replica.inflight.length = 0;
}

/** Into a log at rest. What an abandoned copy has left goes first; this comes again when it has. */
export function beginCopy(replica: Replica, copy: Copy, out: Effect[]): void {
  if (replica.leftover === 'some') wipe(replica, out);
  if (replica.leftover !== 'none') return;
  const { source, target } = copy;
  const { durable, epoch, self } = replica;
  if (target === undefined) return findBase(replica, copy, durable.lsn, out);
  if (samePosition(durable, target)) return write(replica, undefined, [], { logEpoch: epoch }, out);
  // It was the source, and lost its disk since it was sealed.
  if (source === self) return loseSource(replica, copy, out);
  findBase(replica, copy, Math.min(durable.lsn, target.lsn), out);
}

function findBase(replica: Replica, copy: Copy, at: number, out: Effect[]): void {
  copy.base = undefined;
  copy.asked = at;
  const { durable, folded, newest } = replica;
  // Documents here may hold what the chosen history does not: an operator has accepted a loss.
  if (at < newest) return startPages(replica, copy, out);
  const known = [durable, folded].find((one) => one.lsn === at);
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

export function fetchNext(replica: Replica, copy: Copy, out: Effect[]): void {
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

/** Whether a copy still waits for this place in the own log: it may have begun anew, and the log be another. */
export function isAskedFor(replica: Replica, lsn: number): boolean {
  const copy = copyOf(replica);
  return copy?.asked === lsn && copy.base === undefined && replica.leftover === 'none';
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
    guessFurtherBack(replica, copy, message.start, out);
    return false;
  }
  return fill(replica, copy, message, out);
}

function guessFurtherBack(replica: Replica, copy: Copy, start: Position, out: Effect[]): void {
  const { base } = copy;
  if (copy.isShared || base === undefined) return loseSource(replica, copy, out);
  // What may be shared lies below where one of the two logs begins: no record shows it any more.
  const { newest } = replica;
  if (base.lsn < start.lsn) return startPages(replica, copy, out);
  if (base.lsn === 0) return loseSource(replica, copy, out);
  if (base.lsn <= newest) return startPages(replica, copy, out);
  const at = Math.max(newest, base.lsn - copy.step);
  copy.step *= 2;
  findBase(replica, copy, at, out);
}

/** The source no longer holds what it had: its disk is another. This member stays sealed, and waits for a higher epoch. */
export function loseSource(replica: Replica, copy: Copy, out: Effect[]): void {
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

/** Everything kept of the chain goes, and is known not to count before the first of it does. */
export function startPages(replica: Replica, copy: Copy, out: Effect[]): void {
  copy.base = undefined;
  copy.isShared = false;
  copy.pages = { start: undefined, cursor: '', isStoring: false };
  write(replica, undefined, [], { logEpoch: 0 as Epoch }, out);
  wipe(replica, out);
}

export function wipe(replica: Replica, out: Effect[]): void {
  replica.leftover = 'going';
  replica.logStart = origin;
  replica.folded = origin;
  replica.newest = origin.lsn;
  replica.durable = origin;
  forgetInflight(replica);
  out.push({ kind: 'wipe' });
}

export function fetchPage(replica: Replica, { source, pages }: Copy, out: Effect[]): void {
  if (pages === undefined || replica.leftover === 'going' || replica.peers.get(source)?.isConnected !== true) return;
  const { chain, epoch } = replica;
  out.push({ kind: 'send', to: source, message: { kind: 'fetchPage', chain, epoch, cursor: pages.cursor } });
}

export function write(
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
