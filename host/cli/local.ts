// The processes of a cluster on this machine, and the ports that they need: what `levelten up` has in common with clusters of tests.
import type { Server } from 'node:net';
import { createServer } from 'node:net';
import type { Cluster } from '../../chain/config.ts';
import { splitAddress } from '../../chain/config.ts';
import { CodedError } from '../../engine/base/errors.ts';
import type { Folder } from '../folder.ts';
import type { KeeperEvent } from './keeper.ts';
import { Keeper } from './keeper.ts';

/** How often the proxy is asked whether every chain serves. */
export const readyPollMs = 25;

/** The application's file, its page, and the threads that each host runs documents in. */
export type Served = { readonly file: string; readonly page: string | undefined; readonly workers: number };

/** Of each host and of the proxy, none of them started. */
export function keepersOf(
  folder: Folder,
  { file, page, workers }: Served,
  onEvent: (event: KeeperEvent) => void,
): Keeper[] {
  const common = ['--dir', folder.dir, '--app', file];
  const ofHost = [...common, '--workers', `${workers}`];
  const hosts = folder.cluster.hosts.map(({ id }) => new Keeper(id, ['host', '--id', id, ...ofHost], onEvent));
  const pageWords = page === undefined ? [] : ['--page', page];
  return [...hosts, new Keeper('proxy', ['proxy', ...common, ...pageWords], onEvent)];
}

/** Whether the proxy has a way to every chain. */
export async function isReady({ cluster }: Folder): Promise<boolean> {
  const response = await fetch(`http://${cluster.proxy.address}/readyz`).catch(() => undefined);
  return response?.ok === true;
}

/** PORT_TAKEN names the port and the option that moves it, before anything is started. */
export async function checkPorts(cluster: Cluster): Promise<void> {
  const addresses = [cluster.proxy.address, cluster.proxy.admin, ...cluster.hosts.map(({ address }) => address)];
  for (const address of addresses) {
    const { host, port } = splitAddress(address);
    const server = await holdPort(host, port);
    await new Promise<void>((done) => server.close(() => done()));
  }
}

/** Listens on a port, so that nobody else does. PORT_TAKEN. */
export function holdPort(host: string, port: number): Promise<Server> {
  const server = createServer();
  return new Promise((done, reject) => {
    server.once('error', (cause) => {
      const next = 'end what listens there, or choose another range with --port-base';
      reject(new CodedError('PORT_TAKEN', `${host}:${port} is in use: ${next}`, { cause }));
    });
    server.listen(port, host, () => done(server));
  });
}
