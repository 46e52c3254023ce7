// One document of a desk: being read from the store, or in memory.
import { AssertionFailed } from '../engine/base/assert.ts';
import type { ErrorCode } from '../engine/base/errors.ts';
import { CodedError } from '../engine/base/errors.ts';
import type { DocumentName } from '../engine/base/ids.ts';
import type { Definition, Resident } from '../engine/document/document.ts';
import { createResident, isDeletedIn, replaySections, restoreResident } from '../engine/document/document.ts';
import { weightOf } from '../engine/document/life/weight.ts';
import type { BackReader, Stored } from '../engine/store/documents.ts';
import type { Audience } from './audience.ts';
import type { Tenant } from './memory.ts';

/** Who waits for it to be read: one of the two is called. */
export type Waiting = {
  readonly run: (resident: Resident) => void;
  readonly refuse: (code: ErrorCode, text: string) => void;
  /** It comes to end the document, and does so though that cannot be made. */
  readonly isErasing?: boolean;
};

/** `serial`: the batch that its last update went into. */
export type Shelf =
  | { readonly kind: 'loading'; readonly waiting: Waiting[] }
  | {
      readonly kind: 'resident';
      readonly resident: Resident;
      readonly audience: Audience;
      serial: number;
      readonly tenant: Tenant;
    };

/** DOCUMENT_UNREADABLE where what is stored makes no document. */
export function residentOf(
  definition: Definition,
  name: DocumentName,
  { snapshot, sections, seqFloor }: Stored,
): Resident {
  return readably(name, () => {
    const resident =
      snapshot === undefined || isDeletedIn(sections)
        ? createResident(definition, name, seqFloor)
        : restoreResident(definition, name, snapshot.state);
    replaySections(resident, sections);
    return resident;
  });
}

/** What stands for a document that cannot be made, and can only be deleted: it is at the seq of its last update, and holds nothing. */
export function ruinOf(definition: Definition, name: DocumentName, { seqLast }: Stored): Resident {
  return { ...createResident(definition, name, seqLast), incarnation: 'f'.repeat(32) };
}

/** A reader whose own failures are DOCUMENT_UNREADABLE. */
export function readableBy(name: string, reader: BackReader): BackReader {
  return {
    begin: (snapshot, sections) => readably(name, () => reader.begin(snapshot, sections)),
    block: (updates) => readably(name, () => reader.block(updates)),
  };
}

/** What passed its checksums is the same on every member: it says nothing of this disk, and neither host nor chain is to be given up for it. */
function readably<T>(name: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof AssertionFailed) throw cause;
    throw new CodedError('DOCUMENT_UNREADABLE', `${name} cannot be made of what is stored of it`, { cause });
  }
}

/** It may leave while nobody views it and all its updates are committed. */
export function tenantOf(
  shelves: Map<string, Shelf>,
  name: string,
  resident: Resident,
  queue: { readonly isSettled: (serial: number) => boolean },
): Tenant {
  const mayLeave = (): boolean => {
    const shelf = shelves.get(name);
    return shelf?.kind === 'resident' && shelf.audience.size === 0 && queue.isSettled(shelf.serial);
  };
  return { bytes: () => weightOf(resident), mayLeave, leave: () => void shelves.delete(name) };
}
