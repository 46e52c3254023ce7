// Other code for a cluster that runs, as an operator deploys it: under load, host by host; and what a host runs that is started afterwards.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Test } from 'tap';
import t from 'tap';
import { Cluster, startCluster } from '../../bench/cluster.ts';
import { onStage } from '../../bench/processes.ts';
import { whyNotWhole } from '../../bench/status.ts';
import { hashApplication } from '../../host/application.ts';
import { untilStatus } from '../../host/cli/admin-client.ts';
import { readFolder } from '../../host/folder.ts';
import type { Client, OpenDocument } from '../../proxy/client/node.ts';
import { connect } from '../../proxy/client/node.ts';
import { runCommand, untilView } from './kit.ts';

const fileOf = (number: number): string => fileURLToPath(new URL(`counter-${number}.js`, import.meta.url));
const names = Array.from({ length: 12 }, (_, at) => `counter/c${at}`);
const wholeMsMax = 60_000;

type View = { readonly value?: number; readonly name?: string };
type Busy = { readonly document: OpenDocument<View>; readonly statuses: string[]; answered: number };

/** One more add as soon as the last is answered. */
async function count(busy: Busy, isOver: () => boolean): Promise<void> {
  while (!isOver()) {
    await busy.document.send('add', { by: 1 });
    busy.answered += 1;
  }
}

async function live(client: Client): Promise<{ all: Busy[]; end: () => Promise<void> }> {
  const all = names.map((name): Busy => ({ document: client.open<View>(name), statuses: [], answered: 0 }));
  for (const busy of all) {
    await busy.document.send('add', { by: 0 });
    busy.document.onStatus((status) => busy.statuses.push(status));
  }
  let isOver = false;
  const counting = Promise.all(all.map((busy) => count(busy, () => isOver)));
  const end = async (): Promise<void> => {
    isOver = true;
    await counting;
  };
  return { all, end };
}

async function run(
  cluster: Cluster,
  ...words: string[]
): Promise<{ code: number | null; said: Record<string, unknown>; text: string }> {
  const { code, out, err } = await runCommand(...words, '--json', '--dir', cluster.dir);
  return { code, said: JSON.parse(out === '' ? '{}' : out), text: err };
}

/** Every host and chain is there; and so are the hashes of what hosts run. */
async function untilWhole({ dir }: Cluster): Promise<(string | undefined)[]> {
  const folder = await readFolder(dir);
  const { status, isReached } = await untilStatus(
    folder,
    wholeMsMax,
    (one) => whyNotWhole(one as never, 8, 3) === undefined,
  );
  if (!isReached) throw new Error(`not whole: ${whyNotWhole(status as never, 8, 3)}`);
  return status.hosts.map((one) => (one.status as { appHash?: string } | null)?.appHash);
}

async function rolls(t: Test, words: readonly string[]): Promise<void> {
  await onStage(async (stage) => {
    const cluster = await startCluster(stage, fileOf(1), words);
    const client = connect(cluster.ready.proxy, { as: 'ada' });
    stage.onRelease(() => client.close());
    const { all, end } = await live(client);
    const refused = await run(cluster, 'deploy', '--app', fileOf(3));
    t.match(refused, { code: 1, said: { verdict: 'forbidden', hosts: [], error: { code: 'DEPLOY_REFUSED' } } });
    const before = all.map(({ answered }) => answered);
    const { code, said, text } = await run(cluster, 'deploy', '--app', fileOf(2));
    t.equal(code, 0, text);
    t.match(said, { verdict: 'allowed', spaces: [{ space: 'counter', versionBefore: 1, versionAfter: 2 }] });
    const hosts = said['hosts'] as readonly { host: string; documents: number }[];
    t.same(
      hosts.map(({ host }) => host),
      ['h1', 'h2', 'h3'],
    );
    t.equal(
      hosts.reduce((sum, { documents }) => sum + documents, 0),
      names.length,
      'each document changed once',
    );
    await Promise.all(all.map(({ document }) => document.send('name', { text: 'new' })));
    await end();
    for (const [at, { document, statuses, answered }] of all.entries()) {
      t.same(document.view, { value: answered, name: 'new' }, `${names[at]}: every answer, once`);
      t.ok(answered > (before[at] ?? 0), 'it went on');
      t.same(statuses, [], 'and was never away');
    }
    const appHash = await hashApplication(fileOf(2));
    t.same(await untilWhole(cluster), [appHash, appHash, appHash]);
    t.match((await run(cluster, 'deploy', '--app', fileOf(2))).said, {
      hosts: [{ documents: 0, text: 'runs it already' }, {}, {}],
    });
    const started = cluster.next('h2', 'started');
    cluster.kill('h2');
    await started;
    t.same(await untilWhole(cluster), [appHash, appHash, appHash], 'h2 was started again, and runs it');
    await Promise.all(all.map(({ document }) => document.send('name', { text: 'newer' })));
    t.same(cluster.unexpected, []);
  });
}

