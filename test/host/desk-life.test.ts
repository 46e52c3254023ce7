// What documents do by themselves, at a desk: woken in time, also when they have left memory or another host heads their chain; what they ask for
// is carried out when it is committed, and not before.
import t from 'tap';
import { Memory } from '../../host/memory.ts';
import { Wakes } from '../../host/wakes.ts';
import { MemoryStore, settled } from '../contract/memory-store.ts';
import { effects } from './desk-app.ts';
import { DeskStage, type ViewerStage } from './desk-stage.ts';

const bob = { agent: 'bob', authority: 'test' };

type Seen = { readonly log: string[]; readonly count: number };

function logOf(stage: DeskStage, viewer: ViewerStage): readonly string[] {
  stage.listen(viewer);
  return (viewer.view as Seen).log;
}

async function restart(stage: DeskStage): Promise<void> {
  stage.desk.stop();
  await stage.start();
}

t.test('[D45] a timer runs at its time, whoever heads the chain by then, and once', async (t) => {
  const stage = await DeskStage.of(new MemoryStore());
  const viewer = await stage.come('alive/one');
  stage.send(viewer, { inMs: 1_000, text: 'first' }, 'set');
  stage.send(viewer, { inMs: 60_000, text: 'second' }, 'set');
  await stage.settle();
  await stage.advance(900);
  t.same(logOf(stage, viewer), ['+ada']);
  await stage.advance(200);
  t.same(logOf(stage, viewer), ['+ada', 'first']);
  await restart(stage);
  // Nobody opens it: the desk finds it in the log.
  await stage.advance(60_000);
  t.equal(stage.desk.residentCount, 1);
  await stage.advance(10_000);
  const late = await stage.come('alive/one', '', bob);
  t.same(logOf(stage, late), ['+ada', 'first', 'second', '-ada', '+bob'], 'who was there is missed too');
  await stage.fold();
  await restart(stage);
  for (let looks = 0; looks < 3; looks += 1) await stage.advance(600_000);
  const again = await stage.come('alive/one', '', bob);
  t.same(logOf(stage, again).slice(3), ['-ada', '+bob', '-bob', '+bob']);
  t.same(stage.fatal, []);
});

t.test('[D45] [D22] a document that has left memory is woken in time, from its snapshot', async (t) => {
  const stage = await DeskStage.of(new MemoryStore());
  const names = Array.from({ length: 40 }, (_, number) => `alive/n${number}`);
  for (const name of names) {
    const viewer = await stage.come(name);
    stage.send(viewer, { inMs: 30_000, text: 'due' }, 'set');
    await stage.settle();
    stage.desk.close(viewer.attached);
  }
  await stage.advance(5_000);
  await stage.fold();
  await restart(stage);
  await stage.advance(1_000);
  t.ok(stage.desk.residentCount < names.length, `${stage.desk.residentCount} are in memory`);
  for (let looks = 0; looks < 4; looks += 1) await stage.advance(30_000);
  for (const name of names) {
    const late = await stage.come(name, '', bob);
    t.same([...logOf(stage, late)].sort(), ['+ada', '+bob', '-ada', 'due']);
    stage.desk.close(late.attached);
  }
  t.same(stage.fatal, []);
});

t.test(
  '[D48] an effect runs when what asked for it is committed, is tried again, and its document hears once',
  async (t) => {
    const stage = await DeskStage.of(new MemoryStore());
    const viewer = await stage.come('alive/one');
    effects.ran.length = 0;
    stage.send(viewer, { text: 'abc' }, 'note');
    t.same(effects.ran, [], 'nothing is committed yet');
    await stage.settle();
    await stage.advance(1);
    t.same(effects.ran, ['abc 1']);
    t.same(logOf(stage, viewer), ['+ada', 'effect 3']);
    effects.fails = 2;
    stage.send(viewer, { text: 'ab' }, 'note');
    await stage.settle();
    for (let looks = 0; looks < 4; looks += 1) await stage.advance(1_000);
    t.same(effects.ran.slice(1), ['ab 2', 'ab 2', 'ab 2'], 'under the same id');
    t.same(logOf(stage, viewer).slice(2), ['effect 2']);
    effects.fails = 9;
    stage.send(viewer, { text: 'a' }, 'note');
    await stage.settle();
    for (let looks = 0; looks < 9; looks += 1) await stage.advance(10_000);
    t.equal(effects.ran.length, 4 + 5);
    t.same(logOf(stage, viewer).slice(3), ['effect as told']);
    effects.fails = 0;
    await restart(stage);
    await stage.advance(10_000);
    t.equal(effects.ran.length, 9, 'nothing waits any more');
  },
);

t.test('[D48] what a head left undone the next one does', async (t) => {
  const stage = await DeskStage.of(new MemoryStore());
  const viewer = await stage.come('alive/one');
  effects.ran.length = 0;
  effects.fails = 1;
  stage.send(viewer, { text: 'abc' }, 'note');
  await stage.settle();
  t.same(effects.ran, ['abc 1']);
  await restart(stage);
  await stage.advance(1);
  await stage.advance(1);
  t.same(effects.ran, ['abc 1', 'abc 1']);
  const late = await stage.come('alive/one', '', bob);
  t.same(logOf(stage, late), ['+ada', 'effect 3', '+bob']);
});

