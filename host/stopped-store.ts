// The store of a host that does not run, read without touching it. LevelDB cannot open without writing: it replays its log into new files and
// removes the old ones. So it is given a folder of links to the files, in which it may do that: the files themselves are never written again once they
// are whole, only made, renamed and removed. Nobody holds a lock of the host meanwhile, which may start at any time.
import { existsSync } from 'node:fs';
import { link, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CodedError } from '../engine/base/errors.ts';
import type { OrderedStore } from '../engine/store/port.ts';
import { LevelStore } from './level-store.ts';

/** What is a process's own, or is written in place. */
const notLinked = new Set(['LOCK', 'LOG', 'LOG.old']);

/** Runs `read` over the store in `folder`, which is as it was afterwards. ENGINE_DISK where there is none, where a process has it open, or where it does not open. */
export async function readStopped<T>(folder: string, read: (disk: OrderedStore) => Promise<T>): Promise<T> {
  if (!existsSync(join(folder, 'CURRENT'))) throw new CodedError('ENGINE_DISK', `there is no store in ${folder}`);
  await checkUnused(folder);
  await forgetReaders(dirname(folder));
  const copy = await mkdtemp(join(dirname(folder), `reading-${process.pid}-`));
  try {
    for (const file of await readdir(folder)) {
      if (!notLinked.has(file)) await link(join(folder, file), join(copy, file));
    }
    // Whoever opened it meanwhile may have changed what was being linked.
    await checkUnused(folder);
    const disk = await LevelStore.open(copy, false);
    try {
      return await read(disk);
    } finally {
      await disk.close();
    }
  } catch (cause) {
    const isOfFiles = cause instanceof Error && 'syscall' in cause;
    throw isOfFiles ? new CodedError('ENGINE_DISK', `${folder} cannot be read: ${cause.message}`, { cause }) : cause;
  } finally {
    await rm(copy, { recursive: true, force: true });
  }
}

/** What a reader left that was ended in the middle holds all of a store, deleted documents too. */
export async function forgetReaders(dir: string): Promise<void> {
  const left = (await readdir(dir)).filter(
    (name) => /^reading-\d+-/.test(name) && !isAlive(Number(name.split('-')[1])),
  );
  for (const name of left) await rm(join(dir, name), { recursive: true, force: true });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (cause) {
    return cause instanceof Error && 'code' in cause && cause.code === 'EPERM';
  }
}

/** Linux says who holds a lock on a file. Elsewhere nothing does, and a store that is in use may look wrong. */
async function checkUnused(folder: string): Promise<void> {
  const lock = await stat(join(folder, 'LOCK')).catch(() => undefined);
  const locks = await readFile('/proc/locks', 'utf8').catch(() => '');
  const holder = lock === undefined ? undefined : holderOf(locks, lock.ino);
  if (holder === undefined) return;
  throw new CodedError(
    'ENGINE_DISK',
    `process ${holder} has the store in ${folder} open: it starts, or does not answer`,
  );
}

/** In lines such as `1: POSIX  ADVISORY  WRITE 4242 fd:01:9437 0 EOF`. */
function holderOf(locks: string, inode: number): string | undefined {
  for (const line of locks.split('\n')) {
    const words = line.trim().split(/\s+/);
    const file = words.find((word) => /^[0-9a-f]+:[0-9a-f]+:\d+$/.test(word));
    if (file?.split(':')[2] === `${inode}` && !words.includes('->')) return words[words.indexOf(file) - 1];
  }
  return undefined;
}
