// Files that are there after a crash as they were before it, or as they were meant to be.
import { open, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Writes beside the file, syncs, renames over it and syncs the folder: after a crash the file is the old one or the new. */
export async function writeDurably(file: string, content: string | Uint8Array, mode = 0o644): Promise<void> {
  const beside = `${file}.new`;
  await writeFile(beside, content, { mode, flush: true });
  await rename(beside, file);
  await syncFolder(dirname(file));
}

/** What was made, renamed or removed in this folder survives a crash. */
export async function syncFolder(dir: string): Promise<void> {
  const folder = await open(dir, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
