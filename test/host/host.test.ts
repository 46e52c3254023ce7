// The turn of a host over a disk in memory: a chain of one, and what happens when we are wrong.
import { pino } from 'pino';
import t from 'tap';
import { makeInstance } from '../../chain/gossip/instances.ts';
import { lan } from '../../chain/gossip/profile.ts';
import { createNode } from '../../chain/node.ts';
import type { Node } from '../../chain/node-state.ts';
import { firstVoters } from '../../chain/register/voters.ts';
import type { Replica } from '../../chain/state.ts';
import { AssertionFailed } from '../../engine/base/assert.ts';
import type { Epoch } from '../../engine/base/ids.ts';
import { chainId, hostId } from '../../engine/base/ids.ts';
import type { OpenedRecord, RecordPlace } from '../../engine/store/format.ts';
import { encodeBatch } from '../../engine/store/format.ts';
import { Store } from '../../engine/store/store.ts';
import type { ChainQueue, ChainService } from '../../host/chain-service.ts';
import { Host } from '../../host/host.ts';
import { storedReplica } from '../../host/stored-node.ts';
import { MemoryStore } from '../contract/memory-store.ts';

const chain = chainId(0);
const self = hostId('h1');

/** Proposes one batch, in the place it is given or in one made worse. */
class OneBatch implements ChainService, ChainQueue {
  readonly queue = this;
  readonly committed: number[] = [];
  readonly #worsen: (place: RecordPlace) => RecordPlace;
  #isTaken = false;

  constructor(worsen: (place: RecordPlace) => RecordPlace) {
    this.#worsen = worsen;
  }

  tick(): void {}
  get hasUpdates(): boolean {
    return !this.#isTaken;
  }
  take(place: RecordPlace): { record: OpenedRecord; names: string[] } {
    this.#isTaken = true;
    const section = { name: 'space/key', seqFirst: 1, updates: [Buffer.from('x')] };
    return { record: encodeBatch(this.#worsen(place), [section]), names: ['space/key'] };
  }
  commit(lsn: number): void {
    this.committed.push(lsn);
  }
  readonly hasReads = false;
  ask(): void {}
  passed(): void {}
  stop(): void {}
}

/** The node of h1, over a store that is new, in a cluster of these hosts. */
function nodeOf(store: Store, names: readonly string[]): Node {
  const hosts = names.map(hostId);
  const { storeId } = store.identity;
  return createNode({
    self,
    boot: 'b',
    storeId,
    region: 'local',
    hosts,
    replication: hosts.length,
    serversMin: 1,
    mayLead: true,
    instance: makeInstance({
      id: self,
      boot: 'b',
      roles: ['host', 'voter'],
      region: 'local',
      address: '',
      appHash: '',
    }),
    profile: lan,
    voters: firstVoters([{ host: self, storeId }]),
    cells: [],
    replicas: [storedReplica(store, chain)],
    nowMs: 0,
    tickMs: 25,
    leftMs: 600_000,
    fetchBytesPerSecond: 1,
    random: () => 0,
  });
}

function replicaOf(node: Node): Replica {
  const replica = node.chains.get(chain)?.replica;
  if (replica === undefined) throw new Error('the chain is kept here');
  return replica;
}

async function run(service: OneBatch): Promise<{ replica: Replica; fatal: unknown; durable: number; waited: number }> {
  const store = await Store.open(new MemoryStore(), [chain], { storeId: 's', host: self, cluster: 'c' });
  const node = nodeOf(store, ['h1']);
  const replica = replicaOf(node);
  let fatal: unknown;
  let waited = 0;
  await new Promise<void>((done) => {
    const host: Host = new Host({
      node,
      store,
      indexes: new Map(),
      log: pino({ level: 'silent' }),
      nowMs: () => 0,
      soon: setImmediate,
      sendTo: () => {},
      sendToProxy: () => {},
      onReplaced: () => {},
      quiesce: async () => {},
      settle: async () => true,
      chunkBytes: 1_000_000,
      serve: () => service,
      onRoutes: () => {},
      onTurnEnd: () => {
        // E13: what is offered to be folded is committed, also while more was received.
        for (const { committed } of host.foldable()) {
          if (committed > replica.committed) fatal = new Error(`${committed} is to be folded`);
          if (replica.received.lsn > replica.committed) waited += 1;
        }
        if (service.committed.at(-1) === 2) done();
      },
      fatal: (cause) => {
        fatal = cause;
        void host.close().then(done);
      },
    });
    host.tick();
  });
  return { replica, fatal, durable: store.durable(chain).lsn, waited };
}

t.test('[C5] [C16] [E13] a chain of one serves: its activation is record 1, the first batch record 2', async (t) => {
  const service = new OneBatch((place) => place);
  const { fatal, durable, replica, waited } = await run(service);
  t.equal(fatal, undefined);
  t.ok(waited > 0, 'something was not committed, and was not folded');
  t.equal(durable, 2);
  t.equal(service.committed.at(-1), 2);
  t.equal(replica.epoch, 1);
});

t.test('[C16] [C19] a batch of another epoch is our mistake: the host ends before it is written', async (t) => {
  const service = new OneBatch((place) => ({ ...place, epoch: (place.epoch + 1) as Epoch }));
  const { fatal, durable } = await run(service);
  t.ok(fatal instanceof AssertionFailed, String(fatal));
  t.ok(durable <= 1, 'nothing of it is on the disk');
  t.notOk(service.committed.includes(2));
});

t.test('[C7] a host knows that a link broke before anything can be sent over the next one', async (t) => {
  const store = await Store.open(new MemoryStore(), [chain], { storeId: 's', host: self, cluster: 'c' });
  const peer = hostId('h2');
  const node = nodeOf(store, ['h1', 'h2']);
  const replica = replicaOf(node);
  const waiting: (() => void)[] = [];
  const host = new Host({
    node,
    store,
    indexes: new Map(),
    log: pino({ level: 'silent' }),
    nowMs: () => 0,
    sendToProxy: () => {},
    onReplaced: () => {},
    quiesce: async () => {},
    settle: async () => true,
    chunkBytes: 1_000_000,
    soon: (turn) => waiting.push(turn),
    sendTo: () => {},
    serve: () => new OneBatch((place) => place),
    onRoutes: () => {},
    onTurnEnd: () => {},
    fatal: (cause) => t.fail(String(cause)),
  });
  host.onConnected(peer, { boot: 'p', storeId: 'p', mayLead: true });
  t.equal(replica.peers.get(peer), undefined, 'what arrives waits for its turn');
  host.onDisconnected(peer);
  t.same(replica.peers.get(peer)?.isConnected, false, 'a break does not, nor what came before it');
  await host.close();
});
