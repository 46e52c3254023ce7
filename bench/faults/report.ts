// What a run found, for people and for machines.

import type { ViolationKind } from './record.ts';
import type { Run } from './run.ts';

export type Report = {
  readonly trials: number;
  readonly answered: number;
  readonly lost: number;
  readonly doubled: number;
  readonly reordered: number;
  readonly longestGapMs: number;
  readonly reportedFailedButStored: number;
  readonly invented: number;
  readonly problems: number;
  readonly sent: number;
  readonly refused: Readonly<Record<string, number>>;
  readonly seed: number;
  readonly recoveries: { readonly p50Ms: number; readonly maxMs: number };
  readonly disksCompared: number;
  readonly recordsCompared: number;
};

const violationsShown = 10;

export function reportOf(run: Run, seed: number): Report {
  const count = (kind: ViolationKind): number => run.violations.filter((one) => one.kind === kind).length;
  const sorted = [...run.recoveriesMs].sort((a, b) => a - b).map(Math.round);
  const refused: Record<string, number> = {};
  for (const { outcome } of run.sends) {
    if (outcome.kind === 'refused') refused[outcome.code] = (refused[outcome.code] ?? 0) + 1;
  }
  return {
    trials: run.recoveriesMs.length,
    answered: run.sends.filter(({ outcome }) => outcome.kind === 'answered').length,
    lost: count('lost'),
    doubled: count('doubled'),
    reordered: count('reordered'),
    longestGapMs: Math.round(run.longestGapMs),
    reportedFailedButStored: count('reportedFailedButStored'),
    invented: count('invented'),
    problems: run.problems.length,
    sent: run.sends.length,
    refused,
    seed,
    recoveries: { p50Ms: sorted[Math.floor(sorted.length / 2)] ?? 0, maxMs: sorted.at(-1) ?? 0 },
    disksCompared: run.disksCompared,
    recordsCompared: run.recordsCompared,
  };
}

export function isClean(run: Run): boolean {
  return run.violations.length === 0 && run.problems.length === 0;
}

export function summaryOf(run: Run, report: Report): string {
  const { trials, sent, answered, lost, doubled, reordered, recoveries, disksCompared, recordsCompared } = report;
  const refused = Object.entries(report.refused).map(([code, count]) => `${count} ${code}`);
  const lines = [
    `${trials} trials, each a kill -9 of every process under load and a start; seed ${report.seed}`,
    `${sent} sent, ${answered} answered, ${refused.length === 0 ? 'none refused' : `refused: ${refused.join(', ')}`}`,
    `${lost} lost, ${doubled} doubled, ${reordered} reordered, ${report.reportedFailedButStored} reported failed but stored`,
    `longest gap ${report.longestGapMs} ms; from kill to answer p50 ${recoveries.p50Ms} ms, max ${recoveries.maxMs} ms`,
    `${disksCompared} disks compared, ${recordsCompared} records read`,
  ];
  const shown = run.violations.slice(0, violationsShown).map(({ text }) => text);
  if (run.violations.length > shown.length) shown.push(`... and ${run.violations.length - shown.length} more`);
  const problems = run.problems.slice(0, violationsShown).map((text) => `problem: ${text}`);
  if (run.problems.length > problems.length) problems.push(`... and ${run.problems.length - problems.length} more`);
  return [...lines, ...shown, ...problems].join('\n');
}

/** Of a run with a plant: what it found, and during which trials. */
export function foundText(name: string, run: Run): string {
  const kinds = [...new Set(run.violations.map(({ kind }) => kind))];
  const parts = kinds.map((kind) => {
    const trials = run.violations.flatMap((one) => (one.kind === kind && one.trial !== undefined ? [one.trial] : []));
    const list = [...new Set(trials)].sort((a, b) => a - b).join(', ');
    return `${run.violations.filter((one) => one.kind === kind).length} ${kind} (trials ${list})`;
  });
  return parts.length === 0 ? `plant ${name} was NOT found` : `plant ${name} was found: ${parts.join('; ')}`;
}
