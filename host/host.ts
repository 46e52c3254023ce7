// One host: its replicas, its store and its links, joined by a loop that runs at its own pace. Arrivals wait in an inbox; a
// turn takes all of them, steps the replicas, carries out what they want, lets each head propose what gathered, and starts at
// most one write. What arrives during a sync is the next batch.
import type { Logger } from 'pino';
import { describeReplica } from '../chain/describe.ts';
import type { Message } from '../chain/messages.ts';
import { canPropose } from '../chain/normal.ts';
import { step } from '../chain/replica.ts';
import { checkReplica } from '../chain/replica-check.ts';
import type { Effect, Event, Replica } from '../chain/state.ts';
import { decodeMessage, encodeMessage } from '../chain/wire.ts';
import { assert } from '../engine/base/assert.ts';
import { CodedError } from '../engine/base/errors.ts';
import type { ChainId, Epoch, HostId } from '../engine/base/ids.ts';
import { chunkBytesMax } from '../engine/base/limits.ts';
import type { DocumentIndex } from '../engine/store/document-index.ts';
import { createIndex, indexNames } from '../engine/store/document-index.ts';
import type { OpenedRecord, RecordPlace } from '../engine/store/format.ts';
import { encodeActivation, openRecord } from '../engine/store/format.ts';
import type { Store, Synced } from '../engine/store/store.ts';

/** What runs on a chain while this host heads it: documents, or the load of a benchmark. */
export interface ChainService {
  readonly hasUpdates: boolean;
  take(place: RecordPlace): { record: OpenedRecord; names: string[] } | undefined;
  commit(lsn: number): void;
  /** The chain is headed here no more: everything not committed is forgotten. */
  stop(): void;
}

export type HostParts = {
  readonly self: HostId;
  readonly store: Store;
  readonly replicas: readonly Replica[];
  readonly log: Logger;
  /** Runs a function soon, after what arrived together has been taken in. */
  readonly soon: (run: () => void) => void;
  readonly sendTo: (peer: HostId, bytes: Uint8Array) => void;
  readonly serve: (chain: ChainId, epoch: Epoch, index: DocumentIndex) => ChainService;
  /** Which chains this host heads has changed. */
  readonly onRoutes: () => void;
  /** Called at the end of every turn, when everything of it has been handed on. */
  readonly onTurnEnd: () => void;
  /** This process must end: nothing is known after what happened. */
  readonly fatal: (cause: unknown) => void;
};

type Chain = {
  readonly replica: Replica;
  readonly index: DocumentIndex;
  service: ChainService | undefined;
  /** The documents in batches that were proposed here and are not yet synced, by lsn. */
  readonly names: Map<number, string[]>;
};

export class Host {
  readonly #parts: HostParts;
  readonly #chains: Map<ChainId, Chain>;
  #inbox: { chain: Chain; event: Event }[] = [];
  #isScheduled = false;
  #isClosed = false;

