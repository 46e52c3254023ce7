// What an opening passes over: the log below what is folded, and every document. Walked where LevelDB told of a loss (E10): a snapshot that it
// lost leaves no hole, and the older one in its place looks well.
import { CodedError } from '../base/errors.ts';
import type { ChainId } from '../base/ids.ts';
import type { Store } from './store.ts';
import { verifyStore } from './verify.ts';

/** Of a store that nobody writes to. ENGINE_CORRUPT by name of the first thing that is wrong. */
export async function walkWhole(store: Store, chains: readonly ChainId[]): Promise<void> {
  const nothing = async (): Promise<void> => {};
  const { findings } = await verifyStore(store, {
    chains,
    owner: store.identity,
    // Voters look at what they kept when they take it in.
    checkCell: () => {},
    pace: nothing,
    rest: nothing,
    isStopped: () => false,
    nowMs: () => 0,
    findingsMax: 1,
  });
  const [first] = findings;
  if (first === undefined) return;
  throw new CodedError('ENGINE_CORRUPT', `chain ${first.chain}, ${first.where}: ${first.what} (${first.code})`);
}
