// What those who run the cluster ask of a document: nobody else may see all of it. Listing its history, going back in it, and its end.
import { CodedError } from '../engine/base/errors.ts';
import type { Principal } from '../engine/base/ids.ts';
import type { HistoryLine } from '../engine/document/life/history.ts';
import { FormerReader, HistoryLister } from '../engine/document/life/history.ts';
import type { Done } from './deed.ts';
import type { Desk } from './desk.ts';

/** Whoever has the admin token: updates that no client made are his. */
export const operator: Principal = { agent: 'operator', authority: 'levelten' };

/** `seq` is that of the last update that is durable here. */
export type HistoryPage = { readonly seq: number; readonly lines: readonly HistoryLine[] };

/** Updates by falling seq, below `before`, up to `max`. DOCUMENT_UNKNOWN; else as DeskReads.back. */
export async function listHistory(desk: Desk, name: string, before: number, max: number): Promise<HistoryPage> {
  const lister = new HistoryLister(before, max);
  await desk.reads.back(name, lister);
  const { seq, lines } = lister;
  if (seq === 0) throw new CodedError('DOCUMENT_UNKNOWN', `there is no ${name}`);
  return { seq, lines };
}

/**
 * Sets a document to its state after update `to`, by an update of its own, and resolves with the seq of that. HISTORY_GONE where that state is
 * not kept any more or has not been; DOCUMENT_UNKNOWN; UPDATE_TOO_BIG; else as Desk.act.
 */
export async function rewindDocument(desk: Desk, name: string, to: number, who = operator): Promise<number> {
  const reader = new FormerReader(to);
  await desk.reads.back(name, reader);
  const former = reader.former();
  const { seq } = await desk.act(name, { kind: 'rewind', to: former, who });
  return seq;
}

/** Deletes a document, and resolves with the seq of that and a record through which it is committed. DOCUMENT_UNKNOWN; else as Desk.act. */
export async function deleteDocument(desk: Desk, name: string, who = operator): Promise<Done> {
  return await desk.act(name, { kind: 'delete', who });
}
