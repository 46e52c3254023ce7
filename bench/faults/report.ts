// What a run found, for people and for machines.
import { percentile, type Spread, spreadOf } from './gaps.ts';
import type { ViolationKind } from './record.ts';
import type { Measured, Run } from './run.ts';
import { describeCase, type Fault, faults, type Seen } from './trial.ts';

export type Goal = { readonly name: string; readonly value: number; readonly goal: number; readonly holds: boolean };

/** The trial with the longest gap of its kind, so that somebody can explain it. */
export type Slowest = {
  readonly trial: number;
  readonly case: string;
  readonly gapMs: number;
  readonly chainGapsMs: readonly number[];
  /** After the fault. */
  readonly endedMs: number;
  readonly backMs: number | undefined;
  readonly wholeMs: number | undefined;
  /** What `status` said, each time that it was something else. */
  readonly seen: readonly Seen[];
};

export type Report = {
  readonly trials: number;
  readonly answered: number;
  readonly lost: number;
  readonly doubled: number;
  readonly reordered: number;
  readonly longestGapMs: number;
  readonly reportedFailedButStored: number;
  readonly invented: number;
  readonly stale: number;
  readonly problems: number;
  readonly sent: number;
  readonly refused: Readonly<Record<string, number>>;
  readonly seed: number;
  /** Of the gaps of single chains. */
  readonly recoveries: Readonly<Record<Fault, Spread & { readonly trials: number }>>;
  /** Of the longest gaps of single clients. */
  readonly clientGaps: Readonly<Record<Fault, Spread>>;
  /** From the end of a fault until every host serves again in every chain. */
  readonly wholeAgain: { readonly p50Ms: number; readonly maxMs: number };
  readonly goals: readonly Goal[];
  readonly readsChecked: number;
  readonly disksCompared: number;
  readonly recordsCompared: number;
  readonly slowest: Readonly<Partial<Record<Fault, Slowest>>>;
};

const violationsShown = 10;
const killGapMs = 1_000;
const pauseGapMs = 3_000;

export function reportOf(run: Run, seed: number): Report {
  const count = (kind: ViolationKind): number => run.violations.filter((one) => one.kind === kind).length;
  const refused: Record<string, number> = {};
  for (const { outcome } of run.sends) {
    if (outcome.kind === 'refused') refused[outcome.code] = (refused[outcome.code] ?? 0) + 1;
  }
  const { p50Ms, maxMs } = spreadOf(
    run.trials.flatMap(({ wholeAtMs, endedAtMs }) => (wholeAtMs === undefined ? [] : [wholeAtMs - endedAtMs])),
  );
  return {
    trials: run.trials.length,
    answered: run.sends.filter(({ outcome }) => outcome.kind === 'answered').length,
    lost: count('lost'),
    doubled: count('doubled'),
    reordered: count('reordered'),
    longestGapMs: Math.round(run.longestGapMs),
    reportedFailedButStored: count('reportedFailedButStored'),
    invented: count('invented'),
    stale: count('stale'),
    problems: run.problems.length,
    sent: run.sends.length,
    refused,
    seed,
    recoveries: perFault(run.trials, (trials) => ({
      ...spreadOf(trials.flatMap(({ chainGapsMs }) => chainGapsMs)),
      trials: trials.length,
    })),
    clientGaps: perFault(run.trials, (trials) => spreadOf(trials.flatMap(({ clientGapsMs }) => clientGapsMs))),
    wholeAgain: { p50Ms, maxMs },
    goals: goalsOf(run.trials),
    readsChecked: run.readsChecked,
    disksCompared: run.disksCompared,
    recordsCompared: run.recordsCompared,
    slowest: slowestOf(run.trials),
  };
}

/** Of a kind without trials there is no goal: nothing was measured. */
export function goalsOf(trials: readonly Measured[]): Goal[] {
  const goal = (name: string, kinds: readonly Fault[], goalMs: number): Goal[] => {
    const gaps = trials.filter(({ fault }) => kinds.includes(fault)).flatMap(({ chainGapsMs }) => chainGapsMs);
    const value = Math.round(percentile(gaps, 0.99));
    return gaps.length === 0 ? [] : [{ name, value, goal: goalMs, holds: value < goalMs }];
  };
  return [
    ...goal('gap of a chain after kill -9 of a host, p99, ms', ['kill', 'stay'], killGapMs),
    ...goal('gap of a chain after SIGSTOP of a host, p99, ms', ['pause'], pauseGapMs),
  ];
}

