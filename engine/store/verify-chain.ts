// One chain of a store, walked whole at one moment of it: the log from its floor, and what its documents were folded into. A finding does
// not end the walk; what cannot be judged behind one is passed over, so that one wrong entry is not reported many times.
import type { ChainId, Hash, Lsn } from '../base/ids.ts';
import type { Base } from './entries.ts';
import { baseKey, decodeBase, decodeMarks, marksKey, noBase } from './entries.ts';
import { lsnOfKey, namesOf, openRecord } from './format.ts';
import { recordRange } from './keys.ts';
import type { OrderedReader } from './port.ts';
import { walkDeleted } from './verify-deleted.ts';
import { walkDocuments } from './verify-documents.ts';
import type { ChainPart, Notes } from './verify-notes.ts';
import { whereOf } from './verify-notes.ts';

const recordKeyBytes = 11;

export type ChainWalked = {
  readonly chain: ChainId;
  /** The log begins behind this, documents are folded through that, the last record that is there. */
  readonly floor: number;
  readonly folded: number;
  readonly last: number;
  readonly records: number;
  readonly snapshots: number;
  readonly blocks: number;
  readonly bytes: number;
  readonly findings: number;
  /** It holds what an unfinished copy left: entries were checked one by one, as nothing of them counts. */
  readonly hasLeftover: boolean;
};

/** `reader` is of one moment. */
export async function walkChain(reader: OrderedReader, chain: ChainId, notes: Notes): Promise<ChainWalked> {
  const before = { bytes: notes.bytes, findings: notes.findingsCount };
  let known: Base | undefined;
  let isRead = false;
  await notes.guard(async () => {
    known = await readSmall(reader, chain, notes);
    isRead = true;
  });
  const base = known ?? noBase;
  // Without a base that can be believed nothing can be held against it.
  const isJudged = isRead && known !== undefined && !base.hasLeftover;
  const log = { records: 0, last: 0 };
  await notes.guard(() => walkRecords(reader, { chain, base, isJudged, notes }, log));
  const documents = { snapshots: 0, blocks: 0 };
  await notes.guard(() => walkDocuments(reader, { chain, base, isJudged, notes }, documents));
  await notes.guard(() => walkDeleted(reader, { chain, base, isJudged, notes }));
  return {
    chain,
    floor: base.floor.lsn,
    folded: base.folded.lsn,
    ...log,
    ...documents,
    bytes: notes.bytes - before.bytes,
    findings: notes.findingsCount - before.findings,
    hasLeftover: base.hasLeftover,
  };
}

async function readSmall(reader: OrderedReader, chain: ChainId, notes: Notes): Promise<Base | undefined> {
  const marks = await notes.get(reader, marksKey(chain), chain);
  if (marks !== undefined) notes.check('small', 'marks', chain, whereOf(marksKey(chain)), () => decodeMarks(marks));
  const key = baseKey(chain);
  const stored = await notes.get(reader, key, chain);
  if (stored === undefined) return noBase;
  const base = notes.check('small', 'base', chain, whereOf(key), () => decodeBase(stored));
  if (base !== undefined && base.floor.lsn > base.folded.lsn) {
    const { floor, folded } = base;
    notes.find(
      'base',
      chain,
      whereOf(key),
      `the log begins behind ${floor.lsn}, and is folded through ${folded.lsn} only`,
    );
    return undefined;
  }
  return base;
}

type LogWalked = { records: number; last: number };
/** After a record that cannot be read the hash is not known. */
type Last = { lsn: number; hash: Hash | undefined };

async function walkRecords(reader: OrderedReader, part: ChainPart, walked: LogWalked): Promise<void> {
  const { chain, base, isJudged, notes } = part;
  const { floor, folded } = base;
  let last: Last = { ...floor };
  let [isFoldedSeen, isAny] = [false, false];
  checkFolded(part, floor.lsn, floor.hash);
  for await (const { key, value } of notes.entries(reader, recordRange(chain), chain)) {
    const lsn = lsnIn(key);
    notes.checks.key += 1;
    if (lsn === undefined) {
      notes.find('key', chain, whereOf(key), 'is not the key of a record');
      continue;
    }
    walked.records += 1;
    walked.last = lsn;
    if (isJudged && lsn <= floor.lsn) {
      notes.find('below-floor', chain, `record ${lsn}`, `the log begins behind ${floor.lsn}`);
      continue;
    }
    isFoldedSeen ||= lsn === folded.lsn;
    // Of what an unfinished copy left, the first is as good as any.
    if (isJudged || isAny) last = checkOrder(part, last, lsn);
    else last = { lsn: lsn - 1, hash: undefined };
    isAny = true;
    last = checkRecord(part, last, lsn, value);
  }
  walked.last = Math.max(last.lsn, walked.last);
  if (!isJudged) return;
  notes.checks.reach += 1;
  if (last.lsn < folded.lsn) {
    const what = `documents are folded through ${folded.lsn}, and the log ends at ${last.lsn}`;
    notes.find('folded', chain, `record ${folded.lsn}`, what);
  } else if (folded.lsn > floor.lsn && !isFoldedSeen) {
    notes.find('folded', chain, `record ${folded.lsn}`, 'is not there, and documents are folded through it');
  }
  if (last.lsn >= folded.lsn && last.lsn < base.newest) {
    notes.find('newest', chain, `record ${base.newest}`, `a snapshot holds it, and the log ends at ${last.lsn}`);
  }
}

function checkOrder({ chain, isJudged, notes }: ChainPart, last: Last, lsn: number): Last {
  notes.checks.link += 1;
  if (lsn === last.lsn + 1) return last;
  const missing = lsn === last.lsn + 2 ? 'is' : `to ${lsn - 1} are`;
  // A chain that is being removed, or filled, is removed from its beginning: holes are none of ours.
  if (isJudged) notes.find('hole', chain, `record ${last.lsn + 1}`, `${missing} missing`);
  return { lsn: lsn - 1, hash: undefined };
}

/** What is known after the record: its hash, where it is one. */
function checkRecord(part: ChainPart, last: Last, lsn: number, value: Uint8Array): Last {
  const { chain, isJudged, notes } = part;
  const where = `record ${lsn}`;
  const record = notes.check('record', 'record', chain, where, () => openRecord(value));
  if (record === undefined) return { lsn, hash: undefined };
  if (record.chain !== chain || record.lsn !== lsn) {
    notes.find('record', chain, where, `says that it is record ${record.lsn} of chain ${record.chain}`);
    return { lsn, hash: undefined };
  }
  notes.check('record', 'record', chain, where, () => namesOf(record));
  if (isJudged && last.hash !== undefined && last.hash !== record.previousHash) {
    notes.find('hash', chain, where, `follows ${record.previousHash}, and before it stands ${last.hash}`);
  }
  checkFolded(part, lsn as Lsn, record.hash);
  return { lsn, hash: record.hash };
}

function checkFolded({ chain, base: { folded }, isJudged, notes }: ChainPart, lsn: Lsn, hash: Hash): void {
  if (!isJudged || lsn !== folded.lsn) return;
  notes.checks.reach += 1;
  if (hash === folded.hash) return;
  notes.find('folded', chain, `record ${lsn}`, `documents are folded through ${folded.hash}, and here stands ${hash}`);
}

function lsnIn(key: Uint8Array): number | undefined {
  // The top 11 bits of a u64 that is a safe integer are zero.
  if (key.length !== recordKeyBytes || key[3] !== 0 || (key[4] as number) > 0x1f) return undefined;
  return lsnOfKey(key);
}
