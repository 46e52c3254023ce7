// Sockets between processes, as TCP and WebSocket let them behave. Each end is a thing of its own: it hears what was sent in
// order, or nothing more; it notices the end of the connection in its own time; what is on its way when a connection is reset
// is lost, from any byte on. A way between two machines can be slow or clogged, each direction by itself.
//
//   dial -> way there -> nobody listens: refused, at once -> way back
//                     -> paused, or the way is clogged: silence until the dialler gives up
//                     -> socket there -> 'open' comes back behind whatever the way back makes of it
import { linkDialMs, linkPingMs } from '../../engine/base/limits.ts';
import type { Prng } from '../prng.ts';
import type { Actor } from './actor.ts';
import type { Kernel, Timer } from './kernel.ts';

export type Data = Uint8Array | string;
type Item = { readonly kind: 'open' | 'ping' | 'pong' | 'end' | 'data'; readonly data?: Data; readonly atMs: number };

type Way = { isClogged: boolean; extraMs: number; isSloppy: boolean };

export type SocketEvents = {
  readonly onOpen?: () => void;
  readonly onData: (data: Data) => void;
  readonly onClose: () => void;
  readonly onRefused?: () => void;
};

export class Socket {
  readonly actor: Actor;
  readonly peer: string;
  /** What it carries: frames of chains are the only ones that a sloppy way may lose. */
  readonly kind: string;
  readonly #network: Network;
  events: SocketEvents;
  twin: Socket | undefined;
  state: 'dialling' | 'open' | 'closed' = 'dialling';
  isHeard = true;
  arriving: Item[] = [];
  pump: Timer | undefined;

  constructor(network: Network, actor: Actor, peer: string, kind: string, events: SocketEvents) {
    this.#network = network;
    this.kind = kind;
    this.actor = actor;
    this.peer = peer;
    this.events = events;
  }

  send(data: Data): void {
    if (this.state === 'open') this.#network.post(this, 'data', data);
  }

  /** Ends it from this side; the other hears of it behind what is on its way. */
  terminate(): void {
    if (this.state === 'closed') return;
    if (this.twin !== undefined) this.#network.post(this, 'end');
    this.#network.closed(this);
  }

  /** Pings, and gives up a peer that was silent since the last time. */
  watch(): void {
    this.#network.kernel.after(linkPingMs, () => {
      if (this.state === 'closed' || this.actor.state === 'down') return;
      if (this.actor.state === 'up') {
        if (!this.isHeard) return this.terminate();
        this.isHeard = false;
        if (this.state === 'open') this.#network.post(this, 'ping');
      }
      this.watch();
    });
  }
}

type Listener = { readonly actor: Actor; readonly onSocket: (socket: Socket) => SocketEvents };

export class Network {
  readonly kernel: Kernel;
  readonly #prng: Prng;
  readonly #ways = new Map<string, Way>();
  readonly #listeners = new Map<string, Listener>();
  /** Machines without power: they refuse nothing. */
  readonly dark = new Set<string>();
  readonly sockets = new Set<Socket>();
  readonly counts = { frames: 0, dropped: 0, doubled: 0, reordered: 0 };
  #delayMs = 0.2;

  constructor(kernel: Kernel) {
    this.kernel = kernel;
    this.#prng = kernel.chance('network');
    this.#delayMs = this.#prng.pick([0.1, 0.5, 2]);
  }

  listen(actor: Actor, onSocket: Listener['onSocket']): void {
    this.#listeners.set(actor.name, { actor, onSocket });
  }

