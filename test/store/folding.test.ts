// Folding and trimming: a store grows small again, nothing that was in it is lost, and it may stop at any moment.
import fc from 'fast-check';
import t from 'tap';
import type { Lsn, Position } from '../../engine/base/ids.ts';
import { chainId, epoch, origin } from '../../engine/base/ids.ts';
import { createIndex, indexAfterFold, indexRecord } from '../../engine/store/document-index.ts';
import { indexToEnd, readDocument, readHistoryBlock, readSnapshot } from '../../engine/store/documents.ts';
import { noBase } from '../../engine/store/entries.ts';
import type { FoldOptions, FoldResult, FoldTask } from '../../engine/store/folding.ts';
import { foldChain, trimLog } from '../../engine/store/folding.ts';
import type { OpenedRecord } from '../../engine/store/format.ts';
import { encodeBatch, recordKey } from '../../engine/store/format.ts';
import { addToSum, decodeSeqFloor, documentKeys, seqFloorKey } from '../../engine/store/snapshot-format.ts';
import { Store } from '../../engine/store/store.ts';
import { MemoryStore } from '../contract/memory-store.ts';
import { fuzz } from '../fuzz.ts';

const chain = chainId(3);
const fresh = { storeId: 's', host: 'h1', cluster: 'k' };

/** A batch: how many updates of which documents. */
type Batch = Readonly<Record<string, number>>;
const batches = fc.array(fc.dictionary(fc.constantFrom('s/a', 's/b', 's/c'), fc.integer({ min: 1, max: 3 })), {
  minLength: 1,
  maxLength: 12,
});

/** Documents here are lists of words; folding joins them. An update is one word, and its section all of them. */
const fold = async (tasks: readonly FoldTask[]): Promise<FoldResult[]> => {
  return tasks.map(({ state, sections }) => {
    return { state: Buffer.concat([state ?? Buffer.alloc(0), ...sections]), deleted: undefined };
  });
};
const options: FoldOptions = {
  committed: 1_000 as Lsn,
  history: 4,
  fold,
  pace: async () => {},
  isStopped: () => false,
};

class Stage {
  readonly disk = new MemoryStore();
  store!: Store;
  index = createIndex();
  readonly words = new Map<string, string[]>();

  static async of(script: readonly Batch[]): Promise<Stage> {
    const stage = new Stage();
    await stage.open();
    await stage.add(script);
    return stage;
  }

  async open(): Promise<void> {
    const seen: OpenedRecord[] = [];
    this.store = await Store.open(this.disk, [chain], fresh, (record) => seen.push(record));
    this.index = createIndex(this.store.base(chain).folded);
    for (const record of seen) indexRecord(this.index, record);
    this.store.listen({ onSynced: () => {}, onFailed: (cause) => t.fail(String(cause)) });
  }

  async add(script: readonly Batch[]): Promise<void> {
    for (const batch of script) {
      const after: Position = this.store.durable(chain);
      const sections = Object.entries(batch).map(([name, count]) => {
        const words = this.words.get(name) ?? [];
        this.words.set(name, words);
        const seqFirst = words.length + 1;
        const news = Array.from({ length: count }, (_, index) => `${name}${seqFirst + index} `);
        words.push(...news);
        return { name, seqFirst, updates: news.map((word) => Buffer.from(word)) };
      });
      const record = encodeBatch({ chain, epoch: epoch(1), after }, sections);
      this.store.append(chain, [record], undefined);
      this.store.flush();
      await new Promise(setImmediate);
      indexRecord(this.index, record);
    }
  }

  async fold(changes: Partial<FoldOptions> = {}): Promise<void> {
    const folded = await foldChain(this.store, chain, { ...options, ...changes });
    if (folded !== undefined) indexAfterFold(this.index, folded.folded, folded.names);
  }

  async read(name: string): Promise<string> {
    const { snapshot, sections } = await readDocument(this.store, chain, this.index, name);
    return Buffer.concat([snapshot?.state ?? Buffer.alloc(0), ...sections]).toString();
  }

  /** Every document is what it was told, and the sum is that of the snapshots. */
  async check(): Promise<boolean> {
    for (const [name, words] of this.words) if ((await this.read(name)) !== words.join('')) return false;
    let { sum } = noBase;
    const [[from, to]] = documentKeys(chain);
    for await (const page of this.disk.scan(from, to)) {
      for (const { key, value } of page) sum = addToSum(sum, key, value, 1);
    }
    return sum === this.store.base(chain).sum;
  }
}

