// `levelten restore`: a backup laid down as a cluster of any size, before that first starts. Every host gets the documents of the chains
// that placement gives it, in the same bytes as the others; then everything is read again from the disks and compared with the backup. The
// configuration is written last: a restore that was cut off has made no cluster.
import { mkdir, readdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Cluster } from '../chain/config.ts';
import { placeChains, placeDocument } from '../chain/placement.ts';
import { assert } from '../engine/base/assert.ts';
import { CodedError } from '../engine/base/errors.ts';
import type { ChainId, HostId } from '../engine/base/ids.ts';
import { chainId } from '../engine/base/ids.ts';
import { historyMax } from '../engine/base/limits.ts';
import type { Tally } from '../engine/store/backup-format.ts';
import { noTally } from '../engine/store/backup-format.ts';
import { Laying, tallyOf } from '../engine/store/lay.ts';
import { tallyOfFiles } from './backup.ts';
import type { BackupFolder, Manifest } from './backup-folder.ts';
import { manifestName } from './backup-folder.ts';
import { problemsOf, readFile } from './backup-read.ts';
import type { Folder, FolderOptions } from './folder.ts';
import { holdFolder, prepareFolder, withStore } from './folder.ts';

export type Restored = { readonly folder: Folder; readonly manifest: Manifest; readonly tally: Tally };

/**
 * HOST_OPTIONS where the backup is none, or the new folder holds something; BACKUP_CORRUPT by file, entry and document. `onHost` hears of
 * each host whose disk was compared.
 */
export async function restore(
  backup: BackupFolder,
  options: FolderOptions,
  onHost: (host: HostId) => void,
): Promise<Restored> {
  const manifest = await backup.readManifest();
  if (manifest === undefined)
    throw new CodedError('HOST_OPTIONS', `${backup.dir} holds no backup: ${manifestName} is not there`);
  const [problem] = problemsOf(manifest);
  if (problem !== undefined) throw new CodedError('BACKUP_CORRUPT', problem);
  await takeEmpty(options.dir);
  let tally = noTally;
  const furnish = async (dir: string, cluster: Cluster): Promise<void> => {
    tally = await layCluster(backup, manifest, dir, cluster, onHost);
  };
  const history = options.history ?? Math.min(manifest.historyUpdates, historyMax);
  const folder = await prepareFolder({ ...options, history }, manifest.appHash, furnish);
  return { folder, manifest, tally };
}

async function takeEmpty(given: string): Promise<void> {
  const dir = resolve(given);
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const [found] = await readdir(dir);
  if (found !== undefined) {
    throw new CodedError('HOST_OPTIONS', `${dir} is not empty, it holds ${found}: restore into a new folder (--dir)`);
  }
  await holdFolder(dir);
}

/** Returns what lies on the disks, each chain once; it is what the backup holds, on every member of every chain. */
async function layCluster(
  backup: BackupFolder,
  manifest: Manifest,
  dir: string,
  { cluster, chains, hosts, replication }: Cluster,
  onHost: (host: HostId) => void,
): Promise<Tally> {
  const ids = hosts.map(({ id }) => id);
  const placed = placeChains(ids, chains, replication, () => true);
  const all = Array.from({ length: chains }, (_, chain) => chainId(chain));
  const laid = new Map<ChainId, Tally>();
  for (const id of ids) {
    const isOurs = (chain: ChainId): boolean => placed[chain]?.includes(id) === true;
    const given = await withStore(dir, id, cluster, all, (store) =>
      layHost(backup, manifest, new Laying(store), chains, isOurs),
    );
    // Opened anew: what is compared is what a host that starts will find.
    await withStore(dir, id, cluster, all, async (store) => {
      for (const chain of all.filter(isOurs)) {
        const found = await tallyOf(store, chain);
        const expected = given.get(chain) ?? noTally;
        const isSame = sameTally(found, expected) && sameTally(found, laid.get(chain) ?? found);
        if (!isSame) throw new CodedError('ENGINE_CORRUPT', `chain ${chain} of ${id} does not hold what was laid down`);
        laid.set(chain, found);
      }
    });
    onHost(id);
  }
  const whole = tallyOfFiles([...laid.values()]);
  assert(sameTally(whole, manifest), 'what every chain was laid is the backup');
  return whole;
}

async function layHost(
  backup: BackupFolder,
  manifest: Manifest,
  laying: Laying,
  chains: number,
  isOurs: (chain: ChainId) => boolean,
): Promise<ReadonlyMap<ChainId, Tally>> {
  for (const file of manifest.files) {
    let isHere = false;
    for await (const entry of readFile(backup, manifest, file)) {
      if (entry.kind === 'document') {
        const chain = placeDocument(entry.name, chains);
        isHere = isOurs(chain);
        if (isHere) await laying.document(chain, entry);
      } else if (isHere) await laying.history(entry);
    }
  }
  return laying.done();
}

function sameTally(a: Tally, b: Tally): boolean {
  return a.documents === b.documents && a.updates === b.updates && a.hash === b.hash && a.history === b.history;
}
