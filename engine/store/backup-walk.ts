// A file of a backup read from its first entry to its last, and checked on the way: nothing of it is believed that does not follow what is
// before it. What is wrong is said with the number of the entry, and the document that it is of.
import { assert } from '../base/assert.ts';
import { CodedError } from '../base/errors.ts';
import type { DocumentEntry, HistoryEntry, PlaceEntry, Tally } from './backup-format.ts';
import { addDocument, addHistory, corrupt, decodeEntry, entriesOf, noTally } from './backup-format.ts';

/** What the entries of an export, or of a file, must be: documents by rising name, each with its history from its end on. */
export class EntryOrder {
  #tally = noTally;
  #name: string;
  /** Where the next history entry of the document ends; 0 where nothing can follow. */
  #below = 0;
  #hasHistory = true;

  /** `after` is the document that the last file ended with, '' for the first. */
  constructor(after: string) {
    this.#name = after;
  }

  get tally(): Tally {
    return this.#tally;
  }

  /** The document that was begun last. */
  get name(): string {
    return this.#name;
  }

  take(entry: DocumentEntry | HistoryEntry): void {
    if (entry.kind === 'document') {
      this.checkWhole();
      if (entry.name <= this.#name) throw corrupt(`document ${entry.name} stands behind ${this.#name}`);
      this.#name = entry.name;
      this.#below = entry.seq + 1;
      this.#hasHistory = false;
      this.#tally = addDocument(this.#tally, entry);
      return;
    }
    const { seqFirst, count } = entry;
    if (count === 0 || seqFirst === 0 || seqFirst + count !== this.#below) {
      throw corrupt(`the history of ${this.#name} is not that below update ${this.#below}`);
    }
    this.#below = seqFirst;
    this.#hasHistory = true;
    this.#tally = addHistory(this.#tally, this.#name, entry);
  }

  /** Of a document at least the newest updates are there. */
  checkWhole(): void {
    if (!this.#hasHistory) throw corrupt(`document ${this.#name} is without its newest updates`);
  }
}

/** What is known of a file before it is read. */
export type FileSays = {
  readonly cluster: string;
  readonly chain: number;
  readonly number: number;
  readonly after: string;
};

/** The documents of a file, each with its history behind it; `chunks` are its bytes behind the magic. BACKUP_CORRUPT by entry and document. */
export async function* walkFile(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  says: FileSays,
): AsyncGenerator<DocumentEntry | HistoryEntry, Tally> {
  const order = new EntryOrder(says.after);
  let number = 0;
  let isEnded = false;
  try {
    for await (const bytes of entriesOf(chunks)) {
      number += 1;
      const entry = decodeEntry(bytes);
      if (isEnded) throw corrupt('it goes on behind its end');
      if ((number === 1) !== (entry.kind === 'place')) throw corrupt('it says first, and once, what it is');
      if (entry.kind === 'place') checkPlace(entry, says);
      else if (entry.kind === 'end') {
        order.checkWhole();
        const { documents, updates } = order.tally;
        if (entry.documents !== documents || entry.updates !== updates)
          throw corrupt('it holds another number than it says');
        isEnded = true;
      } else {
        order.take(entry);
        yield entry;
      }
    }
    if (!isEnded) throw corrupt('it ends too soon');
  } catch (cause) {
    if (!(cause instanceof CodedError)) throw cause;
    const at = order.name === says.after ? '' : `, at or behind ${order.name}`;
    const where = number === 0 ? '' : `entry ${number}${at}: `;
    throw new CodedError(cause.code, `${where}${cause.message}`, { cause });
  }
  assert(isEnded, 'a file that was walked has an end');
  return order.tally;
}

function checkPlace(place: PlaceEntry, { cluster, chain, number }: FileSays): void {
  if (place.cluster === cluster && place.chain === chain && place.number === number) return;
  throw corrupt(`it is file ${place.number} of chain ${place.chain} of cluster ${place.cluster}`);
}
