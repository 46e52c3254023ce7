// log and doctor as people type them: on a cluster that runs, and on what it leaves on its disks.
import { readdirSync } from 'node:fs';
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { startCluster } from '../../bench/cluster.ts';
import { onStage } from '../../bench/processes.ts';
import { runCommand } from './kit.ts';

t.test('[H12] log tells what is asked for, of hosts that run and that do not', async (t) => {
  await onStage(async (stage) => {
    const cluster = await startCluster(stage);
    const at = ['--dir', cluster.dir];
    for (const text of ['one', 'two', 'three'])
      await runCommand('call', 'board/main', 'write', JSON.stringify({ text }), '--as', 'alice', ...at);
    const asks: readonly (readonly string[])[] = [
      ['--document', 'board/main'],
      ['--document', 'board/other', '--chain', '5'],
      ['--chain', '5', '--kind', 'activation'],
      ['--chain', '5', '--kind', 'batch', '--epoch', '2', '--max', '1'],
      ['--chain', '5', '--epoch', '9'],
      ['--chain', '5', '--after', '2', '--before', '4'],
    ];
    const ask = () => Promise.all(asks.map((words) => runCommand('log', '--host', 'h2', '--json', ...words, ...at)));
    const running = await ask();
    const lines = running.map(({ out }) =>
      out
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line)),
    );
    t.ok(
      (lines[0]?.length ?? 0) >= 3 && lines[0]?.every((line) => line.documents[0].name === 'board/main'),
      `${running[0]?.out}`,
    );
    t.same(lines[1], []);
    t.ok((lines[2]?.length ?? 0) >= 1 && lines[2]?.every(({ kind }) => kind === 'activation'), `${running[2]?.out}`);
    t.ok((lines[3]?.length ?? 9) <= 1 && lines[3]?.every(({ kind, epoch }) => kind === 'batch' && epoch === 2));
    t.same(lines[4], []);
    t.same(
      lines[5]?.map(({ lsn }) => lsn),
      [3],
    );
    await cluster.end();
    for (const [index, { out }] of (await ask()).entries()) {
      const stopped = out.split('\n').filter((line) => line !== '');
      const all = running[index]?.out.split('\n').filter((line) => line !== '') ?? [];
      // On a slow machine a chain may have been folded and trimmed meanwhile.
      t.same(
        stopped,
        all.slice(all.length - stopped.length),
        `${asks[index]?.join(' ')}: what is still there reads the same`,
      );
    }
    t.match((await runCommand('log', '--kind', 'fly', ...at)).err, /CLI_USAGE: --kind is batch or activation/);
    t.match((await runCommand('log', '--document', 'fly', ...at)).err, /DOCUMENT_NAME/);
  });
});

t.test('[H11] doctor looks at a cluster that runs, and ends with 1 where something is wrong', async (t) => {
  await onStage(async (stage) => {
    type Report = { verdict: string; lines: { check: string; verdict: string; what: string }[] };
    const cluster = await startCluster(stage);
    const at = ['--dir', cluster.dir];
    const linesOf = async (): Promise<Report & { code: number | null }> => {
      const { out, code } = await runCommand('doctor', '--json', ...at);
      return { ...(JSON.parse(out) as Report), code };
    };
    const well = await linesOf();
    const verdictOf = ({ lines }: Report, check: string) => lines.find((line) => line.check === check);
    t.match(verdictOf(well, 'ports'), { verdict: 'ok', what: '5 ports are ours' });
    t.match(verdictOf(well, 'skew'), { verdict: 'ok', what: /clocks of 3 hosts/ });
    t.match(verdictOf(well, 'secrets'), { verdict: 'ok' });
    t.equal(well.code, well.verdict === 'wrong' ? 1 : 0);
    await chmod(join(cluster.dir, 'secret'), 0o644);
    const bare = await linesOf();
    t.match(verdictOf(bare, 'secrets'), { verdict: 'wrong', what: /others may read .*secret/ });
    t.same([bare.verdict, bare.code], ['wrong', 1]);
    t.match((await runCommand('doctor', ...at)).out, /^wrong +secrets .*To do: chmod 600/m);
    t.same(
      readdirSync(cluster.dir).filter((file) => file.startsWith('.doctor')),
      [],
      'it cleans up',
    );
    await cluster.end();
  });
});
