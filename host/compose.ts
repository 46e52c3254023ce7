// The one place where real things are made: disks, sockets, clocks, chance. Everything else is handed what it needs.
import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { splitAddress } from '../chain/config.ts';
import { bootOf, makeInstance } from '../chain/gossip/instances.ts';
import { lan } from '../chain/gossip/profile.ts';
import { decodeGossip } from '../chain/gossip/wire.ts';
import { createNode } from '../chain/node.ts';
import type { Node, NodeEvent } from '../chain/node-state.ts';
import { isServingHead } from '../chain/normal.ts';
import { placeDocument } from '../chain/placement.ts';
import { firstVoters } from '../chain/register/voters.ts';
import type { Replica } from '../chain/state.ts';
import { CodedError } from '../engine/base/errors.ts';
import type { ChainId, Epoch, HostId, Lsn } from '../engine/base/ids.ts';
import { chainId } from '../engine/base/ids.ts';
import { chunkBytesMax, fetchBytesPerSecond, tickMs } from '../engine/base/limits.ts';
import type { App } from '../engine/document/define.ts';
import type { DocumentIndex } from '../engine/store/document-index.ts';
import { indexVisited } from '../engine/store/document-index.ts';
import type { Folded, FoldFailed } from '../engine/store/folding.ts';
import type { OpenedRecord } from '../engine/store/format.ts';
import { Store } from '../engine/store/store.ts';
import { Admin } from '../proxy/admin.ts';
import { ProxyServer } from '../proxy/proxy.ts';
import { Desk } from './desk.ts';
import { Exporter } from './exporting.ts';
import type { Folder } from './folder.ts';
import { hostDir, storeDir } from './folder.ts';
import { Folding } from './folding.ts';
import { Fronts } from './fronts.ts';
import type { Hello } from './hello.ts';
import type { ChainService } from './host.ts';
import { Host, storedReplica } from './host.ts';
import { LevelStore } from './level-store.ts';
import { Links } from './links.ts';
import { Operator } from './operator.ts';
import type { FoldPool } from './workers/fold-pool.ts';
import { makeFoldPool } from './workers/fold-pool.ts';

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
  if (cluster.voters.length === 0)
    throw new CodedError('HOST_OPTIONS', `${folder.dir} has no voters: start it with up`);
  await mkdir(hostDir(folder.dir, id), { recursive: true, mode: 0o700 });
  const disk = await LevelStore.open(storeDir(folder.dir, id));
  const chains = Array.from({ length: cluster.chains }, (_, chain) => chainId(chain));
  const fresh = { storeId: randomHex(16), host: id, cluster: cluster.cluster };
  const indexes = new Map<ChainId, DocumentIndex>();
  const visit = (record: OpenedRecord): void => indexVisited(indexes, record);
  const store = await Store.open(disk, chains, fresh, visit).catch(async (cause: unknown) => {
    await disk.close();
    throw cause;
  });
  const hello = helloOf(options, store);
  const node = nodeOf(options, store, hello, chains);
  const mayLead = (appHash: string): boolean => appHash === cluster.appHash;
  const { host, fronts, folding, pool } = joinHost(options, { store, indexes }, node, hello, (peer, bytes) =>
    links.sendTo(peer, bytes),
  );
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
      onConnected: (peer, other) => host.onConnected(peer, { ...other, mayLead: mayLead(other.appHash) }),
      onDisconnected: (peer) => host.onDisconnected(peer),
      onRefused: (peer) => host.tell({ kind: 'refused', peer }),
      onFrame: (peer, bytes) => host.onFrame(peer, bytes),
      onFront: (socket) => fronts.welcome(socket),
    },
  );
  await links.open();
  host.tick();
  const clock = setInterval(() => {
    host.tick();
    folding.tick(performance.now());
  }, tickMs);
  const close = async (): Promise<void> => {
    clearInterval(clock);
    folding.close();
    await links.close();
    await host.close();
    await pool.close();
  };
  return { storeId: hello.storeId, isServing: () => host.replicas.every(isWhole), close };
}

function failureLogger(log: Logger): (document: string, channel: string, err: unknown) => void {
  return (document, channel, err) => log.warn({ document, channel, err }, 'the application failed');
}

type Folds = { readonly folding: Folding; readonly pool: FoldPool };

function foldingOf({ folder, log, fatal }: HostOptions, store: Store, host: Host): Folds {
  const pool = makeFoldPool();
  const { history } = folder.cluster;
  const nowMs = (): number => performance.now();
  const chains = () => host.foldable();
  const onFolded = (chain: ChainId, folded: Folded): void => host.onFolded(chain, folded);
  const onFailed = (chain: ChainId, err: FoldFailed): void => log.error({ chain, err }, 'a chain cannot be folded');
  return {
    folding: new Folding({ store, fold: pool.fold, history, nowMs, sleep, chains, onFolded, onFailed, fatal }),
    pool,
  };
}

