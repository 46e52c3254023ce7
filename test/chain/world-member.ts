// One host of a world in memory: its process, its disk, and what the disk still has to do.
import type { Effect, Replica } from '../../chain/state.ts';
import { createReplica } from '../../chain/state.ts';
import type { HostId } from '../../engine/base/ids.ts';
import { cloneReplica } from './clone.ts';
import type { Disk, Write } from './disk.ts';
import { emptyDisk, endOfDisk, positionAt } from './disk.ts';
import { chain } from './records.ts';
import type { Question } from './register-cell.ts';

/** What a disk does besides writing, each in its own time. */
export type Read = (Effect & { kind: 'read' | 'locate' | 'readPage' }) | { readonly kind: 'wiped' };

export type Member = {
  readonly id: HostId;
  disk: Disk;
  storeId: string;
  replica: Replica;
  boot: number;
  isUp: boolean;
  /** As its effects say: between `serving` and `stopped`. */
  isHead: boolean;
  queue: Write[];
  writing: Write[] | undefined;
  reads: Read[];
  question: Question | undefined;
};

/** A host that starts for the first time. */
export function begin(id: HostId): Member {
  const disk = emptyDisk();
  const blank = { queue: [], writing: undefined, reads: [], question: undefined, isUp: true, isHead: false };
  const replica = bootOf({ id, boot: 1, storeId: id, disk });
  return { id, disk, storeId: id, boot: 1, replica, ...blank };
}

/** A process on the disk that is there. */
export function bootOf({
  id,
  boot,
  storeId,
  disk,
}: {
  id: HostId;
  boot: number;
  storeId: string;
  disk: Disk;
}): Replica {
  const { marks } = disk;
  const logStart = positionAt(disk, disk.start);
  const place = { durable: endOfDisk(disk), logStart, folded: logStart };
  const leftover = disk.hasLeftover ? 'some' : 'none';
  return createReplica({ self: id, boot: `b${boot}`, storeId, region: '', chain, marks, ...place, leftover });
}

export function cloneMember(member: Member): Member {
  const { disk, replica, queue, reads, question } = member;
  return {
    ...member,
    disk: { ...disk },
    replica: cloneReplica(replica),
    queue: [...queue],
    reads: [...reads],
    question: question === undefined ? undefined : { ...question },
  };
}

export function greetingOf({ id, boot, storeId }: Member): { id: HostId; boot: string; storeId: string } {
  return { id, boot: `b${boot}`, storeId };
}
