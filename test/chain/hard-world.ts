// A chain as its hosts run it, with sockets that nobody hurries: each end of a link meets the other, hears it and notices its
// end in its own time, so that one may be on a new link while the other still holds the old. What arrives waits in a member's
// inbox for its turn. What the host promises (host/host.ts, host/links.ts) holds here too, and no more than that:
//
//   a link that ends is stepped at once, behind what the inbox holds, before its peer has another socket
//   what comes on a socket that is no longer the peer's is not heard
//   what is sent in a turn goes over the socket that is the peer's then, or nowhere
import { describeEffect, describeMessage } from '../../chain/describe.ts';
import type { Entry } from '../../chain/messages.ts';
import { canPropose } from '../../chain/normal.ts';
import { step } from '../../chain/replica.ts';
import { checkReplica } from '../../chain/replica-check.ts';
import type { Effect, Event, Replica } from '../../chain/state.ts';
import { createReplica } from '../../chain/state.ts';
import { decodeMessage, encodeMessage } from '../../chain/wire.ts';
import { assert } from '../../engine/base/assert.ts';
import type { HostId } from '../../engine/base/ids.ts';
import { chainId, hostId } from '../../engine/base/ids.ts';
import { encodeActivation, encodeBatch, openRecord } from '../../engine/store/format.ts';
import type { Prng } from '../prng.ts';
import type { Disk, Write } from './disk.ts';
import { applyWrites, emptyDisk, endOfDisk, readAfter } from './disk.ts';
import { marksOf } from './one.ts';

const chain = chainId(0);

type Hello = { readonly boot: string; readonly mayLead: boolean };

/** One socket at one member; `twin` is its other end. */
export type End = {
  readonly at: HostId;
  readonly peer: HostId;
  twin: End | undefined;
  /** What is on its way to this end. */
  readonly arriving: (Hello | Uint8Array)[];
  /** Nothing more will arrive: behind what is on its way comes the end. */
  isEnding: boolean;
  /** It will be long before this end notices that the link broke. */
  isDeaf: boolean;
  isMet: boolean;
  isClosed: boolean;
};

export type Member = {
  readonly id: HostId;
  readonly disk: Disk;
  replica: Replica;
  boot: number;
  mayLead: boolean;
  isUp: boolean;
  isHead: boolean;
  inbox: Event[];
  queue: Write[];
  writing: Write[] | undefined;
  reads: (Effect & { kind: 'read' })[];
  /** The socket that is the peer's now, once it said hello. */
  readonly sockets: Map<HostId, End>;
};

export class HardWorld {
  readonly members: readonly Member[];
  /** Both ends of every socket that is open at one of them. */
  readonly ends = new Set<End>();
  /** Every record that a head called committed, in order. */
  readonly promises: string[] = [];
  readonly trace: string[] | undefined;
  wedges = 0;
  #updates = 0;
  readonly #ids: readonly HostId[];
  readonly #prng: Prng;

