// The one place where real things are made: disks, sockets, clocks, chance. Everything else is handed what it needs.
import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { splitAddress } from '../chain/config.ts';
import { bootOf } from '../chain/gossip/instances.ts';
import { decodeGossip } from '../chain/gossip/wire.ts';
import type { Node, NodeEvent } from '../chain/node-state.ts';
import { isServingHead } from '../chain/normal.ts';
import { placeDocument } from '../chain/placement.ts';
import type { Replica } from '../chain/state.ts';
import { CodedError } from '../engine/base/errors.ts';
import type { ChainId, Epoch, HostId, Lsn } from '../engine/base/ids.ts';
import { chainId } from '../engine/base/ids.ts';
import { chunkBytesMax, documentBytesMax, findingTellMs, tickMs } from '../engine/base/limits.ts';
import type { App } from '../engine/document/define.ts';
import type { DocumentIndex } from '../engine/store/document-index.ts';
import type { Identity } from '../engine/store/entries.ts';
import type { Folded, FoldFailed } from '../engine/store/folding.ts';
import type { Store } from '../engine/store/store.ts';
import { Admin } from '../proxy/admin.ts';
import { HostLink } from '../proxy/host-link.ts';
import { ProxyServer } from '../proxy/proxy.ts';
import type { ChainService } from './chain-service.ts';
import { Desk } from './desk.ts';
import type { DeskParts } from './desk-parts.ts';
import { failureLogger, unreadableLogger } from './document-log.ts';
import { isReplaceable, noteDoubt } from './doubt.ts';
import { Erasing } from './erasing.ts';
import { Exporter } from './exporting.ts';
import type { Folder } from './folder.ts';
import { hostDir } from './folder.ts';
import { Folding } from './folding.ts';
import type { FrontsParts } from './fronts.ts';
import { Fronts } from './fronts.ts';
import type { Hello } from './hello.ts';
import { Host } from './host.ts';
import type { HostFiles } from './host-files.ts';
import { Links } from './links.ts';
import { Memory } from './memory.ts';
import { openHostStore } from './opening.ts';
import { Operator } from './operator.ts';
import { letterQuestion, Post } from './post.ts';
import type { Runner } from './running.ts';
import { Scrub } from './scrub.ts';
import { whoIsFull } from './space.ts';
import { storedNode } from './stored-node.ts';
import { verifyHostStore } from './verify.ts';
import { watchSpace } from './watch-space.ts';
import type { FoldPool } from './workers/fold-pool.ts';
import { makeFoldPool } from './workers/fold-pool.ts';
import type { RunnerOptions } from './workers/make-runner.ts';
import { makeRunner } from './workers/make-runner.ts';

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
  /** Where documents run: see makeRunner. */
  readonly workers?: RunnerOptions['workers'];
  readonly log: Logger;
  readonly fatal: (cause: unknown) => void;
  /** Whether the host that a store belongs to has it in use: see openHostStore. Nobody is asked where it is left out. */
  readonly isInUse?: (found: Identity) => Promise<boolean>;
  /** Runs something else than documents on the chains headed here: the benchmark of the bare chain does. */
  readonly serve?: (chain: ChainId, wake: () => void) => ChainService;
};

