// One host: its node, its store and its links, joined by a loop that runs at its own pace. Arrivals wait in an inbox; a turn
// takes all of them, steps the node, carries out what it wants, lets each head propose what gathered, and starts at most one
// write. What arrives during a sync is the next batch.
import type { Logger } from 'pino';
import type { Configuration } from '../chain/configuration.ts';
import { isAskedFor } from '../chain/copy.ts';
import { describeConfiguration, describeReplica } from '../chain/describe.ts';
import type { Entry } from '../chain/messages.ts';
import { advanceNode, endTurn, stepNode } from '../chain/node.ts';
import { decodeNodeMessage, encodeNodeMessage } from '../chain/node-messages.ts';
import type { Node, NodeEffect, NodeEvent } from '../chain/node-state.ts';
import { canPropose } from '../chain/normal.ts';
import { mayFold } from '../chain/pages.ts';
import type { Effect, Replica } from '../chain/state.ts';
import { assert } from '../engine/base/assert.ts';
import { CodedError } from '../engine/base/errors.ts';
import type { ChainId, Epoch, HostId, Lsn, Position } from '../engine/base/ids.ts';
import type { DocumentIndex } from '../engine/store/document-index.ts';
import { createIndex, indexAfterCut, indexAfterFold, indexNames, indexRecord } from '../engine/store/document-index.ts';
import type { Folded } from '../engine/store/folding.ts';
import type { OpenedRecord } from '../engine/store/format.ts';
import { encodeActivation, openRecord } from '../engine/store/format.ts';
import type { Store, Synced } from '../engine/store/store.ts';
import type { ChainService } from './chain-service.ts';
import { Copies } from './copies.ts';

export type HostParts = {
  readonly node: Node;
  readonly store: Store;
  /** Of the logs as they were when the store opened. */
  readonly indexes: ReadonlyMap<ChainId, DocumentIndex>;
  readonly log: Logger;
  readonly nowMs: () => number;
  /** What one answer to a fetch carries, of records or of documents. */
  readonly chunkBytes: number;
  /** Runs a function soon, after what arrived together has been taken in. */
  readonly soon: (run: () => void) => void;
  readonly sendTo: (peer: HostId, bytes: Uint8Array) => void;
  /** Gossip for a proxy, where there is a link to it. */
  readonly sendToProxy: (proxy: string, bytes: Uint8Array) => void;
  readonly serve: (chain: ChainId, epoch: Epoch, index: DocumentIndex) => ChainService;
  /** Which chains this host heads has changed. */
  readonly onRoutes: () => void;
  /** Called at the end of every turn, when everything of it has been handed on. */
  readonly onTurnEnd: () => void;
  /** A replacement of a voter that was asked for here has come to an end. */
  readonly onReplaced: (result: { readonly kind: string; readonly reason?: string }) => void;
  /** Stops the folding of a chain, if it is being folded; resolves when it has stopped. */
  readonly quiesce: (chain: ChainId) => Promise<void>;
  /** Brings what was begun to be folded to its end; false where it cannot be. */
  readonly settle: (chain: ChainId) => Promise<boolean>;
  /** This process must end: nothing is known after what happened. */
  readonly fatal: (cause: unknown) => void;
};

type Chain = {
  readonly replica: Replica;
  index: DocumentIndex;
  service: ChainService | undefined;
  /** How often everything of it was removed: what was being read then is gone by right. */
  wipes: number;
  /** Records that are not yet synced, by lsn; with the documents in those that were made here. */
  readonly unsynced: Map<number, { readonly entry: Entry; readonly names: string[] | undefined }>;
};

export class Host {
  readonly #parts: HostParts;
  readonly #chains: Map<ChainId, Chain>;
  readonly #copies: Copies;
  #inbox: NodeEvent[] = [];
  #isScheduled = false;
  #isClosed = false;

