// A copy that begins with documents: what this member would have to share with the source lies below where one of their logs begins.
//
//   wipe -> wiped -> fetchPage -> page -> storePage -> pageStored -> fetchPage ... -> the last page: the log begins at its start
//
// From the wipe on nothing here counts (C11): the mark goes before it, and comes back with the end of the copy. The source folds and trims
// nothing meanwhile (C17), so that all pages are of one state; a page that is of another begins the copy anew.
//
// And what makes all this necessary: a log is trimmed as far as every member has what goes, and nobody may have to be given it.
import { assert } from '../engine/base/assert.ts';
import type { HostId } from '../engine/base/ids.ts';
import { lsn, samePosition } from '../engine/base/ids.ts';
import { beginCopy, copyOf, fetchNext, fetchPage, forgetInflight, isFrozen, startPages, write } from './copy.ts';
import type { FetchPage, PageOf } from './messages.ts';
import { isCurrent, runningConfig, wedge } from './normal.ts';
import type { Effect, Event, Replica } from './state.ts';

/** C17: whether documents may be folded and the log trimmed now: nobody is being given what would go. */
export function mayFold({ phase, known }: Replica): boolean {
  if (phase.kind !== 'serving') return false;
  const isWhole = phase.config.members.every(({ role }) => role === 'serving');
  return (
    isWhole &&
    known?.phase === 'active' &&
    known.epoch === phase.config.epoch &&
    known.members.length === phase.config.members.length
  );
}

/** Said before the pass writes anything. It can cross the seal of an epoch, and no more: a copy begins when that is on disk. */
export function onFolding(replica: Replica, { through }: Event & { kind: 'folding' }): void {
  if (replica.leftover !== 'none') return;
  assert(copyOf(replica) === undefined, 'E13: nobody folds while a history is copied in');
  if (through > replica.newest) replica.newest = through;
}

/** C17: what is folded here and committed is on every serving member's disk; with nobody syncing it is needed by no one. */
export function onFolded(replica: Replica, { through, newest }: Event & { kind: 'folded' }, out: Effect[]): void {
  // The end of a pass that crossed the beginning of a copy: what it folded goes (seed 603467).
  if (replica.leftover !== 'none') return;
  assert(through.lsn <= replica.durable.lsn, `C17: folded ${through.lsn} is past durable ${replica.durable.lsn}`);
  if (through.lsn <= replica.folded.lsn) return;
  replica.folded = through;
  replica.newest = lsn(Math.max(through.lsn, newest));
  if (!mayFold(replica) || through.lsn > replica.committed) return;
  replica.logStart = through;
  out.push({ kind: 'trim', to: through });
}

/** Whoever waits for it goes on: the copy that asked for it, or one of a later attempt, for which the log is an empty one. */
export function onWiped(replica: Replica, out: Effect[]): void {
  assert(replica.leftover === 'going', 'C11: what is gone was to go');
  replica.leftover = 'none';
  const copy = copyOf(replica);
  if (copy === undefined) return;
  if (copy.pages !== undefined) fetchPage(replica, copy, out);
  else beginCopy(replica, copy, out);
}

export function onFetchPage(replica: Replica, from: HostId, { epoch, cursor }: FetchPage, out: Effect[]): void {
  const isOurs = isFrozen(replica) ? epoch === replica.epoch : isCurrent(replica, from, epoch, 'lower');
  if (!isOurs) return;
  replica.joinSteps += 1;
  out.push({ kind: 'readPage', to: from, epoch, cursor });
}

export function onPageRead(replica: Replica, { to, epoch, page }: Event & { kind: 'pageRead' }, out: Effect[]): void {
  const isAsked = isFrozen(replica) || runningConfig(replica) !== undefined;
  if (epoch !== replica.epoch || !isAsked) return;
  out.push({ kind: 'send', to, message: { kind: 'page', chain: replica.chain, epoch, page } });
}

export function onPage(replica: Replica, from: HostId, { epoch, page }: PageOf, out: Effect[]): void {
  const copy = copyOf(replica);
  if (epoch !== replica.epoch || copy?.source !== from || copy.pages === undefined || replica.leftover === 'going')
    return;
  const { start, cursor, isStoring } = copy.pages;
  // A page that was asked for on the last link too comes twice: the second would be stored over what follows the first (seed 675784).
  if (page.cursor !== cursor || isStoring) return;
  // The source was folded meanwhile: what came before is of another state.
  if (start !== undefined && !samePosition(start, page.start)) return startPages(replica, copy, out);
  if (copy.target !== undefined && page.start.lsn > copy.target.lsn) {
    return wedge(
      replica,
      `C7: documents through ${page.start.lsn}, and the chosen history ends at ${copy.target.lsn}`,
      out,
    );
  }
  copy.pages = { start: page.start, cursor, isStoring: true };
  replica.leftover = 'some';
  out.push({ kind: 'storePage', epoch, page });
}

/** A page is on this disk. After the last one the log begins, with nothing in it. */
export function onPageStored(replica: Replica, event: Event & { kind: 'pageStored' }, out: Effect[]): void {
  const { epoch, cursor, next } = event;
  const copy = copyOf(replica);
  if (
    epoch !== replica.epoch ||
    copy?.pages === undefined ||
    copy.pages.cursor !== cursor ||
    replica.leftover !== 'some'
  )
    return;
  const { start } = copy.pages;
  assert(start !== undefined, 'C11: a page that was stored had a start');
  if (!event.isRight) return startPages(replica, copy, out);
  if (next !== '') {
    copy.pages = { start, cursor: next, isStoring: false };
    return fetchPage(replica, copy, out);
  }
  copy.pages = undefined;
  replica.leftover = 'none';
  replica.logStart = start;
  replica.folded = start;
  replica.newest = start.lsn;
  replica.durable = start;
  forgetInflight(replica);
  copy.base = start;
  copy.isShared = true;
  const { target } = copy;
  if (target !== undefined && samePosition(start, target))
    return write(replica, undefined, [], { logEpoch: replica.epoch }, out);
  fetchNext(replica, copy, out);
}
