// One process for a host's folder (E8). LevelDB's own lock goes when anything in a process closes its file; this one holds as long as the
// process that made it lives, and LevelDB's is never touched.
//
// The file names a process by number, and by when that process and the machine began: numbers are used again.
import { link, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CodedError } from '../engine/base/errors.ts';

/** How often a lock that somebody else makes or breaks at the same moment is looked at again. */
const triesMax = 20;

export type Lock = { readonly release: () => Promise<void> };

/** ENGINE_LOCKED names the process that has the folder. A lock whose process is gone is taken over. */
export async function takeLock(dir: string): Promise<Lock> {
  const file = join(dir, 'lock');
  const mine = `${await nameOf(process.pid)}\n`;
  const beside = `${file}.${process.pid}`;
  await writeFile(beside, mine);
  try {
    for (let tries = 0; tries < triesMax; tries += 1) {
      if (await links(beside, file)) return { release: () => release(file, mine) };
      const holder = await readFile(file, 'utf8').catch(() => undefined);
      if (holder === undefined) continue;
      if (await isAlive(holder)) {
        throw new CodedError('ENGINE_LOCKED', `process ${Number.parseInt(holder, 10)} has ${dir} open`);
      }
      await breakLock(file, holder, beside);
    }
  } finally {
    await rm(beside, { force: true });
  }
  throw new CodedError('ENGINE_LOCKED', `others take and leave the lock of ${dir}`);
}

/** Where two find the same dead holder, the second would remove the lock that the first has made since: it looks at what it took away. */
async function breakLock(file: string, holder: string, beside: string): Promise<void> {
  const aside = `${beside}.old`;
  await rename(file, aside).catch(() => {});
  const taken = await readFile(aside, 'utf8').catch(() => holder);
  if (taken !== holder) await links(aside, file);
  await rm(aside, { force: true });
}

async function release(file: string, mine: string): Promise<void> {
  const holder = await readFile(file, 'utf8').catch(() => '');
  if (holder === mine) await rm(file, { force: true });
}

/** Whether this made the file: a link is made or is there, nothing between. */
async function links(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'EEXIST') return false;
    throw cause;
  }
}

async function isAlive(holder: string): Promise<boolean> {
  const pid = Number.parseInt(holder, 10);
  // A machine that lost its power keeps the file, and not always what was in it.
  if (!(pid > 0)) return false;
  try {
    process.kill(pid, 0);
  } catch (cause) {
    // Of another user: it is there.
    if (!(cause instanceof Error && 'code' in cause && cause.code === 'EPERM')) return false;
  }
  return (await nameOf(pid)) === holder.trim() && !(await isZombie(pid));
}

/** It has ended, threads and all, and whoever should wait for it has not, or is gone: its number is there, and nothing else. */
async function isZombie(pid: number): Promise<boolean> {
  const [stat, threads] = await Promise.all([statOf(pid), readdir(`/proc/${pid}/task`).catch(() => [])]);
  return (stat[0] === 'Z' || stat[0] === 'X') && threads.length <= 1;
}

/** Where nothing tells when a process began, its number has to do. */
async function nameOf(pid: number): Promise<string> {
  const [boot, stat] = await Promise.all([
    readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => ''),
    statOf(pid),
  ]);
  const startTicks = stat[19] ?? '';
  return `${pid} ${startTicks} ${boot.trim()}`.trim();
}

/** What Linux says of a process, from its state on: the name before that may hold spaces, and ends with the last parenthesis. */
async function statOf(pid: number): Promise<string[]> {
  const text = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => '');
  return text.slice(text.lastIndexOf(')') + 2).split(' ');
}
