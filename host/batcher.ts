// What the head of one chain has made and not yet let go. Updates gather into a batch while the batches before it are on their
// way; outputs (answers, deltas, views) wait behind what they may have seen, and leave in the order they were made. That one
// queue is the whole of "nothing leaves before it is committed" (C18), and of "nothing stale leaves" (20-chain, reads):
//
//   a batch     lets its outputs go when it is committed. It was proposed after they were made: so this host still headed then
//   reads       outputs with no batch forming behind which to wait. They go when a barrier, asked for after they were made, has
//               come through the whole chain: one for all reads of a turn
import { assert } from '../engine/base/assert.ts';
import {
  batchBytesMax,
  outputsQueuedLengthMax,
  outputsQueuedMax,
  updatesQueuedBytesMax,
  updatesQueuedMax,
} from '../engine/base/limits.ts';
import type { OpenedRecord, RecordPlace } from '../engine/store/format.ts';
import { encodeBatch } from '../engine/store/format.ts';

type Forming = { name: string; seqFirst: number; updates: Uint8Array[] };

type Waiting<Output> = { readonly outputs: Output[]; outputsLength: number; isDone: boolean };

type Batch<Output> = Waiting<Output> & {
  readonly kind: 'batch';
  readonly sections: Map<string, Forming>;
  bytes: number;
  updates: number;
  /** Undefined until it is proposed. */
  lsn: number | undefined;
  readonly serial: number;
};

/** `token` is undefined until a barrier is asked for. */
type Reads<Output> = Waiting<Output> & { readonly kind: 'reads'; token: number | undefined };

export class Batcher<Output> {
  /** Everything that waits, in the order in which it was made. */
  readonly #queue: (Batch<Output> | Reads<Output>)[] = [];
  /** Of these: batches proposed and not committed, batches not yet proposed, reads that have asked and that have not. */
  readonly #proposed: Batch<Output>[] = [];
  readonly #waiting: Batch<Output>[] = [];
  readonly #asked: Reads<Output>[] = [];
  readonly #unasked: Reads<Output>[] = [];
  readonly #release: (outputs: readonly Output[]) => void;
  #updatesQueued = 0;
  #bytesQueued = 0;
  #outputsQueued = 0;
  #outputsLength = 0;
  #serial = 0;
  #committedSerial = 0;
  #committedLsn = 0;

  /** `release` is called with outputs, in order, once they may leave. */
  constructor(release: (outputs: readonly Output[]) => void) {
    this.#release = release;
  }

  /** False when the queue is full: the caller refuses with CHAIN_BUSY and makes nothing. */
  get hasRoom(): boolean {
    const isFull = this.#updatesQueued >= updatesQueuedMax || this.#bytesQueued >= updatesQueuedBytesMax;
    return !isFull && this.#outputsQueued < outputsQueuedMax && this.#outputsLength < outputsQueuedLengthMax;
  }

  /** A batch waits to be proposed. */
  get hasUpdates(): boolean {
    return this.#waiting.length > 0;
  }

  /** Of the last batch that is committed; 0 where none was. */
  get committedLsn(): number {
    return this.#committedLsn;
  }

  /**
   * Has a batch follow, an empty one where nothing else waits: with each record a member hears what the one before it in the chain knew to be
   * committed, and in a quiet chain there would be none.
   */
  followUp(): void {
    if (!this.hasUpdates) this.#forming();
  }

  get hasReads(): boolean {
    return this.#unasked.length > 0;
  }

  /** The batch that was begun last: what has been added so far is committed once `isSettled` of it. */
  get serial(): number {
    return this.#serial;
  }

  isSettled(serial: number): boolean {
    return serial <= this.#committedSerial;
  }

  /** Adds an update, already encoded, as number `seq` of its document. */
  add(name: string, seq: number, update: Uint8Array): void {
    const batch = this.#forming();
    const section = batch.sections.get(name);
    if (section === undefined) batch.sections.set(name, { name, seqFirst: seq, updates: [update] });
    else {
      assert(seq === section.seqFirst + section.updates.length, `update ${seq} of ${name} continues its section`);
      section.updates.push(update);
    }
    batch.bytes += update.length;
    batch.updates += 1;
    this.#updatesQueued += 1;
    this.#bytesQueued += update.length;
  }

  /** The batch that takes one more update: never one that reads wait behind, or they would wait for what came after them. */
  #forming(): Batch<Output> {
    const last = this.#queue.at(-1);
    if (last?.kind === 'batch' && last.lsn === undefined && last.bytes < batchBytesMax) return last;
    this.#serial += 1;
    const batch: Batch<Output> = {
      kind: 'batch',
      sections: new Map(),
      outputs: [],
      outputsLength: 0,
      isDone: false,
      bytes: 0,
      updates: 0,
      lsn: undefined,
      serial: this.#serial,
    };
    this.#queue.push(batch);
    this.#waiting.push(batch);
    return batch;
  }

  /** Adds an output that may have seen everything added so far. `length` is that of its text, in UTF-16 units. */
  emit(output: Output, length = 0): void {
    const last = this.#queue.at(-1);
    const isForming = last?.kind === 'batch' && last.lsn === undefined;
    const place = isForming || (last !== undefined && last === this.#unasked.at(-1)) ? last : this.#beginReads();
    place.outputs.push(output);
    place.outputsLength += length;
    this.#outputsQueued += 1;
    this.#outputsLength += length;
  }

  #beginReads(): Reads<Output> {
    const reads: Reads<Output> = { kind: 'reads', outputs: [], outputsLength: 0, isDone: false, token: undefined };
    this.#queue.push(reads);
    this.#unasked.push(reads);
    return reads;
  }

  /** The next batch as a record, or undefined where nothing waits. `names` are the documents in it. */
  take(place: RecordPlace): { record: OpenedRecord; names: string[] } | undefined {
    const batch = this.#waiting.shift();
    if (batch === undefined) return undefined;
    this.#updatesQueued -= batch.updates;
    this.#bytesQueued -= batch.bytes;
    const record = encodeBatch(place, [...batch.sections.values()]);
    const names = [...batch.sections.keys()];
    batch.sections.clear();
    batch.lsn = record.lsn;
    this.#proposed.push(batch);
    return { record, names };
  }

  /** Everything up to `lsn` is durable on every member: what waited for it leaves. */
  commit(lsn: number): void {
    for (;;) {
      const batch = this.#proposed[0];
      if (batch?.lsn === undefined || batch.lsn > lsn) break;
      this.#proposed.shift();
      this.#committedSerial = batch.serial;
      this.#committedLsn = batch.lsn;
      batch.isDone = true;
    }
    this.#letGo();
  }

  /** The reads that gathered are asked about, under this token. */
  ask(token: number): void {
    for (const reads of this.#unasked.splice(0)) {
      reads.token = token;
      this.#asked.push(reads);
    }
  }

  /** Every barrier up to `token` came through the whole chain. */
  passed(token: number): void {
    for (;;) {
      const reads = this.#asked[0];
      if (reads?.token === undefined || reads.token > token) break;
      this.#asked.shift();
      reads.isDone = true;
    }
    this.#letGo();
  }

  #letGo(): void {
    for (let first = this.#queue[0]; first?.isDone === true; first = this.#queue[0]) {
      this.#queue.shift();
      this.#outputsQueued -= first.outputs.length;
      this.#outputsLength -= first.outputsLength;
      if (first.outputs.length > 0) this.#release(first.outputs);
    }
  }
}
