// A cluster whose disk has less space than it wants (E9).
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { type Cluster, startAnywhere } from '../../bench/cluster.ts';
import { onStage } from '../../bench/processes.ts';
import { runCommand } from './kit.ts';

t.test('[E9] with too little space nothing new is written, what is there is read, and no process ends', async (t) => {
  await onStage(async (stage) => {
    const dir = stage.folder();
    const at = ['--as', 'alice', '--dir', dir];
    const start = (): Promise<Cluster> => startAnywhere(() => ({ dir }));
    const setMin = (freeBytesMin: number): void => {
      const file = join(dir, 'cluster.json');
      writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), freeBytesMin }));
    };
    const before = await start();
    stage.onRelease(() => before.end());
    t.equal((await runCommand('call', 'board/main', 'write', '{"text":"before"}', ...at)).code, 0);
    await before.end();
    setMin(Number.MAX_SAFE_INTEGER);
    const full = await start();
    stage.onRelease(() => full.end());
    const refused = await runCommand('call', 'board/main', 'write', '{"text":"more"}', '--wait', '2', ...at);
    t.not(refused.code, 0, 'a write waits until there is space');
    t.match((await runCommand('get', 'board/main', ...at)).out, /before/);
    for (const host of ['h1', 'h2', 'h3'])
      t.match(readFileSync(join(dir, host, 'host.log'), 'utf8'), /too little space: new writes are refused/);
    t.same(full.unexpected, []);
    await full.end();
    setMin(1);
    const after = await start();
    stage.onRelease(() => after.end());
    t.equal((await runCommand('call', 'board/main', 'write', '{"text":"after"}', ...at)).code, 0);
    await after.end();
  });
});
