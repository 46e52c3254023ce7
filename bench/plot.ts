// Plots of a bench as SVG, with nothing but text: panels side by side, both axes logarithmic, a tick with its number at each power of
// ten (at 1, 2 and 5 of each where an axis is short), and the value beside the last point of every line. Where a panel says so, x is places side
// by side, each with its name (and each point its value where there is one line), and y begins at 0.

/** `x` and `y` above 0; points that are not are left out. On an axis of places x counts them, from 0. */
export type Series = { readonly name: string; readonly points: readonly (readonly [x: number, y: number])[] };
export type Panel = {
  readonly title: string;
  readonly x: string;
  /** With its unit. */
  readonly y: string;
  readonly series: readonly Series[];
  /** Of the places on x. */
  readonly places?: readonly string[];
  /** Where y is equal steps from 0. */
  readonly isEven?: true;
  /** Levels to be under, drawn across in the colour of the series of the same name. */
  readonly goals?: Readonly<Record<string, number>>;
};
export type Plot = { readonly id: string; readonly title: string; readonly panels: readonly Panel[] };

type Axis = {
  readonly ticks: readonly { readonly value: number; readonly name: string }[];
  readonly at: (start: number, end: number) => Scale;
};
type Scale = (value: number) => number;

const panelWidth = 440;
const height = 400;
const box = { left: 74, right: 60, top: 96, bottom: 58 };
/** Told apart without seeing colours well (Okabe and Ito), and by their marks. */
const colours = ['#0072b2', '#d55e00', '#009e73', '#cc79a7'];
const font = "font-family='Helvetica, Arial, sans-serif'";
/** An axis that spans fewer powers of ten has more numbers on it. */
const decadesFew = 2;
/** Fewer steps from 0 say too little. */
const stepsMin = 3;

export function svgOf({ title, panels }: Plot): string {
  const width = panelWidth * panels.length;
  const drawn = panels.map(
    (panel, index) => `<g transform='translate(${index * panelWidth} 0)'>${drawPanel(panel)}</g>`,
  );
  return [
    `<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 ${width} ${height}' width='${width}' height='${height}' ${font}>`,
    `<title>${escaped(title)}</title>`,
    `<rect width='${width}' height='${height}' fill='white'/>`,
    text(title, { x: 16, y: 26, size: 16, weight: 'bold' }),
    ...drawn,
    '</svg>\n',
  ].join('\n');
}

function drawPanel({ title, x, y, series, places, isEven, goals = {} }: Panel): string {
  const isKnown = ([x, y]: readonly [number, number]): boolean =>
    (places !== undefined || isPositive(x)) && isPositive(y);
  const known = series.map(({ name, points }) => ({ name, points: points.filter(isKnown) }));
  const all = known.flatMap(({ points }) => points);
  if (all.length === 0) return text(`${title}: nothing was measured`, { x: box.left, y: height / 2, size: 12 });
  const xs = places === undefined ? axisOf(all.map(([value]) => value)) : placesOf(places);
  const heights = [...all.map(([, value]) => value), ...Object.values(goals)];
  const ys = isEven === true ? evenOf(heights) : axisOf(heights);
  const [right, bottom] = [panelWidth - box.right, height - box.bottom];
  const atX = xs.at(box.left, right);
  const atY = ys.at(bottom, box.top);
  return [
    text(title, { x: box.left, y: 54, size: 13, weight: 'bold' }),
    ...drawGrid(xs, ys, atX, atY),
    ...drawLegend(known.map(({ name }) => name)),
    ...Object.entries(goals).map(([name, value]) => {
      const colour = colourOf(known.findIndex((one) => one.name === name));
      return drawGoal(value, atY(value), colour);
    }),
    ...known.map(({ points }, index) => drawLine(points, index, atX, atY)),
    ...(places !== undefined && known.length === 1 ? drawValues(known, atX, atY) : drawLastValues(known, atX, atY)),
    text(x, { x: (box.left + right) / 2, y: height - 16, size: 12, anchor: 'middle' }),
    text(y, { x: 0, y: 0, size: 12, anchor: 'middle', place: `translate(18 ${(box.top + bottom) / 2}) rotate(-90)` }),
  ].join('\n');
}

