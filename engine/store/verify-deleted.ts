// What deletions leave behind: the seq from which a chain goes on, and notes of what has yet to leave the files of a store.
import { deletedRanges } from './keys.ts';
import { pendingOf } from './pending.ts';
import type { OrderedReader } from './port.ts';
import { decodeSeqFloor, seqFloorKey } from './snapshot-format.ts';
import { type ChainPart, whereOf } from './verify-notes.ts';

export async function walkDeleted(reader: OrderedReader, { chain, notes }: ChainPart): Promise<void> {
  const [floors, pending] = deletedRanges(chain);
  for await (const { key, value } of notes.entries(reader, floors, chain)) {
    notes.checks.key += 1;
    if (Buffer.compare(key, seqFloorKey(chain)) !== 0)
      notes.find('key', chain, whereOf(key), 'is not where a seq floor is');
    else notes.check('small', 'seq-floor', chain, whereOf(key), () => decodeSeqFloor(key, value));
  }
  for await (const { key } of notes.entries(reader, pending, chain)) {
    notes.checks.key += 1;
    if (pendingOf(key) === undefined) notes.find('key', chain, whereOf(key), 'notes no deletion');
  }
}
