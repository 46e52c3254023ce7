// The ordered store over LevelDB. LevelDB is trusted with bytes and the order of keys, and with nothing else: see
// engine/store for what is checked. It is opened without compression (records are msgpack and short-lived) and with a large
// write buffer, so that it rotates its log seldom.
import { Level } from 'level';
import { CodedError } from '../engine/base/errors.ts';
import type { OrderedStore, OrderedView, Pair, Put } from '../engine/store/port.ts';

const writeBufferBytes = 32 * 1024 * 1024;
/** Values that one page of a scan holds at most, in bytes; one value may be larger. */
const scanPageBytes = 1024 * 1024;
const scanPageEntries = 1_000;

/** What `level` runs on here can do more than its types say. */
type Database = Level<Buffer, Buffer> & { compactRange(from: Buffer, to: Buffer): Promise<void> };
/** The moment that is read: now, unless said. */
type At = { readonly snapshot?: ReturnType<Database['snapshot']> };

export class LevelStore implements OrderedStore {
  readonly #database: Database;
  /** Each settles when somebody who reads now has read. */
  readonly #readers = new Set<Promise<void>>();

  private constructor(database: Database) {
    this.#database = database;
  }

  /**
   * Opens the store in `folder`; makes one only where `mayCreate`. ENGINE_LOST where there is none, ENGINE_LOCKED where another process holds it,
   * ENGINE_CORRUPT where it is damaged, ENGINE_DISK where it cannot be read.
   */
  static async open(folder: string, mayCreate = true): Promise<LevelStore> {
    const database = new Level<Buffer, Buffer>(folder, {
      keyEncoding: 'buffer',
      valueEncoding: 'buffer',
      compression: false,
      createIfMissing: mayCreate,
      writeBufferSize: writeBufferBytes,
    }) as Database;
    try {
      await database.open();
    } catch (cause) {
      const inner = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause;
      throw codedOf(inner, `the store in ${folder} does not open`);
    }
    return new LevelStore(database);
  }

  write(puts: readonly Put[]): Promise<void> {
    const operations = puts.map(({ key, value }) => {
      if (value === undefined) return { type: 'del' as const, key: asBuffer(key) };
      return { type: 'put' as const, key: asBuffer(key), value: asBuffer(value) };
    });
    return this.#database.batch(operations, { sync: true });
  }

  get(key: Uint8Array): Promise<Uint8Array | undefined> {
    const read = this.#database.get(asBuffer(key)).catch((cause: unknown) => {
      throw codedOf(cause, 'a read failed');
    });
    return this.#reading(read);
  }

  /**
   * What LevelDB drops of what was removed, and when, measured and read (db_impl.cc, 1.20):
   * - an entry that a newer one hides goes when a compaction rewrites its file, unless somebody reads at a time before that: so those who
   *   read now are waited for;
   * - a memory table is written as it is, hidden entries and all, and may go straight to the lowest level that has files, which a compaction of a
   *   range never rewrites by itself: so two keys that span the range are removed (they are those of nothing), and the file that this
   *   makes lies above all of them and is merged with them;
   * - files that a reader holds go with the next memory table after it: so there is one more, with nothing in it.
   */
  async compact(from: Uint8Array, to: Uint8Array): Promise<void> {
    const [first, last] = [asBuffer(from), asBuffer(to)];
    await Promise.all(this.#readers);
    await this.#database.compactRange(first, last);
    // Not synced: nobody relies on it.
    await this.#database.batch([first, last].map((key) => ({ type: 'del' as const, key })));
    await this.#database.compactRange(first, last);
    await Promise.all(this.#readers);
    await this.#database.compactRange(first, first);
  }

  /** Notes that somebody reads, until the promise is settled. */
  #reading<T>(read: Promise<T>): Promise<T> {
    const ended = read.then(
      () => void this.#readers.delete(ended),
      () => void this.#readers.delete(ended),
    );
    this.#readers.add(ended);
    return read;
  }

  scan(from: Uint8Array, to: Uint8Array): AsyncGenerator<readonly Pair[]> {
    return this.#scan(from, to, {});
  }

  view(): OrderedView {
    const snapshot = this.#database.snapshot();
    let closed = (): void => {};
    void this.#reading(
      new Promise<void>((resolve) => {
        closed = resolve;
      }),
    );
    return {
      get: (key) =>
        this.#database.get(asBuffer(key), { snapshot }).catch((cause: unknown) => {
          throw codedOf(cause, 'a read failed');
        }),
      scan: (from, to) => this.#scan(from, to, { snapshot }),
      close: async () => {
        await snapshot.close();
        closed();
      },
    };
  }

  async *#scan(from: Uint8Array, to: Uint8Array, at: At): AsyncGenerator<readonly Pair[]> {
    const iterator = this.#database.iterator({
      ...at,
      gte: asBuffer(from),
      lt: asBuffer(to),
      highWaterMarkBytes: scanPageBytes,
      fillCache: false,
    });
    let close = (): void => {};
    void this.#reading(
      new Promise<void>((resolve) => {
        close = resolve;
      }),
    );
    try {
      for (;;) {
        const entries = await iterator.nextv(scanPageEntries).catch((cause: unknown) => {
          throw codedOf(cause, 'a read failed');
        });
        if (entries.length === 0) return;
        yield entries.map(([key, value]) => ({ key, value }));
      }
    } finally {
      await iterator.close().finally(close);
    }
  }

  close(): Promise<void> {
    return this.#database.close();
  }
}

/** What LevelDB says of files that are cut, gone or unreadable; a full table of open files is none of it. */
const damage = /Invalid argument|No such file|Input\/output error/;

function codedOf(cause: unknown, what: string): CodedError {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  const text = cause instanceof Error ? cause.message : String(cause);
  const message = `${what}: ${text}`;
  if (code === 'LEVEL_LOCKED') return new CodedError('ENGINE_LOCKED', message, { cause });
  if (text.includes('does not exist')) return new CodedError('ENGINE_LOST', message, { cause });
  const isDamaged = code === 'LEVEL_CORRUPTION' || (code === 'LEVEL_IO_ERROR' && damage.test(text));
  return new CodedError(isDamaged ? 'ENGINE_CORRUPT' : 'ENGINE_DISK', message, { cause });
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
