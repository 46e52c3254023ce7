// The folder of a backup: plain files, and a list of them that says what is believed.
//
//   DIR/backup.json           the manifest: what was taken, of which cluster, and every file with its sums
//   DIR/chain-0003-0001.bak   documents of a chain, as engine/store/backup-format.ts lays them out
//   DIR/*.new                 what is being written: synced, then renamed, then named in the manifest
//
// A file that the manifest does not name was never finished: it is written again. So a backup that was cut off goes on behind the last file.
import { createReadStream } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { mkdir, open, readdir, readFile, rename } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { contentHashOf } from '../engine/base/checksum.ts';
import { CodedError } from '../engine/base/errors.ts';
import type { Tally } from '../engine/store/backup-format.ts';

export const manifestName = 'backup.json';
const ours = /^(lock(\.\d+)?|(backup\.json|chain-\d{4}-\d{4,}\.bak)(\.new)?)$/;

/** `last` is the document that the file ends with; `at` when it was finished. `hash` and `history` as in Tally. */
export type BackupFile = Tally & {
  readonly name: string;
  readonly chain: number;
  readonly number: number;
  readonly last: string;
  readonly at: string;
  readonly bytes: number;
  readonly sha256: string;
};

/** `whole` are the chains that all was taken of; the sums are those of all files. */
export type Manifest = Tally & {
  readonly version: 1;
  readonly state: 'incomplete' | 'complete';
  readonly cluster: string;
  readonly chains: number;
  readonly hosts: number;
  /** Updates of each document that the cluster keeps readable. */
  readonly historyUpdates: number;
  readonly appHash: string;
  readonly began: string;
  readonly ended: string | null;
  readonly whole: readonly number[];
  readonly files: readonly BackupFile[];
};

/** The last field is the SHA-256 of the text without it: a manifest is what it was written as, to the letter, or it is refused. */
export function encodeManifest(manifest: Manifest): string {
  const sha256 = contentHashOf(Buffer.from(JSON.stringify(manifest)));
  return `${JSON.stringify({ ...manifest, sha256 }, undefined, 2)}\n`;
}

/** BACKUP_CORRUPT for anything that `encodeManifest` does not write. */
export function decodeManifest(text: string): Manifest {
  let fields: Partial<Manifest> & { sha256?: unknown };
  try {
    fields = JSON.parse(text) as typeof fields;
  } catch (cause) {
    throw new CodedError('BACKUP_CORRUPT', `${manifestName}: not JSON`, { cause });
  }
  if (fields?.version !== 1)
    throw new CodedError('BACKUP_CORRUPT', `${manifestName}: version ${fields?.version} is not 1`);
  const { sha256: _, ...manifest } = fields;
  if (encodeManifest(manifest as Manifest) !== text) {
    throw new CodedError('BACKUP_CORRUPT', `${manifestName}: not as it was written`);
  }
  return manifest as Manifest;
}

export function fileName(chain: number, number: number): string {
  return `chain-${`${chain}`.padStart(4, '0')}-${`${number}`.padStart(4, '0')}.bak`;
}

/** One file is written at a time. */
export class BackupFolder {
  readonly dir: string;
  #file: { readonly name: string; readonly handle: FileHandle } | undefined;

  constructor(dir: string) {
    this.dir = resolve(dir);
  }

  /** Undefined where there is none. */
  async readManifest(): Promise<Manifest | undefined> {
    const text = await readFile(join(this.dir, manifestName), 'utf8').catch((cause: NodeJS.ErrnoException) => {
      if (cause.code === 'ENOENT') return undefined;
      throw new CodedError('HOST_OPTIONS', `${this.dir} cannot be read: ${cause.message}`, { cause });
    });
    return text === undefined ? undefined : decodeManifest(text);
  }

  async writeManifest(manifest: Manifest): Promise<void> {
    await this.begin(manifestName);
    await this.append(Buffer.from(encodeManifest(manifest)));
    await this.finish();
  }

  async make(): Promise<void> {
    await mkdir(this.dir, { recursive: true, mode: 0o700 });
  }

  /** HOST_OPTIONS where something else lies in it. */
  async prepare(): Promise<void> {
    const other = (await readdir(this.dir)).find((name) => !ours.test(name));
    if (other !== undefined)
      throw new CodedError('HOST_OPTIONS', `${this.dir} holds ${other}: a backup has a folder of its own`);
  }

  /** Begins a file; what of it was not finished is forgotten. Documents are nobody's business: only their owner reads it. */
  async begin(name: string): Promise<void> {
    await this.abandon();
    this.#file = { name, handle: await open(join(this.dir, `${name}.new`), 'w', 0o600) };
  }

  async append(bytes: Uint8Array): Promise<void> {
    await this.#opened().handle.appendFile(bytes);
  }

  /** From here on it is there, whatever happens to the machine. */
  async finish(): Promise<void> {
    const { name, handle } = this.#opened();
    await handle.sync();
    await handle.close();
    this.#file = undefined;
    await rename(join(this.dir, `${name}.new`), join(this.dir, name));
    const folder = await open(this.dir, 'r');
    await folder.sync();
    await folder.close();
  }

  async abandon(): Promise<void> {
    await this.#file?.handle.close();
    this.#file = undefined;
  }

  /** The bytes of a file, in pieces. BACKUP_CORRUPT where it cannot be read. */
  async *chunks(name: string): AsyncGenerator<Buffer> {
    const pieces = createReadStream(join(this.dir, name))[Symbol.asyncIterator]();
    try {
      for (;;) {
        const piece = await pieces.next().catch((cause: NodeJS.ErrnoException) => {
          throw new CodedError('BACKUP_CORRUPT', `it cannot be read: ${cause.code}`, { cause });
        });
        if (piece.done === true) return;
        yield piece.value as Buffer;
      }
    } finally {
      await pieces.return?.();
    }
  }

  #opened(): { readonly name: string; readonly handle: FileHandle } {
    if (this.#file === undefined) throw new Error('no file was begun');
    return this.#file;
  }
}
