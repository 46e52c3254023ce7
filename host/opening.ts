// How a host comes by its store: it believes the one that it has, or sets it aside as it is and begins another, which is filled by joining.
// What an operator has to put right (another host's store, another version's, a folder in use) is refused by name, and nothing is touched.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Believed, BelievingParts, StorePlace } from './believing.ts';
import { openOrBegin } from './believing.ts';
import { HostFiles } from './host-files.ts';
import { LevelStore } from './level-store.ts';
import { takeLock } from './lock.ts';
import { forgetReaders } from './stopped-store.ts';
import { openWatermark, WatermarkKeeper } from './watermark-keeper.ts';

export type OpeningParts = BelievingParts & {
  readonly dir: string;
  /** A write to the watermark failed (E2). */
  readonly fatal: (cause: unknown) => void;
};

export type OpenedStore = Believed & {
  readonly watermark: WatermarkKeeper;
  readonly files: HostFiles;
  /** Behind the store: closes what stands beside it, and gives the folder free. */
  readonly close: () => Promise<void>;
};

/** ENGINE_LOCKED, and what `openOrBegin` leaves to the operator. */
export async function openHostStore(parts: OpeningParts): Promise<OpenedStore> {
  const lock = await takeLock(parts.dir);
  try {
    await forgetReaders(parts.dir);
    const files = new HostFiles(parts.dir);
    const { store, indexes } = await openOrBegin(parts, placeOf(files));
    const { storeId } = store.identity;
    const { bytes, writeSlot, close: closeFile } = await openWatermark(files.watermarkFile);
    const serial = (): number => store.serial;
    const keeper = new WatermarkKeeper({ storeId, serial, writeSlot, fatal: parts.fatal }, bytes);
    const close = async (): Promise<void> => {
      await keeper.close();
      await closeFile();
      await lock.release();
    };
    return { store, indexes, watermark: keeper, files, close };
  } catch (cause) {
    await lock.release();
    throw cause;
  }
}

function placeOf(files: HostFiles): StorePlace {
  return {
    name: files.dir,
    get isSigned() {
      return files.isSigned;
    },
    get hasStore() {
      return files.hasStore;
    },
    limbo: () => files.limbo(),
    remembered: () => files.remembered(),
    remember: (identity, serial) => files.remember(identity, serial),
    openDisk: (mayCreate) => openDisk(files, mayCreate),
    losses: () => files.losses(),
    walked: () => files.walked(),
    setAside: (reason) => files.setAside(reason),
  };
}

/** What it tells of losses is noted before anything else is done: the next opening says nothing of them. */
async function openDisk(files: HostFiles, mayCreate: boolean): Promise<LevelStore> {
  await files.beginOpening();
  const disk = await LevelStore.open(files.storeDir, mayCreate);
  try {
    await files.endOpening(await lossesIn(files.storeDir));
    return disk;
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
