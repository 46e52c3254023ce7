// `npm test`: every compiled test file under tap, one line a file, and one closing line that can be believed.
//
// tap's own verdict is not enough: a file that dies early leaves no failed assertion, and a runner that dies leaves no verdict
// at all. So this counts what it was told (assertions), and holds it against the list of files that it asked for.
import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { type Report, readEvent, startReport } from './run-report.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const filters = process.argv.slice(2);
const files = testFiles().filter((file) => filters.length === 0 || filters.some((filter) => file.includes(filter)));
if (files.length === 0) finish(failedBefore(`no test file matches ${filters.join(' ') || 'test/**/*.test.ts'}`));
else await run(files);

/** Compiled tests whose source exists: the compiler leaves the output of removed files behind. */
function testFiles(): string[] {
  return readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => join('dist', 'test', name.replace(/\.ts$/, '.js')))
    .sort();
}

async function run(asked: readonly string[]): Promise<void> {
  const missing = asked.filter((file) => !existsSync(join(root, file)));
  if (missing.length > 0) return finish(failedBefore(`not compiled: ${missing.join(', ')}`));
  const tapFolder = dirname(createRequire(import.meta.url).resolve('tap/package.json'));
  const tap = [join(tapFolder, 'dist/esm/run.mjs'), 'run', '--reporter=./dist/test/run-reporter.js'];
  const child = spawn(process.execPath, [...tap, ...asked], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
  const report = startReport(console.log);
  const ended = new Promise<string>((resolve) => {
    child.on('error', (error) => resolve(error.message));
    child.on('close', (code, signal) => resolve(signal ?? String(code)));
  });
  for await (const line of createInterface({ input: child.stdout })) readEvent(report, line);
  checkEnd(report, asked, await ended);
  finish(report);
}

/** What tap owes us besides events: a verdict on each file, an end, and an exit code that agrees with what was seen. */
function checkEnd(report: Report, asked: readonly string[], exit: string): void {
  for (const file of asked) {
    if (!report.filesEnded.has(file)) report.fail(`${file}: no verdict: the runner ended before it`);
  }
  if (!report.isEnded) report.fail(`tap did not finish (exit ${exit})`);
  else if (exit !== '0' && report.failedCount === 0) report.fail(`tap failed (exit ${exit}) and did not say why`);
  if (report.passedCount === 0 && report.failedCount === 0) report.fail('no test ran');
}

function failedBefore(reason: string): Report {
  const report = startReport(console.log);
  report.fail(reason);
  return report;
}

function finish(report: Report): void {
  for (const failure of report.failures) console.log(`\nFAILED ${failure}`);
  if (report.skips.length > 0) console.log(`\n${report.skips.length} skipped:`);
  for (const skip of report.skips) console.log(`  ${skip}`);
  const skipped = report.skips.length > 0 ? `, ${report.skips.length} skipped` : '';
  console.log(`\n${report.passedCount} passed, ${report.failedCount} failed${skipped}`);
  process.exitCode = report.failedCount > 0 || report.passedCount === 0 ? 1 : 0;
}
