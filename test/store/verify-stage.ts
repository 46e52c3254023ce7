// A store with some of everything, for walks over it; and what a host does to one that goes on.
import t from 'tap';
import { CodedError } from '../../engine/base/errors.ts';
import type { ChainId, Lsn, Position } from '../../engine/base/ids.ts';
import { chainId, epoch } from '../../engine/base/ids.ts';
import type { FoldResult, FoldTask } from '../../engine/store/folding.ts';
import { foldChain, trimLog } from '../../engine/store/folding.ts';
import { encodeBatch } from '../../engine/store/format.ts';
import type { OrderedStore } from '../../engine/store/port.ts';
import { Store } from '../../engine/store/store.ts';
import type { VerifyOptions } from '../../engine/store/verify.ts';
import { verifyStore } from '../../engine/store/verify.ts';
import type { Finding } from '../../engine/store/verify-notes.ts';
import { MemoryStore } from '../contract/memory-store.ts';

export const chains = [0, 1, 3].map(chainId);
export const fresh = { storeId: 's', host: 'h1', cluster: 'k' };

export const usual: VerifyOptions = {
  chains,
  owner: { host: 'h1', cluster: 'k' },
  checkCell: (register, bytes) => {
    if (bytes[0] !== 7) throw new CodedError('ENGINE_CORRUPT', `register ${register} is not one`);
  },
  pace: async () => {},
  rest: async () => {},
  isStopped: () => false,
  nowMs: () => 0,
};

const fold = async (tasks: readonly FoldTask[]): Promise<FoldResult[]> =>
  tasks.map(({ state, sections }) => ({
    state: Buffer.concat([state ?? Buffer.alloc(0), ...sections]),
    deleted: undefined,
  }));

/** A store with some of everything; what is done to it is written at once. */
export class Stage {
  readonly disk: OrderedStore;
  store!: Store;
  readonly seqs = new Map<string, number>();

  constructor(disk: OrderedStore = new MemoryStore()) {
    this.disk = disk;
  }

  static async of(disk: OrderedStore = new MemoryStore()): Promise<Stage> {
    const stage = new Stage(disk);
    stage.store = await Store.open(disk, chains, fresh);
    stage.store.listen({ onSynced: () => {}, onFailed: (cause) => t.fail(String(cause)) });
    stage.store.keep(1, [{ register: 0, bytes: Uint8Array.of(7, 1) }]);
    for (const chain of chains) {
      stage.store.append(chain, [], { ran: epoch(1), logEpoch: epoch(1) });
      for (let count = 0; count < 8; count += 1) await stage.add(chain, ['s/a', 's/b', `s/c${count}`]);
      // Twice: a document that is in both has two blocks of history.
      await stage.fold(chain, 4);
      await stage.fold(chain, 6);
      await trimLog(stage.store, chain, await stage.store.locate(chain, 3));
    }
    return stage;
  }

  async add(chain: ChainId, names: readonly string[]): Promise<void> {
    const after: Position = this.store.durable(chain);
    const sections = names.map((name) => {
      const seqFirst = (this.seqs.get(`${chain} ${name}`) ?? 0) + 1;
      // More than a block holds, soon.
      const updates = Array.from({ length: 20 }, (_, index) => Buffer.from(`${seqFirst + index} `));
      this.seqs.set(`${chain} ${name}`, seqFirst + updates.length - 1);
      return { name, seqFirst, updates };
    });
    this.store.append(chain, [encodeBatch({ chain, epoch: epoch(1), after }, sections)], undefined);
    this.store.flush();
    while (this.store.durable(chain) === after) await new Promise(setImmediate);
  }

  async fold(chain: ChainId, committed: number, isStopped = () => false): Promise<void> {
    const options = { committed: committed as Lsn, history: 70, fold, pace: async () => {}, isStopped };
    await foldChain(this.store, chain, options);
  }
}

export async function findings(disk: OrderedStore, changes: Partial<VerifyOptions> = {}): Promise<string[]> {
  return (await verifyStore(disk, { ...usual, ...changes })).findings.map(describe);
}

export function describe({ chain, code, where, what }: Finding): string {
  return `${chain ?? '-'} ${code}: ${where}: ${what}`;
}
