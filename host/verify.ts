// The walk over a host's store, with what only a host knows: whose store it is, and what a voter keeps.
import type { Cluster } from '../chain/config.ts';
import { decodeCell, decodeVoterList } from '../chain/register/cell.ts';
import { voterListCell, votersRegister } from '../chain/register/voters.ts';
import { CodedError } from '../engine/base/errors.ts';
import { chainId } from '../engine/base/ids.ts';
import type { VerifyOptions, VerifyReport, Viewed } from '../engine/store/verify.ts';
import { verifyStore } from '../engine/store/verify.ts';

export type Pacing = Pick<VerifyOptions, 'pace' | 'rest' | 'isStopped' | 'nowMs'>;

/** Without rests: for a store that nobody waits for. */
export const unpaced: Pacing = {
  pace: async () => {},
  rest: async () => {},
  isStopped: () => false,
  nowMs: () => performance.now(),
};

/** Walks all of the store of host `host`; `storeId` where it is known which one that should be. */
export function verifyHostStore(
  disk: Viewed,
  { cluster, host, storeId }: { readonly cluster: Cluster; readonly host: string; readonly storeId?: string },
  pacing: Pacing,
): Promise<VerifyReport> {
  const owner = { host, cluster: cluster.cluster, ...(storeId === undefined ? {} : { storeId }) };
  const chains = Array.from({ length: cluster.chains }, (_, chain) => chainId(chain));
  return verifyStore(disk, {
    chains,
    owner,
    checkCell: (register, bytes) => checkCell(cluster, register, bytes),
    ...pacing,
  });
}

function checkCell({ chains }: Cluster, register: number, bytes: Uint8Array): void {
  if (register === voterListCell) decodeVoterList(bytes);
  else if (register < chains || register === votersRegister) decodeCell(bytes);
  else throw new CodedError('ENGINE_CORRUPT', 'a register that the cluster has not');
}
