// A cluster as `levelten up` starts it, and the ways in which it ends here: all processes killed at once, or told to end.
import type { ChildProcess } from 'node:child_process';
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Prng } from '../../test/prng.ts';

export type ClusterPlace = { readonly dist: string; readonly dir: string; readonly portBase: number };

type Line = {
  readonly ready?: boolean;
  readonly proxyPid?: number;
  readonly hosts?: readonly { readonly id: string; readonly pid: number }[];
  readonly name?: string;
  readonly what?: string;
  readonly text?: string;
  readonly pid?: number;
  readonly error?: { readonly code: string; readonly text: string };
};

/** Many times what a start takes; past it something waits for ever. */
const readyMsMax = 10_000;
const statusMsMax = 3_000;
const goneMsMax = 10_000;
/** After a kill the ports of the dead may be taken for a moment. */
const portTriesMax = 50;
const portPauseMs = 100;
/** A start that gets stuck so often in a row ends the run. */
const stuckMax = 3;
const linesKept = 20;
/** One kill in so many takes the proxy with the hosts; in all others it outlives them, by less than this. */
const proxyFallsOneIn = 3;
const outliveMsMax = 20;

export class Cluster {
  /** Resolves when every chain serves. */
  readonly ready: Promise<void>;
  /** Processes that ended without having been told to: none should. */
  readonly unexpected: string[] = [];
  /** It ran into the time in which it should have been ready, and this is where it stood. */
  stuck: string | undefined;
  readonly #place: ClusterPlace;
  readonly #up: ChildProcess;
  readonly #exited: Promise<void>;
  readonly #pids = new Map<string, number>();
  readonly #complaints: string[] = [];
  #refusal: string | undefined;
  #isEnding = false;

  private constructor(place: ClusterPlace) {
    const { dist, dir, portBase } = place;
    this.#place = place;
    const words = ['up', '--json', '--dir', dir, '--port-base', `${portBase}`];
    const main = join(dist, 'host/cli/main.js');
    this.#up = spawn(process.execPath, [main, ...words, '--app', join(dist, 'bench/faults/app.js')], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#exited = new Promise((resolve) => this.#up.once('exit', () => resolve()));
    this.ready = this.#watch();
    this.ready.catch(() => {});
  }

  /** Starts it without waiting until it is ready. */
  static launch(place: ClusterPlace): Cluster {
    return new Cluster(place);
  }

  /**
   * Starts it and waits until it is ready. Tries again, a bounded number of times, where a port is taken. One that gets stuck is
   * killed and started again, and `onStuck` is told where it stood.
   */
  static async start(place: ClusterPlace, onStuck: (text: string) => void): Promise<Cluster> {
    let stuckCount = 0;
    for (let tries = 1; ; tries += 1) {
      const cluster = Cluster.launch(place);
      try {
        await cluster.ready;
        return cluster;
      } catch (error) {
        await cluster.kill(undefined);
        if (cluster.stuck !== undefined) {
          onStuck(cluster.stuck);
          stuckCount += 1;
        } else if (cluster.#refusal !== 'PORT_TAKEN') throw error;
        if (tries === portTriesMax || stuckCount === stuckMax) throw error;
        await sleep(portPauseMs);
      }
    }
  }

  /**
   * SIGKILL to every process, in an order of chance; waits until all are gone. All within about a millisecond, or first the
   * hosts: then what they had let go still reaches the clients, through a proxy that outlives them by moments.
   */
  async kill(prng: Prng | undefined): Promise<void> {
    const pids = this.#hold();
    if (prng === undefined) return this.#killEach(pids);
    shuffle(pids, prng);
    if (prng.below(proxyFallsOneIn) === 0) return this.#killEach(pids);
    const hosts = this.#hosts.filter((pid) => pids.includes(pid));
    shuffle(hosts, prng);
    for (const pid of hosts) signal(pid, 'SIGKILL');
    await sleep(prng.below(outliveMsMax));
    await this.#killEach(pids);
  }

  async #killEach(pids: readonly number[]): Promise<void> {
    for (const pid of pids) signal(pid, 'SIGKILL');
    await this.#gone(pids);
  }

  get #hosts(): number[] {
    return [...this.#pids].flatMap(([name, pid]) => (name === 'proxy' ? [] : [pid]));
  }

  /** SIGTERM to `up` alone. Throws where a process remains, or `up` did not end well. */
  async stop(): Promise<void> {
    const pids = this.#hold();
    this.#up.kill('SIGTERM');
    this.#up.kill('SIGCONT');
    await this.#gone(pids);
    const { exitCode, signalCode } = this.#up;
    if (exitCode !== 0) throw new Error(`up ended with ${signalCode ?? exitCode} when told to end${this.#said()}`);
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

  async #gone(pids: readonly number[]): Promise<void> {
    const until = performance.now() + goneMsMax;
    while (pids.some(isAlive)) {
      if (performance.now() > until) throw new Error(`processes ${pids.filter(isAlive).join(', ')} do not end`);
      await sleep(2);
    }
    if (this.#up.pid !== undefined) await this.#exited;
  }

  #watch(): Promise<void> {
    const { stdout, stderr } = this.#up;
    if (stdout === null || stderr === null) throw new Error('the output of up is piped');
    createInterface({ input: stderr }).on('line', (line) => {
      this.#complaints.push(line);
      if (this.#complaints.length > linesKept) this.#complaints.shift();
    });
    return new Promise((resolve, reject) => {
      const fail = (why: string): void => reject(new Error(`the cluster does not start: ${why}${this.#said()}`));
      const late = setTimeout(() => {
        this.stuck = `not every chain serves ${readyMsMax} ms after the start:\n${statusOf(this.#place)}`;
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
          fail(line.error.text);
        }
        this.#onLine(line);
        if (line.ready !== true) return;
        clearTimeout(late);
        resolve();
      });
    });
  }

  #onLine({ hosts, proxyPid, name, what, text, pid }: Line): void {
    for (const host of hosts ?? []) this.#pids.set(host.id, host.pid);
    if (proxyPid !== undefined) this.#pids.set('proxy', proxyPid);
    if (name === undefined) return;
    if (pid === undefined) this.#pids.delete(name);
    else this.#pids.set(name, pid);
    if (what === 'exited' && !this.#isEnding) this.unexpected.push(`${name} ${text}${this.#said()}`);
  }

  #said(): string {
    return this.#complaints.length === 0 ? '' : `\n  ${this.#complaints.join('\n  ')}`;
  }
}

/** What `levelten status` says of the cluster. */
function statusOf({ dist, dir }: ClusterPlace): string {
  const words = [join(dist, 'host/cli/main.js'), 'status', '--dir', dir];
  const { stdout, stderr } = spawnSync(process.execPath, words, { encoding: 'utf8', timeout: statusMsMax });
  return `${stdout}${stderr}`.trimEnd();
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** A process that ended and that nobody has waited for yet counts as gone. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' && process.platform !== 'linux';
  }
}

/** The children of a process, where the system says so: those that started and have not been heard of yet are among them. */
function childrenOf(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

function shuffle<T>(items: T[], prng: Prng): void {
  for (let last = items.length - 1; last > 0; last -= 1) {
    const other = prng.below(last + 1);
    [items[last], items[other]] = [items[other] as T, items[last] as T];
  }
}
