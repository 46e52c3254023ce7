// A chain in memory: the real replicas, over disks, links and a register that do only what a test tells them to. A crash forgets
// what was not synced; the write in flight is kept or lost, as the test says. A world can be copied at any moment, so that a
// model checker can try all that may come next.
import { describeConfiguration, describeEffect, describeMessage, describePosition } from '../../chain/describe.ts';
import { canPropose } from '../../chain/normal.ts';
import { mayFold } from '../../chain/pages.ts';
import { step } from '../../chain/replica.ts';
import { checkReplica } from '../../chain/replica-check.ts';
import type { Decision, Effect, Event } from '../../chain/state.ts';
import { assert } from '../../engine/base/assert.ts';
import type { Epoch, HostId } from '../../engine/base/ids.ts';
import { hostId } from '../../engine/base/ids.ts';
import type { Disk } from './disk.ts';
import { applyWrites, emptyDisk, pageFrom, positionAt, readAfter } from './disk.ts';
import type { Item } from './links.ts';
import { Links } from './links.ts';
import { made } from './made.ts';
import { makeActivation, makeBatch, travelled } from './records.ts';
import { describeDecision, keyOfValue, RegisterCell } from './register-cell.ts';
import { Witness } from './witness.ts';
import type { Member } from './world-member.ts';
import { begin, bootOf, cloneMember, greetingOf } from './world-member.ts';

export type { Member, Read } from './world-member.ts';

export type Habits = {
  /** Messages take the way through their bytes. */
  readonly isEncoded: boolean;
  /** What a host says to itself is heard at once, behind whatever else it does in this step. */
  readonly isSelfQuick: boolean;
  /** A log is read at once. */
  readonly isReadQuick: boolean;
  /** A disk that is idle takes what is queued at the end of a step; else `startWrite` says when. */
  readonly isDiskQuick: boolean;
  /** A head begins its epoch with a record, as hosts do. */
  readonly hasActivation: boolean;
};

export const quick: Habits = {
  isEncoded: true,
  isSelfQuick: true,
  isReadQuick: false,
  isDiskQuick: false,
  hasActivation: true,
};

export class World {
  readonly members = new Map<HostId, Member>();
  readonly links: Links;
  readonly register: RegisterCell;
  readonly witness: Witness;
  readonly habits: Habits;
  trace: string[] | undefined;
  /** Why members wedged, where a test causes that on purpose; undefined where nothing that happens may wedge one. */
  wedged: string[] | undefined;
  updates = 0;

  constructor(names: readonly string[], habits: Habits = quick, other?: World) {
    this.habits = habits;
    const ids = names.map(hostId);
    this.links = new Links(ids, other?.links);
    this.witness = new Witness(other?.witness);
    this.register = new RegisterCell(
      (before, after) => this.witness.onChanged(before, after, this.members),
      other?.register,
    );
    for (const id of ids) this.members.set(id, other === undefined ? begin(id) : cloneMember(other.member(id)));
    if (other !== undefined) this.updates = other.updates;
  }

  clone(): World {
    return new World([...this.members.keys()], this.habits, this);
  }

  member(name: string): Member {
    const member = this.members.get(name as HostId);
    assert(member !== undefined, `there is a member ${name}`);
    return member;
  }

  /** Whoever believes to head the chain, and whom the register holds active: the newest. */
  get head(): Member | undefined {
    const heads = [...this.members.values()].filter(({ isUp, isHead }) => isUp && isHead);
    return heads.sort((a, b) => b.replica.epoch - a.replica.epoch)[0];
  }

  /** A new link, which each end meets when it is delivered. */
  dial(a: string, b: string): boolean {
    const [one, other] = [this.member(a), this.member(b)];
    if (a === b || !one.isUp || !other.isUp || this.links.isUp(a, b)) return false;
    this.say(() => `> ${a} and ${b} are linked`);
    this.links.link(greetingOf(one), greetingOf(other));
    return true;
  }

