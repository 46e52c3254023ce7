// Where a deleted document's bytes go. A store that removes an entry writes that it is removed: the bytes stay in its files until those are
// rewritten. So whoever removes a document notes that (pending.ts, in the same write), and when its updates have left the log too, the
// files are rewritten where it lay, and the note goes.
import type { ChainId } from '../base/ids.ts';
import { erasePassMax } from '../base/limits.ts';
import { recordKey, recordKeys } from './format.ts';
import { deletedRanges } from './keys.ts';
import type { Pending } from './pending.ts';
import { allPending, pendingKey, pendingOf } from './pending.ts';
import type { Range } from './snapshot-format.ts';
import { documentKeys, documentKeysOf } from './snapshot-format.ts';
import type { Store } from './store.ts';

/** How many documents of a chain wait, and wipings of it; counted up to `max`. */
export async function countPending(store: Store, chain: ChainId, max: number): Promise<number> {
  let count = 0;
  const [, notes] = deletedRanges(chain);
  for await (const page of store.scan(...notes)) {
    count += page.length;
    if (count >= max) return max;
  }
  return count;
}

/** Some that are due, all of one chain; none where nothing is. It looks behind chain `last` first: so each has its turn. */
export async function findDue(store: Store, last?: ChainId): Promise<readonly Pending[]> {
  const [from, to] = allPending;
  if (last === undefined) return await findDueIn(store, [from, to]);
  const [, [, behind]] = deletedRanges(last);
  const due = await findDueIn(store, [behind, to]);
  return due.length > 0 ? due : await findDueIn(store, [from, behind]);
}

async function findDueIn(store: Store, range: Range): Promise<readonly Pending[]> {
  const due: Pending[] = [];
  for await (const page of store.scan(...range)) {
    for (const { key } of page) {
      const one = pendingOf(key);
      if (one === undefined || !isDue(store, one)) continue;
      if (one.chain !== (due[0] ?? one).chain) return due;
      due.push(one);
      if (due.length === erasePassMax) return due;
    }
  }
  return due;
}

/** Whether its bytes have left the log, and what stands in their place is whole. One past the end of the log is of a log that was wiped since. */
function isDue(store: Store, { chain, name, number }: Pending): boolean {
  const { floor, hasLeftover } = store.base(chain);
  const isTrimmed = number <= floor.lsn || number > store.durable(chain).lsn;
  return !hasLeftover && (name === '' || isTrimmed);
}

/** Rewrites the files where these lay, all of one chain, and forgets about them. */
export async function erase(store: Store, due: readonly Pending[]): Promise<void> {
  const [first] = due;
  if (first === undefined) return;
  const { chain } = first;
  for (const [from, to] of rangesOf(store, chain, due)) await store.compact(from, to);
  await store.behind(
    chain,
    due.map((one) => ({ key: pendingKey(one), value: undefined })),
    {},
  );
  // The notes hold names.
  await store.compact(...allPending);
}

function rangesOf(store: Store, chain: ChainId, due: readonly Pending[]): Range[] {
  if (due.some(({ name }) => name === '')) return [...documentKeys(chain), recordKeys(chain)];
  const trimmed = Uint8Array.from([...recordKey(chain, store.base(chain).floor.lsn), 0]);
  const names = new Set(due.map(({ name }) => name));
  return [[recordKey(chain, 0), trimmed], ...[...names].flatMap((name) => documentKeysOf(chain, name))];
}
