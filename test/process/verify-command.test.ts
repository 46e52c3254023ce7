// verify as people type it: on a cluster that runs, and on what it leaves on its disks.
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { Cluster, startCluster } from '../../bench/cluster.ts';
import { onStage } from '../../bench/processes.ts';
import { chainId } from '../../engine/base/ids.ts';
import { recordKeys } from '../../engine/store/format.ts';
import { storeDir } from '../../host/folder.ts';
import { LevelStore } from '../../host/level-store.ts';
import { runCommand } from './kit.ts';

/** `board/main` lies in it. */
const chain = chainId(5);
const strange = Uint8Array.of(0x15);

/** What a disk does by itself, to a store that is closed. */
async function harm(dir: string, host: string, does: (disk: LevelStore) => Promise<void>): Promise<void> {
  const disk = await LevelStore.open(storeDir(dir, host), false);
  await does(disk);
  await disk.close();
}

t.test(
  '[E11] [H10] verify walks running hosts and stopped ones, changes nothing, and ends with 1 where anything is wrong',
  async (t) => {
    await onStage(async (stage) => {
      const cluster = await startCluster(stage);
      const at = ['--dir', cluster.dir];
      for (const text of ['one', 'two', 'three'])
        await runCommand('call', 'board/main', 'write', JSON.stringify({ text }), '--as', 'alice', ...at);
      const running = await runCommand('verify', ...at);
      t.equal(running.code, 0, running.err);
      for (const host of ['h1', 'h2', 'h3'])
        t.match(running.out, new RegExp(`${host} \\(running\\): 8 chains, .*nothing is wrong`));
      t.match(running.out, /link +\d+ +a record follows/);
      const both = await Promise.all([1, 2].map(() => runCommand('verify', '--host', 'h2', '--json', ...at)));
      for (const { out } of both)
        t.match(JSON.parse(out), { hosts: [{ host: 'h2', state: 'running', report: { isWhole: true } }] });

      t.equal(await cluster.end(), 0);
      await harm(cluster.dir, 'h2', (disk) => disk.write([{ key: strange, value: Uint8Array.of(1) }]));
      let lost: Uint8Array | undefined;
      await harm(cluster.dir, 'h1', async (disk) => {
        for await (const page of disk.scan(...recordKeys(chain))) lost = page.at(-2)?.key;
        if (lost !== undefined) await disk.write([{ key: lost, value: undefined }]);
      });
      rmSync(storeDir(cluster.dir, 'h3'), { recursive: true });
      const stopped = await runCommand('verify', '--json', ...at);
      t.equal(stopped.code, 1);
      const [h1, h2, h3] = JSON.parse(stopped.out).hosts;
      t.match(h1, { state: 'stopped', report: { findingsCount: lost === undefined ? 0 : 1 } });
      t.match(h2, { report: { findings: [{ code: 'key', where: 'key 15' }], findingsCount: 1 } });
      t.match(h3, { report: null, text: /ENGINE_DISK: there is no store/ });
      t.notOk(existsSync(storeDir(cluster.dir, 'h3')), 'none was made');
      const left = readdirSync(join(cluster.dir, 'h2')).sort();
      t.same(left, ['host.log', 'identity', 'reserve', 'store', 'watermark'], 'nothing is left behind');
      const said = await runCommand('verify', '--host', 'h2', ...at);
      t.equal(said.code, 1);
      t.match(said.out, /! h2 \(stopped\): .*1 findings/);
      t.match(said.out, /- +key +key 15 +a key of no kind/);
      t.match((await runCommand('verify', '--host', 'h9', ...at)).err, /CLI_USAGE: there is no host h9/);
    });
  },
);

t.test(
  '[E11] [E14] [H10] what a running host finds verify tells, and its status; then it begins a store anew',
  async (t) => {
    await onStage(async (stage) => {
      const first = await startCluster(stage);
      const at = ['--dir', first.dir];
      t.notMatch((await runCommand('status', ...at)).out, /not what was written/);
      await first.end();
      await harm(first.dir, 'h2', (disk) => disk.write([{ key: strange, value: Uint8Array.of(1) }]));
      const portBase = Number(new URL(first.ready.proxy).port);
      const again = await Cluster.start({ dir: first.dir, portBase });
      stage.onRelease(() => again.end());
      const [exited, started] = [again.next('h2', 'exited'), again.next('h2', 'started')];
      const told = await runCommand('verify', ...at);
      t.equal(told.code, 1);
      t.match(told.out, /! h2 \(running\): .*1 findings/);
      const status = await runCommand('status', ...at);
      t.match(
        status.out,
        /^! the store of h2 is not what was written: key at key 15 \(1 in all\): levelten verify --host h2/m,
      );
      // Then it heals itself.
      await exited;
      await started;
      const aside = join(first.dir, 'h2', 'aside-1');
      t.match(readFileSync(join(aside, 'why'), 'utf8'), /ENGINE_CORRUPT: a walk found .* \(key 15; 1 in all\)/);
      t.ok(existsSync(join(aside, 'store')));
      t.equal((await runCommand('verify', ...at)).code, 0);
      await again.end();
    });
  },
);