  /** A new link, met at both ends at once. */
  connect(a: string, b: string): void {
    for (const [from, to] of [[a, b] as const, [b, a] as const]) this.#drainUntilBroken(from, to);
    assert(this.dial(a, b), `${a} and ${b} can be linked`);
    this.deliver(b, a);
    this.deliver(a, b);
  }

  #drainUntilBroken(from: string, to: string): void {
    while (this.links.way(from, to).items.length > 0) this.deliver(from, to);
  }

  breakLink(a: string, b: string, lost: (countSent: number) => number): void {
    if (!this.links.isUp(a, b)) return;
    this.say(() => `> the link of ${a} and ${b} breaks`);
    this.links.break(a, b, lost);
  }

  /** Both ends notice at once; what was on its way is lost. */
  disconnect(a: string, b: string): void {
    const count = (from: string, to: string): number => this.links.way(from, to).items.length;
    const lost = [count(a, b), count(b, a)];
    if (!this.links.isUp(a, b)) return;
    this.links.break(a, b, (sent) => sent);
    this.say(() => `> the link of ${a} and ${b} breaks; lost: ${lost[0]} from ${a}, ${lost[1]} from ${b}`);
    for (const [from, to] of [[a, b] as const, [b, a] as const])
      if (this.member(to).isUp) this.#drainUntilBroken(from, to);
  }

  /** The oldest of what is on its way happens. */
  deliver(from: string, to: string): boolean {
    const member = this.member(to);
    const item = member.isUp ? this.links.next(from, to) : undefined;
    if (item === undefined) return false;
    if (item.kind !== 'linked' && item.kind !== 'broken')
      this.say(() => `> ${to} hears from ${from}: ${describeMessage(item)}`);
    this.step(member, eventOf(from as HostId, item));
    return true;
  }

  /** Completes the write in flight, or hands what is queued to the disk and completes that. */
  sync(name: string): boolean {
    const member = this.member(name);
    if (!this.startWrite(name)) return false;
    const writes = member.writing ?? [];
    const synced = applyWrites(member.disk, writes);
    member.writing = undefined;
    this.say(() => `> ${name} synced ${synced.position === undefined ? 'marks' : describePosition(synced.position)}`);
    this.step(member, { kind: 'synced', ...synced });
    for (const { isWipe, page, epoch } of writes) {
      if (isWipe === true) member.reads.push({ kind: 'wiped' });
      if (page !== undefined) this.step(member, { kind: 'pageStored', isRight: true, epoch: epoch as Epoch, ...page });
    }
    if (this.habits.isReadQuick) while (this.read(member.id));
    return true;
  }

  /** Hands what is queued to the disk: from here on it can no longer be dropped. */
  startWrite(name: string): boolean {
    const member = this.member(name);
    if (member.writing !== undefined) return true;
    if (!member.isUp || member.queue.length === 0) return false;
    member.writing = member.queue;
    member.queue = [];
    return true;
  }

  read(name: string): boolean {
    const member = this.member(name);
    const read = member.reads.shift();
    if (read === undefined) return false;
    if (read.kind === 'wiped') {
      member.disk.hasLeftover = false;
      this.say(() => `> ${name} is wiped`);
      this.step(member, read);
    } else if (read.kind === 'readPage') {
      this.step(member, { ...read, kind: 'pageRead', page: pageFrom(member.disk, read.cursor) });
    } else if (read.kind === 'locate')
      this.step(member, { kind: 'located', epoch: read.epoch, position: positionAt(member.disk, read.lsn) });
    else this.step(member, { ...read, kind: 'fetched', ...readAfter(member.disk, read.after) });
    return true;
  }

  /** What a host asked the register happens now; its answer is on its way. */
  happen(name: string): boolean {
    const { id, question } = this.member(name);
    if (question === undefined || question.decision !== undefined) return false;
    const before = this.register.value;
    this.register.happen(id, question);
    const { value } = this.register;
    if (keyOfValue(before) !== keyOfValue(value) && value !== undefined)
      this.say(() => `> the register holds ${describeConfiguration(value)}`);
    return true;
  }

  /** What a host asked the register happens, where it has not yet, and the host hears of it. */
  decide(name: string): boolean {
    const member = this.member(name);
    const { question } = member;
    if (question === undefined) return false;
    this.happen(name);
    const { decision } = question;
    assert(decision !== undefined, 'what happened has an outcome');
    this.say(() => `> ${name} is told: ${describeDecision(decision)}`);
    member.question = undefined;
    this.step(member, { kind: 'decided', decision });
    return true;
  }

  /** The answer of the register is lost; a CAS may have happened, or may yet. */
  lapse(name: string): boolean {
    const member = this.member(name);
    const { question } = member;
    if (question === undefined) return false;
    this.register.forget(member.id, question);
    this.say(() => `> ${name} is told nothing by the register`);
    member.question = undefined;
    // A read that found nothing out says so; it may be the one that was to tell what a CAS did.
    const decision: Decision = { kind: question.kind === 'look' ? 'failed' : 'unknown' };
    this.step(member, { kind: 'decided', decision });
    return true;
  }

  happenLate(index: number): boolean {
    if (this.register.late[index] === undefined) return false;
    this.register.happenLate(index);
    this.say(
      () =>
        `> a late CAS: the register holds ${this.register.value === undefined ? 'nothing' : describeConfiguration(this.register.value)}`,
    );
    return true;
  }

  /** The head adds a batch of one update, where it can. */
  propose(name: string): boolean {
    const member = this.member(name);
    const { replica } = member;
    if (!member.isUp || !member.isHead || !canPropose(replica)) return false;
    this.updates += 1;
    const entry = makeBatch(replica, `update ${this.updates}`, this.updates);
    this.say(() => `> ${name} proposes #${entry.lsn}`);
    this.step(member, { kind: 'propose', entry });
    return true;
  }

  /** Everything committed is folded into documents; the log goes as far as it may. */
  fold(name: string): boolean {
    const member = this.member(name);
    const { replica, disk } = member;
    if (!member.isUp || !mayFold(replica) || replica.committed <= disk.start) return false;
    this.say(() => `> ${name} has folded #${replica.committed}`);
    this.step(member, { kind: 'folded', through: positionAt(disk, replica.committed), newest: replica.committed });
    return true;
  }

  barrier(name: string): boolean {
    const member = this.member(name);
    if (!member.isUp || !member.isHead) return false;
    this.say(() => `> ${name} asks whether its epoch still runs`);
    this.witness.onAsked(member);
    this.step(member, { kind: 'barrier' });
    return true;
  }

  /** What policy may say at any time. */
  tell(
    name: string,
    event: Event & { kind: 'look' | 'reconfigure' | 'hurry' | 'abandon' | 'add' | 'remove' },
  ): boolean {
    const member = this.member(name);
    if (!member.isUp) return false;
    const what = 'host' in event ? ` ${event.host}` : 'intention' in event ? ` ${event.intention.order.join('>')}` : '';
    this.say(() => `> ${name} is to ${event.kind}${what}`);
    this.step(member, event);
    return true;
  }

  reconfigure(name: string, order: readonly string[], serversMin: number, loss?: string): boolean {
    return this.tell(name, { kind: 'reconfigure', intention: { order: order as HostId[], serversMin, loss } });
  }

  /** kill -9: memory is gone; the write in flight happened or did not. What was sent may still arrive. */
  crash(name: string, isWriteKept: boolean, lost: (countSent: number) => number = () => 0): void {
    const member = this.member(name);
    if (!member.isUp) return;
    this.say(() => `> ${name} crashes`);
    if (isWriteKept && member.writing !== undefined) applyWrites(member.disk, member.writing);
    this.register.forget(undefined, member.question);
    this.witness.onStopped(member.id);
    const gone = { isUp: false, isHead: false, queue: [], writing: undefined, reads: [], question: undefined };
    Object.assign(member, gone);
    this.links.end(member.id, this.members.keys(), lost);
  }

  /** Starts a process again, with the disk that was left, or with an empty one of another name. */
  restart(name: string, isDiskLost = false): void {
    const member = this.member(name);
    assert(!member.isUp, `${name} is down`);
    member.boot += 1;
    member.isUp = true;
    if (isDiskLost) {
      member.disk = emptyDisk();
      member.storeId = `${name}${member.boot}`;
    }
    this.say(() => `> ${name} starts${isDiskLost ? ' with an empty disk' : ''}`);
    member.replica = bootOf(member);
  }

  /** A disk as it was laid down before the story begins. */
  layDown(name: string, disk: Disk): void {
    const member = this.member(name);
    member.disk = disk;
    for (const entry of disk.records) made.set(entry.hash, entry);
    member.replica = bootOf(member);
  }

  step(member: Member, event: Event): void {
    const out: Effect[] = [];
    step(member.replica, event, out);
    checkReplica(member.replica);
    for (const effect of out) this.#carryOut(member, effect);
    if (this.habits.isSelfQuick) while (this.deliver(member.id, member.id));
    if (this.habits.isReadQuick) while (this.read(member.id));
    if (this.habits.isDiskQuick) this.startWrite(member.id);
  }

  #carryOut(member: Member, effect: Effect): void {
    if (effect.kind !== 'send' || effect.to !== member.id) this.say(() => `  ${member.id} ${describeEffect(effect)}`);
    switch (effect.kind) {
      case 'send':
        return this.links.send(
          member.id,
          effect.to,
          this.habits.isEncoded ? travelled(effect.message) : effect.message,
        );
      case 'write':
        return void member.queue.push(effect);
      case 'dropQueued':
        member.queue = member.queue.filter(({ entries, cut }) => entries.length === 0 && cut === undefined);
        return;
      case 'trim':
        member.disk.start = effect.to.lsn;
        return;
      case 'wipe':
        return void member.queue.push({ ...noWrite, isWipe: true });
      case 'storePage':
        return void member.queue.push({ ...noWrite, page: effect.page, epoch: effect.epoch });
      case 'read':
      case 'readPage':
      case 'locate':
        return void member.reads.push(effect);
      case 'committed':
        return this.witness.onPromise(this.members, member, effect.through);
      case 'passed':
        return this.witness.onPassed(member, effect.token);
      case 'serving':
        return this.#serve(member, effect);
      case 'stopped':
        assert(member.isHead, `${member.id} stops what it does not head`);
        member.isHead = false;
        return this.witness.onStopped(member.id);
      case 'wedged':
        assert(this.wedged !== undefined, `no fault in this world is one that wedges: ${member.id}: ${effect.reason}`);
        return void this.wedged.push(`${member.id} ${effect.reason}`);
      case 'look':
      case 'cas':
        assert(member.question === undefined, `${member.id} asks the register one thing at a time`);
        member.question = { ...effect, decision: undefined };
        return;
      case 'learned':
        return;
    }
  }

  #serve(member: Member, { epoch, order }: Effect & { kind: 'serving' }): void {
    assert(!member.isHead, `C18: ${member.id} begins to head the chain and never stopped`);
    member.isHead = true;
    this.witness.onPromise(this.members, member, member.replica.committed);
    if (!this.habits.hasActivation) return;
    const { received } = member.replica;
    this.step(member, { kind: 'propose', entry: makeActivation({ epoch, received }, order) });
  }

  say(line: () => string): void {
    this.trace?.push(line());
  }
}

const noWrite = { cut: undefined, entries: [], marks: undefined };

function eventOf(from: HostId, item: Item): Event {
  if (item.kind === 'broken') return { kind: 'disconnected', peer: from };
  if (item.kind === 'linked') return { kind: 'connected', peer: from, boot: item.boot, storeId: item.storeId };
  return { kind: 'message', from, message: item };
}
