// What a desk refuses while a disk of its chain is full, and what it lets in (E9).
import t from 'tap';
import { deleteDocument, rewindDocument } from '../../host/history.ts';
import { consumesNumber } from '../../proxy/client/frames.ts';
import { MemoryStore } from '../contract/memory-store.ts';
import { DeskStage } from './desk-stage.ts';

const text = 'too little space on the disk of h2';

t.test('[E9] on a full disk no message and no session is taken, and no number is used; reading goes on', async (t) => {
  const stage = await DeskStage.of(new MemoryStore());
  const writer = await stage.come('s/a');
  stage.send(writer, { steps: [{ do: 'text', value: 'x' }] });
  await stage.settle();
  const seq = stage.residentOf(writer)?.seq;
  stage.full = text;
  stage.send(writer, { steps: [{ do: 'text', value: 'y' }] });
  const newcomer = stage.open('s/a');
  const reader = await stage.come('s/a', '');
  stage.listen(writer, newcomer, reader);
  t.match(writer.heard.at(-1), [4, writer.attached.view, 2, 0, 'ENGINE_FULL', text]);
  t.match(newcomer.heard.at(-1), [4, newcomer.attached.view, 0, 0, 'ENGINE_FULL', text]);
  t.match(reader.view, { text: 'x' });
  t.equal(stage.residentOf(writer)?.seq, seq, 'nothing happened');
  t.equal(consumesNumber('ENGINE_FULL'), false, 'and the client counts so');
  stage.full = undefined;
  writer.n -= 1;
  stage.send(writer, { steps: [{ do: 'text', value: 'y' }] });
  await stage.settle();
  stage.listen(writer, reader);
  t.match(reader.view, { text: 'y' }, 'the same number is taken then');
});

t.test('[E9] [D19] [D20] nobody goes back on a full disk; what makes room is let in', async (t) => {
  const stage = await DeskStage.of(new MemoryStore());
  const writer = await stage.come('s/a');
  const first = stage.residentOf(writer)?.seq ?? 0;
  stage.send(writer, { steps: [{ do: 'text', value: 'x' }] });
  await stage.settle();
  stage.full = text;
  const refused = await stage.during(rewindDocument(stage.desk, 's/a', first).catch((error) => error));
  t.match(refused, { code: 'ENGINE_FULL' });
  t.match(await stage.during(deleteDocument(stage.desk, 's/a')), { seq: first + 2 });
});
