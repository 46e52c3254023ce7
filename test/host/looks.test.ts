// What views look at, at the desk of their document.
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import type { Test } from 'tap';
import t from 'tap';
import { threadHeapMbMax } from '../../engine/base/limits.ts';
import type { App, Principal } from '../../engine/document/define.ts';
import { hashApplication } from '../../host/application.ts';
import type { PoolCode } from '../../host/workers/document-pool.ts';
import type { ToProxy } from '../../proxy/link-wire.ts';
import { MemoryStore } from '../contract/memory-store.ts';
import application from './desk-app.ts';
import next from './desk-next.ts';
import { ada, DeskStage, type ViewerStage } from './desk-stage.ts';
import { poolOf } from './pool.ts';

const bob: Principal = { agent: 'bob', authority: 'test' };
const name = 'pages/one';

type Make = (t: Test) => Promise<DeskStage>;

/** In the loop of a host, and in threads that go by the clock of the stage that was made last. */
function inBoth(name: string, run: (t: Test, make: Make) => Promise<void>): void {
  t.test(`${name}, in the loop`, (t) => run(t, () => DeskStage.of(new MemoryStore())));
  t.test(`${name}, in threads`, async (t) => {
    let nowMs = (): number => 0;
    const pool = await poolOf(t, 2, threadHeapMbMax, { nowMs: () => nowMs() });
    await run(t, async () => {
      const stage = await DeskStage.of(new MemoryStore(), undefined, pool);
      nowMs = () => stage.clock.nowMs;
      return stage;
    });
  });
}

async function codeOf(app: App, file: string): Promise<PoolCode> {
  const path = fileURLToPath(new URL(file, import.meta.url));
  return { app, file: path, appHash: await hashApplication(path) };
}

/** What came since this was asked last: kinds, with what a delta for one view says, or what was refused. */
function news(stage: DeskStage, ...viewers: readonly ViewerStage[]): unknown[][] {
  stage.listen(...viewers);
  return viewers.map(({ heard }) =>
    heard.splice(0).map((message: ToProxy): unknown => {
      if (message[0] === 9) return JSON.parse(message[4] || '{}');
      if (message[0] === 12) return [message[2], message[3]];
      return message[0];
    }),
  );
}

const shownTo = ({ view }: ViewerStage): unknown => (view as { shown?: string } | undefined)?.shown;

async function tabs(stage: DeskStage, ...states: unknown[]): Promise<ViewerStage[]> {
  const viewers = states.map((state) => stage.open(name, 'new', ada, undefined, state));
  await stage.settle();
  news(stage, ...viewers);
  return viewers;
}

inBoth('[D52] a view is opened by what it looks at, and looks elsewhere by itself', async (t, make) => {
  const stage = await make(t);
  const [one, other] = (await tabs(stage, undefined, { page: 3 })) as [ViewerStage, ViewerStage];
  t.same([one, other].map(shownTo), ['0 of 0', '3 of 0']);
  stage.look(one, 1, { page: 3 });
  await stage.settle();
  t.same(news(stage, one, other), [[{ shown: '3 of 0' }], []]);
  stage.send(one, {}, 'add');
  stage.look(other, 1, { page: 4 });
  await stage.settle();
  t.same(news(stage, one, other), [
    [3, { shown: '3 of 1' }],
    [{ shown: '3 of 1' }, { shown: '4 of 1' }],
  ]);
  stage.look(other, 2, { page: 4 });
  await stage.settle();
  t.same(news(stage, one, other), [[], []], 'the same again is nothing');
  const late = stage.open(name, '', bob, one.attached.front);
  await stage.settle();
  stage.look(late, 1, { page: 7 });
  await stage.settle();
  t.same(news(stage, one), [[5, 2, { shown: '7 of 1' }]], 'that bob came; and what is for his view, on the same link');
  t.same(stage.fatal, []);
});

