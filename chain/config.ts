// A cluster, as written down once at `init` and read by every process of it.
import { CodedError } from '../engine/base/errors.ts';
import type { HostId } from '../engine/base/ids.ts';
import { hostId } from '../engine/base/ids.ts';
import { freeBytesMinUsual, historyMax, historyUpdates, hostsMax, votersMax } from '../engine/base/limits.ts';

/**
 * `voters` keep the registers, each named with the store that it was made with: an odd number. With fewer than `minReplicas`
 * serving members a chain does not run. `region` is where all of it stands. Addresses are `ip:port`. `appHash` is what the
 * hosts are meant to run: a host with another may follow but not lead. `history` is how many updates of each document stay readable by
 * themselves. With less than `freeBytesMin` on its disk a host has new writes refused.
 */
export type Cluster = {
  readonly version: 2;
  readonly cluster: string;
  readonly region: string;
  readonly chains: number;
  readonly replication: number;
  readonly minReplicas: number;
  /** None in a configuration of version 1, which had no registers: they are made with the next start. */
  readonly voters: readonly { readonly host: HostId; readonly storeId: string }[];
  readonly hosts: readonly { readonly id: HostId; readonly address: string }[];
  readonly proxy: { readonly address: string; readonly admin: string };
  readonly history: number;
  readonly freeBytesMin: number;
  readonly appHash: string;
};

/** HOST_OPTIONS unless `value` is a cluster's configuration. */
export function parseCluster(value: unknown): Cluster {
  const fields = objectOf(value, 'the configuration');
  const proxy = objectOf(fields['proxy'], 'proxy');
  const hosts = fields['hosts'];
  const { version } = fields;
  if (version !== 1 && version !== 2) throw refuse('version is not 1 or 2');
  if (!Array.isArray(hosts) || hosts.length === 0 || hosts.length > hostsMax)
    throw refuse(`hosts is not a list of 1 to ${hostsMax}`);
  const parsed = hosts.map((host: unknown) => {
    const one = objectOf(host, 'a host');
    return { id: hostId(textOf(one['id'], 'id')), address: addressOf(one['address'], 'address') };
  });
  if (new Set(parsed.map(({ id }) => id)).size !== parsed.length) throw refuse('two hosts have one id');
  const replication = countOf(fields['replication'], 'replication', parsed.length);
  const ids = parsed.map(({ id }) => id);
  return {
    version: 2,
    cluster: textOf(fields['cluster'], 'cluster'),
    region: version === 1 ? 'local' : textOf(fields['region'], 'region'),
    chains: countOf(fields['chains'], 'chains', 4096),
    replication,
    minReplicas:
      version === 1 ? minReplicasOf(replication) : countOf(fields['minReplicas'], 'minReplicas', replication),
    voters: version === 1 ? [] : votersOf(fields['voters'], ids),
    hosts: parsed,
    proxy: { address: addressOf(proxy['address'], 'proxy.address'), admin: addressOf(proxy['admin'], 'proxy.admin') },
    // Older configurations say nothing of it, or more than is taken now.
    history: Math.min(countOf(fields['history'] ?? historyUpdates, 'history', Number.MAX_SAFE_INTEGER), historyMax),
    freeBytesMin: countOf(fields['freeBytesMin'] ?? freeBytesMinUsual, 'freeBytesMin', Number.MAX_SAFE_INTEGER),
    appHash: textOf(fields['appHash'], 'appHash'),
  };
}

/** How many members a chain needs to run, unless an operator says otherwise: of three two, so that one may die. */
export function minReplicasOf(replication: number): number {
  return Math.ceil(replication / 2);
}

/** How many of so many hosts vote: an odd number, and more than five outlive no more than is likely to fail. */
export function votersCountOf(hosts: number): number {
  return hosts >= 5 ? 5 : hosts >= 3 ? 3 : 1;
}

function votersOf(value: unknown, hosts: readonly HostId[]): Cluster['voters'] {
  if (!Array.isArray(value)) throw refuse('voters is not a list');
  const voters = value.map((item: unknown) => {
    const one = objectOf(item, 'a voter');
    return { host: hostId(textOf(one['host'], 'host')), storeId: textOf(one['storeId'], 'storeId') };
  });
  const isOdd = voters.length % 2 === 1 && voters.length <= votersMax;
  const areHosts = voters.every(({ host }) => hosts.includes(host));
  if (!isOdd || !areHosts || new Set(voters.map(({ host }) => host)).size !== voters.length) {
    throw refuse('voters are not 1, 3, 5 or 7 of the hosts');
  }
  return voters;
}

/** `127.0.0.1:7100` -> its parts. */
export function splitAddress(address: string): { host: string; port: number } {
  const colon = address.lastIndexOf(':');
  return { host: address.slice(0, colon), port: Number(address.slice(colon + 1)) };
}

function refuse(what: string): CodedError {
  return new CodedError('HOST_OPTIONS', `the cluster's configuration is wrong: ${what}`);
}

function objectOf(value: unknown, name: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw refuse(`${name} is not an object`);
  return value as Record<string, unknown>;
}

function textOf(value: unknown, name: string): string {
  if (typeof value !== 'string' || value.length === 0 || value.length > 256) throw refuse(`${name} is not a text`);
  return value;
}

function countOf(value: unknown, name: string, max: number): number {
  if (!Number.isInteger(value) || (value as number) < 1 || (value as number) > max)
    throw refuse(`${name} is not 1...${max}`);
  return value as number;
}

function addressOf(value: unknown, name: string): string {
  const text = textOf(value, name);
  const { host, port } = splitAddress(text);
  if (host === '' || !Number.isInteger(port) || port < 1 || port > 65_535) throw refuse(`${name} is not ip:port`);
  return text;
}