t.test('[D49] messages between documents arrive in order, once each, and their answers come back', async (t) => {
  const stage = await DeskStage.of(new MemoryStore());
  const viewer = await stage.come('alive/one');
  const other = await stage.come('alive/two', 'new', bob);
  stage.send(viewer, { to: 'alive/two', times: 3 }, 'tell');
  stage.send(viewer, { to: 'closed/none', times: 1 }, 'tell');
  stage.send(viewer, { to: 'none/none', times: 1 }, 'tell');
  await stage.settle();
  for (let looks = 0; looks < 3; looks += 1) await stage.advance(100);
  t.same(logOf(stage, other), ['+bob', 'alive/one 0', 'alive/one 1', 'alive/one 2']);
  t.same([...logOf(stage, viewer)].sort(), [
    '+ada',
    'alive/two 1',
    'alive/two 2',
    'alive/two 3',
    'closed/none DOCUMENT_UNKNOWN',
    'none/none SPACE_UNKNOWN',
  ]);
  await restart(stage);
  await stage.advance(100);
  const late = await stage.come('alive/two', '', { agent: 'late', authority: 'test' });
  t.equal((late.view as Seen).count, 3);
  t.same(stage.fatal, []);
});

t.test(
  '[D49] a message leaves when the answer to the one before it is committed: a repeat is answered alike',
  async (t) => {
    const stage = await DeskStage.of(new MemoryStore());
    const sent: number[] = [];
    stage.deliver = (_to, { n }) => {
      sent.push(n);
      return Promise.resolve({ code: '', text: '', json: `${n}` });
    };
    const viewer = await stage.come('alive/one');
    stage.send(viewer, { to: 'alive/two', times: 2 }, 'tell');
    await stage.turn();
    await settled();
    t.same(sent, [1], 'that it was answered is on no disk yet');
    await restart(stage);
    await stage.advance(100);
    t.same(sent, [1, 1, 2]);
    const late = await stage.come('alive/one', '', bob);
    t.same(logOf(stage, late), ['+ada', 'alive/two 1', 'alive/two 2', '+bob']);
  },
);

t.test('[D48] an effect that takes long is not begun again, wherever its document is meanwhile', async (t) => {
  const stage = await DeskStage.of(new MemoryStore());
  stage.memory = new Memory(0);
  await restart(stage);
  const viewer = await stage.come('alive/one');
  effects.ran.length = 0;
  let end = (): void => undefined;
  effects.until = new Promise((resolve) => {
    end = resolve;
  });
  stage.send(viewer, { text: 'abc' }, 'note');
  await stage.settle();
  stage.desk.close(viewer.attached);
  await stage.advance(10_000);
  await stage.come('alive/two');
  t.equal(stage.desk.residentCount, 1, 'it has left memory');
  end();
  for (let looks = 0; looks < 4; looks += 1) await stage.advance(1_000);
  t.same(effects.ran, ['abc 1']);
  t.same(stage.failures, []);
  const late = await stage.come('alive/one', '', bob);
  t.same(logOf(stage, late), ['+ada', '-ada', 'effect 3', '+bob']);
});

t.test('[D45] what is due at once in one document happens at once', async (t) => {
  const stage = await DeskStage.of(new MemoryStore());
  const viewer = await stage.come('alive/one');
  stage.send(viewer, { inMs: 10, text: 'x', times: 60 }, 'set');
  await stage.settle();
  await stage.advance(1_000);
  t.equal(logOf(stage, viewer).length, 61);
});

t.test(
  '[D51] [C15] what is to be undone is found where it is kept; what is sent behind it waits, and a repeat is answered alike',
  async (t) => {
    const stage = await DeskStage.of(new MemoryStore());
    const viewer = await stage.come('alive/one');
    for (const count of [1, 2]) stage.send(viewer, { count }, 'write');
    await stage.settle();
    stage.listen(viewer);
    const seqs = viewer.heard.flatMap((one) => (one[0] === 3 ? [one[3]] : []));
    await stage.fold();
    stage.send(viewer, { seq: seqs[1] }, '@undo');
    stage.send(viewer, { seq: seqs[0] }, '@undo');
    stage.send(viewer, { seq: 'x' }, '@undo');
    await stage.settle();
    stage.listen(viewer);
    t.equal((viewer.view as Seen).count, 0);
    t.match(viewer.heard.at(-1), [4, viewer.attached.view, 5, 0, 'MESSAGE_INVALID']);
    viewer.n = 3;
    stage.send(viewer, { seq: seqs[0] }, '@undo');
    await stage.settle();
    stage.listen(viewer);
    t.match(viewer.heard.at(-1), [3, viewer.attached.view, 4, (seqs[1] ?? 0) + 2, `${seqs[0]}`]);
  },
);

t.test('wakes come in order of time, and only the last word of a document counts', (t) => {
  const wakes = new Wakes();
  for (let number = 0; number < 500; number += 1) wakes.set(`d${number % 50}`, (number * 7_919) % 1_000);
  wakes.set('d7', undefined);
  wakes.lower('d8', 2_000);
  wakes.lower('d9', -1);
  const due = wakes.due(1_000, 1_000);
  t.equal(due[0], 'd9');
  t.equal(due.length, 49);
  t.equal(new Set(due).size, 49);
  t.equal(wakes.size, 0);
  t.same(wakes.due(1_000, 10), []);
  wakes.set('a', 5);
  wakes.set('b', 5);
  t.equal(wakes.due(5, 1).length, 1);
  t.equal(wakes.due(4, 1).length, 0);
  t.equal(wakes.due(5, 1).length, 1);
  t.end();
});