inBoth('[D52] [C18] what it is shown leaves when what it has seen is committed, in order', async (t, make) => {
  const stage = await make(t);
  const [one] = (await tabs(stage, { page: 1 })) as [ViewerStage];
  stage.send(one, {}, 'add');
  stage.look(one, 1, { page: 2 });
  await stage.made();
  t.same(news(stage, one), [[]]);
  stage.send(one, {}, 'add');
  await stage.settle();
  t.same(news(stage, one), [[3, { shown: '1 of 1' }, { shown: '2 of 1' }, 3, { shown: '2 of 2' }]]);
});

inBoth('[D52] of what one view says faster than it is told, the newest counts', async (t, make) => {
  const stage = await make(t);
  const [one] = (await tabs(stage, undefined)) as [ViewerStage];
  for (let n = 1; n <= 90; n += 1) stage.look(one, n, { page: (n % 7) + 1 });
  await stage.settle();
  t.same(news(stage, one), [[{ shown: '2 of 0' }, { shown: '7 of 0' }]]);
});

inBoth('[D52] what is no state is refused under its number, and the view goes on as it was', async (t, make) => {
  const stage = await make(t);
  const [one, other] = (await tabs(stage, { page: 2 }, undefined)) as [ViewerStage, ViewerStage];
  stage.look(one, 7, { page: 'far' });
  await stage.settle();
  t.same(news(stage, one), [[[7, 'MESSAGE_INVALID']]]);
  const bad = stage.open(name, '', bob, undefined, { page: 10 });
  const plain = stage.open('s/one', '', bob, undefined, { page: 1 });
  await stage.settle();
  t.same(news(stage, bad, plain), Array(2).fill([2, [0, 'MESSAGE_INVALID']]));
  t.equal(shownTo(bad), '0 of 0');
  stage.send(other, {}, 'add');
  await stage.settle();
  stage.listen(one, bad);
  t.same([one, bad].map(shownTo), ['2 of 1', '0 of 1']);
  stage.look(one, 8, { page: 9 });
  await stage.settle();
  stage.listen(one);
  t.match(one.heard.at(-1), [4, one.attached.view, 0, 0, 'DOCUMENT_TOO_BIG'], 'what no link carries');
  stage.send(other, {}, 'add');
  await stage.settle();
  stage.listen(other);
  t.equal(shownTo(other), '0 of 2', 'and others go on');
});

inBoth(
  '[D52] [D42] it stays where the document is read again, and falls back where other code takes it no more',
  async (t, make) => {
    const stage = await make(t);
    const before = await codeOf(application, 'desk-app.js');
    const viewers = await tabs(stage, { page: 2 }, { page: 5 }, undefined);
    const [one, other, third] = viewers as [ViewerStage, ViewerStage, ViewerStage];
    stage.look(one, 1, { page: 3 });
    await stage.settle();
    news(stage, ...viewers);
    stage.look(other, 1, { page: 6 });
    await stage.deploy(before);
    await stage.settle();
    stage.listen(...viewers);
    t.same(viewers.map(shownTo), ['3 of 0', '6 of 0', '0 of 0']);
    news(stage, ...viewers);
    await stage.deploy(await codeOf(next, 'desk-next.js'));
    await stage.settle();
    t.same(news(stage, ...viewers), [[2], [2, [1, 'MESSAGE_INVALID']], [2]]);
    t.same(viewers.map(shownTo), ['3 of 0!', '1 of 0!', '1 of 0!']);
    stage.look(other, 2, { page: 2 });
    stage.look(third, 1, { page: 2 });
    await stage.settle();
    stage.listen(...viewers);
    t.same(viewers.map(shownTo), ['3 of 0!', '2 of 0!', '2 of 0!']);
    await stage.deploy(before);
    await stage.settle();
    t.same([stage.fatal, stage.failures], [[], []]);
  },
);

