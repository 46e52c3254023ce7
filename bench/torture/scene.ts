// One case on a running cluster: the host that is hurt, its files, and the ways to stop and start it. What happened when is written down here.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { foldWaitMs, watermarkMs } from '../../engine/base/limits.ts';
import { hostDir, storeDir } from '../../host/folder.ts';
import { HostFiles } from '../../host/host-files.ts';
import { chains, documentOn } from '../faults/load.ts';
import type { Readers } from '../faults/readers.ts';
import { firstAnswers } from '../faults/run.ts';
import { type Bed, members } from '../faults/trial.ts';
import { childrenOf, signal, untilGone, wordAfter } from '../processes.ts';
import { whyNotWhole } from '../status.ts';
import { newestFile } from './damage.ts';
import { type Finding, findingOfExit, findingsIn, parseLog, withoutRepeats } from './findings.ts';
import { verifyRunning } from './verify.ts';

const exitMsMax = 60_000;
const pollMs = 20;
/** A pass over what waits is slow on purpose, and chains are folded one after the other: behind this one of them is, or most are. */
const foldMsOne = 4_000;
const foldMsMost = 16_000;
/** A watermark that was not written for so long is level with the store, but for what was written just now. */
const levelMs = 10 * watermarkMs;

type Offsets = Map<string, number>;

export class Scene {
  readonly bed: Bed;
  /** Which host is hurt, and which other stands by. */
  readonly host: string;
  readonly other: string;
  readonly generation: number;
  /** When the damage was done, and nothing kept the host from running: `performance.now`. */
  backAtMs = performance.now();
  /** What was found outside of the logs. */
  readonly found: Finding[] = [];
  /** By the clock of logs. */
  readonly #sinceMs = Date.now();
  readonly #downs = new Map<string, number[]>();
  readonly #offsets: Offsets = new Map();
  readonly #asides = new Map<string, ReadonlySet<string>>();

  readonly #readers: Readers;

  constructor(bed: Bed, readers: Readers, { host, other }: Pick<Scene, 'host' | 'other'>, generation: number) {
    this.bed = bed;
    this.#readers = readers;
    this.host = host;
    this.other = other;
    this.generation = generation;
    for (const { id } of bed.cluster.ready.hosts) {
      this.#offsets.set(id, sizeOf(this.logOf(id)));
      this.#asides.set(id, new Set(asidesIn(this.dirOf(id))));
    }
  }

  dirOf(host: string): string {
    return hostDir(this.bed.cluster.dir, host);
  }

  storeOf(host: string): string {
    return storeDir(this.bed.cluster.dir, host);
  }

  get dir(): string {
    return this.dirOf(this.host);
  }

  get store(): string {
    return this.storeOf(this.host);
  }

  logOf(host: string): string {
    return join(this.dirOf(host), 'host.log');
  }

  get url(): string {
    return this.bed.cluster.ready.proxy;
  }

  /** The process of `up`. */
  get keeperPid(): number {
    return Number(readFileSync(join(this.bed.cluster.dir, 'up.pid'), 'utf8'));
  }

  /** Processes that run for these hosts, also those that have not said yet that they do. */
  childrenFor(hosts: readonly string[]): number[] {
    return childrenOf(this.keeperPid).filter((pid) => hosts.includes(wordAfter(pid, '--id') ?? ''));
  }

  /** A document of this case, of which every chain has one. */
  documentOf(chain: number): string {
    return documentOn(chain, this.generation, 'shared');
  }

