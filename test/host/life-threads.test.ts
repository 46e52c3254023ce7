// What documents do by themselves, in threads: what does not end is over, written, and not run again.
import type { Test } from 'tap';
import t from 'tap';
import { threadHeapMbMax } from '../../engine/base/limits.ts';
import { MemoryStore } from '../contract/memory-store.ts';
import type { ViewerStage } from './desk-stage.ts';
import { DeskStage } from './desk-stage.ts';
import type { Pool } from './pool.ts';
import { poolOf } from './pool.ts';

const as = (agent: string) => ({ agent, authority: 'test' });

async function stageOf(t: Test): Promise<{ readonly stage: DeskStage; readonly pool: Pool }> {
  let nowMs = (): number => 0;
  const pool = await poolOf(t, 1, threadHeapMbMax, { nowMs: () => nowMs() });
  const stage = await DeskStage.of(new MemoryStore(), undefined, pool);
  nowMs = () => stage.clock.nowMs;
  return { stage, pool };
}

/** As somebody sees it who comes now and leaves no trace. */
async function logOf(stage: DeskStage, name: string): Promise<readonly string[]> {
  const late = await stage.come(name, '', as('late'));
  stage.desk.close(late.attached);
  return (late.view as { readonly log: string[] }).log.filter((line) => !line.endsWith('late'));
}

async function pass(stage: DeskStage, looks: number): Promise<void> {
  for (let look = 0; look < looks; look += 1) await stage.advance(3_000);
}

function heardOf(stage: DeskStage, viewer: ViewerStage): unknown[] {
  stage.listen(viewer);
  return viewer.heard.flatMap((one) => (one[0] === 4 ? [one[4]] : one[0] === 3 ? [one[4]] : []));
}

t.test('[D30] [D45] a timer that does not end is over, and what was due beside it runs', async (t) => {
  for (const text of ['spin', 'behind']) {
    const { stage, pool } = await stageOf(t);
    const viewer = await stage.come('alive/one');
    for (const one of [text, 'beside']) stage.send(viewer, { inMs: 1_000, text: one }, 'set');
    await stage.settle();
    const startMs = performance.now();
    await pass(stage, 4);
    t.ok(performance.now() - startMs < 15_000, 'a thread is not given longer than a handler has');
    t.same(
      pool.ended.filter((name) => name !== undefined),
      ['alive/one'],
      text,
    );
    t.same(await logOf(stage, 'alive/one'), ['+ada', 'beside']);
    t.same(stage.fatal, []);
  }
});

t.test('[D30] [D47] who cannot be told to have gone is gone, and nobody else with him', async (t) => {
  const { stage, pool } = await stageOf(t);
  const [trudy, bob] = [
    await stage.come('alive/one', 'new', as('trudy')),
    await stage.come('alive/one', '', as('bob')),
  ];
  stage.send(trudy, { inMs: 2_500, text: 'beside' }, 'set');
  await stage.settle();
  stage.desk.close(trudy.attached);
  await stage.advance(10_000);
  stage.desk.close(bob.attached);
  await pass(stage, 4);
  t.same(pool.ended, ['alive/one']);
  t.same(await logOf(stage, 'alive/one'), ['+trudy', '+bob', 'beside', '-bob']);
});

t.test('[D30] [D47] one that cannot begin, or let somebody in, refuses him', async (t) => {
  const { stage, pool } = await stageOf(t);
  const refused = [stage.open('alive/endless'), stage.open('alive/one', 'new', as('mallory'))];
  for (const viewer of refused) {
    await stage.settle();
    t.same(heardOf(stage, viewer), ['HANDLER_STOPPED']);
  }
  await pass(stage, 2);
  t.same(pool.ended, ['alive/endless', 'alive/one']);
  t.same(await logOf(stage, 'alive/one'), []);
});

t.test('[D30] [D48] what hears of an effect and does not end is over', async (t) => {
  const { stage, pool } = await stageOf(t);
  const viewer = await stage.come('alive/one');
  stage.send(viewer, { text: 'spin' }, 'note');
  await stage.settle();
  await pass(stage, 3);
  t.same(pool.ended, ['alive/one']);
  stage.desk.stop();
  await stage.start();
  await pass(stage, 3);
  t.same(pool.ended, ['alive/one'], 'it waits for nothing more');
});

t.test('[D30] [D49] a message of a document that does not end is refused, once', async (t) => {
  const { stage, pool } = await stageOf(t);
  const viewer = await stage.come('alive/one');
  await stage.come('alive/two', '', as('bob'));
  const asked = [
    ['alive/two', 'spin'],
    ['alive/two', 'endless'],
    ['alive/endless', 'hear'],
  ];
  for (const [to, channel] of asked) stage.send(viewer, { to, channel }, 'ask');
  await stage.settle();
  await pass(stage, 4);
  t.same(pool.ended.toSorted(), ['alive/endless', 'alive/two', 'alive/two']);
  const log = await logOf(stage, 'alive/one');
  t.same(log.toSorted(), ['+ada', 'alive/endless HANDLER_STOPPED', ...Array(2).fill('alive/two HANDLER_STOPPED')]);
});

t.test('[D47] who leaves while something else is asked, or before he is let in, is missed', async (t) => {
  const { stage } = await stageOf(t);
  const viewer = await stage.come('alive/one');
  // Nothing is before it then.
  await pass(stage, 1);
  stage.send(viewer, { count: 1 }, 'write');
  stage.desk.close(viewer.attached);
  await pass(stage, 1);
  const bob = await stage.come('alive/two', '', as('bob'));
  const brief = stage.open('alive/two', '', as('brief'));
  stage.desk.close(brief.attached);
  await stage.settle();
  await pass(stage, 1);
  stage.listen(bob);
  t.same(await logOf(stage, 'alive/one'), ['+ada', '-ada']);
  t.same((bob.view as { log: string[] }).log, ['+bob', '+brief', '-brief']);
});