inBoth('[D52] [D47] who looks elsewhere has not left; a view that is closed meanwhile is', async (t, make) => {
  const stage = await make(t);
  const [watch] = [await stage.come(name, 'new', bob)];
  for (const isLast of [false, true]) {
    const [one, other] = (await tabs(stage, { page: 1 }, { page: 1 })) as [ViewerStage, ViewerStage];
    if (isLast) stage.desk.close(other.attached);
    stage.look(one, 1, { page: 2 });
    stage.desk.close(one.attached);
    await stage.settle();
    stage.send(watch, {}, 'add');
    await stage.settle();
    news(stage, one);
    stage.listen(other, watch);
    if (!isLast) t.equal(shownTo(other), '1 of 1', 'the other is told all the same');
    await stage.advance(3_000);
    stage.listen(watch);
    const { log } = watch.view as { log: string[] };
    t.same(log, isLast ? ['+bob', '+ada', '-ada', '+ada', '-ada'] : ['+bob', '+ada']);
    stage.desk.close(other.attached);
    await stage.advance(3_000);
  }
  t.same(stage.fatal, []);
});

inBoth('[D52] [D20] who looks at what has ended hears that', async (t, make) => {
  const stage = await make(t);
  const [one, other] = (await tabs(stage, undefined, undefined)) as [ViewerStage, ViewerStage];
  stage.send(one, {}, '@delete');
  stage.look(other, 1, { page: 2 });
  await stage.settle();
  stage.listen(one, other);
  t.match(other.heard.at(-1), [4, other.attached.view, 0, 0, 'DOCUMENT_DELETED']);
  t.equal(shownTo(await stage.come(name)), '0 of 0');
  t.same(stage.fatal, []);
});

inBoth('[D52] [D4] what is lost on its way is asked of the view that said it, and of no other', async (t, make) => {
  const stage = await make(t);
  // Numbers of viewers begin anew: the second is then the third of now.
  const [first, one, other] = (await tabs(stage, { page: 1 }, { page: 2 }, { page: 3 })) as ViewerStage[];
  if (first === undefined || one === undefined || other === undefined) throw new Error('three come');
  stage.desk.close(first.attached);
  stage.look(one, 1, { page: 4 });
  await stage.deploy(await codeOf(application, 'desk-app.js'));
  stage.send(other, {}, 'add');
  await stage.settle();
  stage.listen(one, other);
  t.same([one, other].map(shownTo), ['4 of 1', '3 of 1']);
  t.same(stage.fatal, []);
});

t.test('[D52] [D30] a bubble that does not end over what a view looks at stops that, and nobody else', async (t) => {
  const pool = await poolOf(t);
  const stage = await DeskStage.of(new MemoryStore(), undefined, pool);
  const [one, other] = (await tabs(stage, { page: 1 }, { page: 2 })) as [ViewerStage, ViewerStage];
  stage.look(one, 3, { page: -1 });
  stage.look(other, 1, { page: 4 });
  stage.send(other, {}, 'add');
  await stage.settle();
  t.match(news(stage, one), [[[3, 'HANDLER_STOPPED'], 2]]);
  stage.listen(other);
  t.same([one, other].map(shownTo), ['1 of 1', '4 of 1']);
  t.equal(pool.ended.length, 1);
  t.same(stage.fatal, []);
});

const page = fc.integer({ min: -9, max: 12 }).filter((one) => one !== 9 && one !== -1);
const act = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('look' as const), at: fc.nat(9), page }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('add' as const), at: fc.nat(9) }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('come' as const), page: fc.option(fc.integer({ min: 0, max: 8 })) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('close' as const), at: fc.nat(9) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('deploy' as const) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('settle' as const, 'made' as const, 'turn' as const) }) },
);
type Act = typeof act extends fc.Arbitrary<infer One> ? One : never;
type Place = { readonly viewer: ViewerStage; page: number };

