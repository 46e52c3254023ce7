// "Is it on this disk?" One store for all chains of a host, and one synced write in flight: what arrives meanwhile is the next
// write (E1). So group commit is not a feature but a consequence, and one sync serves every chain.
//
//   append(chain, ...), keep(cells) ---> queue ---> one write of everything queued ---> onSynced, once with all that was in it
import { assert } from '../base/assert.ts';
import { CodedError } from '../base/errors.ts';
import type { ChainId, Epoch, Hash, Lsn, Position } from '../base/ids.ts';
import { origin } from '../base/ids.ts';
import type { Identity, OpenedRecord, StoredMarks } from './format.ts';
import {
  cellKey,
  cellKeys,
  decodeIdentity,
  decodeMarks,
  encodeIdentity,
  encodeMarks,
  identityKey,
  marksKey,
  recordKey,
  registerOfKey,
} from './format.ts';
import { readRecord, verifyLog, walkLog } from './log.ts';
import type { OrderedStore, Put } from './port.ts';

export type StoredEntry = { readonly lsn: Lsn; readonly hash: Hash; readonly bytes: Uint8Array };

/** What became durable with one write: for a chain, the last of its records and its marks, where the write held any. */
export type Synced = {
  readonly chain: ChainId;
  readonly position: Position | undefined;
  readonly marks: StoredMarks | undefined;
  /** Records were removed from the end of the log. */
  readonly isCut: boolean;
};

/** What a voter keeps of one register: bytes that only chain/register/ knows. */
export type StoredCell = { readonly register: number; readonly bytes: Uint8Array };

type LogWrite = {
  readonly chain: ChainId;
  readonly cut: Position | undefined;
  readonly entries: readonly StoredEntry[];
  readonly marks: Partial<StoredMarks> | undefined;
};

type CellWrite = { readonly serial: number; readonly cells: readonly StoredCell[] };

type Planned = { puts: Put[]; synced: Synced[]; kept: number[] };

type ChainState = { marks: StoredMarks; durable: Position };

export type StoreEvents = {
  /** `kept` are the serials of the cells in it. */
  readonly onSynced: (synced: readonly Synced[], kept: readonly number[]) => void;
  /** A write was rejected: nothing is known of it, and this process must end (E2). */
  readonly onFailed: (cause: unknown) => void;
};

export class Store {
  readonly identity: Identity;
  readonly #disk: OrderedStore;
  readonly #chains: Map<ChainId, ChainState>;
  /** The cells as they were when the store opened. */
  readonly cells: ReadonlyMap<number, Uint8Array>;
  #events: StoreEvents | undefined;
  #queue: (LogWrite | CellWrite)[] = [];
  #status: 'open' | 'writing' | 'failed' | 'closing' = 'open';
  #idle: (() => void) | undefined;

  private constructor(
    disk: OrderedStore,
    identity: Identity,
    chains: Map<ChainId, ChainState>,
    cells: ReadonlyMap<number, Uint8Array>,
  ) {
    this.#disk = disk;
    this.identity = identity;
    this.#chains = chains;
    this.cells = cells;
  }

  /**
   * Opens a host's store, or begins it where the disk is empty, and reads every record of every chain, which `visit` sees. `fresh` is the identity
   * of a store that begins. ENGINE_IDENTITY where the disk is another host's; ENGINE_CORRUPT by chain and lsn.
   */
  static async open(
    disk: OrderedStore,
    chains: readonly ChainId[],
    fresh: Identity,
    visit: (record: OpenedRecord) => void = () => {},
  ): Promise<Store> {
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
      const durable = await verifyLog(disk, chain, visit);
      states.set(chain, { marks: marks === undefined ? noMarks : decodeMarks(marks), durable });
    }
    const cells = new Map<number, Uint8Array>();
    for await (const page of disk.scan(...cellKeys)) {
      for (const { key, value } of page) cells.set(registerOfKey(key), value);
    }
    return new Store(disk, identity, states, cells);
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

  /**
   * Queues records, and marks that replace the old ones in the same write. `cut` removes everything behind it first. Nothing is
   * written before `flush`.
   */
  append(
    chain: ChainId,
    entries: readonly StoredEntry[],
    marks: Partial<StoredMarks> | undefined,
    cut: Position | undefined = undefined,
  ): void {
    this.#checkWritable();
    this.#queue.push({ chain, cut, entries, marks });
  }

  /** Queues cells; once they are durable, `serial` is said to be kept. */
  keep(serial: number, cells: readonly StoredCell[]): void {
    this.#checkWritable();
    this.#queue.push({ serial, cells });
  }

  #checkWritable(): void {
    assert(this.#status === 'open' || this.#status === 'writing', `a store that is ${this.#status} takes no writes`);
  }

  /** Forgets what is queued for a chain's log and not yet handed to the disk, but for marks that came alone. */
  dropQueued(chain: ChainId): void {
    this.#queue = this.#queue.filter((item) => {
      return 'cells' in item || item.chain !== chain || (item.entries.length === 0 && item.cut === undefined);
    });
  }

  /** Hands everything queued to the disk, unless a write is in flight: then that happens when it is done. */
  flush(): void {
    if (this.#status !== 'open' || this.#queue.length === 0) return;
    const taken = this.#queue;
    this.#queue = [];
    this.#status = 'writing';
    const planned = this.#plan(taken);
    this.#disk.write(planned.puts).then(
      () => this.#written(planned),
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

  /** Where the log stood after record `lsn`. */
  async locate(chain: ChainId, lsn: number): Promise<Position> {
    if (lsn === origin.lsn) return origin;
    const record = await this.readRecord(chain, lsn);
    return { lsn: record.lsn, hash: record.hash };
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

  #plan(taken: readonly (LogWrite | CellWrite)[]): Planned {
    const puts: Put[] = [];
    const kept: number[] = [];
    const byChain = new Map<ChainId, { -readonly [Field in keyof Synced]: Synced[Field] }>();
    for (const item of taken) {
      if ('cells' in item) {
        kept.push(item.serial);
        for (const { register, bytes } of item.cells) puts.push({ key: cellKey(register), value: bytes });
        continue;
      }
      const { chain, cut, entries, marks } = item;
      const known = byChain.get(chain) ?? { chain, position: undefined, marks: undefined, isCut: false };
      if (cut !== undefined) {
        const end = (known.position ?? this.#state(chain).durable).lsn;
        for (let lsn = cut.lsn + 1; lsn <= end; lsn += 1) puts.push({ key: recordKey(chain, lsn), value: undefined });
        known.position = cut;
        known.isCut = true;
      }
      for (const entry of entries) {
        puts.push({ key: recordKey(chain, entry.lsn), value: entry.bytes });
        known.position = { lsn: entry.lsn, hash: entry.hash };
      }
      if (marks !== undefined) known.marks = { ...(known.marks ?? this.#state(chain).marks), ...marks };
      byChain.set(chain, known);
    }
    for (const { chain, marks } of byChain.values()) {
      if (marks !== undefined) puts.push({ key: marksKey(chain), value: encodeMarks(marks) });
    }
    return { puts, synced: [...byChain.values()], kept };
  }

  #written({ synced, kept }: Planned): void {
    for (const { chain, position, marks } of synced) {
      const state = this.#state(chain);
      if (position !== undefined) state.durable = position;
      if (marks !== undefined) state.marks = marks;
    }
    if (this.#status === 'closing') return this.#idle?.();
    this.#status = 'open';
    this.#events?.onSynced(synced, kept);
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
