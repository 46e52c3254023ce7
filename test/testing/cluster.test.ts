// Clusters for tests of applications: real hosts, killed and held still, and what is left of them afterwards.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, watch } from 'node:fs';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import type { View } from 'levelten';
import { createTestCluster, untilView } from 'levelten/testing';
import t from 'tap';
import { childrenOf, isAlive, signal, untilGone } from '../../bench/processes.ts';
import type { hearts } from './hearts.ts';

const removedMsMax = 10_000;
const appFile = new URL('./hearts.js', import.meta.url);

t.test(
  '[D31] a game goes on while hosts die, stand still and come back, and nothing is left of its cluster',
  async (t) => {
    const cluster = await createTestCluster({ app: appFile, chains: 2 });
    t.teardown(() => cluster.close());
    t.same(cluster.nodes, ['h1', 'h2', 'h3', 'proxy']);
    const [ada, bob] = ['ada', 'bob'].map((name) => cluster.connect(name).open<View<typeof hearts>>('hearts/one'));
    if (ada === undefined || bob === undefined) throw new Error('two open it');
    await ada.send('deal', { cards: ['ace', 'two', 'ten', 'six'] });
    t.match(await ada.send('sit', {}), { value: { cards: 2 } });

    await cluster.crash('h2');
    await bob.send('sit', {});
    await cluster.restart('h2');
    await cluster.ready();
    await cluster.pause('h1');
    await ada.send('play', { card: 'two' });
    await cluster.resume('h1');
    await cluster.crash('proxy');
    await cluster.restart('proxy');
    await cluster.restart('h3');
    await cluster.ready();
    t.equal((await bob.send('play', { card: 'ten' })).value, 1);

    const seen = await untilView(bob, (view) => view.players['ada']?.score === 1 && view.best === 1);
    t.same(seen.players['bob']?.hand, ['six']);
    t.equal(seen.players['ada']?.hand, undefined);
    await t.rejects(
      untilView(bob, (view) => view.best === 7, 20),
      /no such view of hearts\/one within 20 ms/,
    );
    await t.rejects(
      untilView(cluster.connect('mallory').open('hearts/none'), () => true),
      { code: 'DOCUMENT_UNKNOWN' },
    );
    await t.rejects(cluster.crash('h9'), { code: 'HOST_OPTIONS', message: /there is no h9/ });

    const pids = pidsIn(cluster.dir);
    t.equal(pids.length, 4, 'three hosts and a proxy');
    await cluster.close();
    t.same(pids.filter(isAlive), []);
    t.notOk(existsSync(cluster.dir));
    await t.rejects(cluster.ready(), /closed/);
  },
);

t.test('[D31] a cluster says why it does not come about, and is gone', async (t) => {
  const broken = createTestCluster({ app: new URL('./none.js', import.meta.url) });
  await t.rejects(broken, { code: 'APP_INVALID' });
  await t.rejects(createTestCluster({ app: appFile, ports: [25_000, 25_003] }), { code: 'PORT_TAKEN' });
});

t.test('[D31] clusters side by side take other ports, and only those that they were given', async (t) => {
  const options = { app: appFile, hosts: 1, chains: 1, ports: [25_968, 25_999] } as const;
  const [one, other] = await Promise.all([createTestCluster(options), createTestCluster(options)]);
  t.teardown(() => Promise.all([one.close(), other.close()]));
  t.same([one.url, other.url].sort(), ['ws://127.0.0.1:25968', 'ws://127.0.0.1:25984']);
  await t.rejects(createTestCluster(options), { code: 'PORT_TAKEN', message: /from 25968 to 25999/ });
  const [ada, bob] = [one.connect('ada').open('hearts/one'), other.connect('bob').open('hearts/one')];
  await ada.send('rename', { title: 'hers' });
  t.match(await untilView(bob, () => true), { title: 'hearts' });
});

const orphaned = `
  import { createTestCluster } from 'levelten/testing';
  const cluster = await createTestCluster({ app: process.argv[1], chains: 1 });
  await cluster.pause('h1');
  console.log(cluster.dir);
  setInterval(() => {}, 1000);
`;

t.test('[D31] a cluster ends with the test that started it, be it killed, and one that stands still too', async (t) => {
  const words = ['--input-type=module', '--eval', orphaned, appFile.href];
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] });
  t.teardown(() => child.kill('SIGKILL'));
  const [dir] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  const pids = pidsIn(dir);
  t.equal(pids.length, 4);
  // First the one that would start the others again.
  const all = [...childrenOf(child.pid ?? 0), ...pids];
  child.kill('SIGKILL');
  await untilGone(all).catch((error) => {
    for (const pid of all) signal(pid, 'SIGKILL');
    throw error;
  });
  t.same(all.filter(isAlive), []);
  t.ok(await isRemoved(dir));
});

/** The process that kept the cluster removes its folder when all others are gone. */
function isRemoved(dir: string): Promise<boolean> {
  return new Promise((resolve) => {
    const end = (): void => {
      watcher.close();
      clearTimeout(last);
      resolve(!existsSync(dir));
    };
    const watcher = watch(dirname(dir), () => {
      if (!existsSync(dir)) end();
    });
    const last = setTimeout(end, removedMsMax);
    // It may have gone before anybody watched.
    if (!existsSync(dir)) end();
  });
}

/** Of the processes that were told this folder. */
function pidsIn(dir: string): number[] {
  const lines = execFileSync('ps', ['-axww', '-o', 'pid=,args='], { encoding: 'utf8' }).split('\n');
  return lines.flatMap((line) => (line.includes(` ${dir} `) ? [Number.parseInt(line, 10)] : []));
}
