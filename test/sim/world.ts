// A cluster in one process: machines and their processes, proxies, clients, the network between them, and what was seen of all.

import type { Configuration } from '../../chain/configuration.ts';
import { encodeConfiguration, servingOf } from '../../chain/configuration.ts';
import { describeConfiguration } from '../../chain/describe.ts';
import type { Message } from '../../chain/messages.ts';
import { isServingHead } from '../../chain/normal.ts';
import { placeDocument } from '../../chain/placement.ts';
import { decodeMessage } from '../../chain/wire.ts';
import { AssertionFailed } from '../../engine/base/assert.ts';
import { CodedError } from '../../engine/base/errors.ts';
import type { ChainId, Epoch, HostId } from '../../engine/base/ids.ts';
import { hostId } from '../../engine/base/ids.ts';
import type { Prng } from '../prng.ts';
import { Archive } from './archive.ts';
import { SimClient } from './clients.ts';
import { DiskFailed } from './disk.ts';
import type { SendRecord } from './history.ts';
import { History } from './history.ts';
import type { Kernel } from './kernel.ts';
import { countedApp, ledgerApp } from './ledger.ts';
import { Machine } from './machine.ts';
import { Network } from './network.ts';
import type { Cluster, ProcessEvents } from './process.ts';
import { HostProcess } from './process.ts';
import { SimProxy } from './proxy.ts';
import { Sometimes } from './sometimes.ts';
import { Story } from './story.ts';

/** The newest active configuration that any host was sure of: who serves, each with its store. */
export type Claim = {
  readonly epoch: Epoch;
  readonly minor: number;
  readonly head: HostId;
  readonly members: ReadonlyMap<HostId, string>;
};

export class World {
  readonly kernel: Kernel;
  readonly network: Network;
  readonly cluster: Cluster;
  readonly history = new History();
  readonly sometimes = new Sometimes();
  readonly story: Story;
  readonly faults: Record<string, number> = {};
  readonly machines: readonly Machine[];
  readonly docs = ['ledger/a', 'ledger/b', 'ledger/c'];
  readonly writers: SimClient[];
  readonly readers: SimClient[];
  /** The newest claim of each chain. */
  readonly claims = new Map<ChainId, Claim>();
  /**
   * Clients come back to any proxy. Then they send nothing that must be numbered anew: a proxy that has not noticed that its
   * client left would send the old numbers again (DECISIONS: two proxies can still disagree; seed 322 before this line).
   */
  readonly isRoaming: boolean;
  isMended = false;
  reconfigurations = 0;
  joins = 0;
  #proxies: SimProxy[];
  readonly #owners = new Map<string, string>();
  /** Every value that a register was seen to hold, by chain, phase, epoch and minor. */
  readonly #values = new Map<string, string>();
  readonly #prng: Prng;

