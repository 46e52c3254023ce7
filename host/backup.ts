// `levelten backup`: what a running cluster holds, into plain files, chain by chain and page by page. Each document is as it was at some
// moment after the backup of its chain began. Whatever cuts it off, the same command goes on behind the last file that was finished.
import type { Hash } from 'node:crypto';
import { createHash } from 'node:crypto';
import type { Cluster } from '../chain/config.ts';
import { CodedError, retryOf } from '../engine/base/errors.ts';
import { backupFileBytes } from '../engine/base/limits.ts';
import type { Tally } from '../engine/store/backup-format.ts';
import { addTallies, decodeEntry, encodeEntry, entriesOf, magic, noTally } from '../engine/store/backup-format.ts';
import { EntryOrder } from '../engine/store/backup-walk.ts';
import { cursorAfter } from '../engine/store/export.ts';
import type { BackupFile, BackupFolder, Manifest } from './backup-folder.ts';
import { fileName } from './backup-folder.ts';
import type { ExportAnswer } from './exporting.ts';
import { takeLock } from './lock.ts';

export type BackupOptions = {
  readonly folder: BackupFolder;
  readonly cluster: Pick<Cluster, 'cluster' | 'chains' | 'hosts' | 'history' | 'appHash'>;
  /** Asks the head of a chain. Errors whose retry is not `never` pass. */
  readonly ask: (chain: number, through: number | undefined, cursor: string) => Promise<ExportAnswer>;
  /** A short pause before something is asked again. */
  readonly rest: () => Promise<void>;
  readonly nowMs: () => number;
  /** How long nothing may move. */
  readonly waitMs: number;
  /** The time for people. */
  readonly date: () => string;
  /** A chain was taken. */
  readonly onChain: (chain: number, tally: Tally) => void;
  readonly fileBytes?: number;
};

type Run = BackupOptions & { manifest: Manifest; movedMs: number };

/** Takes what is missing. HOST_OPTIONS where the folder holds something else, or a backup that is complete. */
export async function takeBackup(options: BackupOptions): Promise<Manifest> {
  const { folder, date, onChain } = options;
  // Two at once would write over each other's files.
  await folder.make();
  const lock = await takeLock(folder.dir);
  try {
    const manifest = await beginOrGoOn(options);
    const run: Run = { ...options, manifest, movedMs: options.nowMs() };
    for (let chain = 0; chain < manifest.chains; chain += 1) {
      if (run.manifest.whole.includes(chain)) continue;
      await takeChain(run, chain);
      onChain(chain, tallyOfFiles(run.manifest.files.filter((file) => file.chain === chain)));
    }
    await save(run, { state: 'complete', ended: date() });
    return run.manifest;
  } finally {
    await folder.abandon();
    await lock.release();
  }
}

export function tallyOfFiles(files: readonly Tally[]): Tally {
  return files.reduce<Tally>(addTallies, noTally);
}

async function beginOrGoOn({ folder, cluster, date }: BackupOptions): Promise<Manifest> {
  const known = await folder.readManifest();
  if (known === undefined) {
    await folder.prepare();
    const { cluster: name, chains, hosts, history: historyUpdates, appHash } = cluster;
    const head = { version: 1, state: 'incomplete', cluster: name, chains, hosts: hosts.length } as const;
    const begun = { ...head, historyUpdates, appHash, began: date(), ended: null };
    const manifest = { ...begun, ...noTally, whole: [], files: [] };
    await folder.writeManifest(manifest);
    return manifest;
  }
  if (known.cluster !== cluster.cluster) {
    throw new CodedError('HOST_OPTIONS', `${folder.dir} is a backup of another cluster, ${known.cluster}`);
  }
  if (known.state === 'complete') {
    throw new CodedError('HOST_OPTIONS', `${folder.dir} is a backup that is complete: choose another folder`);
  }
  return known;
}

/** Until it is whole. What passes by itself is tried again, from the last file on, as long as anything moves. */
async function takeChain(run: Run, chain: number): Promise<void> {
  for (;;) {
    try {
      return await takeRest(run, chain);
    } catch (cause) {
      if (!(cause instanceof CodedError) || retryOf(cause.code) === 'never') throw cause;
      await restOrGiveUp(run, chain, cause);
    }
  }
}

async function restOrGiveUp(run: Run, chain: number, cause: CodedError): Promise<void> {
  if (run.nowMs() - run.movedMs > run.waitMs) {
    const next = 'the same command goes on from there';
    throw new CodedError(cause.code, `chain ${chain}: ${cause.message}; ${next}`, { cause });
  }
  await run.rest();
}

