// What outlives a host's processes: its name, its disk, and how often it was started.
import type { HostId } from '../../engine/base/ids.ts';
import type { OpenedRecord } from '../../engine/store/format.ts';
import { openRecord, recordKey, sectionsOf } from '../../engine/store/format.ts';
import type { Put } from '../../engine/store/port.ts';
import { SimDisk } from './disk.ts';
import type { Kernel } from './kernel.ts';
import type { HostProcess } from './process.ts';

const recordKind = 0x10;

export class Machine {
  readonly id: HostId;
  readonly disk: SimDisk;
  process: HostProcess | undefined;
  boots = 0;
  /** The last seq of each document that is durable here; undefined where it must be read anew. */
  #seqs: Map<string, number> | undefined = new Map();

  constructor(kernel: Kernel, id: HostId) {
    this.id = id;
    this.disk = new SimDisk(kernel, id);
    this.disk.onApplied = (puts) => this.#onApplied(puts);
  }

  get isUp(): boolean {
    return this.process !== undefined && this.process.state !== 'down';
  }

  get storeId(): string {
    return `${this.id}-store-${this.disk.losses}`;
  }

  /** What is durable of a chain, checked as the store checks it; throws where it is no log. */
  logOf(chain: number): OpenedRecord[] {
    return this.disk.entries(recordKey(chain as never, 0), recordKey(chain as never, 2 ** 48)).map(openRecord);
  }

  loseDisk(): void {
    this.disk.lose();
    this.#seqs = new Map();
  }

  /** How far a document is durable here. */
  seqOf(doc: string, chains: number): number {
    this.#seqs ??= this.#readSeqs(chains);
    return this.#seqs.get(doc) ?? 0;
  }

  #readSeqs(chains: number): Map<string, number> {
    const seqs = new Map<string, number>();
    for (let chain = 0; chain < chains; chain += 1) for (const record of this.logOf(chain)) noteSeqs(seqs, record);
    return seqs;
  }

  #onApplied(puts: readonly Put[]): void {
    for (const { key, value } of puts as readonly { key: Uint8Array; value: Uint8Array | undefined }[]) {
      if (key[0] !== recordKind) continue;
      if (value === undefined) this.#seqs = undefined;
      else if (this.#seqs !== undefined) noteSeqs(this.#seqs, { kind: kindOf(value), lsn: 0, bytes: value } as never);
    }
  }
}

/** Without checksum and hash: what is written is looked at often. */
function kindOf(bytes: Uint8Array): string {
  return bytes[1] === 1 ? 'batch' : 'activation';
}

function noteSeqs(seqs: Map<string, number>, record: OpenedRecord): void {
  for (const { name, seqFirst, count } of sectionsOf(record)) seqs.set(name, seqFirst + count - 1);
}
