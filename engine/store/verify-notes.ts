// What a walk over a store has seen so far: how much, which checks, what was wrong; and where it waits and stops.
import { CodedError } from '../base/errors.ts';
import type { ChainId } from '../base/ids.ts';
import { verifyEntryCostBytes } from '../base/limits.ts';
import type { Base } from './entries.ts';
import type { KeyRange } from './keys.ts';
import type { OrderedReader, Pair } from './port.ts';

/** What can be wrong, by the word that it is reported under. */
export const findingCodes = {
  identity: 'the store is nobody’s, or another host’s',
  key: 'an entry under a key of no kind, or of no chain of the cluster',
  marks: 'the marks of a chain cannot be read',
  base: 'the base of a chain cannot be read, or contradicts itself',
  cell: 'what was kept for a register cannot be read',
  'seq-floor': 'the seq of the documents that were deleted cannot be read',
  tally: 'the count of what was written cannot be read',
  older: 'what the last write left is not what is there',
  record: 'a record is not one: version, checksum, directory or its own key',
  hole: 'records are missing',
  hash: 'a record does not continue the history before it',
  'below-floor': 'a record stands where the log was trimmed',
  folded: 'the log does not hold the record through which documents are folded',
  newest: 'snapshots hold more than the log',
  snapshot: 'a snapshot is not one: version, checksum or key',
  ahead: 'a snapshot holds more than the base says that any does',
  sum: 'the snapshots are not those that were written',
  history: 'a block of history is not one: version, checksum or key',
  'history-missing': 'a block of history is named and not there',
  'history-gap': 'blocks of history do not follow one another up to the snapshot',
  'history-stray': 'a block of history that no snapshot names',
  unreadable: 'the disk does not give what lies here',
} as const;

export type FindingCode = keyof typeof findingCodes;

export type Finding = {
  /** Undefined where it is of no chain that is known. */
  readonly chain: ChainId | undefined;
  readonly code: FindingCode;
  /** A record by its lsn, a document by its name, anything else by its key in hex. */
  readonly where: string;
  readonly what: string;
};

/** Every check that a walk makes, by the name under which it is counted. */
export const checkNames = {
  identity: 'the store is this host’s, in this cluster',
  key: 'every key is of a kind and a chain that are known',
  small: 'version and checksum of marks, bases, cells, tally and seq floors',
  record: 'version, checksum, key and directory of a record',
  link: 'a record follows the one before by lsn and hash',
  reach: 'the log holds the folded record, and reaches past every snapshot',
  snapshot: 'version and checksum of a snapshot, over key and value; not newer than the base says',
  sum: 'the sum over a chain’s snapshots',
  block: 'version and checksum of a block of history; named, gapless, none too many',
  tally: 'the sum over marks, registers, bases, seq floors and the ends of logs',
} as const;

export type CheckName = keyof typeof checkNames;
export type Checks = Readonly<Record<CheckName, number>>;

/** A walk is over before its end: it was stopped, or the disk gave an error. */
class CutShort extends Error {
  override readonly name = 'CutShort';
}

export type NotesOptions = {
  /** Findings that are kept; all are counted. */
  readonly findingsMax: number;
  readonly sliceBytes: number;
  /** Comes after each slice, with what it cost in bytes, and waits. */
  readonly pace: (costBytes: number) => Promise<void>;
  /** Looked at after each slice: the walk is then given up. */
  readonly isStopped: () => boolean;
};

export class Notes {
  readonly findings: Finding[] = [];
  findingsCount = 0;
  bytes = 0;
  readonly checks: Record<CheckName, number> = {
    identity: 0,
    key: 0,
    small: 0,
    record: 0,
    link: 0,
    reach: 0,
    snapshot: 0,
    sum: 0,
    block: 0,
    tally: 0,
  };
  isStopped = false;
  readonly #options: NotesOptions;
  #sliceBytes = 0;

  constructor(options: NotesOptions) {
    this.#options = options;
  }

  find(code: FindingCode, chain: ChainId | undefined, where: string, what: string): void {
    this.findingsCount += 1;
    if (this.findings.length < this.#options.findingsMax) this.findings.push({ chain, code, where, what });
  }

  /** What `read` gives; undefined where that is refused by a code, which is found. Counts one check. */
  check<T>(
    check: CheckName,
    code: FindingCode,
    chain: ChainId | undefined,
    where: string,
    read: () => T,
  ): T | undefined {
    this.checks[check] += 1;
    try {
      return read();
    } catch (cause) {
      if (!(cause instanceof CodedError)) throw cause;
      this.find(code, chain, where, cause.message);
      return undefined;
    }
  }

  /** Every entry of a range; rests between slices of bounded cost. Ends by CutShort: `guard` is around it. */
  async *entries(reader: OrderedReader, [from, to]: KeyRange, chain: ChainId | undefined): AsyncGenerator<Pair> {
    let last = from;
    const pages = reader.scan(from, to)[Symbol.asyncIterator]();
    try {
      for (;;) {
        if (this.isStopped) throw new CutShort();
        const page = await pages.next().catch((cause: unknown) => {
          this.find(
            'unreadable',
            chain,
            `behind ${whereOf(last)}`,
            cause instanceof Error ? cause.message : String(cause),
          );
          throw new CutShort();
        });
        if (page.done === true) return;
        for (const pair of page.value) {
          last = pair.key;
          yield pair;
          await this.#took(pair.key.length + pair.value.length);
        }
      }
    } finally {
      await pages.return?.();
    }
  }

  /** The value of a key; undefined where there is none. Ends by CutShort: `guard` is around it. */
  async get(reader: OrderedReader, key: Uint8Array, chain: ChainId | undefined): Promise<Uint8Array | undefined> {
    try {
      return await reader.get(key);
    } catch (cause) {
      this.find('unreadable', chain, whereOf(key), cause instanceof Error ? cause.message : String(cause));
      throw new CutShort();
    }
  }

  /** Runs a part of a walk. False where that did not come to its end. */
  async guard(part: () => Promise<void>): Promise<boolean> {
    try {
      await part();
      return true;
    } catch (cause) {
      if (cause instanceof CutShort) return false;
      throw cause;
    }
  }

  async #took(bytes: number): Promise<void> {
    this.bytes += bytes;
    this.#sliceBytes += bytes + verifyEntryCostBytes;
    if (this.#sliceBytes < this.#options.sliceBytes) return;
    const cost = this.#sliceBytes;
    this.#sliceBytes = 0;
    await this.#options.pace(cost);
    this.isStopped ||= this.#options.isStopped();
    if (this.isStopped) throw new CutShort();
  }
}

/** What a part of the walk goes by. */
export type ChainPart = {
  readonly chain: ChainId;
  readonly base: Base;
  /** Whether entries are held against the base and against each other. */
  readonly isJudged: boolean;
  readonly notes: Notes;
};

/** A key as it is reported. */
export function whereOf(key: Uint8Array): string {
  return `key ${Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('hex')}`;
}
