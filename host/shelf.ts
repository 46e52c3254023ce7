// One document of a desk: being read from the store, or in memory.
import type { DocumentName } from '../engine/base/ids.ts';
import type { Definition, Resident } from '../engine/document/document.ts';
import { createResident, replaySections, restoreResident } from '../engine/document/document.ts';
import { weightOf } from '../engine/document/weight.ts';
import type { Stored } from '../engine/store/documents.ts';
import type { Tenant } from './memory.ts';

/** `serial`: the batch that its last update went into. */
export type Shelf =
  | { readonly kind: 'loading'; readonly waiting: ((resident: Resident) => void)[] }
  | {
      readonly kind: 'resident';
      readonly resident: Resident;
      viewers: number;
      serial: number;
      readonly tenant: Tenant;
    };

export function residentOf(
  definition: Definition,
  name: DocumentName,
  { snapshot, sections, seqFloor }: Stored,
): Resident {
  try {
    const resident =
      snapshot === undefined
        ? createResident(definition, name, seqFloor)
        : restoreResident(definition, name, snapshot.state);
    replaySections(resident, sections);
    return resident;
  } catch (cause) {
    // What passed its checksums is the same on every member: it says nothing of this disk, and none is to be given up for it.
    throw new Error(`${name} cannot be made of what is stored of it`, { cause });
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
    return shelf?.kind === 'resident' && shelf.viewers === 0 && queue.isSettled(shelf.serial);
  };
  return { bytes: () => weightOf(resident), mayLeave, leave: () => void shelves.delete(name) };
}