t.test('[E13] documents are what their updates made of them, however they were folded and trimmed', async (t) => {
  const property = fc.asyncProperty(
    batches,
    batches,
    fc.nat(12),
    fc.boolean(),
    async (one, two, committed, isTrimmed) => {
      const stage = await Stage.of(one);
      await stage.fold({ committed: committed as Lsn });
      if (!(await stage.check())) return false;
      await stage.add(two);
      if (isTrimmed) await trimLog(stage.store, chain, stage.store.base(chain).folded);
      await stage.open();
      if (!(await stage.check())) return false;
      await stage.fold();
      await trimLog(stage.store, chain, stage.store.base(chain).folded);
      await stage.open();
      return (await stage.check()) && stage.index.lsns.size === 0;
    },
  );
  await fc.assert(property, { ...fuzz, numRuns: 150 });
  t.pass();
});

t.test('[E13] a pass that stops anywhere leaves what the next one goes on from', async (t) => {
  const script: Batch[] = [{ 's/a': 2, 's/b': 1 }, { 's/b': 2 }, { 's/a': 1, 's/c': 1 }];
  for (let writes = 0; writes < 6; writes += 1) {
    const stage = await Stage.of(script);
    let left = writes;
    stage.disk.write = ((write) => async (puts) => {
      left -= 1;
      return left < 0 ? new Promise<void>(() => {}) : write.call(stage.disk, puts);
    })(MemoryStore.prototype.write);
    void stage.fold({ pace: async () => {} });
    for (let turns = 0; turns < 20; turns += 1) await new Promise(setImmediate);
    stage.disk.write = MemoryStore.prototype.write;
    await stage.open();
    t.ok(await stage.check(), `after ${writes} writes`);
    await stage.fold();
    t.ok(await stage.check());
    t.equal(stage.store.base(chain).folded.lsn, 3);
  }
});

t.test('[E13] nothing past what is committed is folded; nothing that is not folded is trimmed', async (t) => {
  const stage = await Stage.of([{ 's/a': 1 }, { 's/a': 1 }, { 's/a': 1 }]);
  await stage.fold({ committed: 2 as Lsn });
  t.equal(stage.store.base(chain).folded.lsn, 2);
  t.equal((await readSnapshot(stage.store, chain, 's/a'))?.seq, 2);
  await t.rejects(trimLog(stage.store, chain, stage.store.durable(chain)), /C17/);
  t.same(stage.store.base(chain).floor, origin);
});

t.test('[E13] the newest updates of a document stay readable by themselves; older ones go', async (t) => {
  const stage = await Stage.of([]);
  for (let round = 0; round < 30; round += 1) {
    await stage.add([{ 's/a': 3 }, { 's/b': 1 }]);
    await stage.fold({ history: 10 });
  }
  const snapshot = await readSnapshot(stage.store, chain, 's/a');
  const blocks = snapshot?.blocks ?? [];
  let text = '';
  for (const seqFirst of blocks) text += (await readHistoryBlock(stage.store, chain, 's/a', seqFirst)).updates;
  const words = stage.words.get('s/a') ?? [];
  t.ok(text.endsWith(words.slice(-10).join('')), 'the last ten are there');
  t.equal(text, words.slice((blocks[0] ?? 0) - 1).join(''), 'without a gap');
  t.ok(blocks.length <= 3, `${blocks.length} blocks`);
  t.ok(words.length - (blocks[0] ?? 0) < 10 + 64 + 3, 'and not all the others');
});

t.test(
  '[E13] a trimmed log begins at its floor: what lies below is not there, and is asked for by nobody',
  async (t) => {
    const stage = await Stage.of([{ 's/a': 1 }, { 's/a': 1 }, { 's/a': 1 }, { 's/a': 1 }]);
    const second = await stage.store.locate(chain, 2);
    await stage.fold({ committed: 3 as Lsn });
    await trimLog(stage.store, chain, second);
    t.equal(await stage.disk.get(recordKey(chain, 2)), undefined);
    t.same(stage.store.base(chain).floor, second);
    t.same(
      (await stage.store.read(chain, second, 1_000_000))?.map(({ lsn }) => lsn),
      [3, 4],
    );
    t.equal(await stage.store.read(chain, origin, 1_000_000), undefined, 'not to be shown from the beginning');
    t.same(await stage.store.locate(chain, 1), second, 'nothing below the floor is guessed');
    await stage.open();
    t.equal(stage.store.durable(chain).lsn, 4);
    t.equal(await stage.read('s/a'), 's/a1 s/a2 s/a3 s/a4 ');
  },
);

