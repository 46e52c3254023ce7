// History and going back, through the door of a desk that has a store under it.
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import t from 'tap';
import { checkResident, viewOf } from '../../engine/document/document.ts';
import type { HistoryLine } from '../../engine/document/life/history.ts';
import { listHistory, operator, rewindDocument } from '../../host/history.ts';
import { MemoryStore } from '../contract/memory-store.ts';
import { steps } from '../document/kit.ts';
import { fuzz } from '../fuzz.ts';
import { ada, DeskStage, type ViewerStage } from './desk-stage.ts';

const name = 's/a';
const everything = Number.MAX_SAFE_INTEGER;

/** What happens to a document: a message, a pass over the log, another process, or going back so many updates. */
type Act = { readonly steps: readonly unknown[] } | 'fold' | 'restart' | { readonly back: number };
const acts: fc.Arbitrary<Act[]> = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.record({ steps }) },
    { weight: 2, arbitrary: fc.constant('fold' as const) },
    { weight: 1, arbitrary: fc.constant('restart' as const) },
    { weight: 2, arbitrary: fc.record({ back: fc.nat(12) }) },
  ),
  { minLength: 1, maxLength: 25 },
);

class Lived {
  readonly stage: DeskStage;
  viewer!: ViewerStage;
  /** After each update, by seq. */
  readonly states = new Map<number, unknown>();
  readonly refused: number[] = [];

  constructor(stage: DeskStage) {
    this.stage = stage;
  }

  get seq(): number {
    return this.stage.residentOf(this.viewer)?.seq ?? 0;
  }

  note(): void {
    const resident = this.stage.residentOf(this.viewer);
    if (resident === undefined) throw new Error('it is open');
    checkResident(resident);
    // An invent and a session change nothing.
    for (let seq = resident.seq; seq > 0 && !this.states.has(seq); seq -= 1) {
      this.states.set(seq, structuredClone(resident.state));
    }
  }

  async begin(): Promise<void> {
    this.viewer = this.stage.open(name);
    await this.stage.settle();
    this.stage.listen(this.viewer);
    this.note();
  }

  async do(act: Act): Promise<boolean> {
    const { stage } = this;
    if (act === 'fold') await stage.fold();
    else if (act === 'restart') {
      stage.desk.stop();
      await stage.start();
      await this.begin();
    } else if ('steps' in act) {
      stage.send(this.viewer, { steps: act.steps });
      await stage.settle();
      this.note();
    } else return await this.#back(this.seq - act.back);
    return true;
  }

  async #back(to: number): Promise<boolean> {
    const before = this.seq;
    const done = rewindDocument(this.stage.desk, name, to).catch((error: { code: string }) => error.code);
    await this.stage.settle();
    const result = await done;
    if (result === 'HISTORY_GONE') {
      this.refused.push(before - to);
      return this.seq === before && (to < 1 || before - to > this.stage.history);
    }
    this.note();
    return result === before + 1 && isDeepStrictEqual(this.states.get(result), this.states.get(to));
  }

  get isShownRight(): boolean {
    this.stage.listen(this.viewer);
    const resident = this.stage.residentOf(this.viewer);
    return resident !== undefined && isDeepStrictEqual(this.viewer.view, viewOf(resident, ada));
  }
}

async function listAll(stage: DeskStage, max: number): Promise<HistoryLine[]> {
  const lines: HistoryLine[] = [];
  for (;;) {
    const page = listHistory(stage.desk, name, lines.at(-1)?.seq ?? everything, max);
    await stage.settle();
    const { lines: more } = await page;
    lines.push(...more);
    if (more.length < max) return lines;
  }
}

t.test('[D18] [D19] any state that is kept comes back, is shown, and is one more update', async (t) => {
  const counts = { refused: 0, back: 0 };
  const property = fc.asyncProperty(acts, fc.constantFrom(4, 1_000), async (script, history) => {
    const stage = await DeskStage.of(new MemoryStore(), history);
    const lived = new Lived(stage);
    await lived.begin();
    for (const act of script) {
      if (!(await lived.do(act)) || !lived.isShownRight) return false;
      if (typeof act === 'object' && 'back' in act) counts.back += 1;
    }
    counts.refused += lived.refused.length;
    const lines = await listAll(stage, 3);
    const isWhole = lines.length >= Math.min(history, lived.seq);
    const isInOrder = lines.every(({ seq }, index) => seq === lived.seq - index);
    return isWhole && isInOrder && stage.fatal.length === 0;
  });
  await fc.assert(property, { ...fuzz, numRuns: 150 });
  t.ok(counts.back > 100 && counts.refused > 20, JSON.stringify(counts));
});

t.test('[D18] a line says who did what when, and nothing of what the document holds', async (t) => {
  const stage = await DeskStage.of(new MemoryStore());
  const viewer = stage.open(name);
  await stage.settle();
  stage.send(viewer, { steps: [{ do: 'secret', value: 'never to be seen' }] });
  stage.send(viewer, { steps: [{ do: 'throw' }] });
  await stage.settle();
  const done = rewindDocument(stage.desk, name, 2);
  await stage.settle();
  t.equal(await done, 5);
  const page = listHistory(stage.desk, name, everything, 100);
  await stage.settle();
  const { lines, seq } = await page;
  t.equal(seq, 5);
  t.match(lines, [
    { seq: 5, kind: 'rewind', who: operator, to: 2, channel: '', code: '' },
    { seq: 4, kind: 'send', who: ada, channel: 'run', code: 'HANDLER_FAILED' },
    { seq: 3, kind: 'send', who: ada, channel: 'run', code: '' },
    { seq: 2, kind: 'session', who: ada },
    { seq: 1, kind: 'invent', who: ada },
  ]);
  t.ok(lines.every(({ atMs }) => atMs >= 1_700_000_000_000));
  t.notMatch(JSON.stringify(lines), /never to be seen/);
  const codes: string[] = [];
  const note = (error: { code: string }): void => void codes.push(error.code);
  listHistory(stage.desk, 's/none', everything, 100).catch(note);
  rewindDocument(stage.desk, 's/none', 1).catch(note);
  await stage.settle();
  t.same(codes, ['DOCUMENT_UNKNOWN', 'DOCUMENT_UNKNOWN']);
});

