// Where a deleted document's bytes go. A store that removes an entry writes that it is removed: the bytes stay in its files until those are
// rewritten. So whoever removes a document notes that (pending.ts, in the same write), and when its updates have left the log too, the
// files are rewritten where it lay, and the note goes.
import type { ChainId } from '../base/ids.ts';
import { erasePassMax } from '../base/limits.ts';
import { recordKey, recordKeys } from './format.ts';
import type { Pending } from './pending.ts';
import { allPending, pendingKey, pendingOf } from './pending.ts';
import type { Range } from './snapshot-format.ts';
import { documentKeys, documentKeysOf } from './snapshot-format.ts';
import type { Store } from './store.ts';

/** Everything that waits in this store. */
export async function pendingIn(store: Store): Promise<Pending[]> {
  const found: Pending[] = [];
  for await (const page of store.scan(...allPending)) {
    found.push(...page.flatMap(({ key }) => pendingOf(key) ?? []));
  }
  return found;
}

/** Whether its bytes have left the log, and what stands in their place is whole. */
export function isDue(store: Store, { chain, lsn }: Pending): boolean {
  const { floor, hasLeftover } = store.base(chain);
  return !hasLeftover && lsn <= floor.lsn;
}

/** Rewrites the files where some of one chain that are due lay, and forgets about those. Returns how many that were. */
export async function erase(store: Store, chain: ChainId, waiting: readonly Pending[]): Promise<number> {
  const due = waiting.filter((one) => one.chain === chain && isDue(store, one)).slice(0, erasePassMax);
  if (due.length === 0) return 0;
  for (const [from, to] of rangesOf(store, chain, due)) await store.compact(from, to);
  await store.behind(
    chain,
    due.map((one) => ({ key: pendingKey(one), value: undefined })),
    {},
  );
  // The notes hold names.
  await store.compact(...allPending);
  return due.length;
}

function rangesOf(store: Store, chain: ChainId, due: readonly Pending[]): Range[] {
  if (due.some(({ name }) => name === '')) return [...documentKeys(chain), recordKeys(chain)];
  const trimmed = Uint8Array.from([...recordKey(chain, store.base(chain).floor.lsn), 0]);
  const names = new Set(due.map(({ name }) => name));
  return [[recordKey(chain, 0), trimmed], ...[...names].flatMap((name) => documentKeysOf(chain, name))];
}
