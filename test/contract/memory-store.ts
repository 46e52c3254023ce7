// An ordered store in memory, for tests: keeps the promises of engine/store/port.ts as far as a process without a disk can,
// and lets a test hold a write back, reject it, and see what was asked for.
import type { OrderedStore, OrderedView, Pair, Put } from '../../engine/store/port.ts';

const pageEntries = 100;

type Waiting = { readonly puts: readonly Put[]; resolve(): void; reject(cause: unknown): void };

export class MemoryStore implements OrderedStore {
  readonly #values: Map<string, Uint8Array>;
  /** Writes that were asked for and wait for `finish` or `fail`, where `isManual`. */
  readonly waiting: Waiting[] = [];
  isManual = false;
  writes = 0;
  #isClosed = false;

  constructor(values: ReadonlyMap<string, Uint8Array> = new Map()) {
    this.#values = new Map(values);
  }

  view(): OrderedView {
    if (this.#isClosed) throw new Error('the store is closed');
    return new MemoryStore(this.#values);
  }

  write(puts: readonly Put[]): Promise<void> {
    if (this.#isClosed) return Promise.reject(new Error('the store is closed'));
    this.writes += 1;
    if (!this.isManual) {
      this.#apply(puts);
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      this.waiting.push({ puts, resolve, reject });
    });
  }

  /** The oldest write that waits is on disk. */
  async finish(): Promise<void> {
    const one = this.#next();
    this.#apply(one.puts);
    one.resolve();
    await settled();
  }

  /** The oldest write that waits is rejected, and happened in part or not at all. */
  async fail(cause: unknown): Promise<void> {
    this.#next().reject(cause);
    await settled();
  }

  get(key: Uint8Array): Promise<Uint8Array | undefined> {
    if (this.#isClosed) return Promise.reject(new Error('the store is closed'));
    const value = this.#values.get(hexOf(key));
    return Promise.resolve(value === undefined ? undefined : Uint8Array.from(value));
  }

  async *scan(from: Uint8Array, to: Uint8Array): AsyncGenerator<readonly Pair[]> {
    if (this.#isClosed) throw new Error('the store is closed');
    const [first, end] = [hexOf(from), hexOf(to)];
    const found = [...this.#values].filter(([key]) => key >= first && key < end).sort(([a], [b]) => (a < b ? -1 : 1));
    for (let at = 0; at < found.length; at += pageEntries) {
      const page = found.slice(at, at + pageEntries);
      yield page.map(([key, value]) => ({ key: Buffer.from(key, 'hex'), value: Uint8Array.from(value) }));
    }
  }

  compact(): Promise<void> {
    return this.#isClosed ? Promise.reject(new Error('the store is closed')) : Promise.resolve();
  }

  close(): Promise<void> {
    this.#isClosed = true;
    return Promise.resolve();
  }

  /** What a bad disk does by itself: an entry changes, or is gone. */
  corrupt(key: Uint8Array, value: Uint8Array | undefined): void {
    if (value === undefined) this.#values.delete(hexOf(key));
    else this.#values.set(hexOf(key), Uint8Array.from(value));
  }

  #apply(puts: readonly Put[]): void {
    for (const { key, value } of puts) this.corrupt(key, value);
  }

  #next(): Waiting {
    const one = this.waiting.shift();
    if (one === undefined) throw new Error('no write waits');
    return one;
  }
}

/** Everything that was ready to run has run: promises only, no clock. */
export async function settled(): Promise<void> {
  await new Promise<void>((resolve) => setImmediate(resolve));
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
