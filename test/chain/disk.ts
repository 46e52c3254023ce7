// A member's disk in memory: what was written stays, and nothing else does.
import type { Entry } from '../../chain/messages.ts';
import type { Marks } from '../../chain/state.ts';
import { assert } from '../../engine/base/assert.ts';
import type { Epoch, Position } from '../../engine/base/ids.ts';
import { origin } from '../../engine/base/ids.ts';

export type Write = { readonly entries: readonly Entry[]; readonly marks: Partial<Marks> | undefined };
export type Disk = { records: Entry[]; marks: Marks };

export function emptyDisk(): Disk {
  return { records: [], marks: { sealed: 0 as Epoch, nonce: '', ran: 0 as Epoch, logEpoch: 0 as Epoch } };
}

export function endOfDisk({ records }: Disk): Position {
  const last = records.at(-1);
  return last === undefined ? origin : { lsn: last.lsn, hash: last.hash };
}

/** One synced batch; says what a `synced` event does. */
export function applyWrites(
  disk: Disk,
  writes: readonly Write[],
): { position: Position | undefined; marks: Marks | undefined } {
  let position: Position | undefined;
  let marks: Marks | undefined;
  for (const write of writes) {
    for (const entry of write.entries) {
      assert(entry.lsn === disk.records.length + 1, `record ${entry.lsn} is written in its place`);
      disk.records.push(entry);
      position = { lsn: entry.lsn, hash: entry.hash };
    }
    if (write.marks !== undefined) {
      marks = { ...(marks ?? disk.marks), ...write.marks };
      disk.marks = marks;
    }
  }
  return { position, marks };
}

/** Two records at most, so that a copy takes several pieces. */
export function readAfter({ records }: Disk, after: Position): { entries: Entry[]; isShared: boolean } {
  const at = after.lsn === 0 ? origin : records[after.lsn - 1];
  const isShared = at?.hash === after.hash;
  return { isShared, entries: isShared ? records.slice(after.lsn, after.lsn + 2) : [] };
}
