// A cluster of levelten as `levelten up` starts it: what a user gets, and nothing more private than that. And the ways in
// which it is hurt here, which are all signals:
//
//   all      SIGKILL to every process; `up`, held still before, starts none that would be missed
//   kill     SIGKILL to one host; `up` starts it again by itself, after its usual pause
//   stay     the same, with `up` held still (SIGSTOP) before: the host stays dead until `up` may go on, sees the exit, and
//            starts it again. The kernel has closed the dead one's sockets and files, and the other processes do not notice
//            that their parent stands still. Refused: a switch of `up` that restarts nothing, which no operator needs, and
//            stopping the new process when it appears, which is a race that it sometimes wins
//   pause    SIGSTOP to one host, and SIGCONT
import type { ChildProcess } from 'node:child_process';
import { spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { askAdmin } from '../host/cli/admin-client.ts';
import type { Folder } from '../host/folder.ts';
import { readFolder } from '../host/folder.ts';
import type { Prng } from '../test/prng.ts';
import { childrenOf, freePort, isAlive, type Stage, signal, untilGone } from './processes.ts';
import type { ClusterStatus } from './status.ts';

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
export type ClusterEvent = {
  readonly name: string;
  readonly what: 'started' | 'exited';
  readonly text?: string;
  readonly pid?: number;
};

export type ClusterOptions = {
  readonly dir: string;
  readonly portBase: number;
  readonly appFile?: string;
  readonly words?: readonly string[];
  /** The compiled package to run: our own unless said otherwise. */
  readonly dist?: string;
  /** The Node that runs it: this process's own unless said otherwise. */
  readonly execPath?: string;
  /** Many times what a start takes; past it something waits for ever. */
  readonly readyMsMax?: number;
};

type Line = Partial<ClusterEvent> &
  Partial<Ready> & { readonly ready?: true; readonly error?: { readonly code: string; readonly text: string } };

const ourDist = fileURLToPath(new URL('..', import.meta.url));
const readyMsUsual = 30_000;
const statusMsMax = 3_000;
/** After a kill the ports of the dead may be taken for a moment. */
const portTriesMax = 50;
const portPauseMs = 100;
const portRangesMax = 3;
/** A start that gets stuck so often in a row is given up. */
const stuckMax = 3;
const linesKept = 20;
/** One kill of all in so many takes the proxy with the hosts; in all others it outlives them, by less than this. */
const proxyFallsOneIn = 3;
const outliveMsMax = 20;

export class Cluster {
  readonly dir: string;
  /** Resolves when every chain serves. */
  readonly whenReady: Promise<Ready>;
  /** Processes that ended without having been killed here: none should. */
  readonly unexpected: string[] = [];
  /** It ran into the time in which it should have been ready, and this is where it stood. */
  stuck: string | undefined;
  readonly #options: ClusterOptions;
  readonly #up: ChildProcess;
  readonly #exited: Promise<void>;
  readonly #listeners = new Set<(event: ClusterEvent) => void>();
  readonly #pids = new Map<string, number>();
  /** Killed here, and `up` has not said so yet. */
  readonly #killed = new Set<string>();
  readonly #complaints: string[] = [];
  #ready: Ready | undefined;
  #folder: Folder | undefined;
  #refusal: string | undefined;
  #isEnding = false;

  private constructor(options: ClusterOptions) {
    const { dir, portBase, appFile, words = [], dist = ourDist, execPath = process.execPath } = options;
    this.#options = options;
    this.dir = dir;
    const app = appFile === undefined ? [] : ['--app', appFile];
    const args = ['up', '--json', '--dir', dir, '--port-base', `${portBase}`, ...app, ...words];
    this.#up = spawn(execPath, [join(dist, 'host/cli/main.js'), ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#exited = new Promise((done) => this.#up.once('exit', () => done()));
    this.whenReady = this.#watch();
    this.whenReady.catch(() => {});
  }

  /** Starts it without waiting until it is ready. */
  static launch(options: ClusterOptions): Cluster {
    return new Cluster(options);
  }

  /**
   * Starts it and waits until every chain serves; rejects with what `up` said where it ends before. Tries again, a bounded
   * number of times, where a port is taken; and, where `onStuck` is there to be told, after a start that got stuck.
   */
  static async start(options: ClusterOptions, onStuck?: (text: string) => void): Promise<Cluster> {
    let stuckCount = 0;
    for (let tries = 1; ; tries += 1) {
      const cluster = Cluster.launch(options);
      try {
        await cluster.whenReady;
        return cluster;
      } catch (error) {
        await cluster.killAll();
        if (cluster.stuck !== undefined && onStuck !== undefined) {
          onStuck(cluster.stuck);
          stuckCount += 1;
        } else if (cluster.#refusal !== 'PORT_TAKEN') throw error;
        if (tries === portTriesMax || stuckCount === stuckMax) throw error;
        await sleep(portPauseMs);
      }
    }
  }

  get ready(): Ready {
    if (this.#ready === undefined) throw new Error('the cluster is not ready yet');
    return this.#ready;
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

  /** What `levelten status --json` says; undefined where nobody answers. */
  async status(): Promise<ClusterStatus | undefined> {
    try {
      this.#folder ??= await readFolder(this.dir);
      return (await askAdmin(this.#folder, '/status')) as ClusterStatus | undefined;
    } catch {
      return undefined;
    }
  }

  /** SIGKILL to one process. `up` starts it again by itself. */
  kill(name: string): void {
    this.#killed.add(name);
    signal(this.pidOf(name), 'SIGKILL');
  }

  /** SIGKILL to one process, which stays dead until `bringBack`. No other that ends meanwhile is started again either. */
  takeDown(name: string): void {
    this.holdStill();
    this.kill(name);
  }

  /** Nothing that ends is started again before `bringBack`. */
  holdStill(): void {
    if (this.#up.pid !== undefined) signal(this.#up.pid, 'SIGSTOP');
  }

  /** Lets `up` go on: it starts what was taken down, as it does after any exit. */
  bringBack(): void {
    if (this.#up.pid !== undefined) signal(this.#up.pid, 'SIGCONT');
  }

  pause(name: string): void {
    signal(this.pidOf(name), 'SIGSTOP');
  }

  resume(name: string): void {
    signal(this.pidOf(name), 'SIGCONT');
  }

  /**
   * SIGKILL to every process; waits until all are gone. With `prng` in an order of chance: all within about a millisecond, or
   * first the hosts, and then what they had let go still reaches the clients, through a proxy that outlives them by moments.
   */
  async killAll(prng?: Prng): Promise<void> {
    const pids = this.#hold();
    if (prng === undefined) return this.#killEach(pids);
    shuffle(pids, prng);
    if (prng.below(proxyFallsOneIn) === 0) return this.#killEach(pids);
    const hosts = [...this.#pids].flatMap(([name, pid]) => (name !== 'proxy' && pids.includes(pid) ? [pid] : []));
    shuffle(hosts, prng);
    for (const pid of hosts) signal(pid, 'SIGKILL');
    await sleep(prng.below(outliveMsMax));
    await this.#killEach(pids);
  }

  /** SIGTERM to `up` alone, as Ctrl-C would; resolves with its exit code when every process has ended. */
  async end(): Promise<number | null> {
    const pids = this.#hold();
    this.#up.kill('SIGTERM');
    this.#up.kill('SIGCONT');
    await this.#gone(pids);
    return this.#up.exitCode;
  }

  /** Kills what is left, at once: for the end of this process. */
  abandon(): void {
    for (const pid of this.#hold()) signal(pid, 'SIGKILL');
  }

  /** Holds `up` still, so that it starts no process that would be missed, and says which there are. */
  #hold(): number[] {
    this.#isEnding = true;
    const { pid, exitCode, signalCode } = this.#up;
    if (pid === undefined || exitCode !== null || signalCode !== null) return [];
    signal(pid, 'SIGSTOP');
    return [...new Set([pid, ...this.#pids.values(), ...childrenOf(pid)])].filter(isAlive);
  }

  async #killEach(pids: readonly number[]): Promise<void> {
    for (const pid of pids) signal(pid, 'SIGKILL');
    await this.#gone(pids);
  }

  async #gone(pids: readonly number[]): Promise<void> {
    await untilGone(pids);
    if (this.#up.pid !== undefined) await this.#exited;
  }

  #watch(): Promise<Ready> {
    const { stdout, stderr } = this.#up;
    if (stdout === null || stderr === null) throw new Error('the output of up is piped');
    createInterface({ input: stderr }).on('line', (line) => {
      this.#complaints.push(line);
      if (this.#complaints.length > linesKept) this.#complaints.shift();
    });
    return new Promise((resolve, reject) => {
      const fail = (why: string): void => reject(new Error(`the cluster does not start: ${why}${this.#said()}`));
      const { readyMsMax = readyMsUsual } = this.#options;
      const late = setTimeout(() => {
        this.stuck = `not every chain serves ${readyMsMax} ms after the start:\n${statusText(this.#options)}`;
        fail(this.stuck);
      }, readyMsMax);
      this.#up.once('error', (error) => fail(error.message));
      this.#up.once('close', () => {
        clearTimeout(late);
        fail('up ended');
      });
      createInterface({ input: stdout }).on('line', (text) => {
        const line = JSON.parse(text) as Line;
        if (line.error !== undefined) {
          this.#refusal = line.error.code;
          fail(`${line.error.code}: ${line.error.text}`);
        }
        if (line.ready === true) {
          clearTimeout(late);
          resolve(this.#onReady(line as Ready));
        } else if (line.name !== undefined) this.#onEvent(line as ClusterEvent);
      });
    });
  }

  #onReady(ready: Ready): Ready {
    this.#ready = ready;
    for (const { id, pid } of ready.hosts) this.#pids.set(id, pid);
    this.#pids.set('proxy', ready.proxyPid);
    return ready;
  }

  #onEvent(event: ClusterEvent): void {
    const { name, what, text, pid } = event;
    if (pid === undefined) this.#pids.delete(name);
    else this.#pids.set(name, pid);
    if (what === 'exited' && !this.#killed.delete(name) && !this.#isEnding) {
      this.unexpected.push(`${name} ${text}${this.#said()}`);
    }
    for (const listener of [...this.#listeners]) listener(event);
  }

  #said(): string {
    return this.#complaints.length === 0 ? '' : `\n  ${this.#complaints.join('\n  ')}`;
  }
}

/** A cluster on free ports in a folder of the stage, ended with it. */
export async function startCluster(
  stage: Stage,
  appFile?: string,
  words: readonly string[] = [],
  execPath = process.execPath,
): Promise<Cluster> {
  const app = appFile === undefined ? {} : { appFile };
  const cluster = await startAnywhere(() => ({ dir: stage.folder(), words, execPath, ...app }));
  stage.onRelease(() => cluster.end());
  return cluster;
}

/** On ports that are free. One was free when it was looked at; the ones behind it may be somebody's connection just now: then others are tried. */
export async function startAnywhere(options: () => Omit<ClusterOptions, 'portBase'>): Promise<Cluster> {
  for (let tries = 1; ; tries += 1) {
    const portBase = Math.min(await freePort(), 60_000);
    try {
      return await Cluster.start({ ...options(), portBase });
    } catch (error) {
      if (tries === portRangesMax || !String(error).includes('is in use')) throw error;
    }
  }
}

/** What `levelten status` says of the cluster, to people. */
function statusText({ dist = ourDist, dir }: ClusterOptions): string {
  const words = [join(dist, 'host/cli/main.js'), 'status', '--dir', dir];
  const { stdout, stderr } = spawnSync(process.execPath, words, { encoding: 'utf8', timeout: statusMsMax });
  return `${stdout}${stderr}`.trimEnd();
}

function shuffle<T>(items: T[], prng: Prng): void {
  for (let last = items.length - 1; last > 0; last -= 1) {
    const other = prng.below(last + 1);
    [items[last], items[other]] = [items[other] as T, items[last] as T];
  }
}
