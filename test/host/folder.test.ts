// The folder of a cluster: made once, found again, and its secrets readable by nobody else.
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { clusterFile, prepareFolder, readFolder } from '../../host/folder.ts';

async function emptyDir(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'levelten-folder-'));
  t.teardown(() => rm(dir, { recursive: true }));
  return dir;
}

const options = { portBase: 7600, hosts: 3, chains: 8, replication: 3 };

t.test('[E6] a folder is made with its secrets for its owner only', async (t) => {
  const dir = join(await emptyDir(), 'deep', 'cluster');
  const folder = await prepareFolder({ ...options, dir }, 'hash');
  for (const name of ['secret', 'admin-token']) {
    t.equal((await stat(join(dir, name))).mode & 0o777, 0o600, name);
    t.match(await readFile(join(dir, name), 'utf8'), /^[\w-]{43}\n$/, '256 bits');
  }
  t.not(folder.secret, folder.adminToken);
  t.match(folder.cluster, { version: 2, chains: 8, replication: 3, minReplicas: 2, region: 'local', appHash: 'hash' });
  t.same(
    folder.cluster.hosts.map(({ id, address }) => `${id} ${address}`),
    ['h1 127.0.0.1:7602', 'h2 127.0.0.1:7603', 'h3 127.0.0.1:7604'],
  );
  t.same(folder.cluster.proxy, { address: '127.0.0.1:7600', admin: '127.0.0.1:7601' });
  t.same(await readFolder(dir), folder);
});

t.test(
  '[E6] a folder that is there keeps its name, hosts, chains and secrets; ports and application may change',
  async (t) => {
    const dir = await emptyDir();
    const first = await prepareFolder({ ...options, dir }, 'one');
    t.same(await prepareFolder({ ...options, dir }, 'one'), first);
    const again = await prepareFolder({ dir, portBase: 7650, hosts: 5, chains: 64, replication: 1 }, 'two');
    t.equal(again.secret, first.secret);
    t.equal(again.adminToken, first.adminToken);
    const { cluster, chains, replication } = first.cluster;
    t.match(again.cluster, { cluster, chains, replication, appHash: 'two' });
    t.same(
      again.cluster.hosts.map(({ id }) => id),
      ['h1', 'h2', 'h3'],
    );
    t.equal(again.cluster.hosts[0]?.address, '127.0.0.1:7652');
  },
);

t.test('[E6] replication is at most the number of hosts', async (t) => {
  const { cluster } = await prepareFolder({ ...options, hosts: 1, dir: await emptyDir() }, 'hash');
  t.equal(cluster.replication, 1);
});

t.test(
  '[C10] [C14] the stores of the voters are made with the cluster; one that is made later belongs to none of them',
  async (t) => {
    const dir = await emptyDir();
    const { cluster } = await prepareFolder({ ...options, hosts: 4, dir }, 'hash');
    t.same(
      cluster.voters.map(({ host }) => host),
      ['h1', 'h2', 'h3'],
    );
    t.equal(new Set(cluster.voters.map(({ storeId }) => storeId)).size, 3);
    await rm(join(dir, 'h2'), { recursive: true });
    const again = await prepareFolder({ ...options, hosts: 4, dir }, 'hash');
    t.same(again.cluster.voters, cluster.voters, 'a disk that was lost is not made up for');
  },
);

t.test('[E6] a folder of version 1, which had no registers, gets voters: those that its stores are', async (t) => {
  const dir = await emptyDir();
  const { cluster } = await prepareFolder({ ...options, dir }, 'hash');
  const { voters, region, minReplicas, ...rest } = cluster;
  await writeFile(clusterFile(dir), JSON.stringify({ ...rest, version: 1 }));
  const again = await prepareFolder({ ...options, dir }, 'hash');
  t.same(again.cluster, cluster, `the same ${voters.length} stores, ${region}, ${minReplicas}`);
});

t.test('[E6] what is not the folder of a cluster is refused, and nothing is made of it', async (t) => {
  const dir = await emptyDir();
  await t.rejects(readFolder(dir), { code: 'HOST_OPTIONS', message: /is not the folder of a cluster/ });
  await prepareFolder({ ...options, dir }, 'hash');
  for (const text of ['{', '[]', '{"version":3}', 'null']) {
    await writeFile(clusterFile(dir), text);
    await t.rejects(readFolder(dir), { code: 'HOST_OPTIONS' }, text);
    await t.rejects(prepareFolder({ ...options, dir }, 'hash'), { code: 'HOST_OPTIONS' });
    t.equal(await readFile(clusterFile(dir), 'utf8'), text, 'it is left as it was');
  }
});
