// The end of documents, through the door of a desk that has a store under it.
import fc from 'fast-check';
import t from 'tap';
import { checkResident } from '../../engine/document/document.ts';
import { readSnapshot } from '../../engine/store/documents.ts';
import { sumOf } from '../../engine/store/pages.ts';
import { documentKeys } from '../../engine/store/snapshot-format.ts';
import { deleteDocument, listHistory, rewindDocument } from '../../host/history.ts';
import { MemoryStore } from '../contract/memory-store.ts';
import { fuzz } from '../fuzz.ts';
import { chain, DeskStage, type ViewerStage } from './desk-stage.ts';

const names = ['s/a', 's/b'] as const;
type Name = (typeof names)[number];
type Act =
  | { readonly on: Name; readonly do: 'count' | 'delete' | 'leave' }
  | 'fold'
  | 'fold partly'
  | 'trim'
  | 'restart';
const acts: fc.Arbitrary<Act[]> = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.record({ on: fc.constantFrom(...names), do: fc.constant('count' as const) }) },
    { weight: 3, arbitrary: fc.record({ on: fc.constantFrom(...names), do: fc.constant('delete' as const) }) },
    { weight: 1, arbitrary: fc.record({ on: fc.constantFrom(...names), do: fc.constant('leave' as const) }) },
    {
      weight: 5,
      arbitrary: fc.constantFrom('fold' as const, 'fold partly' as const, 'trim' as const, 'restart' as const),
    },
  ),
  { minLength: 3, maxLength: 30 },
);

/** What should be true of one document. */
type Model = { exists: boolean; count: number; seqMax: number; viewer: ViewerStage | undefined; ended: string[] };

class Lives {
  readonly stage: DeskStage;
  readonly models = new Map<Name, Model>();
  deletes = 0;
  begins = 0;

  constructor(stage: DeskStage) {
    this.stage = stage;
    for (const name of names)
      this.models.set(name, { exists: false, count: 0, seqMax: 0, viewer: undefined, ended: [] });
  }

  async do(act: Act): Promise<boolean> {
    const { stage } = this;
    if (act === 'fold') await stage.fold(false);
    else if (act === 'trim') await stage.fold();
    else if (act === 'fold partly') await stage.foldPartly();
    else if (act === 'restart') {
      stage.desk.stop();
      await stage.start();
      for (const model of this.models.values()) model.viewer = undefined;
    } else {
      const model = this.models.get(act.on) as Model;
      if (act.do === 'leave' && model.viewer !== undefined) stage.desk.close(model.viewer.attached);
      if (act.do === 'leave') model.viewer = undefined;
      if (act.do === 'count') return await this.#count(act.on, model);
      if (act.do === 'delete') return await this.#delete(act.on, model);
    }
    return true;
  }

  async #count(name: Name, model: Model): Promise<boolean> {
    const { stage } = this;
    const viewer = model.viewer ?? (await stage.come(name));
    model.viewer = viewer;
    const opened = viewer.heard[0];
    if (opened?.[0] !== 2) return false;
    if (!model.exists) {
      this.begins += 1;
      // It began anew, above all that was.
      if ((stage.residentOf(viewer)?.seq ?? 0) < model.seqMax + 2) return false;
    }
    model.exists = true;
    const seq = stage.residentOf(viewer)?.seq ?? 0;
    stage.send(viewer, { steps: [{ do: 'count', value: 1 }] });
    await stage.settle();
    stage.listen(viewer);
    const { session } = viewer.attached;
    const resident = stage.residentOf(viewer);
    if (resident === undefined || resident.seq !== seq + 1) return false;
    checkResident(resident);
    model.count += 1;
    model.seqMax = resident.seq;
    if (!model.ended.includes(session)) model.ended.push(session);
    return (viewer.view as { count: number }).count === model.count;
  }

  async #delete(name: Name, model: Model): Promise<boolean> {
    const { stage } = this;
    const { viewer } = model;
    const result = await stage.during(
      deleteDocument(stage.desk, name).then(
        ({ seq }) => seq,
        (error: { code: string }) => error.code,
      ),
    );
    if (!model.exists) return result === 'DOCUMENT_UNKNOWN';
    this.deletes += 1;
    if (result !== ((viewer && stage.residentOf(viewer)?.seq) ?? result)) return false;
    if (typeof result !== 'number' || result <= model.seqMax) return false;
    if (viewer !== undefined) {
      stage.listen(viewer);
      const [kind, , n, , code] = viewer.heard.at(-1) ?? [];
      if (kind !== 4 || n !== 0 || code !== 'DOCUMENT_DELETED') return false;
      // What it still sends is not heard.
      stage.desk.close(viewer.attached);
    }
    Object.assign(model, { exists: false, count: 0, seqMax: result, viewer: undefined });
    for (const session of model.ended) {
      const late = await stage.come(name, session);
      const [kind, , , , code] = late.heard.at(-1) ?? [];
      if (kind !== 4 || code !== 'SESSION_EXPIRED') return false;
    }
    return true;
  }

  /** The disk holds what it should, and nothing of what ended once that was folded. */
  async check(): Promise<boolean> {
    const { store, fatal } = this.stage;
    if ((await sumOf(store, chain)) !== store.base(chain).sum) return false;
    const isFolded = store.base(chain).folded.lsn === store.durable(chain).lsn;
    for (const [name, { exists }] of this.models) {
      if (!isFolded) continue;
      if (((await readSnapshot(store, chain, name)) !== undefined) !== exists) return false;
    }
    if (isFolded && ![...this.models.values()].some(({ exists }) => exists)) {
      const [, [from, to]] = documentKeys(chain);
      for await (const page of store.scan(from, to)) if (page.length > 0) return false;
    }
    return fatal.length === 0;
  }
}

