// What the head of one chain has made and not yet seen committed. Updates gather into a batch while the batches before it are
// on their way; outputs (answers, deltas, views) wait behind the batch that was forming when they were made, and leave in the
// order they were made. That one queue is the whole of "nothing leaves before it is committed" (C18).
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

type Batch<Output> = {
  readonly sections: Map<string, Forming>;
  readonly outputs: Output[];
  outputsLength: number;
  bytes: number;
  updates: number;
  lsn: number | undefined;
  readonly serial: number;
};

export class Batcher<Output> {
  /** Proposed and not committed, oldest first. */
  readonly #proposed: Batch<Output>[] = [];
  /** Not yet proposed; the last one is still forming. */
  readonly #waiting: Batch<Output>[] = [];
  readonly #release: (outputs: readonly Output[]) => void;
  #updatesQueued = 0;
  #bytesQueued = 0;
  #outputsQueued = 0;
  #outputsLength = 0;
  #serial = 0;
  #committedSerial = 0;

  /** `release` is called with outputs, in order, once everything they have seen is committed. */
  constructor(release: (outputs: readonly Output[]) => void) {
    this.#release = release;
  }

  /** False when the queue is full: the caller refuses with CHAIN_BUSY and makes nothing. */
  get hasRoom(): boolean {
    const isFull = this.#updatesQueued >= updatesQueuedMax || this.#bytesQueued >= updatesQueuedBytesMax;
    return !isFull && this.#outputsQueued < outputsQueuedMax && this.#outputsLength < outputsQueuedLengthMax;
  }

  get hasUpdates(): boolean {
    return this.#updatesQueued > 0;
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
    let batch = this.#waiting.at(-1);
    if (batch === undefined || batch.bytes >= batchBytesMax) {
      this.#serial += 1;
      batch = {
        sections: new Map(),
        outputs: [],
        outputsLength: 0,
        bytes: 0,
        updates: 0,
        lsn: undefined,
        serial: this.#serial,
      };
      this.#waiting.push(batch);
    }
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

  /** Adds an output that may have seen everything added so far. `length` is that of its text, in UTF-16 units. */
  emit(output: Output, length = 0): void {
    const batch = this.#waiting.at(-1) ?? this.#proposed.at(-1);
    if (batch === undefined) return this.#release([output]);
    batch.outputs.push(output);
    batch.outputsLength += length;
    this.#outputsQueued += 1;
    this.#outputsLength += length;
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
      if (batch?.lsn === undefined || batch.lsn > lsn) return;
      this.#proposed.shift();
      this.#committedSerial = batch.serial;
      this.#outputsQueued -= batch.outputs.length;
      this.#outputsLength -= batch.outputsLength;
      this.#release(batch.outputs);
    }
  }
}
