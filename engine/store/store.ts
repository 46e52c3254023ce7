// "Is it on this disk?" One store for all chains of a host, and one synced write in flight: what arrives meanwhile is the next
// write (E1). So group commit is not a feature but a consequence, and one sync serves every chain.
//
//   append(chain, ...), keep(cells) ---> queue ----.
//                                                   >--- one write of it all ---> onSynced, once with all that was in it
//   behind(chain, documents) ------> one of these -'
import { assert } from '../base/assert.ts';
import { CodedError } from '../base/errors.ts';
import type { ChainId, Position } from '../base/ids.ts';
import type { Base, Identity, StoredMarks } from './entries.ts';
import { decodeIdentity, encodeIdentity, identityKey, isTallied } from './entries.ts';
import type { OpenedRecord } from './format.ts';
import { readRecord, walkLog } from './log.ts';
import type { OrderedStore, OrderedView, Pair, Put } from './port.ts';
import { checkIdentity, recover } from './recovery.ts';
import type { Tally } from './tally.ts';
import type { Watermark } from './watermark.ts';
import type {
  CellWrite,
  ChainState,
  DocumentsWrite,
  LogWrite,
  Planned,
  PlannedBehind,
  StoredCell,
  StoredEntry,
  Synced,
} from './write-plan.ts';
import { planWrite } from './write-plan.ts';

