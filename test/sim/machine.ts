// What outlives a host's processes: its name, its disk, and how often it was started.
import { decodeVoterList } from '../../chain/register/cell.ts';
import type { Voters } from '../../chain/register/voters.ts';
import { voterListCell } from '../../chain/register/voters.ts';
import type { HostId } from '../../engine/base/ids.ts';
import { chainId } from '../../engine/base/ids.ts';
import type { Base } from '../../engine/store/entries.ts';
import { baseKey, cellKey, decodeBase, noBase } from '../../engine/store/entries.ts';
import type { OpenedRecord } from '../../engine/store/format.ts';
import { openRecord, recordKeys, sectionsOf } from '../../engine/store/format.ts';
import type { Put } from '../../engine/store/port.ts';
import {
  decodeSnapshotEntry,
  documentKeys,
  isSnapshotKey,
  nameOfSnapshotKey,
} from '../../engine/store/snapshot-format.ts';
import type { Archive } from './archive.ts';
import { Beside } from './beside.ts';
import { SimDisk } from './disk.ts';
import type { Values } from './journal.ts';
import { textOf } from './journal.ts';
import type { Kernel } from './kernel.ts';
import type { HostProcess } from './process.ts';

const recordKind = 0x10;
const baseKind = 0x04;
const pendingKind = 0x23;

export class Machine {
  readonly id: HostId;
  readonly disk: SimDisk;
  readonly beside: Beside;
  /**
   * What was done to its store, until that was set aside or believed: bits that flipped, writes that it lost (until then the disk says nothing of
   * what was durable), or what stood beside it.
   */
  harm: 'flips' | 'lost writes' | 'beside' | undefined;
  /** What its store held when that was harmed, where the harm has to be noticed. */
  #truth: Values | undefined;
  readonly #archive: Archive;
  process: HostProcess | undefined;
  boots = 0;
  /** The last seq of each document that is durable here; undefined where it must be read anew. */
  #seqs: Map<string, number> | undefined = new Map();
  readonly #copying = new Set<number>();

  constructor(kernel: Kernel, id: HostId, archive: Archive) {
    this.id = id;
    this.#archive = archive;
    this.disk = new SimDisk(kernel, id);
    this.beside = new Beside(kernel, id, this.disk);
    this.disk.onApplied = (puts) => this.#onApplied(puts);
  }

  get isUp(): boolean {
    return this.process !== undefined && this.process.state !== 'down';
  }

  get storeId(): string {
    return `${this.id}-store-${this.disk.losses}`;
  }

  baseOf(chain: number): Base {
    const entry = this.disk.entries(baseKey(chainId(chain)), baseKey(chainId(chain + 1)))[0];
    return entry === undefined ? noBase : decodeBase(entry);
  }

  /** The newest list of voters that this disk holds; undefined where that is the one of the beginning. */
  get voters(): Voters | undefined {
    const kept = this.disk.entries(cellKey(voterListCell), cellKey(voterListCell + 1))[0];
    return kept === undefined ? undefined : decodeVoterList(kept);
  }

