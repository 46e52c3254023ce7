// A member's disk in memory: what was written stays, and nothing else does. Records and marks are replaced, never changed in
// place, so that a copy of a disk may share them.
import type { Entry } from '../../chain/messages.ts';
import type { Marks } from '../../chain/state.ts';
import { assert } from '../../engine/base/assert.ts';
import type { Epoch, Position } from '../../engine/base/ids.ts';
import { lsn, origin } from '../../engine/base/ids.ts';

export type Write = {
  readonly cut: Position | undefined;
  readonly entries: readonly Entry[];
  readonly marks: Partial<Marks> | undefined;
};
export type Disk = { records: readonly Entry[]; marks: Marks };
export type Synced = { position: Position | undefined; marks: Marks | undefined; isCut: boolean };

export function emptyDisk(): Disk {
  return { records: [], marks: { sealed: 0 as Epoch, nonce: '', ran: 0 as Epoch, logEpoch: 0 as Epoch } };
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
    if (write.cut !== undefined) {
      const { cut } = write;
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
export function readAfter({ records }: Disk, after: Position): { entries: Entry[]; isShared: boolean } {
  const at = after.lsn === 0 ? origin : records[after.lsn - 1];
  const isShared = at?.hash === after.hash;
  return { isShared, entries: isShared ? records.slice(after.lsn, after.lsn + 2) : [] };
}

export function positionAt({ records }: Disk, at: number): Position {
  const record = records[at - 1];
  return record === undefined ? origin : { lsn: lsn(at), hash: record.hash };
}

export function isOnDisk({ records }: Disk, { lsn: at, hash }: Position): boolean {
  return at === 0 || records[at - 1]?.hash === hash;
}
