// E11 on a store that goes on: while it is folded, trimmed, cut, removed and filled, a walk finds nothing that is not there.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import t from 'tap';
import type { ChainId } from '../../engine/base/ids.ts';
import { epoch } from '../../engine/base/ids.ts';
import { trimLog } from '../../engine/store/folding.ts';
import { encodeBatch } from '../../engine/store/format.ts';
import { readPage, storePage, wipeChain } from '../../engine/store/pages.ts';
import type { OrderedStore } from '../../engine/store/port.ts';
import { LevelStore } from '../../host/level-store.ts';
import { MemoryStore } from '../contract/memory-store.ts';
import { fuzz } from '../fuzz.ts';
import { chains, findings, Stage } from './verify-stage.ts';

type Action = 'add' | 'fold' | 'fold in part' | 'trim' | 'cut' | 'copy';
type Step = readonly [Action, ChainId];

const action = fc.constantFrom<Action>('add', 'add', 'fold', 'fold in part', 'trim', 'cut', 'copy');
const script = fc.array(fc.tuple(action, fc.constantFrom(...chains)), { minLength: 10, maxLength: 60 });

/** A store whose host does a step of the script in every pause of the walk. */
class Busy {
  readonly #stage: Stage;
  readonly #source: Stage;
  readonly #steps: Step[];
  #copying: { readonly chain: ChainId; next: () => Promise<boolean> } | undefined;

  constructor(stage: Stage, source: Stage, script: readonly Step[]) {
    this.#stage = stage;
    this.#source = source;
    this.#steps = [...script];
  }

  async step(): Promise<void> {
    // A copy goes on between other things, slice by slice.
    if (this.#copying !== undefined && this.#steps.length % 2 === 0) {
      if (!(await this.#copying.next())) this.#copying = undefined;
    }
    const [what, chain] = this.#steps.shift() ?? [];
    if (what === undefined || chain === undefined || chain === this.#copying?.chain) return;
    if (what !== 'copy') return this.#disturb(what, chain);
    if (this.#copying === undefined) this.#copying = { chain, next: this.#copy(chain) };
  }

  async #disturb(what: Exclude<Action, 'copy'>, chain: ChainId): Promise<void> {
    const { store } = this.#stage;
    const { folded } = store.base(chain);
    const last = store.durable(chain);
    let slices = 0;
    if (what === 'add') return this.#stage.add(chain, ['s/a', 's/d']);
    if (what === 'fold') return this.#stage.fold(chain, last.lsn);
    // As a crash leaves it: snapshots are ahead of what is folded.
    if (what === 'fold in part') return this.#stage.fold(chain, last.lsn, () => slices++ > 0);
    if (what === 'trim') return trimLog(store, chain, folded);
    // What is cut was never committed, so nothing of it was folded.
    const made = [2, 3].map((number) => encodeBatch({ chain, epoch: epoch(number), after: last }, []));
    for (const [index, record] of made.entries()) {
      store.append(chain, [record], undefined, index === 0 ? undefined : last);
      store.flush();
      while (store.durable(chain).hash !== record.hash) await new Promise(setImmediate);
    }
  }

  /** Removes what is there, then takes the documents of another store page by page. */
  #copy(chain: ChainId): () => Promise<boolean> {
    const [from, to] = [this.#source, this.#stage];
    let cursor: string | undefined;
    return async () => {
      if (cursor === undefined) {
        await from.fold(chain, from.store.durable(chain).lsn);
        await wipeChain(to.store, chain);
        cursor = '';
        return true;
      }
      const page = await readPage(from.store, chain, cursor, 2_000);
      if (!(await storePage(to.store, chain, page))) throw new Error('a copy comes to its sum');
      cursor = page.next;
      if (cursor !== '') return true;
      for (const [name, seq] of from.seqs) if (name.startsWith(`${chain} `)) to.seqs.set(name, seq);
      return false;
    };
  }
}

async function walkBusy(disk: OrderedStore, steps: readonly Step[]): Promise<string[]> {
  const stage = await Stage.of(disk);
  const busy = new Busy(stage, await Stage.of(), steps);
  const step = (): Promise<void> => busy.step();
  const found: string[] = [];
  for (let pass = 0; pass < 2; pass += 1)
    found.push(...(await findings(disk, { sliceBytes: 2_000, pace: step, rest: step })));
  return found;
}

async function holds(
  make: () => Promise<OrderedStore>,
  end: (disk: OrderedStore) => Promise<void>,
  numRuns: number,
  isShrunk = true,
) {
  const property = fc.asyncProperty(script, async (steps) => {
    const disk = await make();
    const found = await walkBusy(disk, steps);
    await end(disk);
    if (found.length > 0) throw new Error(found.join('\n'));
  });
  return fc.check(property, { ...fuzz, numRuns, endOnFailure: !isShrunk });
}

t.test('[E11] [S6] a walk over a store that goes on finds nothing that is not there', async (t) => {
  const result = await holds(
    async () => new MemoryStore(),
    (disk) => disk.close(),
    40,
  );
  t.notOk(result.failed, `${fc.defaultReportMessage(result)}`);
  const folder = await mkdtemp(join(tmpdir(), 'levelten-verify-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const level = async () => LevelStore.open(await mkdtemp(join(folder, 'store-')));
  const real = await holds(level, (disk) => disk.close(), 1);
  t.notOk(real.failed, `LevelDB: ${fc.defaultReportMessage(real)}`);
});

t.test('[E11] [S6] without a view of one moment it would', async (t) => {
  class Live extends MemoryStore {
    override view() {
      return { get: this.get.bind(this), scan: this.scan.bind(this), close: async () => {} };
    }
  }
  const result = await holds(
    async () => new Live(),
    (disk) => disk.close(),
    60,
    false,
  );
  t.ok(result.failed, 'the steps are such that it matters');
});
