// A chain in memory: the real replicas, over disks and links that do only what a test tells them to. A crash forgets what was
// not synced; the write in flight is kept or lost, as the test says. Messages go through their real encoding.
import { describeEffect, describeMessage } from '../../chain/describe.ts';
import type { Message } from '../../chain/messages.ts';
import { canPropose, lowerOf } from '../../chain/normal.ts';
import { step } from '../../chain/replica.ts';
import { checkNeighbours, checkReplica } from '../../chain/replica-check.ts';
import type { Effect, Event, Replica } from '../../chain/state.ts';
import { createReplica } from '../../chain/state.ts';
import { decodeMessage, encodeMessage } from '../../chain/wire.ts';
import { assert } from '../../engine/base/assert.ts';
import type { ChainId, HostId } from '../../engine/base/ids.ts';
import { chainId, hostId } from '../../engine/base/ids.ts';
import { encodeBatch, openRecord } from '../../engine/store/format.ts';
import type { Disk, Write } from './disk.ts';
import { applyWrites, emptyDisk, endOfDisk, readAfter } from './disk.ts';

export type Member = {
  readonly id: HostId;
  readonly disk: Disk;
  replica: Replica;
  boot: number;
  isUp: boolean;
  queue: Write[];
  writing: Write[] | undefined;
  reads: (Effect & { kind: 'read' })[];
  mayLead: boolean;
};

export class World {
  readonly chain: ChainId = chainId(0);
  readonly members = new Map<HostId, Member>();
  /** What is on its way from one member to another, as bytes; undefined where the link is down. */
  readonly links = new Map<string, Uint8Array[]>();
  /** Every record that the head said is committed: an answer may have been given for it. */
  readonly promises = new Map<number, string>();
  readonly trace: string[] = [];
  /** Why members wedged, where a test causes that on purpose; undefined where nothing that happens may wedge one. */
  wedged: string[] | undefined;
  readonly #heads = new Set<HostId>();
  #updates = 0;

  constructor(names: readonly string[], mayLead: (name: string) => boolean = () => true) {
    const ids = names.map(hostId);
    for (const id of ids) {
      const disk = emptyDisk();
      const member: Member = {
        id,
        disk,
        replica: this.#boot(id, ids, disk, 1, mayLead(id)),
        boot: 1,
        isUp: true,
        queue: [],
        writing: undefined,
        reads: [],
        mayLead: mayLead(id),
      };
      this.members.set(id, member);
    }
  }

  member(name: string): Member {
    const member = this.members.get(name as HostId);
    assert(member !== undefined, `there is a member ${name}`);
    return member;
  }

  isLinked(a: string, b: string): boolean {
    return this.links.has(`${a}>${b}`);
  }

  connect(a: string, b: string): void {
    const [one, other] = [this.member(a), this.member(b)];
    assert(one.isUp && other.isUp && !this.isLinked(a, b), `${a} and ${b} can be linked`);
    this.#say(`> ${a} and ${b} are linked`);
    this.links.set(`${a}>${b}`, []);
    this.links.set(`${b}>${a}`, []);
    this.#step(one, { kind: 'connected', peer: other.id, boot: `b${other.boot}`, mayLead: other.mayLead });
    this.#step(other, { kind: 'connected', peer: one.id, boot: `b${one.boot}`, mayLead: one.mayLead });
  }

  /** A process hears of itself when it begins: what starts a chain of one member. */
  hearOfSelf(name: string): void {
    const { id, boot, mayLead } = this.member(name);
    this.#step(this.member(name), { kind: 'connected', peer: id, boot: `b${boot}`, mayLead });
  }

  /** Both ends notice; what was on its way is lost. */
  disconnect(a: string, b: string): void {
    const lost = [`${a}>${b}`, `${b}>${a}`].map((link) => this.links.get(link)?.length ?? 0);
    if (!this.links.delete(`${a}>${b}`)) return;
    this.links.delete(`${b}>${a}`);
    this.#say(`> the link of ${a} and ${b} breaks; lost: ${lost[0]} from ${a}, ${lost[1]} from ${b}`);
    for (const [id, peer] of [[a, b] as const, [b, a] as const]) {
      if (this.member(id).isUp) this.#step(this.member(id), { kind: 'disconnected', peer: peer as HostId });
    }
  }

