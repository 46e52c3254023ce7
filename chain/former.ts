// A host that has left a chain keeps what it had of it for a while, since it may be wanted again and is then filled sooner. After that it goes:
// it takes space, and holds what users have deleted since.
//
// What goes counts for nobody. The register was confirmed to hold an epoch in which this host has no seat, and which it never ran but as a joiner
// that was given up; whoever serves that epoch has all that was answered, and they are asked for it whenever the chain is reconfigured.
import type { Epoch, HostId } from '../engine/base/ids.ts';
import { samePosition } from '../engine/base/ids.ts';
import { seatOf } from './configuration.ts';
import { wipe } from './copy.ts';
import type { Detector } from './detector.ts';
import { isLive } from './detector.ts';
import { leave } from './normal.ts';
import type { Effect, Replica } from './state.ts';

/** Whether what is kept here is of a chain that this host has no part in, as far as it knows. */
export function isFormer(replica: Replica): boolean {
  const { known, self, phase, marks, epoch, durable, received, leftover, drive } = replica;
  if (known?.phase !== 'active' || seatOf(known.members, self) !== undefined || drive !== undefined) return false;
  // Sealed for an attempt above it, or a member of it before this process began: then the register holds, or may hold, something newer.
  if (epoch > known.epoch || marks.sealed > known.epoch) return false;
  // A joiner of this epoch whose log never was one of it has not been promoted (C9): nothing of it counts, whatever became of it since.
  if (marks.ran === known.epoch && marks.logEpoch === known.epoch) return false;
  const isAtRest =
    phase.kind === 'idle' || phase.kind === 'sealed' || phase.kind === 'ready' || phase.kind === 'copying';
  const isEmpty = durable.lsn === 0 && leftover === 'none';
  return isAtRest && !isEmpty && leftover !== 'going' && samePosition(durable, received);
}

/** What policy goes by. */
export type FormerFacts = {
  readonly detector: Detector;
  readonly nowMs: number;
  readonly replication: number;
  readonly desired: readonly HostId[];
  /** How long what was left is kept. */
  readonly leftMs: number;
};

/** It goes when the chain has stood whole for long, with members who all live, and nobody wants this host in it. */
export function isForgettable(replica: Replica, sinceMs: number, facts: FormerFacts): boolean {
  const { detector, nowMs, replication, desired, leftMs } = facts;
  const { known, self } = replica;
  if (nowMs - sinceMs < leftMs || known === undefined || desired.includes(self) || !isFormer(replica)) return false;
  const isWhole = known.members.every(({ host, role }) => role === 'serving' && isLive(detector, host));
  return isWhole && known.members.length >= replication;
}

/** As with a copy that begins with documents: first the mark goes, so that what is left counts for nothing; then everything else. */
export function onForget(replica: Replica, out: Effect[]): void {
  if (!isFormer(replica)) return;
  leave(replica, out);
  out.push({ kind: 'write', cut: undefined, entries: [], marks: { logEpoch: 0 as Epoch } });
  wipe(replica, out);
}
