// A disk under one host's store: what is durable, and at most one write on its way there. A crash keeps that write or loses it,
// as a whole (S1); a write that fails may be there all the same (S3). Reads take their time too.
//
// And it lies as LevelDB was measured to (engine/README.md): what is written behind a failed write is gone with the process, a hole or a cut of
// the write-ahead log is not refused, and a flipped bit comes back as it is.
import { assert } from '../../engine/base/assert.ts';
import type { OrderedStore, OrderedView, Pair, Put } from '../../engine/store/port.ts';
import type { Prng } from '../prng.ts';
import type { Values } from './journal.ts';
import { applyWrite, Journal, textOf, writeOf } from './journal.ts';
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
  #values: Values = new Map();
  #journal = new Journal();
  /** What was there before a bit was flipped, by key. */
  readonly #flipped: Values = new Map();
  /** Writes since one failed: a process that goes on after it writes to nowhere. */
  #doomed: number | undefined;
  /** How many processes died: what one of them still had in its hand does nothing any more (seed 127 of damages). */
  #deaths = 0;
  #isUsed = false;
  #keys: string[] | undefined;
  #writing: Write | undefined;
  /** How long a sync takes. */
  syncMs = 1;
  /** How long a read takes; writes go on meanwhile. */
  readMs = readMsUsual;
  /** The next write fails. */
  isFailing = false;
  /** How often this disk was replaced by an empty one. */
  losses = 0;
  /** LevelDB tells of a loss when it is opened next, once. */
  isTelling = false;
  onApplied: (puts: readonly Put[]) => void = () => {};

  constructor(kernel: Kernel, name: string) {
    this.#kernel = kernel;
    this.#prng = kernel.chance(`disk ${name}`);
    this.syncMs = this.#prng.pick([0.2, 1, 3]);
  }

  get isWriting(): boolean {
    return this.#writing !== undefined;
  }

  get isEmpty(): boolean {
    return this.#values.size === 0;
  }

  get hasFlips(): boolean {
    return this.#flipped.size > 0;
  }

  /** What was written last, write by write. */
  get journal(): Pick<Journal, 'length' | 'placesOf'> {
    return this.#journal;
  }

  /** A process opens it; the handle dies with the process. */
  open(enter: (run: () => void) => void): OrderedStore {
    const done = (ms: number): Promise<void> =>
      new Promise((resolve) => this.#kernel.after(ms * (0.5 + this.#prng.next()), () => enter(resolve)));
    let isClosed = false;
    const deaths = this.#deaths;
    const isDead = (): boolean => deaths !== this.#deaths;
    const read = async (): Promise<void> => {
      if (isClosed) throw new Error('the store is closed');
      await done(this.readMs);
    };
    return {
      write: (puts) => {
        // What a process began before it was gone may come round to this behind its end (seed 607377).
        if (isDead()) return new Promise(() => {});
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
    this.#deaths += 1;
    const writing = this.#writing;
    this.#writing = undefined;
    const doomed = this.#doomed ?? 0;
    this.#doomed = undefined;
    if (doomed > 0) this.loseWrites(this.#journal.length - doomed, doomed);
    if (writing === undefined) return 'idle';
    this.#kernel.cancel(writing.timer);
    if (this.#prng.below(2) === 0) return 'lost';
    this.#apply(writing.puts);
    return 'kept';
  }

  /** An empty disk in its place. */
  lose(): void {
    this.#become(new Map());
    this.#journal = new Journal();
    this.isTelling = false;
    if (this.#isUsed) this.losses += 1;
    this.#isUsed = false;
  }

  /** What a copy of its folder would hold. */
  copy(): Values {
    return new Map(this.#values);
  }

  /** A copy is put back. */
  restore(copy: Values): void {
    this.#become(new Map(copy));
    this.#journal = new Journal(new Map(copy));
  }

  /** These writes never happened; what came behind them did. */
  loseWrites(from: number, count: number): void {
    this.#become(this.#journal.lose(from, count));
  }

  /** From now on a read of `key` gives another byte. */
  flip(key: Uint8Array): void {
    const text = textOf(key);
    const value = this.#values.get(text);
    assert(value !== undefined, 'what is there can rot');
    if (!this.#flipped.has(text)) this.#flipped.set(text, value);
    const rotten = Uint8Array.from(value);
    const at = this.#prng.below(rotten.length);
    rotten[at] = (rotten[at] ?? 0) ^ (1 << this.#prng.below(8));
    this.#values.set(text, rotten);
  }

  /** Keys whose first byte is `kind`. */
  keysOf(kind: number): Uint8Array[] {
    return this.#sorted()
      .filter((text) => text.charCodeAt(0) === kind)
      .map((text) => Buffer.from(text, 'latin1'));
  }

  /** Everything durable from `from` on, below `to`, by rising key, as it was before bits flipped: for checkers. */
  pairs(from: Uint8Array, to: Uint8Array): Pair[] {
    const [low, high] = [textOf(from), textOf(to)];
    return this.#sorted()
      .filter((key) => key >= low && key < high)
      .map((key) => ({
        key: Buffer.from(key, 'latin1'),
        value: (this.#flipped.get(key) ?? this.#values.get(key)) as Uint8Array,
      }));
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
        if (isFailing) this.#doomed ??= 0;
        enter(() => (isFailing ? reject(new DiskFailed('the disk failed a sync')) : resolve()));
      });
      this.#writing = { puts, timer };
    });
  }

  #apply(puts: readonly Put[]): void {
    const write = writeOf(puts);
    for (const { text, value } of write) {
      if (value === undefined || !this.#values.has(text)) this.#keys = undefined;
      this.#flipped.delete(text);
    }
    applyWrite(this.#values, write);
    this.#journal.add(write);
    this.#isUsed = true;
    if (this.#doomed !== undefined) this.#doomed += 1;
    this.onApplied(puts);
  }

  #become(values: Values): void {
    assert(this.#writing === undefined, 'a disk changes by itself while nobody writes');
    this.#values = values;
    this.#keys = undefined;
    this.#flipped.clear();
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
