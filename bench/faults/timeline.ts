// The picture of a run: of every kind of fault, a trial from the middle and the slowest one. A row a chain, a bar for every 10 ms
// with answers, the higher the more there were; lines where the fault came, where it ended, and where all was whole again.
import { placeDocument } from '../../chain/placement.ts';
import { answersBy, indexFrom } from './gaps.ts';
import { chains } from './load.ts';
import { gapMs } from './report.ts';
import type { Measured, Run } from './run.ts';
import { describeCase, faults } from './trial.ts';

const binMs = 10;
const binWidth = 2;
const rowHeight = 22;
const barHeightMax = 18;
const leadMs = 300;
const restMs = 300;
/** What comes later is cut off: a picture as wide as this is still a picture. */
const panelMsMax = 10_000;
const left = 70;
const top = 46;
const axisHeight = 40;
const rulerMs = 500;

type Panel = { readonly title: string; readonly trial: Measured };

export function timelineOf(run: Run): string {
  const panels = faults.flatMap((fault) => panelsOf(run.trials.filter((trial) => trial.fault === fault)));
  const answers = answersBy(run.sends, ({ doc }) => placeDocument(doc, chains));
  const parts: string[] = [];
  let y = 0;
  let width = 600;
  for (const panel of panels) {
    const drawn = drawPanel(panel, answers);
    parts.push(`<g transform="translate(0 ${y})">${drawn.body}</g>`);
    y += drawn.height;
    width = Math.max(width, drawn.width);
  }
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${y}" viewBox="0 0 ${width} ${y}"`,
    ` font-family="sans-serif" font-size="11">`,
    `<rect width="100%" height="100%" fill="#ffffff"/>\n${parts.join('\n')}\n</svg>\n`,
  ].join('');
}

function panelsOf(trials: readonly Measured[]): Panel[] {
  const sorted = [...trials].sort((a, b) => gapMs(a) - gapMs(b));
  const slowest = sorted.at(-1);
  const middle = sorted[Math.floor((sorted.length - 1) / 2)];
  if (slowest === undefined || middle === undefined) return [];
  const panels = middle === slowest ? [] : [{ title: 'a usual trial', trial: middle }];
  return [...panels, { title: 'the slowest trial', trial: slowest }];
}

type Drawn = { readonly body: string; readonly width: number; readonly height: number };

function drawPanel({ title, trial }: Panel, answers: ReadonlyMap<number, readonly number[]>): Drawn {
  const fromMs = trial.faultAtMs - leadMs;
  const bins = Math.ceil(Math.min(trial.closedAtMs + restMs - fromMs, panelMsMax) / binMs);
  const counts = Array.from({ length: chains }, (_, chain) => countsOf(answers.get(chain) ?? [], fromMs, bins));
  const most = Math.max(1, ...counts.flat());
  const bottom = top + chains * rowHeight;
  const right = left + bins * binWidth;
  const xOf = (atMs: number): number => Math.round(left + ((atMs - fromMs) / binMs) * binWidth);
  const head = `${describeCase(trial)}: ${title}, trial ${trial.number}; longest gap ${Math.round(gapMs(trial))} ms`;
  const rows = counts.flatMap((row, chain) => {
    const base = top + (chain + 1) * rowHeight;
    const name = `<text x="${left - 8}" y="${base - 4}" text-anchor="end" fill="#555">chain ${chain}</text>`;
    return [name, line(left, base, right, base, '#ddd'), `<path d="${barsOf(row, base, most)}" fill="#2b6cb0"/>`];
  });
  const marks = [
    mark(xOf(trial.faultAtMs), bottom, '#c53030', 'fault'),
    ...(trial.endedAtMs - trial.faultAtMs < 50
      ? []
      : [mark(xOf(trial.endedAtMs), bottom, '#b7791f', 'fault ends', 'end')]),
    ...(trial.wholeAtMs === undefined ? [] : [mark(xOf(trial.wholeAtMs), bottom, '#2f855a', 'whole')]),
  ];
  const ticks: string[] = [];
  for (let ms = 0; xOf(trial.faultAtMs + ms) <= right; ms += rulerMs) {
    const x = xOf(trial.faultAtMs + ms);
    ticks.push(
      line(x, bottom, x, bottom + 4, '#555'),
      `<text x="${x}" y="${bottom + 16}" text-anchor="middle">${ms}</text>`,
    );
  }
  const caption = `<text x="8" y="16" font-size="13" font-weight="bold">${head}</text>`;
  const unit = `<text x="${left - 8}" y="${bottom + 16}" text-anchor="end" fill="#555">ms</text>`;
  const scale = `<text x="8" y="31" fill="#555">answers in each ${binMs} ms; the highest bar is ${most}</text>`;
  const body = [caption, scale, ...rows, ...marks, unit, ...ticks].join('\n');
  return { body, width: right + 60, height: bottom + axisHeight };
}

function countsOf(times: readonly number[], fromMs: number, bins: number): number[] {
  const counts = Array.from({ length: bins }, () => 0);
  for (let index = indexFrom(times, fromMs); index < times.length; index += 1) {
    const bin = Math.floor(((times[index] as number) - fromMs) / binMs);
    if (bin >= bins) break;
    counts[bin] = (counts[bin] as number) + 1;
  }
  return counts;
}

function barsOf(counts: readonly number[], base: number, most: number): string {
  return counts
    .flatMap((count, bin) => {
      const height = Math.max(2, Math.round((count / most) * barHeightMax));
      return count === 0 ? [] : [`M${left + bin * binWidth} ${base}v${-height}h${binWidth}v${height}z`];
    })
    .join('');
}

/** `anchor` is the end of the text that is at the line. */
function mark(x: number, bottom: number, color: string, text: string, anchor: 'start' | 'end' = 'start'): string {
  const at = `x="${anchor === 'start' ? x + 3 : x - 3}" y="${top - 4}" text-anchor="${anchor}"`;
  return `${line(x, top - 4, x, bottom, color)}<text ${at} fill="${color}">${text}</text>`;
}

function line(x1: number, y1: number, x2: number, y2: number, color: string): string {
  return `<line x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}" stroke="${color}"/>`;
}
