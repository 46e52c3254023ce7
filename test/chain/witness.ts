// What must hold for a whole chain, at any moment, whoever crashed and whatever was lost. One replica cannot see these things.
import type { Active, Configuration } from '../../chain/configuration.ts';
import { lastActive, seatOf, servingOf } from '../../chain/configuration.ts';
import { lowerOf } from '../../chain/normal.ts';
import { checkNeighbours } from '../../chain/replica-check.ts';
import type { Replica } from '../../chain/state.ts';
import { assert } from '../../engine/base/assert.ts';
import type { HostId, Position } from '../../engine/base/ids.ts';
import { origin } from '../../engine/base/ids.ts';
import { type Disk, isOnDisk, positionAt } from './disk.ts';
import { made } from './made.ts';

export type Seen = {
  readonly id: HostId;
  readonly disk: Disk;
  readonly storeId: string;
  readonly isUp: boolean;
  readonly replica: Replica;
};

/** Whether the history that ends at `a` is the beginning of the one that ends at `b`. */
export function isBeginning(a: Position, b: Position): boolean {
  let { lsn, hash } = b as { lsn: number; hash: string };
  while (lsn > a.lsn) {
    const entry = made.get(hash);
    assert(entry !== undefined, `record ${lsn} was made by somebody`);
    [lsn, hash] = [lsn - 1, entry.previousHash];
  }
  return lsn === a.lsn && hash === a.hash;
}

export class Witness {
  /** The longest history that a head called committed: any answer may have been given for it. */
  promised: Position;
  /** What each head's barriers that are under way must show. */
  readonly asked: Map<HostId, readonly { readonly token: number; readonly promised: Position }[]>;
  /** The last active configuration, and how many there were. */
  active: Active | undefined;

  constructor(other?: Witness) {
    this.promised = other?.promised ?? origin;
    this.asked = new Map(other?.asked);
    this.active = other?.active;
  }

  /** C1: what a register may come to hold after what it held. */
  onChanged(before: Configuration | undefined, after: Configuration, members: ReadonlyMap<HostId, Seen>): void {
    const epoch = before?.epoch ?? 0;
    if (after.phase === 'pending') {
      assert(after.epoch > epoch, `C1: pending ${after.epoch} comes after ${epoch}`);
      assert(same(lastActive(before), after.previous), 'C1: what was active last is kept, and nothing else');
      return;
    }
    if (before?.phase === 'pending') this.#onActivated(before, after, members);
    else this.#onChangedMinor(before, after);
    this.active = after;
  }