  dial(actor: Actor, peer: string, kind: string, events: SocketEvents): Socket {
    const socket = new Socket(this, actor, peer, kind, events);
    this.sockets.add(socket);
    this.kernel.after(linkDialMs, () => {
      if (socket.state === 'dialling' && actor.state !== 'down') socket.terminate();
    });
    if (this.way(actor.name, peer).isClogged || this.dark.has(peer)) return socket;
    this.kernel.after(this.#delay(actor.name, peer), () => this.#arrived(socket));
    return socket;
  }

  way(from: string, to: string): Way {
    const key = `${from}>${to}`;
    const known = this.#ways.get(key);
    if (known !== undefined) return known;
    const way = { isClogged: false, extraMs: 0, isSloppy: false };
    this.#ways.set(key, way);
    return way;
  }

  clog(from: string, to: string): void {
    this.way(from, to).isClogged = true;
  }

  unclog(from: string, to: string): void {
    this.way(from, to).isClogged = false;
    for (const socket of this.sockets) if (socket.actor.name === to && socket.peer === from) this.#pump(socket);
  }

  healAll(): void {
    for (const [key, way] of this.#ways) {
      Object.assign(way, { extraMs: 0, isSloppy: false });
      const [from, to] = key.split('>') as [string, string];
      if (way.isClogged) this.unclog(from, to);
    }
  }

  /** The process runs again: it reads what has come meanwhile. */
  resumed(actor: Actor): void {
    for (const socket of this.sockets) if (socket.actor === actor) this.#pump(socket);
  }

  /** The process is gone. With it goes what its machine would have said, where that lost its power. */
  gone(actor: Actor, isPowerLost: boolean): void {
    if (this.#listeners.get(actor.name)?.actor === actor) this.#listeners.delete(actor.name);
    for (const socket of [...this.sockets]) {
      if (socket.actor !== actor) continue;
      socket.state = 'closed';
      this.sockets.delete(socket);
      const { twin } = socket;
      if (twin === undefined || twin.state === 'closed') continue;
      if (this.#prng.below(2) === 0) cut(twin, this.#prng);
      if (!isPowerLost) this.post(socket, 'end');
    }
  }

  /** Both ends lose what is on its way, from some frame on, and notice in their own time. */
  reset(socket: Socket): void {
    for (const end of [socket, socket.twin]) {
      if (end === undefined || end.state === 'closed') continue;
      cut(end, this.#prng);
      const isDeaf = this.#prng.below(2) === 0;
      const atMs = this.kernel.nowMs + this.#prng.below(isDeaf ? 2_000 : 20);
      end.arriving.push({ kind: 'end', atMs });
      end.twin = undefined;
      this.#pump(end);
    }
  }

  post(from: Socket, kind: Item['kind'], data?: Data): void {
    const to = from.twin;
    if (to === undefined || to.state === 'closed') return;
    this.counts.frames += 1;
    const [source, target] = [from.actor.name, to.actor.name];
    const item = {
      kind,
      atMs: this.kernel.nowMs + this.#delay(source, target),
      ...(data === undefined ? {} : { data }),
    };
    if (to.kind === 'chain' && this.way(source, target).isSloppy && mayBeLost(data))
      return this.#postSloppily(to, item);
    to.arriving.push(item);
    this.#pump(to);
  }

  closed(socket: Socket): void {
    socket.state = 'closed';
    this.sockets.delete(socket);
    this.kernel.cancel(socket.pump);
    this.kernel.after(0, () => socket.actor.enter(() => socket.events.onClose()));
  }

  /** Registers and gossip are built for a network that loses, doubles and overtakes; links keep the rest in order. */
  #postSloppily(to: Socket, item: Item): void {
    const dice = this.#prng.below(4);
    if (dice === 0) this.counts.dropped += 1;
    else if (dice === 1) {
      this.counts.reordered += 1;
      const opened = to.arriving.findIndex(({ kind }) => kind === 'open') + 1;
      to.arriving.splice(opened + this.#prng.below(to.arriving.length + 1 - opened), 0, item);
    } else to.arriving.push(item);
    if (dice === 2) {
      this.counts.doubled += 1;
      to.arriving.push(item);
    }
    this.#pump(to);
  }

  #arrived(socket: Socket): void {
    const { actor, peer, kind } = socket;
    if (socket.state === 'closed' || actor.state === 'down') return;
    const listener = this.#listeners.get(peer);
    if (listener?.actor.state === 'paused') return;
    if (listener === undefined) {
      if (this.dark.has(peer) || this.way(peer, actor.name).isClogged) return;
      this.kernel.after(this.#delay(peer, actor.name), () => {
        actor.enter(() => {
          if (socket.state === 'closed') return;
          socket.events.onRefused?.();
          this.closed(socket);
        });
      });
      return;
    }
    const idle: SocketEvents = { onData: () => {}, onClose: () => {} };
    const twin = new Socket(this, listener.actor, actor.name, kind, idle);
    twin.state = 'open';
    twin.twin = socket;
    socket.twin = twin;
    this.sockets.add(twin);
    this.post(twin, 'open');
    twin.events = listener.onSocket(twin);
  }

  #delay(from: string, to: string): number {
    return this.way(from, to).extraMs + this.#delayMs * (0.5 + this.#prng.next());
  }

  #pump(socket: Socket): void {
    const first = socket.arriving[0];
    if (first === undefined || !this.#canHear(socket)) return;
    if (socket.pump?.run !== undefined) return;
    socket.pump = this.kernel.after(Math.max(0, first.atMs - this.kernel.nowMs), () => this.#deliver(socket));
  }

  #deliver(socket: Socket): void {
    socket.pump = undefined;
    if (!this.#canHear(socket)) return;
    const item = socket.arriving.shift();
    if (item === undefined) return;
    socket.isHeard = true;
    if (item.kind === 'end') return this.closed(socket);
    if (item.kind === 'ping') this.post(socket, 'pong');
    const { data } = item;
    if (item.kind === 'open') {
      socket.state = 'open';
      socket.actor.enter(() => socket.events.onOpen?.());
    } else if (data !== undefined) socket.actor.enter(() => socket.events.onData(data));
    this.#pump(socket);
  }

  /** An end that its own machine makes up (`twin` is gone) needs no way. */
  #canHear(socket: Socket): boolean {
    if (socket.state === 'closed' || socket.actor.state !== 'up') return false;
    return socket.twin === undefined || !this.way(socket.peer, socket.actor.name).isClogged;
  }
}

function cut(end: Socket, prng: Prng): void {
  end.arriving.length = prng.below(end.arriving.length + 1);
}

/** Not the hello, which is JSON. */
function mayBeLost(data: Data | undefined): boolean {
  return data instanceof Uint8Array && (data[0] ?? 0) >= 32 && data[0] !== 0x7b;
}
