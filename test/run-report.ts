// Reads tap's `jsonstream` (one JSON event a line) into counts, skips and readable failures. The unit of counting is the
// assertion; a file or subtest that failed without a failed assertion inside (it died, it broke its plan) counts as one.

type Details = {
  readonly name?: string;
  readonly fullname?: string;
  readonly level?: number;
  readonly ok?: boolean;
  readonly time?: number;
  readonly skip?: boolean | string;
  readonly todo?: boolean | string;
  readonly bailout?: boolean | string;
  readonly diag?: Diagnosis;
};

type Diagnosis = {
  readonly [part in
    | 'signal'
    | 'exitCode'
    | 'message'
    | 'reason'
    | 'found'
    | 'wanted'
    | 'diff'
    | 'tapError'
    | 'stack']?: unknown;
};

export type Report = {
  passedCount: number;
  failedCount: number;
  readonly failures: string[];
  readonly skips: string[];
  readonly filesEnded: Set<string>;
  /** True once tap has closed the whole run. */
  isEnded: boolean;
  /** Failures seen so far in each open suite, by level: a failed suite without one has failed by itself. */
  readonly failuresByLevel: number[];
  fileStart: { passed: number; failed: number; skipped: number };
  readonly print: (line: string) => void;
  fail(text: string): void;
};

export function startReport(print: (line: string) => void): Report {
  return {
    passedCount: 0,
    failedCount: 0,
    failures: [],
    skips: [],
    filesEnded: new Set(),
    isEnded: false,
    failuresByLevel: [0],
    fileStart: { passed: 0, failed: 0, skipped: 0 },
    print,
    fail(text) {
      this.failedCount += 1;
      this.failures.push(text);
      for (let level = 0; level < this.failuresByLevel.length; level += 1) {
        this.failuresByLevel[level] = (this.failuresByLevel[level] ?? 0) + 1;
      }
    },
  };
}

/** Takes one line of tap's output. Lines that are no event are passed on: they are somebody's words, not a verdict. */
export function readEvent(report: Report, line: string): void {
  let event: unknown;
  try {
    event = JSON.parse(line);
  } catch {
    report.print(line);
    return;
  }
  if (!Array.isArray(event)) {
    report.print(line);
    return;
  }
  const [kind, details] = event as [string, Details];
  const name = details.fullname ?? details.name ?? '?';
  if (kind === 'start') onStart(report, details);
  else if (kind === 'pass') report.passedCount += 1;
  else if (kind === 'fail') report.fail(describe(name, details));
  else if (kind === 'skip' || kind === 'todo') onSkip(report, name, details);
  else if (kind === 'end') onEnd(report, name, details);
  else report.fail(`an event of tap that is not understood: ${line.slice(0, 200)}`);
}

function onStart(report: Report, details: Details): void {
  const level = details.level ?? 0;
  report.failuresByLevel.length = level;
  report.failuresByLevel.push(0);
  if (level !== 1) return;
  report.fileStart = { passed: report.passedCount, failed: report.failedCount, skipped: report.skips.length };
}

/** tap calls a file without any test a skip; nobody asked for that one. */
function onSkip(report: Report, name: string, details: Details): void {
  const reason = details.skip || details.todo;
  if (reason === 'no tests found') report.fail(`${name}: holds no test`);
  else report.skips.push(`${name}${typeof reason === 'string' ? `: ${reason}` : details.todo ? ': to do' : ''}`);
}

function onEnd(report: Report, name: string, details: Details): void {
  const level = details.level ?? 0;
  // A subtest that never ended leaves its level open; what was counted in it was counted here as well.
  report.failuresByLevel.length = level + 1;
  const isSilent = report.failuresByLevel[level] === 0;
  if (details.bailout) report.fail(`${name}: bailed out: ${String(details.bailout)}`);
  else if (level > 0 && details.ok !== true && isSilent) report.fail(describe(name, details));
  else if (level > 0 && (details.skip || details.todo)) onSkip(report, name, details);
  if (level === 1) onFileEnd(report, name, details);
  if (level === 0) report.isEnded = true;
}

function onFileEnd(report: Report, name: string, details: Details): void {
  report.filesEnded.add(name);
  const { fileStart } = report;
  const passed = report.passedCount - fileStart.passed;
  const failed = report.failedCount - fileStart.failed;
  const skipped = report.skips.length - fileStart.skipped;
  const counts = `${passed} passed${failed > 0 ? `, ${failed} failed` : ''}${skipped > 0 ? `, ${skipped} skipped` : ''}`;
  const seconds = ((details.time ?? 0) / 1000).toFixed(1);
  report.print(`${failed > 0 ? 'FAIL' : 'ok  '} ${name.replace(/^dist\//, '')}  ${counts}  ${seconds} s`);
}

/** The parts of a diagnosis that people read; the rest of tap's is about tap. */
function describe(name: string, details: Details): string {
  const diag: Diagnosis = details.diag ?? {};
  const lines = [name];
  if (typeof diag.signal === 'string') lines.push(`  ended by ${diag.signal}`);
  if (typeof diag.exitCode === 'number') lines.push(`  exit code ${diag.exitCode}`);
  if (typeof diag.message === 'string') lines.push(indent(diag.message));
  for (const part of ['reason', 'found', 'wanted', 'diff', 'tapError', 'stack'] as const) {
    const value = diag[part];
    if (value === undefined) continue;
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    lines.push(text.includes('\n') ? indent(text) : `  ${part}: ${text}`);
  }
  return lines.join('\n');
}

function indent(text: string): string {
  return text.trimEnd().replace(/^/gm, '  ');
}
