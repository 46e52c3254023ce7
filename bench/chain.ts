// P1 and P2: what a chain of three hosts does without clients and handlers, beside the bare chain, measured in turns.

import { placeChains } from '../chain/placement.ts';
import { prepareFolder } from '../host/folder.ts';
import { alternate, type Subject } from './alternate.ts';
import { startBareChain } from './limits/bare-chain.ts';
import { concurrencies, rowsOfBare } from './limits/limits.ts';
import { type Context, type MeasureRow, type Point, row } from './measure.ts';
import { buildOnStage, type Child, freePort, type Stage } from './processes.ts';

type Chain = Subject & { stop(): Promise<void> };
export type ChainHosts = {
  readonly dir: string;
  readonly children: ReadonlyMap<string, Child>;
  /** The one that heads the first chain: loads run in its process. */
  readonly head: Child;
};

const settleMsMax = 10_000;

/** So many hosts with so many chains, each on every host; resolves when the first chain is headed. */
export async function startHosts(
  stage: Stage,
  {
    chains,
    hosts = 3,
    isProbed = false,
  }: { readonly chains: number; readonly hosts?: number; readonly isProbed?: boolean },
): Promise<ChainHosts> {
  const dir = stage.folder();
  // Ports in a row: the proxy's two stay unused.
  const portBase = Math.min(await freePort(), 60_000);
  const { cluster } = await prepareFolder({ dir, portBase, hosts, chains, replication: hosts }, 'bench');
  const ids = cluster.hosts.map(({ id }) => id);
  const children = new Map(ids.map((id) => [id, stage.child(new URL('./chain-host.js', import.meta.url))]));
  await Promise.all([...children].map(([id, child]) => child.ask('start', { dir, id, isProbed })));
  const first = placeChains(ids, chains, hosts, () => true)[0]?.[0];
  const head = first === undefined ? undefined : children.get(first);
  if (head === undefined) throw new Error('the first chain has a head');
  await untilHeading(() => head.ask('heads', undefined));
  return { dir, children, head };
}

/** Three hosts with so many chains; the load runs in the head's process. With several chains it runs in one of the heads. */
export function startChain(chains: number): Promise<Chain> {
  return buildOnStage(async (stage) => {
    const { head } = await startHosts(stage, { chains });
    const measure = async (concurrency: number, seconds: number): Promise<Point> => {
      return (await head.ask('measure', { concurrency, end: { seconds } })) as Point;
    };
    return { measure };
  });
}

async function untilHeading(heads: () => Promise<unknown>): Promise<void> {
  const endMs = performance.now() + settleMsMax;
  while ((await heads()) === 0) {
    if (performance.now() > endMs) throw new Error('the chain did not start');
    await new Promise((done) => setTimeout(done, 20));
  }
}

export async function measureChain(context: Context): Promise<MeasureRow[]> {
  const bare = await startBareChain();
  const ours = await startChain(1);
  const many = await startChain(8);
  try {
    const one = await alternate(context, 'chain', { bare, levelten: ours }, concurrencies);
    const rows = one.flatMap(({ concurrency, points }) => [
      ...rowsOfBare('L3', 'bare chain', concurrency, points.bare),
      ...rowsAt(concurrency, points.levelten, points.bare),
    ]);
    const [eight] = await alternate(context, 'eight chains', { bare, levelten: many }, [1024]);
    if (eight === undefined) throw new Error('eight chains were measured');
    const { levelten, bare: beside } = eight.points;
    const what = 'chain throughput, 3 of 8 chains headed by one host, 1024 in flight';
    rows.push(row({ id: 'P1.8', what, value: levelten.perSecond, unit: '/s', of: beside.perSecond }));
    return rows;
  } finally {
    for (const chain of [many, ours, bare]) await chain.stop();
  }
}

function rowsAt(concurrency: number, ours: Point, bare: Point): MeasureRow[] {
  const isMain = concurrency === 1024;
  const throughput = row({
    id: isMain ? 'P1' : `P1.${concurrency}`,
    what: `chain throughput, updates of 200 B, ${concurrency} in flight, synced on 3`,
    value: ours.perSecond,
    unit: '/s',
    of: bare.perSecond,
    ...(isMain ? { goal: '>= 0.5' } : {}),
  });
  const latency = row({
    id: concurrency === 1 ? 'P2' : `P2.${concurrency}`,
    what: `commit latency p50, ${concurrency} in flight`,
    value: ours.p50Ms,
    unit: 'ms',
    of: bare.p50Ms,
    ...(concurrency === 1 ? { goal: '<= 2' } : {}),
  });
  return concurrency === 1 ? [latency, throughput] : [throughput, latency];
}