  constructor(kernel: Kernel, isTold: boolean) {
    this.kernel = kernel;
    this.story = new Story(kernel, isTold);
    this.#prng = kernel.chance('world');
    this.network = new Network(kernel);
    const count = this.#prng.pick([3, 3, 3, 3, 4, 5]);
    const hosts = Array.from({ length: count }, (_, index) => hostId(`h${index + 1}`));
    const archive = new Archive();
    this.machines = hosts.map((id) => new Machine(kernel, id, archive));
    const app = kernel.chance('quota').below(3) === 0 ? countedApp : ledgerApp;
    const storeIds = new Map(this.machines.map(({ id, storeId }) => [id, storeId]));
    this.cluster = { hosts, chains: 2, replication: 3, serversMin: 2, storeIds, app };
    for (const machine of this.machines) this.start(machine);
    this.#proxies = Array.from({ length: 1 + this.#prng.below(2) }, (_, index) => this.#proxy(`p${index + 1}`));
    this.isRoaming = this.#prng.below(2) === 0;
    const names = this.#proxies.map(({ name }) => name);
    const homes = (index: number): string[] => (this.isRoaming ? names : [names[index % names.length] as string]);
    const client = (name: string, agent: string, index: number): SimClient =>
      new SimClient(name, agent, this.#clientParts(name, homes(index)));
    this.writers = Array.from({ length: 2 + this.#prng.below(4) }, (_, index) =>
      client(`w${index}`, `a${index % 3}`, index),
    );
    this.readers = Array.from({ length: 1 + this.#prng.below(2) }, (_, index) =>
      client(`r${index}`, `a${index}`, index),
    );
  }

  get proxies(): readonly SimProxy[] {
    return this.#proxies;
  }

  chainOf(doc: string): ChainId {
    return placeDocument(doc, this.cluster.chains);
  }

  start(machine: Machine): void {
    if (machine.isUp) return;
    machine.boots += 1;
    const { kernel, network, cluster } = this;
    this.network.dark.delete(machine.id);
    const prng = kernel.chance(`process ${machine.id} ${machine.boots}`);
    const parts = {
      kernel,
      network,
      cluster,
      prng,
      disk: machine.disk,
      beside: machine.beside,
      events: this.#events(),
    };
    machine.process = new HostProcess(machine.id, machine.boots, parts);
    this.say(() => `* ${machine.id} starts, for time ${machine.boots}, with ${machine.storeId}`);
    machine.process.start();
  }

  /** kill -9; with `isPowerLost` its machine says nothing any more either. */
  crash(machine: Machine, isPowerLost = false): void {
    const { process } = machine;
    if (process === undefined || process.state === 'down') return;
    process.end();
    if (isPowerLost) this.network.dark.add(machine.id);
    const write = machine.disk.crash();
    if (machine.beside.crash()) this.sometimes.note('a slot of the watermark was torn');
    this.network.gone(process, isPowerLost);
    this.say(() => `* ${machine.id} ${isPowerLost ? 'loses its power' : 'is killed'}; write on its way: ${write}`);
    this.sometimes.onCrash({ machines: this.machines, process, write });
  }

  pause(machine: Machine): void {
    if (machine.process?.state !== 'up') return;
    machine.process.pause();
    this.say(() => `* ${machine.id} stands still`);
  }

  resume(machine: Machine): void {
    const { process } = machine;
    if (process?.state !== 'paused') return;
    this.say(() => `* ${machine.id} goes on`);
    const isHead = process.replicas.some(isServingHead);
    if (isHead) this.sometimes.note('a paused head went on');
    process.resume();
    this.network.resumed(process);
  }

  /** A crash of a proxy: clients lose their connections, and come back to what starts in its place. */
  restartProxy(proxy: SimProxy): void {
    proxy.end();
    this.network.gone(proxy, false);
    this.say(() => `* ${proxy.name} is started anew`);
    this.#proxies = this.#proxies.map((one) => (one === proxy ? this.#proxy(proxy.name) : one));
  }

  /** A fault of this kind happened. */
  note(kind: string): void {
    this.faults[kind] = (this.faults[kind] ?? 0) + 1;
  }

  say(line: () => string): void {
    this.story.say(line);
  }

  #proxy(name: string): SimProxy {
    const prng = this.kernel.chance(`proxy ${name} ${this.kernel.nowMs}`);
    return new SimProxy(name, this.network, prng, this.cluster, (cause) =>
      this.history.find('protocol', `${name} was told wrong things: ${cause.message}`),
    );
  }

  #clientParts(name: string, proxies: readonly string[]) {
    const { network, history } = this;
    const prng = this.kernel.chance(`client ${name}`);
    const say = (line: () => string): void => this.say(line);
    return { network, history, prng, proxies, say, onAnswered: (send: SendRecord) => this.#checkDurable(send) };
  }

  #events(): ProcessEvents {
    return {
      say: (line) => this.say(line),
      onServing: (process, chain, epoch) => this.#onServing(process, chain, epoch),
      onLearned: (process, value) => this.#onLearned(process, value),
      onSetAside: (process, reason) => this.#onSetAside(process, reason),
      onOpened: (process) => {
        const missed = this.#machine(process.id).onOpened();
        if (missed !== undefined) this.history.find('doubt', `${process.id}: ${missed}`);
      },
      onForgotten: ({ id }, chain) => {
        this.say(() => `${id} forgets chain ${chain}`);
        this.sometimes.note('a host forgot a chain that it had left');
      },
      onFolded: () => this.sometimes.note('a chain was folded'),
      onWedged: (process, chain, reason) => {
        this.say(() => `! ${process.id} chain ${chain} wedged: ${reason}`);
        this.sometimes.note('wedged');
        if (/CHAIN_DIVERGED|^C/.test(reason)) this.history.find('logs', `${process.id} chain ${chain}: ${reason}`);
      },
      onMessage: (process, to, bytes) => this.#onMessage(process, to, bytes),
      onFatal: (process, cause) => this.#onFatal(process, cause),
    };
  }

  #onServing(process: HostProcess, chain: ChainId, epoch: Epoch): void {
    this.reconfigurations += 1;
    this.say(() => `= ${process.id} heads chain ${chain} in e${epoch}`);
    const key = `${chain} e${epoch}`;
    const owner = this.#owners.get(key);
    if (owner !== undefined) this.history.find('claims', `chain ${key} is headed by ${owner} and by ${process.boot}`);
    this.#owners.set(key, process.boot);
    const others = this.machines.filter((machine) => machine.process !== process && machine.isUp);
    const isTwice = others.some((machine) => {
      return machine.process?.replicas.some((replica) => replica.chain === chain && isServingHead(replica));
    });
    if (isTwice) this.sometimes.note('two processes believed to head one chain');
  }

