// A disk under one host's store: what is durable, and at most one write on its way there. A crash keeps that write or loses it,
// as a whole (S1); a write that fails may be there all the same (S3). Reads take their time too.
import { assert } from '../../engine/base/assert.ts';
import type { OrderedStore, OrderedView, Pair, Put } from '../../engine/store/port.ts';
import type { Prng } from '../prng.ts';
import type { Kernel, Timer } from './kernel.ts';

const readMsUsual = 0.05;
const pageMax = 24;

type Write = { readonly puts: readonly Put[]; readonly timer: Timer };

export class DiskFailed extends Error {
  override readonly name = 'DiskFailed';
}

/** What outlives processes. */
export class SimDisk {
  readonly #kernel: Kernel;
  readonly #prng: Prng;
  #values = new Map<string, Uint8Array>();
  #keys: string[] | undefined;
  #writing: Write | undefined;
  /** How long a sync takes. */
  syncMs = 1;
  /** How long a read takes; writes go on meanwhile. */
  readMs = readMsUsual;
  /** The next write fails. */
  isFailing = false;
  /** Only the newest handle does anything: that of a process which is gone does not. */
  #handles = 0;
  /** How often this disk was replaced by an empty one. */
  losses = 0;
  onApplied: (puts: readonly Put[]) => void = () => {};

  constructor(kernel: Kernel, name: string) {
    this.#kernel = kernel;
    this.#prng = kernel.chance(`disk ${name}`);
    this.syncMs = this.#prng.pick([0.2, 1, 3]);
  }

  get isWriting(): boolean {
    return this.#writing !== undefined;
  }

  /** A process opens it; the handle dies with the process. */
  open(enter: (run: () => void) => void): OrderedStore {
    const done = (ms: number): Promise<void> =>
      new Promise((resolve) => this.#kernel.after(ms * (0.5 + this.#prng.next()), () => enter(resolve)));
    let isClosed = false;
    this.#handles += 1;
    const handle = this.#handles;
    const read = async (): Promise<void> => {
      if (isClosed) throw new Error('the store is closed');
      await done(this.readMs);
    };
    return {
      write: (puts) => {
        // What a process began before it was gone may come round to this behind its end (seed 607377).
        if (handle !== this.#handles) return new Promise(() => {});
        return isClosed ? read() : this.#write(puts, enter);
      },
      get: async (key) => {
        await read();
        return this.#values.get(textOf(key))?.slice();
      },
      scan: (from, to) => this.#scan(textOf(from), textOf(to), read),
      view: () => {
        if (isClosed) throw new Error('the store is closed');
        return this.#view(read);
      },
      compact: read,
      close: async () => {
        isClosed = true;
      },
    };
  }

  #view(read: () => Promise<void>): OrderedView {
    const moment = { values: new Map(this.#values), keys: this.#sorted() };
    return {
      get: async (key) => {
        await read();
        return moment.values.get(textOf(key))?.slice();
      },
      scan: (from, to) => this.#scan(textOf(from), textOf(to), read, moment),
      close: async () => {},
    };
  }

  /** The process or its machine is gone. Says whether a write was on its way, and whether it got there. */
  crash(): 'idle' | 'kept' | 'lost' {
    const writing = this.#writing;
    this.#writing = undefined;
    this.#handles += 1;
    if (writing === undefined) return 'idle';
    this.#kernel.cancel(writing.timer);
    if (this.#prng.below(2) === 0) return 'lost';
    this.#apply(writing.puts);
    return 'kept';
  }

  /** An empty disk in its place. */
  lose(): void {
    assert(this.#writing === undefined, 'a disk is lost while nobody uses it');
    this.#values = new Map();
    this.#keys = undefined;
    this.losses += 1;
  }

  /** Everything durable from `from` on, below `to`, by rising key: for checkers. */
  pairs(from: Uint8Array, to: Uint8Array): Pair[] {
    const [low, high] = [textOf(from), textOf(to)];
    return this.#sorted()
      .filter((key) => key >= low && key < high)
      .map((key) => ({ key: Buffer.from(key, 'latin1'), value: this.#values.get(key) as Uint8Array }));
  }

  /** The values of these. */
  entries(from: Uint8Array, to: Uint8Array): Uint8Array[] {
    return this.pairs(from, to).map(({ value }) => value);
  }

  #write(puts: readonly Put[], enter: (run: () => void) => void): Promise<void> {
    assert(this.#writing === undefined, 'E1: one write at a time');
    return new Promise((resolve, reject) => {
      const timer = this.#kernel.after(this.syncMs * (0.5 + this.#prng.next()), () => {
        this.#writing = undefined;
        const isFailing = this.isFailing;
        this.isFailing = false;
        if (!isFailing || this.#prng.below(2) === 0) this.#apply(puts);
        enter(() => (isFailing ? reject(new DiskFailed('the disk failed a sync')) : resolve()));
      });
      this.#writing = { puts, timer };
    });
  }

  #apply(puts: readonly Put[]): void {
    for (const { key, value } of puts as readonly { key: Uint8Array; value: Uint8Array | undefined }[]) {
      const text = textOf(key);
      if (value === undefined) this.#values.delete(text);
      if (value === undefined || !this.#values.has(text)) this.#keys = undefined;
      if (value !== undefined) this.#values.set(text, Uint8Array.from(value));
    }
    this.onApplied(puts);
  }

  /** Pages of what was there when it began, as LevelDB does it. */
  async *#scan(
    from: string,
    to: string,
    pause: () => Promise<void>,
    moment?: { readonly values: ReadonlyMap<string, Uint8Array>; readonly keys: readonly string[] },
  ): AsyncGenerator<readonly Pair[]> {
    await pause();
    const keys = moment?.keys ?? this.#sorted();
    const found = keys.slice(lowerBound(keys, from), Math.max(lowerBound(keys, from), lowerBound(keys, to)));
    const values = found.map((key) => (moment?.values ?? this.#values).get(key) as Uint8Array);
    for (let next = 0; next < found.length; ) {
      const start = next;
      next += 1 + this.#prng.below(pageMax);
      const page = found.slice(start, next);
      yield page.map((key, index) => ({
        key: Buffer.from(key, 'latin1'),
        value: (values[start + index] as Uint8Array).slice(),
      }));
      await pause();
    }
  }

  #sorted(): string[] {
    this.#keys ??= [...this.#values.keys()].sort();
    return this.#keys;
  }
}

function lowerBound(keys: readonly string[], key: string): number {
  let [low, high] = [0, keys.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((keys[middle] as string) < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

function textOf(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1');
}
