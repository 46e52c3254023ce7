// What a plot says in its marks: places by logarithms, numbers beside the lines, nothing from outside taken for markup.
import t from 'tap';
import { type Plot, svgOf } from '../../bench/plot.ts';

function plotOf(points: readonly (readonly [number, number])[], goals: Readonly<Record<string, number>> = {}): Plot {
  return {
    id: 'X',
    title: 'a title',
    panels: [{ title: 'one', x: 'things', y: 'time, ms', series: [{ name: 'line', points }], goals }],
  };
}

function lineIn(svg: string): number[][] {
  const points = /<polyline points='([^']*)'/.exec(svg)?.[1] ?? '';
  return points.split(' ').map((point) => point.split(',').map(Number));
}

function wordsIn(svg: string): string[] {
  return [...svg.matchAll(/<text [^>]*>([^<]*)</g)].map((match) => match[1] ?? '');
}

t.test('equal factors are equal ways on both axes', async (t) => {
  const [a, b, c] = lineIn(
    svgOf(
      plotOf([
        [1, 1],
        [100, 10],
        [10_000, 100],
      ]),
    ),
  ) as [number[], number[], number[]];
  t.equal((b[0] as number) - (a[0] as number), (c[0] as number) - (b[0] as number));
  t.equal((b[1] as number) - (a[1] as number), (c[1] as number) - (b[1] as number));
  t.ok((b[0] as number) > (a[0] as number), 'more is to the right');
  t.ok((b[1] as number) < (a[1] as number), 'and up');
});

t.test('axes have their names, ticks their numbers, and a line the value at its end', async (t) => {
  const words = wordsIn(
    svgOf(
      plotOf([
        [1, 3],
        [1_000_000, 4_567],
      ]),
    ),
  );
  for (const word of ['a title', 'one', 'line', 'things', 'time, ms', '1', '1,000', '100 k', '1 M', '4,570']) {
    t.ok(words.includes(word), `says ${word}`);
  }
});

t.test('a goal is within the axis and says its level', async (t) => {
  const svg = svgOf(
    plotOf(
      [
        [1, 10],
        [10, 20],
      ],
      { line: 5_000 },
    ),
  );
  t.ok(wordsIn(svg).includes('goal 5,000'));
  t.ok(wordsIn(svg).includes('10 k'), 'the axis goes past it');
});

t.test('what no logarithm has is left out, and nothing is not a number', async (t) => {
  const svg = svgOf(
    plotOf([
      [0, 5],
      [10, -1],
      [10, 50],
      [100, Number.NaN],
    ]),
  );
  t.equal(lineIn(svg).length, 1);
  t.notMatch(svg, /NaN|Infinity|undefined/);
  t.ok(wordsIn(svgOf(plotOf([[1, 0]]))).includes('one: nothing was measured'));
});

t.test(
  'places stand side by side with their names, equal steps from 0 are equal ways, and one line says every value',
  async (t) => {
    const panel = {
      title: 'one',
      x: 'threads',
      y: 'a second',
      places: ['none', '1', '2'],
      isEven: true as const,
      series: [
        {
          name: 'line',
          points: [
            [0, 500],
            [1, 1_000],
            [2, 1_500],
          ] as const,
        },
      ],
    };
    const svg = svgOf({ id: 'X', title: 'a title', panels: [panel] });
    const [a, b, c] = lineIn(svg) as [number[], number[], number[]];
    t.ok(Math.abs((b[0] as number) * 2 - (a[0] as number) - (c[0] as number)) <= 0.2);
    t.ok(Math.abs((b[1] as number) * 2 - (a[1] as number) - (c[1] as number)) <= 0.2);
    for (const word of ['none', '0', '500', '1,000', '1,500']) t.ok(wordsIn(svg).includes(word), `says ${word}`);
  },
);

t.test('words are never markup', async (t) => {
  const svg = svgOf({ ...plotOf([[1, 1]]), title: `<script>'&` });
  t.notMatch(svg, /<script>/);
  t.ok(wordsIn(svg).includes('&#60;script&#62;&#39;&#38;'));
});
