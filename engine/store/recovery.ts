// What a store is found to be when it opens: nothing of it is believed before it was walked, and came to what its last write says of it.
import { CodedError } from '../base/errors.ts';
import type { ChainId, Position } from '../base/ids.ts';
import { origin } from '../base/ids.ts';
import type { Base, Identity, StoredMarks } from './entries.ts';
import { baseKey, decodeBase, decodeMarks, noBase, noMarks, smallKeys, smallOfKey } from './entries.ts';
import type { OpenedRecord } from './format.ts';
import { walkLog } from './log.ts';
import type { OrderedReader, OrderedStore } from './port.ts';
import { seqFloorKeys } from './snapshot-format.ts';
import { decodeTally, Tally, tallyKey } from './tally.ts';
import type { Watermark } from './watermark.ts';
import type { ChainState } from './write-plan.ts';

export type Recovered = {
  readonly chains: Map<ChainId, ChainState>;
  readonly cells: ReadonlyMap<number, Uint8Array>;
  readonly tally: Tally;
};

/**
 * Reads the small entries, and each log from where documents are folded: below that everything was verified before it was folded. `visit`
 * sees each record. `known` is what is said of the store outside of it. ENGINE_CORRUPT by name of what is wrong, ENGINE_BEHIND
 * where writes are missing that were durable.
 */
export async function recover(
  disk: OrderedStore,
  chains: readonly ChainId[],
  isTallied: boolean,
  visit: (record: OpenedRecord) => void,
  known: Watermark | undefined,
): Promise<Recovered> {
  const entry = await disk.get(tallyKey);
  if (isTallied && entry === undefined) throw new CodedError('ENGINE_CORRUPT', 'the tally is missing');
  const stored = entry === undefined ? undefined : decodeTally(entry);
  const serial = stored?.serial ?? 0;
  if (serial < (known?.serial ?? 0)) {
    throw new CodedError('ENGINE_BEHIND', `the store is at write ${serial}, and ${known?.serial} were durable`);
  }
  const tally = new Tally(serial);
  const { marks, bases, cells } = await readSmall(disk, tally);
  for (const number of [...marks.keys(), ...bases.keys()]) {
    if (chains.includes(number as ChainId)) continue;
    throw new CodedError('ENGINE_CORRUPT', `there is a chain ${number}, and none in the cluster`);
  }
  const states = new Map<ChainId, ChainState>();
  for (const chain of chains) {
    const base = bases.get(chain) ?? noBase;
    const durable = base.hasLeftover ? origin : await endOfLog(disk, chain, base.folded, visit);
    if (!base.hasLeftover && durable.lsn < base.newest) {
      throw new CodedError(
        'ENGINE_CORRUPT',
        `chain ${chain} ends at ${durable.lsn}, and a snapshot holds ${base.newest}`,
      );
    }
    tally.countEnd(chain, durable);
    states.set(chain, { marks: marks.get(chain) ?? noMarks, base, durable, trim: base.floor });
  }
  if (stored !== undefined && stored.sum !== tally.sum) {
    const what = 'marks, registers, bases and the ends of logs';
    throw new CodedError('ENGINE_CORRUPT', `${what} are not those of write ${serial}: something older lies among them`);
  }
  return { chains: states, cells, tally };
}

type Small = {
  readonly marks: ReadonlyMap<number, StoredMarks>;
  readonly bases: ReadonlyMap<number, Base>;
  readonly cells: ReadonlyMap<number, Uint8Array>;
};

async function readSmall(disk: OrderedStore, tally: Tally): Promise<Small> {
  const [marks, bases, cells] = [new Map<number, StoredMarks>(), new Map<number, Base>(), new Map()];
  for await (const page of disk.scan(...smallKeys)) {
    for (const { key, value } of page) {
      const { kind, number } = smallOfKey(key);
      if (kind === 'marks') marks.set(number, decodeMarks(value));
      else if (kind === 'base') bases.set(number, decodeBase(value));
      else cells.set(number, value);
      tally.countEntry(key, value);
    }
  }
  for await (const page of disk.scan(...seqFloorKeys)) for (const { key, value } of page) tally.countEntry(key, value);
  return { marks, bases, cells };
}

async function endOfLog(
  disk: OrderedStore,
  chain: ChainId,
  folded: Position,
  visit: (record: OpenedRecord) => void,
): Promise<Position> {
  let end = folded;
  for await (const record of walkLog(disk, chain, folded)) {
    visit(record);
    end = { lsn: record.lsn, hash: record.hash };
  }
  return end;
}

/** Where the log of a chain begins, and through where it is folded. */
export async function readBase(disk: OrderedReader, chain: ChainId): Promise<Base> {
  const stored = await disk.get(baseKey(chain));
  return stored === undefined ? noBase : decodeBase(stored);
}

/** ENGINE_IDENTITY where a store is not the one that belongs here. */
export function checkIdentity(found: Identity, fresh: Identity, known: Watermark | undefined): void {
  if (found.host !== fresh.host || found.cluster !== fresh.cluster) {
    const whose = `host ${found.host} of cluster ${found.cluster}`;
    throw new CodedError(
      'ENGINE_IDENTITY',
      `the store is that of ${whose}, not of host ${fresh.host} of ${fresh.cluster}`,
    );
  }
  if (known !== undefined && known.storeId !== found.storeId) {
    throw new CodedError('ENGINE_BEHIND', `the store is ${found.storeId}; ${known.storeId} should be here`);
  }
}
