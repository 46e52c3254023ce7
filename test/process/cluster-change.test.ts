// Clusters that lose hosts, disks and members, and operators who help: processes, real disks, real clients. A host that is to
// stay dead is stopped (SIGSTOP), since `up` starts one again that ends.
import { readdirSync, rmSync } from 'node:fs';
import t from 'tap';
import type { Cluster } from '../../bench/cluster.ts';
import { startCluster } from '../../bench/cluster.ts';
import type { Stage } from '../../bench/processes.ts';
import { onStage } from '../../bench/processes.ts';
import { placeDocument } from '../../chain/placement.ts';
import type { Status } from '../../host/cli/admin-client.ts';
import { untilStatus } from '../../host/cli/admin-client.ts';
import { hostDir, readFolder, storeDir } from '../../host/folder.ts';
import type { Client } from '../../proxy/client/node.ts';
import { connect } from '../../proxy/client/node.ts';
import { runCommand, untilView } from './kit.ts';

type Board = { text?: string };

t.test('[H5] with one host of three dead all chains go on, with two none, and then all again', async (t) => {
  await onStage(async (stage) => {
    const cluster = await startCluster(stage);
    const boards = openBoards(stage, cluster);
    await writeAll(boards, 'three');
    const wake = stop(stage, cluster, 'h1');
    const began = performance.now();
    await writeAll(boards, 'two');
    t.comment(`all chains wrote ${Math.round(performance.now() - began)} ms after a host fell silent`);
    const dead = await until(cluster, ({ hosts }) => stateOf(hosts, 'h1') === 'dead');
    for (const { chain, serving, members } of dead.chains) {
      t.ok(serving && members.length === 2 && !members.some(({ host }) => host === 'h1'), `chain ${chain} is of two`);
    }
    const wakeOther = stop(stage, cluster, 'h2');
    const waiting = await until(cluster, ({ chains }) => chains.every(({ serving }) => !serving));
    for (const { reason } of waiting.chains) t.match(reason, /no quorum: of 3 voters 1 are there \(h3\)/);
    const text = (await runCommand('status', '--dir', cluster.dir)).out;
    t.match(text, /! chains 0, 1, 2, 3, 4, 5, 6, 7 waiting: no quorum/, 'one line for all of them');
    const forced = await runCommand('force-config', ...words('0', 'h3', '0:1'), '--dir', cluster.dir);
    t.match(forced.err, /HOST_OPTIONS: no quorum: .* nobody can change a chain/);
    const late = writeAll(boards, 'three again');
    wake();
    wakeOther();
    await late;
    const whole = await until(cluster, (status) => isWhole(status, 3));
    t.ok(whole.hosts.every(({ state }) => state === 'live'));
  });
});

t.test('[H6] [H8] a host that lost its disk is refilled, and votes again', async (t) => {
  await onStage(async (stage) => {
    const cluster = await startCluster(stage);
    const boards = openBoards(stage, cluster);
    await writeAll(boards, 'before');
    const exited = cluster.next('h3', 'exited');
    const started = cluster.next('h3', 'started');
    process.kill(cluster.pidOf('h3'), 'SIGKILL');
    await exited;
    rmSync(storeDir(cluster.dir, 'h3'), { recursive: true });
    const began = performance.now();
    await started;
    const back = await until(cluster, (status) => isWhole(status, 3));
    t.comment(`h3 was in all chains ${Math.round(performance.now() - began)} ms after its disk was lost`);
    t.equal(back.hosts.length, 3);
    // It asks for its place itself: over a joint list to the one with its new store.
    const voting = await until(cluster, ({ voters }) => voters?.generation === 3);
    t.ok(voting.hosts.every(({ voter }) => voter === 'yes'));
    t.match(readdirSync(hostDir(cluster.dir, 'h3')), ['aside-1'], 'what it remembered of the store is kept');
    const again = await runCommand('replace-voter', 'h3', 'h3', '--dir', cluster.dir);
    t.match(again.err, /HOST_OPTIONS: h3 is that voter/);
    // It takes the new voter and the new disk to outlive another host.
    stop(stage, cluster, 'h2');
    await writeAll(boards, 'after');
    const without = await until(cluster, ({ chains }) => chains.every(({ members }) => members.length === 2));
    t.ok(without.chains.every(({ serving }) => serving));
  });
});

