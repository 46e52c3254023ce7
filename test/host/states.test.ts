// What documents hold, page by page, for whoever tries a migration: folded or not, in the order of their names, each once.
import t from 'tap';
import { encodeSnapshotEntry, snapshotKey } from '../../engine/store/snapshot-format.ts';
import { deleteDocument } from '../../host/history.ts';
import { readStates } from '../../host/states.ts';
import { chain } from '../chain/one.ts';
import { MemoryStore } from '../contract/memory-store.ts';
import { DeskStage } from './desk-stage.ts';

/** All names that a desk knows of, `max` at a time. */
async function namesIn(stage: DeskStage, max: number): Promise<string[]> {
  const names: string[] = [];
  for (let isWhole = false; !isWhole; ) {
    const after = names.at(-1) ?? '';
    isWhole = await stage.during(
      stage.desk.reads.scan(after, max, (name) => {
        names.push(name);
        return true;
      }),
    );
  }
  return names;
}

t.test('[D42] documents are walked in pages, whether they are folded or not', async (t) => {
  const stage = await DeskStage.of(new MemoryStore());
  const names = ['bad/a', 'bad/c', 's/b', 's/d', 's/e'];
  for (const name of ['s/d', 'bad/c', 's/b']) await stage.come(name);
  await stage.settle();
  await stage.fold();
  for (const name of ['s/e', 'bad/a', 's/b']) await stage.come(name);
  await stage.settle();
  for (const max of [1, 2, 3, 5, 9]) t.same(await namesIn(stage, max), names, `${max} at a time`);
  const page = await stage.during(readStates(stage.desk, '', ''));
  t.same(
    page.documents.map(({ name }) => name),
    names,
  );
  t.equal(page.next, '');
  const some = await stage.during(readStates(stage.desk, 's', ''));
  t.same(
    some.documents.map(({ name }) => name),
    ['s/b', 's/d', 's/e'],
  );
  const few = await stage.during(readStates(stage.desk, 'bad', ''));
  t.same(
    few.documents.map(({ name }) => name),
    ['bad/a', 'bad/c'],
  );
  t.same(
    (await stage.during(readStates(stage.desk, 's', 's/d'))).documents.map(({ name }) => name),
    ['s/e'],
  );
});

t.test('[D42] what they hold is what is committed; what is gone, or cannot be read, is said', async (t) => {
  const stage = await DeskStage.of(new MemoryStore());
  const one = await stage.come('bad/one');
  await stage.come('bad/gone');
  stage.send(one, { text: 'a' }, 'say');
  const key = snapshotKey(chain, 'bad/spoiled');
  const state = Buffer.from('no snapshot');
  await stage.disk.write([
    { key, value: encodeSnapshotEntry(key, { lsn: stage.store.durable(chain).lsn, seq: 1, blocks: [], state }) },
  ]);
  await stage.during(deleteDocument(stage.desk, 'bad/gone'));
  const { documents } = await stage.during(readStates(stage.desk, '', ''));
  t.match(documents, [
    { name: 'bad/one', state: { said: ['a'] } },
    { name: 'bad/spoiled', state: null, text: /^DOCUMENT_UNREADABLE/ },
  ]);
  t.equal(documents.length, 2);
  stage.desk.stop();
  await t.rejects(stage.during(readStates(stage.desk, '', '')));
});
