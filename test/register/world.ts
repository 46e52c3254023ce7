// Hosts with registers, a network that loses, repeats and reorders, and disks that keep a prefix of what was not synced. The
// bytes of messages and cells are real; time, chance and faults are the test's.
import type { CellBytes } from '../../chain/register/cell.ts';
import type { Change, Keep, RegisterEffect, Replaced } from '../../chain/register/effects.ts';
import { createRegisters, flushRegisters, stepRegisters } from '../../chain/register/registers.ts';
import { checkRegisters, type RegisterEvent, type Registers } from '../../chain/register/state.ts';
import { firstVoters, type Voter, type Voters } from '../../chain/register/voters.ts';
import { decodeRegisterMessage, encodeRegisterMessage } from '../../chain/register/wire.ts';
import type { HostId } from '../../engine/base/ids.ts';
import { hostId } from '../../engine/base/ids.ts';
import type { Prng } from '../prng.ts';
import { type Call, checkHistory } from './history.ts';

export type Host = {
  readonly id: HostId;
  storeId: string;
  starts: number;
  stores: number;
  readonly disk: Map<number, Uint8Array>;
  unsynced: Keep[];
  registers: Registers | undefined;
  /** Calls that are not decided, by register. */
  readonly calls: Map<number, Call>;
};

export class World {
  readonly hosts: Host[];
  readonly first: Voters;
  /** The newest list that anybody went by. */
  latest: Voters;
  readonly wire: { from: HostId; to: HostId; bytes: Uint8Array }[] = [];
  readonly replaced: Replaced['result'][] = [];
  readonly #trace: (() => string)[] = [];
  readonly chains: number;
  nowMs = 1_000;
  readonly #histories: Call[][];
  readonly #prng: Prng;
  #clock = 0;
  #calls = 0;

  constructor(prng: Prng, options: { voters: number; hosts: number; chains: number }) {
    this.#prng = prng;
    this.chains = options.chains;
    this.#histories = Array.from({ length: options.chains }, () => []);
    this.hosts = Array.from({ length: options.hosts }, (_, index): Host => {
      const id = hostId(`h${index + 1}`);
      const empty = { disk: new Map(), unsynced: [], registers: undefined, calls: new Map() };
      return { id, storeId: `${id}/1`, starts: 0, stores: 1, ...empty };
    });
    this.first = firstVoters(this.hosts.slice(0, options.voters).map(voterOf));
    this.latest = this.first;
    for (const host of this.hosts) this.start(host);
  }

  host(id: HostId): Host {
    const host = this.hosts.find((one) => one.id === id);
    if (host === undefined) throw new Error(`no host ${id}`);
    return host;
  }

  start(host: Host): void {
    host.starts += 1;
    const cells = [...host.disk].map(([register, bytes]): CellBytes => ({ register, bytes }));
    const { id: self, storeId } = host;
    const random = () => this.#prng.next();
    const options = { self, boot: `b${host.starts}`, storeId, voters: this.first, cells, nowMs: this.nowMs, random };
    host.registers = createRegisters(options);
    this.#note(() => `${self} starts with ${cells.length} cells of ${storeId}`);
  }

  /** Some first part of what was not synced reached the disk all the same. */
  crash(host: Host): void {
    this.#apply(host, this.#prng.below(host.unsynced.length + 1));
    host.unsynced = [];
    host.registers = undefined;
    for (const call of host.calls.values()) if (call.kind === 'read') call.result = 'failed';
    host.calls.clear();
    this.#note(() => `${host.id} crashes`);
  }

  /** The disk is gone; the host comes back with another. */
  loseDisk(host: Host): void {
    if (host.registers !== undefined) this.crash(host);
    host.disk.clear();
    host.stores += 1;
    host.storeId = `${host.id}/${host.stores}`;
    this.#note(() => `${host.id} loses its disk`);
  }

  sync(host: Host, count = host.unsynced.length): void {
    const serial = host.unsynced[count - 1]?.serial;
    if (serial === undefined) return;
    this.#apply(host, count);
    this.step(host, { kind: 'kept', serial });
  }

  deliver(at: number): void {
    const [last] = this.wire.splice(this.wire.length - 1);
    if (last === undefined) return;
    const one = this.wire[at] ?? last;
    if (at < this.wire.length) this.wire[at] = last;
    const host = this.host(one.to);
    if (host.registers === undefined) return;
    this.step(host, { kind: 'message', from: one.from, message: decodeRegisterMessage(one.bytes) });
  }

  /** A turn ends with a step, now and then with a later one. */
  step(host: Host, event: RegisterEvent, isTurnEnd = this.#prng.below(8) > 0): void {
    if (host.registers === undefined) return;
    const out: RegisterEffect[] = [];
    stepRegisters(host.registers, event, out);
    checkRegisters(host.registers);
    if (isTurnEnd) flushRegisters(host.registers, out);
    this.#note(() => `${host.id} ${describe(event)}`);
    for (const effect of out) this.#carryOut(host, effect);
  }

