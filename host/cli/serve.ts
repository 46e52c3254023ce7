// `levelten host` and `levelten proxy`: one process of a cluster. Under `levelten up` they report over the channel to their
// parent, and end when it is gone.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { pino } from 'pino';
import { AssertionFailed } from '../../engine/base/assert.ts';
import { CodedError } from '../../engine/base/errors.ts';
import { hostId } from '../../engine/base/ids.ts';
import type { Identity } from '../../engine/store/entries.ts';
import { hashApplication, loadApplication } from '../application.ts';
import { composeHost, composeProxy } from '../compose.ts';
import { sayable } from '../document-log.ts';
import type { Folder } from '../folder.ts';
import { hostDir, readFolder } from '../folder.ts';
import { readStatus } from './admin-client.ts';
import type { Arguments } from './arguments.ts';
import { applicationOf, distFolder, required, workersOf } from './arguments.ts';

export async function hostCommand(args: Arguments): Promise<void> {
  const id = hostId(required(args.id, '--id', 'levelten host --id h1'));
  const folder = await readFolder(args.dir);
  const { file } = applicationOf(args);
  const [app, appHash] = await Promise.all([loadApplication(file), hashApplication(file)]);
  const log = await openLog(hostDir(folder.dir, id), 'host.log', { host: id });
  outliveApplication(log);
  const fatal = (cause: unknown): never => endAtOnce(log, cause);
  const isInUse = (found: Identity): Promise<boolean> => isServedElsewhere(folder, found);
  const workers = { count: workersOf(args), file };
  const host = await composeHost({ folder, id, app, appHash, workers, log, isInUse, fatal }).catch(fatal);
  log.info({ storeId: host.storeId, appHash }, 'host started');
  runUntilTold(log, host.close);
}

export async function proxyCommand(args: Arguments): Promise<void> {
  const folder = await readFolder(args.dir);
  const log = await openLog(join(folder.dir, 'proxy'), 'proxy.log', { proxy: 1 });
  const { page } = applicationOf(args);
  const proxy = await composeProxy({ folder, log, pageFolder: page, distFolder });
  runUntilTold(log, proxy.close);
}

/** Whether the host that a store belongs to runs with it now: the cluster is asked. False where nobody answers. */
async function isServedElsewhere(folder: Folder, { host, storeId, cluster }: Identity): Promise<boolean> {
  if (cluster !== folder.cluster.cluster) return false;
  const status = await readStatus(folder).catch(() => undefined);
  return status?.hosts.some((one) => one.host === host && one.status?.storeId === storeId) === true;
}

async function openLog(dir: string, name: string, base: Record<string, unknown>): Promise<Logger> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const level = process.env['LEVELTEN_LOG'] ?? 'info';
  return pino({ base, level }, pino.destination({ dest: join(dir, name), sync: true }));
}

/** E2, C19: nothing is known after a failed write or a broken rule. No handler runs, no answer leaves; the next start checks. */
function endAtOnce(log: Logger, cause: unknown): never {
  log.fatal({ err: cause }, 'this process ends');
  const text = cause instanceof CodedError ? `${cause.code}: ${cause.message}` : String(cause);
  process.stderr.write(`levelten: ${log.bindings()['host'] ?? 'the proxy'} ends: ${text}\n`);
  process.exit(70);
}

/**
 * What an application leaves behind when its handler has returned (a promise that nobody awaits, a timer that touches a dead
 * draft) fails by itself: it is logged, and changes nothing. Our own promises are all watched, and end the process (C19).
 */
function outliveApplication(log: Logger): void {
  process.on('unhandledRejection', (cause) => {
    if (cause instanceof AssertionFailed) endAtOnce(log, cause);
    log.error({ err: sayable(cause) }, 'a promise of the application failed, and nobody waited for it');
  });
}

function runUntilTold(log: Logger, close: () => Promise<void>): void {
  let isEnding = false;
  const end = (reason: string): void => {
    if (isEnding) return;
    isEnding = true;
    log.info({ reason }, 'told to end');
    close().then(
      () => process.exit(0),
      (cause: unknown) => endAtOnce(log, cause),
    );
  };
  process.on('SIGTERM', () => end('SIGTERM'));
  process.on('uncaughtException', (cause) => {
    if (!(cause instanceof CodedError && cause.code === 'HANDLER_FAILED')) endAtOnce(log, cause);
    log.error({ err: sayable(cause) }, 'the application used a draft after its handler had returned');
  });
  // A limit on the size of files is then an error of the write, as a full disk is, and not a death without a word.
  process.on('SIGXFSZ', () => {});
  // Under `up`, Ctrl-C reaches every process of the terminal: the parent ends its children in its own order.
  process.on('SIGINT', () => {
    if (process.send === undefined) end('SIGINT');
  });
  process.on('disconnect', () => end('the parent is gone'));
  process.send?.({ ready: true });
}
