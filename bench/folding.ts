// W2: what folding costs those who wait for a commit. One chain of three hosts, the same documents all the while, with more to fold than
// is ever folded, so that a pass is always under way. Rounds in turns: it stands still; it runs, as it does behind any load; it is hurried, as
// where more waits than should. Closed loop: as much as the chain takes. Open loop: a part of that, at a rate, each update counted from when it was due.
import { foldHurryShare, foldRecordsMin, foldShare, historyUpdates } from '../engine/base/limits.ts';
import { type ChainHosts, startHosts } from './chain.ts';
import type { DiskCounts, StoreState } from './host-probe.ts';
import { type Context, describePoint, type MeasureRow, medianPoint, type Point, row } from './measure.ts';
import { onStage } from './processes.ts';

const inFlight = 256;
const openShare = 0.4;
/** The share of time that a pass is at work: none, as ever, and as behind a backlog. */
const shares = { held: 0, running: foldShare, hurried: foldHurryShare };
const foldings = ['held', 'running', 'hurried'] as const;
/** Records come fastest in small batches. */
const fillInFlight = 16;
const fillMsMax = 60_000;
/** A slice of documents comes some times a second at most. */
const roundSeconds = 4;
const quickRoundSeconds = 2;

type Load = { readonly concurrency: number; readonly perSecond?: number };
type FoldingState = (typeof foldings)[number];
/** Points, and what the head's folding wrote a second. */
type Rounds = Record<FoldingState, { readonly points: Point[]; documentBytes: number }>;

export function measureFolding(context: Context): Promise<MeasureRow[]> {
  return onStage(async (stage) => {
    const chain = await startHosts(stage, { chains: 1, isProbed: true });
    const { secondsPerPoint, progress } = context;
    const hosts = [...chain.children.values()];
    await Promise.all(hosts.map((host) => host.ask('holdFolding', undefined)));
    await fill(chain);
    await Promise.all(hosts.map((host) => host.ask('beginFolding', { history: historyUpdates })));
    const closed: Load = { concurrency: inFlight };
    const { perSecond } = (await chain.head.ask('measureKept', {
      ...closed,
      end: { seconds: secondsPerPoint },
    })) as Point;
    const open = { ...closed, perSecond: perSecond * openShare };
    const rows: MeasureRow[] = [];
    for (const [name, load] of Object.entries({ closed, open })) {
      const rounds = await inTurns(context, chain, load);
      for (const folding of foldings) {
        progress(`${name} loop, folding ${folding}: ${describePoint(medianPoint(rounds[folding].points))}`);
      }
      for (const folding of ['running', 'hurried'] as const) rows.push(...rowsOf(name, load, rounds, folding));
    }
    const waiting = await backlogOf(chain);
    rows.push(row({ id: 'W2.waiting', what: 'records that wait to be folded at the end', value: waiting, unit: '' }));
    return rows;
  });
}

async function inTurns({ rounds: count, isQuick }: Context, chain: ChainHosts, load: Load): Promise<Rounds> {
  const seconds = isQuick ? quickRoundSeconds : roundSeconds;
  const entries = foldings.map((folding) => [folding, { points: [], documentBytes: 0 }]);
  const rounds = Object.fromEntries(entries) as Rounds;
  for (let round = 0; round < count; round += 1) {
    for (const folding of foldings) {
      const before = await documentBytesOf(chain);
      await setFolding(chain, folding);
      rounds[folding].points.push((await chain.head.ask('measureKept', { ...load, end: { seconds } })) as Point);
      rounds[folding].documentBytes += ((await documentBytesOf(chain)) - before) / (count * seconds);
      await setFolding(chain, 'held');
    }
  }
  return rounds;
}

/** On every host; a pass goes on where it was. */
async function setFolding({ children }: ChainHosts, folding: FoldingState): Promise<void> {
  const share = shares[folding];
  await Promise.all([...children.values()].map((host) => host.ask('shareFolding', { share })));
}

/** As many records wait as make a pass due, and go on making it so: loads make more than passes take. */
async function fill(chain: ChainHosts): Promise<void> {
  const endMs = performance.now() + fillMsMax;
  while ((await backlogOf(chain)) < 1.5 * foldRecordsMin) {
    if (performance.now() > endMs) throw new Error('there is not enough to fold');
    await chain.head.ask('measureKept', { concurrency: fillInFlight, end: { seconds: 1 } });
  }
}

async function backlogOf({ head }: ChainHosts): Promise<number> {
  const { durable, folded } = (await head.ask('state', undefined)) as StoreState;
  return durable - folded;
}

async function documentBytesOf({ head }: ChainHosts): Promise<number> {
  return ((await head.ask('counts', undefined)) as DiskCounts).documentBytes;
}

function rowsOf(name: string, load: Load, rounds: Rounds, folding: 'running' | 'hurried'): MeasureRow[] {
  const [held, point] = [medianPoint(rounds.held.points), medianPoint(rounds[folding].points)];
  const asked = Math.round(load.perSecond ?? 0).toLocaleString('en-US');
  const how = `folding ${folding}, beside held, ${load.perSecond === undefined ? `${load.concurrency} in flight` : `${asked}/s`}`;
  const latency = (figure: 'p50' | 'p99' | 'p999') => {
    const isMain = name === 'open' && folding === 'running' && figure === 'p99';
    return row({
      id: isMain ? 'W2' : `W2.${name}.${folding}.${figure}`,
      what: `commit latency ${figure}, ${how}`,
      value: point[`${figure}Ms`],
      unit: 'ms',
      of: held[`${figure}Ms`],
    });
  };
  return [
    latency('p50'),
    latency('p99'),
    latency('p999'),
    row({
      id: `W2.${name}.${folding}.perSecond`,
      what: `updates committed, ${how}`,
      value: point.perSecond,
      unit: '/s',
      of: held.perSecond,
    }),
    row({
      id: `W2.${name}.${folding}.documents`,
      what: `documents that the head wrote meanwhile`,
      value: rounds[folding].documentBytes / 1024,
      unit: 'KiB/s',
    }),
  ];
}