  constructor(names: readonly string[], prng: Prng, isTraced: boolean) {
    this.#prng = prng;
    this.trace = isTraced ? [] : undefined;
    this.#ids = names.map(hostId);
    this.members = this.#ids.map((id) => {
      const disk = emptyDisk();
      const [replica, sockets] = [this.#boot(id, disk, 0, true), new Map<HostId, End>()];
      const idle = { inbox: [], queue: [], writing: undefined, reads: [], isHead: false };
      return { id, disk, replica, boot: 0, mayLead: true, isUp: false, sockets, ...idle };
    });
  }

  get head(): Member | undefined {
    return this.members.find(({ isUp, isHead }) => isUp && isHead);
  }

  /** The power went in epoch 1, when each member had synced as much of `log` as its own time allowed. */
  layDown(log: readonly Entry[]): void {
    for (const { disk } of this.members) {
      disk.records = log.slice(0, this.#prng.below(log.length + 1));
      disk.marks = { ...disk.marks, ...marksOf(1, 1) };
    }
  }

  start(member: Member, mayLead: boolean): void {
    const { id, disk } = member;
    member.boot += 1;
    member.isUp = true;
    member.mayLead = mayLead;
    member.replica = this.#boot(id, disk, member.boot, mayLead);
    this.#say(() => `> ${id} starts and may ${mayLead ? '' : 'not '}lead`);
    member.inbox.push({ kind: 'connected', peer: id, boot: `b${member.boot}`, mayLead });
  }

  /** kill -9: memory is gone; the write in flight happened or did not. What was sent may still arrive. */
  crash(member: Member): void {
    if (member.writing !== undefined && this.#prng.below(2) === 0) applyWrites(member.disk, member.writing);
    Object.assign(member, { isUp: false, isHead: false, inbox: [], queue: [], writing: undefined, reads: [] });
    member.sockets.clear();
    this.#say(() => `> ${member.id} crashes`);
    for (const end of this.ends) if (end.at === member.id) this.#close(end);
  }

  /** The one with the smaller name dials, and not while it has a socket to the other. */
  canDial(from: Member, to: Member): boolean {
    if (from.id >= to.id || !from.isUp || !to.isUp) return false;
    for (const { at, peer } of this.ends) if (at === from.id && peer === to.id) return false;
    return true;
  }

  dial(from: Member, to: Member): boolean {
    if (!this.canDial(from, to)) return false;
    const make = (one: Member, other: Member): End => {
      const hello = { boot: `b${other.boot}`, mayLead: other.mayLead };
      const fresh = { twin: undefined, isEnding: false, isDeaf: false, isMet: false, isClosed: false };
      return { at: one.id, peer: other.id, arriving: [hello], ...fresh };
    };
    const [near, far] = [make(from, to), make(to, from)];
    [near.twin, far.twin] = [far, near];
    this.ends.add(near).add(far);
    this.#say(() => `> ${from.id} dials ${to.id}`);
    return true;
  }

  /** The network gives up on a link: some of what is on its way is lost, and each end will notice. */
  breakLink(end: End): void {
    this.#say(() => `> the link of ${end.at} and ${end.peer} breaks`);
    for (const one of [end, end.twin]) {
      if (one === undefined || one.isClosed) continue;
      if (this.#prng.below(2) === 0) one.arriving.splice(this.#prng.below(one.arriving.length + 1));
      one.isEnding = true;
      one.isDeaf = this.#prng.below(2) === 0;
    }
  }

  /** The next that happens at one end of a link: a hello, a message, or its end. False where there is nothing. */
  deliver(end: End): boolean {
    const member = this.#memberOf(end.at);
    const { peer } = end;
    const item = end.arriving.shift();
    if (item === undefined) {
      if (!end.isEnding) return false;
      if (member.sockets.get(peer) === end) this.#lose(member, peer);
      this.#close(end);
    } else if (!(item instanceof Uint8Array)) {
      const older = member.sockets.get(peer);
      if (older !== undefined) {
        this.#lose(member, peer);
        this.#close(older);
      }
      end.isMet = true;
      member.sockets.set(peer, end);
      this.#say(() => `> ${end.at} meets ${peer} ${item.boot}`);
      member.inbox.push({ kind: 'connected', peer, ...item });
    } else if (member.sockets.get(peer) === end) {
      member.inbox.push({ kind: 'message', from: peer, message: decodeMessage(item, openRecord) });
    }
    return true;
  }

  /** Takes all that waits in the inbox, and what the member sends to itself meanwhile. */
  turn(member: Member): boolean {
    const isBusy = member.inbox.length > 0;
    for (let rounds = 0; member.inbox.length > 0; rounds += 1) {
      assert(rounds < 100, 'a turn comes to rest');
      const events = member.inbox;
      member.inbox = [];
      for (const event of events) this.#step(member, event);
    }
    return isBusy;
  }

  /** A head proposes at the end of a turn. */
  propose(member: Member): boolean {
    this.turn(member);
    const { replica } = member;
    if (!member.isUp || !member.isHead || !canPropose(replica)) return false;
    this.#updates += 1;
    const updates = [Buffer.from(`update ${this.#updates}`)];
    const place = { chain, epoch: replica.epoch, after: replica.received };
    const entry = encodeBatch(place, [{ name: 'space/key', seqFirst: this.#updates, updates }]);
    this.#step(member, { kind: 'propose', entry });
    return true;
  }

  startWrite(member: Member): boolean {
    if (member.writing !== undefined) return true;
    if (member.queue.length === 0) return false;
    member.writing = member.queue;
    member.queue = [];
    return true;
  }

  sync(member: Member): boolean {
    if (!this.startWrite(member)) return false;
    const synced = applyWrites(member.disk, member.writing ?? []);
    member.writing = undefined;
    member.inbox.push({ kind: 'synced', ...synced });
    return this.turn(member);
  }

  read(member: Member): boolean {
    const read = member.reads.shift();
    if (read === undefined) return false;
    const { to, epoch, after } = read;
    member.inbox.push({ kind: 'fetched', to, epoch, after, ...readAfter(member.disk, after) });
    return true;
  }

  /** Without a fault from here on, but in an order that chance decides, until nothing is left to happen. */
  settle(between: () => void = () => {}): void {
    for (let rounds = 0; ; rounds += 1) {
      assert(rounds < 2_000, 'C13: a healed chain comes to rest');
      between();
      let isBusy = false;
      const happens = (act: () => boolean): void => {
        isBusy = (rounds < 40 && this.#prng.below(2) === 0) || act() || isBusy;
      };
      for (const member of this.members) {
        happens(() => this.turn(member));
        happens(() => this.read(member));
        happens(() => this.sync(member));
      }
      for (const end of [...this.ends]) if (!end.isClosed) happens(() => this.deliver(end));
      for (const from of this.members) for (const to of this.members) happens(() => this.dial(from, to));
      if (!isBusy) return;
    }
  }

  #boot(id: HostId, disk: Disk, boot: number, mayLead: boolean): Replica {
    const [members, durable] = [this.#ids, endOfDisk(disk)];
    const { marks } = disk;
    return createReplica({ self: id, boot: `b${boot}`, storeId: id, chain, members, mayLead, marks, durable });
  }

  #memberOf(id: HostId): Member {
    const member = this.members.find((one) => one.id === id);
    assert(member !== undefined, `there is a member ${id}`);
    return member;
  }

  /** As Links.#lose and Host.onDisconnected do: the socket is gone, and every replica knows before anything else happens. */
  #lose(member: Member, peer: HostId): void {
    member.sockets.delete(peer);
    member.inbox.push({ kind: 'disconnected', peer });
    this.turn(member);
  }

  /** This end hears no more; the other hears what is on its way, and then that it ended. */
  #close(end: End): void {
    end.isClosed = true;
    end.arriving.length = 0;
    this.ends.delete(end);
    if (end.twin !== undefined) end.twin.isEnding = true;
  }

  #send(member: Member, effect: Effect & { kind: 'send' }): void {
    const { to, message } = effect;
    if (to === member.id) return void member.inbox.push({ kind: 'message', from: to, message });
    const end = member.sockets.get(to);
    if (end?.twin === undefined || end.isEnding || end.twin.isClosed || end.twin.isEnding) return;
    end.twin.arriving.push(encodeMessage(message));
  }

  #step(member: Member, event: Event): void {
    this.#say(() => `> ${member.id} ${nameOf(event)}`);
    const out: Effect[] = [];
    step(member.replica, event, out);
    checkReplica(member.replica);
    for (const effect of out) this.#carryOut(member, effect);
  }

  #carryOut(member: Member, effect: Effect): void {
    this.#say(() => `    ${member.id} ${describeEffect(effect)}`);
    switch (effect.kind) {
      case 'send':
        return this.#send(member, effect);
      case 'write':
        return void member.queue.push(effect);
      case 'dropQueued':
        member.queue = member.queue.filter(({ entries }) => entries.length === 0);
        return;
      case 'read':
        return void member.reads.push(effect);
      case 'committed':
        return this.#promise(member, effect.through);
      case 'serving': {
        assert(!member.isHead, `C18: ${member.id} begins to head the chain and never stopped`);
        member.isHead = true;
        this.#promise(member, member.replica.durable.lsn);
        const place = { chain, epoch: effect.epoch, after: member.replica.received };
        return this.#step(member, { kind: 'propose', entry: encodeActivation(place, effect.order) });
      }
      case 'stopped':
        assert(member.isHead, `${member.id} stops what it does not head`);
        member.isHead = false;
        return;
      case 'wedged':
        assert(!effect.reason.includes('CHAIN_DIVERGED'), `C11: no history differs here: ${effect.reason}`);
        this.wedges += 1;
        return;
    }
  }

  /** What a head calls committed is on every disk at that moment (C6). */
  #promise(member: Member, through: number): void {
    for (let lsn = this.promises.length + 1; lsn <= through; lsn += 1) {
      const hash = member.disk.records[lsn - 1]?.hash;
      assert(hash !== undefined, `C5: record ${lsn} is committed and not on the head's disk`);
      for (const { id, disk } of this.members)
        assert(disk.records[lsn - 1]?.hash === hash, `C6: record ${lsn} is committed and not on the disk of ${id}`);
      this.promises.push(hash);
    }
  }

  #say(line: () => string): void {
    this.trace?.push(line());
  }
}

function nameOf(event: Event): string {
  if (event.kind === 'message') return `hears from ${event.from}: ${describeMessage(event.message)}`;
  return 'peer' in event ? `${event.kind} ${event.peer}` : event.kind;
}
