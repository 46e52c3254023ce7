// The head of the bare chain: collects a turn's updates into one batch, sends it down before it syncs it, and releases those
// who wait once it is synced here and acknowledged below. No handlers, no hashes, no recovery: what is left is the limit.
import { Packr } from 'msgpackr';
import { dial } from './bare-socket.ts';
import { openStore, startSyncing } from './bare-store.ts';
import { frame, readFrames } from './bare-wire.ts';

export type HeadOptions = {
  readonly folder: string;
  readonly belowPort: number;
  /** Few batches in flight keep every disk busy and let the next batch grow. */
  readonly batchesInFlightMax: number;
};

/** `onCommitted` hears the waiters of all that one event committed. */
export async function openHead<Waiter>(
  { folder, belowPort, batchesInFlightMax }: HeadOptions,
  onCommitted: (waiters: readonly Waiter[]) => void,
): Promise<(update: unknown, waiter: Waiter) => void> {
  const store = await openStore(folder);
  const below = await dial(belowPort);
  const packr = new Packr({ structures: [] });
  const inFlight = new Map<number, Waiter[]>();
  let updates: unknown[] = [];
  let waiters: Waiter[] = [];
  let sent = 0;
  let durable = 0;
  let ackedBelow = 0;
  let committed = 0;
  let isScheduled = false;
  const sync = startSyncing(store, (lsn) => {
    durable = lsn;
    advance();
  });
  readFrames(below, (lsn) => {
    ackedBelow = lsn;
    advance();
  });
  function advance(): void {
    const through = Math.min(durable, ackedBelow);
    // One event mostly commits one batch: its waiters are handed on as they are.
    let released: Waiter[] = [];
    while (committed < through) {
      committed += 1;
      const waiting = inFlight.get(committed) ?? [];
      released = released.length === 0 ? waiting : released.concat(waiting);
      inFlight.delete(committed);
    }
    if (released.length > 0) onCommitted(released);
    schedule();
  }
  function schedule(): void {
    if (isScheduled || updates.length === 0 || sent - committed >= batchesInFlightMax) return;
    isScheduled = true;
    setImmediate(flush);
  }
  function flush(): void {
    isScheduled = false;
    const payload = packr.pack(updates);
    sent += 1;
    inFlight.set(sent, waiters);
    updates = [];
    waiters = [];
    below.write(frame(sent, payload));
    sync(sent, payload);
  }
  return (update, waiter) => {
    updates.push(update);
    waiters.push(waiter);
    schedule();
  };
}