/** Views that come, look about and go, on a document that changes and is lost. */
class Crowd {
  readonly stage: DeskStage;
  readonly views: Place[] = [];
  readonly counts: Record<string, number>;
  readonly #code: PoolCode;
  #said = 0;

  constructor(stage: DeskStage, code: PoolCode, counts: Record<string, number>) {
    this.stage = stage;
    this.#code = code;
    this.counts = counts;
    for (const page of [null, 1, 1]) this.come(page);
  }

  come(page: number | null): void {
    const who = this.views.length % 3 === 0 ? bob : ada;
    const viewer = this.stage.open(name, 'new', who, undefined, page === null ? undefined : { page });
    this.views.push({ viewer, page: page ?? 0 });
  }

  async do(one: Act): Promise<void> {
    const { stage } = this;
    const view = 'at' in one ? this.views[one.at % Math.max(1, this.views.length)] : undefined;
    this.counts[one.do] = (this.counts[one.do] ?? 0) + 1;
    if (one.do === 'come') this.come(one.page);
    else if (one.do === 'deploy') await stage.deploy(this.#code);
    else if (one.do === 'settle' || one.do === 'turn' || one.do === 'made') await stage[one.do]();
    else if (view === undefined) return;
    else if (one.do === 'add') stage.send(view.viewer, {}, 'add');
    else if (one.do === 'look') await this.#look(view, one.page);
    else {
      stage.desk.close(view.viewer.attached);
      this.views.splice(this.views.indexOf(view), 1);
    }
  }

  async #look(view: Place, page: number): Promise<void> {
    this.#said += 1;
    // What is refused counts for nothing, but what it takes the place of is not looked at either.
    if (page > 9) await this.stage.settle();
    else view.page = page;
    this.stage.look(view.viewer, this.#said, { page });
    if (page > 9) this.counts['refused'] = (this.counts['refused'] ?? 0) + 1;
  }

  async end(): Promise<void> {
    const { stage } = this;
    await stage.settle();
    const late = await stage.come(name, '');
    const count = String(shownTo(late)).split(' of ')[1];
    for (const { viewer, page } of this.views) {
      stage.listen(viewer);
      const told = viewer.heard.filter(([kind]) => kind === 9).length;
      this.counts['told'] = (this.counts['told'] ?? 0) + told;
      if (shownTo(viewer) !== `${page} of ${count}`) throw new Error(`${shownTo(viewer)}, and not ${page} of ${count}`);
    }
    for (const { viewer } of [...this.views, { viewer: late }]) stage.desk.close(viewer.attached);
    // Behind the time in which whoever was there may come back.
    await stage.advance(15_000);
    const { log } = (await stage.come(name, '', { agent: 'eve', authority: 'test' })).view as { log: string[] };
    for (const who of ['ada', 'bob']) {
      const ofHim = log.filter((line) => line.endsWith(who)).map((line) => line[0]);
      const isWrong = ofHim.some((sign, at) => sign !== '+-'[at % 2]) || ofHim.at(-1) === '+';
      if (isWrong) throw new Error(`${who} ${ofHim.join('')}`);
    }
    stage.desk.stop();
    if (stage.fatal.length > 0) throw stage.fatal[0];
  }
}

inBoth('[D52] [D5] [D29] whatever comes between, each view ends where it looked last', async (t, make) => {
  const code = await codeOf(application, 'desk-app.js');
  const counts: Record<string, number> = { look: 0, refused: 0, close: 0, deploy: 0, told: 0 };
  await fc.assert(
    fc.asyncProperty(fc.array(act, { minLength: 4, maxLength: 24 }), async (acts) => {
      const crowd = new Crowd(await make(t), code, counts);
      for (const one of acts) await crowd.do(one);
      await crowd.end();
    }),
    { numRuns: 40 },
  );
  t.ok(
    Object.values(counts).every((count) => count >= 4),
    `it did something: ${JSON.stringify(counts)}`,
  );
});
