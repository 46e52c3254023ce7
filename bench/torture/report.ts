// The table, for people and for machines.
import type { Finding } from './findings.ts';
import { countsOf, type Must, type Row } from './judge.ts';
import type { Torture } from './run.ts';

const messageCharsMax = 110;
const violationsShown = 10;

export function isGood({ rows, violations, problems }: Torture): boolean {
  return violations.length === 0 && problems.length === 0 && rows.every(({ complaints }) => complaints.length === 0);
}

/** Markdown; a row for each case. */
export function tableOf(rows: readonly Row[]): string {
  const head = [
    'case',
    'rule',
    'what was done',
    'host',
    'found by',
    'the store is',
    'back after, ms',
    'voters are list',
    'lost / doubled / stale',
  ];
  const lines = rows.map((row) => cellsOf(row));
  return [head, head.map(() => '---'), ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

/** Of a case that just ended, in one line. */
export function lineOf(row: Row): string {
  const [name, , , host, found, fate, back, , counts] = cellsOf(row);
  return [
    `${name} (${host}): ${found}; ${fate}; back after ${back} ms; ${counts}`,
    ...row.complaints.map(complaint),
  ].join('\n');
}

function cellsOf({
  name,
  rule,
  what,
  must,
  hand,
  host,
  hit,
  found,
  fate,
  backMs,
  generations: [before, after],
  counts,
  complaints,
}: Row): string[] {
  const isWrong = complaints.length > 0 ? '**WRONG** ' : '';
  const { lost, doubled, stale, other } = counts;
  const byHand = hand === undefined ? '' : `; by hand: ${hand}`;
  return [
    `${isWrong}${name}`,
    rule,
    `${what}${hit === '' ? '' : `: ${hit}`}${byHand}`,
    host,
    found.length === 0 ? nobodyOf(must) : found.map(describeFinding).join('; '),
    found.some(({ by }) => by === 'verify') ? `${fate}, when it was walked` : fate,
    backMs === undefined ? 'never' : `${backMs}`,
    before === after ? `${after}, as before` : `${after}, before ${before}`,
    `${lost} / ${doubled} / ${stale}${other === 0 ? '' : ` / ${other} others`}`,
  ].map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' '));
}

function nobodyOf(must: Must): string {
  return must === 'maybe' ? 'nobody; a walk finds all as it should be' : 'nobody';
}

/** `open (ENGINE_BEHIND: the store is at write 3, and 9 were durable)`. Paths of this machine are left out. */
export function describeFinding({ by, code, message }: Finding): string {
  const short = message.replace(/(?:\/[^\s/]+)+\/([^\s/]+)/g, '$1');
  return `${by} (${code}: ${short.length > messageCharsMax ? `${short.slice(0, messageCharsMax)}...` : short})`;
}

function complaint(text: string): string {
  return `  WRONG: ${text}`;
}

/** What stands below the table. */
export function summaryOf(torture: Torture): string {
  const { rows, answered, readsChecked, recordsCompared, violations, problems, clusters } = torture;
  const { lost, doubled, stale, other } = countsOf(violations);
  const wrong = rows.filter(({ complaints }) => complaints.length > 0);
  const back = rows.flatMap(({ backMs }) => (backMs === undefined ? [] : [backMs])).sort((a, b) => a - b);
  const shown = violations.slice(0, violationsShown).map(({ text }) => text);
  return [
    `${rows.length} cases on ${clusters} clusters, ${wrong.length} of them wrong; ${answered} answers`,
    `on all disks, when all was over: ${lost} lost, ${doubled} doubled, ${stale} stale of ${readsChecked} views, ${other} others; ${recordsCompared} records compared`,
    `back in all chains after ${back[0] ?? '-'} to ${back.at(-1) ?? '-'} ms`,
    ...wrong.flatMap((row) => row.complaints.map((text) => `wrong: ${row.name}: ${text}`)),
    ...shown,
    ...problems.slice(0, violationsShown).map((text) => `problem: ${text}`),
  ].join('\n');
}
