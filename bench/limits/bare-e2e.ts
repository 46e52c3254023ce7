// The bare path end to end: `ws` client (JSON) -> proxy -> head over one batched link -> the bare chain -> answer with a delta.
import { type Clients, connectClients, type Dialect } from '../clients.ts';
import type { Point } from '../measure.ts';
import { buildOnStage } from '../processes.ts';
import { type BareChainPorts, startReplicas } from './bare-chain.ts';

export type BareEndToEnd = { measure(clients: number, seconds: number): Promise<Point>; stop(): Promise<void> };
/** 0 lets the system choose. */
export type BareEndToEndPorts = BareChainPorts & { readonly head: number; readonly proxy: number };

const anyPorts: BareEndToEndPorts = { middle: 0, tail: 0, head: 0, proxy: 0 };
const batchesInFlightMax = 3;

export function startBareEndToEnd(ports: BareEndToEndPorts = anyPorts): Promise<BareEndToEnd> {
  return buildOnStage(async (stage) => {
    const belowPort = await startReplicas(stage, ports);
    const options = { folder: stage.folder(), belowPort, batchesInFlightMax, port: ports.head };
    const head = stage.child(new URL('./bare-e2e-head.js', import.meta.url));
    const headPort = await head.ask('start', options);
    const proxy = stage.child(new URL('./bare-e2e-proxy.js', import.meta.url));
    const proxyPort = await proxy.ask('start', { port: ports.proxy, headPort });
    const groups = new Map<number, Clients>();
    stage.onRelease(() => Promise.all([...groups.values()].map((group) => group.close())));
    const measure = async (count: number, seconds: number): Promise<Point> => {
      const group = groups.get(count) ?? (await connectClients(`ws://127.0.0.1:${proxyPort}`, count, dialectOf(count)));
      groups.set(count, group);
      return group.measure(seconds);
    };
    return { measure };
  });
}

/** Each group of clients has documents of its own. */
function dialectOf(count: number): Dialect {
  const v = 'x'.repeat(200);
  return { makeFrame: (client, n) => JSON.stringify({ t: 'send', doc: `space/k${count}-${client}`, n, msg: { v } }) };
}