  begin(host: Host, register: number, change: { expect: string | undefined; value: string } | undefined): boolean {
    if (host.registers === undefined || host.calls.has(register)) return false;
    const base = { id: this.#calls++, calledAt: this.#clock++, returnedAt: Number.POSITIVE_INFINITY } as const;
    const call: Call = { ...base, kind: change === undefined ? 'read' : 'cas', result: 'unknown', ...change };
    this.#histories[register]?.push(call);
    host.calls.set(register, call);
    const wanted: Change =
      change === undefined
        ? { kind: 'read' }
        : { kind: 'cas', expect: bytesOf(change.expect), value: Buffer.from(change.value) };
    this.step(host, { kind: 'begin', register, op: call.id, change: wanted });
    return true;
  }

  /** Throws unless every register's calls are linearizable; gives the lengths of their chains. */
  check(): number[] {
    return this.#histories.map(checkHistory);
  }

  /** What was found last, by whomever: a good guess at what it holds. */
  lastReadOf(register: number): string | undefined {
    const last = this.#histories[register]?.findLast(({ result }) => result !== 'unknown' && result !== 'failed');
    return last?.result === 'won' ? last.value : last?.found;
  }

  /** The last that happened. */
  story(lines: number): string {
    return this.#trace
      .slice(-lines)
      .map((line) => line())
      .join('\n');
  }

  get calls(): readonly Call[] {
    return this.#histories.flat();
  }

  /** No more faults: everything arrives, syncs and ticks until nothing is left to do. */
  settle(untilIdle: () => boolean): void {
    for (let rounds = 0; rounds < 400; rounds += 1) {
      for (let count = this.wire.length; count > 0; count -= 1) this.deliver(0);
      for (const host of this.hosts) this.sync(host);
      if (this.wire.length === 0 && untilIdle()) return;
      this.nowMs += 20;
      for (const host of this.hosts) this.step(host, { kind: 'tick', nowMs: this.nowMs }, true);
    }
    throw new Error('never comes to rest');
  }

  /** Everybody is up and linked. */
  heal(): void {
    for (const host of this.hosts) if (host.registers === undefined) this.start(host);
    for (const host of this.hosts)
      for (const { id: peer } of this.hosts) if (peer !== host.id) this.step(host, { kind: 'connected', peer });
  }

  #apply(host: Host, count: number): void {
    for (const { cells } of host.unsynced.splice(0, count))
      for (const { register, bytes } of cells) host.disk.set(register, bytes);
  }

  #carryOut(host: Host, effect: RegisterEffect): void {
    switch (effect.kind) {
      case 'keep':
        host.unsynced.push(effect);
        return;
      case 'send':
        this.wire.push({ from: host.id, to: effect.to, bytes: encodeRegisterMessage(effect.message) });
        return;
      case 'voters':
        if (effect.voters.generation > this.latest.generation) this.latest = effect.voters;
        return;
      case 'replaced':
        this.#note(() => `${host.id} has replaced: ${JSON.stringify(effect.result)}`);
        this.replaced.push(effect.result);
        return;
      case 'decided':
        this.#onDecided(host, effect);
    }
  }

  #onDecided(host: Host, { register, op, result }: RegisterEffect & { kind: 'decided' }): void {
    const call = host.calls.get(register);
    if (call?.id !== op) throw new Error(`${host.id} decides ${op}, which nobody waits for`);
    host.calls.delete(register);
    call.result = result.kind;
    if ('value' in result) call.found = result.value === undefined ? undefined : Buffer.from(result.value).toString();
    if (result.kind !== 'unknown') call.returnedAt = this.#clock++;
    this.#note(() => `${host.id} decides ${JSON.stringify(call)}`);
  }

  #note(line: () => string): void {
    this.#trace.push(line);
    if (this.#trace.length > 2_000) this.#trace.splice(0, 1_000);
  }
}

export function voterOf({ id, storeId }: Host): Voter {
  return { host: id, storeId };
}

function bytesOf(text: string | undefined): Uint8Array | undefined {
  return text === undefined ? undefined : Buffer.from(text);
}

function describe(event: RegisterEvent): string {
  if (event.kind !== 'message') return JSON.stringify(event);
  const { from, message } = event;
  if (message.kind === 'votersNews') return `hears from ${from} of generation ${message.voters.generation}`;
  const items = message.items.map(
    ({ kind, register, ballot }) => `${kind} ${register} ${ballot.counter}${ballot.host}`,
  );
  return `hears from ${from} g${message.generation} ${items.join(', ')}`;
}
