// The loads that stand in for documents, and the logs that are laid down for a start: what they make is what a head makes.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { closedLoop, documentsOf, Load, openLoop } from '../../bench/chain-load.ts';
import { layLog, nameOf } from '../../bench/store-lay.ts';
import { chainId, epoch, hostId, origin } from '../../engine/base/ids.ts';
import { foldSections } from '../../engine/document/life/snapshot.ts';
import { type OpenedRecord, type SectionView, sectionsOf } from '../../engine/store/format.ts';
import { Store } from '../../engine/store/store.ts';
import { LevelStore } from '../../host/level-store.ts';

const chain = chainId(0);

/** A chain that commits each batch soon after it was made. */
function committingLoad(): { readonly load: Load; readonly records: OpenedRecord[] } {
  const records: OpenedRecord[] = [];
  const load: Load = new Load(() => {
    setImmediate(() => {
      const after = records.at(-1) ?? origin;
      const taken = load.queue.take({ chain, epoch: epoch(1), after });
      if (taken === undefined) return;
      records.push(taken.record);
      load.queue.commit(taken.record.lsn);
    });
  });
  return { load, records };
}

/** The seqs of each document in order, as far as they continue. */
function updatesIn(records: readonly OpenedRecord[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { name, seqFirst, count } of records.flatMap(sectionsOf)) {
    if (seqFirst !== (counts.get(name) ?? 0) + 1) throw new Error(`${name} has a hole before ${seqFirst}`);
    counts.set(name, seqFirst + count - 1);
  }
  return counts;
}

t.test('a closed loop sends as many updates as it was asked for, each once', async (t) => {
  const { load, records } = committingLoad();
  const point = await closedLoop([load], documentsOf('x', 4), { updates: 50 });
  t.equal(point.count, 50);
  t.equal(load.updates, 50);
  t.equal(
    [...updatesIn(records).values()].reduce((sum, count) => sum + count, 0),
    50,
  );
});

t.test('an open loop sends what its rate comes to, in turns', async (t) => {
  const { load, records } = committingLoad();
  const point = await openLoop(load, documentsOf('x', 4), { perSecond: 2_000, seconds: 0.02 });
  t.equal(point.count, 40);
  t.same([...updatesIn(records).values()], [10, 10, 10, 10]);
});

t.test('a laid log continues its store, one section for each document of a batch, and can be folded', async (t) => {
  const folder = join(mkdtempSync(join(tmpdir(), 'levelten-lay-')), 'store');
  t.teardown(() => rmSync(join(folder, '..'), { recursive: true, force: true }));
  const who = { host: 'h1', cluster: 'c' };
  await layLog({ folder, who, updates: 10, perBatch: 4, documents: 2 });
  const records: OpenedRecord[] = [];
  const fresh = { storeId: 's', host: hostId(who.host), cluster: who.cluster };
  const store = await Store.open(await LevelStore.open(folder), [chain], fresh, (record) => records.push(record));
  t.teardown(() => store.close());
  t.equal(store.durable(chain).lsn, 3);
  const shape = records.map((record) => sectionsOf(record).map(({ name, seqFirst, count }) => [name, seqFirst, count]));
  const [a, b] = [nameOf(0), nameOf(1)];
  t.same(shape, [
    [
      [a, 1, 2],
      [b, 1, 2],
    ],
    [
      [a, 3, 2],
      [b, 3, 2],
    ],
    [
      [a, 5, 1],
      [b, 5, 1],
    ],
  ]);
  const ofFirst = (sections: readonly SectionView[]) =>
    sections.filter(({ name }) => name === a).map(({ bytes }) => bytes);
  t.ok(
    foldSections(
      undefined,
      records.flatMap((record) => ofFirst(sectionsOf(record))),
    ).length > 0,
  );
});
