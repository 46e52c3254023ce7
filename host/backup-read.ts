// A backup read again, every byte of it: for a check, and by a restore. What is wrong is said by file, entry and document.
import { createHash } from 'node:crypto';
import { placeDocument } from '../chain/placement.ts';
import { CodedError } from '../engine/base/errors.ts';
import { documentName } from '../engine/base/ids.ts';
import { decodeSnapshot } from '../engine/document/life/snapshot.ts';
import { decodeSection } from '../engine/document/life/update.ts';
import type { DocumentEntry, HistoryEntry, Tally } from '../engine/store/backup-format.ts';
import { magic, noTally } from '../engine/store/backup-format.ts';
import { walkFile } from '../engine/store/backup-walk.ts';
import { tallyOfFiles } from './backup.ts';
import type { BackupFile, BackupFolder, Manifest } from './backup-folder.ts';
import { fileName, manifestName } from './backup-folder.ts';

/**
 * What a file holds, checked by its own sums, by those of the manifest, and as documents. BACKUP_CORRUPT names the file, the entry and the
 * document. What was visited before something wrong is found is not to be believed: the sum of the whole comes last.
 */
export async function* readFile(
  folder: BackupFolder,
  manifest: Manifest,
  file: BackupFile,
): AsyncGenerator<DocumentEntry | HistoryEntry> {
  const { name, chain, number, sha256, bytes } = file;
  const sha = createHash('sha256');
  let read = 0;
  async function* behindMagic(): AsyncGenerator<Uint8Array> {
    let head = Buffer.alloc(0);
    for await (const chunk of folder.chunks(name)) {
      sha.update(chunk);
      read += chunk.length;
      if (head.length >= magic.length) yield chunk;
      else {
        head = Buffer.concat([head, chunk]);
        if (head.length >= magic.length) yield checkMagic(head);
      }
    }
    if (head.length < magic.length) checkMagic(head);
  }
  const { cluster } = manifest;
  const walk = walkFile(behindMagic(), { cluster, chain, number, after: lastBefore(manifest, file) });
  try {
    let document = '';
    for (let step = await walk.next(); ; step = await walk.next()) {
      if (step.done === true) {
        checkTally(step.value, document, file);
        break;
      }
      if (step.value.kind === 'document') document = step.value.name;
      checkEntry(manifest, file, document, step.value);
      yield step.value;
    }
    if (read !== bytes || sha.digest('hex') !== sha256) throw corrupt(`its SHA-256 is not that of ${manifestName}`);
  } catch (cause) {
    if (!(cause instanceof CodedError)) throw cause;
    throw new CodedError('BACKUP_CORRUPT', `${name}: ${cause.message}`, { cause });
  } finally {
    await walk.return(noTally);
  }
}

/** All that is wrong with a backup, by name; nothing where it can be restored. */
export async function checkBackup(folder: BackupFolder, manifest: Manifest): Promise<string[]> {
  const found = problemsOf(manifest);
  for (const file of manifest.files) {
    try {
      for await (const _ of readFile(folder, manifest, file));
    } catch (cause) {
      if (!(cause instanceof CodedError)) throw cause;
      found.push(cause.message);
    }
  }
  return found;
}

/** What a manifest says that cannot be. Its own sum was right: then whoever wrote it was wrong. */
export function problemsOf(manifest: Manifest): string[] {
  const { chains, files, whole, state, ...said } = manifest;
  const found: string[] = [];
  if (state !== 'complete') {
    const missing = Array.from({ length: chains }, (_, chain) => chain).filter((chain) => !whole.includes(chain));
    const of = missing.length > 0 ? `chains ${missing.join(', ')} are not whole` : 'its end is missing';
    found.push(`${manifestName}: it is incomplete: ${of}`);
  } else if (new Set(whole).size !== chains)
    found.push(`${manifestName}: it is complete, and not all chains are whole`);
  const numbers = new Map<number, number>();
  for (const { name, chain, number } of files) {
    const next = (numbers.get(chain) ?? 0) + 1;
    numbers.set(chain, number);
    if (number !== next || name !== fileName(chain, number) || chain >= chains)
      found.push(`${manifestName}: file ${name} is out of place`);
  }
  const { documents, updates, hash, history } = tallyOfFiles(files);
  const isSum =
    said.documents === documents && said.updates === updates && said.hash === hash && said.history === history;
  if (!isSum) found.push(`${manifestName}: its sums are not those of its files`);
  return found;
}

function lastBefore({ files }: Manifest, { chain, number }: BackupFile): string {
  return files.find((one) => one.chain === chain && one.number === number - 1)?.last ?? '';
}

function checkMagic(head: Buffer): Uint8Array {
  if (!head.subarray(0, magic.length).equals(magic))
    throw corrupt('it does not begin as a backup of this version does');
  return head.subarray(magic.length);
}

function checkTally(tally: Tally, last: string, file: BackupFile): void {
  const { documents, updates, hash, history } = file;
  const isSame = tally.documents === documents && tally.updates === updates && tally.hash === hash;
  if (isSame && tally.history === history && last === file.last) return;
  throw corrupt(`it holds other documents than ${manifestName} says`);
}

/** A document belongs to the chain, its snapshot can be read and is of its seq; so with its history. */
function checkEntry(
  { chains }: Manifest,
  { chain }: BackupFile,
  name: string,
  entry: DocumentEntry | HistoryEntry,
): void {
  try {
    if (entry.kind === 'history') {
      const updates = decodeSection(entry.updates);
      const isRight = updates.length === entry.count && updates.every(({ seq }, at) => seq === entry.seqFirst + at);
      if (!isRight) throw corrupt('its history is not what it says');
    } else {
      if (placeDocument(documentName(name).name, chains) !== chain) throw corrupt(`it is not of chain ${chain}`);
      if (decodeSnapshot(entry.state).seq !== entry.seq) throw corrupt('its snapshot is of another update');
    }
  } catch (cause) {
    if (!(cause instanceof CodedError)) throw cause;
    throw corrupt(`document ${name}: ${cause.message}`);
  }
}

function corrupt(text: string): CodedError {
  return new CodedError('BACKUP_CORRUPT', text);
}
