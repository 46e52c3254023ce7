// The folder that a local cluster lives in:
//
//   DIR/cluster.json   the configuration: who is in the cluster, and where each listens
//   DIR/secret         what processes of the cluster show each other (0600)
//   DIR/admin-token    what the admin port asks for (0600)
//   DIR/up.pid         the process that keeps the cluster running
//   DIR/deployed.json  what was deployed since `up` was given its application: code.ts
//   DIR/<host>/store   the LevelDB of a host;  beside it what the host knows of it (host-files.ts), and host.log: what it logged
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Cluster } from '../chain/config.ts';
import { minReplicasOf, parseCluster, votersCountOf } from '../chain/config.ts';
import { CodedError } from '../engine/base/errors.ts';
import type { ChainId, HostId } from '../engine/base/ids.ts';
import { chainId, hostId } from '../engine/base/ids.ts';
import { freeBytesMinUsual, historyUpdates } from '../engine/base/limits.ts';
import type { Store } from '../engine/store/store.ts';
import { syncFolder, writeDurably } from './durable-file.ts';
import { openHostStore } from './opening.ts';

export type Folder = {
  readonly dir: string;
  readonly cluster: Cluster;
  readonly secret: string;
  readonly adminToken: string;
};

export type FolderOptions = {
  readonly dir: string;
  readonly portBase: number;
  readonly hosts: number;
  readonly chains: number;
  readonly replication: number;
  /** Undefined: as it was, or as usual. */
  readonly history?: number;
};

export function clusterFile(dir: string): string {
  return join(dir, 'cluster.json');
}

export function hostDir(dir: string, host: string): string {
  return join(dir, host);
}

export function storeDir(dir: string, host: string): string {
  return join(hostDir(dir, host), 'store');
}

/** Reads a cluster's folder. HOST_OPTIONS where it is not one. */
export async function readFolder(given: string): Promise<Folder> {
  const dir = resolve(given);
  const [text, secret, adminToken] = await Promise.all([
    readText(clusterFile(dir), dir),
    readText(join(dir, 'secret'), dir),
    readText(join(dir, 'admin-token'), dir),
  ]);
  let fields: unknown;
  try {
    fields = JSON.parse(text);
  } catch (cause) {
    throw new CodedError('HOST_OPTIONS', `${clusterFile(dir)} is not JSON`, { cause });
  }
  return { dir, cluster: parseCluster(fields), secret: secret.trim(), adminToken: adminToken.trim() };
}

/**
 * The configuration that a cluster has, or will have, in this folder. The name, the hosts and the number of chains are fixed
 * when it is made; ports and application may be others at every start.
 */
export async function planCluster(options: FolderOptions, appHash: string): Promise<Cluster> {
  const dir = resolve(options.dir);
  const old = existsSync(clusterFile(dir)) ? (await readFolder(dir)).cluster : undefined;
  const ids =
    old?.hosts.map(({ id }) => id) ?? Array.from({ length: options.hosts }, (_, index) => hostId(`h${index + 1}`));
  const at = (offset: number): string => `127.0.0.1:${options.portBase + offset}`;
  const replication = old?.replication ?? Math.min(options.replication, ids.length);
  return {
    version: 2,
    cluster: old?.cluster ?? randomBytes(8).toString('hex'),
    region: old?.region ?? 'local',
    chains: old?.chains ?? options.chains,
    replication,
    minReplicas: old?.minReplicas ?? minReplicasOf(replication),
    voters: old?.voters ?? [],
    hosts: ids.map((id, index) => ({ id, address: at(2 + index) })),
    proxy: { address: at(0), admin: at(1) },
    history: options.history ?? old?.history ?? historyUpdates,
    freeBytesMin: old?.freeBytesMin ?? freeBytesMinUsual,
    appHash,
  };
}

/**
 * Takes the folder for this process, as long as it lives. HOST_OPTIONS where another `up` keeps a cluster in it: its hosts
 * would read the configuration of this one when they are started again.
 */
