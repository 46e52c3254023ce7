// Documents in threads: what goes on when one of them does not end, dies, or is not wanted any more.
import t from 'tap';
import { documentName } from '../../engine/base/ids.ts';
import { deleteDocument } from '../../host/history.ts';
import { MemoryStore } from '../contract/memory-store.ts';
import { DeskStage, type ViewerStage } from './desk-stage.ts';
import type { Pool } from './pool.ts';
import { nothingStored, poolOf } from './pool.ts';

const bob = { agent: 'bob', authority: 'test' };

type Said = { said: string[] };

const stageOf = (pool: Pool): Promise<DeskStage> => DeskStage.of(new MemoryStore(), undefined, pool);

function say(stage: DeskStage, viewer: ViewerStage, ...texts: string[]): void {
  for (const text of texts) stage.send(viewer, { text }, 'say');
}

/** What came of each message, by its number: the seq of its answer, or a code. */
function outcomes({ heard }: ViewerStage): Record<number, unknown> {
  const found: Record<number, unknown> = {};
  for (const message of heard) {
    if (message[0] === 3) found[message[2]] = JSON.parse(message[4]);
    if (message[0] === 4) found[message[2]] = message[4];
  }
  return found;
}

/** What a document has said, as somebody sees who comes now. */
async function saidIn(stage: DeskStage, name: string): Promise<string[]> {
  const late = await stage.come(name, '', { agent: 'late', authority: 'test' });
  const { said } = late.view as Said;
  stage.desk.close(late.attached);
  return said;
}

t.test('[D30] a handler that does not end is refused, once and for all; all others go on', async (t) => {
  const pool = await poolOf(t, 2);
  const stage = await stageOf(pool);
  const [one, other] = [await stage.come('bad/one'), await stage.come('bad/one', 'new', bob)];
  // There are two threads: every second document is at that of the first.
  const neighbours = [await stage.come('bad/elsewhere'), await stage.come('bad/beside'), await stage.come('bad/far')];
  say(stage, one, 'a', 'b');
  for (const neighbour of neighbours) say(stage, neighbour, 'x');
  await stage.settle();
  say(stage, other, 'c');
  stage.send(one, {}, 'spin');
  say(stage, other, 'd', 'e');
  for (const neighbour of neighbours) say(stage, neighbour, 'y', 'z');
  await stage.settle();
  stage.listen(one, other, ...neighbours);
  t.same(pool.ended, ['bad/one'], 'one thread was ended');
  t.same(outcomes(one), { 1: 1, 2: 2, 3: 'HANDLER_STOPPED' });
  t.same(outcomes(other), { 1: 3, 2: 4, 3: 5 });
  for (const viewer of [one, other]) t.same((viewer.view as Said).said, ['a', 'b', 'c', 'd', 'e'], 'a view goes on');
  for (const neighbour of neighbours) {
    t.same(outcomes(neighbour), { 1: 1, 2: 2, 3: 3 });
    t.same((neighbour.view as Said).said, ['x', 'y', 'z']);
  }
  t.match(stage.failures, [{ code: 'HANDLER_STOPPED' }], 'the log of the application is told');
  const { attached } = one;
  const again = { n: 3, done: 0, channel: 'spin', message: {} };
  stage.desk.send(attached, again);
  await stage.settle();
  stage.listen(one);
  t.match(one.heard.at(-1), [4, attached.view, 3, 7, 'HANDLER_STOPPED'], 'a repeat gets that, and runs nothing');
  stage.desk.stop();
  await stage.start();
  const back = await stage.come('bad/one', attached.session);
  stage.desk.send(back.attached, again);
  await stage.settle();
  stage.listen(back);
  t.match(back.heard.at(-1), [4, back.attached.view, 3, 7, 'HANDLER_STOPPED'], 'it is in the log');
  t.same((back.view as Said).said, ['a', 'b', 'c', 'd', 'e']);
  t.same(pool.ended, ['bad/one']);
});

t.test('[D30] a policy that does not end refuses who asks for it; who is there stays', async (t) => {
  const pool = await poolOf(t);
  const stage = await stageOf(pool);
  const viewer = await stage.come('bad/one');
  stage.send(viewer, { who: 'bob' }, 'trap');
  await stage.settle();
  const caught = stage.open('bad/one', 'new', bob);
  say(stage, viewer, 'a');
  await stage.settle();
  stage.listen(caught, viewer);
  t.match(caught.heard, [[4, caught.attached.view, 0, 0, 'HANDLER_STOPPED']]);
  t.same(outcomes(viewer), { 1: null, 2: 1 });
  t.same((viewer.view as Said).said, ['a']);
  // One that would catch somebody who is there is refused, and catches nobody.
  stage.send(viewer, { who: 'ada' }, 'trap');
  say(stage, viewer, 'b');
  await stage.settle();
  stage.listen(viewer);
  t.same(outcomes(viewer), { 1: null, 2: 1, 3: 'HANDLER_STOPPED', 4: 2 });
  t.same(stage.fatal, []);
});

