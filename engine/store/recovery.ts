// What a chain is found to be when a store opens: nothing of it is believed before it was walked (E4).
import type { ChainId } from '../base/ids.ts';
import { baseKey, decodeBase, decodeMarks, marksKey, noBase, noMarks } from './entries.ts';
import type { OpenedRecord } from './format.ts';
import { walkLog } from './log.ts';
import type { OrderedStore } from './port.ts';
import type { ChainState } from './write-plan.ts';

/**
 * Walks the log from where documents are folded: below that everything was verified before it was folded. `visit` sees each record.
 * ENGINE_CORRUPT by chain and lsn.
 */
export async function openChain(
  disk: OrderedStore,
  chain: ChainId,
  visit: (record: OpenedRecord) => void,
): Promise<ChainState> {
  const [storedMarks, storedBase] = [await disk.get(marksKey(chain)), await disk.get(baseKey(chain))];
  const marks = storedMarks === undefined ? noMarks : decodeMarks(storedMarks);
  const base = storedBase === undefined ? noBase : decodeBase(storedBase);
  let durable = base.folded;
  for await (const record of walkLog(disk, chain, base.folded)) {
    visit(record);
    durable = { lsn: record.lsn, hash: record.hash };
  }
  return { marks, base, durable };
}
