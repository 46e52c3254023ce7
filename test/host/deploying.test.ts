// Other code for documents that are in memory, viewed and written to: in the loop of their host, and in threads.
import { fileURLToPath } from 'node:url';
import type { Test } from 'tap';
import t from 'tap';
import { retryOf } from '../../engine/base/errors.ts';
import { decodeSection } from '../../engine/document/life/update.ts';
import { hashApplication } from '../../host/application.ts';
import { deleteDocument, listHistory, rewindDocument } from '../../host/history.ts';
import type { PoolCode } from '../../host/workers/document-pool.ts';
import { MemoryStore } from '../contract/memory-store.ts';
import application from './desk-app.ts';
import next from './desk-next.ts';
import type { ViewerStage } from './desk-stage.ts';
import { DeskStage } from './desk-stage.ts';
import { poolOf } from './pool.ts';

type Said = { said: string[]; count?: number };
type Make = (t: Test) => Promise<DeskStage>;

const bob = { agent: 'bob', authority: 'test' };
const apps = { application, next };
const files = { application: 'desk-app.js', next: 'desk-next.js' };

async function codeOf(which: keyof typeof apps): Promise<PoolCode> {
  const file = fileURLToPath(new URL(files[which], import.meta.url));
  return { app: apps[which], file, appHash: await hashApplication(file) };
}

async function deploy(stage: DeskStage, which: keyof typeof apps): Promise<number> {
  return await stage.deploy(await codeOf(which));
}

function say(stage: DeskStage, viewer: ViewerStage, ...texts: string[]): void {
  for (const text of texts) stage.send(viewer, { text }, 'say');
}

/** What came of each message, by its number: its answer, or a code. */
function outcomes({ heard }: ViewerStage): Record<number, unknown> {
  const found: Record<number, unknown> = {};
  for (const message of heard) {
    if (message[0] === 3) found[message[2]] = JSON.parse(message[4]);
    if (message[0] === 4) found[message[2]] = message[4];
  }
  return found;
}

const saidOf = ({ view }: ViewerStage): readonly string[] => (view as Said).said;

function inBoth(name: string, run: (t: Test, make: Make) => Promise<void>): void {
  t.test(`${name}, in the loop`, (t) => run(t, () => DeskStage.of(new MemoryStore())));
  t.test(`${name}, in threads`, (t) =>
    run(t, async (t) => DeskStage.of(new MemoryStore(), undefined, await poolOf(t, 2))),
  );
}

inBoth('[D42] viewers stay; each message is handled by the old or the new code, once', async (t, make) => {
  const stage = await make(t);
  const [one, two, other] = [
    await stage.come('bad/one'),
    await stage.come('bad/one', 'new', bob),
    await stage.come('bad/other'),
  ];
  const idle = await stage.come('bad/idle');
  stage.desk.close(idle.attached);
  say(stage, one, 'a', 'b');
  await stage.settle();
  const code = await codeOf('next');
  say(stage, one, 'c', 'd');
  say(stage, other, 'x');
  // None of this is committed, and in threads none of it is done.
  const deployed = stage.deploy(code);
  say(stage, two, 'e', 'f');
  t.equal(await deployed, 3);
  stage.send(one, { text: 'psst' }, 'whisper');
  await stage.settle();
  stage.listen(one, two, other);
  t.same(outcomes(one), { 1: 1, 2: 2, 3: 3, 4: 4, 5: -1 });
  t.same(Object.keys(outcomes(two)), ['1', '2']);
  const said = saidOf(one).map((text) => text.replace('!', ''));
  t.same(said.toSorted(), ['(psst)', 'a', 'b', 'c', 'd', 'e', 'f'], 'once each');
  t.same(saidOf(one).slice(0, 2), ['a', 'b'], 'what was committed, the old code did');
  t.same(two.view, one.view);
  t.equal((other.view as Said).count, 1);
  for (const viewer of [one, two, other]) {
    t.same(
      viewer.heard.filter(([kind]) => kind === 6 || (kind as number) === 7),
      [],
      'nobody is sent away',
    );
    t.equal(viewer.heard.filter(([kind]) => kind === 2).length, 2, 'and is shown it anew, once');
  }
  say(stage, two, 'g');
  await stage.settle();
  stage.listen(one, two);
  t.equal(saidOf(one).at(-1), 'g!', 'deltas go on');
  t.equal(stage.desk.residentCount, 2, 'what nobody viewed has left');
  t.same([stage.fatal, stage.failures], [[], []]);
});