t.test(
  '[C18] [D19] a rewind and a page of history resolve when all that they saw is committed, or never will be',
  async (t) => {
    const stage = await DeskStage.of(new MemoryStore());
    const viewer = stage.open(name);
    await stage.settle();
    stage.send(viewer, { steps: [{ do: 'count', value: 2 }] });
    await stage.settle();
    const { desk } = stage;
    const done: string[] = [];
    const note = (what: string, promise: Promise<unknown>): void => {
      promise.then(
        () => done.push(what),
        (error: { code: string }) => done.push(`${what}: ${error.code}`),
      );
    };
    note('rewind', rewindDocument(desk, name, 2));
    for (let turns = 0; turns < 10; turns += 1) await new Promise(setImmediate);
    // Read from the disk; now behind a barrier.
    while (!desk.queue.hasUpdates) {
      if (desk.queue.hasReads) {
        desk.queue.ask(1_000);
        desk.queue.passed(1_000);
      }
      await new Promise(setImmediate);
    }
    note('page', listHistory(desk, name, everything, 10));
    for (let turns = 0; turns < 10; turns += 1) await new Promise(setImmediate);
    t.same(done, [], 'made, and not committed');
    if (DeskStage.pool === undefined)
      t.equal(stage.residentOf(viewer)?.state['count'] ?? 0, 0, 'though it is done here');
    stage.listen(viewer);
    t.equal((viewer.view as { count: number }).count, 2, 'and nobody has seen it');
    desk.stop();
    for (let turns = 0; turns < 10; turns += 1) await new Promise(setImmediate);
    t.same(done.sort(), ['page: CONNECTION_LOST', 'rewind: CONNECTION_LOST']);
  },
);

t.test('[C15] [D19] a rewind takes back what a session did, and not that it did', async (t) => {
  const stage = await DeskStage.of(new MemoryStore());
  const viewer = stage.open(name);
  await stage.settle();
  stage.send(viewer, { steps: [{ do: 'count', value: 2 }] });
  await stage.settle();
  const done = rewindDocument(stage.desk, name, 2);
  await stage.settle();
  t.equal(await done, 4);
  stage.desk.send(viewer.attached, { n: 1, done: 0, channel: 'run', message: { steps: [{ do: 'count', value: 2 }] } });
  await stage.settle();
  stage.listen(viewer);
  t.equal((viewer.view as { count: number }).count, 0);
  t.match(viewer.heard.at(-1), [3, viewer.attached.view, 1, 3], 'the repeat gets the first answer');
});

t.test('[D19] what is folded away while it is read is read again', async (t) => {
  const disk = new MemoryStore();
  const stage = await DeskStage.of(disk, 4);
  const viewer = stage.open(name);
  await stage.settle();
  const add = async (count: number): Promise<void> => {
    for (let at = 0; at < count; at += 1) {
      stage.send(viewer, { steps: [{ do: 'count', value: 1 }] });
      await stage.settle();
    }
    await stage.fold();
  };
  for (let round = 0; round < 3; round += 1) await add(64);
  let isFirst = true;
  let isAdded = false;
  disk.get = async (key) => {
    // The oldest block goes as it is about to be read.
    if (key[0] === 0x21 && isFirst) {
      isFirst = false;
      await add(64);
      await add(64);
      isAdded = true;
    }
    return MemoryStore.prototype.get.call(disk, key);
  };
  const page = listHistory(stage.desk, name, everything, 1_000);
  for (let turns = 0; turns < 2_000 || !isAdded; turns += 1) await new Promise(setImmediate);
  await stage.settle();
  const { lines, seq } = await page;
  t.notOk(isFirst);
  t.same(stage.fatal, []);
  t.equal(lines[0]?.seq, seq);
  t.ok(lines.every((line, index) => line.seq === seq - index));
});

t.test('[D19] a block that grows while it is read is read as far as it was', async (t) => {
  const disk = new MemoryStore();
  const stage = await DeskStage.of(disk);
  const viewer = stage.open(name);
  await stage.settle();
  const add = async (count: number): Promise<void> => {
    for (let at = 0; at < count; at += 1) {
      stage.send(viewer, { steps: [{ do: 'count', value: 1 }] });
      await stage.settle();
    }
    await stage.fold();
  };
  await add(10);
  let isFirst = true;
  let isAdded = false;
  disk.get = async (key) => {
    if (key[0] === 0x21 && isFirst) {
      isFirst = false;
      await add(5);
      isAdded = true;
    }
    return MemoryStore.prototype.get.call(disk, key);
  };
  const codes: unknown[] = [];
  const done = rewindDocument(stage.desk, name, 4).catch((error: unknown) => codes.push(error));
  for (let turns = 0; turns < 500 || !isAdded; turns += 1) await new Promise(setImmediate);
  await stage.settle();
  t.equal(await done, 18);
  t.same([...codes, ...stage.fatal], []);
  t.equal(stage.residentOf(viewer)?.state['count'], 2);
});
