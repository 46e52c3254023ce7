// A host walks its own store again and again, slowly, so that rot is found while others still have what rotted (E11); and at once, faster,
// when an operator asks. One walk at a time:
//
//   due -> walks a chain fast, rests behind it until the average is as low as it should be -> ... -> pauses
//
// A pass of its own ends at the first chain in which something is found, and says so: what is wrong is not kept back until the last chain was seen.
import {
  scrubAskedBytesPerSecond,
  scrubBurstBytesPerSecond,
  scrubBytesPerSecond,
  scrubFirstMs,
  scrubNapMs,
  scrubPauseMs,
} from '../engine/base/limits.ts';
import type { VerifyReport } from '../engine/store/verify.ts';
import type { Finding } from '../engine/store/verify-notes.ts';
import type { Pacing } from './verify.ts';

export type ScrubParts = {
  readonly verify: (pacing: Pacing) => Promise<VerifyReport>;
  readonly nowMs: () => number;
  /** Since 1970: only shown. */
  readonly wallMs: () => number;
  readonly sleep: (ms: number) => Promise<unknown>;
  /** Comes at the end of a pass that found something. */
  readonly onFinding: (report: VerifyReport) => void;
  readonly fatal: (cause: unknown) => void;
};

/** What a host says of its scrub. */
export type ScrubStatus = {
  /** The pass that runs, or that ran last; 0 before the first. */
  readonly pass: number;
  readonly state: 'resting' | 'walking' | 'asked';
  /** Of the pass that runs. */
  readonly chains: number;
  readonly records: number;
  readonly bytes: number;
  readonly last: ScrubLast | null;
};

/** What the last pass came to, in short. */
export type ScrubLast = {
  readonly pass: number;
  readonly endedAtMs: number;
  /** Whether it went through all of the store: one that found something by itself stops there. */
  readonly isWhole: boolean;
  readonly records: number;
  readonly snapshots: number;
  readonly bytes: number;
  readonly ms: number;
  readonly findings: number;
  /** The first of them. */
  readonly found: readonly Finding[];
};

export type ScrubResult = {
  readonly pass: number;
  readonly endedAtMs: number;
  readonly report: VerifyReport;
};

/** Findings that stand in a status; the report has more. */
const foundMax = 3;

type Pass = {
  readonly pass: number;
  readonly isAsked: boolean;
  isStopped: boolean;
  chains: number;
  records: number;
  bytes: number;
};

export class Scrub {
  readonly #parts: ScrubParts;
  #passes = 0;
  #busy: Pass | undefined;
  #done: Promise<void> = Promise.resolve();
  #last: ScrubResult | undefined;
  #dueMs: number;
  /** An operator waits for a pass that has not begun. */
  #isAsked = false;
  #isClosed = false;

  constructor(parts: ScrubParts) {
    this.#parts = parts;
    this.#dueMs = parts.nowMs() + scrubFirstMs;
  }

  /** Time went by: begins a pass where one is due and none runs. */
  tick(nowMs: number): void {
    if (this.#busy === undefined && !this.#isClosed && (this.#isAsked || nowMs >= this.#dueMs)) this.#begin();
  }

  /** Has the store walked at once, from its beginning. The number of the pass, which others who ask share until it ends. */
  ask(): number {
    if (this.#busy?.isAsked === true) return this.#busy.pass;
    this.#isAsked = true;
    if (this.#busy !== undefined) this.#busy.isStopped = true;
    return this.#passes + 1;
  }

  get status(): ScrubStatus {
    const { chains, records, bytes, isAsked } = this.#busy ?? { chains: 0, records: 0, bytes: 0, isAsked: false };
    const state = this.#busy === undefined ? 'resting' : isAsked ? 'asked' : 'walking';
    return {
      pass: this.#passes,
      state,
      chains,
      records,
      bytes,
      last: this.#last === undefined ? null : inShort(this.#last),
    };
  }

  /** What the last pass that came to an end found. */
  get result(): ScrubResult | undefined {
    return this.#last;
  }

  /** No pass begins any more. Resolves when none reads the store. */
  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#busy !== undefined) this.#busy.isStopped = true;
    await this.#done;
  }

  #begin(): void {
    this.#passes += 1;
    const busy = { pass: this.#passes, isAsked: this.#isAsked, isStopped: false, chains: 0, records: 0, bytes: 0 };
    this.#isAsked = false;
    this.#busy = busy;
    this.#done = this.#walk(busy)
      .catch((cause: unknown) => {
        if (!this.#isClosed) this.#parts.fatal(cause);
      })
      .finally(() => {
        this.#busy = undefined;
        this.#dueMs = this.#parts.nowMs() + scrubPauseMs;
      });
  }

  async #walk(busy: Pass): Promise<void> {
    const { verify, nowMs, wallMs, onFinding } = this.#parts;
    const average = new Rate(nowMs, scrubBytesPerSecond);
    const burst = new Rate(nowMs, busy.isAsked ? scrubAskedBytesPerSecond : scrubBurstBytesPerSecond);
    const report = await verify({
      nowMs,
      isStopped: () => busy.isStopped,
      pace: async (costBytes) => {
        average.spend(costBytes);
        burst.spend(costBytes);
        await this.#rest(busy, burst.aheadMs);
      },
      rest: async ({ records, bytes }, findings) => {
        busy.chains += 1;
        busy.records += records;
        busy.bytes += bytes;
        if (busy.isAsked) return;
        if (findings > 0) busy.isStopped = true;
        await this.#rest(busy, average.aheadMs);
      },
    });
    const isGivenUp = !report.isWhole && report.findingsCount === 0;
    if (isGivenUp) return;
    this.#last = { pass: busy.pass, endedAtMs: wallMs(), report };
    if (report.findingsCount > 0) onFinding(report);
  }

  /** At least one turn of the loop. */
  async #rest(busy: Pass, ms: number): Promise<void> {
    const { sleep, nowMs } = this.#parts;
    const endMs = nowMs() + ms;
    do await sleep(Math.min(scrubNapMs, Math.max(0, endMs - nowMs())));
    while (!busy.isStopped && nowMs() < endMs);
  }
}

function inShort({ pass, endedAtMs, report }: ScrubResult): ScrubLast {
  const { isWhole, records, snapshots, bytes, ms, findingsCount, findings } = report;
  return {
    pass,
    endedAtMs,
    isWhole,
    records,
    snapshots,
    bytes,
    ms,
    findings: findingsCount,
    found: findings.slice(0, foundMax),
  };
}

/** How far ahead of a rate somebody is who spends. A pause is not saved up for later. */
class Rate {
  readonly #nowMs: () => number;
  readonly #bytesPerSecond: number;
  #paidUntilMs = 0;

  constructor(nowMs: () => number, bytesPerSecond: number) {
    this.#nowMs = nowMs;
    this.#bytesPerSecond = bytesPerSecond;
  }

  spend(bytes: number): void {
    this.#paidUntilMs = Math.max(this.#paidUntilMs, this.#nowMs()) + (bytes / this.#bytesPerSecond) * 1_000;
  }

  /** May be below zero: whoever is behind owes no rest. */
  get aheadMs(): number {
    return this.#paidUntilMs - this.#nowMs();
  }
}
