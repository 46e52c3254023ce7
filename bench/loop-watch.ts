// How long the loop of this process leaves others waiting, looked at each millisecond. Node's own figure counts the looks, and a stop of a
// second is one look that came late; for whoever comes meanwhile it is a second. So the share of time is told too.
import { monitorEventLoopDelay } from 'node:perf_hooks';

export type LoopDelay = {
  /** Node's: 99 of 100 looks came so soon after the last one, the millisecond between them included. */
  readonly p99Ms: number;
  /** Of moments: 99 of 100 that something may come at wait no longer. */
  readonly waitMs: number;
  readonly maxMs: number;
};

const resolution = 1;
const nsPerMs = 1e6;

export class LoopWatch {
  readonly #delays = monitorEventLoopDelay({ resolution });

  begin(): void {
    this.#delays.reset();
    this.#delays.enable();
  }

  /** Since it was begun. */
  get looks(): number {
    return this.#delays.count;
  }

  end(): LoopDelay {
    const delays = this.#delays;
    delays.disable();
    const { count } = delays;
    const gapsMs = Array.from(
      { length: count },
      (_, index) => delays.percentile(((index + 0.5) * 100) / count) / nsPerMs,
    );
    return { p99Ms: delays.percentile(99) / nsPerMs, waitMs: waitOf(gapsMs, 0.99), maxMs: delays.max / nsPerMs };
  }
}

/** Whoever comes somewhere in a gap waits until its end: the wait that so large a share of all moments does not pass. `gapsMs` are sorted. */
export function waitOf(gapsMs: readonly number[], share: number): number {
  const allowed = gapsMs.reduce((sum, gap) => sum + gap, 0) * (1 - share);
  let excess = 0;
  for (let longer = 1; longer <= gapsMs.length; longer += 1) {
    const [gap, next] = [gapsMs[gapsMs.length - longer] ?? 0, gapsMs[gapsMs.length - longer - 1] ?? 0];
    const more = (gap - next) * longer;
    // Between this gap and the next shorter one, `longer` of them go past whatever is allowed.
    if (excess + more >= allowed) return gap - (allowed - excess) / longer;
    excess += more;
  }
  return 0;
}
