// Which records of a chain hold updates of which document: what is needed to load a document that is not in memory. It is
// built from the directories of records, payloads are not decoded: while a store opens, and as records are synced, on every
// member. So a host that becomes head has it, however long the log is; what is missing is read from the log.
import type { ChainId, Lsn, Position } from '../base/ids.ts';
import { origin } from '../base/ids.ts';
import type { OpenedRecord } from './format.ts';
import { namesOf } from './format.ts';

/** Of one history: where records are cut from a log, its index is left to whoever still reads by it, and another is begun. */
export type DocumentIndex = { from: Position; through: Position; readonly lsns: Map<string, number[]> };

/** Of what stands in the log behind `from`: below it, documents are folded. */
export function createIndex(from: Position = origin): DocumentIndex {
  return { from, through: from, lsns: new Map() };
}

/** The index of a log that is cut behind `lsn`. The old one is left to whoever still reads by it. */
export function indexAfterCut({ from, through, lsns }: DocumentIndex, lsn: number): DocumentIndex {
  if (through.lsn > lsn) return createIndex(from);
  return { from, through, lsns: new Map([...lsns].map(([name, known]) => [name, [...known]])) };
}

/** Documents are folded through `folded`: what it took in up to there is forgotten, so that documents at rest cost no memory. */
export function indexAfterFold(index: DocumentIndex, folded: Position, names: Iterable<string>): void {
  index.from = folded;
  if (index.through.lsn < folded.lsn) index.through = folded;
  for (const name of names) {
    const left = (index.lsns.get(name) ?? []).filter((lsn) => lsn > folded.lsn);
    if (left.length > 0) index.lsns.set(name, left);
    else index.lsns.delete(name);
  }
}

/** Adds one record's documents. Records must come in order; one that is already in is passed over. */
export function indexNames(index: DocumentIndex, at: Position, names: readonly string[]): void {
  if (at.lsn !== index.through.lsn + 1) return;
  index.through = { lsn: at.lsn, hash: at.hash };
  for (const name of names) {
    const known = index.lsns.get(name);
    if (known === undefined) index.lsns.set(name, [at.lsn]);
    else known.push(at.lsn);
  }
}

export function indexRecord(index: DocumentIndex, record: OpenedRecord): void {
  indexNames(index, record, namesOf(record));
}

/** For a store that opens: takes what it visits into the index of its chain, which begins behind the first record of that. */
export function indexVisited(indexes: Map<ChainId, DocumentIndex>, record: OpenedRecord): void {
  const { chain, lsn, previousHash } = record;
  const index = indexes.get(chain) ?? createIndex({ lsn: (lsn - 1) as Lsn, hash: previousHash });
  indexes.set(chain, index);
  indexRecord(index, record);
}
