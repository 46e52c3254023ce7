// The invariants of one replica, run after every turn in production and after every step in tests, and those between two
// neighbours, which only tests can see.
import { assert } from '../engine/base/assert.ts';
import { seatOf } from './configuration.ts';
import { countedLowerOf } from './normal.ts';
import type { Replica } from './state.ts';

export function checkReplica(replica: Replica): void {
  const { received, durable, acked, committed, inflight, base, phase, marks, epoch, folded, newest } = replica;
  assert(folded.lsn <= newest, `E13: folded ${folded.lsn}, and no document past ${newest}`);
  assert(marks.ran <= marks.sealed, `C4: ran ${marks.ran} without a seal past ${marks.sealed}`);
  assert(marks.sealed <= epoch, `C4: sealed ${marks.sealed} is past ${epoch}, which is answered to`);
  if (phase.kind === 'syncing') assert(marks.ran === epoch, `C13: joins epoch ${epoch} and ran ${marks.ran}`);
  if (phase.kind !== 'serving') return;
  assert(marks.ran === epoch && phase.config.epoch === epoch, `C13: serves epoch ${epoch} and ran ${marks.ran}`);
  assert(marks.logEpoch === epoch, `C4: serves epoch ${epoch} with a log of ${marks.logEpoch}`);
  const seat = seatOf(phase.config.members, replica.self);
  assert(
    seat?.role === 'serving' && seat.storeId === replica.storeId,
    'C10: who serves has a seat that serves, with its own store',
  );
  assert(committed <= acked.lsn, `C6: committed ${committed} is past acked ${acked.lsn}`);
  assert(acked.lsn <= durable.lsn, `C5: acked ${acked.lsn} is past durable ${durable.lsn}`);
  assert(durable.lsn <= received.lsn, `C7: durable ${durable.lsn} is past received ${received.lsn}`);
  assert(base.lsn <= acked.lsn, `C7: the window begins at ${base.lsn}, past acked ${acked.lsn}`);
  assert(
    inflight.length === received.lsn - base.lsn,
    `C7: ${inflight.length} in flight of ${base.lsn}...${received.lsn}`,
  );
}

/** Between neighbours that serve the same epoch, at any moment. */
export function checkNeighbours(upper: Replica, lower: Replica): void {
  if (upper.phase.kind !== 'serving' || lower.phase.kind !== 'serving' || upper.epoch !== lower.epoch) return;
  assert(
    lower.received.lsn <= upper.received.lsn,
    `C7: the lower holds ${lower.received.lsn} of ${upper.received.lsn}`,
  );
  if (countedLowerOf(upper) === lower.self)
    assert(upper.acked.lsn <= lower.acked.lsn, `C5: ${upper.acked.lsn} is acked above, ${lower.acked.lsn} below`);
  assert(lower.committed <= upper.committed, `C6: committed ${lower.committed} below, ${upper.committed} above`);
}
