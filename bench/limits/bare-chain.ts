// The bare chain: three processes, TCP, one synced LevelDB entry per batch on each, and nothing else. What a chain on this
// machine could do at most; ours is measured against it.
import type { Point } from '../measure.ts';
import { buildOnStage, type Stage } from '../processes.ts';
import type { HeadOptions } from './bare-head.ts';
import type { ReplicaOptions } from './bare-replica.ts';

export type BareChain = { measure(concurrency: number, seconds: number): Promise<Point>; stop(): Promise<void> };
/** 0 lets the system choose. */
export type BareChainPorts = { readonly middle: number; readonly tail: number };

export function startBareChain(
  ports: BareChainPorts = { middle: 0, tail: 0 },
  batchesInFlightMax = 2,
): Promise<BareChain> {
  return buildOnStage(async (stage) => {
    const belowPort = await startReplicas(stage, ports);
    const options: HeadOptions = { folder: stage.folder(), belowPort, batchesInFlightMax };
    const head = stage.child(new URL('./bare-chain-head.js', import.meta.url));
    await head.ask('start', options);
    return {
      measure: async (concurrency: number, seconds: number) =>
        (await head.ask('measure', { concurrency, seconds })) as Point,
    };
  });
}

/** Starts the tail, then the middle; resolves with the middle's port. */
export async function startReplicas(stage: Stage, ports: BareChainPorts): Promise<number> {
  const module = new URL('./bare-replica.js', import.meta.url);
  const start = async (port: number, belowPort: number | null): Promise<number> => {
    const options: ReplicaOptions = { folder: stage.folder(), port, belowPort };
    return (await stage.child(module).ask('start', options)) as number;
  };
  return start(ports.middle, await start(ports.tail, null));
}
