// P1 and P2: what a chain of three hosts does without clients and handlers, beside the bare chain, measured in turns.

import { placeChains } from '../chain/placement.ts';
import { hostId } from '../engine/base/ids.ts';
import { prepareFolder } from '../host/folder.ts';
import { alternate, type Subject } from './alternate.ts';
import { startBareChain } from './limits/bare-chain.ts';
import { concurrencies, rowsOfBare } from './limits/limits.ts';
import { type Context, type MeasureRow, type Point, row } from './measure.ts';
import { buildOnStage, freePort } from './processes.ts';

type Chain = Subject & { stop(): Promise<void> };

const hosts = ['h1', 'h2', 'h3'];
const settleMsMax = 10_000;

/** Three hosts with so many chains; the load runs in the head's process. With several chains it runs in one of the heads. */
export function startChain(chains: number): Promise<Chain> {
  return buildOnStage(async (stage) => {
    const dir = stage.folder();
    // Five ports in a row: the proxy's two stay unused.
    const portBase = await freePort();
    await prepareFolder({ dir, portBase: Math.min(portBase, 60_000), hosts: 3, chains, replication: 3 }, 'bench');
    const children = new Map(hosts.map((id) => [id, stage.child(new URL('./chain-host.js', import.meta.url))]));
    await Promise.all([...children].map(([id, child]) => child.ask('start', { dir, id })));
    const head = placeChains(hosts.map(hostId), chains, 3, () => true)[0]?.[0];
    const child = children.get(head ?? '');
    if (child === undefined) throw new Error('the first chain has a head');
    await untilHeading(() => child.ask('heads', undefined));
    const measure = async (concurrency: number, seconds: number): Promise<Point> => {
      return (await child.ask('measure', { concurrency, seconds })) as Point;
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
