// What a host says of itself at the start of a link: `boot` is new with every start of its process, so that a peer can tell a
// link that broke from a host that restarted; `appHash` is what it runs.
import { CodedError } from '../engine/base/errors.ts';
import type { HostId } from '../engine/base/ids.ts';
import { hostId } from '../engine/base/ids.ts';

export type Hello = {
  readonly version: 1;
  readonly cluster: string;
  readonly host: HostId;
  readonly boot: string;
  readonly storeId: string;
  readonly appHash: string;
};

const helloBytesMax = 4_096;

export function encodeHello(hello: Hello): Uint8Array {
  return Buffer.from(JSON.stringify(hello));
}

/** CHAIN_PROTOCOL unless `bytes` are a hello of this version. */
export function decodeHello(bytes: Uint8Array): Hello {
  try {
    if (bytes.length > helloBytesMax) throw new Error('it is too long');
    const fields = JSON.parse(Buffer.from(bytes).toString()) as Record<string, unknown>;
    const [cluster, host, boot, storeId, appHash] = ['cluster', 'host', 'boot', 'storeId', 'appHash'].map((name) => {
      const value = fields[name];
      if (typeof value !== 'string' || value === '') throw new Error(`${name} is not a text`);
      return value;
    }) as [string, string, string, string, string];
    if (fields['version'] !== 1) throw new Error('its version is not 1');
    return { version: 1, cluster, host: hostId(host), boot, storeId, appHash };
  } catch (cause) {
    throw new CodedError('CHAIN_PROTOCOL', `not a hello: ${cause instanceof Error ? cause.message : ''}`, { cause });
  }
}