  #onActivated(before: Configuration, after: Configuration, members: ReadonlyMap<HostId, Seen>): void {
    assert(
      after.epoch === before.epoch && after.minor === 0,
      'C1: an epoch is activated by the one who made it pending',
    );
    assert(
      after.members.length > 0 && after.members.every(({ role }) => role === 'serving'),
      'C8: all who begin serve',
    );
    for (const { host, storeId } of after.members) {
      const member = members.get(host);
      const holds = member !== undefined && isOnDisk(member.disk, after.start);
      assert(member?.storeId !== storeId || holds, `C4: epoch ${after.epoch} begins, and ${host} lacks its history`);
    }
    const isLoss = after.loss !== undefined;
    assert(
      isLoss || isBeginning(this.promised, after.start),
      `C6: epoch ${after.epoch} begins without what was answered`,
    );
    if (isLoss && !isBeginning(this.promised, after.start)) this.promised = after.start;
  }

  #onChangedMinor(before: Configuration | undefined, after: Configuration): void {
    assert(before !== undefined && after.epoch === before.epoch, 'C1: an epoch is pending before it is active');
    assert(after.minor === before.minor + 1, 'C1: changes within an epoch are counted');
    const [old, now] = [servingOf(before.members), servingOf(after.members)];
    const isKept = old.every(({ host, storeId }, at) => now[at]?.host === host && now[at]?.storeId === storeId);
    assert(isKept && samePlace(before.start, after.start), 'C1: within an epoch the serving set only grows');
    const syncing = after.members.filter(({ role }) => role === 'syncing');
    assert(
      syncing.length <= 1 && syncing.every((one) => one === after.members.at(-1)),
      'C8: one syncs, and stands last',
    );
  }

  /** A head says that everything up to `through` is committed: it is on the disk of all who serve, and of all who follow. */
  onPromise(members: ReadonlyMap<HostId, Seen>, head: Seen, through: number): void {
    const position = positionAt(head.disk, through);
    assert(position.lsn === through, `C5: record ${through} is committed and not on the head's disk`);
    const { phase, epoch } = head.replica;
    assert(phase.kind === 'serving', 'C6: who says that something is committed serves');
    const config = this.active?.epoch === epoch ? this.active : phase.config;
    for (const seat of servingOf(config.members)) {
      const member = members.get(seat.host);
      if (member?.storeId !== seat.storeId) continue;
      assert(isOnDisk(member.disk, position), `C6: record ${through} is committed and not on the disk of ${seat.host}`);
    }
    const { active } = this;
    const isOver = active !== undefined && active.epoch > epoch;
    if (isOver)
      assert(
        isBeginning(position, active.start),
        `C6: record ${through} is answered, and epoch ${active.epoch} lacks it`,
      );
    const isLonger = isBeginning(this.promised, position);
    assert(isLonger || isBeginning(position, this.promised), `C6: record ${through} is answered in another history`);
    if (isLonger) this.promised = position;
  }

  onAsked(head: Seen): void {
    const { barrier } = head.replica;
    const before = this.asked.get(head.id) ?? [];
    this.asked.set(head.id, [...before, { token: barrier + 1, promised: this.promised }]);
  }

  /** C18: what a head shows after a barrier holds everything that anybody answered before that was asked. */
  onPassed(head: Seen, token: number): void {
    const asked = this.asked.get(head.id) ?? [];
    for (const one of asked.filter((one) => one.token <= token))
      assert(isBeginning(one.promised, head.replica.received), `C18: a read at ${head.id} misses what was answered`);
    this.asked.set(
      head.id,
      asked.filter((one) => one.token > token),
    );
  }

  /** Its barriers are answered by nobody any more. */
  onStopped(id: HostId): void {
    this.asked.delete(id);
  }

  check(members: ReadonlyMap<HostId, Seen>): void {
    const running = [...members.values()].filter(({ isUp, replica }) => isUp && replica.phase.kind === 'serving');
    for (const { replica } of running) {
      const { phase, epoch } = replica;
      if (phase.kind !== 'serving') continue;
      const lower = members.get(lowerOf(replica) ?? replica.self);
      if (lower?.isUp === true && lower.id !== replica.self) checkNeighbours(replica, lower.replica);
      const head = members.get(phase.config.members[0]?.host ?? replica.self);
      if (head?.isUp !== true || head.replica.phase.kind !== 'serving' || head.replica.epoch !== epoch) continue;
      assert(isBeginning(replica.received, head.replica.received), `C7: the log of ${replica.self} is not the head's`);
    }
    this.#checkRecoverable(members);
  }

  /** C4, C6: whoever could answer a seal with a word that counts holds everything that was answered. */
  #checkRecoverable(members: ReadonlyMap<HostId, Seen>): void {
    const { active } = this;
    if (active === undefined) return;
    for (const { host, storeId } of servingOf(active.members)) {
      const member = members.get(host);
      if (member === undefined || member.storeId !== storeId || member.disk.marks.logEpoch < active.epoch) continue;
      assert(isOnDisk(member.disk, this.promised), `C6: ${host} counts, and lacks what was answered`);
    }
  }
}

function same(a: Active | undefined, b: Active | undefined): boolean {
  return a?.epoch === b?.epoch && a?.minor === b?.minor && a?.nonce === b?.nonce && seats(a) === seats(b);
}

function seats(value: Active | undefined): string {
  return (value?.members ?? []).map(({ host, storeId, role }) => `${host} ${storeId} ${role}`).join();
}

function samePlace(a: Position, b: Position): boolean {
  return a.lsn === b.lsn && a.hash === b.hash;
}

/** The seat of a member in the last active configuration, if it is that of its store. */
export function hasSeat({ active }: Witness, { id, storeId }: Seen): boolean {
  return active !== undefined && seatOf(active.members, id)?.storeId === storeId;
}
