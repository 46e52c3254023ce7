// When which chain is folded, and that the thread that does it gives what the loop would have given.
import t from 'tap';
import type { ChainId, DocumentName, Lsn } from '../../engine/base/ids.ts';
import { chainId } from '../../engine/base/ids.ts';
import { foldRecordsMin, foldRestMs, foldSleepMsMax, foldWaitMs } from '../../engine/base/limits.ts';
import { applyDelete, createResident } from '../../engine/document/document.ts';
import { foldSections } from '../../engine/document/life/snapshot.ts';
import { readSnapshot } from '../../engine/store/documents.ts';
import type { FoldResult, FoldTask } from '../../engine/store/folding.ts';
import { Store } from '../../engine/store/store.ts';
import { Folding, type FoldingParts } from '../../host/folding.ts';
import { makeFoldPool } from '../../host/workers/fold-pool.ts';
import { history } from '../chain/one.ts';
import { MemoryStore, settled } from '../contract/memory-store.ts';
import { base, fakeEnv, Member, people } from '../document/kit.ts';

const [zero, one] = [chainId(0), chainId(1)];

/** Joins words: what a fold makes is not what this is about. */
const fold = async (tasks: readonly FoldTask[]): Promise<FoldResult[]> =>
  tasks.map(({ sections }) => ({ state: Buffer.concat(sections), deleted: undefined }));

async function stage(changes: Partial<FoldingParts> = {}) {
  const store = await Store.open(new MemoryStore(), [zero, one], { storeId: 's', host: 'h', cluster: 'k' });
  const failed: unknown[] = [];
  store.listen({ onSynced: () => {}, onFailed: (cause) => failed.push(cause) });
  store.append(zero, history(6), undefined);
  store.flush();
  await settled();
  const committed = new Map<ChainId, Lsn>();
  const passes: string[] = [];
  const folding = new Folding({
    store,
    fold,
    history: 1_000,
    nowMs: () => 0,
    sleep: async () => {},
    chains: () => [...committed].map(([chain, lsn]) => ({ chain, committed: lsn })),
    onBegun: () => {},
    onFolded: (chain, { folded, names }) => passes.push(`${chain} through ${folded.lsn}: ${names.join(' ')}`),
    onFailed: (chain, { message }) => passes.push(`failed: ${chain}, ${message}`),
    fatal: (cause) => failed.push(cause),
    ...changes,
  });
  /** A tick, and the pass that it began. */
  const tick = async (nowMs: number): Promise<string[]> => {
    folding.tick(nowMs);
    for (let turns = 0; turns < 30; turns += 1) await settled();
    return passes.splice(0);
  };
  return { store, committed, folding, tick, failed, passes };
}

t.test(
  '[E13] a chain is folded when enough waits, or something has waited for long; only what is committed',
  async (t) => {
    const { store, committed, tick } = await stage({ recordsMin: 3 });
    t.same(await tick(0), [], 'nothing is known to be committed');
    committed.set(zero, 2 as Lsn);
    t.same(await tick(0), []);
    t.same(await tick(foldWaitMs - 1), []);
    t.same(await tick(foldWaitMs), ['0 through 2: space/key']);
    committed.set(zero, 5 as Lsn);
    t.same(await tick(foldWaitMs), ['0 through 5: space/key'], 'three are enough');
    t.same(await tick(2 * foldWaitMs + 1), [], 'nothing new');
    committed.set(zero, 6 as Lsn);
    t.same(await tick(3 * foldWaitMs), [], 'it waits from when it was seen');
    t.same(await tick(4 * foldWaitMs), ['0 through 6: space/key']);
    t.equal((await readSnapshot(store, zero, 'space/key'))?.seq, 6);
    t.ok(foldRecordsMin > 100, 'a pass is not for a handful');
  },
);

