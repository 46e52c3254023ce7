// What the documents of a chain hold, page by page, for whoever wants to know what other code would make of them. Only those who run the cluster hear it, and
// of the head, since it alone knows what is committed. Nothing is remembered between two pages.
import { CodedError } from '../engine/base/errors.ts';
import { exportPageBytes, statesPageMax } from '../engine/base/limits.ts';
import type { JsonObject } from '../engine/base/merge-patch.ts';
import { isDeletedIn } from '../engine/document/document.ts';
import { createPast, takeSections } from '../engine/document/life/past.ts';
import { decodeSnapshot } from '../engine/document/life/snapshot.ts';
import type { Stored } from '../engine/store/documents.ts';
import type { Desk } from './desk.ts';
import { readably } from './shelf.ts';

/** `state` is null where it cannot be read, for the reason in `text`. */
export type StateLine = { readonly name: string; readonly state: JsonObject | null; readonly text?: string };
/** More may follow behind `next`, unless it is ''. */
export type StatesPage = { readonly next: string; readonly documents: readonly StateLine[] };

/** Documents behind `after`, by name; of one space, or of all where that is ''. As DeskReads.scan. */
export async function readStates(desk: Pick<Desk, 'reads'>, space: string, after: string): Promise<StatesPage> {
  const prefix = space === '' ? '' : `${space}/`;
  const documents: StateLine[] = [];
  let [next, length] = ['', 0];
  const isWhole = await desk.reads.scan(after === '' ? prefix : after, statesPageMax, (name, stored) => {
    const isOfSpace = name.startsWith(prefix);
    const line = isOfSpace ? lineOf(name, stored) : undefined;
    if (line !== undefined) documents.push(line);
    length += JSON.stringify(line ?? '').length;
    next = isOfSpace ? name : '';
    return isOfSpace && length < exportPageBytes;
  });
  return { next: isWhole ? '' : next, documents };
}

/** Undefined where there is none any more. */
function lineOf(name: string, { snapshot, sections }: Stored): StateLine | undefined {
  try {
    const past = readably(name, () => {
      const found = snapshot === undefined || isDeletedIn(sections) ? createPast() : decodeSnapshot(snapshot.state);
      takeSections(found, sections);
      return found;
    });
    return past.incarnation === '' ? undefined : { name, state: past.state };
  } catch (cause) {
    if (!(cause instanceof CodedError)) throw cause;
    return { name, state: null, text: `${cause.code}: ${cause.message}` };
  }
}