t.test('[D42] [D40] other code rolls over three hosts under load, and nobody is sent away', (t) => rolls(t, []));
t.test('[D42] [D29] the same where documents run in threads', (t) => rolls(t, ['--workers', '1']));

t.test(
  '[D42] a dry run counts and writes nothing; what fails is named; a start runs what was deployed, or what it is given',
  async (t) => {
    await onStage(async (stage) => {
      const first = await startCluster(stage, fileOf(1));
      const client = connect(first.ready.proxy, { as: 'ada' });
      for (const [at, name] of names.entries()) await client.open(name).send('add', { by: at === 1 ? 13 : 1 });
      const dry = await run(first, 'migrate', '--dry-run', '--app', fileOf(2));
      t.match(dry, { code: 1, said: { spaces: { counter: { current: 0, migrated: 11, failed: 1 } }, failed: 1 } });
      t.match(dry.said['failures'], [{ name: 'counter/c1', text: /13 is not brought anywhere/ }]);
      t.match(await run(first, 'migrate', '--dry-run', '--app', fileOf(2), '--space', 'other'), {
        code: 0,
        said: { spaces: {} },
      });
      t.match(await run(first, 'migrate', '--app', fileOf(2)), { code: 1, said: { error: { code: 'CLI_USAGE' } } });
      const { said } = await run(first, 'history', 'counter/c0', '--max', '1');
      t.match(said['lines'], [{ kind: 'send' }], 'nothing was written');

      const started = first.next('h3', 'started');
      first.takeDown('h3');
      const partly = await run(first, 'deploy', '--app', fileOf(2));
      t.match(partly, { code: 1, said: { hosts: [{}, {}, { host: 'h3', documents: null, text: 'does not run' }] } });
      first.bringBack();
      await started;
      const appHash = await hashApplication(fileOf(2));
      t.same(await untilWhole(first), [appHash, appHash, appHash], 'who was not there comes back with it');
      t.equal((await run(first, 'deploy', '--app', fileOf(2))).code, 0);
      await untilView(client.open<View>('counter/c0'), (view) => view.name === 'was at 1');
      t.equal(client.open('counter/c1').status, 'waiting', 'what failed waits for other code');
      t.match((await run(first, 'deploy', '--app', fileOf(3))).said, {
        verdict: 'forbidden',
        error: { code: 'DEPLOY_REFUSED' },
      });
      t.match((await run(first, 'deploy', '--app', fileOf(3), '--breaking')).said, { verdict: 'forbidden' });
      client.close();
      await first.end();

      const portBase = Number(new URL(first.ready.proxy).port);
      const again = await Cluster.start({ dir: first.dir, portBase, appFile: fileOf(1) });
      const get = async (cluster: Cluster): Promise<unknown> =>
        (await run(cluster, 'get', 'counter/c0', '--as', 'bob', '--wait', '3')).said;
      t.match(await get(again), { view: { value: 1, name: 'was at 1' } }, 'the --app beside which it was deployed');
      await again.end();
      const other = await Cluster.start({ dir: first.dir, portBase });
      t.match(await get(other), { error: { code: 'SPACE_UNKNOWN' } }, 'another one is meant');
      t.notOk(existsSync(join(first.dir, 'deployed.json')));
      await other.end();
    });
  },
);
