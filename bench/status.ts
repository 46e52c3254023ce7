// What `levelten status --json` says, and what follows from it: who stands where in a chain, and whether everything is whole.

export type ChainLine = {
  readonly chain: number;
  readonly epoch: number;
  readonly state: string;
  readonly isHead: boolean;
  readonly order: readonly string[];
};

export type ClusterStatus = {
  readonly hosts: readonly {
    readonly host: string;
    /** null where the host does not answer. */
    readonly status: { readonly chains: readonly ChainLine[] } | null;
  }[];
};

export const roles = ['head', 'middle', 'tail'] as const;
export type Role = (typeof roles)[number];

/** The line of a chain's head. Two may say that they are: one of them does not know yet of the other's newer epoch. */
export function headLine(status: ClusterStatus, chain: number): ChainLine | undefined {
  const heads = status.hosts.flatMap(({ status: known }) => {
    return known?.chains.filter((line) => line.chain === chain && line.isHead) ?? [];
  });
  return heads.sort((a, b) => b.epoch - a.epoch)[0];
}

/** undefined where the chain has no head just now, or is too short to have a middle. */
export function hostIn(status: ClusterStatus, chain: number, role: Role): string | undefined {
  const order = headLine(status, chain)?.order ?? [];
  if (role === 'head') return order[0];
  return role === 'tail' ? order.at(-1) : order.slice(1, -1)[0];
}

/**
 * undefined where everything is whole: every host answers, and every chain has all its members, who all serve in the epoch
 * of its head.
 */
export function whyNotWhole(status: ClusterStatus | undefined, chains: number, members: number): string | undefined {
  if (status === undefined) return 'the admin port does not answer';
  const known = new Map(status.hosts.map(({ host, status: said }) => [host, said?.chains]));
  for (const [host, lines] of known) if (lines === undefined) return `${host} does not answer`;
  for (let chain = 0; chain < chains; chain += 1) {
    const head = headLine(status, chain);
    if (head === undefined) return `chain ${chain} has no head`;
    if (head.order.length < members) return `chain ${chain} has ${head.order.length} of ${members} members`;
    for (const host of head.order) {
      const line = known.get(host)?.find((one) => one.chain === chain);
      if (line === undefined) return `chain ${chain} is unknown to ${host}`;
      if (line.state !== 'serving') return `chain ${chain} on ${host} is ${line.state}`;
      if (line.epoch !== head.epoch) return `chain ${chain} on ${host} is in epoch ${line.epoch}, not ${head.epoch}`;
    }
  }
  return undefined;
}

/** The hosts whose every chain serves. */
export function servingHosts(status: ClusterStatus | undefined): string[] {
  const serving = status?.hosts.filter(({ status: known }) => {
    return known?.chains.every(({ state }) => state === 'serving') === true;
  });
  return serving?.map(({ host }) => host) ?? [];
}

/** One line a host and standing: `h1: chains 0 3 5 serving in epoch 7 as head of h1 > h2 > h3`. */
export function describeStatus(status: ClusterStatus | undefined): string[] {
  if (status === undefined) return ['the admin port does not answer'];
  return status.hosts.flatMap(({ host, status: known }) => {
    if (known === null) return [`${host}: does not answer`];
    const chainsOf = new Map<string, number[]>();
    for (const { chain, epoch, state, isHead, order } of known.chains) {
      const standing = `${state} in epoch ${epoch}${isHead ? ' as head' : ''} of ${order.join(' > ')}`;
      chainsOf.set(standing, [...(chainsOf.get(standing) ?? []), chain]);
    }
    return [...chainsOf].map(([standing, chains]) => `${host}: chains ${chains.join(' ')} ${standing}`);
  });
}
