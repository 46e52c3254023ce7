// P9: documents in threads. One host, a chain of one, a proxy, real clients, and handlers that cost a millisecond of CPU: what a thread more brings,
// and how long the loop of the host leaves others waiting meanwhile. Each client has a document of its own and one send in flight; there are as
// many as keep every thread busy, and their threads share them equally.
//
// Host, proxy and clients share the cores of one machine. At a thousand messages a second clients cost little, but not nothing: what of the CPU
// goes to others than handlers has rows of its own, and so has what bare threads do that have nothing else to do.

import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { hashApplication } from '../host/application.ts';
import { isReady } from '../host/cli/local.ts';
import { prepareFolder } from '../host/folder.ts';
import { connectClients, type Dialect } from './clients.ts';
import { untilView } from './end-to-end.ts';
import { type Context, describePoint, type MeasureRow, median, medianPoint, type Point, row } from './measure.ts';
import type { Plot } from './plot.ts';
import { freePort, onStage, type Stage } from './processes.ts';
import { roundsPerMs } from './spin.ts';
import type { HostPart, ProxyPart, Watched } from './workers-part.ts';

/** 0: in the loop of the host. 3: one more than this machine may have cores. */
const workerCounts = [0, 1, 2, 3];
/** Divided by any of these, whole: no thread has more documents than another. */
const clientsCount = 48;
/** Bare ones, for what the machine can do. */
const threadCounts = [1, 2];
/** Threads begin, and code is compiled. */
const warmSeconds = 2;
const handlerMs = 1;
const readyMsMax = 10_000;
const readyPollMs = 25;
const timesMin = 1.5;
const delayMsMax = 20;
const limitTimesMin = 1.8;

type Run = { readonly point: Point; readonly host: Watched; readonly besideCpuMs: number };
type Figures = {
  readonly workers: number;
  readonly point: Point;
  readonly delayMs: number;
  readonly waitMs: number;
  readonly maxMs: number;
  /** Of CPU, for each message: what the host spent beside its handler; proxy and clients. */
  readonly hostMs: number;
  readonly besideMs: number;
};

export async function measureWorkers(context: Context): Promise<MeasureRow[]> {
  const { progress, plot, secondsPerPoint } = context;
  const rounds = roundsPerMs() * handlerMs;
  progress(`a millisecond of CPU is ${rounds} rounds`);
  const runs = new Map<number, Run[]>(workerCounts.map((workers) => [workers, []]));
  const bare = new Map<number, number[]>(threadCounts.map((threads) => [threads, []]));
  for (let round = 0; round < context.rounds; round += 1) {
    // There and back: nobody is always the one behind the same other.
    for (const workers of round % 2 === 0 ? workerCounts : workerCounts.toReversed()) {
      const run = await runOnce(workers, rounds, secondsPerPoint);
      runs.get(workers)?.push(run);
      progress(`round ${round + 1}, ${workers} workers: ${Math.round(run.point.perSecond)}/s`);
    }
    for (const threads of threadCounts) {
      bare.get(threads)?.push(await spinBare(threads, rounds, secondsPerPoint / 3));
    }
  }
  const all = workerCounts.map((workers) => figuresOf(workers, runs.get(workers) ?? []));
  for (const one of all) progress(describe(one));
  plot(plotOf(all));
  const [one, two] = threadCounts.map((threads) => median(bare.get(threads) ?? []));
  return [...rowsOf(all), limitRow(two ?? Number.NaN, one ?? Number.NaN)];
}

/** Each time begun anew, and alone: what others leave behind, such as folding, would be this one's to bear. */
function runOnce(workers: number, rounds: number, seconds: number): Promise<Run> {
  return onStage(async (stage) => {
    const run = await serve(stage, workers, rounds);
    await run(warmSeconds);
    return run(seconds);
  });
}

/** A cluster of one host, with a proxy, and clients at it. */
async function serve(stage: Stage, workers: number, rounds: number): Promise<(seconds: number) => Promise<Run>> {
  const file = fileURLToPath(new URL('./workers-app.js', import.meta.url));
  const dir = stage.folder();
  // Ports in a row.
  const portBase = Math.min(await freePort(), 60_000);
  const options = { dir, portBase, hosts: 1, chains: 1, replication: 1 };
  const folder = await prepareFolder(options, await hashApplication(file));
  const [host, proxy] = [0, 1].map(() => stage.child(new URL('./workers-part.js', import.meta.url)));
  if (host === undefined || proxy === undefined) throw new Error('there are two');
  const id = folder.cluster.hosts[0]?.id ?? '';
  await host.ask('host', { dir, id, file, workers } satisfies HostPart);
  await proxy.ask('proxy', { dir } satisfies ProxyPart);
  const endMs = performance.now() + readyMsMax;
  while (!(await isReady(folder))) {
    if (performance.now() > endMs) throw new Error(`a host with ${workers} workers does not serve`);
    await sleep(readyPollMs);
  }
  const clients = await connectClients(`ws://${folder.cluster.proxy.address}`, clientsCount, dialectOf(rounds));
  stage.onRelease(() => clients.close());
  return async (seconds) => {
    await Promise.all([host, proxy].map((child) => child.ask('watch', undefined)));
    const before = process.cpuUsage();
    const point = await clients.measure(seconds);
    const { user, system } = process.cpuUsage(before);
    const [watched, around] = await Promise.all([host, proxy].map((child) => child.ask('watched', undefined)));
    return { point, host: watched as Watched, besideCpuMs: (around as Watched).cpuMs + (user + system) / 1_000 };
  };
}

