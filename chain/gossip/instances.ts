// Who is there. An instance is one start of one process: it never changes, and a process that starts again is another one, so
// that a word about the old can never be taken for a word about the new. What does change, a counter, lies elsewhere
// (members.ts), in the order of a set.
//
// A set of instances is named by its hash: SHA-256 over the hashes of its instances in order, of which 8 bytes are kept. The
// hash covers membership and no counters, so that in a quiet cluster all peers name the same set. 64 bits are enough: sets that
// meet are a few thousand at most, so that two of them share a name by accident once in 10^12 clusters, and then only counters
// go to the wrong instance: somebody is suspected late. Whoever could make a collision on purpose already holds the
// cluster's secret, and may lie about counters without one.
import { weightOf } from '../../engine/base/checksum.ts';
import { CodedError } from '../../engine/base/errors.ts';
import type { HostId } from '../../engine/base/ids.ts';
import { hostId } from '../../engine/base/ids.ts';
import { instancesMax, instanceTextBytesMax } from '../../engine/base/limits.ts';

/** In the order of their bits on the wire. */
export const roles = ['host', 'proxy', 'voter'] as const;
export type Role = (typeof roles)[number];

export type InstanceParts = {
  /** A host's id, or a proxy's name in the same letters. */
  readonly id: string;
  /** New with every start of the process. Of two boots of one id the one that sorts later is the newer: see `bootOf`. */
  readonly boot: string;
  readonly roles: readonly Role[];
  readonly region: string;
  /** `ip:port`; empty for a proxy that nobody can dial. */
  readonly address: string;
  readonly appHash: string;
};

export type Instance = Omit<InstanceParts, 'id'> & {
  readonly id: HostId;
  /** All parts in one text; instances are ordered by it, and so first by id, then by boot. */
  readonly key: string;
  /** 64 bits over the key, as 16 hex digits. */
  readonly hash: string;
};

export type InstanceSet = {
  readonly hash: string;
  /** By rising key. */
  readonly instances: readonly Instance[];
};

const bootPattern = /^[a-z0-9-]{1,64}$/;
const partPattern = /^[\x21-\x7e]*$/;

/** CHAIN_PROTOCOL unless all parts are as they have to be. */
export function makeInstance(parts: InstanceParts): Instance {
  const { boot, region, address, appHash } = parts;
  const id = hostId(parts.id);
  if (!bootPattern.test(boot)) throw new CodedError('CHAIN_PROTOCOL', `not a boot: ${JSON.stringify(boot)}`);
  for (const part of [region, address, appHash]) {
    if (part.length > instanceTextBytesMax || !partPattern.test(part))
      throw new CodedError('CHAIN_PROTOCOL', `not a part of an instance: ${JSON.stringify(part)}`);
  }
  const has = roles.filter((role) => parts.roles.includes(role));
  if (has.length === 0 || has.length !== parts.roles.length)
    throw new CodedError('CHAIN_PROTOCOL', `not the roles of an instance: ${JSON.stringify(parts.roles)}`);
  // A line feed sorts before every letter of an id and a boot: instances of one id are neighbours, in the order of their boots.
  const key = [id, boot, has.join(','), region, address, appHash].join('\n');
  return { id, boot, roles: has, region, address, appHash, key, hash: weightOf(key) };
}

/**
 * A boot that sorts after those of earlier starts: the start's wall clock, then chance. Where the clock was set back in between,
 * the new process is heard of once the old one is declared dead, and nothing worse happens.
 */
export function bootOf(startMs: number, chance: number): string {
  const hex = (value: number, digits: number): string => Math.floor(value).toString(16).padStart(digits, '0');
  return `${hex(Math.max(startMs, 0), 12)}-${hex(chance * 0x1_0000_0000, 8)}`;
}

/** `instances` by rising key. */
export function makeSet(instances: readonly Instance[]): InstanceSet {
  let hashes = '';
  for (const { hash } of instances) hashes += hash;
  return { hash: weightOf(hashes), instances };
}

/** The same, of what a peer sent: CHAIN_PROTOCOL unless keys rise and their number is bounded. */
export function checkOrder(instances: readonly { readonly instance: Instance }[]): void {
  if (instances.length > instancesMax) throw new CodedError('CHAIN_PROTOCOL', `${instances.length} instances`);
  for (let index = 1; index < instances.length; index += 1) {
    if ((instances[index - 1]?.instance.key ?? '') < (instances[index]?.instance.key ?? '')) continue;
    throw new CodedError('CHAIN_PROTOCOL', 'instances do not rise');
  }
}

/** Where `instance` stands in `set` from `from` on, or -1. At once where it stands at `from`: sets are mostly alike. */
export function indexIn(set: InstanceSet, instance: Instance, from = 0): number {
  const { instances } = set;
  const first = instances[from];
  if (first === instance || first?.hash === instance.hash) return from;
  const at = lowerBound(set, instance.key, from);
  return instances[at]?.hash === instance.hash ? at : -1;
}

/** The first place from `from` on whose key is not below `key`. */
export function lowerBound({ instances }: InstanceSet, key: string, from = 0): number {
  let [low, high] = [from, instances.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((instances[middle]?.key ?? '') < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Where the instances of `id` begin: more than one only in what a peer sent. */
export function indexOfId(set: InstanceSet, id: string): number {
  const at = lowerBound(set, `${id}\n`);
  return set.instances[at]?.id === id ? at : -1;
}
