// When a store is walked, how fast, and what is said of it. A clock that a test moves, and walks that it makes up.
import t from 'tap';
import { chainId } from '../../engine/base/ids.ts';
import {
  scrubAskedBytesPerSecond,
  scrubBurstBytesPerSecond,
  scrubBytesPerSecond,
  scrubFirstMs,
  scrubNapMs,
  scrubPauseMs,
  verifySliceBytes,
} from '../../engine/base/limits.ts';
import type { VerifyReport } from '../../engine/store/verify.ts';
import type { ChainWalked } from '../../engine/store/verify-chain.ts';
import type { Finding } from '../../engine/store/verify-notes.ts';
import { Notes } from '../../engine/store/verify-notes.ts';
import { Scrub } from '../../host/scrub.ts';
import type { Pacing } from '../../host/verify.ts';
import { settled } from '../contract/memory-store.ts';

const zero = chainId(0);
const rot: Finding = { chain: zero, code: 'record', where: 'record 5', what: 'has a wrong checksum' };
const line = {
  chain: zero,
  floor: 0,
  folded: 0,
  last: 9,
  records: 9,
  snapshots: 0,
  blocks: 0,
  bytes: 100,
  findings: 0,
};
const walked: ChainWalked = { ...line, hasLeftover: false };

/** A clock that moves where somebody sleeps or works. */
class Clock {
  nowMs = 0;
  longestNapMs = 0;
  #naps = 0;