  /** Delivers the oldest message from `a` to `b`. */
  deliver(a: string, b: string): boolean {
    const bytes = this.links.get(`${a}>${b}`)?.shift();
    if (bytes === undefined) return false;
    const message = decodeMessage(bytes, openRecord);
    this.#say(`> ${b} hears from ${a}: ${describeMessage(message)}`);
    this.#step(this.member(b), { kind: 'message', from: a as HostId, message });
    return true;
  }

  /** Completes the write in flight, or hands what is queued to the disk and completes that. */
  sync(name: string): boolean {
    const member = this.member(name);
    if (!this.startWrite(name)) return false;
    const writes = member.writing ?? [];
    member.writing = undefined;
    const { position, marks } = applyWrites(member.disk, writes);
    this.#say(`> ${name} synced ${position === undefined ? 'marks' : `#${position.lsn}`}`);
    this.#step(member, { kind: 'synced', position, marks });
    return true;
  }

  /** Hands what is queued to the disk: from here on it can no longer be dropped. */
  startWrite(name: string): boolean {
    const member = this.member(name);
    if (member.writing !== undefined) return true;
    if (member.queue.length === 0) return false;
    member.writing = member.queue;
    member.queue = [];
    return true;
  }

  read(name: string): boolean {
    const member = this.member(name);
    const read = member.reads.shift();
    if (read === undefined) return false;
    const { to, epoch, after } = read;
    this.#step(member, { kind: 'fetched', to, epoch, after, ...readAfter(member.disk, after) });
    return true;
  }

