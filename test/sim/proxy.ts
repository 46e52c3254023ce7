// A proxy: the real sessions and attachments, between simulated sockets of clients and simulated links to hosts. The link does
// what proxy/host-link.ts does with a real socket.
import type WebSocket from 'ws';
import { placeDocument } from '../../chain/placement.ts';
import { CodedError } from '../../engine/base/errors.ts';
import {
  clientBacklogBytesMax,
  documentsPerConnectionMax,
  redialMsMax,
  redialMsMin,
} from '../../engine/base/limits.ts';
import { Attachments } from '../../proxy/attachments.ts';
import type { HostLink } from '../../proxy/host-link.ts';
import type { ToHost } from '../../proxy/link-wire.ts';
import { decodeToProxy, encodeBatch } from '../../proxy/link-wire.ts';
import { Session } from '../../proxy/session.ts';
import type { Prng } from '../prng.ts';
import { Actor } from './actor.ts';
import type { Network, Socket, SocketEvents } from './network.ts';

const helloMs = 5_000;

export class SimProxy extends Actor {
  readonly #network: Network;
  readonly #prng: Prng;
  readonly #chains: number;
  readonly #attachments: Attachments;
  #dirty: Session[] = [];
  /** Called with what a peer said wrong: a finding, since peers are ours. */
  readonly #onBroken: (cause: CodedError) => void;

  constructor(
    name: string,
    network: Network,
    prng: Prng,
    cluster: { hosts: readonly string[]; chains: number },
    onBroken: (cause: CodedError) => void,
  ) {
    super(name);
    this.#network = network;
    this.#prng = prng;
    this.#chains = cluster.chains;
    this.#onBroken = onBroken;
    this.#attachments = new Attachments(
      () => prng.next(),
      () => {},
    );
    for (const host of cluster.hosts) this.#link(host);
    network.listen(this, (socket) => this.#welcome(socket));
  }

  override end(): void {
    super.end();
    this.#attachments.close();
  }

  #link(host: string): void {
    let outbox: ToHost[] = [];
    let socket: Socket | undefined;
    let redialMs = redialMsMin;
    const link = {
      hostId: host,
      status: 'down' as 'down' | 'up',
      send: (message: ToHost): void => {
        if (link.status !== 'up') return;
        outbox.push(message);
        if (outbox.length === 1) this.#network.kernel.after(0, () => this.enter(flush));
      },
    };
    const flush = (): void => {
      const messages = outbox;
      outbox = [];
      if (messages.length > 0 && link.status === 'up') socket?.send(encodeBatch(messages));
    };
    const dial = (): void => {
      socket = this.#network.dial(this, host, 'front', {
        onOpen: () => {
          link.status = 'up';
          redialMs = redialMsMin;
          socket?.watch();
        },
        onData: (data) => this.#onLinkData(host, data as Uint8Array),
        onClose: () => {
          const wasUp = link.status === 'up';
          link.status = 'down';
          outbox = [];
          const waitMs = redialMs * (0.5 + this.#prng.next() / 2);
          this.#network.kernel.after(waitMs, () => this.enter(dial));
          redialMs = Math.min(redialMs * 2, redialMsMax);
          if (wasUp) this.#attachments.onLinkDown(host);
        },
      });
    };
    this.#attachments.addLink(link as unknown as HostLink);
    dial();
  }

  #onLinkData(host: string, data: Uint8Array): void {
    try {
      for (const message of decodeToProxy(data)) this.#attachments.onLinkMessage(host, message);
    } catch (cause) {
      if (!(cause instanceof CodedError)) throw cause;
      this.#onBroken(cause);
    }
  }

  /** A client's connection, dressed as the `ws` socket that a session takes. */
  #welcome(socket: Socket): SocketEvents {
    const heard = new Map<string, (data: unknown, isBinary: boolean) => void>();
    const dressed = {
      bufferedAmount: 0,
      on: (event: string, run: () => void) => heard.set(event, run),
      send: (data: string | Buffer) => socket.send(typeof data === 'string' ? data : data.toString()),
      close: () => socket.terminate(),
      terminate: () => socket.terminate(),
      ping: () => {},
    };
    new Session(dressed as unknown as WebSocket, {
      attachments: this.#attachments,
      chainOf: (name) => placeDocument(name, this.#chains),
      helloMs,
      clientBacklogBytesMax,
      documentsPerConnectionMax,
      onDirty: (session) => this.#onDirty(session),
      onFrame: () => {},
      onClosed: () => {},
    });
    return {
      onData: (data) => heard.get('message')?.(data, false),
      onClose: () => heard.get('close')?.(undefined, false),
    };
  }

  #onDirty(session: Session): void {
    this.#dirty.push(session);
    if (this.#dirty.length > 1) return;
    this.#network.kernel.after(0, () =>
      this.enter(() => {
        const dirty = this.#dirty;
        this.#dirty = [];
        for (const each of dirty) each.flush();
      }),
    );
  }
}