  constructor(parts: HostParts) {
    this.#parts = parts;
    this.#chains = new Map(
      parts.replicas.map((replica) => {
        return [replica.chain, { replica, index: createIndex(), service: undefined, names: new Map() }];
      }),
    );
    parts.store.listen({ onSynced: (synced) => this.#onSynced(synced), onFailed: parts.fatal });
  }

  /** A chain with this host as its only member waits for nobody; the others hear of themselves. */
  begin(): void {
    for (const chain of this.#chains.values()) {
      const { self, boot, peers } = chain.replica;
      const mayLead = peers.get(self)?.mayLead === true;
      this.#arrive(chain, { kind: 'connected', peer: self, boot, mayLead });
    }
  }

  get replicas(): readonly Replica[] {
    return [...this.#chains.values()].map(({ replica }) => replica);
  }

  /** The service of a chain that this host heads. */
  serviceOf(chain: ChainId): ChainService | undefined {
    return this.#chains.get(chain)?.service;
  }

  /** CHAIN_PROTOCOL where the bytes are not a message of a chain kept here. */
  onFrame(from: HostId, bytes: Uint8Array): void {
    const message = decodeMessage(bytes, openOf);
    const chain = this.#chains.get(message.chain);
    if (chain === undefined) throw new CodedError('CHAIN_PROTOCOL', `chain ${message.chain} is not kept here`);
    this.#arrive(chain, { kind: 'message', from, message });
  }

  onConnected(peer: HostId, boot: string, mayLead: boolean): void {
    for (const chain of this.#chains.values()) this.#arrive(chain, { kind: 'connected', peer, boot, mayLead });
  }

  /**
   * Taken in at once: what is sent from now on must not cross onto the peer's next link before every replica knows that the
   * last one broke, and waits for the peer to say where it stands.
   */
  onDisconnected(peer: HostId): void {
    for (const chain of this.#chains.values()) this.#arrive(chain, { kind: 'disconnected', peer });
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

  #arrive(chain: Chain, event: Event): void {
    this.#inbox.push({ chain, event });
    this.wake();
  }

  #turn(): void {
    this.#isScheduled = false;
    if (this.#isClosed) return;
    try {
      this.#stepAll();
      for (const chain of this.#chains.values()) this.#propose(chain);
      this.#parts.store.flush();
      this.#parts.onTurnEnd();
    } catch (cause) {
      this.#parts.fatal(cause);
    }
  }

  #stepAll(): void {
    const touched = new Set<Replica>();
    // What a replica sends to itself arrives in the same turn; a start of a chain does so a handful of times.
    for (let rounds = 0; this.#inbox.length > 0; rounds += 1) {
      assert(rounds < 100, 'a turn comes to rest');
      const events = this.#inbox;
      this.#inbox = [];
      for (const { chain, event } of events) {
        const effects: Effect[] = [];
        step(chain.replica, event, effects);
        touched.add(chain.replica);
        for (const effect of effects) this.#carryOut(chain, effect);
      }
    }
    for (const replica of touched) checkReplica(replica);
  }

  #carryOut(chain: Chain, effect: Effect): void {
    const { store, log, self } = this.#parts;
    const id = chain.replica.chain;
    switch (effect.kind) {
      case 'send':
        if (effect.to === self)
          this.#inbox.push({ chain, event: { kind: 'message', from: self, message: effect.message } });
        else this.#send(effect.to, effect.message);
        return;
      case 'write':
        return store.append(id, effect.entries, effect.marks);
      case 'dropQueued':
        chain.names.clear();
        return store.dropQueued(id);
      case 'read':
        void this.#read(chain, effect);
        return;
      case 'committed':
        return chain.service?.commit(effect.through);
      case 'serving':
        log.info({ chain: id, epoch: effect.epoch, order: effect.order }, 'serving');
        return this.#beginService(chain, effect.epoch, effect.order);
      case 'stopped':
        log.info({ chain: id, epoch: chain.replica.epoch }, 'stopped');
        return this.#endService(chain);
      case 'wedged':
        return log.error({ chain: id, reason: effect.reason, replica: describeReplica(chain.replica) }, 'wedged');
    }
  }

  #send(to: HostId, message: Message): void {
    this.#parts.sendTo(to, encodeMessage(message));
  }

  #beginService(chain: Chain, epoch: Epoch, order: readonly HostId[]): void {
    const { replica } = chain;
    chain.service = this.#parts.serve(replica.chain, epoch, chain.index);
    // The first record of an epoch is its activation: what the log says of itself.
    this.#proposeRecord(chain, encodeActivation({ chain: replica.chain, epoch, after: replica.received }, order), []);
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
    while (service.hasUpdates && canPropose(replica)) {
      const { chain: id, epoch, received: after } = replica;
      const taken = service.take({ chain: id, epoch, after });
      if (taken === undefined) return;
      this.#proposeRecord(chain, taken.record, taken.names);
    }
  }

  #proposeRecord(chain: Chain, record: OpenedRecord, names: string[]): void {
    const effects: Effect[] = [];
    step(chain.replica, { kind: 'propose', entry: record }, effects);
    chain.names.set(record.lsn, names);
    for (const effect of effects) this.#carryOut(chain, effect);
  }

  async #read(chain: Chain, { to, epoch, after }: Effect & { kind: 'read' }): Promise<void> {
    try {
      const records = await this.#parts.store.read(chain.replica.chain, after, chunkBytesMax);
      const entries = records ?? [];
      this.#arrive(chain, { kind: 'fetched', to, epoch, after, entries, isShared: records !== undefined });
    } catch (cause) {
      this.#parts.fatal(cause);
    }
  }

  #onSynced(synced: readonly Synced[]): void {
    for (const { chain: id, position, marks } of synced) {
      const chain = this.#chains.get(id);
      assert(chain !== undefined, `chain ${id} is kept here`);
      if (position !== undefined) this.#indexSynced(chain, position.lsn);
      this.#inbox.push({ chain, event: { kind: 'synced', position, marks } });
    }
    // The disk is idle now: what it waits for is decided at once, not after what else may have arrived.
    this.#turn();
  }

  #indexSynced(chain: Chain, through: number): void {
    const { index, names, replica } = chain;
    for (const [lsn, known] of names) {
      if (lsn > through) break;
      names.delete(lsn);
      const entry = replica.inflight.find((one) => one.lsn === lsn);
      if (entry !== undefined) indexNames(index, entry, known);
    }
  }
}

function openOf(bytes: Uint8Array, chain: ChainId): OpenedRecord {
  const record = openRecord(bytes);
  if (record.chain !== chain)
    throw new CodedError('CHAIN_PROTOCOL', `a record of chain ${record.chain} came for ${chain}`);
  return record;
}
