// "Is it on this disk?" One store for all chains of a host, and one synced write in flight: what arrives meanwhile is the next
// write (E1). So group commit is not a feature but a consequence, and one sync serves every chain.
//
//   append(chain, entries, marks) ---> queue ---> one write of everything queued ---> onSynced, once for each chain in it
import { assert } from '../base/assert.ts';
import { CodedError } from '../base/errors.ts';
import type { ChainId, Epoch, Hash, Lsn, Position } from '../base/ids.ts';
import { origin } from '../base/ids.ts';
import type { Identity, OpenedRecord, StoredMarks } from './format.ts';
import {
  decodeIdentity,
  decodeMarks,
  encodeIdentity,
  encodeMarks,
  identityKey,
  marksKey,
  recordKey,
} from './format.ts';
import { readRecord, verifyLog, walkLog } from './log.ts';
import type { OrderedStore, Put } from './port.ts';

export type StoredEntry = { readonly lsn: Lsn; readonly hash: Hash; readonly bytes: Uint8Array };

/** What became durable with one write: for a chain, the last of its records and its marks, where the write held any. */
export type Synced = {
  readonly chain: ChainId;
  readonly position: Position | undefined;
  readonly marks: StoredMarks | undefined;
};

type Queued = {
  readonly chain: ChainId;
  readonly entries: readonly StoredEntry[];
  readonly marks: Partial<StoredMarks> | undefined;
};

type ChainState = { marks: StoredMarks; durable: Position };

export type StoreEvents = {
  readonly onSynced: (synced: readonly Synced[]) => void;
  /** A write was rejected: nothing is known of it, and this process must end (E2). */
  readonly onFailed: (cause: unknown) => void;
};

export class Store {
  readonly identity: Identity;
  readonly #disk: OrderedStore;
  readonly #chains: Map<ChainId, ChainState>;
  #events: StoreEvents | undefined;
  #queue: Queued[] = [];
  #status: 'open' | 'writing' | 'failed' | 'closing' = 'open';
  #idle: (() => void) | undefined;

  private constructor(disk: OrderedStore, identity: Identity, chains: Map<ChainId, ChainState>) {
    this.#disk = disk;
    this.identity = identity;
    this.#chains = chains;
  }

  /**
   * Opens a host's store, or begins it where the disk is empty, and reads every record of every chain. `fresh` is the identity
   * of a store that begins. ENGINE_IDENTITY where the disk is another host's; ENGINE_CORRUPT by chain and lsn.
   */
  static async open(disk: OrderedStore, chains: readonly ChainId[], fresh: Identity): Promise<Store> {
    const stored = await disk.get(identityKey);
    const identity = stored === undefined ? fresh : decodeIdentity(stored);
    if (identity.host !== fresh.host || identity.cluster !== fresh.cluster) {
      const found = `host ${identity.host} of cluster ${identity.cluster}`;
      throw new CodedError(
        'ENGINE_IDENTITY',
        `the store is that of ${found}, not of host ${fresh.host} of ${fresh.cluster}`,
      );
    }
    if (stored === undefined) await disk.write([{ key: identityKey, value: encodeIdentity(fresh) }]);
    const states = new Map<ChainId, ChainState>();
    for (const chain of chains) {
      const marks = await disk.get(marksKey(chain));
      const durable = await verifyLog(disk, chain);
      states.set(chain, { marks: marks === undefined ? noMarks : decodeMarks(marks), durable });
    }
    return new Store(disk, identity, states);
  }

  listen(events: StoreEvents): void {
    this.#events = events;
  }

  marks(chain: ChainId): StoredMarks {
    return this.#state(chain).marks;
  }

  durable(chain: ChainId): Position {
    return this.#state(chain).durable;
  }