  constructor(parts: HostParts) {
    this.#parts = parts;
    this.#chains = new Map(
      [...parts.node.chains].map(([id, { replica }]) => {
        const index = parts.indexes.get(id) ?? createIndex(parts.store.base(id).folded);
        return [id, { replica, index, service: undefined, wipes: 0, unsynced: new Map() }];
      }),
    );
    const fatal = (cause: unknown): void => {
      if (!this.#isClosed) parts.fatal(cause);
    };
    this.#copies = new Copies({ ...parts, tell: (event) => this.tell(event), fatal });
    parts.store.listen({ onSynced: (synced, kept) => this.#onSynced(synced, kept), onFailed: parts.fatal });
  }

  get replicas(): readonly Replica[] {
    return [...this.#chains.values()].map(({ replica }) => replica);
  }

  /** The service of a chain that this host heads. */
  serviceOf(chain: ChainId): ChainService | undefined {
    return this.#chains.get(chain)?.service;
  }

  /** Chains that this host serves, with what it knows to be committed: nothing else is folded (E13). */
  *foldable(): Generator<{ readonly chain: ChainId; readonly committed: Lsn }> {
    for (const { replica } of this.#chains.values()) {
      const { chain, committed } = replica;
      if (mayFold(replica)) yield { chain, committed };
    }
  }

  /** A pass begins: what it makes of documents never holds more than `through`. */
  onFolding(chain: ChainId, through: Lsn): void {
    this.tell({ kind: 'chain', chain, event: { kind: 'folding', through } });
  }

  onFolded(chain: ChainId, { folded, names }: Folded): void {
    const kept = this.#chains.get(chain);
    if (kept === undefined || kept.replica.leftover !== 'none') return;
    indexAfterFold(kept.index, folded, names);
    this.tell({
      kind: 'chain',
      chain,
      event: { kind: 'folded', through: folded, newest: this.#parts.store.base(chain).newest },
    });
  }

  /** Something happened that the node is told of with the next turn. */
  tell(event: NodeEvent): void {
    this.#inbox.push(event);
    this.wake();
  }

  /** Time went by: comes every `tickMs`, the first one to begin with. */
  tick(): void {
    this.tell({ kind: 'tick' });
    for (const { service } of this.#chains.values()) service?.tick();
  }

  /** CHAIN_PROTOCOL where the bytes are not a message. */
  onFrame(from: HostId, bytes: Uint8Array): void {
    this.tell({ kind: 'message', from, message: decodeNodeMessage(bytes, openOf) });
  }

  onConnected(peer: HostId, hello: { boot: string; storeId: string; mayLead: boolean }): void {
    const { boot, storeId, mayLead } = hello;
    this.tell({ kind: 'connected', peer, boot, storeId, mayLead });
  }

  /**
   * Taken in at once: what is sent from now on must not cross onto the peer's next link before every replica knows that the
   * last one broke, and waits for the peer to say where it stands.
   */
  onDisconnected(peer: HostId): void {
    this.#inbox.push({ kind: 'disconnected', peer });
    this.#turn();
  }

  /** Something was added to a service: a turn will propose it. */
  wake(): void {
    if (this.#isScheduled || this.#isClosed) return;
    this.#isScheduled = true;
    this.#parts.soon(() => this.#turn());
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const chain of this.#chains.values()) chain.service?.stop();
    await this.#parts.store.close();
  }

  #turn(): void {
    this.#isScheduled = false;
    if (this.#isClosed) return;
    const { node, store, nowMs, onTurnEnd, fatal } = this.#parts;
    try {
      advanceNode(node, nowMs());
      // What is carried out may cause more: a chain that begins to serve proposes its first record.
      for (let rounds = 0, isBusy = true; isBusy; rounds += 1) {
        assert(rounds < 100, 'a turn comes to rest');
        const events = this.#inbox;
        this.#inbox = [];
        for (const event of events) this.#step(event);
        for (const chain of this.#chains.values()) this.#propose(chain);
        const effects: NodeEffect[] = [];
        endTurn(node, effects);
        for (const effect of effects) this.#carryOut(effect);
        isBusy = this.#inbox.length > 0 || effects.some(({ kind }) => kind === 'chain');
      }
      store.flush();
      onTurnEnd();
    } catch (cause) {
      fatal(cause);
    }
  }

  #step(event: NodeEvent): void {
    const effects: NodeEffect[] = [];
    stepNode(this.#parts.node, event, effects);
    for (const effect of effects) this.#carryOut(effect);
  }

  #carryOut(effect: NodeEffect): void {
    const { store, log, sendTo, onReplaced } = this.#parts;
    switch (effect.kind) {
      case 'send':
        return sendTo(effect.to, encodeNodeMessage(effect.message));
      case 'gossip':
        return this.#gossip(effect.to, encodeNodeMessage({ about: 'gossip', message: effect.message }));
      case 'keep':
        return store.keep(effect.serial, effect.cells);
      case 'voters':
        return log.info({ voters: effect.voters }, 'voters changed');
      case 'replaced':
        return onReplaced(effect.result);
      case 'chain': {
        const chain = this.#chains.get(effect.chain);
        assert(chain !== undefined, `chain ${effect.chain} is kept here`);
        return this.#carryOutFor(chain, effect.effect);
      }
    }
  }

  #gossip(to: string, bytes: Uint8Array): void {
    const { node, sendTo, sendToProxy } = this.#parts;
    if (node.detector.hosts.has(to as HostId)) sendTo(to as HostId, bytes);
    else sendToProxy(to, bytes);
  }

  #carryOutFor(chain: Chain, effect: Effect): void {
    const { store, log } = this.#parts;
    const id = chain.replica.chain;
    switch (effect.kind) {
      case 'write':
        // A desk of before may still be walking the log as it was: what it finds is not for the next.
        if (effect.cut !== undefined) chain.index = indexAfterCut(chain.index, effect.cut.lsn);
        for (const entry of effect.entries) {
          if (chain.unsynced.get(entry.lsn)?.entry !== entry) hold(chain, entry, undefined);
        }
        return store.append(id, effect.entries, effect.marks, effect.cut);
      case 'dropQueued':
        return store.dropQueued(id);
      case 'read':
        void this.#read(chain, effect);
        return;
      case 'locate':
        void this.#locate(chain, effect);
        return;
      case 'trim':
        return this.#copies.trim(id, effect.to);
      case 'wipe':
        if (chain.replica.phase.kind === 'idle') log.info({ chain: id }, 'forgets what it kept: it has left the chain');
        chain.index = createIndex();
        chain.unsynced.clear();
        chain.wipes += 1;
        // A page that was on its way may have begun an index in between.
        return this.#copies.wipe(id, () => {
          chain.index = createIndex();
        });
      case 'readPage':
        return this.#copies.readPage(id, effect);
      case 'storePage':
        return this.#copies.storePage(id, effect, (start) => {
          chain.index = createIndex(start);
        });
      case 'committed':
        return chain.service?.queue.commit(effect.through);
      case 'passed':
        return chain.service?.queue.passed(effect.token);
      case 'serving':
        log.info({ chain: id, epoch: effect.epoch, order: effect.order }, 'serving');
        return this.#beginService(chain, effect);
      case 'stopped':
        log.info({ chain: id, epoch: chain.replica.epoch }, 'stopped');
        return this.#endService(chain);
      case 'learned':
        return this.#logLearned(chain, effect.value);
      case 'wedged':
        return log.error({ chain: id, reason: effect.reason, replica: describeReplica(chain.replica) }, 'wedged');
      case 'send':
      case 'look':
      case 'cas':
        assert(false, `${effect.kind} is the node's own`);
    }
  }

