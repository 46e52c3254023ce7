// Documents for tests of backups: a store that is written to and folded as a host's is, with every update remembered beside it.
import { placeDocument } from '../../chain/placement.ts';
import type { ChainId, Lsn } from '../../engine/base/ids.ts';
import { chainId, epoch } from '../../engine/base/ids.ts';
import { foldSections } from '../../engine/document/life/snapshot.ts';
import { encodeUpdate, noMessage } from '../../engine/document/life/update.ts';
import { readExport } from '../../engine/store/export.ts';
import type { FoldTask } from '../../engine/store/folding.ts';
import { foldChain } from '../../engine/store/folding.ts';
import { encodeBatch } from '../../engine/store/format.ts';
import { Store } from '../../engine/store/store.ts';
import { takeBackup } from '../../host/backup.ts';
import type { Manifest } from '../../host/backup-folder.ts';
import { BackupFolder } from '../../host/backup-folder.ts';
import type { ExportAnswer } from '../../host/exporting.ts';
import foldTasks from '../../host/workers/fold-worker.ts';
import { MemoryStore, settled } from '../contract/memory-store.ts';

export const names = Array.from({ length: 12 }, (_, number) => `s/d${number}`);

const who = { agent: 'ada', authority: 'test' };

export class Documents {
  readonly chains: number;
  readonly history: number;
  readonly updates = new Map<string, Uint8Array[]>();
  readonly #store: Store;
  /** A fold runs, or what happens between reads: one of a chain at a time. */
  #isBusy = false;

  private constructor(store: Store, chains: number, history: number) {
    this.#store = store;
    this.chains = chains;
    this.history = history;
  }

  static async begin(chains: number, history: number): Promise<Documents> {
    const all = Array.from({ length: chains }, (_, chain) => chainId(chain));
    const store = await Store.open(new MemoryStore(), all, { storeId: 's', host: 'h', cluster: 'k' });
    store.listen({
      onSynced: () => {},
      onFailed: (cause) => {
        throw cause;
      },
    });
    return new Documents(store, chains, history);
  }

  get store(): Store {
    return this.#store;
  }

  /** Something happens before each read of a document by an export, but for those that it does itself. */
  betweenReads(happens: (name: string) => Promise<void>): void {
    const store = this.#store;
    const get = store.get.bind(store);
    store.get = async (key) => {
      if (!this.#isBusy) {
        this.#isBusy = true;
        const end = key.indexOf(0, 3);
        await happens(Buffer.from(key.subarray(3, end < 0 ? undefined : end)).toString());
        this.#isBusy = false;
      }
      return get(key);
    };
  }

  /** So many more updates of a document, in one record. */
  async write(name: string, count: number, text = 'x'): Promise<void> {
    const known = this.updates.get(name) ?? [];
    this.updates.set(name, known);
    const seqFirst = known.length + 1;
    const updates = Array.from({ length: count }, (_, index) => update(name, seqFirst + index, text));
    known.push(...updates);
    const chain = placeDocument(name, this.chains);
    const place = { chain, epoch: epoch(1), after: this.#store.durable(chain) };
    this.#store.append(chain, [encodeBatch(place, [{ name, seqFirst, updates }])], undefined);
    this.#store.flush();
    await settled();
  }

  async fold(chain: ChainId): Promise<void> {
    const committed = this.#store.durable(chain).lsn as Lsn;
    const fold = async (tasks: readonly FoldTask[]) => foldTasks(tasks);
    const options = { committed, history: this.history, fold, pace: async () => {}, isStopped: () => false };
    const wasBusy = this.#isBusy;
    this.#isBusy = true;
    while ((await foldChain(this.#store, chain, options)) !== undefined);
    this.#isBusy = wasBusy;
  }

  /** What a document is after its first `seq` updates. */
  stateAt(name: string, seq: number): Uint8Array {
    return new Uint8Array(foldSections(undefined, [Buffer.concat(this.updates.get(name)?.slice(0, seq) ?? [])]));
  }

  /** As a host's exporter answers. */
  async ask(chain: number, through: number | undefined, cursor: string, pageBytes: number): Promise<ExportAnswer> {
    const id = chainId(chain);
    if (through === undefined) await this.fold(id);
    const folded = this.#store.base(id).folded.lsn;
    const { next, bytes, part } = await readExport(this.#store, id, cursor, pageBytes);
    const page = { next, base64: Buffer.from(bytes).toString('base64'), ...(part === undefined ? {} : { part }) };
    return { through: through ?? folded, storeId: 's', folded, page };
  }
}

function update(name: string, seq: number, text: string): Uint8Array {
  const id = new Uint8Array(16);
  id.set(Buffer.from(name).subarray(0, 16));
  const common = { ...noMessage, atMs: 1_700_000_000_000 + seq, who, seq };
  if (seq === 1) return Uint8Array.from(encodeUpdate({ ...common, kind: 'invent', id }));
  if (seq === 2) return Uint8Array.from(encodeUpdate({ ...common, kind: 'session', id }));
  const n = seq - 2;
  const send = { session: 2, n, done: n - 1, channel: 'set', redo: { text, n }, undo: { text: null } };
  return Uint8Array.from(encodeUpdate({ ...common, kind: 'send', ...send, answer: `${n}` }));
}

export async function filled(): Promise<Documents> {
  const documents = await Documents.begin(3, 100);
  for (const name of names) await documents.write(name, 3, 'begun');
  for (let rounds = 0; rounds < 3; rounds += 1) {
    for (const name of names.slice(0, 3)) await documents.write(name, 70, 'long');
    for (let chain = 0; chain < documents.chains; chain += 1) await documents.fold(chainId(chain));
  }
  return documents;
}

/** Six documents of four updates. */
export async function few(): Promise<Documents> {
  const documents = await Documents.begin(2, 100);
  for (const name of names.slice(0, 6)) await documents.write(name, 4);
  return documents;
}

export type Taking = {
  readonly pageBytes?: number;
  readonly fileBytes?: number;
  readonly meanwhile?: () => Promise<void>;
};

export function take(documents: Documents, folder: BackupFolder, taking: Taking = {}): Promise<Manifest> {
  const { pageBytes = 400, fileBytes = 1_000, meanwhile } = taking;
  const { chains, history } = documents;
  return takeBackup({
    folder,
    cluster: { cluster: 'k', chains, hosts: [], history, appHash: 'a' },
    ask: async (chain, through, cursor) => {
      await meanwhile?.();
      return documents.ask(chain, through, cursor, pageBytes);
    },
    rest: async () => {},
    nowMs: () => 0,
    waitMs: 0,
    date: () => 'then',
    onChain: () => {},
    fileBytes,
  });
}

/** One file is other than it was written. */
export class SpoiledFolder extends BackupFolder {
  readonly #name: string;
  readonly #bytes: Uint8Array;
  constructor(dir: string, name: string, bytes: Uint8Array) {
    super(dir);
    this.#name = name;
    this.#bytes = bytes;
  }
  override async *chunks(name: string): AsyncGenerator<Buffer> {
    if (name === this.#name) yield Buffer.from(this.#bytes);
    else yield* super.chunks(name);
  }
}
