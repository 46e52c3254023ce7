// The types that a client's callers meet.

/**
 * What becomes of an open document.
 *
 * - `connecting`: no view has come yet.
 * - `live`: the view is up to date, and sends leave.
 * - `waiting`: the server or the way to it is away; sends are kept.
 * - `refused`: the document cannot be opened: `error` says why.
 * - `closed`: close() was called.
 */
export type DocumentStatus = 'connecting' | 'live' | 'waiting' | 'refused' | 'closed';

/** The answer to a message. */
export type Answer<Value> = {
  /** The document's number of the update that the message made. */
  readonly seq: number;
  /** What the handler returned: JSON. */
  readonly value: Value;
};

/** How to open a document. */
export type OpenOptions<State = unknown> = {
  /** Without a session: it is seen, and nothing can be sent. */
  readonly readOnly?: boolean;
  /** Begins the document by this where it does not exist, as its definition's `create` takes it. */
  readonly create?: unknown;
  /** What the view looks at, as its definition's `viewerState` takes it: see `OpenDocument.look`. */
  readonly viewer?: State;
};