t.test('[D30] a thread that is killed loses nothing that was answered, and applies nothing twice', async (t) => {
  const pool = await poolOf(t);
  const stage = await stageOf(pool);
  const names = ['bad/a', 'bad/b', 'bad/c'];
  const viewers: ViewerStage[] = [];
  for (const name of names) viewers.push(await stage.come(name), await stage.come(name, 'new', bob));
  let number = 0;
  const next = (viewer: ViewerStage): void => {
    number += 1;
    say(stage, viewer, `${number}`);
  };
  for (let round = 0; round < 8; round += 1) {
    // A thread that dies before it has done anything would end the host.
    for (const viewer of viewers) next(viewer);
    await stage.settle();
    for (let at = 0; at < 5; at += 1) for (const viewer of viewers) next(viewer);
    // What is asked is given to the thread in a microtask: it is killed before, while and after it works.
    for (let turns = 0; turns < round; turns += 1) await new Promise(setImmediate);
    if (round % 3 === 2) await stage.turn();
    void pool.threads[0]?.[0]?.terminate();
  }
  await stage.settle();
  stage.listen(...viewers);
  t.ok(pool.ended.length > 1, `${pool.ended.length} threads ended`);
  const stopped = viewers.flatMap((viewer) =>
    Object.values(outcomes(viewer)).filter((code) => typeof code === 'string'),
  );
  t.ok(stopped.every((code) => code === 'HANDLER_STOPPED') && stopped.length <= pool.ended.length, `${stopped}`);
  for (const [at, name] of names.entries()) {
    const both = viewers.slice(2 * at, 2 * at + 2);
    const answers = both.flatMap((viewer) => Object.values(outcomes(viewer)));
    t.equal(answers.length, 2 * 8 * 6, 'each is answered');
    const said = await saidIn(stage, name);
    t.equal(said.length, answers.filter((answer) => typeof answer === 'number').length, 'and applied once');
    t.same(
      said,
      [...said].sort((a, b) => Number(a) - Number(b)),
      'in order',
    );
    for (const viewer of both) t.same((viewer.view as Said).said, said);
  }
  t.same(stage.fatal, []);
});

t.test(
  '[C18] [D30] what is on its way to the disk when a thread dies is read from there, not done again',
  async (t) => {
    const pool = await poolOf(t);
    const stage = await stageOf(pool);
    const viewer = await stage.come('bad/one');
    const before = viewer.heard.length;
    say(stage, viewer, 'a', 'b');
    while (pool.isAsked) await pool.next();
    await pool.threads[0]?.[0]?.terminate();
    say(stage, viewer, 'c');
    for (let turns = 0; turns < 100; turns += 1) await new Promise(setImmediate);
    stage.listen(viewer);
    t.equal(viewer.heard.length, before, 'nothing leaves');
    await stage.settle();
    stage.listen(viewer);
    t.same(outcomes(viewer), { 1: 1, 2: 2, 3: 3 });
    t.same((viewer.view as Said).said, ['a', 'b', 'c']);
    t.same([pool.ended, stage.fatal], [[undefined], []]);
  },
);

t.test('[D30] a handler that ends its thread is refused, and one of a thread that is idle costs nothing', async (t) => {
  const pool = await poolOf(t);
  const stage = await stageOf(pool);
  const viewer = await stage.come('bad/one');
  say(stage, viewer, 'a');
  stage.send(viewer, {}, 'exit');
  say(stage, viewer, 'b');
  await stage.settle();
  await pool.threads[0]?.[0]?.terminate();
  say(stage, viewer, 'c');
  await stage.settle();
  stage.listen(viewer);
  t.same(outcomes(viewer), { 1: 1, 2: 'HANDLER_STOPPED', 3: 2, 4: 3 });
  t.same((viewer.view as Said).said, ['a', 'b', 'c']);
  t.same(pool.ended, ['bad/one', undefined]);
});

t.test('[D29] what is asked of a document is done in order, whatever else is asked', async (t) => {
  const pool = await poolOf(t, 2);
  const stage = await stageOf(pool);
  const names = ['bad/a', 'bad/b', 'bad/c', 'bad/d'];
  const viewers: ViewerStage[] = [];
  for (const name of names) viewers.push(await stage.come(name), await stage.come(name, 'new', bob));
  const sent = new Map<string, string[]>(names.map((name) => [name, []]));
  for (let round = 0; round < 15; round += 1) {
    for (const [index, viewer] of viewers.entries()) {
      const text = `${round} ${index}`;
      for (let at = 0; at < 20; at += 1) {
        say(stage, viewer, `${text} ${at}`);
        sent.get(viewer.attached.name)?.push(`${text} ${at}`);
      }
    }
    await stage.turn();
  }
  await stage.settle();
  stage.listen(...viewers);
  for (const viewer of viewers) {
    const answers = viewer.heard.filter((message) => message[0] === 3).map((message) => message[2]);
    t.same(
      answers,
      Array.from({ length: 300 }, (_, index) => index + 1),
    );
    t.same((viewer.view as Said).said, sent.get(viewer.attached.name));
  }
});

