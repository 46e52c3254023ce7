// What runs on a chain while a host heads it, as its host sees it.
import type { OpenedRecord, RecordPlace } from '../engine/store/format.ts';

/** What the head of a chain has made and not yet let go. The batcher is the one that users get. */
export interface ChainQueue {
  readonly hasUpdates: boolean;
  take(place: RecordPlace): { record: OpenedRecord; names: string[] } | undefined;
  commit(lsn: number): void;
  /** Reads wait that nobody has been asked about: a barrier goes out for all of them, under this token. */
  readonly hasReads: boolean;
  ask(token: number): void;
  /** Every barrier up to this token came through the whole chain. */
  passed(token: number): void;
}

/** What runs on a chain while this host heads it: documents, or the load of a benchmark. */
export interface ChainService {
  readonly queue: ChainQueue;
  /** Time went by: comes with each tick of the host. */
  tick(): void;
  /** The chain is headed here no more: everything not committed is forgotten. */
  stop(): void;
}
