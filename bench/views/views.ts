// P4.views: a table at which everybody sees something of his own, beside Colyseus with a StateView for each client and `view()` fields. The same
// work, the same clients in number, their own libraries on both sides, each with its view kept and checked; all of it under one Node, and each run
// begun anew and alone. Not the same is what an answer means: Colyseus keeps its state in memory; ours is synced on three disks, or on one, before
// anybody is told. Servers and clients share the cores: with three hosts there are six processes where Colyseus has two, so the CPU that the servers
// spend on a delivery is a row beside how many there are.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startCluster } from '../cluster.ts';
import { type Context, type MeasureRow, median, row } from '../measure.ts';
import type { Plot } from '../plot.ts';
import { cpuMsOf, onStage, type Stage } from '../processes.ts';
import type { ColyseusServer } from './colyseus-server.ts';
import type { Join, Told } from './crowd.ts';
import { type Peers, preparePeers } from './peers.ts';
import { changesInFlight, type Work, works } from './work.ts';

const counts = [100, 500, 1_000];
const rounds = 3;
const warmSeconds = 1;
const secondsPerRun = 2;

const subjects = ['three', 'one', 'colyseus'] as const;
type Subject = (typeof subjects)[number];
const names: Readonly<Record<Subject, string>> = {
  three: 'levelten, 3 disks',
  one: 'levelten, 1 disk',
  colyseus: 'Colyseus',
};
type Server = { readonly url: string; readonly pids: readonly number[] };
type Figures = {
  readonly perSecond: number;
  readonly bytes: number;
  readonly serverUs: number;
  readonly crowdUs: number;
  readonly p50Ms: number;
};

export async function measureViews(context: Context): Promise<MeasureRow[]> {
  const own = context.peersPath === undefined ? mkdtempSync(join(tmpdir(), 'levelten-peers-')) : undefined;
  const folder = context.peersPath ?? own ?? '';
  const remove = (): void => {
    if (own !== undefined) rmSync(own, { recursive: true, force: true });
  };
  process.once('exit', remove);
  try {
    context.progress(`peers in ${folder}`);
    const peers = await preparePeers(folder).catch((error: Error) => error);
    if (!(peers instanceof Error)) return await compare(context, peers);
    context.missing(`P4.views: ${peers.message}`);
    return [];
  } finally {
    process.off('exit', remove);
    remove();
  }
}

async function compare(context: Context, peers: Peers): Promise<MeasureRow[]> {
  const { progress, plot } = context;
  progress(`beside ${Object.entries(peers.versions).flat().join(' ')}`);
  const found = new Map<string, Figures[]>();
  for (const count of counts) {
    for (let round = 0; round < rounds; round += 1) {
      for (const subject of round % 2 === 0 ? subjects : subjects.toReversed()) {
        const figures = await runOnce(peers, subject, count);
        for (const work of works) {
          const key = keyOf(work, subject, count);
          found.set(key, [...(found.get(key) ?? []), figures[work]]);
          progress(`${work}, ${count} viewers, ${names[subject]}: ${describe(figures[work])}`);
        }
      }
    }
  }
  const figuresOf = (work: Work, subject: Subject, count: number): Figures =>
    medianFigures(found.get(keyOf(work, subject, count)) ?? []);
  plot(plotOf(figuresOf));
  return works.flatMap((work) => counts.flatMap((count) => rowsOf(work, count, figuresOf)));
}

function keyOf(work: Work, subject: Subject, count: number): string {
  return `${work} ${subject} ${count}`;
}

function runOnce(peers: Peers, subject: Subject, count: number): Promise<Record<Work, Figures>> {
  return onStage(async (stage) => {
    const server = await (subject === 'colyseus' ? serveColyseus : serveLevelten)(stage, peers, subject, count);
    const crowd = stage.child(new URL('./crowd.js', import.meta.url), [], peers.node);
    const kind = subject === 'colyseus' ? 'colyseus' : 'levelten';
    await crowd.ask('join', { server: kind, url: server.url, count, folder: peers.folder } satisfies Join);
    const measure = async (work: Work): Promise<Figures> => {
      await crowd.ask('measure', { work, seconds: warmSeconds });
      const before = [cpuOf(server.pids), cpuMsOf(crowd.pid ?? 0)] as const;
      const told = (await crowd.ask('measure', { work, seconds: secondsPerRun })) as Told;
      const after = [cpuOf(server.pids), cpuMsOf(crowd.pid ?? 0)] as const;
      return figuresOf(told, after[0] - before[0], after[1] - before[1]);
    };
    const figures = { move: await measure('move'), deal: await measure('deal') };
    await crowd.ask('leave', undefined);
    return figures;
  });
}

