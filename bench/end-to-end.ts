// P3: real clients -> proxy -> handler -> commit on three disks -> answer and delta to the sender, beside the bare path.
import { fileURLToPath } from 'node:url';
import type { WebSocket } from 'ws';
import { alternate, type Subject } from './alternate.ts';
import { type Clients, connectClients, type Dialect } from './clients.ts';
import { startCluster } from './cluster.ts';
import { startBareEndToEnd } from './limits/bare-e2e.ts';
import { concurrencies, rowsOfBare } from './limits/limits.ts';
import { type Context, type MeasureRow, type Point, row } from './measure.ts';
import { buildOnStage } from './processes.ts';

type Path = Subject & { stop(): Promise<void> };

const value = 'x'.repeat(199);

/** `chains` is 1 beside the bare path, which has one chain. */
export function startPath(chains: number): Promise<Path> {
  return buildOnStage(async (stage) => {
    const appFile = fileURLToPath(new URL('./end-to-end-app.js', import.meta.url));
    const { proxy } = (await startCluster(stage, appFile, ['--chains', `${chains}`])).ready;
    const groups = new Map<number, Clients>();
    stage.onRelease(() => Promise.all([...groups.values()].map((group) => group.close())));
    const measure = async (count: number, seconds: number): Promise<Point> => {
      const group = groups.get(count) ?? (await connectClients(proxy, count, dialectOf(count)));
      groups.set(count, group);
      return group.measure(seconds);
    };
    return { measure };
  });
}

/** Each client has a document of its own, as on the bare path. A send is complete with its answer and its delta. */
function dialectOf(count: number): Dialect {
  const name = (client: number): string => `note/c${count}-${client}`;
  return {
    protocols: ['levelten.v1.json'],
    greet: async (socket, client) => {
      socket.send(JSON.stringify({ t: 'hello', as: `client${client}` }));
      socket.send(JSON.stringify({ t: 'open', doc: name(client), session: 'new' }));
      await untilView(socket);
    },
    makeFrame: (client, n) => {
      // The value changes with every send: what changes nothing has no delta.
      const message = { v: `${n % 10}${value}` };
      return JSON.stringify({ t: 'send', doc: name(client), n, done: n - 1, channel: 'set', message });
    },
    completes: (message) => (message as { t: string }).t === 'delta',
  };
}

export function untilView(socket: WebSocket): Promise<void> {
  return new Promise((done) => {
    const look = (data: Buffer): void => {
      if (!String(data).includes('"t":"view"')) return;
      socket.off('message', look);
      done();
    };
    socket.on('message', look);
  });
}

export async function measureEndToEnd(context: Context): Promise<MeasureRow[]> {
  const bare = await startBareEndToEnd();
  const ours = await startPath(1);
  try {
    const found = await alternate(context, 'end to end', { bare, levelten: ours }, concurrencies);
    return found.flatMap(({ concurrency, points }) => [
      ...rowsOfBare('L4', 'bare end to end', concurrency, points.bare),
      row({
        id: concurrency === 256 ? 'P3' : `P3.${concurrency}`,
        what: `end to end, ${concurrency} clients, answer and delta`,
        value: points.levelten.perSecond,
        unit: '/s',
        of: points.bare.perSecond,
      }),
      row({
        id: `P3.${concurrency}.p50`,
        what: `end to end latency p50, ${concurrency} clients`,
        value: points.levelten.p50Ms,
        unit: 'ms',
        of: points.bare.p50Ms,
      }),
    ]);
  } finally {
    for (const path of [ours, bare]) await path.stop();
  }
}