/** A send is complete with its answer: the delta goes to its sender with it. */
function dialectOf(rounds: number): Dialect {
  const name = (client: number): string => `job/c${client}`;
  return {
    protocols: ['levelten.v1.json'],
    greet: async (socket, client) => {
      socket.send(JSON.stringify({ t: 'hello', as: `client${client}` }));
      socket.send(JSON.stringify({ t: 'open', doc: name(client), session: 'new' }));
      await untilView(socket);
    },
    makeFrame: (client, n) =>
      JSON.stringify({ t: 'send', doc: name(client), n, done: n - 1, channel: 'work', message: { rounds } }),
    completes: (message) => (message as { t: string }).t === 'answer',
  };
}

/** What so many threads do that have nothing else to do, in pieces of work a second. */
async function spinBare(threads: number, rounds: number, seconds: number): Promise<number> {
  const workers = Array.from(
    { length: threads },
    () => new Worker(new URL('./spin-thread.js', import.meta.url), { workerData: { rounds, seconds } }),
  );
  const counts = workers.map(
    (worker) =>
      new Promise<number>((resolve, reject) => {
        worker.once('message', resolve);
        worker.once('error', reject);
      }),
  );
  return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
}

function figuresOf(workers: number, runs: readonly Run[]): Figures {
  const of = (figure: (run: Run) => number): number => median(runs.map(figure));
  return {
    workers,
    point: medianPoint(runs.map(({ point }) => point)),
    delayMs: of(({ host }) => host.loop.p99Ms),
    waitMs: of(({ host }) => host.loop.waitMs),
    maxMs: of(({ host }) => host.loop.maxMs),
    hostMs: of(({ host, point }) => host.cpuMs / point.count - handlerMs),
    besideMs: of(({ besideCpuMs, point }) => besideCpuMs / point.count),
  };
}

function describe({ workers, point, delayMs, waitMs, maxMs, hostMs, besideMs }: Figures): string {
  const [loop, cpu] = [
    [delayMs, waitMs, maxMs],
    [hostMs, besideMs],
  ].map((figures) => figures.map((ms) => ms.toFixed(2)).join(', '));
  return `${workers} workers: ${describePoint(point)}; loop p99, wait, longest ${loop} ms; CPU of host, of others ${cpu} ms a message`;
}

function rowsOf(all: readonly Figures[]): MeasureRow[] {
  const one = perSecondOf(all, 1);
  const what = (workers: number): string =>
    workers === 0 ? 'in the loop of its host' : `in ${workers} of its threads`;
  return all.flatMap(({ workers, point, delayMs, waitMs, hostMs, besideMs }) => {
    const isMain = workers === 2;
    const goal = isMain ? { goal: `<= ${delayMsMax}` } : {};
    const id = (figure: string): string => `P9.${workers}.${figure}`;
    return [
      row({
        id: isMain ? 'P9' : `P9.${workers}`,
        what: `messages of ${handlerMs} ms of CPU, ${what(workers)}`,
        value: point.perSecond,
        unit: '/s',
        ...(workers === 1 ? {} : { of: one }),
        ...(isMain ? { goal: `>= ${timesMin}` } : {}),
      }),
      row({ id: id('delay'), what: 'event loop delay of the host, p99', value: delayMs, unit: 'ms', ...goal }),
      row({ id: id('wait'), what: 'what comes at any moment waits for it, p99', value: waitMs, unit: 'ms', ...goal }),
      row({ id: id('host'), what: 'CPU of the host beside the handler', value: hostMs, unit: 'ms/message' }),
      row({ id: id('beside'), what: 'CPU of proxy and clients', value: besideMs, unit: 'ms/message' }),
    ];
  });
}

function perSecondOf(all: readonly Figures[], count: number): number {
  return all.find(({ workers }) => workers === count)?.point.perSecond ?? Number.NaN;
}

function limitRow(two: number, one: number): MeasureRow {
  const what = 'the same work in 2 bare threads beside 1: where they have no two cores, the run says nothing';
  return row({ id: 'P9.limit', what, value: two, unit: '/s', of: one, goal: `>= ${limitTimesMin}` });
}

function plotOf(all: readonly Figures[]): Plot {
  const [one, two] = [perSecondOf(all, 1), perSecondOf(all, 2)];
  const points = (of: (figures: Figures) => number) => all.map((one, place) => [place, of(one)] as const);
  const x = 'threads that run documents';
  const places = all.map(({ workers }) => (workers === 0 ? 'none: the loop' : `${workers}`));
  return {
    id: 'P9',
    title: `P9: handlers that cost ${handlerMs} ms of CPU, in threads`,
    panels: [
      {
        title: `Answers: two threads ${(two / one).toFixed(2)} times one`,
        x,
        y: 'messages a second',
        places,
        isEven: true,
        series: [{ name: 'answered', points: points(({ point }) => point.perSecond) }],
        goals: { answered: one * timesMin },
      },
      {
        title: 'The loop of the host meanwhile',
        x,
        y: 'p99, ms',
        places,
        series: [
          { name: 'between two looks', points: points(({ delayMs }) => delayMs) },
          { name: 'wait at any moment', points: points(({ waitMs }) => waitMs) },
        ],
        goals: { 'between two looks': delayMsMax },
      },
    ],
  };
}
