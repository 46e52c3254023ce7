// Whether a store is believed: by what stands beside it, by what LevelDB tells of it, and by a walk. Where it lies is a port, so that the
// simulator decides by this code too.
//
//   limbo? -> what is remembered -> LevelDB opens -> its LOG -> the walk -> believed
//      '---------------'------------------'-----------'--------'---> aside, and a new one
import type { Logger } from 'pino';
import { CodedError } from '../engine/base/errors.ts';
import type { ChainId } from '../engine/base/ids.ts';
import type { DocumentIndex } from '../engine/store/document-index.ts';
import { indexVisited } from '../engine/store/document-index.ts';
import { decodeIdentity, type Identity, identityKey } from '../engine/store/entries.ts';
import type { OrderedStore } from '../engine/store/port.ts';
import { Store } from '../engine/store/store.ts';
import { readWatermark, type Watermark } from '../engine/store/watermark.ts';
import { walkWhole } from '../engine/store/whole.ts';

/** Where the one store of a host lies, with what stands beside it. */
export type StorePlace = {
  /** For people. */
  readonly name: string;
  /** Whether an identity stands beside the store. */
  readonly isSigned: boolean;
  readonly hasStore: boolean;
  /** Why the last process did not believe the store any more. */
  readonly limbo: () => Promise<string | undefined>;
  /** What the host remembers of its store: `rememberedIn` what lies there. */
  readonly remembered: () => Promise<Watermark | undefined>;
  readonly remember: (identity: Identity, serial: number) => Promise<void>;
  /** ENGINE_LOST where there is none, unless one may be made. */
  readonly openDisk: (mayCreate: boolean) => Promise<OrderedStore>;
  /** What LevelDB told of losses when it opened, since all of it was last walked. */
  readonly losses: () => Promise<readonly string[]>;
  /** All of it was walked since, and is well. */
  readonly walked: () => Promise<void>;
  /** Moves the store and all that is known of it away; says where to, where anything was left of it. */
  readonly setAside: (reason: string) => Promise<string | undefined>;
};

export type BelievingParts = {
  readonly chains: readonly ChainId[];
  /** The identity of a store that begins; its id is not used before. */
  readonly fresh: () => Identity;
  /** The store that the cluster was made with on this host, where it votes: there has to be one then, whatever became of its folder. */
  readonly founded: string | undefined;
  /** Whether a store of this id is in use by the host that it belongs to: what is here under its name is then a copy. */
  readonly isInUse: (found: Identity) => Promise<boolean>;
  readonly log: Pick<Logger, 'warn' | 'error'>;
};

export type Believed = { readonly store: Store; readonly indexes: ReadonlyMap<ChainId, DocumentIndex> };

/** Codes of a store that is not believed. */
const disbelieved: ReadonlySet<string> = new Set(['ENGINE_CORRUPT', 'ENGINE_BEHIND', 'ENGINE_LOST']);

/** ENGINE_LOCKED, ENGINE_IDENTITY, ENGINE_FORMAT and ENGINE_DISK are the operator's; everything else is answered here. */
export async function openOrBegin(parts: BelievingParts, place: StorePlace): Promise<Believed> {
  try {
    const limbo = await place.limbo();
    if (limbo !== undefined) throw new CodedError('ENGINE_CORRUPT', limbo);
    return await openBelieved(parts, place);
  } catch (cause) {
    if (!(cause instanceof CodedError) || !(await isOurs(parts, place, cause))) throw cause;
    const aside = await place.setAside(`${cause.code}: ${cause.message}`);
    parts.log.error(
      { err: cause, aside },
      'the store is not believed: it is set aside, and another begins, which joins',
    );
    return await begin(parts, place);
  }
}

/**
 * What the bytes beside a store say of it; undefined where it was never remembered. ENGINE_CORRUPT where they contradict each other or cannot be
 * read, ENGINE_BEHIND where the watermark is missing. Without the identity the watermark speaks alone: it names the store too.
 */
export function rememberedIn(identity: Uint8Array | undefined, slots: Uint8Array | undefined): Watermark | undefined {
  if (identity === undefined) return slots === undefined ? undefined : readWatermark(slots);
  const { storeId } = decodeIdentity(identity);
  if (slots === undefined) throw new CodedError('ENGINE_BEHIND', `the watermark of store ${storeId} is gone`);
  const watermark = readWatermark(slots);
  if (watermark.storeId === storeId) return watermark;
  throw new CodedError('ENGINE_CORRUPT', `the watermark is that of store ${watermark.storeId}, not of ${storeId}`);
}

/** Whether this host puts it right by itself. */
async function isOurs({ isInUse }: BelievingParts, place: StorePlace, cause: CodedError): Promise<boolean> {
  if (disbelieved.has(cause.code)) return true;
  if (cause.code !== 'ENGINE_IDENTITY') return false;
  const disk = await place.openDisk(false);
  try {
    const entry = await disk.get(identityKey);
    return entry !== undefined && (await isInUse(decodeIdentity(entry)));
  } finally {
    await disk.close();
  }
}

async function openBelieved(parts: BelievingParts, place: StorePlace): Promise<Believed> {
  const remembered = await place.remembered();
  if (remembered === undefined && !place.hasStore) {
    if (parts.founded === undefined) return begin(parts, place);
    throw new CodedError('ENGINE_LOST', `there is nothing in ${place.name}; store ${parts.founded} voted here`);
  }
  const disk = await place.openDisk(false);
  try {
    const indexes = new Map<ChainId, DocumentIndex>();
    const losses = await place.losses();
    if (losses.length > 0)
      parts.log.warn({ lines: losses.slice(0, 20) }, 'LevelDB tells of a loss: all of the store is walked');
    const visit: Parameters<typeof Store.open>[3] = (record) => indexVisited(indexes, record);
    const store = await Store.open(disk, parts.chains, parts.fresh(), visit, remembered);
    if (losses.length > 0) {
      await walkWhole(store, parts.chains);
      await place.walked();
    }
    // One from before there was anything beside stores, or one whose making was cut off.
    if (!place.isSigned) await place.remember(store.identity, store.serial);
    return { store, indexes };
  } catch (cause) {
    await disk.close();
    throw cause;
  }
}

async function begin({ chains, fresh }: BelievingParts, place: StorePlace): Promise<Believed> {
  const disk = await place.openDisk(true);
  try {
    const store = await Store.open(disk, chains, fresh());
    await place.remember(store.identity, store.serial);
    return { store, indexes: new Map() };
  } catch (cause) {
    await disk.close();
    throw cause;
  }
}
