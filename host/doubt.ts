// What a host does that finds, while it runs, that its store does not hold what it should: it ends, and its next start sets the store aside
// and joins anew. But not where it is the last that has a chain: what can still be read of it is better than nothing.
import type { Replica } from '../chain/state.ts';
import { CodedError } from '../engine/base/errors.ts';
import type { HostFiles } from './host-files.ts';

/** Whether every chain that this host serves has another member that holds all of it. */
export function isReplaceable(replicas: readonly Replica[]): boolean {
  return replicas.every(({ known, self }) => {
    const serving = known?.members.filter(({ role }) => role === 'serving') ?? [];
    return !serving.some(({ host }) => host === self) || serving.length > 1;
  });
}

/** Called before the process ends for `cause`: notes it for the next start, where the store is the cause and others have what it had. */
export function noteDoubt(cause: unknown, files: Pick<HostFiles, 'noteLimbo'>, replicas: readonly Replica[]): void {
  if (!(cause instanceof CodedError) || cause.code !== 'ENGINE_CORRUPT') return;
  if (isReplaceable(replicas)) files.noteLimbo(cause.message);
}