/** Opens and checks the store, and joins the cluster. Errors are those of openHostStore and Links.open. */
export async function composeHost(given: HostOptions): Promise<RunningHost> {
  const { folder, id, log } = given;
  const { cluster } = folder;
  const me = memberOf(folder, id);
  await mkdir(hostDir(folder.dir, id), { recursive: true, mode: 0o700 });
  const chains = Array.from({ length: cluster.chains }, (_, chain) => chainId(chain));
  const space = await watchSpace({ dir: hostDir(folder.dir, id), lowBytes: cluster.freeBytesMin, log });
  const opened = await openStoreOf(given, chains);
  const { store, indexes, watermark, files } = opened;
  const options = { ...given, fatal: doubting(given, files, () => node) };
  const hello = helloOf(options, store);
  const node = storedNode(cluster, store, hello, chains, { nowMs: performance.now(), random: Math.random });
  const mayLead = (appHash: string): boolean => appHash === cluster.appHash;
  const scrub = scrubOf(options, store, () => node);
  const erasing = new Erasing({ store, fatal: options.fatal });
  const { runner, close: closeRunner } = makeRunner(options);
  const made = { store, indexes, scrub, runner };
  const { host, fronts, post, folding, pool } = joinHost(options, made, node, hello, (peer, bytes) =>
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
  space.listen((isFull) => host.tell({ kind: 'space', isFull }));
  host.tick();
  const clock = setInterval(() => {
    host.tick();
    for (const one of [folding, watermark, space, scrub, erasing]) one.tick(performance.now());
  }, tickMs);
  const close = async (): Promise<void> => {
    clearInterval(clock);
    folding.close();
    erasing.close();
    post.close();
    await links.close();
    await scrub.close();
    await host.close();
    await closeRunner();
    await opened.close();
    await space.close();
    await pool.close();
  };
  return { storeId: hello.storeId, isServing: () => host.replicas.every(isWhole), close };
}

/** Notes what is to be doubted before the process ends, which it does whatever becomes of the note. */
function doubting({ fatal }: HostOptions, files: HostFiles, node: () => Node): (cause: unknown) => void {
  return (cause) => {
    try {
      noteDoubt(cause, files, node());
    } finally {
      fatal(cause);
    }
  };
}

function memberOf({ cluster, dir }: Folder, id: HostId): Folder['cluster']['hosts'][number] {
  const me = cluster.hosts.find((host) => host.id === id);
  if (me === undefined) throw new CodedError('HOST_OPTIONS', `there is no host ${id} in ${dir}`);
  if (cluster.voters.length === 0) throw new CodedError('HOST_OPTIONS', `${dir} has no voters: start it with up`);
  return me;
}

function openStoreOf({ folder, id, isInUse, log, fatal }: HostOptions, chains: readonly ChainId[]) {
  return openHostStore({
    dir: hostDir(folder.dir, id),
    chains,
    fresh: () => ({ storeId: randomHex(16), host: id, cluster: folder.cluster.cluster }),
    founded: folder.cluster.voters.find(({ host }) => host === id)?.storeId,
    isInUse: isInUse ?? (() => Promise.resolve(false)),
    log,
    fatal,
  });
}

type Folds = { readonly folding: Folding; readonly pool: FoldPool };

function foldingOf({ folder, log, fatal }: HostOptions, store: Store, host: Host): Folds {
  const pool = makeFoldPool();
  const { history } = folder.cluster;
  const nowMs = (): number => performance.now();
  const chains = () => host.foldable();
  const onBegun = (chain: ChainId, through: Lsn): void => host.onFolding(chain, through);
  const onFolded = (chain: ChainId, folded: Folded): void => host.onFolded(chain, folded);
  const onFailed = (chain: ChainId, err: FoldFailed): void => log.error({ chain, err }, 'a chain cannot be folded');
  return {
    folding: new Folding({ store, fold: pool.fold, history, nowMs, sleep, chains, onBegun, onFolded, onFailed, fatal }),
    pool,
  };
}

/** What it finds ends the process, and the store with it, where others have all that this one should have (E14). */
function scrubOf({ folder, id, log, fatal }: HostOptions, store: Store, node: () => Node): Scrub {
  const { storeId } = store.identity;
  return new Scrub({
    verify: (pacing) => verifyHostStore(store, { cluster: folder.cluster, host: id, storeId }, pacing),
    nowMs: () => performance.now(),
    wallMs: Date.now,
    sleep,
    onFinding: ({ findings, findingsCount }) => {
      log.error({ findings, findingsCount }, 'the store is not what was written');
      const [first] = findings;
      if (!isReplaceable(node())) return;
      const text = `a walk found ${first?.what} (${first?.where}; ${findingsCount} in all)`;
      // Whoever asked for the walk hears of it first.
      setTimeout(() => fatal(new CodedError('ENGINE_CORRUPT', text)), findingTellMs);
    },
    fatal,
  });
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

type Opened = {
  readonly runner: Runner;
  readonly store: Store;
  readonly indexes: ReadonlyMap<ChainId, DocumentIndex>;
  readonly scrub: Scrub;
};

type Asked = {
  readonly tell: (event: NodeEvent) => void;
  readonly deskOf: (chain: ChainId) => Desk | undefined;
  readonly scrub: Scrub;
  readonly memory: Memory;
  readonly hurry: (chain: ChainId, through: Lsn) => boolean;
};

function operatorOf({ log }: HostOptions, store: Store, node: Node, hello: Hello, asked: Asked): Operator {
  const { hurry, deskOf } = asked;
  const exporter = new Exporter({
    store,
    replicaOf: (chain) => node.chains.get(chain)?.replica,
    whenCommitted: (chain, then) => deskOf(chain)?.whenCommitted(then),
    hurry,
    log,
  });
  return new Operator({ ...asked, node, hello, store, exporter, wallMs: Date.now, log });
}

type NewDesk = (chain: ChainId, epoch: Epoch, index: DocumentIndex) => Desk;

/** All desks of a host share its memory. */
function deskMaker(
  options: HostOptions,
  { store, scrub, runner }: Opened,
  memory: Memory,
  node: Node,
  { wake, deliver }: Pick<DeskParts, 'wake' | 'deliver'>,
): NewDesk {
  const askScrub = (): void => void scrub.ask();
  const { log, fatal, folder } = options;
  const { replication: members } = folder.cluster;
  const onUnreadable = unreadableLogger(log, askScrub);
  const onFailure = failureLogger(log);
  const wallMs = Date.now;
  const later = (ms: number, then: () => void): void => void setTimeout(then, ms).unref();
  const common = { runner, store, memory, wake, later, wallMs, deliver, fatal, members, onFailure, onUnreadable };
  return (chain, epoch, index) => new Desk({ ...common, chain, epoch, index, full: () => whoIsFull(node, chain) });
}

function joinHost(
  options: HostOptions,
  opened: Opened,
  node: Node,
  hello: Hello,
  sendTo: (peer: HostId, bytes: Uint8Array) => void,
): { host: Host; fronts: Fronts; post: Post } & Folds {
  const { log, fatal, folder } = options;
  const { store, indexes, scrub } = opened;
  const desks = new Map<ChainId, Desk>();
  const memory = new Memory(documentBytesMax);
  const newDesk = deskMaker(options, opened, memory, node, {
    wake: () => host.wake(),
    deliver: (to, letter) => post.deliver(to, letter),
  });
  const serve = (chain: ChainId, epoch: Epoch, index: DocumentIndex): ChainService => {
    if (options.serve !== undefined) return options.serve(chain, () => host.wake());
    const desk = newDesk(chain, epoch, index);
    desks.set(chain, desk);
    return desk;
  };
  const operator = operatorOf(options, store, node, hello, {
    tell: (event) => host.tell(event),
    deskOf: (chain) => deskOf(chain),
    hurry: (chain, through) => folding.hurry(chain, through, performance.now()),
    scrub,
    memory,
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
  const post = postOf(options, deskOf);
  const ask: FrontsParts['ask'] = (question, args) =>
    question === letterQuestion ? post.receive(args) : operator.answer(question, args);
  const fronts = new Fronts({ chains: folder.cluster.chains, deskOf, ask, fatal, ...frontsOf(host) });
  return { host, fronts, post, folding, pool };
}

function frontsOf(host: Host): Pick<FrontsParts, 'routes' | 'onGossip' | 'onProxy' | 'wake'> {
  return {
    routes: () => host.replicas.filter(isServingHead).map(({ chain, epoch }) => [chain, epoch, true] as const),
    onGossip: (from, bytes) => host.tell({ kind: 'proxyMessage', from, message: decodeGossip(bytes) }),
    onProxy: (id, isConnected) => host.tell({ kind: 'proxyLink', id, isConnected }),
    wake: () => host.wake(),
  };
}

/** Messages of documents go to other hosts as a proxy's do. */
function postOf({ folder, id }: HostOptions, deskOf: (chain: ChainId) => Desk | undefined): Post {
  const { secret, cluster } = folder;
  const peers = new Map(cluster.hosts.filter((one) => one.id !== id).map((one) => [one.id as string, one.address]));
  return new Post({
    chains: cluster.chains,
    deskOf,
    peers: [...peers.keys()],
    dial: (peer, onMessage, onDown) => {
      const host = { id: peer, url: `ws://${peers.get(peer)}` };
      const link = new HostLink({ host, secret, random: Math.random, onUp: () => undefined, onMessage, onDown });
      link.start();
      return link;
    },
  });
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
