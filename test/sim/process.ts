// One process of a host: the real store, replicas, host, desks and fronts, as host/compose.ts joins them, on a simulated disk,
// network and clock. This is the only file that knows how a Host is made.
import type { Logger } from 'pino';
import type { Configuration } from '../../chain/configuration.ts';
import { makeInstance } from '../../chain/gossip/instances.ts';
import { lan } from '../../chain/gossip/profile.ts';
import { createNode } from '../../chain/node.ts';
import type { Node, NodeEvent } from '../../chain/node-state.ts';
import { isServingHead } from '../../chain/normal.ts';
import { firstVoters } from '../../chain/register/voters.ts';
import type { Replica } from '../../chain/state.ts';
import type { ChainId, Epoch, HostId } from '../../engine/base/ids.ts';
import { chainId } from '../../engine/base/ids.ts';
import { fetchBytesPerSecond } from '../../engine/base/limits.ts';
import type { App } from '../../engine/document/define.ts';
import type { Letter, Reply } from '../../engine/document/document.ts';
import { foldDocument } from '../../engine/document/life/snapshot.ts';
import type { DocumentIndex } from '../../engine/store/document-index.ts';
import type { Store } from '../../engine/store/store.ts';
import type { Believed } from '../../host/believing.ts';
import { openOrBegin } from '../../host/believing.ts';
import type { ChainService } from '../../host/chain-service.ts';
import { Desk } from '../../host/desk.ts';
import type { DeskParts } from '../../host/desk-parts.ts';
import { noteDoubt } from '../../host/doubt.ts';
import { Folding } from '../../host/folding.ts';
import type { FrontsParts } from '../../host/fronts.ts';
import { Fronts } from '../../host/fronts.ts';
import { InlineRunner } from '../../host/held.ts';
import type { Hello } from '../../host/hello.ts';
import { Host } from '../../host/host.ts';
import { Memory } from '../../host/memory.ts';
import type { PostParts } from '../../host/post.ts';
import { Post } from '../../host/post.ts';
import { storedReplica } from '../../host/stored-node.ts';
import { WatermarkKeeper } from '../../host/watermark-keeper.ts';
import type { Prng } from '../prng.ts';
import { Actor } from './actor.ts';
import type { Beside } from './beside.ts';
import type { SimDisk } from './disk.ts';
import type { Kernel } from './kernel.ts';
import { SimLinks } from './links.ts';
import type { Network } from './network.ts';
import { SimPostLink } from './post-link.ts';

export type Cluster = {
  readonly hosts: readonly HostId[];
  readonly chains: number;
  readonly replication: number;
  readonly serversMin: number;
  /** The stores that the cluster began with: those of its voters are among them. */
  readonly storeIds: ReadonlyMap<HostId, string>;
  readonly app: App;
};

/** What is seen of a process from outside: for checkers, counts and stories. */
export type ProcessEvents = {
  /** It heads a chain from now on. */
  readonly onServing: (process: HostProcess, chain: ChainId, epoch: Epoch) => void;
  /** It knows for sure what the register holds. */
  readonly onLearned: (process: HostProcess, value: Configuration) => void;
  readonly onForgotten: (process: HostProcess, chain: ChainId) => void;
  readonly onFolded: () => void;
  /** It does not believe its store. */
  readonly onSetAside: (process: HostProcess, reason: string) => void;
  /** It has a store. */
  readonly onOpened: (process: HostProcess) => void;
  readonly onWedged: (process: HostProcess, chain: ChainId, reason: string) => void;
  readonly onMessage: (process: HostProcess, to: HostId, bytes: Uint8Array) => void;
  /** The process ended itself. */
  readonly onFatal: (process: HostProcess, cause: unknown) => void;
  readonly say: (line: () => string) => void;
};

export type ProcessParts = {
  readonly kernel: Kernel;
  readonly network: Network;
  readonly disk: SimDisk;
  readonly beside: Beside;
  readonly cluster: Cluster;
  readonly events: ProcessEvents;
  readonly prng: Prng;
};