t.test(
  '[C17] [E13] what is read while it is folded and trimmed is found in its snapshot, or said to be gone',
  async (t) => {
    const stage = await Stage.of([{ 's/a': 1 }, { 's/a': 2, 's/b': 1 }, { 's/a': 1 }]);
    const { get } = MemoryStore.prototype;
    let isFirst = true;
    stage.disk.get = async (key) => {
      if (key[0] === 0x10 && isFirst) {
        isFirst = false;
        await stage.fold();
        await trimLog(stage.store, chain, stage.store.base(chain).folded);
      }
      return get.call(stage.disk, key);
    };
    t.equal(await stage.read('s/a'), 's/a1 s/a2 s/a3 s/a4 ');
    t.notOk(isFirst, 'it met the trim');
    const other = await Stage.of([{ 's/a': 1 }, { 's/a': 1 }, { 's/a': 1 }]);
    const after = await other.store.locate(chain, 1);
    await other.fold({ committed: 2 as Lsn });
    const { scan } = MemoryStore.prototype;
    other.disk.scan = async function* (from, to) {
      other.disk.scan = scan;
      await trimLog(other.store, chain, other.store.base(chain).folded);
      yield* scan.call(other.disk, from, to);
    };
    t.equal(await other.store.read(chain, after, 1_000_000), undefined);
  },
);

t.test('[E13] an index that is built while the log is trimmed goes on behind what went', async (t) => {
  const stage = await Stage.of([{ 'a/1': 1 }, { 'a/2': 1 }, { 'a/1': 1 }, { 'a/3': 1 }]);
  const index = createIndex();
  let isTrimmed = false;
  // The first page of the walk is one record; what follows is gone when it is asked for.
  const scan = stage.disk.scan.bind(stage.disk);
  stage.disk.scan = async function* (from, to) {
    if (from[0] !== 0x10 || isTrimmed) return yield* scan(from, to);
    isTrimmed = true;
    for await (const page of scan(from, to)) {
      yield page.slice(0, 1);
      await stage.fold({ committed: 3 as Lsn });
      await trimLog(stage.store, chain, stage.store.base(chain).folded);
      yield page.slice(3);
    }
  };
  await indexToEnd(stage.store, chain, index, () => false);
  t.ok(isTrimmed);
  t.same([...index.lsns], [['a/3', [4]]]);
  t.equal(index.through.lsn, 4);
  stage.disk.corrupt(recordKey(chain, 4), Buffer.from('rot'));
  const behind = createIndex(stage.store.base(chain).folded);
  await t.rejects(
    indexToEnd(stage.store, chain, behind, () => false),
    { code: 'ENGINE_CORRUPT' },
    'what no trim explains',
  );
});

t.test(
  '[C17] from the moment that a log is to be trimmed nobody is given what goes, from its beginning either',
  async (t) => {
    const stage = await Stage.of([{ 's/a': 1 }, { 's/a': 1 }, { 's/a': 1 }]);
    await stage.fold();
    const second = await stage.store.locate(chain, 2);
    stage.store.startTrim(chain, second);
    t.equal(await stage.store.read(chain, origin, 1_000_000), undefined, 'all of it is there still');
    // The record itself goes too, and may be gone before the floor has moved.
    stage.disk.corrupt(recordKey(chain, 2), undefined);
    t.same(
      (await stage.store.read(chain, second, 1_000_000))?.map(({ lsn }) => lsn),
      [3],
    );
    t.equal(await stage.store.read(chain, { ...second, hash: origin.hash }, 1_000_000), undefined);
  },
);

t.test('[D20] how far deleted documents had come never falls', async (t) => {
  const stage = await Stage.of([{ 's/a': 3 }, { 's/b': 1 }]);
  const gone = (seq: number) => ({
    state: undefined,
    deleted: { seq, pieces: [] },
  });
  await stage.fold({ committed: 1 as Lsn, fold: async () => [gone(3)] });
  await stage.fold({ committed: 2 as Lsn, fold: async () => [gone(1)] });
  const key = seqFloorKey(chain);
  t.equal(decodeSeqFloor(key, (await stage.disk.get(key)) ?? new Uint8Array()), 3);
});

t.test(
  '[E13] [C12] a log is not cut below what a snapshot holds, folded or half so; and is not believed where it ends there',
  async (t) => {
    const stage = await Stage.of([
      { 's/a': 1, 's/b': 1 },
      { 's/a': 1, 's/b': 1 },
      { 's/a': 1, 's/b': 1 },
    ]);
    let slices = 0;
    await stage.fold({
      committed: 3 as Lsn,
      isStopped: () => {
        slices += 1;
        return slices > 1;
      },
    });
    const { folded, newest } = stage.store.base(chain);
    t.same([folded.lsn, newest], [0, 3], 'given up behind its first slice');
    const second = await stage.store.locate(chain, 2);
    t.throws(() => stage.store.append(chain, [], undefined, second), { code: 'ENGINE_FOLDED' });
    stage.disk.corrupt(recordKey(chain, 3), undefined);
    await t.rejects(stage.open(), { code: 'ENGINE_CORRUPT', message: /ends at 2, and a snapshot holds 3/ });
  },
);