  /** The head adds a batch of one update, where it can. */
  propose(name: string): boolean {
    const member = this.member(name);
    const { replica } = member;
    if (!member.isUp || !canPropose(replica)) return false;
    this.#updates += 1;
    const update = Buffer.from(`update ${this.#updates}`);
    const place = { chain: this.chain, epoch: replica.epoch, after: replica.received };
    const entry = encodeBatch(place, [{ name: 'space/key', seqFirst: this.#updates, updates: [update] }]);
    this.#say(`> ${name} proposes #${entry.lsn}`);
    this.#step(member, { kind: 'propose', entry });
    return true;
  }

  /** kill -9: memory is gone; the write in flight happened or did not. */
  crash(name: string, isWriteKept: boolean): void {
    const member = this.member(name);
    if (!member.isUp) return;
    if (isWriteKept && member.writing !== undefined) applyWrites(member.disk, member.writing);
    member.isUp = false;
    this.#heads.delete(member.id);
    member.queue = [];
    member.writing = undefined;
    member.reads = [];
    this.#say(`> ${name} crashes`);
    for (const other of this.members.keys()) this.disconnect(name, other);
  }

  restart(name: string): void {
    const member = this.member(name);
    assert(!member.isUp, `${name} is down`);
    member.boot += 1;
    member.isUp = true;
    this.#say(`> ${name} starts`);
    member.replica = this.#boot(member.id, [...this.members.keys()], member.disk, member.boot, member.mayLead);
  }

  /** Everything that can happen without a fault happens, until nothing is left to happen. A slow link keeps its messages. */
  settle(isSlow: (a: string, b: string) => boolean = () => false): void {
    for (let rounds = 0; ; rounds += 1) {
      assert(rounds < 10_000, 'the chain comes to rest');
      let isBusy = false;
      for (const { id } of this.members.values()) {
        isBusy = this.read(id) || isBusy;
        isBusy = this.sync(id) || isBusy;
        for (const other of this.members.keys()) isBusy = (!isSlow(id, other) && this.deliver(id, other)) || isBusy;
      }
      if (!isBusy) return;
    }
  }

  /** Restarts and links whatever is down. */
  heal(): void {
    for (const member of this.members.values()) if (!member.isUp) this.restart(member.id);
    const names = [...this.members.keys()];
    for (const a of names) for (const b of names) if (a < b && !this.isLinked(a, b)) this.connect(a, b);
  }

  get head(): Member | undefined {
    return [...this.members.values()].find(({ isUp, replica }) => isUp && replica.assembly?.stage === 'serving');
  }

  /** Every promised record is on every disk, and all logs are one. */
  checkPromises(): void {
    const disks = [...this.members.values()].map(({ disk }) => disk.records);
    for (const [lsn, hash] of this.promises) {
      for (const records of disks)
        assert(records[lsn - 1]?.hash === hash, `C6: record ${lsn} was answered and is gone`);
    }
    const ends = new Set(disks.map((records) => `${records.length} ${records.at(-1)?.hash}`));
    assert(ends.size === 1, `C7: the logs end differently: ${[...ends].join(', ')}`);
  }

  #boot(id: HostId, ids: readonly HostId[], disk: Disk, boot: number, mayLead: boolean): Replica {
    const durable = endOfDisk(disk);
    const { chain } = this;
    return createReplica({
      self: id,
      boot: `b${boot}`,
      storeId: id,
      chain,
      members: ids,
      mayLead,
      marks: disk.marks,
      durable,
    });
  }

  #step(member: Member, event: Event): void {
    const out: Effect[] = [];
    step(member.replica, event, out);
    checkReplica(member.replica);
    for (const effect of out) this.#carryOut(member, effect);
    this.#checkBelow(member);
  }

  #carryOut(member: Member, effect: Effect): void {
    if (effect.kind !== 'send' || effect.to !== member.id) this.#say(`  ${member.id} ${describeEffect(effect)}`);
    switch (effect.kind) {
      case 'send':
        if (effect.to === member.id)
          return this.#step(member, { kind: 'message', from: member.id, message: effect.message });
        return void this.links.get(`${member.id}>${effect.to}`)?.push(copyOf(effect.message));
      case 'write':
        return void member.queue.push(effect);
      case 'dropQueued':
        member.queue = member.queue.filter(({ entries }) => entries.length === 0);
        return;
      case 'read':
        return void member.reads.push(effect);
      case 'committed':
        return this.#promise(member, effect.through);
      case 'serving':
        assert(!this.#heads.has(member.id), `C18: ${member.id} begins to head the chain and never stopped`);
        this.#heads.add(member.id);
        return this.#promise(member, member.replica.durable.lsn);
      case 'stopped':
        return void this.#heads.delete(member.id);
      case 'wedged':
        assert(this.wedged !== undefined, `no fault in this world is one that wedges: ${effect.reason}`);
        return void this.wedged.push(`${member.id} ${effect.reason}`);
      default:
        return;
    }
  }

  /** What a head calls committed is on the disk of every member at that moment (C6), not only in the end. */
  #promise(member: Member, through: number): void {
    for (let lsn = this.promises.size + 1; lsn <= through; lsn += 1) {
      const hash = member.disk.records[lsn - 1]?.hash;
      assert(hash !== undefined, `C5: record ${lsn} is committed and not on the head's disk`);
      for (const { id, disk } of this.members.values()) {
        assert(disk.records[lsn - 1]?.hash === hash, `C6: record ${lsn} is committed and not on the disk of ${id}`);
      }
      this.promises.set(lsn, hash);
    }
  }

  #checkBelow(member: Member): void {
    if (member.replica.phase.kind !== 'serving') return;
    const lower = lowerOf(member.replica);
    if (lower !== undefined && this.member(lower).isUp) checkNeighbours(member.replica, this.member(lower).replica);
  }

  #say(line: string): void {
    this.trace.push(line);
  }
}

function copyOf(message: Message): Uint8Array {
  return Uint8Array.from(encodeMessage(message));
}