/** How long a process takes to come to its turn: a slow one finds more in its inbox. */
const turnMsOf = [0.02, 0.02, 0.3, 2, 10];
/** What one answer to a fetch carries: histories here are short, and should come in pieces all the same. */
const chunkBytesOf = [300, 2_000, 1_000_000];
/** Half as often as a real host's: time is policy's alone, and ticks are most of what happens. */
const tickMs = 50;
/** How long what was left is kept: runs here are short. */
const leftMsOf = [1_000, 5_000, 600_000] as const;
/** Records that wait before a chain is folded: histories here are short. */
const foldRecordsOf = [2, 20, 1_000];
/** What documents may take: in some histories they come and go. */
const memoryBytesOf = [1, 6_000, 1_000_000];
const appHash = 'app';

export class HostProcess extends Actor {
  readonly id: HostId;
  readonly boot: string;
  readonly disk: SimDisk;
  readonly #parts: ProcessParts;
  #host: Host | undefined;
  #node: Node | undefined;
  #folds: Folding | undefined;

  constructor(id: HostId, boot: number, parts: ProcessParts) {
    super(id);
    this.id = id;
    this.boot = `${id}-boot-${boot}`;
    this.disk = parts.disk;
    this.#parts = parts;
  }

  /** Opens the store, which takes a while, and joins the cluster. */
  start(): void {
    this.#start().catch((cause: unknown) => this.fatal(cause));
  }

  /** Its store is open. */
  get hasBegun(): boolean {
    return this.#host !== undefined;
  }

  get isFolding(): boolean {
    return this.#folds?.isBusy === true;
  }

  get node(): Node | undefined {
    return this.#node;
  }

