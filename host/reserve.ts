// The reserve (E9): a file of zeros on the disk of a host's store, which is there to be removed.
import { open, rename, rm, stat, statfs } from 'node:fs/promises';
import { reserveBytes } from '../engine/base/limits.ts';
import { syncFolder } from './durable-file.ts';

const pieceBytes = 1024 * 1024;

/** What the file system of `dir` has left for us. */
export async function freeBytesOf(dir: string): Promise<number> {
  const { bavail, bsize } = await statfs(dir);
  return bavail * bsize;
}

/** Written, not stretched: a file with a hole holds no space. */
export async function makeReserve(file: string): Promise<void> {
  const size = await stat(file).then(
    (found) => found.size,
    () => 0,
  );
  if (size === reserveBytes) return;
  const beside = `${file}.new`;
  const handle = await open(beside, 'w', 0o600);
  try {
    const zeros = Buffer.alloc(pieceBytes);
    for (let written = 0; written < reserveBytes; written += pieceBytes) await handle.write(zeros);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(beside, file);
}

/** The space is free when this resolves. */
export async function giveReserve(dir: string, file: string): Promise<void> {
  await rm(file, { force: true });
  await rm(`${file}.new`, { force: true });
  await syncFolder(dir);
}