export type { StoredCell, StoredEntry, Synced } from './write-plan.ts';

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
  readonly #tally: Tally;
  #serial: number;
  #events: StoreEvents | undefined;
  #queue: (LogWrite | CellWrite)[] = [];
  /** What nobody waits for: at most one goes with each write. */
  #behind: DocumentsWrite[] = [];
  #status: 'open' | 'writing' | 'failed' | 'closing' = 'open';
  #idle: (() => void) | undefined;

  private constructor(
    disk: OrderedStore,
    identity: Identity,
    chains: Map<ChainId, ChainState>,
    cells: ReadonlyMap<number, Uint8Array>,
    tally: Tally,
  ) {
    this.#disk = disk;
    this.#tally = tally;
    this.#serial = tally.serial;
    this.identity = identity;
    this.#chains = chains;
    this.cells = cells;
  }

  /**
   * Opens a host's store, or begins it where the disk is empty, and reads each chain from where it is folded: `visit` sees those records. `fresh`
   * is the identity of a store that begins; `known` is what the host remembers of this one, where it remembers anything. ENGINE_IDENTITY where
   * the disk is another host's; ENGINE_LOST where it is empty and should not be; ENGINE_BEHIND and ENGINE_CORRUPT as `recover` says.
   */
  static async open(
    disk: OrderedStore,
    chains: readonly ChainId[],
    fresh: Identity,
    visit: (record: OpenedRecord) => void = () => {},
    known?: Watermark,
  ): Promise<Store> {
    const stored = await disk.get(identityKey);
    if (stored === undefined) await checkEmpty(disk, known);
    const identity = stored === undefined ? fresh : decodeIdentity(stored);
    checkIdentity(identity, fresh, known);
    const isOld = stored === undefined || !isTallied(stored);
    const { chains: states, cells, tally } = await recover(disk, chains, !isOld, visit, known);
    if (isOld) await disk.write([{ key: identityKey, value: encodeIdentity(identity) }, tally.next()]);
    return new Store(disk, identity, states, cells, tally);
  }

  listen(events: StoreEvents): void {
    this.#events = events;
  }

  /** How many writes of this store are durable. */
  get serial(): number {
    return this.#serial;
  }

  marks(chain: ChainId): StoredMarks {
    return this.#state(chain).marks;
  }

  durable(chain: ChainId): Position {
    return this.#state(chain).durable;
  }

  base(chain: ChainId): Base {
    return this.#state(chain).base;
  }

  /**
   * Queues records, and marks that replace the old ones in the same write. `cut` removes everything behind it first. Nothing is
   * written before `flush`. ENGINE_FOLDED where an operator chose a history that lacks what was folded here.
   */
  append(
    chain: ChainId,
    entries: readonly StoredEntry[],
    marks: Partial<StoredMarks> | undefined,
    cut: Position | undefined = undefined,
  ): void {
    this.#checkWritable();
    const { folded, newest } = this.base(chain);
    if (cut !== undefined && cut.lsn < Math.max(folded.lsn, newest)) {
      throw new CodedError('ENGINE_FOLDED', `chain ${chain} is cut at ${cut.lsn}, and folded past that`);
    }
    this.#queue.push({ chain, cut, entries, marks });
  }

  /** Queues cells; once they are durable, `serial` is said to be kept. */
  keep(serial: number, cells: readonly StoredCell[]): void {
    this.#checkWritable();
    this.#queue.push({ serial, cells });
  }

  /**
   * Writes what a fold or a trim made of a chain, behind what clients wait for: no more than one of these goes with a write, so its
   * size bounds what it costs them. Resolves once synced. `base` is what changes in the chain's base.
   */
  behind(chain: ChainId, puts: readonly Put[], base: Partial<Base>): Promise<void> {
    this.#checkWritable();
    const synced = new Promise<void>((resolve) => this.#behind.push({ chain, puts, base, done: resolve }));
    this.flush();
    return synced;
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
    if (this.#status !== 'open' || this.#queue.length + this.#behind.length === 0) return;
    const taken = this.#queue;
    this.#queue = [];
    this.#status = 'writing';
    const planned = planWrite(taken, this.#behind.shift(), (chain) => this.#state(chain), this.#tally);
    const { serial } = this.#tally;
    this.#disk.write(planned.puts).then(
      () => this.#written(planned, serial),
      (cause: unknown) => this.#failed(cause),
    );
  }

  /** Records after `after`, up to `bytesMax` but at least one where there is one; undefined where `after` is not in the log. */
  async read(chain: ChainId, after: Position, bytesMax: number): Promise<readonly OpenedRecord[] | undefined> {
    const records: OpenedRecord[] = [];
    let bytes = 0;
    try {
      if (!(await this.#holds(chain, after))) return undefined;
      for await (const record of walkLog(this.#disk, chain, after)) {
        records.push(record);
        bytes += record.bytes.length;
        if (bytes >= bytesMax) break;
      }
    } catch (cause) {
      // The log was trimmed under this read: then `after` is not in it any more.
      if (this.isTrimmed(chain, after.lsn)) return undefined;
      throw cause;
    }
    return records;
  }

  /** From here on nobody is given what stands up to `lsn`: it goes. */
  startTrim(chain: ChainId, to: Position): void {
    const state = this.#state(chain);
    if (to.lsn > state.trim.lsn) state.trim = to;
  }

  /** What stands up to `lsn`, or the record behind it, may be gone. */
  isTrimmed(chain: ChainId, lsn: number): boolean {
    return lsn < this.#state(chain).trim.lsn;
  }

  scan(from: Uint8Array, to: Uint8Array): AsyncIterable<readonly Pair[]> {
    return this.#disk.scan(from, to);
  }

  get(key: Uint8Array): Promise<Uint8Array | undefined> {
    return this.#disk.get(key);
  }

  view(): OrderedView {
    return this.#disk.view();
  }

  compact(from: Uint8Array, to: Uint8Array): Promise<void> {
    return this.#disk.compact(from, to);
  }

  walk(chain: ChainId, after: Position): AsyncGenerator<OpenedRecord> {
    return walkLog(this.#disk, chain, after);
  }

  /** Where the log stood after record `lsn`; where it begins, if that is past it. */
  async locate(chain: ChainId, lsn: number): Promise<Position> {
    const { floor } = this.base(chain);
    if (lsn <= floor.lsn) return floor;
    const record = await this.readRecord(chain, lsn);
    return { lsn: record.lsn, hash: record.hash };
  }

  readRecord(chain: ChainId, lsn: number): Promise<OpenedRecord> {
    return readRecord(this.#disk, chain, lsn);
  }

  /** Waits for the write in flight, then closes the disk. What is still queued was never promised to anybody. */
  async close(): Promise<void> {
    this.#queue = [];
    this.#behind = [];
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

  #written({ synced, kept, behind }: Planned, serial: number): void {
    this.#serial = serial;
    for (const { chain, position, marks } of synced) {
      const state = this.#state(chain);
      if (position !== undefined) state.durable = position;
      if (marks !== undefined) state.marks = marks;
    }
    if (behind !== undefined) this.#behindWritten(behind);
    if (this.#status === 'closing') return this.#idle?.();
    this.#status = 'open';
    this.#events?.onSynced(synced, kept);
    this.flush();
  }

  #behindWritten({ chain, base, end, done }: PlannedBehind): void {
    const state = this.#state(chain);
    state.base = base;
    if (end !== undefined) Object.assign(state, { durable: end, trim: end });
    done();
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
    const { floor } = this.base(chain);
    // What begins where the log begins now, too, goes on behind what is being removed.
    if (this.isTrimmed(chain, lsn)) return false;
    // Its record goes too, and is not needed: what follows it is there.
    const { trim } = this.#state(chain);
    if (lsn === trim.lsn) return hash === trim.hash;
    if (lsn <= floor.lsn) return lsn === floor.lsn && hash === floor.hash;
    if (lsn > this.durable(chain).lsn) return false;
    return (await this.readRecord(chain, lsn)).hash === hash;
  }
}

/** E6: what should be there is never begun anew in silence. */
async function checkEmpty(disk: OrderedStore, known: Watermark | undefined): Promise<void> {
  if (known !== undefined) throw new CodedError('ENGINE_LOST', `the store is empty; ${known.storeId} should be here`);
  for await (const page of disk.scan(Uint8Array.of(0), Uint8Array.of(0xff))) {
    if (page.length > 0) throw new CodedError('ENGINE_CORRUPT', 'the store does not say whose it is');
  }
}