  /** What this host began itself is logged with its cause. */
  #logLearned({ replica }: Chain, value: Configuration): void {
    const { node, log } = this.#parts;
    const isOurs = value.phase === 'pending' && value.nonce === replica.drive?.nonce;
    const cause = isOurs ? (node.chains.get(replica.chain)?.care.trouble ?? value.loss ?? 'as placed') : undefined;
    const why = cause === undefined ? {} : { why: cause };
    log.info({ chain: replica.chain, ...why }, `the register holds ${describeConfiguration(value)}`);
  }

  #beginService(chain: Chain, { epoch, order, loss }: Effect & { kind: 'serving' }): void {
    const { replica } = chain;
    chain.service = this.#parts.serve(replica.chain, epoch, chain.index);
    // The first record of an epoch is its activation: what the log says of itself.
    const place = { chain: replica.chain, epoch, after: replica.received };
    this.#proposeRecord(chain, encodeActivation(place, order, loss), []);
    this.#parts.onRoutes();
  }

  #endService(chain: Chain): void {
    chain.service?.stop();
    chain.service = undefined;
    this.#parts.onRoutes();
  }

  #propose(chain: Chain): void {
    const { replica, service } = chain;
    if (service === undefined) return;
    const { queue } = service;
    while (queue.hasUpdates && canPropose(replica)) {
      const { chain: id, epoch, received: after } = replica;
      const taken = queue.take({ chain: id, epoch, after });
      if (taken === undefined) break;
      this.#proposeRecord(chain, taken.record, taken.names);
    }
    if (!queue.hasReads) return;
    queue.ask(replica.barrier + 1);
    this.#step({ kind: 'chain', chain: replica.chain, event: { kind: 'barrier' } });
  }

  #proposeRecord(chain: Chain, record: OpenedRecord, names: string[]): void {
    hold(chain, record, names);
    this.#step({ kind: 'chain', chain: chain.replica.chain, event: { kind: 'propose', entry: record } });
  }

  async #read(chain: Chain, { to, epoch, after }: Effect & { kind: 'read' }): Promise<void> {
    const id = chain.replica.chain;
    const { wipes } = chain;
    try {
      const records = await this.#parts.store.read(id, after, this.#parts.chunkBytes);
      const fetched = { to, epoch, after, entries: records ?? [], isShared: records !== undefined };
      this.tell({ kind: 'chain', chain: id, event: { kind: 'fetched', ...fetched } });
    } catch (cause) {
      if (chain.wipes === wipes) this.#failed(chain, epoch, cause);
    }
  }

  async #locate(chain: Chain, { epoch, lsn }: Effect & { kind: 'locate' }): Promise<void> {
    const id = chain.replica.chain;
    try {
      const position = await this.#parts.store.locate(id, lsn);
      this.tell({ kind: 'chain', chain: id, event: { kind: 'located', epoch, position } });
    } catch (cause) {
      if (isAskedFor(chain.replica, lsn)) this.#failed(chain, epoch, cause);
    }
  }

  /** What was to be read for an epoch that is over may have been cut meanwhile: nobody waits for it. */
  #failed({ replica }: Chain, epoch: Epoch, cause: unknown): void {
    if (replica.epoch === epoch) this.#parts.fatal(cause);
  }

  #onSynced(synced: readonly Synced[], kept: readonly number[]): void {
    for (const { chain: id, position, marks, isCut } of synced) {
      const chain = this.#chains.get(id);
      assert(chain !== undefined, `chain ${id} is kept here`);
      if (position !== undefined) this.#indexSynced(chain, position);
      this.#inbox.push({ kind: 'chain', chain: id, event: { kind: 'synced', position, marks, isCut } });
    }
    for (const serial of kept) this.#inbox.push({ kind: 'kept', serial });
    // The disk is idle now: what it waits for is decided at once, not after what else may have arrived.
    this.#turn();
  }

  #indexSynced({ index, unsynced }: Chain, position: Position): void {
    for (const [lsn, { entry, names }] of unsynced) {
      if (lsn > position.lsn) continue;
      unsynced.delete(lsn);
      if (names !== undefined) indexNames(index, entry, names);
      else if (isOpened(entry)) indexRecord(index, entry);
    }
  }
}

/** In the order in which they are written: one that was dropped gives its place up to what follows in its stead. */
function hold({ unsynced }: Chain, entry: Entry, names: string[] | undefined): void {
  unsynced.delete(entry.lsn);
  unsynced.set(entry.lsn, { entry, names });
}

/** Records come from the store or from a link, and are opened there. */
function isOpened(entry: Entry): entry is OpenedRecord {
  return 'kind' in entry;
}

function openOf(bytes: Uint8Array, chain: ChainId): OpenedRecord {
  const record = openRecord(bytes);
  if (record.chain !== chain)
    throw new CodedError('CHAIN_PROTOCOL', `a record of chain ${record.chain} came for ${chain}`);
  return record;
}