async function serveLevelten(stage: Stage, { node }: Peers, subject: Subject): Promise<Server> {
  const app = fileURLToPath(new URL('./app.js', import.meta.url));
  const words = ['--chains', '1', '--hosts', subject === 'three' ? '3' : '1'];
  const { ready } = await startCluster(stage, app, words, node);
  return { url: ready.proxy, pids: [ready.proxyPid, ...ready.hosts.map(({ pid }) => pid)] };
}

async function serveColyseus(stage: Stage, { node, folder }: Peers, _: Subject, players: number): Promise<Server> {
  const child = stage.child(new URL('./colyseus-server.js', import.meta.url), [], node);
  const port = await child.ask('start', { folder, players } satisfies ColyseusServer);
  return { url: `ws://127.0.0.1:${port}`, pids: [child.pid ?? 0] };
}

function cpuOf(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + cpuMsOf(pid), 0);
}

function figuresOf({ deliveries, seconds, bytes, p50Ms }: Told, serverMs: number, crowdMs: number): Figures {
  return {
    perSecond: deliveries / seconds,
    bytes: bytes / deliveries,
    serverUs: (serverMs * 1_000) / deliveries,
    crowdUs: (crowdMs * 1_000) / deliveries,
    p50Ms,
  };
}

function medianFigures(all: readonly Figures[]): Figures {
  const of = (key: keyof Figures): number => median(all.map((figures) => figures[key]));
  const [perSecond, bytes, serverUs] = [of('perSecond'), of('bytes'), of('serverUs')];
  return { perSecond, bytes, serverUs, crowdUs: of('crowdUs'), p50Ms: of('p50Ms') };
}

function describe({ perSecond, bytes, serverUs, crowdUs, p50Ms }: Figures): string {
  const each = `${bytes.toFixed(1)} B, CPU of servers, of clients ${serverUs.toFixed(1)}, ${crowdUs.toFixed(1)} us each`;
  return `${Math.round(perSecond).toLocaleString('en-US')} deliveries/s, ${each}; a change at all p50 ${p50Ms.toFixed(1)} ms`;
}

type Found = (work: Work, subject: Subject, count: number) => Figures;

function rowsOf(work: Work, count: number, found: Found): MeasureRow[] {
  const [three, one, colyseus] = subjects.map((subject) => found(work, subject, count));
  if (three === undefined || one === undefined || colyseus === undefined) return [];
  const id = `P4.views.${work}.${count}`;
  const what = work === 'move' ? 'one of them something of his own' : 'each something of his own';
  const who = `${count} viewers, ${what}`;
  const goal = count >= 500 ? { goal: '>= 1' } : {};
  const [unit, of] = ['/s', colyseus.perSecond];
  return [
    row({ id, what: `deliveries to ${who}; on 3 disks`, value: three.perSecond, unit, of, ...goal }),
    row({ id: `${id}.one`, what: `the same, chain of one; on 1 disk`, value: one.perSecond, unit, of }),
    row({ id: `${id}.bytes`, what: 'bytes of a delivery', value: three.bytes, unit: 'B', of: colyseus.bytes }),
    row({ id: `${id}.cpu`, what: 'CPU of its servers', value: three.serverUs, unit: 'us', of: colyseus.serverUs }),
    row({
      id: `${id}.one.cpu`,
      what: 'the same, chain of one',
      value: one.serverUs,
      unit: 'us',
      of: colyseus.serverUs,
    }),
  ];
}

function plotOf(found: Found): Plot {
  const series = (work: Work, of: (figures: Figures) => number) =>
    subjects.map((subject) => ({
      name: names[subject],
      points: counts.map((count) => [count, of(found(work, subject, count))] as const),
    }));
  const x = 'viewers';
  const perSecond = (work: Work) => series(work, (figures) => figures.perSecond);
  const y = 'deliveries a second';
  return {
    id: 'P4.views',
    title: `P4.views: viewers who all see something else, ${changesInFlight} changes on their way; Colyseus in memory`,
    panels: [
      { title: 'Move: all are told, one something of his own', x, y, series: perSecond('move') },
      { title: 'Deal: each is told something of his own', x, y, series: perSecond('deal') },
      {
        title: 'Deal: CPU of all servers together',
        x,
        y: 'us a delivery',
        series: series('deal', ({ serverUs }) => serverUs),
      },
    ],
  };
}
