// A store that was set aside because it is behind, and that an operator has put back.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { Cluster, startCluster } from '../../bench/cluster.ts';
import { onStage } from '../../bench/processes.ts';
import { cellKey } from '../../engine/store/entries.ts';
import { hostDir, readFolder } from '../../host/folder.ts';
import { HostFiles } from '../../host/host-files.ts';
import { LevelStore } from '../../host/level-store.ts';
import { runCommand } from './kit.ts';

t.test(
  '[E14] [H13] where all hosts have set their stores aside, an operator puts them back, and all is there',
  async (t) => {
    await onStage(async (stage) => {
      const cluster = await startCluster(stage);
      const at = ['--dir', cluster.dir];
      const said = ['call', 'board/main', 'write', '{"text":"kept"}', '--as', 'alice', ...at];
      t.equal((await runCommand(...said)).code, 0);
      const words = ['believe', 'h1', 'aside-1', '--accept', 'what came last', ...at];
      t.match((await runCommand(...words)).err, /HOST_OPTIONS: h1 has set aside no store aside-1/);
      t.equal(await cluster.end(), 0);
      const folder = await readFolder(cluster.dir);
      const dirs = folder.cluster.hosts.map(({ id }) => hostDir(folder.dir, id));
      for (const dir of dirs) await new HostFiles(dir).setAside('ENGINE_BEHIND: as if the disk had lied');
      for (const { id } of folder.cluster.hosts) {
        const done = await runCommand('believe', id, 'aside-1', '--accept', 'what came last', '--json', ...at);
        t.match(JSON.parse(done.out), { host: id, serial: Number, storeId: /^[0-9a-f]{32}$/ });
      }
      t.match(await readFile(join(dirs[0] ?? '', 'aside-1', 'believed'), 'utf8'), /put back/);
      const portBase = Number(cluster.ready.proxy.split(':').at(-1));
      const again = await Cluster.start({ dir: cluster.dir, portBase });
      stage.onRelease(() => again.end());
      const got = await runCommand('get', 'board/main', '--as', 'bob', '--json', ...at);
      t.match(JSON.parse(got.out), { view: { text: 'kept' } });
      t.match((await runCommand('believe', 'h1', 'aside-1', '--accept', 'x', ...at)).err, /set aside no store/, 'once');
      await again.end();
    });
  },
);

t.test('[E14] a store that rotted is not put back, and neither is one of a host that runs', async (t) => {
  await onStage(async (stage) => {
    const cluster = await startCluster(stage);
    const at = ['--dir', cluster.dir];
    const dir = join(cluster.dir, 'h1');
    await cluster.end();
    await new HostFiles(dir).setAside('as a test has it');
    const disk = await LevelStore.open(join(dir, 'aside-1', 'store'), false);
    await disk.write([{ key: cellKey(0), value: Uint8Array.of(1, 2, 3) }]);
    await disk.close();
    const refused = await runCommand('believe', 'h1', 'aside-1', '--accept', 'x', ...at);
    t.match(refused.err, /HOST_OPTIONS: aside-1 is not whole: register 0: /);
    t.ok((await readdir(dir)).includes('aside-1'));
    t.notOk((await readdir(dir)).includes('store'), 'nothing was done');
  });
});