  /** C1: one configuration for each (chain, epoch, minor), whoever learned of it; within an epoch who serves only grows. */
  #onLearned(process: HostProcess, value: Configuration): void {
    const { chain, epoch, minor, phase } = value;
    const key = `${chain} ${phase} e${epoch}.${minor}`;
    const bytes = Buffer.from(encodeConfiguration(value)).toString('hex');
    const known = this.#values.get(key);
    if (known !== undefined && known !== bytes)
      this.history.find('claims', `two values of ${key}, one at ${process.boot}`);
    if (known !== undefined) return;
    this.#values.set(key, bytes);
    this.say(() => `= ${process.id} learns: chain ${chain} ${describeConfiguration(value)}`);
    this.sometimes.onLearned(value);
    const serving = servingOf(value.members);
    const former = this.claims.get(chain);
    if (phase !== 'active') return;
    if (former?.epoch === epoch && serving.length > former.members.size) this.joins += 1;
    if (former !== undefined && (former.epoch > epoch || (former.epoch === epoch && former.minor > minor))) return;
    const members = new Map(serving.map(({ host, storeId }) => [host, storeId]));
    if (former?.epoch === epoch && [...former.members].some(([host, storeId]) => members.get(host) !== storeId)) {
      this.history.find('claims', `chain ${chain} e${epoch}: who served in minor ${former.minor} does not in ${minor}`);
    }
    const head = serving[0]?.host;
    if (head !== undefined) this.claims.set(chain, { epoch, minor, head, members });
  }

  #onMessage(process: HostProcess, to: HostId, bytes: Uint8Array): void {
    if ((bytes[0] ?? 0) >= 32) return;
    const message = decodeMessage(bytes, peek) as Message;
    this.sometimes.onMessage({ from: process.id, to, message });
    this.story.onMessage(process.id, to, message);
  }

  /** A store is set aside only where something was done to it. */
  #onSetAside(process: HostProcess, reason: string): void {
    const machine = this.#machine(process.id);
    const { harm, beside } = machine;
    machine.onSetAside();
    this.say(() => `! ${process.id} sets its store aside: ${reason}`);
    if (harm === undefined)
      this.history.find('doubt', `${process.id} set its store aside, with nothing done to it: ${reason}`);
    else this.sometimes.onSetAside(reason, beside.limbo !== undefined);
  }

  /** Only a disk that failed ends a process of ours, or one that gave back what was never written. */
  #onFatal(process: HostProcess, cause: unknown): void {
    const machine = this.#machine(process.id);
    this.say(() => `! ${process.id} ends itself: ${cause}`);
    const isRot = machine.harm !== undefined && cause instanceof CodedError && cause.code === 'ENGINE_CORRUPT';
    if (isRot) this.sometimes.note('rot was met while running');
    if (!isRot && !(cause instanceof DiskFailed)) {
      const check = cause instanceof AssertionFailed ? 'assertions' : 'fatal';
      const stack = cause instanceof Error ? (cause.stack ?? '') : '';
      this.history.find(check, `${process.id} ended itself: ${cause} ${stack.split('\n').slice(1, 6).join(' ')}`);
    }
    this.crash(machine);
    this.kernel.after(100, () => this.start(machine));
  }

  /** C6, at the moment when it counts: what a client is told is on the disks of all that serve. */
  #checkDurable({ doc, value, outcome, sentMs }: SendRecord): void {
    const claim = this.claims.get(this.chainOf(doc));
    if (claim === undefined || outcome.kind !== 'answered') return;
    for (const [id, storeId] of claim.members) {
      const machine = this.#machine(id);
      if (machine.storeId !== storeId || machine.harm === 'lost writes') continue;
      const seq = machine.seqOf(doc, this.cluster.chains);
      if (seq < outcome.seq) {
        this.history.find('durable', `${value} was answered at seq ${outcome.seq}, and ${id} has ${doc} to ${seq}`);
      }
    }
    if ([...this.claims.values()].some(({ epoch }) => epoch > 1) && outcome.atMs - sentMs > 200) {
      this.sometimes.note('a send was answered after a failover');
    }
  }

  #machine(id: HostId): Machine {
    return this.machines.find((machine) => machine.id === id) as Machine;
  }
}

/** What a story tells of a record, without hashing it. */
function peek(bytes: Uint8Array, chain: ChainId) {
  const lsn = Number(Buffer.from(bytes.buffer, bytes.byteOffset + 8, 8).readBigUInt64BE());
  return { chain, lsn, hash: '', bytes } as never;
}