inBoth('[D40] [D42] a migration is written once, before all else, and is there after a start', async (t, make) => {
  const stage = await make(t);
  const one = await stage.come('bad/one');
  say(stage, one, 'a');
  await stage.settle();
  await deploy(stage, 'next');
  await stage.settle();
  stage.listen(one);
  t.same(one.view, { said: ['a'], count: 1 });
  const page = await stage.during(listHistory(stage.desk, 'bad/one', 99, 99));
  t.match(page.lines, [
    { kind: 'migrate', seq: 4, to: 2, who: { agent: 'platform' } },
    { kind: 'send', seq: 3 },
    {},
    {},
  ]);
  stage.desk.stop();
  await stage.start();
  const back = await stage.come('bad/one', one.attached.session);
  t.same(back.view, { said: ['a'], count: 1 });
  await stage.fold();
  stage.desk.stop();
  await stage.start();
  t.same((await stage.come('bad/one', '')).view, { said: ['a'], count: 1 });
  t.equal(await stage.during(rewindDocument(stage.desk, 'bad/one', 3)), 5);
  const sections = stage.writtenOf('bad/one').flatMap(decodeSection);
  t.same(sections.filter(({ kind }) => kind === 'migrate').length, 1);
  t.same(
    (await stage.come('bad/one', '')).view,
    { said: ['a'], count: 1 },
    'a state of the old version is shown as the new one has it',
  );
  t.same(stage.fatal, []);
});

inBoth(
  '[D40] what the new code cannot bring to its version is refused, and told once; others go on',
  async (t, make) => {
    const stage = await make(t);
    const [well, spoiled] = [await stage.come('bad/well'), await stage.come('bad/spoiled')];
    stage.send(spoiled, { who: 'nobody' }, 'trap');
    await stage.settle();
    await deploy(stage, 'next');
    say(stage, well, 'a');
    await stage.settle();
    stage.listen(well, spoiled);
    t.match(spoiled.heard.at(-1), [4, spoiled.attached.view, 0, 0, 'MIGRATION_FAILED']);
    t.equal(retryOf('MIGRATION_FAILED'), 'later');
    t.same(well.view, { said: ['a!'], count: 1 });
    for (let times = 0; times < 2; times += 1) {
      const again = await stage.come('bad/spoiled');
      t.match(again.heard, [[4, again.attached.view, 0, 0, 'MIGRATION_FAILED', /step to version 2 failed: as told/]]);
    }
    t.match(stage.failures, [{ code: 'MIGRATION_FAILED', cause: { message: 'as told' } }]);
    await t.rejects(stage.during(rewindDocument(stage.desk, 'bad/spoiled', 2)), { code: 'MIGRATION_FAILED' });
    t.equal(stage.writtenOf('bad/spoiled').flatMap(decodeSection).length, 3, 'nothing was written');
    await deploy(stage, 'application');
    t.match((await stage.come('bad/spoiled')).view, { said: [] }, 'the code that made it serves it');
    await deploy(stage, 'next');
    t.match(await stage.during(deleteDocument(stage.desk, 'bad/spoiled')), { seq: 5 }, 'and it can be ended');
    t.match((await stage.come('bad/spoiled')).view, { said: [], count: 0 });
    t.same([stage.fatal, stage.unreadable], [[], []]);
  },
);

inBoth('[D40] what newer code made is refused by older, and waits for newer', async (t, make) => {
  const stage = await make(t);
  const old = await stage.come('bad/old');
  await deploy(stage, 'next');
  const one = await stage.come('bad/one');
  say(stage, one, 'a');
  await stage.settle();
  await deploy(stage, 'application');
  await stage.settle();
  stage.listen(one, old);
  t.match(one.heard.at(-1), [4, one.attached.view, 0, 0, 'DOCUMENT_NEWER']);
  t.match(old.heard.at(-1), [4, old.attached.view, 0, 0, 'DOCUMENT_NEWER']);
  t.equal(retryOf('DOCUMENT_NEWER'), 'later');
  const young = await stage.come('bad/young');
  say(stage, young, 'b');
  await stage.settle();
  stage.listen(young);
  t.same(saidOf(young), ['b'], 'others go on');
  await deploy(stage, 'next');
  t.same((await stage.come('bad/one', one.attached.session)).view, { said: ['a!'], count: 1 });
  t.same(stage.fatal, []);
});

inBoth('[D42] a space that is no more is refused', async (t, make) => {
  const stage = await make(t);
  const one = await stage.come('s/one');
  await deploy(stage, 'next');
  await stage.settle();
  const gone = await stage.come('closed/one');
  t.match(gone.heard, [[4, gone.attached.view, 0, 0, 'SPACE_UNKNOWN']]);
  stage.send(one, { steps: [{ do: 'text', value: 'x' }] });
  await stage.settle();
  stage.listen(one);
  t.match(one.view, { text: 'x' });
});

inBoth('[D40] [E9] on a full disk nothing is migrated; what needs none is read', async (t, make) => {
  const stage = await make(t);
  const [one, other] = [await stage.come('bad/one'), await stage.come('s/one')];
  await stage.settle();
  stage.full = 'as told';
  await deploy(stage, 'next');
  await stage.settle();
  stage.listen(one, other);
  t.match(one.heard.at(-1), [4, one.attached.view, 0, 0, 'ENGINE_FULL']);
  t.ok(other.view);
  stage.full = undefined;
  t.match((await stage.come('bad/one')).view, { count: 0 });
  t.same([stage.fatal, stage.failures], [[], []]);
});
