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
      const cluster = await startCluster(stage, undefined, ['--chains', '2']);
      const at = ['--dir', cluster.dir];
      const said = ['call', 'board/main', 'write', '{"text":"kept"}', '--as', 'alice', ...at];
      t.equal((await runCommand(...said)).code, 0);
      const words = ['believe', 'h1', 'aside-1', '--accept', 'what came last', ...at];
      t.match(
        (await runCommand(...words)).err,
        /HOST_OPTIONS: most voters have their stores/,
        'of a cluster that runs',
      );
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
      const starting = Cluster.start({ dir: cluster.dir, portBase, readyMsMax: forcedMsMax });
      for (const chain of ['0', '1']) await force(chain, at);
      const again = await starting;
      stage.onRelease(() => again.end());
      const got = await runCommand('get', 'board/main', '--as', 'bob', '--json', ...at);
      t.match(JSON.parse(got.out), { view: { text: 'kept' } });
      await again.end();
    });
  },
);

/** A host asks the register while others come; until then no epoch is known, and each try finds a later one. */
async function force(chain: string, at: readonly string[]): Promise<void> {
  const members = ['--members', 'h1,h2,h3', '--accept', 'what came last'];
  for (let tries = 0; tries < triesMax; tries += 1) {
    const status = JSON.parse((await runCommand('status', '--json', ...at)).out) as Status;
    const line = status.chains?.find((one) => `${one.chain}` === chain);
    if (line?.serving === true) break;
    const said = ['force-config', '--chain', chain, ...members, '--yes-lose', `${chain}:${line?.epoch}`, '--wait', '3'];
    if ((await runCommand(...said, ...at)).code === 0) return;
  }
  throw new Error(`chain ${chain} was not forced, or served by itself`);
}

const triesMax = 60;
/** It serves when the last chain is forced, by commands that are processes of their own. */
const forcedMsMax = 120_000;
type Status = {
  readonly chains?: readonly { readonly chain: number; readonly epoch: number; readonly serving: boolean }[];
};

t.test('[E14] a store that rotted is not put back, and neither is one of a host that runs', async (t) => {
  await onStage(async (stage) => {
    const cluster = await startCluster(stage);
    const at = ['--dir', cluster.dir];
    const dir = join(cluster.dir, 'h1');
    await cluster.end();
    for (const host of ['h1', 'h2', 'h3']) await new HostFiles(join(cluster.dir, host)).setAside('as a test has it');
    const disk = await LevelStore.open(join(dir, 'aside-1', 'store'), false);
    await disk.write([{ key: cellKey(0), value: Uint8Array.of(1, 2, 3) }]);
    await disk.close();
    const refused = await runCommand('believe', 'h1', 'aside-1', '--accept', 'x', ...at);
    t.match(refused.err, /HOST_OPTIONS: aside-1 is not whole: register 0: /);
    t.match(
      (await runCommand('believe', 'h1', 'aside-2', '--accept', 'x', ...at)).err,
      /h1 has set aside no store aside-2/,
    );
    t.ok((await readdir(dir)).includes('aside-1'));
    t.notOk((await readdir(dir)).includes('store'), 'nothing was done');
  });
});
