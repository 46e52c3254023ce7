// What `levelten doctor` looks at: the machine, as it is. host/doctor.ts says what to think of it.
import { existsSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { open, readdir, readFile, rm, stat, statfs } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Cluster } from '../../chain/config.ts';
import { splitAddress } from '../../chain/config.ts';
import { clockWatchMs, syncSampleBytes, syncSamples } from '../../engine/base/limits.ts';
import type { SecretFile } from '../doctor.ts';
import { hostDir } from '../folder.ts';

/** How long a port may take to say that somebody listens. */
const dialMs = 1_000;

/** The folder, or the nearest above it that is there. */
export function nearestFolder(dir: string): string {
  return existsSync(dir) || dirname(dir) === dir ? dir : nearestFolder(dirname(dir));
}

/** Milliseconds of each write until it was synced, in a file that is removed; the reason where that fails. */
export async function measureSync(folder: string): Promise<number[] | string> {
  const file = join(folder, `.doctor-${process.pid}`);
  let handle: FileHandle | undefined;
  try {
    handle = await open(file, 'wx', 0o600);
    const bytes = Buffer.alloc(syncSampleBytes, 1);
    const samplesMs: number[] = [];
    for (let count = 0; count < syncSamples; count += 1) {
      const beforeMs = performance.now();
      await handle.write(bytes);
      await handle.datasync();
      samplesMs.push(performance.now() - beforeMs);
    }
    return samplesMs;
  } catch (cause) {
    return cause instanceof Error ? cause.message : String(cause);
  } finally {
    await handle?.close();
    if (handle !== undefined) await rm(file, { force: true });
  }
}

/** By how much the wall clock moved more than the one that only goes forward. */
export async function measureClock(): Promise<{ wallMs: number; driftMs: number; overMs: number }> {
  const [wallMs, startMs] = [Date.now(), performance.now()];
  await sleep(clockWatchMs);
  const overMs = performance.now() - startMs;
  return { wallMs, driftMs: Date.now() - wallMs - overMs, overMs };
}

/** Whether somebody listens at `ip:port`. */
export function isTaken(address: string): Promise<boolean> {
  const { host, port } = splitAddress(address);
  return new Promise((done) => {
    const socket = connect({ host, port, timeout: dialMs });
    const end = (is: boolean): void => {
      socket.destroy();
      done(is);
    };
    socket.once('connect', () => end(true));
    socket.once('timeout', () => end(false));
    socket.once('error', () => end(false));
  });
}

/** Soft limits of this process, which every process of a cluster has as well. Undefined where nothing says. */
export async function measureLimits(): Promise<{ openFiles: number | undefined; fileSize: number | undefined }> {
  const text = await readFile('/proc/self/limits', 'utf8').catch(() => '');
  const limitOf = (name: string): number | undefined => {
    const word = new RegExp(`^${name}\\s+(\\S+)`, 'm').exec(text)?.[1];
    if (word === undefined) return undefined;
    return word === 'unlimited' ? Number.POSITIVE_INFINITY : Number(word);
  };
  return { openFiles: limitOf('Max open files'), fileSize: limitOf('Max file size') };
}

/** `type` is undefined where its numbers are not those of Linux. */
export async function measureFolder(folder: string): Promise<{ freeBytes: number; type: number | undefined }> {
  const { bavail, bsize, type } = await statfs(folder);
  return { freeBytes: bavail * bsize, type: process.platform === 'linux' ? type : undefined };
}

/** What a cluster's folder holds that is nobody else's business, of what is there. */
export async function measureSecrets(dir: string): Promise<SecretFile[]> {
  const found: SecretFile[] = [];
  for (const file of [dir, join(dir, 'secret'), join(dir, 'admin-token')]) {
    const known = await stat(file).catch(() => undefined);
    if (known === undefined) continue;
    const isOurs = process.getuid === undefined || known.uid === process.getuid();
    found.push({ file, mode: known.mode & 0o777, isOurs, isSecret: !known.isDirectory() });
  }
  return found.some(({ isSecret }) => isSecret) ? found : [];
}

/** Stores that hosts of this folder have set aside. */
export async function measureAsides(dir: string, { hosts }: Cluster): Promise<{ name: string; why: string }[]> {
  const found: { name: string; why: string }[] = [];
  for (const { id } of hosts) {
    const names = await readdir(hostDir(dir, id)).catch(() => []);
    for (const name of names.filter((one) => one.startsWith('aside-')).sort()) {
      const why = await readFile(join(hostDir(dir, id), name, 'why'), 'utf8').catch(() => 'it does not say why');
      found.push({ name: `${id}/${name}`, why: why.trim() });
    }
  }
  return found;
}

/** The package that holds LevelDB, and what it bundles. */
export async function measureLevel(): Promise<{ level: string | undefined; leveldb: string | undefined }> {
  try {
    const beside = createRequire(createRequire(import.meta.url).resolve('level'));
    const file = beside.resolve('classic-level/package.json');
    const { version } = JSON.parse(await readFile(file, 'utf8')) as { readonly version: string };
    const bundled = await readdir(join(dirname(file), 'deps/leveldb')).catch(() => []);
    const folder = bundled.find((name) => name.startsWith('leveldb-'));
    return { level: version, leveldb: folder?.slice('leveldb-'.length) };
  } catch {
    return { level: undefined, leveldb: undefined };
  }
}

/** What package.json asks of Node. */
export async function measureEngines(packageFile: string): Promise<string> {
  const { engines } = JSON.parse(await readFile(packageFile, 'utf8')) as {
    readonly engines?: { readonly node?: string };
  };
  return engines?.node ?? '>=0';
}
