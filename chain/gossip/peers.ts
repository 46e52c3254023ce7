// Whom to call on. By chance, each as likely as any other: then news reaches n peers in about log2(n) rounds, whoever fails.
import type { Instance } from './instances.ts';
import type { Gossip } from './state.ts';

/** Hosts, whoever stands in the bootstrap list, and such as a link stands to: nobody can dial a proxy, but a proxy dials us. */
export function listPeers(gossip: Gossip): string[] {
  const peers: string[] = [];
  for (const instance of gossip.set.instances) if (mayCall(gossip, instance)) peers.push(instance.id);
  return peers;
}

function mayCall({ self, bootstrap, reachable }: Gossip, { id, roles, address }: Instance): boolean {
  if (id === self.id) return false;
  return roles.includes('host') || reachable.has(id) || bootstrap.includes(id) || bootstrap.includes(address);
}

export function choosePeer(gossip: Gossip): string | undefined {
  return pick(gossip, gossip.peers) ?? pick(gossip, strangers(gossip));
}

/** One of those at these places: to be asked itself whether it lives, before it goes by hearsay. */
export function chooseAmong(gossip: Gossip, places: readonly number[]): string | undefined {
  const instances = places.flatMap((place) => gossip.set.instances[place] ?? []);
  return pick(
    gossip,
    instances.filter((instance) => mayCall(gossip, instance)).map(({ id }) => id),
  );
}

/** A bootstrap peer that is not in our set: it may be in another, which then is one with ours. */
export function chooseStranger(gossip: Gossip): string | undefined {
  return pick(gossip, strangers(gossip));
}

/** We are in our set ourselves, and so no strangers. */
function strangers({ set, bootstrap }: Gossip): string[] {
  const isHeld = (name: string): boolean => set.instances.some(({ id, address }) => id === name || address === name);
  return bootstrap.filter((name) => name !== '' && !isHeld(name));
}

function pick(gossip: Gossip, names: readonly string[]): string | undefined {
  return names[Math.floor(gossip.random() * names.length)];
}
