// What the documents of a chain were folded into, walked whole: snapshots and blocks of history lie in the same order of names, so that two
// scans side by side hold every block against the snapshot that should name it, in the memory of a page each.
import type { ChainId } from '../base/ids.ts';
import { documentNameBytesMax } from '../base/limits.ts';
import { noBase } from './entries.ts';
import { historyRange, snapshotRange } from './keys.ts';
import type { OrderedReader, Pair } from './port.ts';
import type { StoredSnapshot } from './snapshot-format.ts';
import {
  addToSum,
  decodeHistoryEntry,
  decodeSnapshotEntry,
  nameOfSnapshotKey,
  seqOfHistoryKey,
} from './snapshot-format.ts';
import type { ChainPart, Notes } from './verify-notes.ts';
import { whereOf } from './verify-notes.ts';

type DocumentsWalked = { snapshots: number; blocks: number };
type Block = { readonly name: string; readonly seqFirst: number; readonly key: Uint8Array; readonly value: Uint8Array };

export async function walkDocuments(reader: OrderedReader, part: ChainPart, walked: DocumentsWalked): Promise<void> {
  const { chain, base, isJudged, notes } = part;
  const blocks = new Blocks(notes.entries(reader, historyRange(chain), chain), part, walked);
  let { sum } = noBase;
  try {
    await blocks.begin();
    for await (const { key, value } of notes.entries(reader, snapshotRange(chain), chain)) {
      // What stands here counts for the sum, whatever it is.
      sum = addToSum(sum, key, value, 1);
      notes.checks.key += 1;
      const name = nameOfSnapshotKey(key);
      if (!isName(name)) {
        notes.find('key', chain, whereOf(key), 'names no document');
        continue;
      }
      walked.snapshots += 1;
      const snapshot = notes.check('snapshot', 'snapshot', chain, name, () => decodeSnapshotEntry(key, value));
      if (isJudged && snapshot !== undefined && snapshot.lsn > base.newest) {
        const what = `holds record ${snapshot.lsn}, and none should hold more than ${base.newest}`;
        notes.find('ahead', chain, name, what);
      }
      await blocks.through(name, snapshot);
    }
    await blocks.through(undefined, undefined);
  } finally {
    await blocks.end();
  }
  if (!isJudged) return;
  notes.checks.sum += 1;
  if (sum !== base.sum) notes.find('sum', chain, 'all snapshots', `come to ${sum}, and should to ${base.sum}`);
}

/** The history of a chain, read on as far as the snapshots have come. */
class Blocks {
  readonly #pairs: AsyncGenerator<Pair>;
  readonly #part: ChainPart;
  readonly #walked: DocumentsWalked;
  #next: Block | undefined;

  constructor(pairs: AsyncGenerator<Pair>, part: ChainPart, walked: DocumentsWalked) {
    this.#pairs = pairs;
    this.#part = part;
    this.#walked = walked;
  }

  async begin(): Promise<void> {
    await this.#advance();
  }

  /**
   * Checks the blocks of `name`, and those before it, which no snapshot names. `snapshot` is undefined where it cannot be read: what it
   * names is not known. Without a name: whatever is left.
   */
  async through(name: string | undefined, snapshot: StoredSnapshot | undefined): Promise<void> {
    while (this.#next !== undefined && (name === undefined || this.#next.name < name)) {
      this.#read(this.#next);
      this.#stray(this.#next);
      await this.#advance();
    }
    const named = [...(snapshot?.blocks ?? [])];
    // The seq at which the next block begins; undefined where that cannot be known.
    let expected: number | undefined;
    while (this.#next !== undefined && this.#next.name === name) {
      const block = this.#next;
      const count = this.#read(block);
      while (named[0] !== undefined && named[0] < block.seqFirst) {
        this.#missing(name, named.shift() as number);
        expected = undefined;
      }
      if (named[0] === block.seqFirst) {
        named.shift();
        this.#follows(name, expected, block.seqFirst);
        expected = count === undefined ? undefined : block.seqFirst + count;
      } else if (snapshot !== undefined) this.#stray(block);
      await this.#advance();
    }
    if (name === undefined || snapshot === undefined) return;
    if (named.length > 0) expected = undefined;
    for (const seqFirst of named) this.#missing(name, seqFirst);
    this.#follows(name, expected, snapshot.seq + 1);
  }

  end(): Promise<unknown> {
    return this.#pairs.return(undefined);
  }

  /** How many updates it holds. */
  #read({ name, seqFirst, key, value }: Block): number | undefined {
    this.#walked.blocks += 1;
    const { chain, notes } = this.#part;
    const where = `${name} from ${seqFirst}`;
    return notes.check('block', 'history', chain, where, () => decodeHistoryEntry(key, value))?.count;
  }

  #missing(name: string, seqFirst: number): void {
    const { chain, isJudged, notes } = this.#part;
    if (isJudged) notes.find('history-missing', chain, `${name} from ${seqFirst}`, 'its snapshot names it');
  }

  #stray({ name, seqFirst }: Block): void {
    const { chain, isJudged, notes } = this.#part;
    if (isJudged) notes.find('history-stray', chain, `${name} from ${seqFirst}`, 'no snapshot names it');
  }

  #follows(name: string, expected: number | undefined, seqFirst: number): void {
    const { chain, isJudged, notes } = this.#part;
    if (!isJudged || expected === undefined || expected === seqFirst) return;
    const what = `the block before ends at ${expected - 1}`;
    notes.find('history-gap', chain, `${name} from ${seqFirst}`, what);
  }

  async #advance(): Promise<void> {
    const { chain, notes } = this.#part;
    for (;;) {
      const { value, done } = await this.#pairs.next();
      if (done === true) {
        this.#next = undefined;
        return;
      }
      this.#next = blockOf(value, chain, notes);
      if (this.#next !== undefined) return;
    }
  }
}

function blockOf({ key, value }: Pair, chain: ChainId, notes: Notes): Block | undefined {
  notes.checks.key += 1;
  const name = nameOfSnapshotKey(key).slice(0, -9);
  const seqFirst = seqOfHistoryKey(key);
  if (seqFirst !== undefined && isName(name)) return { name, seqFirst, key, value };
  notes.find('key', chain, whereOf(key), 'is not the key of a block of history');
  return undefined;
}

/** ASCII without a zero byte: other names would not sort as their documents do. */
function isName(name: string): boolean {
  if (name.length === 0 || name.length > documentNameBytesMax) return false;
  for (let index = 0; index < name.length; index += 1) {
    const code = name.charCodeAt(index);
    if (code === 0 || code > 0x7f) return false;
  }
  return true;
}