  async sleep(ms: number): Promise<void> {
    this.longestNapMs = Math.max(this.longestNapMs, ms);
    this.nowMs += ms;
    this.#naps += 1;
    if (this.#naps % 50 === 0) await settled();
  }
}

type Walk = { readonly ended: string[]; readonly rests: number[] };

/** Walks `slices` of each chain, a millisecond each; in the chains `rotten` something is found. */
function walkOf(clock: Clock, slices: readonly number[], rotten: readonly number[], { ended, rests }: Walk) {
  return async ({ pace, rest, isStopped }: Pacing): Promise<VerifyReport> => {
    const { checks } = new Notes({ findingsMax: 1, sliceBytes: 1, pace, isStopped });
    const startMs = clock.nowMs;
    let [findings, chains] = [0, 0];
    for (const [index, count] of slices.entries()) {
      for (let slice = 0; slice < count && !isStopped(); slice += 1) {
        clock.nowMs += 1;
        await pace(verifySliceBytes);
      }
      if (isStopped()) break;
      if (rotten.includes(index)) findings += 1;
      const beforeMs = clock.nowMs;
      chains += 1;
      await rest(walked, findings);
      rests.push(clock.nowMs - beforeMs);
    }
    const ms = clock.nowMs - startMs;
    ended.push(`${chains} chains in ${Math.round(ms)} ms${isStopped() ? ', stopped' : ''}`);
    const sums = { records: 9 * chains, snapshots: 0, blocks: 0, cells: 0, bytes: 100 * chains, checks };
    const all = Array.from({ length: findings }, () => rot);
    return { storeId: 's', chains: [], ...sums, findings: all, findingsCount: findings, isWhole: !isStopped(), ms };
  };
}

function stage(slices: readonly number[], rotten: readonly number[] = []) {
  const clock = new Clock();
  const walk: Walk = { ended: [], rests: [] };
  const found: VerifyReport[] = [];
  const failed: unknown[] = [];
  const scrub = new Scrub({
    verify: walkOf(clock, slices, rotten, walk),
    nowMs: () => clock.nowMs,
    wallMs: () => 1_000 + clock.nowMs,
    sleep: (ms) => clock.sleep(ms),
    onFinding: (report) => found.push(report),
    fatal: (cause) => failed.push(cause),
  });
  const until = async (holds: () => boolean): Promise<void> => {
    for (let turns = 0; turns < 10_000 && !holds(); turns += 1) await settled();
    t.ok(holds(), 'it comes to that');
  };
  const tick = (ms: number): void => {
    clock.nowMs = ms;
    scrub.tick(ms);
  };
  return { scrub, clock, found, failed, until, tick, ...walk, rested: () => scrub.status.state === 'resting' };
}

t.test('[E11] a store is walked a while after the start, and a while after each pass, at a bounded rate', async (t) => {
  const it = stage([800, 80]);
  it.tick(scrubFirstMs - 1);
  t.match(it.scrub.status, { pass: 0, state: 'resting', last: null });
  it.tick(scrubFirstMs);
  t.match(it.scrub.status, { pass: 1, state: 'walking' });
  it.tick(scrubFirstMs);
  await it.until(it.rested);
  const bytes = 880 * verifySliceBytes;
  t.equal(it.ended.length, 1, 'one walk at a time');
  const passMs = it.clock.nowMs - scrubFirstMs;
  t.ok(passMs >= (bytes / scrubBytesPerSecond) * 1_000, `${passMs} ms for ${bytes} bytes`);
  t.ok(passMs < (bytes / scrubBytesPerSecond) * 1_100);
  // It rests behind chains, not within: a view is open there.
  const walkingMs = passMs - it.rests.reduce((sum, ms) => sum + ms, 0);
  t.ok(walkingMs >= (bytes / scrubBurstBytesPerSecond) * 1_000, `${walkingMs} ms with a view open`);
  t.ok(walkingMs < passMs / 10);
  t.ok(it.clock.longestNapMs <= scrubNapMs);
  const last = { pass: 1, isWhole: true, records: 18, findings: 0, found: [], endedAtMs: 1_000 + it.clock.nowMs };
  t.match(it.scrub.status, { pass: 1, chains: 0, last });
  t.same(it.found, []);
  const endMs = it.clock.nowMs;
  it.tick(endMs + scrubPauseMs - 1);
  t.equal(it.scrub.status.pass, 1);
  it.tick(endMs + scrubPauseMs);
  t.equal(it.scrub.status.pass, 2);
  await it.scrub.close();
  t.same(it.failed, []);
});

t.test('[E11] what is found is said behind the chain in which it was, and the pass ends there', async (t) => {
  const it = stage([1, 1, 1], [1]);
  it.tick(scrubFirstMs);
  await it.until(it.rested);
  t.match(it.ended, [/^2 chains .*stopped/]);
  t.match(it.found, [{ findingsCount: 1, findings: [rot] }]);
  t.match(it.scrub.status.last, { isWhole: false, findings: 1, found: [rot] });
});

t.test('[E11] an operator has it walked at once, whole and faster, and shares the walk with others', async (t) => {
  const it = stage([800, 80], [0]);
  t.equal(it.scrub.ask(), 1);
  t.equal(it.scrub.ask(), 1, 'it has not begun');
  it.tick(1);
  t.equal(it.scrub.status.state, 'asked');
  t.equal(it.scrub.ask(), 1, 'it has');
  await it.until(it.rested);
  t.match(it.ended, [/^2 chains in \d+ ms$/]);
  const leastMs = ((880 * verifySliceBytes) / scrubAskedBytesPerSecond) * 1_000;
  t.ok(it.clock.nowMs >= leastMs && it.clock.nowMs < 2 * leastMs, `${it.clock.nowMs} ms`);
  t.equal(it.scrub.result?.pass, 1);
  t.equal(it.found.length, 1);
  t.equal(it.scrub.ask(), 2);
});

t.test('[E11] an operator does not wait for the slow pass that runs; it is given up, and is no result', async (t) => {
  const it = stage([800, 80]);
  it.tick(scrubFirstMs);
  t.equal(it.scrub.ask(), 2);
  await it.until(it.rested);
  t.match(it.ended, [/^0 chains .*stopped/]);
  t.equal(it.scrub.result, undefined);
  it.tick(it.clock.nowMs + 1);
  await it.until(it.rested);
  t.equal(it.scrub.result?.pass, 2);
});

t.test('[E11] a host that closes waits for the slice, not for the rest', async (t) => {
  const it = stage([8_000, 80]);
  it.tick(scrubFirstMs);
  await it.scrub.close();
  t.match(it.ended, [/stopped/]);
  t.ok(it.clock.nowMs - scrubFirstMs < 1_000, `${it.clock.nowMs - scrubFirstMs}`);
  it.tick(it.clock.nowMs + scrubPauseMs);
  t.equal(it.scrub.status.pass, 1);
  const resting = stage([800, 1]);
  resting.tick(scrubFirstMs);
  await resting.until(() => resting.scrub.status.chains === 1);
  await resting.scrub.close();
  t.match(resting.ended, [/^1 chains .*stopped/]);
  t.ok(resting.rests[0] !== undefined && resting.rests[0] < 60_000, `${resting.rests[0]} ms of a rest`);
});

t.test('[E11] a walk that fails where none should ends the process', async (t) => {
  const cause = new Error('wrong');
  const failed: unknown[] = [];
  const parts = { nowMs: () => 0, wallMs: () => 0, sleep: async () => {}, onFinding: () => {} };
  const scrub = new Scrub({ ...parts, verify: () => Promise.reject(cause), fatal: (one) => failed.push(one) });
  scrub.ask();
  scrub.tick(1);
  await settled();
  t.same(failed, [cause]);
});