  /** Load and readers leave the documents of this case: nobody has them open any more. */
  moveOn(): void {
    for (const party of [this.bed.load, this.#readers]) party.moveTo(this.generation + 1);
  }

  /** One of these chains that the host heads: one that was away is given its own back, after a while. */
  async chainHeaded(among: ReadonlySet<number>): Promise<number> {
    const endMs = performance.now() + exitMsMax;
    for (;;) {
      const status = await this.bed.cluster.status();
      const lines = status?.hosts.find(({ host }) => host === this.host)?.status?.chains ?? [];
      const chain = lines.find(({ isHead, chain: one }) => isHead && among.has(one))?.chain;
      if (chain !== undefined) return chain;
      if (performance.now() > endMs) throw new Error(`${this.host} heads none of ${[...among]}`);
      await sleep(pollMs);
    }
  }

  /** kill -9; it stays dead until `up`. */
  async down(...hosts: readonly string[]): Promise<void> {
    for (const host of hosts.length === 0 ? [this.host] : hosts) {
      const pid = this.bed.cluster.pidOf(host);
      this.#downs.set(host, [...(this.#downs.get(host) ?? []), Date.now()]);
      this.bed.cluster.takeDown(host);
      await untilGone([pid]);
    }
  }

  /** Lets everything that is dead be started again. */
  up(): void {
    this.bed.cluster.bringBack();
    this.backAtMs = performance.now();
  }

  /** What does not work out as it was meant is a trouble of this case; the host may run again. */
  async attempt<T>(troubles: string[], run: () => Promise<T>): Promise<T | undefined> {
    try {
      return await run();
    } catch (error) {
      troubles.push(error instanceof Error ? error.message : String(error));
      this.up();
      return undefined;
    }
  }

  async whileDown(damage: () => string | Promise<string>): Promise<string> {
    await this.down();
    try {
      return await damage();
    } finally {
      this.up();
    }
  }

  /**
   * Nothing is written any more, and the watermark says so: it would have been written again. Chains write without a load too, when one is
   * given back to its first head.
   */
  async quiet(): Promise<void> {
    await this.bed.load.rest();
    const file = new HostFiles(this.dir).watermarkFile;
    const endMs = performance.now() + exitMsMax;
    while (Date.now() - statSync(file).mtimeMs < levelMs && performance.now() < endMs) await sleep(pollMs);
  }

  /** Of a dead host: whether its watermark was written behind its last write. */
  get isLevel(): boolean {
    const { watermarkFile } = new HostFiles(this.dir);
    return statSync(watermarkFile).mtimeMs >= statSync(newestFile(this.store, 'log')).mtimeMs;
  }

  /** What was written so far is folded into documents, in one chain or in most. */
  async fold(chainsFolded: 'one' | 'most'): Promise<void> {
    await this.bed.load.rest();
    await sleep(foldWaitMs + (chainsFolded === 'one' ? foldMsOne : foldMsMost));
  }

  /** A limit on the size of files that a process writes: what is past it fails. `undefined` lifts it. */
  limitFiles(pid: number, bytes: number | undefined): void {
    const words = ['--pid', `${pid}`, `--fsize=${bytes ?? 'unlimited'}:`];
    const { status, stderr } = spawnSync('prlimit', words, { encoding: 'utf8' });
    if (status !== 0) throw new Error(`prlimit ${words.join(' ')}: ${stderr}`);
  }

  /** Begun before what makes it exit. */
  exit(): Promise<void> {
    const exited = this.bed.cluster.next(this.host, 'exited').then(() => {});
    const late = sleep(exitMsMax, undefined, { ref: false }).then(() => {
      throw new Error(`${this.host} does not end within ${exitMsMax} ms`);
    });
    return Promise.race([exited, late]);
  }

  /** Resolves when the host's log has something new that is a finding. */
  async untilFound(): Promise<void> {
    await this.until('nothing is found', () => this.findings().some(({ host }) => host === this.host));
  }

  async until(complaint: string, holds: () => boolean): Promise<void> {
    const endMs = performance.now() + exitMsMax;
    while (!holds()) {
      if (performance.now() > endMs) throw new Error(`${this.host}: ${complaint} within ${exitMsMax} ms`);
      await sleep(pollMs);
    }
  }

  /** A second process for the same host, beside the one that runs: what it said on its way out. */
  async second(): Promise<string> {
    const { dist, appFile = '' } = this.bed.options;
    const words = ['host', '--id', this.host, '--dir', this.bed.cluster.dir, '--app', appFile];
    const child = spawn(process.execPath, [join(dist ?? '', 'host/cli/main.js'), ...words], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    child.stderr.on('data', (data) => {
      said += String(data);
    });
    const late = setTimeout(() => child.kill('SIGKILL'), exitMsMax);
    const code = await new Promise<number | null>((done) => child.once('close', done));
    clearTimeout(late);
    const finding = findingOfExit(this.host, said);
    if (finding !== undefined) this.found.push(finding);
    return `the second process ended with code ${code}`;
  }

  /** The same where the hosts do not come up, but end and are started again and again: caught between two starts, or in one. */
  async downWhileFailing(hosts: readonly string[]): Promise<void> {
    this.bed.cluster.holdStill();
    const pids = this.childrenFor(hosts);
    for (const pid of pids) signal(pid, 'SIGKILL');
    await untilGone(pids);
  }

  /** Resolves when every chain has all its members, and all serve. */
  async untilServing(): Promise<void> {
    const endMs = performance.now() + exitMsMax;
    for (;;) {
      const why = whyNotWhole(await this.bed.cluster.status(), chains, members);
      if (why === undefined) return;
      if (performance.now() > endMs) throw new Error(`not whole ${exitMsMax} ms after a restart: ${why}`);
      await sleep(pollMs);
    }
  }

  /** Every chain has answered something more. */
  moreLoad(): Promise<void> {
    this.bed.load.wake('light');
    return firstAnswers(this.bed.load);
  }

  /** Has the host walk all of its store. Where it finds something it ends, and begins another. */
  async verify(): Promise<void> {
    const { cluster } = this.bed;
    const exited = cluster.next(this.host, 'exited');
    const finding = await verifyRunning(cluster.dir, this.host);
    if (finding === undefined) return;
    this.found.push(finding);
    await exited;
    this.backAtMs = performance.now();
  }

  /** Logs are about to be others, or have become others: what is in them is kept, or passed over. */
  noteLogs(what: 'keep' | 'pass'): void {
    const hosts = [...this.#offsets.keys()];
    if (what === 'keep') this.found.push(...this.#inLogs(hosts));
    for (const host of hosts) this.#offsets.set(host, sizeOf(this.logOf(host)));
  }

  /** What the hosts that were hurt said, since this case began. */
  findings(hosts: readonly string[] = [this.host]): Finding[] {
    return withoutRepeats([...this.found.filter(({ host }) => hosts.includes(host)), ...this.#inLogs(hosts)]);
  }

  #inLogs(hosts: readonly string[]): Finding[] {
    return hosts.flatMap((host) => {
      const file = this.logOf(host);
      const before = this.#offsets.get(host) ?? 0;
      const bytes = existsSync(file) ? readFileSync(file) : Buffer.alloc(0);
      // A log that is shorter than it was is another one, or an old one.
      const text = bytes.subarray(bytes.length < before ? 0 : before).toString('utf8');
      const lines = parseLog(text).filter(({ time }) => time >= this.#sinceMs);
      return findingsIn(host, lines, this.#downs.get(host) ?? []);
    });
  }

  /** Why each store was set aside that was since this case began. */
  asides(hosts: readonly string[] = [this.host]): string[] {
    return hosts.flatMap((host) => {
      const dir = this.dirOf(host);
      const fresh = asidesIn(dir).filter((name) => !this.#asides.get(host)?.has(name));
      return fresh.map((name) => readFileSync(join(dir, name, 'why'), 'utf8').trim());
    });
  }
}

function asidesIn(dir: string): string[] {
  return existsSync(dir) ? readdirSync(dir).filter((name) => name.startsWith('aside-')) : [];
}

function sizeOf(file: string): number {
  return existsSync(file) ? statSync(file).size : 0;
}
