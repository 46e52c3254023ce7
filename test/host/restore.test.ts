// Backups laid down in clusters of other sizes, and what cannot be.
import { existsSync } from 'node:fs';
import { mkdtemp, readFile as readBytes, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { placeChains } from '../../chain/placement.ts';
import { chainId } from '../../engine/base/ids.ts';
import type { Tally } from '../../engine/store/backup-format.ts';
import { noTally } from '../../engine/store/backup-format.ts';
import { tallyOf } from '../../engine/store/lay.ts';
import type { BackupFile } from '../../host/backup-folder.ts';
import { BackupFolder } from '../../host/backup-folder.ts';
import { clusterFile, prepareFolder, readFolder, withStore } from '../../host/folder.ts';
import { restore } from '../../host/restore.ts';
import { filled, SpoiledFolder, take } from './documents-kit.ts';

async function emptyDir(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'levelten-backup-'));
  t.teardown(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

t.test(
  '[B5] [B6] laid down for hosts and chains of any number, it is the same documents on every member',
  async (t) => {
    const backup = new BackupFolder(await emptyDir());
    const manifest = await take(await filled(), backup);
    for (const [hosts, chains] of [
      [1, 1],
      [2, 7],
      [5, 16],
    ] as const) {
      const dir = join(await emptyDir(), 'new');
      const compared: string[] = [];
      const options = { dir, portBase: 22_900, hosts, chains, replication: 3 };
      const restored = await restore(backup, options, (host) => compared.push(host));
      t.equal(compared.length, hosts);
      t.equal(restored.tally.hash, manifest.hash);
      const { cluster } = await readFolder(dir);
      t.match(cluster, { chains, history: 100, appHash: 'a' });
      t.not(cluster.cluster, manifest.cluster, 'it is another cluster');
      const ids = cluster.hosts.map(({ id }) => id);
      const all = Array.from({ length: chains }, (_, chain) => chainId(chain));
      const placed = placeChains(ids, chains, cluster.replication, () => true);
      const starts = new Map<number, string>();
      for (const id of ids) {
        await withStore(dir, id, cluster.cluster, all, async (store) => {
          const voter = cluster.voters.find(({ host }) => host === id);
          t.equal(voter?.storeId ?? store.identity.storeId, store.identity.storeId, 'the voters are these stores');
          for (const chain of all) {
            const tally: Tally = await tallyOf(store, chain);
            if (!placed[chain]?.includes(id)) t.same(tally, noTally, 'it holds what is placed on it');
            else {
              const { floor, folded, hasLeftover } = store.base(chain);
              t.notOk(hasLeftover);
              t.same(store.durable(chain), folded);
              const start = JSON.stringify({ floor, folded, tally });
              t.equal(starts.get(chain) ?? start, start, `chain ${chain} is the same on ${id}`);
              starts.set(chain, start);
            }
          }
        });
      }
      t.ok([...starts.values()].some((start) => start.includes('"lsn":1')));
    }
  },
);

t.test('[B5] what cannot be restored makes no cluster; a folder with something in it is left as it is', async (t) => {
  const backup = new BackupFolder(await emptyDir());
  const manifest = await take(await filled(), backup);
  const options = (dir: string) => ({ dir, portBase: 22_900, hosts: 2, chains: 4, replication: 3 });
  const used = await emptyDir();
  const { cluster } = await prepareFolder(options(used), 'hash');
  await t.rejects(
    restore(backup, options(used), () => {}),
    { code: 'HOST_OPTIONS', message: /is not empty/ },
  );
  t.same((await readFolder(used)).cluster, cluster);
  const none = new BackupFolder(await emptyDir());
  await t.rejects(
    restore(none, options(await emptyDir()), () => {}),
    { code: 'HOST_OPTIONS', message: /no backup/ },
  );
  const last = manifest.files.at(-1) as BackupFile;
  const bytes = await readBytes(join(backup.dir, last.name));
  bytes[bytes.length - 30] = (bytes[bytes.length - 30] ?? 0) ^ 1;
  const dir = await emptyDir();
  const spoilt = new SpoiledFolder(backup.dir, last.name, bytes);
  await t.rejects(
    restore(spoilt, options(dir), () => {}),
    { code: 'BACKUP_CORRUPT', message: new RegExp(last.name) },
  );
  t.notOk(existsSync(clusterFile(dir)));
  await t.rejects(prepareFolder(options(dir), 'hash'), { code: 'ENGINE_IDENTITY' }, 'and none is made of what is left');
  await backup.writeManifest({ ...manifest, state: 'incomplete', ended: null });
  await t.rejects(
    restore(backup, options(await emptyDir()), () => {}),
    { code: 'BACKUP_CORRUPT', message: /incomplete/ },
  );
});