t.test('[D20] [D29] who opens right behind a delete sees nothing of what was deleted', async (t) => {
  const pool = await poolOf(t);
  const stage = await stageOf(pool);
  const viewer = await stage.come('bad/one');
  say(stage, viewer, 'a');
  await stage.settle();
  // What a kind is shown is kept until the next update.
  await stage.come('bad/one', '', { agent: 'cy', authority: 'test' });
  const done = deleteDocument(stage.desk, 'bad/one');
  const late = stage.open('bad/one', 'new', bob);
  say(stage, viewer, 'b');
  t.match(await stage.during(done), { seq: 4 });
  await stage.settle();
  stage.listen(viewer, late);
  t.same((late.view as Said).said, []);
  t.match(viewer.heard.at(-1), [4, viewer.attached.view, 0, 0, 'DOCUMENT_DELETED']);
});

t.test('[D29] [C18] nothing of a desk that has stopped leaves, nor comes back', async (t) => {
  const pool = await poolOf(t);
  const stage = await stageOf(pool);
  const viewer = await stage.come('bad/one');
  say(stage, viewer, 'a');
  await stage.settle();
  stage.listen(viewer);
  const before = viewer.heard.length;
  say(stage, viewer, 'b');
  // It is with the thread now.
  await Promise.resolve();
  stage.open('bad/other');
  const { desk } = stage;
  desk.stop();
  // What is asked last of a thread is done last.
  const last = pool.begin(documentName('bad/last').name, () => t.fail('it is there'));
  await new Promise((resolve) => last.ask({ kind: 'load', returnByMs: 0, stored: nothingStored }, resolve));
  t.equal(desk.queue.hasUpdates, false);
  stage.listen(viewer);
  t.match(viewer.heard.slice(before), [[6, viewer.attached.view, 'CHAIN_NOT_SERVING']]);
  t.same([desk.residentCount, stage.memory.documents], [0, 0]);
  await stage.start();
  t.same(await saidIn(stage, 'bad/one'), ['a']);
  t.same(stage.fatal, []);
});

t.test(
  '[C15] [D29] who sends while a view is opened waits for it, and is not heard where it takes his session',
  async (t) => {
    const pool = await poolOf(t);
    const stage = await stageOf(pool);
    const first = await stage.come('bad/one');
    say(stage, first, 'a');
    await stage.settle();
    const second = stage.open('bad/one', first.attached.session);
    say(stage, first, 'of the past');
    second.n = 1;
    say(stage, second, 'b', 'c');
    await stage.settle();
    stage.listen(first, second);
    t.match(first.heard.at(-1), [6, first.attached.view, 'SESSION_EXPIRED']);
    t.same(outcomes(second), { 2: 2, 3: 3 });
    t.same((second.view as Said).said, ['a', 'b', 'c']);
    const gone = stage.open('bad/one', 'new', bob);
    stage.desk.close(gone.attached);
    await stage.settle();
    stage.listen(gone);
    t.same(gone.heard, [], 'who leaves before he is there hears nothing');
    for (const { attached } of [first, second]) stage.desk.close(attached);
    t.same(await saidIn(stage, 'bad/one'), ['a', 'b', 'c']);
  },
);

t.test("[D29] the application's log is told the same of a thread", async (t) => {
  const pool = await poolOf(t);
  const stage = await stageOf(pool);
  const viewer = await stage.come('bad/one');
  stage.send(viewer, {}, 'throw');
  stage.send(viewer, {}, 'stray');
  await stage.settle();
  say(stage, viewer, 'a');
  await stage.settle();
  stage.listen(viewer);
  t.same(outcomes(viewer), { 1: 'HANDLER_FAILED', 2: null, 3: 1 });
  t.match(stage.failures, [{ name: 'TypeError', message: 'as told', cause: 'by a test', stack: /desk-app/ }]);
  t.match(pool.strays, [{ message: 'nobody waits for this' }]);
  t.ok(stage.failures[0] instanceof Error);
});

t.test('[D30] [D43] a check that does not end stops nobody else, and is not asked again', async (t) => {
  const pool = await poolOf(t);
  const stage = await stageOf(pool);
  const one = await stage.come('party/one');
  const other = await stage.come('party/one', 'new', bob);
  stage.send(one, { guests: ['ada', 'bob'] }, 'invite');
  stage.show(other, 'secret', 'word');
  await stage.settle();
  stage.show(one, 'secret', 'spin');
  await stage.settle();
  stage.listen(one, other);
  t.same(pool.ended, ['party/one']);
  t.match(stage.failures, [{ code: 'HANDLER_STOPPED' }]);
  t.equal(other.heard.at(-1)?.[0], 2, 'a view anew, and nothing shown behind it');
  stage.send(other, { guests: ['bob'] }, 'invite');
  stage.show(other, 'secret', 'again');
  await stage.settle();
  stage.listen(one, other);
  t.match(other.heard.at(-1)?.[3], /"again"/);
  t.notMatch(one.heard.at(-1)?.[3], /"again"/, 'who is no guest any more does not see it');
  t.same(pool.ended, ['party/one']);
});
