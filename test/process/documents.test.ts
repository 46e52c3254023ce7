// What an operator does to documents, as people type it.
import t from 'tap';
import { startCluster } from '../../bench/cluster.ts';
import { onStage } from '../../bench/processes.ts';
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
