// The one place where real things are made: disks, sockets, clocks, chance. Everything else is handed what it needs.
import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import type { Logger } from 'pino';
import { splitAddress } from '../chain/config.ts';
import { isServingHead } from '../chain/normal.ts';
import { placeChains, placeDocument } from '../chain/placement.ts';
import type { Replica } from '../chain/state.ts';
import { createReplica } from '../chain/state.ts';
import { CodedError } from '../engine/base/errors.ts';
import type { ChainId, Epoch, HostId } from '../engine/base/ids.ts';
import { chainId, hostId, origin } from '../engine/base/ids.ts';
import type { App } from '../engine/document/define.ts';
import type { DocumentIndex } from '../engine/store/document-index.ts';
import { Store } from '../engine/store/store.ts';
import { Admin } from '../proxy/admin.ts';
import { ProxyServer } from '../proxy/proxy.ts';
import { Desk } from './desk.ts';
import type { Folder } from './folder.ts';
import { hostDir, storeDir } from './folder.ts';
import { Fronts } from './fronts.ts';
import type { Hello } from './hello.ts';
import type { ChainService } from './host.ts';
import { Host } from './host.ts';
import { countArgument, describeHost, readLog } from './inspect.ts';
import { LevelStore } from './level-store.ts';
import { Links } from './links.ts';

export type RunningHost = {
  readonly storeId: string;
  /** Whether every chain kept here serves. */
  readonly isServing: () => boolean;
  readonly close: () => Promise<void>;
};

export type HostOptions = {
  readonly folder: Folder;
  readonly id: HostId;
  readonly app: App;
  readonly appHash: string;
  readonly log: Logger;
  readonly fatal: (cause: unknown) => void;
  /** Runs something else than documents on the chains headed here: the benchmark of the bare chain does. */
  readonly serve?: (chain: ChainId, wake: () => void) => ChainService;
};

/** Opens and checks the store, and joins the cluster. Errors are those of LevelStore.open, Store.open and Links.open. */
export async function composeHost(options: HostOptions): Promise<RunningHost> {
  const { folder, id, log } = options;
  const { cluster } = folder;
  const me = cluster.hosts.find((host) => host.id === id);
  if (me === undefined) throw new CodedError('HOST_OPTIONS', `there is no host ${id} in ${folder.dir}`);
  await mkdir(hostDir(folder.dir, id), { recursive: true, mode: 0o700 });
  const disk = await LevelStore.open(storeDir(folder.dir, id));
  const placed = placementOf(folder);
  const kept = placed.flatMap((members, chain) => (members.includes(id) ? [chainId(chain)] : []));
  const fresh = { storeId: randomHex(16), host: id, cluster: cluster.cluster };
  const store = await Store.open(disk, kept, fresh).catch(async (cause: unknown) => {
    await disk.close();
    throw cause;
  });
  const hello = helloOf(options, store);
  const mayLead = (appHash: string): boolean => appHash === cluster.appHash;
  const replicas = kept.map((chain) =>
    createReplica({
      self: id,
      boot: hello.boot,
      storeId: hello.storeId,
      chain,
      members: placed[chain] as readonly HostId[],
      mayLead: mayLead(options.appHash),
      marks: store.marks(chain),
      durable: store.durable(chain),
    }),
  );
  const { host, fronts } = joinHost(options, store, replicas, hello, (peer, bytes) => links.sendTo(peer, bytes));
  const links = new Links(
    {
      hello,
      address: me.address,
      peers: cluster.hosts.filter((one) => one.id !== id),
      secret: folder.secret,
      log,
      random: Math.random,
    },
    {
      onConnected: (peer, other) => host.onConnected(peer, other.boot, mayLead(other.appHash)),
      onDisconnected: (peer) => host.onDisconnected(peer),
      onFrame: (peer, bytes) => host.onFrame(peer, bytes),
      onFront: (socket) => fronts.welcome(socket),
    },
  );
  await links.open();
  host.begin();
  const close = async (): Promise<void> => {
    await links.close();
    await host.close();
  };
  return {
    storeId: hello.storeId,
    isServing: () => host.replicas.every(({ phase }) => phase.kind === 'serving'),
    close,
  };
}

