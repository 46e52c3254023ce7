// `levelten up`: a cluster on this machine. Hosts and a proxy are processes of their own; one that exits is started again,
// after a pause that doubles while it keeps failing. Told to end, it ends every process that it started.
import { resolve } from 'node:path';
import { historyMax } from '../../engine/base/limits.ts';
import { hashApplication, loadApplication } from '../application.ts';
import { deployedBeside, forgetOthers } from '../code.ts';
import type { Folder } from '../folder.ts';
import { holdFolder, hostDir, planCluster, prepareFolder } from '../folder.ts';
import type { Arguments } from './arguments.ts';
import { applicationOf, numberOf, workersOf } from './arguments.ts';
import type { Keeper, KeeperEvent } from './keeper.ts';
import type { Served } from './local.ts';
import { checkPorts, isReady, keepersOf, readyPollMs } from './local.ts';
import { table } from './table.ts';

export async function upCommand(args: Arguments): Promise<void> {
  const say = sayer(args.json);
  const { file: given, page } = applicationOf(args);
  // What was deployed since beside this one.
  const file = (await deployedBeside(resolve(args.dir), given))?.file ?? given;
  await loadApplication(file);
  const appHash = await hashApplication(file);
  const workers = workersOf(args);
  const options = {
    dir: args.dir,
    portBase: numberOf(args['port-base'], 'port-base', 1_024, 65_000),
    hosts: numberOf(args.hosts ?? '3', 'hosts', 1, 64),
    chains: numberOf(args.chains ?? '8', 'chains', 1, 4_096),
    replication: 3,
    ...(args.history === undefined ? {} : { history: numberOf(args.history, 'history', 1, historyMax) }),
  };
  // Nothing is written where this cluster cannot be the one that runs here.
  await holdFolder(args.dir);
  await checkPorts(await planCluster(options, appHash));
  const folder = await prepareFolder(options, appHash);
  await forgetOthers(folder.dir, given);
  const keepers = keep(folder, { file: given, page, workers }, say);
  const ended = endOnSignals(keepers, say);
  say(`levelten: ${folder.cluster.hosts.length} hosts and a proxy start in ${folder.dir}`);
  for (const keeper of keepers) keeper.start();
  await Promise.race([ended, untilReady(folder, keepers, say)]);
  if (!keepers.some((keeper) => keeper.isEnding)) say.ready(folder, keepers);
  await ended;
  say('levelten: everything has ended');
}

type Sayer = ((text: string) => void) & {
  ready: (folder: Folder, keepers: readonly Keeper[]) => void;
  event: (event: object) => void;
};

/** With --json, one line when ready and one for each event after it; otherwise prose. */
function sayer(isJson: boolean): Sayer {
  const line = (text: string): void => void process.stdout.write(`${text}\n`);
  const say = (text: string): void => {
    if (!isJson) line(text);
  };
  const event = (what: object): void => {
    if (isJson) line(JSON.stringify(what));
  };
  const ready = (folder: Folder, keepers: readonly Keeper[]): void => {
    line(isJson ? JSON.stringify(readyLine(folder, keepers)) : readyText(folder, keepers));
  };
  return Object.assign(say, { ready, event });
}

function readyLine({ cluster, dir }: Folder, keepers: readonly Keeper[]): object {
  const hosts = cluster.hosts.map(({ id, address }) => {
    return { id, pid: keepers.find((keeper) => keeper.name === id)?.pid, dir: hostDir(dir, id), address };
  });
  const { address, admin } = cluster.proxy;
  const proxyPid = keepers.find((keeper) => keeper.name === 'proxy')?.pid;
  return {
    ready: true,
    proxy: `ws://${address}`,
    page: `http://${address}/`,
    admin: `http://${admin}`,
    proxyPid,
    hosts,
  };
}

function readyText({ cluster, dir }: Folder, keepers: readonly Keeper[]): string {
  const rows = keepers.map((keeper) => {
    const address = cluster.hosts.find(({ id }) => id === keeper.name)?.address ?? cluster.proxy.address;
    return [keeper.name, keeper.name === 'proxy' ? 'proxy' : 'host', address, keeper.state, `${keeper.pid ?? '-'}`];
  });
  const page = `http://${cluster.proxy.address}/`;
  const at = dir === resolve('.levelten') ? '' : ` --dir ${dir}`;
  return [
    '',
    table(['node', 'role', 'address', 'state', 'pid'], rows),
    '',
    `${cluster.chains} chains serve. An answer means: synced on the disks of ${cluster.replication} hosts.`,
    '',
    `  the page     ${page}`,
    `  a message    npx --no-install levelten call board/main write '{"text":"hello"}' --as alice${at}`,
    `  the chains   npx --no-install levelten status${at}`,
    '',
    'Ctrl-C ends everything; starting again finds everything again.',
  ].join('\n');
}

function keep(folder: Folder, served: Served, say: Sayer): Keeper[] {
  return keepersOf(folder, served, (event: KeeperEvent): void => {
    say(`levelten: ${event.name} ${event.text}`);
    say.event(event);
  });
}

async function untilReady(folder: Folder, keepers: readonly Keeper[], say: Sayer): Promise<void> {
  await Promise.all(keepers.map((keeper) => keeper.started));
  say('levelten: all processes run; each chain agrees on who is in it and what its log holds, and starts');
  for (;;) {
    if ((await isReady(folder)) || keepers.some((keeper) => keeper.isEnding)) return;
    await new Promise((done) => setTimeout(done, readyPollMs));
  }
}

function endOnSignals(keepers: readonly Keeper[], say: Sayer): Promise<void> {
  return new Promise((done) => {
    let isEnding = false;
    const end = (): void => {
      if (isEnding) return;
      isEnding = true;
      say('levelten: ending');
      void Promise.all(keepers.map((keeper) => keeper.end())).then(() => done());
    };
    process.on('SIGINT', end);
    process.on('SIGTERM', end);
  });
}