export function gapMs({ chainGapsMs }: Measured): number {
  return Math.max(0, ...chainGapsMs);
}

export function isClean(run: Run): boolean {
  return run.violations.length === 0 && run.problems.length === 0;
}

export function summaryOf(run: Run, report: Report): string {
  const { trials, sent, answered, lost, doubled, reordered, stale, wholeAgain } = report;
  const refused = Object.entries(report.refused).map(([code, count]) => `${count} ${code}`);
  const gaps = faults.flatMap((fault) => {
    const { p50Ms, p99Ms, maxMs, trials: count } = report.recoveries[fault];
    const client = report.clientGaps[fault];
    const ofClients = `of a client p50 ${client.p50Ms}, p99 ${client.p99Ms}, max ${client.maxMs} ms`;
    return count === 0
      ? []
      : [`  ${fault}: ${count} trials; gap of a chain p50 ${p50Ms}, p99 ${p99Ms}, max ${maxMs} ms; ${ofClients}`];
  });
  const goals = report.goals.map(({ name, value, goal, holds }) => {
    return `goal ${holds ? 'holds' : 'MISSED'}: ${name}: ${value}, and less than ${goal} is wanted`;
  });
  const lines = [
    `${trials} trials under load; seed ${report.seed}`,
    `${sent} sent, ${answered} answered, ${refused.length === 0 ? 'none refused' : `refused: ${refused.join(', ')}`}`,
    `${lost} lost, ${doubled} doubled, ${reordered} reordered, ${report.reportedFailedButStored} reported failed but stored`,
    `${stale} stale views among ${report.readsChecked} that were asked for afresh`,
    ...gaps,
    `longest gap of all clients together ${report.longestGapMs} ms; whole again after p50 ${wholeAgain.p50Ms}, max ${wholeAgain.maxMs} ms`,
    ...goals,
    `${report.disksCompared} disks compared, ${report.recordsCompared} records read`,
  ];
  return [...lines, ...shownOf(run)].join('\n');
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

function shownOf(run: Run): string[] {
  const shown = run.violations.slice(0, violationsShown).map(({ text }) => text);
  if (run.violations.length > shown.length) shown.push(`... and ${run.violations.length - shown.length} more`);
  const problems = run.problems.slice(0, violationsShown).map((text) => `problem: ${text}`);
  if (run.problems.length > problems.length) problems.push(`... and ${run.problems.length - problems.length} more`);
  return [...shown, ...problems];
}

function perFault<T>(trials: readonly Measured[], of: (trials: readonly Measured[]) => T): Record<Fault, T> {
  const ofFault = (fault: Fault): T => of(trials.filter((trial) => trial.fault === fault));
  return { kill: ofFault('kill'), stay: ofFault('stay'), pause: ofFault('pause'), all: ofFault('all') };
}

function slowestOf(trials: readonly Measured[]): Partial<Record<Fault, Slowest>> {
  const slowest: Partial<Record<Fault, Slowest>> = {};
  for (const trial of trials) {
    if (gapMs(trial) <= (slowest[trial.fault]?.gapMs ?? -1)) continue;
    const { number, chainGapsMs, faultAtMs, endedAtMs, backAtMs, wholeAtMs, seen } = trial;
    slowest[trial.fault] = {
      trial: number,
      case: describeCase(trial),
      gapMs: Math.round(gapMs(trial)),
      chainGapsMs: chainGapsMs.map(Math.round),
      endedMs: Math.round(endedAtMs - faultAtMs),
      backMs: backAtMs === undefined ? undefined : Math.round(backAtMs - faultAtMs),
      wholeMs: wholeAtMs === undefined ? undefined : Math.round(wholeAtMs - faultAtMs),
      seen,
    };
  }
  return slowest;
}