async function takeRest(run: Run, chain: number): Promise<void> {
  const writer = new ChainWriter(run, chain);
  const parts = new Parts();
  let [cursor, folded] = [cursorAfter(writer.after), -1];
  let through: number | undefined;
  let storeId: string | undefined;
  for (;;) {
    const answer = await run.ask(chain, through, cursor);
    through = answer.through;
    if (answer.page !== undefined || answer.folded > folded) run.movedMs = run.nowMs();
    if (answer.page === undefined) {
      folded = answer.folded;
      await restOrGiveUp(run, chain, new CodedError('CHAIN_BUSY', `folded through ${folded} of ${through}`));
      continue;
    }
    // Another store cuts history elsewhere: a document that was begun would not go on.
    storeId ??= answer.storeId;
    if (storeId !== answer.storeId) throw new CodedError('CHAIN_NOT_HEAD', 'another host heads it now');
    await writer.take(parts.take(answer.page));
    cursor = answer.page.next;
    if (cursor === '') return writer.end();
  }
}

/** Puts together what came in parts. */
class Parts {
  #held: Buffer[] = [];
  #bytes = 0;

  /** The entries that are whole with this page. */
  take({ base64, part }: NonNullable<ExportAnswer['page']>): Uint8Array {
    const bytes = Buffer.from(base64, 'base64');
    if (part === undefined || part.offset === 0) [this.#held, this.#bytes] = [[], 0];
    if (part === undefined) return bytes;
    if (part.offset !== this.#bytes) throw new CodedError('CHAIN_PROTOCOL', 'a part does not follow the one before it');
    this.#held.push(bytes);
    this.#bytes += bytes.length;
    if (this.#bytes < part.length) return new Uint8Array(0);
    const whole = Buffer.concat(this.#held);
    [this.#held, this.#bytes] = [[], 0];
    return whole;
  }
}

type OpenFile = { readonly number: number; readonly order: EntryOrder; readonly sha: Hash; bytes: number };

/** Files of one chain, one after the other. */
class ChainWriter {
  readonly #run: Run;
  readonly #chain: number;
  #file: OpenFile | undefined;

  constructor(run: Run, chain: number) {
    this.#run = run;
    this.#chain = chain;
  }

  /** The document that the last finished file ends with. */
  get after(): string {
    return this.#last?.last ?? '';
  }

  get #last(): BackupFile | undefined {
    return this.#run.manifest.files.findLast(({ chain }) => chain === this.#chain);
  }

  async take(bytes: Uint8Array): Promise<void> {
    const { fileBytes = backupFileBytes } = this.#run;
    let waiting: Uint8Array[] = [];
    for await (const one of entriesOf([bytes])) {
      const entry = decodeEntry(one);
      if (entry.kind !== 'document' && entry.kind !== 'history')
        throw new CodedError('CHAIN_PROTOCOL', 'an export is documents and their history');
      if (entry.kind === 'document' && this.#file !== undefined && this.#file.bytes >= fileBytes) {
        await this.#append(Buffer.concat(waiting));
        waiting = [];
        await this.#finish({});
      }
      const file = this.#file ?? (await this.#begin());
      file.order.take(entry);
      file.bytes += one.length;
      waiting.push(one);
    }
    if (waiting.length > 0) await this.#append(Buffer.concat(waiting));
  }

  /** The chain is whole. */
  async end(): Promise<void> {
    const { manifest } = this.#run;
    const whole = { whole: [...manifest.whole, this.#chain] };
    if (this.#file === undefined) await save(this.#run, whole);
    else await this.#finish(whole);
  }

  async #begin(): Promise<OpenFile> {
    const { folder, manifest } = this.#run;
    const number = (this.#last?.number ?? 0) + 1;
    const file = { number, order: new EntryOrder(this.after), sha: createHash('sha256'), bytes: 0 };
    this.#file = file;
    await folder.begin(fileName(this.#chain, number));
    const place = encodeEntry({ kind: 'place', cluster: manifest.cluster, chain: this.#chain, number });
    file.bytes += magic.length + place.length;
    await this.#append(Buffer.concat([magic, place]));
    return file;
  }

  async #append(bytes: Uint8Array): Promise<void> {
    this.#file?.sha.update(bytes);
    await this.#run.folder.append(bytes);
  }

  /** The file is finished, and then it is named, with what else is true by then. */
  async #finish(more: Partial<Manifest>): Promise<void> {
    const { folder, manifest, date } = this.#run;
    const file = this.#file as OpenFile;
    file.order.checkWhole();
    const { tally, name: last } = file.order;
    const end = encodeEntry({ kind: 'end', documents: tally.documents, updates: tally.updates });
    file.bytes += end.length;
    await this.#append(end);
    await folder.finish();
    this.#file = undefined;
    const { number, bytes } = file;
    const chain = this.#chain;
    const named = { name: fileName(chain, number), chain, number, last, at: date(), bytes };
    const files = [...manifest.files, { ...named, ...tally, sha256: file.sha.digest('hex') }];
    await save(this.#run, { files, ...tallyOfFiles(files), ...more });
  }
}

async function save(run: Run, changes: Partial<Manifest>): Promise<void> {
  const next = { ...run.manifest, ...changes };
  await run.folder.writeManifest(next);
  run.manifest = next;
}
