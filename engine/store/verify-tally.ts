// Whether a store holds what its last write left: marks, registers, bases, seq floors and the ends of logs, all of one moment, against the sum
// that every write carries (tally.ts). What is older than it should be reads like what it should be: only this shows it while a store runs.
import { CodedError } from '../base/errors.ts';
import type { ChainId, Lsn, Position } from '../base/ids.ts';
import { origin } from '../base/ids.ts';
import type { Base } from './entries.ts';
import { decodeBase, noBase, smallKeys, smallOfKey } from './entries.ts';
import { openRecord, recordKey } from './format.ts';
import type { OrderedReader } from './port.ts';
import { seqFloorKeys } from './snapshot-format.ts';
import { decodeTally, Tally, tallyKey } from './tally.ts';
import type { Notes } from './verify-notes.ts';
import { whereOf } from './verify-notes.ts';

/** Of a store in which nothing else was found. `reader` is of one moment. */
export async function walkTally(reader: OrderedReader, chains: readonly ChainId[], notes: Notes): Promise<void> {
  try {
    await compare(reader, chains, notes);
  } catch (cause) {
    // It was well a moment ago, and is not now.
    if (!(cause instanceof CodedError)) throw cause;
    notes.find('tally', undefined, whereOf(tallyKey), cause.message);
  }
}

async function compare(reader: OrderedReader, chains: readonly ChainId[], notes: Notes): Promise<void> {
  const entry = await notes.get(reader, tallyKey, undefined);
  // A store of before there were any gets one with its next write.
  if (entry === undefined) return;
  const tally = new Tally();
  const bases = new Map<number, Base>();
  for await (const { key, value } of notes.entries(reader, smallKeys, undefined)) {
    if (key.length !== 3) continue;
    const { kind, number } = smallOfKey(key);
    if (kind === 'base') bases.set(number, decodeBase(value));
    tally.countEntry(key, value);
  }
  for await (const { key, value } of notes.entries(reader, seqFloorKeys, undefined)) tally.countEntry(key, value);
  for (const chain of chains) {
    const base = bases.get(chain) ?? noBase;
    tally.countEnd(chain, base.hasLeftover ? origin : await endOfLog(reader, chain, base.folded, notes));
  }
  notes.checks.tally += 1;
  const { serial, sum } = decodeTally(entry);
  if (sum === tally.sum) return;
  const what = `marks, registers, bases and the ends of logs are not those of write ${serial}: something older lies among them`;
  notes.find('older', undefined, whereOf(tallyKey), what);
}

/** The last record of a log without holes: looked for at distances that double, then in between. */
async function endOfLog(reader: OrderedReader, chain: ChainId, folded: Position, notes: Notes): Promise<Position> {
  const at = (lsn: number): Promise<Uint8Array | undefined> => notes.get(reader, recordKey(chain, lsn), chain);
  let [there, gone]: [number, number] = [folded.lsn, folded.lsn + 1];
  while ((await at(gone)) !== undefined) [there, gone] = [gone, gone + 2 * (gone - folded.lsn)];
  while (gone - there > 1) {
    const middle = Math.floor((there + gone) / 2);
    if ((await at(middle)) === undefined) gone = middle;
    else there = middle;
  }
  const bytes = there === folded.lsn ? undefined : await at(there);
  return bytes === undefined ? folded : { lsn: there as Lsn, hash: openRecord(bytes).hash };
}