  /** Queues records, and marks that replace the old ones in the same write. Nothing is written before `flush`. */
  append(chain: ChainId, entries: readonly StoredEntry[], marks: Partial<StoredMarks> | undefined): void {
    assert(this.#status === 'open' || this.#status === 'writing', `a store that is ${this.#status} takes no writes`);
    this.#queue.push({ chain, entries, marks });
  }

  /** Forgets what is queued for a chain and not yet handed to the disk, but for marks that came without records. */
  dropQueued(chain: ChainId): void {
    this.#queue = this.#queue.filter((item) => item.chain !== chain || item.entries.length === 0);
  }

  /** Hands everything queued to the disk, unless a write is in flight: then that happens when it is done. */
  flush(): void {
    if (this.#status !== 'open' || this.#queue.length === 0) return;
    const taken = this.#queue;
    this.#queue = [];
    this.#status = 'writing';
    const { puts, synced } = this.#plan(taken);
    this.#disk.write(puts).then(
      () => this.#written(synced),
      (cause: unknown) => this.#failed(cause),
    );
  }

  /** Records after `after`, up to `bytesMax` but at least one where there is one; undefined where `after` is not in the log. */
  async read(chain: ChainId, after: Position, bytesMax: number): Promise<readonly OpenedRecord[] | undefined> {
    if (!(await this.#holds(chain, after))) return undefined;
    const records: OpenedRecord[] = [];
    let bytes = 0;
    for await (const record of walkLog(this.#disk, chain, after)) {
      records.push(record);
      bytes += record.bytes.length;
      if (bytes >= bytesMax) break;
    }
    return records;
  }

  walk(chain: ChainId, after: Position): AsyncGenerator<OpenedRecord> {
    return walkLog(this.#disk, chain, after);
  }

  readRecord(chain: ChainId, lsn: number): Promise<OpenedRecord> {
    return readRecord(this.#disk, chain, lsn);
  }

  /** Waits for the write in flight, then closes the disk. What is still queued was never promised to anybody. */
  async close(): Promise<void> {
    this.#queue = [];
    if (this.#status === 'writing') {
      const idle = new Promise<void>((resolve) => {
        this.#idle = resolve;
      });
      this.#status = 'closing';
      await idle;
    }
    this.#status = 'closing';
    await this.#disk.close();
  }

  #plan(taken: readonly Queued[]): { puts: Put[]; synced: Synced[] } {
    const puts: Put[] = [];
    const byChain = new Map<ChainId, { position: Position | undefined; marks: StoredMarks | undefined }>();
    for (const { chain, entries, marks } of taken) {
      const known = byChain.get(chain) ?? { position: undefined, marks: undefined };
      for (const entry of entries) {
        puts.push({ key: recordKey(chain, entry.lsn), value: entry.bytes });
        known.position = { lsn: entry.lsn, hash: entry.hash };
      }
      if (marks !== undefined) known.marks = { ...(known.marks ?? this.#state(chain).marks), ...marks };
      byChain.set(chain, known);
    }
    const synced: Synced[] = [];
    for (const [chain, { position, marks }] of byChain) {
      if (marks !== undefined) puts.push({ key: marksKey(chain), value: encodeMarks(marks) });
      synced.push({ chain, position, marks });
    }
    return { puts, synced };
  }

  #written(synced: readonly Synced[]): void {
    for (const { chain, position, marks } of synced) {
      const state = this.#state(chain);
      if (position !== undefined) state.durable = position;
      if (marks !== undefined) state.marks = marks;
    }
    if (this.#status === 'closing') return this.#idle?.();
    this.#status = 'open';
    this.#events?.onSynced(synced);
    this.flush();
  }

  #failed(cause: unknown): void {
    this.#status = 'failed';
    this.#idle?.();
    this.#events?.onFailed(cause);
  }

  #state(chain: ChainId): ChainState {
    const state = this.#chains.get(chain);
    assert(state !== undefined, `chain ${chain} is not in this store`);
    return state;
  }

  async #holds(chain: ChainId, { lsn, hash }: Position): Promise<boolean> {
    if (lsn === origin.lsn) return hash === origin.hash;
    if (lsn > this.durable(chain).lsn) return false;
    return (await this.readRecord(chain, lsn)).hash === hash;
  }
}

const noMarks: StoredMarks = { sealed: 0 as Epoch, nonce: '', ran: 0 as Epoch, logEpoch: 0 as Epoch };
