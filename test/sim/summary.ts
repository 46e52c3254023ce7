// What many seeds add up to.
import { faultNames } from './faults.ts';
import type { Finding } from './history.ts';
import type { SeedResult } from './seed.ts';
import { sometimesNames } from './sometimes.ts';

export type Summary = {
  seeds: number;
  events: number;
  answered: number;
  reconfigurations: number;
  joins: number;
  readonly failed: { readonly seed: number; readonly findings: readonly Finding[] }[];
  readonly faults: Record<string, number>;
  readonly sometimes: Record<string, number>;
  /** Of one core, for each seed. */
  readonly timesMs: number[];
};

export function emptySummary(): Summary {
  const none = (names: readonly string[]): Record<string, number> => Object.fromEntries(names.map((name) => [name, 0]));
  const counts = { seeds: 0, events: 0, answered: 0, reconfigurations: 0, joins: 0 };
  return { ...counts, failed: [], faults: none(faultNames), sometimes: none(sometimesNames), timesMs: [] };
}

export function addSeed(summary: Summary, result: SeedResult, ms: number): void {
  const { seed, findings, faults, sometimes, events, answered, reconfigurations, joins } = result;
  const failed = findings.length === 0 ? [] : [{ seed, findings }];
  const counts = { seeds: 1, events, answered, reconfigurations, joins };
  addSummary(summary, { ...counts, failed, faults: { ...faults }, sometimes: { ...sometimes }, timesMs: [ms] });
}

export function addSummary(summary: Summary, other: Summary): void {
  summary.seeds += other.seeds;
  summary.events += other.events;
  summary.answered += other.answered;
  summary.reconfigurations += other.reconfigurations;
  summary.joins += other.joins;
  summary.failed.push(...other.failed);
  summary.timesMs.push(...other.timesMs);
  for (const [name, by] of Object.entries(other.faults)) summary.faults[name] = (summary.faults[name] ?? 0) + by;
  for (const [name, by] of Object.entries(other.sometimes))
    summary.sometimes[name] = (summary.sometimes[name] ?? 0) + by;
}

/** The report: `failures` is how many seeds failed. */
export function reportOf({ failed, timesMs: _, ...counts }: Summary): Readonly<Record<string, unknown>> {
  return { ...counts, failures: failed.length, failed: failed.map(({ seed }) => seed) };
}
