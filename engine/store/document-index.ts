// Which records of a chain hold updates of which document: what is needed to load a document that is not in memory. It is
// built from the directories of records, payloads are not decoded: while a store opens, and as records are synced, on every
// member. So a host that becomes head has it, however long the log is; what is missing is read from the log.
import type { Position } from '../base/ids.ts';
import { origin } from '../base/ids.ts';
import type { OpenedRecord } from './format.ts';
import { namesOf } from './format.ts';

/** Of one history: where records are cut from a log, its index is left to whoever still reads by it, and another is begun. */
export type DocumentIndex = { through: Position; readonly lsns: Map<string, number[]> };

export function createIndex(): DocumentIndex {
  return { through: origin, lsns: new Map() };
}

/** The index of a log that is cut behind `lsn`. The old one is left to whoever still reads by it. */
export function indexAfterCut({ through, lsns }: DocumentIndex, lsn: number): DocumentIndex {
  if (through.lsn > lsn) return createIndex();
  return { through, lsns: new Map([...lsns].map(([name, known]) => [name, [...known]])) };
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
