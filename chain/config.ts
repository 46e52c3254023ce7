// A cluster, as written down once at `init` and read by every process of it.
import { CodedError } from '../engine/base/errors.ts';
import type { HostId } from '../engine/base/ids.ts';
import { hostId } from '../engine/base/ids.ts';
import { hostsMax } from '../engine/base/limits.ts';

/** Addresses are `ip:port`. `appHash` is what the hosts are meant to run: a host with another may follow but not lead. */
export type Cluster = {
  readonly version: 1;
  readonly cluster: string;
  readonly chains: number;
  readonly replication: number;
  readonly hosts: readonly { readonly id: HostId; readonly address: string }[];
  readonly proxy: { readonly address: string; readonly admin: string };
  readonly appHash: string;
};

/** HOST_OPTIONS unless `value` is a cluster's configuration. */
export function parseCluster(value: unknown): Cluster {
  const fields = objectOf(value, 'the configuration');
  const proxy = objectOf(fields['proxy'], 'proxy');
  const hosts = fields['hosts'];
  if (fields['version'] !== 1) throw refuse('version is not 1');
  if (!Array.isArray(hosts) || hosts.length === 0 || hosts.length > hostsMax)
    throw refuse(`hosts is not a list of 1 to ${hostsMax}`);
  const parsed = hosts.map((host: unknown) => {
    const one = objectOf(host, 'a host');
    return { id: hostId(textOf(one['id'], 'id')), address: addressOf(one['address'], 'address') };
  });
  if (new Set(parsed.map(({ id }) => id)).size !== parsed.length) throw refuse('two hosts have one id');
  const replication = countOf(fields['replication'], 'replication', parsed.length);
  return {
    version: 1,
    cluster: textOf(fields['cluster'], 'cluster'),
    chains: countOf(fields['chains'], 'chains', 4096),
    replication,
    hosts: parsed,
    proxy: { address: addressOf(proxy['address'], 'proxy.address'), admin: addressOf(proxy['admin'], 'proxy.admin') },
    appHash: textOf(fields['appHash'], 'appHash'),
  };
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
