// What the checkers look at: everything that the clients sent and were told, and everything that is stored, as plain data.

/** What a client was told of a send. Times are those of the harness, in ms since it began. */
export type Outcome =
  | { readonly kind: 'unsettled' }
  | { readonly kind: 'answered'; readonly seq: number; readonly place: string; readonly atMs: number }
  | { readonly kind: 'refused'; readonly code: string; readonly retry: string; readonly atMs: number };

export type SendRecord = {
  readonly client: string;
  readonly doc: string;
  /** Of this client, in the order in which it sent: 1, 2, ... */
  readonly number: number;
  /** No other send has it. */
  readonly value: string;
  /** The trial during which it was sent. */
  readonly trial: number;
  readonly sentAtMs: number;
  outcome: Outcome;
};

/** `place` is where the value stands in its document; `seq` that of the update which put it there, where it is known. */
export type StoredValue = {
  readonly place: string;
  readonly client: string;
  readonly value: string;
  readonly seq: number | undefined;
};

/** All documents as one witness holds them: the view of a client, or the disk of a host. Values are in order of place. */
export type Copy = { readonly name: string; readonly documents: ReadonlyMap<string, readonly StoredValue[]> };

/** A view that a viewer was shown. */
export type ReadRecord = {
  readonly viewer: string;
  readonly doc: string;
  readonly trial: number;
  /** When a fresh view was asked for; undefined for one that came by itself, after others. */
  readonly askedAtMs: number | undefined;
  readonly seenAtMs: number;
  /** Values in the view. They stand in places 1 to this. */
  readonly count: number;
};

export type ViolationKind = 'lost' | 'doubled' | 'reordered' | 'reportedFailedButStored' | 'invented' | 'stale';

export type Violation = {
  readonly kind: ViolationKind;
  /** Of a stale view, its viewer and document. */
  readonly value: string;
  /** The trial during which the value was sent; undefined for one that nobody sent. */
  readonly trial: number | undefined;
  readonly text: string;
};
