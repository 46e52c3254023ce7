// The process that keeps a test's cluster: to a test it is what `levelten up` is to people. It does what its parent asks, and when the parent is gone it
// ends everything that it started and removes the folder. Ctrl-C reaches it too, as a process of the same terminal: what that means is the parent's to say.
import { mkdtempSync, rmSync } from 'node:fs';
import type { Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CodedError } from '../../engine/base/errors.ts';
import { hashApplication, loadApplication } from '../application.ts';
import type { Status } from '../cli/admin-client.ts';
import { readStatus } from '../cli/admin-client.ts';
import type { Keeper, KeeperEvent } from '../cli/keeper.ts';
import { checkPorts, holdPort, isReady, keepersOf, readyPollMs } from '../cli/local.ts';
import { describe } from '../cli/status.ts';
import type { Folder } from '../folder.ts';
import { planCluster, prepareFolder } from '../folder.ts';
import type { Answered, Asked, Question, Started, StartRequest } from './cluster-wire.ts';

/** Clusters of tests take whole ranges, beginning at multiples of this, so that two never share a part of one. */
const rangePorts = 16;
const replication = 3;
const address = '127.0.0.1';

const dir = mkdtempSync(join(tmpdir(), 'levelten-test-'));
/** What exited without having been told to. */
const exits: string[] = [];
let keepers: readonly Keeper[] = [];
let folder: Folder | undefined;
let readyMs = 0;
let isEnding = false;
/** By name, for those who wait until it runs again. */
const onStarted = new Map<string, () => void>();

process.on('message', (asked: Asked) => void answer(asked));
process.once('disconnect', endAtOnce);
process.on('SIGTERM', endAtOnce);
process.on('SIGHUP', endAtOnce);
process.on('SIGINT', () => {});
// However it ends: one that stands still would not notice that its parent is gone.
process.on('exit', () => {
  for (const keeper of keepers) keeper.signal('SIGKILL');
  rmSync(dir, { recursive: true, force: true, maxRetries: 3 });
});

async function answer({ id, question }: Asked): Promise<void> {
  let answered: Answered;
  try {
    answered = { id, value: (await act(question)) ?? null };
  } catch (error) {
    if (error instanceof CodedError) answered = { id, code: error.code, text: error.message };
    else answered = { id, code: '', text: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
  if (process.connected) process.send?.(answered);
}

async function act(question: Question): Promise<unknown> {
  switch (question.ask) {
    case 'start':
      return start(question.request);
    case 'crash':
      return keeperOf(question.node).end('SIGKILL');
    case 'restart':
      return restart(keeperOf(question.node));
    case 'pause':
      return keeperOf(question.node).signal('SIGSTOP');
    case 'resume':
      return keeperOf(question.node).signal('SIGCONT');
    case 'ready':
      return untilWhole(performance.now() + readyMs);
    case 'close':
      return close();
  }
}

async function start(request: StartRequest): Promise<Started> {
  readyMs = request.readyMs;
  const until = performance.now() + readyMs;
  await loadApplication(request.app);
  const appHash = await hashApplication(request.app);
  folder = await makeFolder(request, appHash);
  if (isEnding) throw new Error('it is ending');
  keepers = keepersOf(folder, { file: request.app, page: request.page, workers: 0 }, onEvent);
  for (const keeper of keepers) keeper.start();
  await untilWhole(until);
  return { url: `ws://${folder.cluster.proxy.address}`, dir, nodes: keepers.map(({ name }) => name) };
}

/** On ports that are free, and that stay so for this cluster as long as this process lives. */
async function makeFolder({ hosts, chains, ports }: StartRequest, appHash: string): Promise<Folder> {
  const [first, last] = ports;
  const size = Math.ceil((hosts + 3) / rangePorts) * rangePorts;
  const from = Math.ceil(first / size) * size;
  const ranges = Math.max(0, Math.floor((last + 1 - from) / size));
  // Not always the same ones at first: several clusters start at once where tests run side by side.
  const begin = Math.floor(Math.random() * ranges);
  for (let tries = 0; tries < ranges; tries += 1) {
    const portBase = from + ((begin + tries) % ranges) * size;
    const options = { dir, portBase, hosts, chains, replication };
    const held: Server[] = [];
    try {
      // Taken for good, by whoever comes first: the others may be free for a moment while a host restarts.
      held.push(await holdPort(address, portBase + size - 1));
      await checkPorts(await planCluster(options, appHash));
    } catch (error) {
      for (const server of held) server.close();
      if (error instanceof CodedError && error.code === 'PORT_TAKEN') continue;
      throw error;
    }
    return prepareFolder(options, appHash);
  }
  throw new CodedError(
    'PORT_TAKEN',
    `no ${hosts + 3} ports in a row are free from ${first} to ${last}: give other \`ports\``,
  );
}

function onEvent({ name, what, text }: KeeperEvent): void {
  if (what === 'started') onStarted.get(name)?.();
  else if (!isEnding) exits.push(`${name} ${text}`);
}

function keeperOf(node: string): Keeper {
  const keeper = keepers.find(({ name }) => name === node);
  if (keeper !== undefined) return keeper;
  throw new CodedError('HOST_OPTIONS', `there is no ${node}: there are ${keepers.map(({ name }) => name).join(', ')}`);
}

async function restart(keeper: Keeper): Promise<void> {
  // One that stands still ends after it goes on.
  keeper.signal('SIGCONT');
  await keeper.end();
  let late: NodeJS.Timeout | undefined;
  await new Promise<void>((done, reject) => {
    onStarted.set(keeper.name, done);
    late = setTimeout(() => {
      const why = exits.filter((text) => text.startsWith(`${keeper.name} `)).at(-1) ?? 'it says nothing';
      reject(
        new CodedError('CHAIN_NOT_SERVING', `${keeper.name} does not run ${readyMs} ms after it was started: ${why}`),
      );
    }, readyMs);
    keeper.start();
  }).finally(() => {
    clearTimeout(late);
    onStarted.delete(keeper.name);
  });
}

async function untilWhole(until: number): Promise<void> {
  for (;;) {
    if (folder === undefined) throw new Error('it was not started');
    const status = await readStatus(folder).catch(() => undefined);
    if (status !== undefined && isWhole(status, folder) && (await isReady(folder))) return;
    if (performance.now() > until) {
      const said = status === undefined ? 'nothing answers' : describe(status);
      const ended = exits.map((text) => `! ${text}`);
      throw new CodedError(
        'CHAIN_NOT_SERVING',
        [`not every chain is whole after ${readyMs} ms:`, ...ended, said].join('\n'),
      );
    }
    await sleep(readyPollMs);
  }
}

function isWhole({ chains }: Status, { cluster }: Folder): boolean {
  const isWholeChain = ({ serving, phase, members }: Status['chains'][number]): boolean => {
    const there = members.filter(({ role, state }) => role === 'serving' && state === 'serving');
    return serving && phase === 'active' && there.length === cluster.replication && members.length === there.length;
  };
  return chains.length === cluster.chains && chains.every(isWholeChain);
}

/** As `up` ends: each process closes its store, and may write what it knows of its coverage. */
async function close(): Promise<readonly string[]> {
  isEnding = true;
  for (const keeper of keepers) keeper.signal('SIGCONT');
  await Promise.all(keepers.map((keeper) => keeper.end()));
  rmSync(dir, { recursive: true, force: true, maxRetries: 3 });
  return exits;
}

function endAtOnce(): void {
  isEnding = true;
  void Promise.all(keepers.map((keeper) => keeper.end('SIGKILL'))).then(() => process.exit(0));
}
