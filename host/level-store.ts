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
   * Opens the store in `folder`; makes one only where `mayCreate`. ENGINE_LOST where there is none, ENGINE_LOCKED where another process holds it,
   * ENGINE_CORRUPT where it is damaged, ENGINE_DISK where it cannot be read.
   */
  static async open(folder: string, mayCreate = true): Promise<LevelStore> {
    const database: Database = new Level(folder, {
      keyEncoding: 'buffer',
      valueEncoding: 'buffer',
      compression: false,
      createIfMissing: mayCreate,
      writeBufferSize: writeBufferBytes,
    });
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
    return this.#database.get(asBuffer(key)).catch((cause: unknown) => {
      throw codedOf(cause, 'a read failed');
    });
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
        const entries = await iterator.nextv(scanPageEntries).catch((cause: unknown) => {
          throw codedOf(cause, 'a read failed');
        });
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
