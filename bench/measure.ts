// What a bench measures and how it is said: rows with an id, a goal, and what they are compared with; a table for people and
// JSON for machines. A bare figure says little on a shared machine, so a goal is on a ratio within one run wherever it can be.
import { readFileSync, statfsSync, writeFileSync } from 'node:fs';
import { cpus, freemem, tmpdir, totalmem } from 'node:os';
import type { Plot } from './plot.ts';

/** One run of a load, closed or open. */
export type Point = {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly count: number;
};

export type MeasureRow = {
  /** `P1`, a further point of it (`P1.64`), or a limit of the machine (`L3.64`). */
  readonly id: string;
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  /** What the value is compared with, in the same unit. */
  readonly of: number | null;
  readonly ratio: number | null;
  /** As `>= 0.5` or `<= 1.3`: of the ratio where there is one, else of the value. */
  readonly goal: string | null;
  readonly holds: boolean | null;
};

export type Context = {
  /** Seconds per point and the number of rounds: quick runs are shorter, never of another kind. */
  readonly secondsPerPoint: number;
  readonly rounds: number;
  readonly isQuick: boolean;
  readonly progress: (line: string) => void;
  /** Takes a plot into the report. */
  readonly plot: (plot: Plot) => void;
  /** Says in the report what could not be measured, and what for want of. */
  readonly missing: (text: string) => void;
  /** Where peers are kept that are installed on demand. */
  readonly peersPath?: string;
};
export type Measure = (context: Context) => Promise<MeasureRow[]>;

export type Machine = {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGb: number;
  readonly memoryFreeGb: number;
  readonly platform: string;
  readonly node: string;
  /** Where the stores of the bench lie; on `memory` a sync costs nothing and durable figures mean nothing. */
  readonly disk: 'disk' | 'memory';
  readonly packages: Readonly<Record<string, string>>;
};
export type Report = {
  readonly machine: Machine;
  readonly measures: readonly MeasureRow[];
  readonly plots: readonly Plot[];
  readonly missing: readonly string[];
};

export function row(parts: Pick<MeasureRow, 'id' | 'what' | 'value' | 'unit'> & Partial<MeasureRow>): MeasureRow {
  const { id, what, value, unit, of = null, goal = null } = parts;
  const ratio = of === null ? null : value / of;
  return { id, what, value, unit, of, ratio, goal, holds: goal === null ? null : meets(ratio ?? value, goal) };
}

function meets(value: number, goal: string): boolean {
  const [sign, bound] = goal.split(' ');
  if ((sign !== '>=' && sign !== '<=') || !Number.isFinite(Number(bound))) throw new Error(`not a goal: ${goal}`);
  return sign === '>=' ? value >= Number(bound) : value <= Number(bound);
}

/** The value below which `share` of the sorted values lie. */
export function percentile(sorted: ArrayLike<number>, share: number): number {
  return sorted[Math.min(Math.floor(sorted.length * share), sorted.length - 1)] ?? Number.NaN;
}

export function median(values: readonly number[]): number {
  return percentile(Float64Array.from(values).sort(), 0.5);
}

export function pointOf(latenciesMs: readonly number[], seconds: number): Point {
  const sorted = Float64Array.from(latenciesMs).sort();
  const count = sorted.length;
  const [p50Ms, p99Ms, p999Ms] = [percentile(sorted, 0.5), percentile(sorted, 0.99), percentile(sorted, 0.999)];
  return { perSecond: count / seconds, p50Ms, p99Ms, p999Ms, count };
}

/** Each figure's own median: a run that was disturbed moves none of them. */
export function medianPoint(points: readonly Point[]): Point {
  const of = (key: keyof Point): number => median(points.map((point) => point[key]));
  const [p50Ms, p99Ms, p999Ms] = [of('p50Ms'), of('p99Ms'), of('p999Ms')];
  return { perSecond: of('perSecond'), p50Ms, p99Ms, p999Ms, count: of('count') };
}

export function describePoint({ perSecond, p50Ms, p99Ms }: Point): string {
  return `${numberText(perSecond)}/s  p50 ${p50Ms.toFixed(2)} ms  p99 ${p99Ms.toFixed(2)} ms`;
}

export function describeMachine(): Machine {
  const root = new URL('../../', import.meta.url);
  const gb = (bytes: number): number => Math.round(bytes / 2 ** 27) / 8;
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryGb: gb(totalmem()),
    memoryFreeGb: gb(freemem()),
    platform: `${process.platform} ${process.arch}`,
    node: process.version,
    disk: isInMemory(tmpdir()) ? 'memory' : 'disk',
    packages: Object.fromEntries(
      Object.keys(manifestOf(new URL('package.json', root)).dependencies ?? {}).map((name) => [
        name,
        manifestOf(new URL(`node_modules/${name}/package.json`, root)).version ?? 'unknown',
      ]),
    ),
  };
}

/** The magic numbers that Linux gives tmpfs and ramfs. */
function isInMemory(folder: string): boolean {
  return [0x01021994, 0x858458f6].includes(statfsSync(folder).type);
}

function manifestOf(url: URL): { version?: string; dependencies?: Record<string, string> } {
  return JSON.parse(readFileSync(url, 'utf8'));
}

export function tableOf(rows: readonly MeasureRow[]): string {
  const cells = rows.map((row) => [
    row.id,
    row.what,
    `${numberText(row.value)} ${row.unit}`,
    row.of === null ? '' : numberText(row.of),
    row.ratio === null ? '' : row.ratio.toFixed(2),
    row.goal ?? '',
    row.holds === null ? '' : row.holds ? 'holds' : 'MISSED',
  ]);
  const table = [['id', 'measure', 'value', 'of', 'ratio', 'goal', ''], ...cells];
  const widths = (table[0] ?? []).map((_, column) => Math.max(...table.map((line) => line[column]?.length ?? 0)));
  const isRight = (column: number): boolean => column >= 2 && column <= 4;
  const lines = table.map((line) =>
    line
      .map((cell, column) => (isRight(column) ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
  return lines.join('\n');
}

function numberText(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString('en-US') : value.toFixed(2);
}

export function writeReport(path: string, report: Report): void {
  writeFileSync(path, `${JSON.stringify(report, null, 2)}\n`);
}
