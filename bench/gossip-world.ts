// Peers of gossip in a world of one seed: links with delay and loss, peers that crash, start again and pause. Nothing here waits
// or looks at a clock; time is a ring of milliseconds.
import { createGossip, dueMs, stepGossip } from '../chain/gossip/gossip.ts';
import { bootOf, type Instance, makeInstance, type Role } from '../chain/gossip/instances.ts';
import type { GossipMessage } from '../chain/gossip/messages.ts';
import type { Profile } from '../chain/gossip/profile.ts';
import type { GoneWhy, Gossip, GossipEffect, GossipEvent } from '../chain/gossip/state.ts';
import { bytesOf, decodeGossip, encodeGossip } from '../chain/gossip/wire.ts';

export type WorldOptions = {
  readonly profile: Profile;
  readonly random: () => number;
  readonly bootstrap: readonly string[];
  /** The share of messages that get lost. */
  loss: number;
  readonly delayMsMax: number;
  /** One message in so many travels as bytes; all of them are counted. */
  readonly encodeEvery: number;
  readonly onGone?: (peer: Peer, instance: Instance, why: GoneWhy) => void;
  readonly onAppeared?: (peer: Peer, instance: Instance) => void;
  readonly onHint?: (peer: Peer, effect: Extract<GossipEffect, { kind: 'hint' }>) => void;
};

export type Peer = {
  readonly id: string;
  readonly gossip: Gossip;
  status: 'up' | 'paused' | 'down';
  /** The tick it waits for; those of before a pause or a restart are void. */
  tickAtMs: number;
  pausedAtMs: number;
  readonly inbox: Delivery[];
};

type Delivery = { readonly from: string; readonly to: Peer; readonly message: GossipMessage };
/** A delivery, a tick of a peer, or something that the bench does. */
type Happening = Delivery | Peer | (() => void);

const ringMs = 4_096;

export class GossipWorld {
  readonly options: WorldOptions;
  readonly peers = new Map<string, Peer>();
  nowMs = 0;
  messages = 0;
  /** True where a message from one to the other arrives. */
  canReach: (from: string, to: string) => boolean = () => true;
  #ring: Happening[][] = Array.from({ length: ringMs }, () => []);
  #out: GossipEffect[] = [];

  constructor(options: WorldOptions) {
    this.options = options;
  }

  start(id: string, roles: readonly Role[] = ['host'], bootstrap = this.options.bootstrap): Peer {
    const { profile, random } = this.options;
    const parts = { id, boot: bootOf(1.7e12 + this.nowMs, random()), roles, region: 'r1', appHash: 'a'.repeat(64) };
    const self = makeInstance({ ...parts, address: roles.includes('host') ? `10.0.0.1:${id.slice(1)}` : '' });
    const gossip = createGossip({ self, profile, random, bootstrap, nowMs: this.nowMs });
    const peer: Peer = { id, gossip, status: 'up', tickAtMs: this.nowMs, pausedAtMs: 0, inbox: [] };
    this.peers.set(id, peer);
    this.#plan(peer, this.nowMs);
    return peer;
  }

  crash(peer: Peer): void {
    peer.status = 'down';
  }

  /** The process stands still; what is sent to it waits. */
  pause(peer: Peer, lengthMs: number): void {
    peer.status = 'paused';
    peer.pausedAtMs = this.nowMs;
    this.at(this.nowMs + lengthMs, () => this.#resume(peer));
  }

  step(peer: Peer, event: GossipEvent): void {
    const out = this.#out;
    out.length = 0;
    stepGossip(peer.gossip, event, out);
    for (const effect of out) {
      if (effect.kind === 'gossip') this.#send(peer, effect.to, effect.message);
      else if (effect.kind === 'gone') this.options.onGone?.(peer, effect.instance, effect.why);
      else if (effect.kind === 'appeared') this.options.onAppeared?.(peer, effect.instance);
      else this.options.onHint?.(peer, effect);
    }
  }

  at(atMs: number, action: () => void): void {
    if (atMs - this.nowMs < ringMs) this.#bucket(atMs).push(action);
    else this.#bucket(this.nowMs + ringMs - 1).push(() => this.at(atMs, action));
  }

  runUntil(endMs: number, isDone: () => boolean = () => false, everyMs = 10): boolean {
    for (; this.nowMs < endMs; this.nowMs += 1) {
      if (this.nowMs % everyMs === 0 && isDone()) return true;
      const bucket = this.#bucket(this.nowMs);
      // A happening of this very millisecond may add another.
      for (let index = 0; index < bucket.length; index += 1) this.#happen(bucket[index] as Happening);
      bucket.length = 0;
    }
    return isDone();
  }

  #happen(what: Happening): void {
    if (typeof what === 'function') what();
    else if ('gossip' in what) this.#tick(what, 0);
    else if (what.to.status === 'up') this.#deliver(what);
    else if (what.to.status === 'paused') what.to.inbox.push(what);
  }

  #deliver({ from, to, message }: Delivery): void {
    this.step(to, { kind: 'message', from, message, nowMs: this.nowMs });
  }

  #tick(peer: Peer, lagMs: number): void {
    if (peer.status !== 'up' || peer.tickAtMs !== this.nowMs) return;
    this.step(peer, { kind: 'tick', nowMs: this.nowMs, lagMs });
    const tickAtMs = Math.max(Math.ceil(dueMs(peer.gossip)), this.nowMs + 1);
    this.#plan(peer, tickAtMs);
  }

  #plan(peer: Peer, tickAtMs: number): void {
    peer.tickAtMs = tickAtMs;
    this.#bucket(tickAtMs).push(peer);
  }

  /** What waited comes in before the tick that tells of the pause: the harder order. */
  #resume(peer: Peer): void {
    if (peer.status !== 'paused') return;
    peer.status = 'up';
    for (const delivery of peer.inbox.splice(0)) this.#deliver(delivery);
    peer.tickAtMs = this.nowMs;
    this.#tick(peer, this.nowMs - peer.pausedAtMs);
  }

  #send(from: Peer, to: string, message: GossipMessage): void {
    const { random, loss, delayMsMax, encodeEvery } = this.options;
    this.messages += 1;
    const target = this.peers.get(to);
    if (target === undefined || target.status === 'down' || !this.canReach(from.id, to) || random() < loss) return;
    const heard = this.messages % encodeEvery === 0 ? overTheWire(message) : message;
    const delivery = { from: from.id, to: target, message: heard };
    this.#bucket(this.nowMs + Math.floor(random() * (delayMsMax + 1))).push(delivery);
  }

  #bucket(atMs: number): Happening[] {
    return this.#ring[atMs % ringMs] as Happening[];
  }
}

function overTheWire(message: GossipMessage): GossipMessage {
  const bytes = encodeGossip(message);
  if (bytes.length !== bytesOf(message))
    throw new Error(`${message.kind}: ${bytes.length} bytes and not ${bytesOf(message)}`);
  return decodeGossip(bytes);
}
