// What viewers show each other, at the desk of their document.
import t from 'tap';
import { ephemeralPendingMax, ephemeralsMax } from '../../engine/base/limits-shown.ts';
import type { Principal } from '../../engine/document/define.ts';
import type { ToProxy } from '../../proxy/link-wire.ts';
import { MemoryStore } from '../contract/memory-store.ts';
import { DeskStage, type ViewerStage } from './desk-stage.ts';

const bob: Principal = { agent: 'bob', authority: 'test' };
const eve: Principal = { agent: 'eve', authority: 'test' };
const name = 'party/one';

type Item = { readonly channel: string; readonly who: Principal; readonly value: unknown };

function textsOf(json: string): string[] {
  return (JSON.parse(json) as Item[]).map(
    ({ channel, who, value }) => `${who.agent} ${channel} ${JSON.stringify(value)}`,
  );
}

/** What came since this was asked last, but for answers: kinds of messages, and what was shown. */
function news(stage: DeskStage, ...viewers: readonly ViewerStage[]): unknown[][] {
  stage.listen(...viewers);
  return viewers.map(({ heard }) =>
    heard.splice(0).flatMap((message: ToProxy): unknown[] => {
      if (message[0] === 10) return [textsOf(message[3])];
      if (message[0] === 11) return [message.slice(2, 4)];
      // A delta for all of a kind, or for one.
      return message[0] === 3 ? [] : [message[0] === 9 ? 5 : message[0]];
    }),
  );
}

/** They have had their first views. */
async function two(stage: DeskStage): Promise<[ViewerStage, ViewerStage]> {
  const both: [ViewerStage, ViewerStage] = [await stage.come(name), await stage.come(name, 'new', bob)];
  news(stage, ...both);
  return both;
}

t.test('[D43] what is shown in one turn is one frame for all of a kind on a link, the newest of each', async (t) => {
  const stage = await DeskStage.of(new MemoryStore());
  const [one, other] = await two(stage);
  const beside = stage.open(name, '', eve, other.attached.front);
  await stage.settle();
  news(stage, one, other);
  for (let x = 0; x < 50; x += 1) for (const viewer of [one, other]) stage.show(viewer, 'cursor', { x });
  stage.show(beside, 'cursor', { x: 7 });
  await stage.settle();
  const all = ['ada cursor {"x":49}', 'bob cursor {"x":49}', 'eve cursor {"x":7}'];
  t.same(news(stage, one, other), [[all], [all]], 'eve and bob are told together');
  t.equal(stage.residentOf(one)?.seq, 3, 'it began, and two came with a session: nothing else was written');
});

t.test('[D43] [C18] while it is on its way no more is asked; then the newest goes', async (t) => {
  const stage = await DeskStage.of(new MemoryStore());
  const [one, other] = await two(stage);
  stage.show(one, 'cursor', { x: 0 });
  await stage.made();
  for (let x = 1; x < 50; x += 1) {
    stage.show(one, 'cursor', { x });
    await stage.made();
  }
  t.same(news(stage, one, other), [[], []], 'nothing leaves before its barrier has come through');
  await stage.settle();
  const both = [['ada cursor {"x":0}'], ['ada cursor {"x":49}']];
  t.same(news(stage, one, other), [both, both]);
});

t.test('[D44] [C18] a grant that is not committed shows nothing; what it shows comes behind its delta', async (t) => {
  const stage = await DeskStage.of(new MemoryStore());
  const [one, other] = await two(stage);
  stage.show(one, 'secret', 'word');
  await stage.settle();
  t.same(news(stage, one, other), [[], []], 'nobody is a guest');
  stage.send(one, { guests: ['bob'] }, 'invite');
  await stage.made();
  t.same(news(stage, one, other), [[], []]);
  await stage.settle();
  const late = await stage.come(name, '', bob);
  t.same(news(stage, one, other, late), [[5], [5, ['ada secret "word"']], [2, ['ada secret "word"']]]);
  stage.send(one, { guests: ['ada'] }, 'invite');
  stage.show(one, 'secret', 'other word');
  await stage.settle();
  const [first, ...others] = news(stage, one, other, late);
  t.same(first, [5, ['ada secret "word"'], ['ada secret "other word"']]);
  t.same(others, Array(2).fill([5, ['ada secret null']]));
});

t.test('[D43] who comes is shown what there is, and who stays that somebody left', async (t) => {
  const stage = await DeskStage.of(new MemoryStore());
  const [one, other] = await two(stage);
  stage.show(one, 'cursor', { x: 1 });
  stage.show(other, 'cursor', { x: 2 });
  await stage.settle();
  news(stage, one, other);
  const late = await stage.come(name, '', eve);
  t.same(
    late.heard.map(([kind]) => kind),
    [2, 10],
    'behind the view',
  );
  t.same(news(stage, one, other), [[], []]);
  stage.show(one, 'cursor', { x: 3 });
  stage.desk.close(one.attached);
  await stage.settle();
  t.same(
    news(stage, other, late).map((heard) => heard.slice(-1)),
    [[['ada cursor null']], [['ada cursor null']]],
  );
  stage.desk.close(other.attached);
  await stage.settle();
  t.same(news(stage, late), [[['bob cursor null']]], 'also where nobody shows anything any more');
  stage.desk.close(late.attached);
  await stage.settle();
  t.same((await stage.come(name, '', eve)).heard.length, 1, 'nothing is left');
});

t.test('[D43] what is no value is refused; so much comes of one view that a document can bear it', async (t) => {
  const stage = await DeskStage.of(new MemoryStore());
  const one = await stage.come(name);
  news(stage, one);
  stage.show(one, 'cursor', { x: 'far' });
  stage.show(one, 'none', 1);
  stage.show(one, 'secret', 'no');
  await stage.settle();
  t.same(news(stage, one), [
    [
      ['cursor', 'MESSAGE_INVALID'],
      ['none', 'CHANNEL_UNKNOWN'],
    ],
  ]);
  for (let at = 0; at < 100; at += 1) stage.show(one, `channel ${at}`, at);
  await stage.settle();
  t.equal(news(stage, one)[0]?.length, ephemeralsMax);
  const many = Array.from({ length: ephemeralPendingMax / ephemeralsMax + 1 }, () => stage.open(name, ''));
  await stage.settle();
  for (const viewer of many) for (let at = 0; at < ephemeralsMax; at += 1) stage.show(viewer, `channel ${at}`, at);
  await stage.settle();
  stage.listen(...many);
  const refused = many.flatMap(({ heard }) => heard.filter(([kind]) => kind === 11));
  t.equal(refused.length, ephemeralPendingMax, 'those of the last view are dropped');
  stage.show(one, 'secret', 'throw');
  await stage.settle();
  t.match(stage.failures, [{ message: /as told/ }], 'the log of the application is told');
});

t.test('[D43] nothing of it outlives its desk', async (t) => {
  const disk = new MemoryStore();
  const stage = await DeskStage.of(disk);
  const one = await stage.come(name);
  stage.show(one, 'cursor', { x: 123_456_789 });
  await stage.settle();
  stage.desk.stop();
  stage.show(one, 'cursor', { x: 1 });
  await stage.settle();
  await stage.start();
  const back = await stage.come(name, one.attached.session);
  t.same(
    back.heard.map(([kind]) => kind),
    [2],
  );
  const stored: string[] = [];
  for await (const page of disk.scan(Uint8Array.of(0), Uint8Array.of(255)))
    stored.push(...page.map(({ value }) => Buffer.from(value).toString('latin1')));
  t.ok(stored.length > 0);
  t.notMatch(stored.join(), '123456789');
});
