// How a host comes by its store: it believes the one that it has, or sets it aside as it is and begins another, which is filled by joining.
//
//   lock -> limbo? -> what is remembered -> LevelDB opens -> its LOG -> the walk -> believed
//             '------------------'---------------'-----------'--------'---> aside, and a new one
//
// What an operator has to put right (another host's store, another version's, a folder in use) is refused by name, and nothing is touched.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { CodedError } from '../engine/base/errors.ts';
import type { ChainId } from '../engine/base/ids.ts';
import type { DocumentIndex } from '../engine/store/document-index.ts';
import { indexVisited } from '../engine/store/document-index.ts';
import { decodeIdentity, type Identity, identityKey } from '../engine/store/entries.ts';
import { Store } from '../engine/store/store.ts';
import { HostFiles } from './host-files.ts';
import { LevelStore } from './level-store.ts';
import { takeLock } from './lock.ts';
import { openWatermark, WatermarkKeeper } from './watermark-keeper.ts';

export type OpeningParts = {
  readonly dir: string;
  readonly chains: readonly ChainId[];
  /** The store that the cluster was made with on this host, where it votes: there has to be one then, whatever became of its folder. */
  readonly founded: string | undefined;
  /** The identity of a store that begins; its id is not used before. */
  readonly fresh: () => Identity;
  /** Whether a store of this id is in use by the host that it belongs to: what is here under its name is then a copy. */
  readonly isInUse: (found: Identity) => Promise<boolean>;
  readonly log: Pick<Logger, 'warn' | 'error'>;
  /** A write to the watermark failed (E2). */
  readonly fatal: (cause: unknown) => void;
};

export type OpenedStore = {
  readonly store: Store;
  readonly indexes: ReadonlyMap<ChainId, DocumentIndex>;
  readonly watermark: WatermarkKeeper;
  readonly files: HostFiles;
  /** Behind the store: closes what stands beside it, and gives the folder free. */
  readonly close: () => Promise<void>;
};

type Opened = { readonly store: Store; readonly indexes: ReadonlyMap<ChainId, DocumentIndex> };

/** Codes of a store that is not believed. */
const disbelieved: ReadonlySet<string> = new Set(['ENGINE_CORRUPT', 'ENGINE_BEHIND', 'ENGINE_LOST']);

/** ENGINE_LOCKED, ENGINE_IDENTITY, ENGINE_FORMAT and ENGINE_DISK are the operator's; everything else is answered here. */
export async function openHostStore(parts: OpeningParts): Promise<OpenedStore> {
  const lock = await takeLock(parts.dir);
  try {
    const files = new HostFiles(parts.dir);
    const opened = await openOrBegin(parts, files);
    const { store, indexes } = opened;
    const { storeId } = store.identity;
    const slots = await openWatermark(files.watermarkFile);
    const serial = (): number => store.serial;
    const keeper = new WatermarkKeeper({ storeId, serial, writeSlot: slots.writeSlot, fatal: parts.fatal }, serial());
    const close = async (): Promise<void> => {
      await keeper.close();
      await slots.close();
      await lock.release();
    };
    return { store, indexes, watermark: keeper, files, close };
  } catch (cause) {
    await lock.release();
    throw cause;
  }
}

async function openOrBegin(parts: OpeningParts, files: HostFiles): Promise<Opened> {
  const { log } = parts;
  try {
    const limbo = await files.limbo();
    if (limbo !== undefined) throw new CodedError('ENGINE_CORRUPT', limbo);
    return await openBelieved(parts, files);
  } catch (cause) {
    if (!(cause instanceof CodedError) || !(await isOurs(parts, cause))) throw cause;
    const reason = `${cause.code}: ${cause.message}`;
    const aside = await files.setAside(reason);
    log.error({ err: cause, aside }, 'the store is not believed: it is set aside, and another begins, which joins');
    return await begin(parts, files);
  }
}

/** Whether this host puts it right by itself. */
async function isOurs({ isInUse, dir }: OpeningParts, cause: CodedError): Promise<boolean> {
  if (disbelieved.has(cause.code)) return true;
  if (cause.code !== 'ENGINE_IDENTITY') return false;
  const disk = await LevelStore.open(new HostFiles(dir).storeDir, false);
  try {
    const entry = await disk.get(identityKey);
    return entry !== undefined && (await isInUse(decodeIdentity(entry)));
  } finally {
    await disk.close();
  }
}

async function openBelieved(parts: OpeningParts, files: HostFiles): Promise<Opened> {
  const remembered = await files.remembered();
  if (remembered === undefined && !files.hasStore) {
    if (parts.founded === undefined) return begin(parts, files);
    throw new CodedError('ENGINE_LOST', `there is nothing in ${parts.dir}; store ${parts.founded} voted here`);
  }
  const disk = await LevelStore.open(files.storeDir, false);
  try {
    const indexes = new Map<ChainId, DocumentIndex>();
    await checkLog(files, parts);
    const visit = indexVisitor(indexes);
    const store = await Store.open(disk, parts.chains, parts.fresh(), visit, remembered);
    // One from before there was anything beside stores, or one whose making was cut off.
    if (!files.isSigned) await files.remember(store.identity, store.serial);
    return { store, indexes };
  } catch (cause) {
    await disk.close();
    throw cause;
  }
}

function indexVisitor(indexes: Map<ChainId, DocumentIndex>): Parameters<typeof Store.open>[3] {
  return (record) => indexVisited(indexes, record);
}

async function begin({ chains, fresh }: OpeningParts, files: HostFiles): Promise<Opened> {
  const disk = await LevelStore.open(files.storeDir);
  try {
    const store = await Store.open(disk, chains, fresh());
    await files.remember(store.identity, store.serial);
    return { store, indexes: new Map() };
  } catch (cause) {
    await disk.close();
    throw cause;
  }
}

/** What LevelDB writes into its LOG where it lost something, and says nowhere else. */
const losses = /dropping|Corruption|ignoring error/;

/** Lines of this opening in which LevelDB tells of a loss (E10). */
export async function lossesIn(storeDir: string): Promise<string[]> {
  const text = await readFile(join(storeDir, 'LOG'), 'utf8');
  return text.split('\n').filter((line) => losses.test(line));
}

async function checkLog(files: HostFiles, { log }: OpeningParts): Promise<void> {
  const lines = await lossesIn(files.storeDir);
  if (lines.length === 0) return;
  log.warn({ lines: lines.slice(0, 20) }, 'LevelDB tells of a loss: all of the store is walked');
}
