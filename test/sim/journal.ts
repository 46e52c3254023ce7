// The last writes of a disk, one by one, over what older ones made: so that some can be lost as LevelDB was measured to lose them, in the
// middle or at the end, and without a word.
import type { Put } from '../../engine/store/port.ts';

/** As many are told apart; LevelDB's write-ahead log ends somewhere too. */
const writesMax = 400;

export type Values = Map<string, Uint8Array>;
export type JournalWrite = readonly { readonly text: string; readonly value: Uint8Array | undefined }[];

export class Journal {
  #base: Values;
  #writes: JournalWrite[] = [];

  constructor(base: Values = new Map()) {
    this.#base = base;
  }

  get length(): number {
    return this.#writes.length;
  }

  add(write: JournalWrite): void {
    this.#writes.push(write);
    if (this.#writes.length <= writesMax) return;
    for (const one of this.#writes.splice(0, writesMax / 2)) applyWrite(this.#base, one);
  }

  /** Where the writes are that put something under a key of this kind. */
  placesOf(kind: number): number[] {
    return this.#writes.flatMap((write, at) => (write.some(({ text }) => text.charCodeAt(0) === kind) ? [at] : []));
  }

  /** Loses `count` writes from the one at `from` on; what the disk holds then. */
  lose(from: number, count: number): Values {
    this.#writes.splice(from, count);
    const values = new Map(this.#base);
    for (const one of this.#writes) applyWrite(values, one);
    return values;
  }
}

export function applyWrite(values: Values, write: JournalWrite): void {
  for (const { text, value } of write) {
    if (value === undefined) values.delete(text);
    else values.set(text, value);
  }
}

export function writeOf(puts: readonly Put[]): JournalWrite {
  return puts.map(({ key, value }: { key: Uint8Array; value: Uint8Array | undefined }) => {
    return { text: textOf(key), value: value === undefined ? undefined : Uint8Array.from(value) };
  });
}

export function textOf(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1');
}
