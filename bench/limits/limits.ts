// The bare chain and the bare path end to end by themselves, for runs that compare nothing with them.
import { alternate, type Subject } from '../alternate.ts';
import { type Context, type MeasureRow, type Point, row } from '../measure.ts';
import { startBareChain } from './bare-chain.ts';
import { startBareEndToEnd } from './bare-e2e.ts';

/** The concurrencies at which chains and paths are compared. */
export const concurrencies = [1, 64, 256, 1024] as const;

type Stoppable = Subject & { stop(): Promise<void> };

export async function measureBareChain(context: Context): Promise<MeasureRow[]> {
  return measureAlone(context, 'bare chain', 'L3', await startBareChain());
}

export async function measureBareEndToEnd(context: Context): Promise<MeasureRow[]> {
  return measureAlone(context, 'bare end to end', 'L4', await startBareEndToEnd());
}

async function measureAlone(context: Context, what: string, id: string, bare: Stoppable): Promise<MeasureRow[]> {
  try {
    const comparisons = await alternate(context, what, { bare }, concurrencies);
    return comparisons.flatMap(({ concurrency, points }) => rowsOfBare(id, what, concurrency, points.bare));
  } finally {
    await bare.stop();
  }
}

/** The rows of a limit at one concurrency, also for measures that took it in turns with something of ours. */
export function rowsOfBare(id: string, what: string, concurrency: number, { perSecond, p50Ms }: Point): MeasureRow[] {
  return [
    row({ id: `${id}.${concurrency}`, what: `${what}, ${concurrency} in flight`, value: perSecond, unit: '/s' }),
    row({ id: `${id}.${concurrency}.p50`, what: `${what}, ${concurrency} in flight`, value: p50Ms, unit: 'ms' }),
  ];
}