/** Whether this host runs what the register holds, or has no part in it. */
function isWhole({ phase, known, self }: Replica): boolean {
  if (known?.phase !== 'active') return false;
  return phase.kind === 'serving' || !known.members.some(({ host }) => host === self);
}

function helloOf({ folder, id, appHash }: HostOptions, store: Store): Hello {
  const { storeId } = store.identity;
  const boot = bootOf(Date.now(), Math.random());
  return { version: 1, cluster: folder.cluster.cluster, host: id, boot, storeId, appHash };
}

function nodeOf(options: HostOptions, store: Store, hello: Hello, chains: readonly ChainId[]): Node {
  const { cluster } = options.folder;
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
    mayLead: appHash === cluster.appHash,
    instance: makeInstance({ id: self, boot, roles: isVoter ? ['host', 'voter'] : ['host'], region, address, appHash }),
    profile: lan,
    voters: firstVoters(voters),
    cells: [...store.cells].map(([register, bytes]) => ({ register, bytes })),
    replicas: chains.map((chain) => storedReplica(store, chain)),
    nowMs: performance.now(),
    tickMs,
    fetchBytesPerSecond,
    random: Math.random,
  });
}

type Asked = {
  readonly tell: (event: NodeEvent) => void;
  readonly deskOf: (chain: ChainId) => Desk | undefined;
  readonly hurry: (chain: ChainId, through: Lsn) => boolean;
};

function operatorOf({ log }: HostOptions, store: Store, node: Node, hello: Hello, asked: Asked): Operator {
  const { tell, deskOf, hurry } = asked;
  const exporter = new Exporter({
    store,
    replicaOf: (chain) => node.chains.get(chain)?.replica,
    whenCommitted: (chain, then) => deskOf(chain)?.whenCommitted(then),
    hurry,
    log,
  });
  const resident = (chain: ChainId): number => deskOf(chain)?.residentCount ?? 0;
  return new Operator({ node, hello, store, exporter, tell, resident, log });
}

function joinHost(
  options: HostOptions,
  { store, indexes }: { readonly store: Store; readonly indexes: ReadonlyMap<ChainId, DocumentIndex> },
  node: Node,
  hello: Hello,
  sendTo: (peer: HostId, bytes: Uint8Array) => void,
): { host: Host; fronts: Fronts } & Folds {
  const { app, log, fatal } = options;
  const desks = new Map<ChainId, Desk>();
  const env = () => ({ nowMs: Date.now(), randomBytes16: () => randomBytes(16) });
  const serve = (chain: ChainId, epoch: Epoch, index: DocumentIndex): ChainService => {
    if (options.serve !== undefined) return options.serve(chain, () => host.wake());
    const onFailure = failureLogger(log);
    const desk = new Desk({ chain, epoch, app, store, index, env, wake: () => host.wake(), fatal, onFailure });
    desks.set(chain, desk);
    return desk;
  };
  const operator = operatorOf(options, store, node, hello, {
    tell: (event) => host.tell(event),
    deskOf: (chain) => deskOf(chain),
    hurry: (chain, through) => folding.hurry(chain, through, performance.now()),
  });
  const host = new Host({
    node,
    store,
    indexes,
    log,
    nowMs: () => performance.now(),
    chunkBytes: chunkBytesMax,
    soon: setImmediate,
    sendTo,
    sendToProxy: (proxy, bytes) => fronts.gossip(proxy, bytes),
    serve,
    onRoutes: () => fronts.announceRoutes(),
    onTurnEnd: () => fronts.flush(),
    onReplaced: (result) => operator.onReplaced(result),
    quiesce: (chain) => folding.quiesce(chain),
    settle: (chain) => folding.settle(chain),
    fatal,
  });
  const { folding, pool } = foldingOf(options, store, host);
  const deskOf = (chain: ChainId): Desk | undefined => {
    const desk = desks.get(chain);
    return desk !== undefined && host.serviceOf(chain) === desk ? desk : undefined;
  };
  const fronts = new Fronts({
    chains: options.folder.cluster.chains,
    deskOf,
    routes: () => host.replicas.filter(isServingHead).map(({ chain, epoch }) => [chain, epoch, true] as const),
    ask: (question, args) => operator.answer(question, args),
    onGossip: (from, bytes) => host.tell({ kind: 'proxyMessage', from, message: decodeGossip(bytes) }),
    onProxy: (id, isConnected) => host.tell({ kind: 'proxyLink', id, isConnected }),
    wake: () => host.wake(),
    fatal,
  });
  return { host, fronts, folding, pool };
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
    region: cluster.region,
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