t.test('[H7] where too few members are left, an operator can have the chain go on, and not by accident', async (t) => {
  await onStage(async (stage) => {
    const cluster = await startCluster(stage, undefined, ['--hosts', '5', '--chains', '1']);
    const at = ['--dir', cluster.dir];
    const boards = openBoards(stage, cluster, 1);
    await writeAll(boards, 'kept');
    const [chain] = (await until(cluster, ({ chains }) => chains[0]?.serving === true)).chains;
    const [head = '', ...others] = chain?.members.map(({ host }) => host) ?? [];
    const spares = ['h1', 'h2', 'h3', 'h4', 'h5'].filter((host) => host !== head && !others.includes(host));
    t.equal(spares.length, 2, 'two hosts have no part in the chain');
    // Nobody is to take the places of the dead.
    for (const spare of spares) t.equal((await runCommand('drain', spare, ...at)).code, 0);
    t.match((await runCommand('force-config', ...words('0', head, '0:1'), ...at)).err, /chain 0 serves/);
    const wakes = others.map((host) => stop(stage, cluster, host));
    const waiting = await until(cluster, ({ chains }) => /^only 1 of at least 2 /.test(chains[0]?.reason ?? ''));
    t.equal(waiting.chains[0]?.state, 'waiting');
    const epoch = waiting.chains[0]?.epoch ?? 0;
    const refusals: [RegExp, string[]][] = [
      [/CLI_USAGE: .* --yes-lose 0:\d+/, words('0', head)],
      [/CLI_USAGE: --yes-lose 0 is not what is to be lost/, words('0', head, '0')],
      [/CLI_USAGE: --yes-lose 0:0 is not/, words('0', head, '0:0')],
      [/CLI_USAGE: --yes-lose 0:999 is not/, words('0', head, '0:999')],
      [/CLI_USAGE: --yes-lose 1:1 is not/, words('0', head, `1:${epoch}`)],
      [/CLI_USAGE: --accept is missing/, words('0', head, `0:${epoch}`).slice(0, 4)],
      [/CLI_USAGE: there is no host h9/, words('0', 'h9', `0:${epoch}`)],
      [/HOST_OPTIONS: members are there/, words('0', others[0] ?? '', `0:${epoch}`)],
    ];
    for (const [message, said] of refusals) t.match((await runCommand('force-config', ...said, ...at)).err, message);
    const forced = await runCommand('force-config', ...words('0', head, `0:${epoch}`), ...at);
    t.equal(forced.code, 0, forced.err);
    t.match(forced.out, new RegExp(`chain 0 serves in epoch \\d+: ${head};`));
    await writeAll(boards, 'alone');
    t.match((await runCommand('log', '--host', head, ...at)).out, new RegExp(`${head}, accepting: what is not there`));
    for (const wake of wakes) wake();
    await until(cluster, (status) => isWhole(status, 3));
    await writeAll(boards, 'whole');
  });
});

t.test('[H9] a drained host leaves all chains while they are written to, and comes back', async (t) => {
  await onStage(async (stage) => {
    const cluster = await startCluster(stage);
    const boards = openBoards(stage, cluster);
    await writeAll(boards, 'before');
    let isDrained = false;
    const load = (async () => {
      for (let count = 0; !isDrained; count += 1) await writeAll(boards, `${count}`);
    })();
    const drained = await runCommand('drain', 'h2', '--json', '--wait', '30', '--dir', cluster.dir);
    isDrained = true;
    await load;
    t.same(JSON.parse(drained.out), { host: 'h2', isLeaving: true, chains: [] });
    t.equal(drained.code, 0);
    const { hosts, chains } = await until(cluster, ({ chains }) => chains.every(({ serving }) => serving));
    t.match(
      hosts.find(({ host }) => host === 'h2'),
      { state: 'leaving', heads: 0, chains: 0 },
    );
    t.notOk(chains.some(({ head }) => head === 'h2'));
    await writeAll(boards, 'without');
    await runCommand('undrain', 'h2', '--dir', cluster.dir);
    await until(cluster, (status) => isWhole(status, 3));
    await writeAll(boards, 'with');
    t.match((await runCommand('drain', 'h9', '--dir', cluster.dir)).err, /CLI_USAGE: there is no host h9/);
  });
});

type Boards = { readonly client: Client; readonly names: readonly string[] };

/** A document of each chain. */
function openBoards(stage: Stage, { ready }: Cluster, chains = 8): Boards {
  const client = connect(ready.proxy, { as: 'alice' });
  stage.onRelease(() => client.close());
  const names: string[] = [];
  for (let count = 0; names.filter((name) => name !== undefined).length < chains; count += 1) {
    const name = `board/b${count}`;
    names[placeDocument(name, chains)] ??= name;
  }
  return { client, names };
}

async function writeAll({ client, names }: Boards, text: string): Promise<void> {
  const written = names.map(async (name) => {
    const document = client.open<Board>(name);
    await document.send('write', { text });
    await untilView(document, (view) => view.text === text);
  });
  await Promise.all(written);
}

/** A host that says nothing any more; what comes back wakes it. */
function stop(stage: Stage, cluster: Cluster, host: string): () => void {
  const pid = cluster.pidOf(host);
  const wake = (): void => void process.kill(pid, 'SIGCONT');
  process.kill(pid, 'SIGSTOP');
  stage.onRelease(wake);
  return wake;
}

const waitMsMax = 20_000;

async function until(cluster: Cluster, holds: (status: Status) => boolean): Promise<Status> {
  const { status, isReached } = await untilStatus(await readFolder(cluster.dir), waitMsMax, holds);
  if (!isReached) throw new Error(`it does not come to that: ${JSON.stringify(status.chains)}`);
  return status;
}

function isWhole({ chains }: Status, replication: number): boolean {
  return chains.every(({ serving, members }) => {
    return serving && members.length === replication && members.every(({ state }) => state === 'serving');
  });
}

function stateOf(hosts: Status['hosts'], id: string): string | undefined {
  return hosts.find(({ host }) => host === id)?.state;
}

function words(chain: string, members: string, yes?: string): string[] {
  const confirmed = yes === undefined ? [] : ['--yes-lose', yes];
  return ['--chain', chain, '--members', members, '--accept', 'what is not there', ...confirmed];
}
