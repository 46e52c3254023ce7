// One document among others that the engine cannot make sense of, though the store has what was written.
import t from 'tap';
import { retryOf } from '../../engine/base/errors.ts';
import { origin } from '../../engine/base/ids.ts';
import { encodeUpdate, noMessage } from '../../engine/document/life/update.ts';
import { encodeBatch } from '../../engine/store/format.ts';
import { encodeSnapshotEntry, snapshotKey } from '../../engine/store/snapshot-format.ts';
import { deleteDocument, listHistory, rewindDocument } from '../../host/history.ts';
import { chain } from '../chain/one.ts';
import { MemoryStore } from '../contract/memory-store.ts';
import { ada, DeskStage } from './desk-stage.ts';

const spoiled = 's/spoiled';
const refusal = { code: 'DOCUMENT_UNREADABLE' };

t.test('[D23] a document that cannot be made is refused to all who wait; others go on, and the host', async (t) => {
  const key = snapshotKey(chain, spoiled);
  const snapshot = encodeSnapshotEntry(key, {
    lsn: origin.lsn,
    seq: 1,
    blocks: [],
    state: Buffer.from('no snapshot'),
  });
  const stage = await DeskStage.of(new MemoryStore());
  await stage.disk.write([{ key, value: snapshot }]);
  const well = await stage.come('s/well');
  const [one, two] = [stage.open(spoiled), stage.open(spoiled)];
  const gone = stage.open(spoiled);
  stage.desk.close(gone.attached);
  await stage.settle();
  stage.listen(one, two, gone);
  for (const { heard, attached } of [one, two]) t.match(heard, [[4, attached.view, 0, 0, 'DOCUMENT_UNREADABLE']]);
  t.same(gone.heard, [], 'who left before hears nothing');
  t.same(stage.unreadable, [spoiled], 'said once for all who waited');
  await t.rejects(stage.during(listHistory(stage.desk, spoiled, 10, 10)), refusal);
  await t.rejects(stage.during(rewindDocument(stage.desk, spoiled, 1)), refusal);
  t.equal(retryOf('DOCUMENT_UNREADABLE'), 'maybe', 'what was sent before may be in it');
  stage.send(well, { steps: [{ do: 'text', value: 'x' }] });
  await stage.settle();
  stage.listen(well);
  t.match(well.view, { text: 'x' });
  t.same(stage.fatal, []);
});

t.test('[D23] the same where updates do not follow', async (t) => {
  const stage = await DeskStage.of(new MemoryStore());
  await stage.come('s/well');
  const place = { chain, epoch: 1 as never, after: stage.store.durable(chain) };
  const record = encodeBatch(place, [{ name: spoiled, seqFirst: 7, updates: [Buffer.from([1, 2, 3])] }]);
  stage.store.append(chain, [record], undefined);
  stage.store.flush();
  await stage.settle();
  const viewer = await stage.come(spoiled);
  t.match(viewer.heard, [[4, viewer.attached.view, 0, 0, 'DOCUMENT_UNREADABLE']]);
  t.same(stage.fatal, []);
});

t.test('[D23] [D20] it can be ended: then it is gone, is folded, and another begins above it', async (t) => {
  const stage = await DeskStage.of(new MemoryStore());
  await stage.come('s/well');
  const after = stage.store.durable(chain);
  const place = { chain, epoch: 1 as never, after };
  const sent = encodeUpdate({ ...noMessage, kind: 'send', seq: 7, atMs: 1, who: ada, session: 3, n: 1 });
  const record = encodeBatch(place, [{ name: spoiled, seqFirst: 7, updates: [Uint8Array.from(sent)] }]);
  stage.store.append(chain, [record], undefined);
  stage.store.flush();
  await stage.settle();
  const watcher = stage.open(spoiled);
  const deleted = await stage.during(deleteDocument(stage.desk, spoiled));
  t.match(deleted, { seq: 8 });
  stage.listen(watcher);
  t.match(
    watcher.heard,
    [[4, watcher.attached.view, 0, 0, 'DOCUMENT_UNREADABLE']],
    'who only came to see it is refused',
  );
  await stage.start();
  const again = await stage.come(spoiled);
  t.equal(stage.residentOf(again)?.seq, 10, 'after a start, too');
  await stage.fold();
  t.equal(stage.store.base(chain).folded.lsn, stage.store.durable(chain).lsn, 'nothing stops the fold');
  t.same(stage.fatal, []);
});
