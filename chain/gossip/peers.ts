// Whom to call on. By chance, each as likely as any other: then news reaches n peers in about log2(n) rounds, whoever fails.
import type { Gossip } from './state.ts';

/** Hosts, whoever stands in the bootstrap list, and such as a link stands to: nobody can dial a proxy, but a proxy dials us. */
export function listPeers(gossip: Gossip): string[] {
  const { self, bootstrap, reachable } = gossip;
  const peers: string[] = [];
  for (const { id, roles, address } of gossip.set.instances) {
    if (id === self.id) continue;
    if (roles.includes('host') || reachable.has(id) || bootstrap.includes(id) || bootstrap.includes(address))
      peers.push(id);
  }
  return peers;
}

export function choosePeer(gossip: Gossip): string | undefined {
  return pick(gossip, gossip.peers) ?? pick(gossip, strangers(gossip));
}

/** A bootstrap peer that is not in our set: it may be in another, which then is one with ours. */
export function chooseStranger(gossip: Gossip): string | undefined {
  return pick(gossip, strangers(gossip));
}

function strangers({ self, set, bootstrap }: Gossip): string[] {
  const isSelf = (name: string): boolean => name === self.id || name === self.address;
  const isHeld = (name: string): boolean => set.instances.some(({ id, address }) => id === name || address === name);
  return bootstrap.filter((name) => name !== '' && !isSelf(name) && !isHeld(name));
}

function pick(gossip: Gossip, names: readonly string[]): string | undefined {
  return names[Math.floor(gossip.random() * names.length)];
}
