// The log of one chain in the store: read, and checked while it is read. Nothing of a disk is believed: a record must carry a
// right checksum, stand under its own key, and continue the history before it, or the log is refused by chain and lsn (E3, E4).
import { CodedError } from '../base/errors.ts';
import type { ChainId, Position } from '../base/ids.ts';
import type { OpenedRecord } from './format.ts';
import { lsnOfKey, openRecord, recordKey } from './format.ts';
import type { OrderedReader } from './port.ts';

/** The lowest lsn past every record. */
const lsnEnd = Number.MAX_SAFE_INTEGER;

/** Walks the records after `after`, checking each against the one before. ENGINE_CORRUPT names the chain and the lsn. */
export async function* walkLog(store: OrderedReader, chain: ChainId, after: Position): AsyncGenerator<OpenedRecord> {
  let last = after;
  for await (const page of store.scan(recordKey(chain, after.lsn + 1), recordKey(chain, lsnEnd))) {
    for (const { key, value } of page) {
      const record = openStored(chain, lsnOfKey(key), value);
      if (record.lsn !== last.lsn + 1) throw corrupt(chain, last.lsn + 1, `is missing; the next is ${record.lsn}`);
      if (record.previousHash !== last.hash)
        throw corrupt(chain, record.lsn, 'does not continue the history before it');
      last = { lsn: record.lsn, hash: record.hash };
      yield record;
    }
  }
}

/** One record. ENGINE_CORRUPT where it is missing or wrong. */
export async function readRecord(store: OrderedReader, chain: ChainId, lsn: number): Promise<OpenedRecord> {
  const value = await store.get(recordKey(chain, lsn));
  if (value === undefined) throw corrupt(chain, lsn, 'is missing');
  return openStored(chain, lsn, value);
}

function openStored(chain: ChainId, lsn: number, value: Uint8Array): OpenedRecord {
  try {
    const record = openRecord(value);
    if (record.chain === chain && record.lsn === lsn) return record;
    throw new CodedError('ENGINE_CORRUPT', `says that it is record ${record.lsn} of chain ${record.chain}`);
  } catch (cause) {
    if (!(cause instanceof CodedError)) throw cause;
    throw new CodedError(cause.code, `chain ${chain}, record ${lsn}: ${cause.message}`, { cause });
  }
}

function corrupt(chain: ChainId, lsn: number, what: string): CodedError {
  return new CodedError('ENGINE_CORRUPT', `chain ${chain}, record ${lsn} ${what}`);
}