t.test(
  '[D20] [E13] what was deleted is as if it had never been, and what begins in its place stands above it',
  async (t) => {
    const counts = { deletes: 0, begins: 0 };
    const property = fc.asyncProperty(acts, async (script) => {
      const lives = new Lives(await DeskStage.of(new MemoryStore(), 4));
      for (const act of script) if (!(await lives.do(act)) || !(await lives.check())) return false;
      counts.deletes += lives.deletes;
      counts.begins += lives.begins;
      return true;
    });
    await fc.assert(property, { ...fuzz, numRuns: 300 });
    t.ok(counts.deletes > 200 && counts.begins > 300, JSON.stringify(counts));
  },
);

t.test('[C18] [D20] viewers are told when it is committed, and hear nothing of the document after it', async (t) => {
  const stage = await DeskStage.of(new MemoryStore());
  const [one, two] = [await stage.come('s/a'), await stage.come('s/a', '')];
  stage.send(one, { steps: [{ do: 'text', value: 'x' }] });
  await stage.settle();
  stage.listen(one, two);
  const before = two.heard.length;
  const done = deleteDocument(stage.desk, 's/a');
  stage.send(one, { steps: [{ do: 'text', value: 'y' }] });
  stage.listen(one, two);
  t.equal(two.heard.length, before, 'not before');
  t.match(await stage.during(done), { seq: 4, lsn: 3 });
  stage.listen(one, two);
  t.match(two.heard.slice(before), [[4, two.attached.view, 0, 0, 'DOCUMENT_DELETED']]);
  t.equal(two.heard.length, before + 1);
  t.match(one.heard.at(-1), [4, one.attached.view, 0, 0, 'DOCUMENT_DELETED']);
  const late = await stage.come('s/a');
  t.match(late.view, { text: 'start' });
  t.match(late.heard[0], [2, late.attached.view]);
  stage.send(late, { steps: [{ do: 'text', value: 'z' }] });
  await stage.settle();
  stage.listen(one, two, late);
  t.equal(two.heard.length, before + 1);
  t.match(late.view, { text: 'z' });
});

t.test('[D18] [D19] [D20] nobody goes back to what was deleted, nor reads of it', async (t) => {
  const stage = await DeskStage.of(new MemoryStore());
  for (const isFolded of [false, true]) {
    const viewer = await stage.come('s/a');
    const first = stage.residentOf(viewer)?.seq ?? 0;
    for (let at = 0; at < 3; at += 1) stage.send(viewer, { steps: [{ do: 'count', value: 1 }] });
    await stage.settle();
    if (isFolded) await stage.fold();
    const kept = rewindDocument(stage.desk, 's/a', first + 1);
    t.equal(await stage.during(kept), first + 4);
    await stage.during(deleteDocument(stage.desk, 's/a'));
    if (isFolded) await stage.fold();
    t.match(await stage.during(listHistory(stage.desk, 's/a', 1_000, 10).catch((error) => error)), {
      code: 'DOCUMENT_UNKNOWN',
    });
    t.match(await stage.during(rewindDocument(stage.desk, 's/a', first + 1).catch((error) => error)), {
      code: 'DOCUMENT_UNKNOWN',
    });
    const next = await stage.come('s/a');
    const again = stage.residentOf(next)?.seq ?? 0;
    const { lines } = await stage.during(listHistory(stage.desk, 's/a', 1_000, 10));
    t.same(
      lines.map(({ kind, seq }) => [kind, seq]),
      [
        ['session', again],
        ['invent', again - 1],
      ],
    );
    t.match(await stage.during(rewindDocument(stage.desk, 's/a', first + 1).catch((error) => error)), {
      code: 'HISTORY_GONE',
    });
    await stage.during(deleteDocument(stage.desk, 's/a'));
  }
  t.same(stage.fatal, []);
});

t.test('[D19] [D20] a document that is deleted and begins anew while its past is read does not get it', async (t) => {
  const disk = new MemoryStore();
  const stage = await DeskStage.of(disk);
  const viewer = await stage.come('s/a');
  stage.send(viewer, { steps: [{ do: 'text', value: 'of the one before' }] });
  await stage.settle();
  const { act } = stage.desk;
  stage.desk.act = async (name, deed) => {
    stage.desk.act = act;
    await deleteDocument(stage.desk, 's/a');
    stage.open('s/a');
    return await stage.desk.act(name, deed);
  };
  const done = rewindDocument(stage.desk, 's/a', 3).catch((error) => error);
  t.match(await stage.during(done), { code: 'HISTORY_GONE' });
  t.match((await stage.come('s/a')).view, { text: 'start' });
});
