// A child process: the host of P9, or its proxy, each composed as `levelten host` and `levelten proxy` compose it. Where it is the host, its loop
// is looked at while a load runs.
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { hostId } from '../engine/base/ids.ts';
import { hashApplication, loadApplication } from '../host/application.ts';
import { composeHost, composeProxy } from '../host/compose.ts';
import { readFolder } from '../host/folder.ts';
import type { LoopDelay } from './loop-watch.ts';
import { LoopWatch } from './loop-watch.ts';
import { answerParent } from './processes.ts';

export type HostPart = { readonly dir: string; readonly id: string; readonly file: string; readonly workers: number };
export type ProxyPart = { readonly dir: string };
export type Watched = { readonly loop: LoopDelay; readonly cpuMs: number };

const watch = new LoopWatch();
let cpu = process.cpuUsage();
const log = pino({ level: 'error' });

answerParent({
  host: async ({ dir, id, file, workers: count }: HostPart): Promise<void> => {
    const [folder, app, appHash] = await Promise.all([readFolder(dir), loadApplication(file), hashApplication(file)]);
    const fatal = (cause: unknown): void => {
      throw cause;
    };
    endWith(await composeHost({ folder, id: hostId(id), app, appHash, workers: { count, file }, log, fatal }));
  },
  proxy: async ({ dir }: ProxyPart): Promise<void> => {
    const distFolder = fileURLToPath(new URL('..', import.meta.url));
    endWith(await composeProxy({ folder: await readFolder(dir), log, pageFolder: undefined, distFolder }));
  },
  watch: async (): Promise<void> => {
    cpu = process.cpuUsage();
    watch.begin();
  },
  /** Since `watch`: of all threads together, and of the loop. */
  watched: async (): Promise<Watched> => {
    const { user, system } = process.cpuUsage(cpu);
    return { loop: watch.end(), cpuMs: (user + system) / 1_000 };
  },
});

function endWith({ close }: { readonly close: () => Promise<void> }): void {
  process.once('SIGTERM', () => void close().then(() => process.exit(0)));
}
