// What an operator does to documents, as people type it.

import { join } from 'node:path';
import t from 'tap';
import { startCluster } from '../../bench/cluster.ts';
import { onStage } from '../../bench/processes.ts';
import { connect } from '../../proxy/client/node.ts';
import { filesWith } from '../store/files.ts';
import { runCommand } from './kit.ts';

const name = 'board/main';

t.test('[D18] [D19] an operator sees who did what when, and sets a document to what it was', async (t) => {
  await onStage(async (stage) => {
    const cluster = await startCluster(stage);
    const at = ['--json', '--dir', cluster.dir];
    const run = async (...words: readonly string[]): Promise<unknown> => {
      const { out, err } = await runCommand(...words, ...at);
      return JSON.parse(out === '' ? JSON.stringify(err) : out);
    };
    for (const text of ['one', 'two']) await run('call', name, 'write', JSON.stringify({ text }), '--as', 'alice');
    const { lines } = (await run('history', name)) as { lines: { seq: number; channel: string }[] };
    t.match(lines[0], { kind: 'send', channel: 'write', who: { agent: 'alice' }, code: '' });
    const first = lines.findLast(({ channel }) => channel === 'write')?.seq ?? 0;
    const newest = lines[0]?.seq ?? 0;
    t.same(await run('rewind', name, `${first}`), { name, to: first, seq: newest + 1 });
    t.match(await run('get', name, '--as', 'bob'), { view: { text: 'one' }, seq: newest + 1 });
    t.match(await run('history', name, '--max', '1'), {
      lines: [{ kind: 'rewind', to: first, who: { agent: 'operator' } }],
    });
    t.match(await run('rewind', name, '999'), { error: { code: 'HISTORY_GONE' } });
    t.match(await run('history', 'board/none'), { error: { code: 'DOCUMENT_UNKNOWN' } });
    t.match((await runCommand('history', name, '--dir', cluster.dir)).out, /rewind to \d+/);
  });
});

t.test(
  '[D20] [D21] [F4] a deleted document is gone from the files of every member, and its viewers are told',
  async (t) => {
    await onStage(async (stage) => {
      const cluster = await startCluster(stage);
      const marker = 'this is to be gone from all disks';
      const folders = cluster.ready.hosts.map(({ id }) => join(cluster.dir, id, 'store'));
      const filesHolding = (): string[] => folders.flatMap((folder) => filesWith(folder, marker));
      const client = connect(cluster.ready.proxy, { as: 'alice' });
      const document = client.open<{ text?: string }>(name);
      await document.send('write', { text: marker });
      await document.send('write', { text: 'what is there now' });
      t.equal(filesHolding().length, 3, 'on three disks');
      const told = new Promise<void>((done) => {
        document.onStatus((status) => status === 'refused' && done());
      });
      const ran = await runCommand('delete', name, '--wait', '60', '--json', '--dir', cluster.dir);
      t.equal(ran.code, 0, ran.err);
      t.match(JSON.parse(ran.out), { name, members: Array.from({ length: 3 }, () => ({ stage: 'erased' })) });
      t.same(filesHolding(), []);
      await told;
      await t.rejects(document.send('write', { text: 'late' }), { code: 'DOCUMENT_DELETED', retry: 'maybe' });
      const called = await runCommand(
        'call',
        name,
        'write',
        '{"text":"new"}',
        '--as',
        'bob',
        '--json',
        '--dir',
        cluster.dir,
      );
      t.match(
        JSON.parse(called.out),
        { seq: (JSON.parse(ran.out) as { seq: number }).seq + 3 },
        'behind what was deleted',
      );
      t.match((await runCommand('delete', 'board/none', '--dir', cluster.dir)).err, /DOCUMENT_UNKNOWN/);
      client.close();
      await cluster.end();
      t.same(filesHolding(), []);
    });
  },
);
