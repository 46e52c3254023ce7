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

type Database = Level<Buffer, Buffer>;
/** The moment that is read: now, unless said. */
type At = { readonly snapshot?: ReturnType<Database['snapshot']> };

export class LevelStore implements OrderedStore {
  readonly #database: Database;

  private constructor(database: Database) {
    this.#database = database;
  }

  /**
   * Opens the store in `folder`, or makes it, unless only one that is there will do. ENGINE_DISK where that fails: held by another process, or not
   * readable.
   */
  static async open(folder: string, createIfMissing = true): Promise<LevelStore> {
    const database: Database = new Level(folder, {
      createIfMissing,
      keyEncoding: 'buffer',
      valueEncoding: 'buffer',
      compression: false,
      writeBufferSize: writeBufferBytes,
    });
    try {
      await database.open();
    } catch (cause) {
      const reason = cause instanceof Error && cause.cause instanceof Error ? cause.cause.message : String(cause);
      throw new CodedError('ENGINE_DISK', `the store in ${folder} does not open: ${reason}`, { cause });
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
    return this.#database.get(asBuffer(key));
  }

  scan(from: Uint8Array, to: Uint8Array): AsyncGenerator<readonly Pair[]> {
    return this.#scan(from, to, {});
  }

  view(): OrderedView {
    const snapshot = this.#database.snapshot();
    return {
      get: (key) => this.#database.get(asBuffer(key), { snapshot }),
      scan: (from, to) => this.#scan(from, to, { snapshot }),
      close: () => snapshot.close(),
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
    try {
      for (;;) {
        const entries = await iterator.nextv(scanPageEntries);
        if (entries.length === 0) return;
        yield entries.map(([key, value]) => ({ key, value }));
      }
    } finally {
      await iterator.close();
    }
  }

  close(): Promise<void> {
    return this.#database.close();
  }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
