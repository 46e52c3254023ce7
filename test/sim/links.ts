// What host/links.ts does, over simulated sockets: one link per pair of hosts, dialled by the smaller name, hello first at both
// ends, pings; and the same end for a link that says something wrong.
import { CodedError } from '../../engine/base/errors.ts';
import type { HostId } from '../../engine/base/ids.ts';
import { linkProbeMs, linkRedialMsMax, redialMsMin } from '../../engine/base/limits.ts';
import type { Hello } from '../../host/hello.ts';
import { decodeHello, encodeHello } from '../../host/hello.ts';
import type { LinkEvents } from '../../host/links.ts';
import type { Prng } from '../prng.ts';
import type { Actor } from './actor.ts';
import type { Data, Network, Socket, SocketEvents } from './network.ts';

export type SimLinkEvents = LinkEvents & {
  readonly onBroken: (peer: string, cause: CodedError) => void;
};

export class SimLinks {
  readonly #network: Network;
  readonly #actor: Actor;
  readonly #hello: Hello;
  readonly #hosts: readonly HostId[];
  readonly #prng: Prng;
  readonly #events: SimLinkEvents;
  readonly #peers = new Map<HostId, Socket>();

  constructor(
    network: Network,
    actor: Actor,
    hello: Hello,
    hosts: readonly HostId[],
    prng: Prng,
    events: SimLinkEvents,
  ) {
    this.#network = network;
    this.#actor = actor;
    this.#hello = hello;
    this.#hosts = hosts;
    this.#prng = prng;
    this.#events = events;
  }

  open(): void {
    this.#network.listen(this.#actor, (socket) => {
      if (socket.kind === 'chain') return this.#greet(socket, undefined);
      if (socket.kind === 'probe') return { onData: () => {}, onClose: () => {} };
      const front = this.#events.onFront({
        send: (bytes) => socket.send(bytes),
        terminate: () => socket.terminate(),
      });
      return {
        onData: (data) => this.#guard(socket, () => front.onFrame(data as Uint8Array)),
        onClose: () => front.onClosed(),
      };
    });
    for (const peer of this.#hosts) if (this.#hello.host < peer) this.#dial(peer, redialMsMin);
  }

  sendTo(peer: HostId, bytes: Uint8Array): void {
    this.#peers.get(peer)?.send(bytes);
  }

  #dial(peer: HostId, pauseMs: number): void {
    let nextPauseMs = Math.min(pauseMs * 2, linkRedialMsMax);
    let events: SocketEvents | undefined;
    const socket = this.#network.dial(this.#actor, peer, 'chain', {
      onOpen: () => {
        nextPauseMs = redialMsMin;
        events = this.#greet(socket, peer);
      },
      onData: (data) => events?.onData(data),
      onRefused: () => this.#onRefused(peer),
      onClose: () => {
        events?.onClose();
        const waitMs = pauseMs * (0.5 + this.#prng.next() / 2);
        this.#network.kernel.after(waitMs, () => this.#actor.enter(() => this.#dial(peer, nextPauseMs)));
      },
    });
  }

  #greet(socket: Socket, expected: HostId | undefined): SocketEvents {
    let peer: HostId | undefined;
    socket.send(encodeHello(this.#hello));
    socket.watch();
    return {
      onData: (data: Data) =>
        this.#guard(socket, () => {
          const bytes = data as Uint8Array;
          if (peer === undefined) peer = this.#meet(socket, bytes, expected);
          else if (this.#peers.get(peer) === socket) this.#events.onFrame(peer, bytes);
        }),
      onClose: () => {
        if (peer !== undefined && this.#peers.get(peer) === socket) this.#lose(peer);
      },
    };
  }

  #meet(socket: Socket, bytes: Uint8Array, expected: HostId | undefined): HostId {
    const hello = decodeHello(bytes);
    const peer = hello.host;
    if (expected !== undefined && expected !== peer) throw new CodedError('CHAIN_PROTOCOL', `${peer} is not expected`);
    const older = this.#peers.get(peer);
    if (older !== undefined) {
      this.#lose(peer);
      older.terminate();
    }
    this.#peers.set(peer, socket);
    this.#events.onConnected(peer, hello);
    return peer;
  }

  #lose(peer: HostId): void {
    this.#peers.delete(peer);
    this.#events.onDisconnected(peer);
    this.#probe(peer);
  }

  #onRefused(peer: HostId): void {
    if (!this.#peers.has(peer)) this.#events.onRefused(peer);
  }

  /** Both ends ask whether there is still somebody, until the link is back. */
  #probe(peer: HostId): void {
    if (this.#peers.has(peer)) return;
    let isRefused = false;
    const socket = this.#network.dial(this.#actor, peer, 'probe', {
      onOpen: () => socket.terminate(),
      onData: () => {},
      onRefused: () => {
        isRefused = true;
        this.#onRefused(peer);
      },
      onClose: () => {
        if (isRefused) return;
        this.#network.kernel.after(linkProbeMs, () => this.#actor.enter(() => this.#probe(peer)));
      },
    });
  }

  #guard(socket: Socket, run: () => void): void {
    try {
      run();
    } catch (cause) {
      if (!(cause instanceof CodedError)) throw cause;
      this.#events.onBroken(socket.peer, cause);
      socket.terminate();
    }
  }
}
