// What a chain is found to be when a store opens: nothing of it is believed before it was walked (E4).
import type { ChainId } from '../base/ids.ts';
import { origin } from '../base/ids.ts';
import type { Base } from './entries.ts';
import { baseKey, decodeBase, decodeMarks, marksKey, noBase, noMarks } from './entries.ts';
import type { OpenedRecord } from './format.ts';
import { walkLog } from './log.ts';
import type { OrderedReader, OrderedStore } from './port.ts';
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
  const stored = await disk.get(marksKey(chain));
  const marks = stored === undefined ? noMarks : decodeMarks(stored);
  const base = await readBase(disk, chain);
  if (base.hasLeftover) return { marks, base, durable: origin, trimLsn: 0 };
  let durable = base.folded;
  for await (const record of walkLog(disk, chain, base.folded)) {
    visit(record);
    durable = { lsn: record.lsn, hash: record.hash };
  }
  return { marks, base, durable, trimLsn: base.floor.lsn };
}

/** Where the log of a chain begins, and through where it is folded. */
export async function readBase(disk: OrderedReader, chain: ChainId): Promise<Base> {
  const stored = await disk.get(baseKey(chain));
  return stored === undefined ? noBase : decodeBase(stored);
}