  /** An operator's will. */
  tell(event: NodeEvent): void {
    this.enter(() => this.#host?.tell(event));
  }

  get replicas(): readonly Replica[] {
    return this.#host?.replicas ?? [];
  }

  override guard(run: () => void): void {
    try {
      run();
    } catch (cause) {
      this.fatal(cause);
    }
  }

  fatal(cause: unknown): void {
    if (this.state === 'down') return;
    if (this.#node !== undefined) noteDoubt(cause, this.#parts.beside, this.#node);
    this.#parts.events.onFatal(this, cause);
  }

  async #start(): Promise<void> {
    const { cluster, network, prng, events } = this.#parts;
    const chains = Array.from({ length: cluster.chains }, (_, chain) => chainId(chain));
    const { store, indexes } = await this.#open(chains);
    const watermark = this.#watermark(store);
    events.onOpened(this);
    const { boot, id: self } = this;
    const { storeId } = store.identity;
    const hello: Hello = { version: 1, cluster: 'sim', host: self, boot, storeId, appHash };
    const node = this.#makeNode(store, chains);
    const { host, fronts } = this.#join(store, indexes, node, (peer, bytes) => {
      if (this.state === 'down') return;
      events.onMessage(this, peer, bytes);
      links.sendTo(peer, bytes);
    });
    const peers = cluster.hosts.filter((one) => one !== self);
    const links = new SimLinks(network, this, hello, peers, prng, {
      onConnected: (peer, other) => host.onConnected(peer, { ...other, mayLead: other.appHash === appHash }),
      onDisconnected: (peer) => host.onDisconnected(peer),
      onFrame: (peer, bytes) => host.onFrame(peer, bytes),
      onFront: (socket) => fronts.welcome(socket),
      onRefused: (peer) => host.tell({ kind: 'refused', peer }),
      onBroken: (peer, cause) => events.say(() => `${self} breaks off the link of ${peer}: ${cause.message}`),
    });
    this.#host = host;
    this.#node = node;
    links.open();
    this.#tick(host, this.#folding(store, host), watermark);
  }

  /** As host/opening.ts does it. */
  #open(chains: readonly ChainId[]): Promise<Believed> {
    const { beside, disk, events } = this.#parts;
    const fresh = () => ({ storeId: `${this.id}-store-${disk.losses}`, host: this.id, cluster: 'sim' });
    const log = { warn: () => {}, error: () => {} } as never;
    const parts = { chains, fresh, founded: undefined, isInUse: () => Promise.resolve(false), log };
    const enter = (run: () => void): void => this.enter(run);
    return openOrBegin(
      parts,
      beside.place(enter, (reason) => events.onSetAside(this, reason)),
    );
  }

  #watermark(store: Store): WatermarkKeeper {
    const { beside } = this.#parts;
    const parts = {
      storeId: store.identity.storeId,
      serial: () => store.serial,
      writeSlot: (slot: 0 | 1, bytes: Uint8Array) => beside.writeSlot(slot, bytes, (run) => this.enter(run)),
      fatal: (cause: unknown) => this.fatal(cause),
    };
    return new WatermarkKeeper(parts, beside.slots ?? new Uint8Array());
  }

  /** A clock that stands still with its process, and does not catch up. */
  #tick(host: Host, folding: Folding, watermark: WatermarkKeeper): void {
    const { kernel } = this.#parts;
    host.tick();
    folding.tick(kernel.nowMs);
    watermark.tick(kernel.nowMs);
    kernel.after(tickMs, () => this.enter(() => this.#tick(host, folding, watermark)));
  }

  /** Folds on the thread that there is, and rests between slices like a real one. */
  #folding(store: Store, host: Host): Folding {
    const { kernel, prng, events } = this.#parts;
    const folding = new Folding({
      store,
      fold: async (tasks) => tasks.map(({ state, sections }) => foldDocument(state, sections)),
      nowMs: () => kernel.nowMs,
      sleep: (ms) => new Promise((resolve) => void kernel.after(ms + 5 * prng.next(), () => this.enter(resolve))),
      chains: () => host.foldable(),
      onBegun: (chain, through) => host.onFolding(chain, through),
      onFolded: (chain, folded) => {
        host.onFolded(chain, folded);
        events.onFolded();
      },
      onFailed: (_chain, cause) => this.fatal(cause),
      fatal: (cause) => this.fatal(cause),
      recordsMin: prng.pick(foldRecordsOf),
      history: 4,
    });
    this.#folds = folding;
    return folding;
  }

  #makeNode(store: Store, chains: readonly ChainId[]): Node {
    const { cluster, prng, kernel } = this.#parts;
    const { boot, id: self } = this;
    const { storeId } = store.identity;
    const { hosts, replication, serversMin, storeIds } = cluster;
    const voters = hosts
      .slice(0, hosts.length >= 5 ? 5 : 3)
      .map((host) => ({ host, storeId: storeIds.get(host) ?? '' }));
    return createNode({
      self,
      boot,
      storeId,
      region: 'local',
      hosts,
      replication,
      serversMin,
      mayLead: true,
      instance: makeInstance({ id: self, boot, roles: ['host'], region: 'local', address: self, appHash }),
      profile: lan,
      voters: firstVoters(voters),
      cells: [...store.cells].map(([register, bytes]) => ({ register, bytes })),
      replicas: chains.map((chain) => storedReplica(store, chain)),
      nowMs: kernel.nowMs,
      tickMs,
      fetchBytesPerSecond,
      leftMs: prng.pick(leftMsOf),
      random: () => prng.next(),
    });
  }

  /** Nobody spoils a document here: one that cannot be made is our mistake. */
  readonly #onUnreadable = (_document: string, cause: unknown): void => this.fatal(cause);

  #quiet(): Pick<DeskParts, 'wallMs' | 'full' | 'onFailure' | 'onUnreadable'> {
    const wallMs = (): number => this.#parts.kernel.nowMs;
    return { wallMs, full: () => undefined, onFailure: () => {}, onUnreadable: this.#onUnreadable };
  }

  #join(
    store: Store,
    indexes: ReadonlyMap<ChainId, DocumentIndex>,
    node: Node,
    sendTo: (peer: HostId, bytes: Uint8Array) => void,
  ): { host: Host; fronts: Fronts } {
    const { app, chains, replication: members } = this.#parts.cluster;
    const { kernel, prng } = this.#parts;
    const fatal = (cause: unknown): void => this.fatal(cause);
    const desks = new Map<ChainId, Desk>();
    const memory = new Memory(prng.pick(memoryBytesOf));
    const deliver = (to: string, letter: Letter): Promise<Reply> => post.deliver(to, letter);
    const later = (ms: number, then: () => void): void => void kernel.after(ms, () => this.enter(then));
    const quiet = { ...this.#quiet(), memory, later, deliver };
    const randomBytes16 = (): Uint8Array => Uint8Array.from({ length: 16 }, () => prng.below(256));
    const runner = new InlineRunner(app, () => ({ nowMs: kernel.nowMs, randomBytes16 }));
    const wake = (): void => host.wake();
    const serve = (chain: ChainId, epoch: Epoch, index: DocumentIndex): ChainService => {
      const desk = new Desk({ chain, epoch, members, runner, store, index, wake, fatal, ...quiet });
      desks.set(chain, desk);
      return desk;
    };
    const turnMs = prng.pick(turnMsOf);
    const soon = (run: () => void): void => {
      kernel.after(turnMs * (0.5 + prng.next()), () => this.enter(run));
    };
    const host = new Host({
      node,
      store,
      indexes,
      log: this.#logger(node),
      nowMs: () => kernel.nowMs,
      chunkBytes: prng.pick(chunkBytesOf),
      sendToProxy: (proxy, bytes) => fronts.gossip(proxy, bytes),
      onReplaced: ({ kind, reason }) => this.#parts.events.say(() => `${this.id} replaced a voter: ${kind} ${reason}`),
      soon,
      sendTo,
      serve,
      settle: (chain) => this.#folds?.settle(chain) ?? Promise.resolve(false),
      quiesce: (chain) => this.#folds?.quiesce(chain) ?? Promise.resolve(),
      onRoutes: () => fronts.announceRoutes(),
      onTurnEnd: () => fronts.flush(),
      fatal,
    });
    const deskOf = (chain: ChainId): Desk | undefined => {
      const desk = desks.get(chain);
      return desk !== undefined && host.serviceOf(chain) === desk ? desk : undefined;
    };
    const post = this.#post(chains, deskOf);
    const routes = () => host.replicas.filter(isServingHead).map(({ chain, epoch }) => [chain, epoch, true] as const);
    const ask: FrontsParts['ask'] = (_question, args) => post.receive(args);
    const fronts = new Fronts({ chains, deskOf, routes, ask, onGossip: () => {}, onProxy: () => {}, wake, fatal });
    return { host, fronts };
  }

  #post(chains: number, deskOf: PostParts['deskOf']): Post {
    const { cluster, network } = this.#parts;
    const peers = cluster.hosts.filter((one) => one !== this.id);
    return new Post({
      chains,
      deskOf,
      peers,
      dial: (peer, onMessage, onDown) => new SimPostLink(network, this, peer as HostId, onMessage, onDown),
    });
  }

  /** What the host logs is how it tells of what it began, learned, and why it stopped. */
  #logger(node: Node): Logger {
    const { events } = this.#parts;
    type Fields = { chain: ChainId; epoch: Epoch; reason: string };
    const logger = {
      info: ({ chain, epoch }: Fields, text: string): void => {
        const known = node.chains.get(chain)?.replica.known;
        if (text === 'serving') events.onServing(this, chain, epoch);
        else if (text.startsWith('forgets')) events.onForgotten(this, chain);
        else if (text.startsWith('the register') && known !== undefined) events.onLearned(this, known);
        else events.say(() => `${this.id} chain ${chain}: ${text} e${epoch}`);
      },
      error: ({ chain, reason }: Fields, text: string): void => {
        if (text === 'wedged') events.onWedged(this, chain, reason);
      },
      warn: (): void => {},
      debug: (): void => {},
    };
    return logger as unknown as Logger;
  }
}

/** Whether a process runs all chains in which it has a place, as far as it knows, and nothing of them is on its way. */
export function isServingAll({ state, hasBegun, replicas, id }: HostProcess): boolean {
  if (state !== 'up' || !hasBegun) return false;
  return replicas.every(({ phase, known, received, acked }) => {
    const isMember = known?.members.some(({ host }) => host === id);
    const isAtRest = phase.kind === 'serving' && received.lsn === acked.lsn;
    return known?.phase === 'active' && (!isMember || isAtRest);
  });
}