  /** What this disk holds of a chain, checked as the store checks it: with what went into documents. Throws where it is no log. */
  logOf(chain: number): OpenedRecord[] {
    const base = this.baseOf(chain);
    if (base.hasLeftover) return [];
    const records = this.disk.entries(...recordKeys(chainId(chain))).map(openRecord);
    const kept = records.filter(({ lsn }) => lsn > base.floor.lsn);
    return [...this.#archive.historyTo(chainId(chain), base.floor), ...kept];
  }

  /** Everything on it. */
  loseDisk(): void {
    this.disk.lose();
    this.#copying.clear();
    this.beside.forget();
    this.#seqs = new Map();
  }

  /** Its store alone, or some of that: what is remembered of it is still there. */
  harmStore(harm: 'flips' | 'lost writes' | 'beside', change: () => void): void {
    this.harm = harm;
    this.#seqs = undefined;
    this.#truth = harm === 'flips' ? undefined : this.disk.copy();
    change();
  }

  /** Its host does not believe its store. */
  onSetAside(): void {
    this.#truth = undefined;
  }

  /** A process has a store that it believes: the one that was there, or one that begins. Says what should have kept it from that. */
  onOpened(): string | undefined {
    this.#seqs = undefined;
    const { harm, beside } = this;
    const truth = this.#truth;
    this.#truth = undefined;
    if (!this.disk.hasFlips) this.harm = undefined;
    if (beside.limbo !== undefined) return `a store was believed in which a process found: ${beside.limbo}`;
    if (truth === undefined) return undefined;
    if (harm === 'beside') return 'a store was believed without its watermark';
    const missing = lacks(this.disk.copy(), truth);
    return missing === undefined ? undefined : `a store was believed that lacks ${missing}`;
  }

  /** How far a document is durable here. */
  seqOf(doc: string, chains: number): number {
    this.#seqs ??= this.#readSeqs(chains);
    return this.#seqs.get(doc) ?? 0;
  }

  #readSeqs(chains: number): Map<string, number> {
    const seqs = new Map<string, number>();
    for (let chain = 0; chain < chains; chain += 1) {
      if (this.baseOf(chain).hasLeftover) continue;
      const [[from, to]] = documentKeys(chainId(chain));
      for (const { key, value } of this.disk.pairs(from, to)) {
        seqs.set(nameOfSnapshotKey(key), decodeSnapshotEntry(key, value).seq);
      }
      for (const record of this.disk.entries(...recordKeys(chainId(chain))).map(openRecord)) noteSeqs(seqs, record);
    }
    return seqs;
  }

  #onApplied(puts: readonly Put[]): void {
    const floors = floorsIn(puts);
    for (const { key, value } of puts) {
      if (key[0] === recordKind && value !== undefined) {
        this.#archive.add(key, value);
        if (this.#seqs !== undefined) noteSeqs(this.#seqs, { kind: kindOf(value), lsn: 0, bytes: value } as never);
      } else if (key[0] === recordKind && !floors.has(chainOf(key))) this.#seqs = undefined;
      // Of what another member folded.
      else if (isSnapshotKey(key) && this.#seqs?.has(nameOfSnapshotKey(key)) === false) this.#seqs = undefined;
      else if (key[0] === baseKind && value !== undefined) this.#noteCopy(chainOf(key), decodeBase(value));
    }
  }

  /** Documents of a copy come under names that are known, and count when all are there. */
  #noteCopy(chain: number, { hasLeftover }: Base): void {
    const isKnown = this.#copying.has(chain);
    if (hasLeftover) this.#copying.add(chain);
    else this.#copying.delete(chain);
    if (hasLeftover || isKnown) this.#seqs = undefined;
  }
}

/** What counts of `truth` and is not there: of a copy that did not come to its end nothing does. */
function lacks(values: Values, truth: Values): string | undefined {
  const isOfLeftover = (key: Uint8Array): boolean => {
    const base = truth.get(textOf(baseKey(chainId(chainOf(key)))));
    return (key[0] ?? 0) >= recordKind && base !== undefined && decodeBase(base).hasLeftover;
  };
  for (const [text, value] of truth) {
    const key = Buffer.from(text, 'latin1');
    // A note of what is to leave the files: nothing is read by it.
    if (key[0] === pendingKind) continue;
    if (!isSame(values.get(text), value) && !isOfLeftover(key)) return key.toString('hex');
  }
  return undefined;
}

function isSame(one: Uint8Array | undefined, other: Uint8Array): boolean {
  return one !== undefined && Buffer.compare(one, other) === 0;
}

/** Chains whose log is trimmed by this write: what it removes is in documents. */
function floorsIn(puts: readonly Put[]): Set<number> {
  const trims = puts.filter(
    ({ key, value }) => key[0] === baseKind && value !== undefined && !decodeBase(value).hasLeftover,
  );
  return new Set(trims.map(({ key }) => chainOf(key)));
}

function chainOf(key: Uint8Array): number {
  return ((key[1] ?? 0) << 8) | (key[2] ?? 0);
}

/** Without checksum and hash: what is written is looked at often. */
function kindOf(bytes: Uint8Array): string {
  return bytes[1] === 1 ? 'batch' : 'activation';
}

/** Records of the log may be older than what a snapshot has. */
function noteSeqs(seqs: Map<string, number>, record: OpenedRecord): void {
  for (const { name, seqFirst, count } of sectionsOf(record))
    seqs.set(name, Math.max(seqs.get(name) ?? 0, seqFirst + count - 1));
}
