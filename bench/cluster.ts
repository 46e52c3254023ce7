// A cluster of levelten as `levelten up` starts it: what a user gets, and nothing more private than that.
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { freePort, type Stage } from './processes.ts';

export type Ready = {
  readonly proxy: string;
  readonly page: string;
  readonly admin: string;
  readonly proxyPid: number;
  readonly hosts: readonly {
    readonly id: string;
    readonly pid: number;
    readonly dir: string;
    readonly address: string;
  }[];
};

/** What `up --json` says after it is ready. */
export type ClusterEvent = { readonly name: string; readonly what: 'started' | 'exited'; readonly pid?: number };

export type ClusterOptions = {
  readonly dir: string;
  readonly portBase: number;
  readonly appFile?: string;
  readonly words?: readonly string[];
};

const mainFile = fileURLToPath(new URL('../host/cli/main.js', import.meta.url));
const readyMsMax = 30_000;
const portTriesMax = 5;

export class Cluster {
  readonly ready: Ready;
  readonly dir: string;
  readonly #up: ChildProcess;
  readonly #ended: Promise<number | null>;
  readonly #listeners = new Set<(event: ClusterEvent) => void>();
  readonly #pids = new Map<string, number>();

  private constructor(up: ChildProcess, ended: Promise<number | null>, dir: string, ready: Ready) {
    this.#up = up;
    this.#ended = ended;
    this.dir = dir;
    this.ready = ready;
    for (const { id, pid } of ready.hosts) this.#pids.set(id, pid);
    this.#pids.set('proxy', ready.proxyPid);
  }

  /** Resolves when every chain serves; rejects with what `up` said where it ends before. */
  static async start(options: ClusterOptions): Promise<Cluster> {
    const { dir, portBase, appFile, words = [] } = options;
    const app = appFile === undefined ? [] : ['--app', appFile];
    const args = [mainFile, 'up', '--json', '--dir', dir, '--port-base', `${portBase}`, ...app, ...words];
    const up = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    const ended = new Promise<number | null>((done) => up.once('exit', done));
    const said: string[] = [];
    up.stderr?.on('data', (data) => said.push(String(data)));
    return new Promise((done, reject) => {
      const late = setTimeout(
        () => reject(new Error(`the cluster was not ready in time: ${said.join('')}`)),
        readyMsMax,
      );
      let cluster: Cluster | undefined;
      void ended.then(() => reject(new Error(`the cluster ended before it was ready: ${said.join('')}`)));
      createInterface({ input: up.stdout as NodeJS.ReadableStream }).on('line', (line) => {
        said.push(line);
        const message = JSON.parse(line) as (Ready & { readonly ready: true }) | (ClusterEvent & { ready?: undefined });
        if (message.ready === undefined) return cluster?.tell(message);
        clearTimeout(late);
        cluster = new Cluster(up, ended, dir, message);
        done(cluster);
      });
    });
  }

  /** The process of a host, or of `proxy`, as it runs now. */
  pidOf(name: string): number {
    const pid = this.#pids.get(name);
    if (pid === undefined) throw new Error(`${name} does not run`);
    return pid;
  }

  /** Resolves with the next event of this kind. */
  next(name: string, what: ClusterEvent['what']): Promise<ClusterEvent> {
    return new Promise((done) => {
      const listener = (event: ClusterEvent): void => {
        if (event.name !== name || event.what !== what) return;
        this.#listeners.delete(listener);
        done(event);
      };
      this.#listeners.add(listener);
    });
  }

  /** SIGKILL to every process of the cluster, the one that restarts the others first. */
  async killAll(): Promise<void> {
    this.#up.kill('SIGKILL');
    for (const pid of this.#pids.values()) kill(pid);
    await this.#ended;
    for (const pid of this.#pids.values()) await gone(pid);
  }

  /** SIGTERM, as Ctrl-C would; resolves with the exit code when every process has ended. */
  async end(): Promise<number | null> {
    this.#up.kill('SIGTERM');
    const code = await this.#ended;
    for (const pid of this.#pids.values()) await gone(pid);
    return code;
  }

  tell(event: ClusterEvent): void {
    if (event.what === 'started' && event.pid !== undefined) this.#pids.set(event.name, event.pid);
    for (const listener of [...this.#listeners]) listener(event);
  }
}

/** A cluster on free ports in a folder of the stage, ended with it. */
export async function startCluster(stage: Stage, appFile?: string, words: readonly string[] = []): Promise<Cluster> {
  const app = appFile === undefined ? {} : { appFile };
  for (let tries = 1; ; tries += 1) {
    const portBase = Math.min(await freePort(), 60_000);
    try {
      const cluster = await Cluster.start({ dir: stage.folder(), portBase, words, ...app });
      stage.onRelease(() => cluster.end());
      return cluster;
    } catch (error) {
      // One port was free; the ones behind it may be somebody's connection just now.
      if (tries === portTriesMax || !String(error).includes('PORT_TAKEN')) throw error;
    }
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  try {
    // An orphan that ended and is not reaped yet holds neither ports nor files.
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return true;
  }
}

async function gone(pid: number): Promise<void> {
  for (let tries = 0; isAlive(pid); tries += 1) {
    if (tries > 1_000) throw new Error(`process ${pid} does not end`);
    await new Promise((done) => setTimeout(done, 5));
  }
}