export async function holdFolder(given: string): Promise<void> {
  const dir = resolve(given);
  const file = join(dir, 'up.pid');
  const former = Number(await readFile(file, 'utf8').catch(() => '0'));
  if (former !== process.pid && (await isKeeper(former))) {
    throw new CodedError(
      'HOST_OPTIONS',
      `process ${former} keeps a cluster in ${dir}: end it, or choose another --dir`,
    );
  }
  await mkdir(dir, { recursive: true, mode: 0o700 });
  await writeFile(file, `${process.pid}\n`);
}

/** Whether a process of this number runs and is a keeper of clusters. Numbers are used again; where nothing tells, it is. */
async function isKeeper(pid: number): Promise<boolean> {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  const words = await readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => undefined);
  return words === undefined || words.split('\0').some((word) => word === 'up' || word === 'restore');
}

/**
 * Makes the folder of a cluster, or finds one that is there, and writes its configuration down. `furnish` comes before that: where it fails
 * there is no cluster.
 */
export async function prepareFolder(
  options: FolderOptions,
  appHash: string,
  furnish: (dir: string, cluster: Cluster) => Promise<void> = async () => {},
): Promise<Folder> {
  const dir = resolve(options.dir);
  const planned = await planCluster(options, appHash);
  // Logs hold what documents hold: nobody but their owner reads them.
  await mkdir(dir, { recursive: true, mode: 0o700 });
  await keepSecret(join(dir, 'secret'));
  await keepSecret(join(dir, 'admin-token'));
  const voters = planned.voters.length > 0 ? planned.voters : await bearVoters(dir, planned);
  const cluster = parseCluster({ ...planned, voters });
  await furnish(dir, cluster);
  await writeDurably(clusterFile(dir), `${JSON.stringify(cluster, undefined, 2)}\n`);
  return readFolder(dir);
}

/** A cluster that runs has come to run another application. */
export async function noteApplication(dir: string, appHash: string): Promise<void> {
  const { cluster } = await readFolder(dir);
  await writeDurably(clusterFile(dir), `${JSON.stringify({ ...cluster, appHash }, undefined, 2)}\n`);
}

/**
 * The stores of the voters are made, or found, before the cluster first starts, and written down: a store that is made later is
 * never taken for one of theirs (C10).
 */
async function bearVoters(dir: string, { cluster, hosts, chains: count }: Cluster): Promise<Cluster['voters']> {
  const voters: { host: HostId; storeId: string }[] = [];
  const chains = Array.from({ length: count }, (_, chain) => chainId(chain));
  for (const { id } of hosts.slice(0, votersCountOf(hosts.length))) {
    const storeId = await withStore(dir, id, cluster, chains, async (store) => store.identity.storeId);
    voters.push({ host: id, storeId });
  }
  await syncFolder(dir);
  return voters;
}

/** Opens the store of a host that does not run, or makes it, for as long as `use` takes. ENGINE_DISK where a write fails. */
export async function withStore<T>(
  dir: string,
  id: HostId,
  cluster: string,
  chains: readonly ChainId[],
  use: (store: Store) => Promise<T>,
): Promise<T> {
  await mkdir(hostDir(dir, id), { recursive: true, mode: 0o700 });
  const { store, close } = await openHostStore({
    dir: hostDir(dir, id),
    chains,
    fresh: () => ({ storeId: randomBytes(16).toString('hex'), host: id, cluster }),
    founded: undefined,
    isInUse: () => Promise.resolve(false),
    log: { warn: () => {}, error: () => {} },
    fatal: () => {},
  });
  const failed = new Promise<never>((_, reject) => {
    const onFailed = (cause: unknown): void => {
      reject(new CodedError('ENGINE_DISK', `the store of ${id} cannot be written`, { cause }));
    };
    store.listen({ onSynced: () => {}, onFailed });
  });
  try {
    return await Promise.race([use(store), failed]);
  } finally {
    await store.close();
    await close();
  }
}

async function readText(file: string, dir: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    const next = 'start one with: npx --no-install levelten up';
    throw new CodedError('HOST_OPTIONS', `${dir} is not the folder of a cluster: ${file} cannot be read; ${next}`, {
      cause,
    });
  }
}

async function keepSecret(file: string): Promise<void> {
  if (!existsSync(file)) await writeDurably(file, `${randomBytes(32).toString('base64url')}\n`, 0o600);
}
