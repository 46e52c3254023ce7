// What a host does that finds, while it runs, that its store does not hold what it should: it ends, and its next start sets the store aside
// and joins anew. But only where it can be spared now: others have all it has and live, and are enough to vote without it. So one host after the
// other goes, and the last one stays: what can still be read of it is better than nothing.
import { isLive } from '../chain/detector.ts';
import type { Node } from '../chain/node-state.ts';
import { CodedError } from '../engine/base/errors.ts';
import type { HostFiles } from './host-files.ts';

/** What is looked at of a node. */
export type Spared = Pick<Node, 'chains' | 'detector' | 'registers'>;

/** Whether every chain that this host serves has another live member that holds all of it, and a majority of the voters lives besides. */
export function isReplaceable({ chains, detector, registers }: Spared): boolean {
  const { self } = detector;
  const livesElse = (host: (typeof detector)['self']): boolean => host !== self && isLive(detector, host);
  const { voters } = registers.acceptor.voters;
  if (voters.filter(({ host }) => livesElse(host)).length * 2 <= voters.length) return false;
  return [...chains.values()].every(({ replica: { known } }) => {
    const serving = known?.members.filter(({ role }) => role === 'serving') ?? [];
    return !serving.some(({ host }) => host === self) || serving.some(({ host }) => livesElse(host));
  });
}

/** Called before the process ends for `cause`: notes it for the next start, where the store is the cause and this host can be spared. */
export function noteDoubt(cause: unknown, files: Pick<HostFiles, 'noteLimbo'>, node: Spared): void {
  if (!(cause instanceof CodedError) || cause.code !== 'ENGINE_CORRUPT') return;
  if (isReplaceable(node)) files.noteLimbo(cause.message);
}
