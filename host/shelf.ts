// One document of a desk: being read from the store, or in memory.
import { AssertionFailed } from '../engine/base/assert.ts';
import type { ErrorCode } from '../engine/base/errors.ts';
import { CodedError } from '../engine/base/errors.ts';
import type { BackReader } from '../engine/store/documents.ts';
import type { Audience } from './audience.ts';
import type { Tenant } from './memory.ts';
import type { Command, Running } from './running.ts';

/** Who waits for it to be read: one of the two is called. */
export type Waiting = {
  readonly run: (kept: Kept) => void;
  readonly refuse: (code: ErrorCode, text: string) => void;
  /** It comes to end the document, and does so though that cannot be made. */
  readonly isErasing?: boolean;
  /** Whoever runs the cluster may put right what a document does, also while it rests. */
  readonly isOperator?: boolean;
};

/** A document in memory. `serial`: the batch that its last update went into. */
export type Kept = {
  readonly kind: 'resident';
  readonly document: Running;
  readonly audience: Audience;
  serial: number;
  readonly tenant: Tenant;
};

/** `document` while it is made of what was read. */
export type Loading = { readonly kind: 'loading'; waiting: Waiting[]; document: Running | undefined };

export type Shelf = Loading | Kept;

/** A reader whose own failures are DOCUMENT_UNREADABLE. */
export function readableBy(name: string, reader: BackReader): BackReader {
  return {
    begin: (snapshot, sections) => readably(name, () => reader.begin(snapshot, sections)),
    block: (updates) => readably(name, () => reader.block(updates)),
  };
}

/** What passed its checksums is the same on every member: it says nothing of this disk, and neither host nor chain is to be given up for it. */
export function readably<T>(name: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof AssertionFailed) throw cause;
    throw new CodedError('DOCUMENT_UNREADABLE', `${name} cannot be made of what is stored of it`, { cause });
  }
}

export function isUnreadable(cause: unknown): cause is CodedError {
  return cause instanceof CodedError && cause.code === 'DOCUMENT_UNREADABLE';
}

/** It was made by code that is newer, or that newer code makes nothing of: whoever deploys can help, and disk and host are well. */
export function isOfVersions(cause: unknown): cause is CodedError {
  return cause instanceof CodedError && (cause.code === 'DOCUMENT_NEWER' || cause.code === 'MIGRATION_FAILED');
}

/** It may leave while nobody views it, nothing is asked of it, and all its updates are committed. */
export function tenantOf(
  shelves: Map<string, Shelf>,
  name: string,
  document: Running,
  queue: { readonly isSettled: (serial: number) => boolean },
): Tenant {
  const mayLeave = (): boolean => {
    const shelf = shelves.get(name);
    if (shelf?.kind !== 'resident' || shelf.document.pending > 0) return false;
    return shelf.audience.size === 0 && queue.isSettled(shelf.serial);
  };
  const leave = (): void => {
    shelves.delete(name);
    document.drop();
  };
  return { bytes: () => document.weight, mayLeave, leave };
}

/** A viewer who wants a document ended asks its definition: he can do that to none that cannot be made, or that rests. */
export function powersOf(command: Command): Pick<Waiting, 'isErasing' | 'isOperator'> {
  const isErasing = command.kind === 'delete' && command.isAsked !== true;
  return { isErasing, isOperator: isErasing || command.kind === 'rewind' };
}