function drawGrid(xs: Axis, ys: Axis, atX: Scale, atY: Scale): string[] {
  const [right, bottom] = [panelWidth - box.right, height - box.bottom];
  const vertical = xs.ticks.flatMap(({ value, name }) => [
    line(atX(value), box.top, atX(value), bottom, '#e4e4e4'),
    text(name, { x: atX(value), y: bottom + 18, size: 11, anchor: 'middle' }),
  ]);
  const horizontal = ys.ticks.flatMap(({ value, name }) => [
    line(box.left, atY(value), right, atY(value), '#e4e4e4'),
    text(name, { x: box.left - 8, y: atY(value) + 4, size: 11, anchor: 'end' }),
  ]);
  const frame = [line(box.left, bottom, right, bottom, '#555'), line(box.left, box.top, box.left, bottom, '#555')];
  return [...vertical, ...horizontal, ...frame];
}

function drawLegend(names: readonly string[]): string[] {
  let x = box.left;
  return names.flatMap((name, index) => {
    const at = x;
    x += 26 + name.length * 6.4;
    return [mark(index, at + 5, 74), text(name, { x: at + 14, y: 78, size: 11 })];
  });
}

function drawGoal(value: number, y: number, colour: string): string {
  const right = panelWidth - box.right;
  const stroke = `stroke='${colour}' stroke-dasharray='5 4'`;
  return [
    `<line x1='${box.left}' y1='${round(y)}' x2='${right}' y2='${round(y)}' ${stroke}/>`,
    // At the upper edge it stands below its line: above it is the legend.
    text(`goal ${numberText(value)}`, { x: box.left + 6, y: y < box.top + 16 ? y + 14 : y - 5, size: 11, colour }),
  ].join('\n');
}

function drawLine(points: Series['points'], index: number, atX: Scale, atY: Scale): string {
  const path = points.map(([x, y]) => `${round(atX(x))},${round(atY(y))}`).join(' ');
  const marks = points.map(([x, y]) => mark(index, atX(x), atY(y)));
  return [`<polyline points='${path}' fill='none' stroke='${colourOf(index)}' stroke-width='2'/>`, ...marks].join('\n');
}

/** Above each point: for one line with few of them. */
function drawValues(series: readonly Series[], atX: Scale, atY: Scale): string[] {
  return series.flatMap(({ points }, index) =>
    points.map(([x, y]) =>
      text(numberText(y), { x: atX(x), y: atY(y) - 10, size: 11, anchor: 'middle', colour: colourOf(index) }),
    ),
  );
}

/** Moved apart where lines end near each other. */
function drawLastValues(series: readonly Series[], atX: Scale, atY: Scale): string[] {
  const ends = series.flatMap(({ points }, index) => {
    const last = points.at(-1);
    return last === undefined ? [] : [{ index, value: last[1], x: atX(last[0]) + 9, y: atY(last[1]) + 4 }];
  });
  ends.sort((a, b) => a.y - b.y);
  let free = 0;
  return ends.map(({ index, value, x, y }) => {
    const at = Math.max(y, free);
    free = at + 13;
    return text(numberText(value), { x, y: at, size: 11, colour: colourOf(index) });
  });
}

function mark(index: number, x: number, y: number): string {
  const fill = `fill='${colourOf(index)}'`;
  if (index % 3 === 0) return `<circle cx='${round(x)}' cy='${round(y)}' r='4' ${fill}/>`;
  if (index % 3 === 1) return `<rect x='${round(x - 3.5)}' y='${round(y - 3.5)}' width='7' height='7' ${fill}/>`;
  return `<path d='M ${round(x)} ${round(y - 4.5)} l 4.5 8 h -9 z' ${fill}/>`;
}

