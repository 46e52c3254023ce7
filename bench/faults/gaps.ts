// How long nothing was answered. A chain's gap in a trial is the longest time without an answer of it, from the fault until the
// cluster is whole again: neither an answer that was on its way when the fault came can hide a gap, nor can a second one hide,
// when the host comes back. Where no chain could answer any more it is the time from the fault to the first answer after it.
import type { SendRecord } from './record.ts';

export type Window = { readonly fromMs: number; readonly toMs: number };
export type Spread = { readonly p50Ms: number; readonly p99Ms: number; readonly maxMs: number };

/** When answers came, by key, in order of time. */
export function answersBy<Key>(
  sends: readonly SendRecord[],
  keyOf: (send: SendRecord) => Key,
): ReadonlyMap<Key, readonly number[]> {
  const answers = new Map<Key, number[]>();
  for (const send of sends) {
    if (send.outcome.kind !== 'answered') continue;
    const key = keyOf(send);
    const times = answers.get(key);
    if (times === undefined) answers.set(key, [send.outcome.atMs]);
    else times.push(send.outcome.atMs);
  }
  for (const times of answers.values()) times.sort((a, b) => a - b);
  return answers;
}

/** The longest part of the window without any of `times`, which are in order. Its ends count as times. */
export function longestSilenceMs(times: readonly number[], { fromMs, toMs }: Window): number {
  let longest = 0;
  let last = fromMs;
  for (let index = indexFrom(times, fromMs); index < times.length; index += 1) {
    const time = times[index] as number;
    if (time >= toMs) break;
    longest = Math.max(longest, time - last);
    last = time;
  }
  return Math.max(longest, toMs - last);
}

/** The index of the first time that is not before `fromMs`. */
export function indexFrom(times: readonly number[], fromMs: number): number {
  let [low, high] = [0, times.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((times[middle] as number) < fromMs) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The smallest of the values that `share` of them do not exceed; 0 where there is none. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(Math.ceil(share * sorted.length) - 1, 0)] ?? 0;
}

export function spreadOf(values: readonly number[]): Spread {
  const [p50Ms, p99Ms, maxMs] = [0.5, 0.99, 1].map((share) => Math.round(percentile(values, share)));
  return { p50Ms: p50Ms ?? 0, p99Ms: p99Ms ?? 0, maxMs: maxMs ?? 0 };
}
