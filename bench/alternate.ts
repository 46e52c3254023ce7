// Two things measured on a shared machine are comparable only if they are measured in turns: bare, ours, bare, ours, ... Each
// figure is the median of its rounds.
import { type Context, describePoint, medianPoint, type Point } from './measure.ts';

export type Subject = { measure(concurrency: number, seconds: number): Promise<Point> };
/** The median points of all subjects at one concurrency. */
export type Comparison<Name extends string> = {
  readonly concurrency: number;
  readonly points: Readonly<Record<Name, Point>>;
};

export async function alternate<Name extends string>(
  context: Context,
  what: string,
  subjects: Readonly<Record<Name, Subject>>,
  concurrencies: readonly number[],
): Promise<Comparison<Name>[]> {
  const names = Object.keys(subjects) as Name[];
  // One short run of each that does not count: code is compiled, connections are open, stores have their first file.
  for (const name of names) {
    for (const concurrency of concurrencies) await subjects[name].measure(concurrency, context.secondsPerPoint / 4);
  }
  const comparisons: Comparison<Name>[] = [];
  for (const concurrency of concurrencies) {
    const rounds = Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<Name, Point[]>;
    for (let round = 0; round < context.rounds; round += 1) {
      for (const name of names) rounds[name].push(await subjects[name].measure(concurrency, context.secondsPerPoint));
    }
    const points = Object.fromEntries(names.map((name) => [name, medianPoint(rounds[name])])) as Record<Name, Point>;
    for (const name of names) context.progress(`${what}, ${name}, ${concurrency}: ${describePoint(points[name])}`);
    comparisons.push({ concurrency, points });
  }
  return comparisons;
}