/** From the tick below the lowest value to the one above the highest. */
function axisOf(values: readonly number[]): Axis {
  const [low, high] = [Math.log10(Math.min(...values)), Math.log10(Math.max(...values))];
  const steps = high - low < decadesFew ? [1, 2, 5] : [1];
  const candidates: number[] = [];
  for (let power = Math.floor(low) - 1; power <= Math.ceil(high) + 1; power += 1) {
    for (const step of steps) candidates.push(step * 10 ** power);
  }
  // A value that stands on a tick, but for rounding, needs no further one.
  const from = Math.max(...candidates.filter((tick) => Math.log10(tick) <= low + 1e-9));
  const to = Math.min(...candidates.filter((tick) => Math.log10(tick) >= high - 1e-9 && tick > from));
  const ticks = candidates.filter((tick) => tick >= from && tick <= to).map(tickOf);
  const [left, right] = [Math.log10(from), Math.log10(to)];
  return {
    ticks,
    at: (start, end) => (value) => start + ((Math.log10(value) - left) / (right - left)) * (end - start),
  };
}

/** Each place in the middle of as much room as any other. */
function placesOf(names: readonly string[]): Axis {
  return {
    ticks: names.map((name, value) => ({ value, name })),
    at: (start, end) => (value) => start + ((value + 0.5) / names.length) * (end - start),
  };
}

/** From 0 in steps of 1, 2 or 5 of a power of ten, as few as reach the highest value and are more than `stepsMin`. */
function evenOf(values: readonly number[]): Axis {
  const highest = Math.max(...values);
  const power = 10 ** Math.floor(Math.log10(highest) - 1);
  const step = Math.max(...[1, 2, 5, 10].map((one) => one * power).filter((one) => highest / one > stepsMin));
  // A value stands above its point.
  const count = Math.ceil((highest * 1.05) / step);
  const ticks = Array.from({ length: count + 1 }, (_, index) => tickOf(index * step));
  return { ticks, at: (start, end) => (value) => start + (value / (count * step)) * (end - start) };
}

function tickOf(value: number): { readonly value: number; readonly name: string } {
  return { value, name: numberText(value) };
}

type Text = {
  readonly x: number;
  readonly y: number;
  readonly size: number;
  readonly anchor?: 'middle' | 'end';
  readonly weight?: 'bold';
  readonly colour?: string;
  readonly place?: string;
};

function text(words: string, { x, y, size, anchor, weight, colour = '#222', place }: Text): string {
  const extra = [
    anchor === undefined ? '' : ` text-anchor='${anchor}'`,
    weight === undefined ? '' : ` font-weight='${weight}'`,
    place === undefined ? '' : ` transform='${place}'`,
  ].join('');
  return `<text x='${round(x)}' y='${round(y)}' font-size='${size}' fill='${colour}'${extra}>${escaped(words)}</text>`;
}

function line(x1: number, y1: number, x2: number, y2: number, colour: string): string {
  return `<line x1='${round(x1)}' y1='${round(y1)}' x2='${round(x2)}' y2='${round(y2)}' stroke='${colour}'/>`;
}

function colourOf(index: number): string {
  return colours[Math.max(index, 0) % colours.length] as string;
}

function isPositive(value: number): boolean {
  return Number.isFinite(value) && value > 0;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

/** To three digits: 0.02, 1.5, 20, 3,000, 100 k, 1 M. */
function numberText(value: number): string {
  const rounded = Number(value.toPrecision(3));
  if (rounded >= 1_000_000) return `${rounded / 1_000_000} M`;
  if (rounded >= 10_000) return `${rounded / 1_000} k`;
  return rounded.toLocaleString('en-US', { maximumSignificantDigits: 3 });
}

function escaped(words: string): string {
  return words.replace(/[&<>']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
