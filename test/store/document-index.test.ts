// Which records hold a document: what a head loads it by, and what becomes of that when a log is cut.
import t from 'tap';
import { chainId, epoch, origin } from '../../engine/base/ids.ts';
import { createIndex, indexAfterCut, indexRecord } from '../../engine/store/document-index.ts';
import { encodeBatch, type OpenedRecord } from '../../engine/store/format.ts';

/** Records 1, 2, ... each with an update of the documents named. */
function logOf(...batches: string[][]): OpenedRecord[] {
  const log: OpenedRecord[] = [];
  for (const names of batches) {
    const sections = names.map((name) => ({ name, seqFirst: 1, updates: [Buffer.from('x')] }));
    log.push(encodeBatch({ chain: chainId(0), epoch: epoch(1), after: log.at(-1) ?? origin }, sections));
  }
  return log;
}

t.test('[D11] an index takes each record once, in order, whoever brings it', async (t) => {
  const index = createIndex();
  const log = logOf(['s/a', 's/b'], ['s/a'], ['s/b']);
  for (const at of [1, 0, 0, 2, 1, 0, 2]) indexRecord(index, log[at] as OpenedRecord);
  t.same(
    [...index.lsns],
    [
      ['s/a', [1, 2]],
      ['s/b', [1, 3]],
    ],
  );
  t.equal(index.through.lsn, 3);
});

t.test('[C7] [D11] a log that is cut gets another index; who reads by the old one changes nothing of it', async (t) => {
  const log = logOf(['s/a'], ['s/a'], ['s/b']);
  const before = createIndex();
  for (const record of log.slice(0, 2)) indexRecord(before, record);
  const kept = indexAfterCut(before, 2);
  t.same([...kept.lsns], [['s/a', [1, 2]]], 'nothing of it was cut');
  indexRecord(before, log[2] as OpenedRecord);
  t.same([...kept.lsns], [['s/a', [1, 2]]], 'a walk of before goes on by itself');
  t.same(indexAfterCut(before, 2), createIndex(), 'what was cut is forgotten, and all is read again');
});