function helloOf({ folder, id, appHash }: HostOptions, store: Store): Hello {
  const { storeId } = store.identity;
  return { version: 1, cluster: folder.cluster.cluster, host: id, boot: randomHex(8), storeId, appHash };
}

/** Who keeps which chain: fixed while the configuration is (see SPEC.md, P rules). */
export function placementOf({ cluster }: Folder): readonly (readonly HostId[])[] {
  const ids = cluster.hosts.map((host) => hostId(host.id));
  return placeChains(ids, cluster.chains, cluster.replication, () => true);
}

function joinHost(
  options: HostOptions,
  store: Store,
  replicas: readonly Replica[],
  hello: Hello,
  sendTo: (peer: HostId, bytes: Uint8Array) => void,
): { host: Host; fronts: Fronts } {
  const { app, log, fatal } = options;
  const desks = new Map<ChainId, Desk>();
  const env = () => ({ nowMs: Date.now(), randomBytes16: () => randomBytes(16) });
  const serve = (chain: ChainId, epoch: Epoch, index: DocumentIndex): ChainService => {
    if (options.serve !== undefined) return options.serve(chain, () => host.wake());
    const onFailure = (document: string, channel: string, err: unknown): void => {
      log.warn({ document, channel, err }, 'the application failed');
    };
    const desk = new Desk({ chain, epoch, app, store, index, env, wake: () => host.wake(), fatal, onFailure });
    desks.set(chain, desk);
    return desk;
  };
  const host = new Host({
    self: options.id,
    store,
    replicas,
    log,
    soon: setImmediate,
    sendTo,
    serve,
    onRoutes: () => fronts.announceRoutes(),
    onTurnEnd: () => fronts.flush(),
    fatal,
  });
  const deskOf = (chain: ChainId): Desk | undefined => {
    const desk = desks.get(chain);
    return desk !== undefined && host.serviceOf(chain) === desk ? desk : undefined;
  };
  const fronts = new Fronts({
    chains: options.folder.cluster.chains,
    deskOf,
    routes: () => replicas.filter(isServingHead).map(({ chain, epoch }) => [chain, epoch, true] as const),
    ask: async (question, args) => {
      if (question === 'status') return describeHost(hello, replicas, (chain) => deskOf(chain)?.residentCount ?? 0);
      if (question !== 'log') throw new CodedError('HOST_OPTIONS', `unknown question ${question}`);
      const chain = chainId(countArgument(args['chain'], 'chain', 0, 65_535));
      if (!replicas.some((replica) => replica.chain === chain)) {
        throw new CodedError('HOST_OPTIONS', `chain ${chain} is not kept here`);
      }
      const after = countArgument(args['after'], 'after', 0, Number.MAX_SAFE_INTEGER);
      return readLog(store.walk(chain, origin), { after, max: countArgument(args['max'], 'max', 100, 1_000) });
    },
    wake: () => host.wake(),
    fatal,
  });
  return { host, fronts };
}

function randomHex(bytes: number): string {
  return randomBytes(bytes).toString('hex');
}

export type ProxyOptions = {
  readonly folder: Folder;
  readonly log: Logger;
  readonly pageFolder: string | undefined;
  readonly distFolder: string;
};

/** A proxy with its admin port, both listening. PORT_TAKEN where one of them is in use. */
export async function composeProxy(options: ProxyOptions): Promise<{ readonly close: () => Promise<void> }> {
  const { folder, log, pageFolder, distFolder } = options;
  const { cluster, secret, adminToken } = folder;
  const front = splitAddress(cluster.proxy.address);
  const proxy = new ProxyServer({
    address: front.host,
    port: front.port,
    hosts: cluster.hosts.map(({ id, address }) => ({ id, url: `ws://${address}` })),
    secret,
    chains: cluster.chains,
    chainOf: (name) => placeDocument(name, cluster.chains),
    ...(pageFolder === undefined ? {} : { pageFolder }),
    distFolder,
    log,
    random: Math.random,
  });
  const back = splitAddress(cluster.proxy.admin);
  const admin = new Admin({ address: back.host, port: back.port, token: adminToken, proxy });
  await proxy.listen();
  await admin.listen();
  const close = async (): Promise<void> => {
    await admin.close();
    await proxy.close();
  };
  return { close };
}
