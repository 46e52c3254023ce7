// Views that are longer than a link carries.
import t from 'tap';
import { linkFrameBytesMax } from '../../engine/base/limits.ts';
import { encodeBatch } from '../../proxy/link-wire.ts';
import { MemoryStore } from '../contract/memory-store.ts';
import { DeskStage, type ViewerStage } from './desk-stage.ts';

const bob = { agent: 'bob', authority: 'test' };
const refused = [4, 0, 'DOCUMENT_TOO_BIG'] as const;

function isRefused({ heard, view }: ViewerStage): boolean {
  const last = heard.at(-1);
  return view === undefined && last?.[0] === refused[0] && last[2] === refused[1] && last[4] === refused[2];
}

async function said(stage: DeskStage, ...viewers: ViewerStage[]): Promise<void> {
  await stage.settle();
  stage.listen(...viewers);
}

t.test('[D15] what a link does not carry ends the views that it is for, and nothing else', async (t) => {
  const stage = await DeskStage.of(new MemoryStore());
  const [writer, reader, other] = [
    await stage.come('wide/a'),
    await stage.come('wide/a', '', bob),
    await stage.come('s/a', 'new', bob),
  ];
  stage.send(writer, { count: 8_500 }, 'fill');
  stage.send(writer, { isShown: true }, 'show');
  stage.send(other, { steps: [{ do: 'count', value: 1 }] });
  await said(stage, writer, reader, other);
  t.ok(isRefused(writer) && isRefused(reader), 'they were shown what is too long');
  t.match(writer.heard.at(-2), [3, writer.attached.view, 2], 'the answer is given');
  t.match(other.view, { count: 1 });
  for (const { heard } of [writer, reader, other]) {
    t.ok(heard.every((message) => encodeBatch([message]).length < linkFrameBytesMax));
  }
  const late = await stage.come('wide/a');
  t.ok(isRefused(late), 'nor can it be opened');
  t.equal(stage.residentOf(late)?.viewers.size, 0);
  t.strictSame(stage.fatal, []);
});

t.test('[D15] a view that is long is shown, and one that was too long once it is not', async (t) => {
  const stage = await DeskStage.of(new MemoryStore());
  const viewer = await stage.come('wide/a');
  stage.send(viewer, { count: 6_500 }, 'fill');
  stage.send(viewer, { isShown: true }, 'show');
  await said(stage, viewer);
  t.equal(Object.keys((viewer.view as { readonly cells: object }).cells).length, 6_500);
  const other = await stage.come('wide/a', '', bob);
  t.strictSame(other.view, viewer.view);
  stage.send(viewer, { count: 8_500 }, 'fill');
  await said(stage, viewer, other);
  t.notOk(isRefused(viewer), 'a delta is not long');
  t.ok(isRefused(await stage.come('wide/a', '', bob)));
  stage.send(viewer, { isShown: false }, 'show');
  await said(stage, viewer, other);
  t.strictSame((await stage.come('wide/a', '', bob)).view, { isShown: false });
});
