// A document that stops its thread again and again, through the door of a desk.
import t from 'tap';
import { retryOf } from '../../engine/base/errors.ts';
import { documentRestMs, documentStopsMax, documentStopsMs } from '../../engine/base/limits.ts';
import { deleteDocument, rewindDocument } from '../../host/history.ts';
import { Rests } from '../../host/workers/rests.ts';
import { MemoryStore } from '../contract/memory-store.ts';
import { DeskStage, type ViewerStage } from './desk-stage.ts';
import { poolOf } from './pool.ts';

const bob = { agent: 'bob', authority: 'test' };

type Said = { said: string[] };

function said(stage: DeskStage, viewer: ViewerStage, ...texts: string[]): void {
  for (const text of texts) stage.send(viewer, { text }, 'say');
}

t.test('[D33] [C15] a document that stops its thread again and again rests; its neighbours go on', async (t) => {
  const pool = await poolOf(t);
  const stage = await DeskStage.of(new MemoryStore(), undefined, pool);
  const [one, other] = [await stage.come('bad/one'), await stage.come('bad/one', 'new', bob)];
  const neighbour = await stage.come('bad/neighbour');
  for (let at = 1; at < documentStopsMax; at += 1) {
    stage.send(one, {}, 'exit');
    await stage.settle();
  }
  stage.listen(one, other, neighbour);
  t.same(pool.resting, []);
  said(stage, one, 'a');
  stage.send(one, {}, 'exit');
  said(stage, one, 'never to be seen');
  said(stage, other, 'b');
  const coming = stage.open('bad/one', 'new', { agent: 'cy', authority: 'test' });
  said(stage, neighbour, 'x');
  await stage.settle();
  stage.listen(one, other, coming, neighbour);
  t.same(pool.resting, ['bad/one']);
  for (const viewer of [one, other, coming]) {
    t.match(viewer.heard.at(-1), [4, viewer.attached.view, 0, 0, 'DOCUMENT_RESTS'], 'all are sent away');
  }
  t.equal(retryOf('DOCUMENT_RESTS'), 'later', 'and a proxy comes back with them');
  t.same((neighbour.view as Said).said, ['x']);
  t.equal(stage.failures.length, documentStopsMax, 'its log is told each time');
  const ends = pool.ended.length;
  const refused = stage.open('bad/one', one.attached.session);
  await stage.settle();
  stage.listen(refused);
  t.match(refused.heard, [[4, refused.attached.view, 0, 0, 'DOCUMENT_RESTS']]);
  pool.clock.ms += documentRestMs;
  const back = await stage.come('bad/one', one.attached.session);
  back.n = documentStopsMax;
  stage.send(back, {}, 'exit');
  said(stage, back, 'b');
  await stage.settle();
  stage.listen(back);
  t.same((back.view as Said).said, ['a', 'b']);
  t.match(
    back.heard.filter((message) => message[0] === 4),
    [[4, back.attached.view, documentStopsMax + 1, 3 + documentStopsMax + 1, 'HANDLER_STOPPED']],
    'a repeat of what was blamed stops no thread',
  );
  t.equal(pool.ended.length, ends);
  t.same(stage.fatal, []);
});

t.test('[D33] whoever runs the cluster may put right what a document does, also while it rests', async (t) => {
  const pool = await poolOf(t);
  const stage = await DeskStage.of(new MemoryStore(), undefined, pool);
  const viewer = await stage.come('bad/one');
  said(stage, viewer, 'a');
  for (let at = 0; at < documentStopsMax; at += 1) {
    stage.send(viewer, {}, 'exit');
    await stage.settle();
  }
  t.same(pool.resting, ['bad/one']);
  t.equal(await stage.during(rewindDocument(stage.desk, 'bad/one', 2)), 4 + documentStopsMax);
  await stage.during(deleteDocument(stage.desk, 'bad/one'));
  pool.clock.ms += documentRestMs;
  const late = await stage.come('bad/one');
  t.same((late.view as Said).said, []);
});

t.test('[D33] stops are forgotten with time, and one more behind a rest is one too many', async (t) => {
  let nowMs = 0;
  const rests = new Rests(() => nowMs);
  const note = (name: string): boolean => {
    rests.note(name);
    return rests.has(name);
  };
  t.same([note('a'), note('b'), note('a'), note('a')], [false, false, false, true]);
  nowMs += documentRestMs;
  t.same([rests.has('a'), note('a'), note('b')], [false, true, false]);
  nowMs += documentStopsMs;
  t.same([rests.has('a'), note('a'), note('b')], [false, false, false]);
});
