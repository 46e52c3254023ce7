// The node of a host: made of the cluster's configuration, and of what its store kept.
import type { Cluster } from '../chain/config.ts';
import { makeInstance } from '../chain/gossip/instances.ts';
import { lan } from '../chain/gossip/profile.ts';
import { createNode } from '../chain/node.ts';
import type { Node, StoredReplica } from '../chain/node-state.ts';
import { firstVoters } from '../chain/register/voters.ts';
import type { ChainId } from '../engine/base/ids.ts';
import { lsn } from '../engine/base/ids.ts';
import { fetchBytesPerSecond, leftMs, tickMs } from '../engine/base/limits.ts';
import type { Store } from '../engine/store/store.ts';
import type { Hello } from './hello.ts';

/** A chain as the store that was opened has it, for the node. */
export function storedReplica(store: Store, chain: ChainId): StoredReplica {
  const { floor: logStart, folded, newest, hasLeftover } = store.base(chain);
  const leftover = hasLeftover ? 'some' : 'none';
  const [marks, durable] = [store.marks(chain), store.durable(chain)];
  // Records without documents are folded too.
  return { chain, marks, durable, logStart, folded, newest: lsn(Math.max(newest, folded.lsn)), leftover };
}

/** `nowMs` and `random` are the clock and the chance that the node goes by. */
export function storedNode(
  cluster: Cluster,
  store: Store,
  hello: Hello,
  chains: readonly ChainId[],
  { nowMs, random }: { readonly nowMs: number; readonly random: () => number },
  mayLead: boolean,
): Node {
  const { boot, storeId, appHash, host: self } = hello;
  const { region, replication, minReplicas, voters } = cluster;
  const isVoter = voters.some((voter) => voter.host === self && voter.storeId === storeId);
  const address = cluster.hosts.find(({ id }) => id === self)?.address ?? '';
  return createNode({
    self,
    boot,
    storeId,
    region,
    hosts: cluster.hosts.map(({ id }) => id),
    replication,
    serversMin: minReplicas,
    mayLead,
    instance: makeInstance({ id: self, boot, roles: isVoter ? ['host', 'voter'] : ['host'], region, address, appHash }),
    profile: lan,
    voters: firstVoters(voters),
    cells: [...store.cells].map(([register, bytes]) => ({ register, bytes })),
    replicas: chains.map((chain) => storedReplica(store, chain)),
    nowMs,
    tickMs,
    fetchBytesPerSecond,
    leftMs,
    random,
  });
}
