// A member's disk in memory: what was written stays, and nothing else does. Records and marks are replaced, never changed in
// place, so that a copy of a disk may share them.
import type { Entry, Page } from '../../chain/messages.ts';
import type { Marks } from '../../chain/state.ts';
import { assert } from '../../engine/base/assert.ts';
import type { Epoch, Position } from '../../engine/base/ids.ts';
import { lsn, origin } from '../../engine/base/ids.ts';
import { made } from './made.ts';

export type Write = {
  readonly cut: Position | undefined;
  readonly entries: readonly Entry[];
  readonly marks: Partial<Marks> | undefined;
  /** Everything but the marks begins to go. */
  readonly isWipe?: boolean;
  readonly page?: Page;
  readonly epoch?: Epoch;
};
/**
 * `records` is the whole history: the first `start` of them are gone from the log, and in documents. `hasLeftover`: what lies here beside
 * the log is of a copy that did not come to its end; `pages` is what came of it.
 */
export type Disk = {
  records: readonly Entry[];
  marks: Marks;
  start: number;
  hasLeftover: boolean;
  pages: readonly Entry[];
};
export type Synced = { position: Position | undefined; marks: Marks | undefined; isCut: boolean };

export function emptyDisk(): Disk {
  const marks = { sealed: 0 as Epoch, nonce: '', ran: 0 as Epoch, logEpoch: 0 as Epoch };
  return { records: [], marks, start: 0, hasLeftover: false, pages: [] };
}

export function endOfDisk({ records }: Disk): Position {
  const last = records.at(-1);
  return last === undefined ? origin : { lsn: last.lsn, hash: last.hash };
}

/** One synced batch; says what a `synced` event does. */
export function applyWrites(disk: Disk, writes: readonly Write[]): Synced {
  const isCut = writes.some(({ cut }) => cut !== undefined);
  let isMoved = isCut;
  let marks: Marks | undefined;
  for (const write of writes) {
    if (write.isWipe === true) Object.assign(disk, { records: [], start: 0, hasLeftover: true, pages: [] });
    if (write.page !== undefined) keepPage(disk, write.page);
    if (write.cut !== undefined) {
      const { cut } = write;
      assert(cut.lsn >= disk.start, `C17: a log that begins behind ${disk.start} is not cut at ${cut.lsn}`);
      const isThere = disk.records.length > cut.lsn && positionAt(disk, cut.lsn).hash === cut.hash;
      assert(isThere, `C7: a log is cut behind a record that it holds, and not behind its end: ${cut.lsn}`);
      disk.records = disk.records.slice(0, cut.lsn);
    }
    for (const entry of write.entries) {
      const { lsn: last, hash } = endOfDisk(disk);
      assert(entry.lsn === last + 1 && entry.previousHash === hash, `C7: record ${entry.lsn} is written in its place`);
      disk.records = [...disk.records, entry];
      isMoved = true;
    }
    if (write.marks !== undefined) {
      marks = { ...(marks ?? disk.marks), ...write.marks };
      disk.marks = marks;
    }
  }
  return { position: isMoved ? endOfDisk(disk) : undefined, marks, isCut };
}

/** Two records at most, so that a copy takes several pieces. */
export function readAfter({ records, start }: Disk, after: Position): { entries: Entry[]; isShared: boolean } {
  const at = after.lsn === 0 ? origin : records[after.lsn - 1];
  const isShared = after.lsn >= start && at?.hash === after.hash;
  return { isShared, entries: isShared ? records.slice(after.lsn, after.lsn + 2) : [] };
}

export function positionAt({ records }: Disk, at: number): Position {
  const record = records[at - 1];
  return record === undefined ? origin : { lsn: lsn(at), hash: record.hash };
}

export function isOnDisk({ records }: Disk, { lsn: at, hash }: Position): boolean {
  return at === 0 || records[at - 1]?.hash === hash;
}

const entriesPerPage = 2;

/** What lies below the log, some of it: a document here is a record. */
export function pageFrom(disk: Disk, cursor: string): Page {
  const from = Number(cursor);
  const hashes = disk.records.slice(from, Math.min(from + entriesPerPage, disk.start)).map(({ hash }) => hash);
  const next = from + entriesPerPage < disk.start ? `${from + entriesPerPage}` : '';
  const start = positionAt(disk, disk.start);
  return { cursor, next, start, sum: '0'.repeat(32), bytes: Buffer.from(hashes.join('')) };
}

/** With the last page the log begins: with nothing in it, behind what the pages say. */
function keepPage(disk: Disk, { cursor, next, start, bytes }: Page): void {
  const hashes = Buffer.from(bytes).toString().match(/.{32}/g) ?? [];
  const entries = hashes.map((hash) => made.get(hash) as Entry);
  disk.pages = [...disk.pages.slice(0, Number(cursor)), ...entries];
  disk.hasLeftover = true;
  if (next !== '') return;
  assert(disk.pages.length === start.lsn, `C11: ${disk.pages.length} documents are not all through ${start.lsn}`);
  Object.assign(disk, { records: disk.pages, start: start.lsn, hasLeftover: false, pages: [] });
  assert(positionAt(disk, start.lsn).hash === start.hash, 'C11: pages are of one history');
}
