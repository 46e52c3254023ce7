// Who is heard in a session, through the door of a desk that has a store under it.
import t from 'tap';
import { MemoryStore } from '../contract/memory-store.ts';
import { DeskStage } from './desk-stage.ts';

t.test('[C15] while a document is read, what came over a view that lost its session is not heard either', async (t) => {
  const stage = await DeskStage.of(new MemoryStore());
  const before = await stage.come('bad/one');
  stage.send(before, { text: 'a' }, 'say');
  await stage.settle();
  stage.desk.stop();
  await stage.start();
  const { session } = before.attached;
  const [former, latter] = [stage.open('bad/one', session), stage.open('bad/one', session)];
  for (const viewer of [former, latter]) viewer.n = 1;
  stage.send(former, { text: 'of the past' }, 'say');
  stage.send(latter, { text: 'b' }, 'say');
  await stage.settle();
  stage.listen(former, latter);
  t.match(former.heard.at(-1), [6, former.attached.view, 'SESSION_EXPIRED']);
  t.same(latter.view, { said: ['a', 'b'], guarded: '' });
  const answers = latter.heard.filter((message) => message[0] === 3);
  t.same(answers, [[3, latter.attached.view, 2, 4, '2']]);
});
