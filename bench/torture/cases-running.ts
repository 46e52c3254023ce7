// What happens to a store while its host runs: a death, a full disk, a second process, rot that a read meets.
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { chainId } from '../../engine/base/ids.ts';
import { snapshotKey } from '../../engine/store/snapshot-format.ts';
import { HostFiles } from '../../host/host-files.ts';
import { chains } from '../faults/load.ts';
import { readThroughClient } from '../faults/readers.ts';
import { storedValue } from './cases-values.ts';
import { flipValue, newestFile, remove } from './damage.ts';
import type { Case } from './judge.ts';
import type { Scene } from './scene.ts';

const busyMs = 300;
/** Room for what the host logs of its end. */
const spareBytes = 64 * 1024;
/** For so long a limit stays behind the first failure: the host is started again meanwhile, and fails again. */
const limitedMs = 2_500;

/** As a full disk is: the write that passes the limit fails, some of it being written. */
async function fillDisk(scene: Scene): Promise<string> {
  const pid = scene.bed.cluster.pidOf(scene.host);
  const bytes = limitFor(scene);
  const exit = scene.exit();
  scene.limitFiles(pid, bytes);
  scene.bed.load.wake('usual');
  await exit;
  scene.backAtMs = performance.now();
  return `no file past ${bytes} bytes; the host ended, and its limit with it`;
}

/** The same, for everything that is started meanwhile too: the host is started again, and fails again, until there is room. */
async function fillDiskForLong(scene: Scene): Promise<string> {
  // The log of the host itself has to fit, and what LevelDB makes of its own log at a start has not.
  const bytes = statSync(scene.logOf(scene.host)).size + spareBytes / 2;
  scene.limitFiles(scene.keeperPid, bytes);
  try {
    await fillDisk(scene);
    await sleep(limitedMs);
  } finally {
    for (const pid of [scene.keeperPid, ...scene.childrenFor([scene.host])]) scene.limitFiles(pid, undefined);
  }
  scene.backAtMs = performance.now();
  return `no file past ${bytes} bytes, for ${limitedMs} ms more`;
}

/** Of documents that nobody has open, and that were folded: the first read of one is the head's, for a client. */
async function rotThenRead(scene: Scene): Promise<string> {
  await scene.fold('most');
  scene.moveOn();
  await scene.moreLoad();
  const values = new Map<number, Uint8Array>();
  await scene.whileDown(async () => {
    for (let chain = 0; chain < chains; chain += 1) {
      const value = await storedValue(scene.store, snapshotKey(chainId(chain), scene.documentOf(chain)));
      // Chains are folded one after the other: some may have been left for later.
      if (value !== undefined) values.set(chain, value);
    }
    return '';
  });
  await scene.untilServing();
  const chain = await scene.chainHeaded(new Set(values.keys()));
  const text = flipValue(scene.store, values.get(chain) ?? Buffer.alloc(0));
  scene.backAtMs = performance.now();
  await readThroughClient(scene.url, [scene.documentOf(chain)]);
  return `${text}, while it runs; then its document is opened`;
}

function limitFor(scene: Scene): number {
  const sizes = [newestFile(scene.store, 'log'), scene.logOf(scene.host)].map((file) => statSync(file).size);
  return Math.max(...sizes) + spareBytes;
}

export const runningCases: readonly Case[] = [
  {
    name: 'kill',
    rule: 'E4',
    what: 'kill -9 in the middle of writes: a control',
    must: 'never',
    fates: ['believed'],
    hurt: async (scene) => {
      scene.bed.load.wake('urgent');
      await sleep(busyMs);
      await scene.down();
      scene.up();
      scene.bed.load.wake('light');
      return 'nothing but the process';
    },
  },
  {
    name: 'rot-read',
    rule: 'E14',
    what: 'one bit in an .ldb while it runs, in the snapshot of a document that is opened then',
    must: 'by name',
    fates: ['set aside'],
    hurt: rotThenRead,
  },
  {
    name: 'disk-full',
    rule: 'E2',
    what: 'a limit on the size of files, as a full disk is, while it runs',
    must: 'by name',
    fates: ['believed', 'set aside'],
    hurt: fillDisk,
  },
  {
    name: 'disk-full-long',
    rule: 'E2',
    what: 'the same, and the limit stays for a while',
    must: 'by name',
    fates: ['believed', 'set aside', 'refused'],
    hand: 'the limit is lifted',
    hurt: fillDiskForLong,
  },
  {
    name: 'second-process',
    rule: 'E8',
    what: 'a second process for the folder of a host that runs',
    must: 'by name',
    fates: ['refused'],
    hurt: (scene) => scene.second(),
  },
  {
    name: 'second-process-no-lock',
    rule: 'E8',
    what: "the same, with LevelDB's LOCK removed before",
    must: 'by name',
    fates: ['refused'],
    hurt: (scene) => {
      remove(join(scene.store, 'LOCK'));
      return scene.second();
    },
  },
  {
    name: 'limbo',
    rule: 'E14',
    what: 'limbo noted while it runs, and kill -9',
    must: 'by name',
    fates: ['set aside'],
    hurt: async (scene) => {
      new HostFiles(scene.dir).noteLimbo('a walk found something wrong');
      await scene.down();
      scene.up();
      return 'the file limbo';
    },
  },
];