t.test('[E13] one pass at a time; a host that closes begins none', async (t) => {
  let finish = (): void => {};
  const held = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const { committed, folding, tick, passes } = await stage({
    recordsMin: 1,
    fold: async (tasks) => {
      await held;
      return fold(tasks);
    },
  });
  committed.set(zero, 3 as Lsn);
  t.same(await tick(0), []);
  t.ok(folding.isBusy);
  committed.set(zero, 6 as Lsn);
  t.same(await tick(1), [], 'the first still runs');
  finish();
  for (let turns = 0; turns < 30; turns += 1) await settled();
  t.same(passes.splice(0), ['0 through 3: space/key']);
  folding.close();
  t.same(await tick(2), []);
});

t.test('[E13] a pass sleeps in between, but never for long, and whoever needs its end wakes it', async (t) => {
  for (const end of ['quiesce', 'settle'] as const) {
    let nowMs = 0;
    const slept: number[] = [];
    const { committed, folding, tick, passes } = await stage({
      recordsMin: 1,
      nowMs: () => nowMs,
      fold: async (tasks) => {
        nowMs += 60_000;
        return fold(tasks);
      },
      sleep: (ms) => {
        slept.push(ms);
        return new Promise(() => {});
      },
    });
    committed.set(zero, 6 as Lsn);
    t.same(await tick(0), []);
    t.same(slept, [foldSleepMsMax], 'the process stood still in the middle of a slice');
    await folding[end](zero);
    t.notOk(folding.isBusy);
    t.same(passes, end === 'settle' ? ['0 through 6: space/key'] : []);
  }
});

t.test(
  '[E13] a chain that cannot be folded goes on with a log that grows; it is tried again after a while',
  async (t) => {
    const { store, committed, tick, failed } = await stage({
      recordsMin: 1,
      fold: () => Promise.reject(new Error('no')),
    });
    committed.set(zero, 3 as Lsn);
    t.same(await tick(0), ['failed: 0, of chain 0: space/key']);
    t.same(await tick(foldRestMs - 1), []);
    t.same(await tick(foldRestMs), ['failed: 0, of chain 0: space/key']);
    t.equal(store.base(zero).folded.lsn, 0);
    t.same(failed, []);
  },
);

t.test('[E2] a disk that fails under a fold ends the process', async (t) => {
  const { store, committed, tick, failed } = await stage({ recordsMin: 1 });
  const cause = new Error('the disk');
  store.get = () => Promise.reject(cause);
  committed.set(zero, 3 as Lsn);
  t.same(await tick(0), []);
  t.same(failed, [cause]);
});

t.test('[D17] the thread gives what the loop would have given, and takes nothing away', async (t) => {
  const pool = makeFoldPool();
  const resident = createResident(base, 'space/key' as DocumentName);
  const member = new Member(resident, people[0], fakeEnv());
  const sent = member.send('run', { steps: [{ do: 'text', value: 'x' }] });
  const first = Uint8Array.from(Buffer.concat(member.updates));
  const second = Uint8Array.from(sent.update ?? []);
  const state = foldSections(undefined, [first]);
  const before = Buffer.from(state);
  const [whole, stepped] = await pool.fold([
    { state: undefined, sections: [first, second] },
    { state, sections: [second] },
  ]);
  t.same(Buffer.from(whole?.state ?? []), Buffer.from(foldSections(undefined, [first, second])));
  t.same(stepped, whole);
  t.same(Buffer.from(state), before, 'what came in is still there');
  const gone = Uint8Array.from(applyDelete(resident, people[0], fakeEnv()).update);
  const third = Uint8Array.from(Buffer.concat(new Member(resident, people[1], fakeEnv()).updates));
  const [deleted, anew] = await pool.fold([
    { state, sections: [second, gone] },
    { state, sections: [second, gone, third] },
  ]);
  t.match(deleted, { state: undefined, deleted: { seq: 4, pieces: [] } });
  t.match(anew?.deleted, { seq: 4, pieces: [{ seqFirst: 5, count: 2 }] });
  t.equal(anew?.deleted?.pieces.length, 1);
  t.same(Buffer.from(anew?.deleted?.pieces[0]?.updates ?? []), Buffer.from(third));
  await t.rejects(pool.fold([{ state: undefined, sections: [second] }]), /history cannot be/);
  await pool.close();
});
