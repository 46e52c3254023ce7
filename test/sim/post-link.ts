// A host's link to another one, for messages of its documents: what host/post.ts dials, between simulated sockets.
import type { HostId } from '../../engine/base/ids.ts';
import type { PostLink } from '../../host/post.ts';
import type { ToHost, ToProxy } from '../../proxy/link-wire.ts';
import { decodeToProxy, encodeBatch, toHost, toProxy } from '../../proxy/link-wire.ts';
import type { Actor } from './actor.ts';
import type { Network, Socket } from './network.ts';

type Ask = { readonly resolve: (json: string) => void; readonly reject: (cause: Error) => void };

const redialMs = 200;

export class SimPostLink implements PostLink {
  readonly #network: Network;
  readonly #actor: Actor;
  readonly #peer: HostId;
  readonly #onMessage: (message: ToProxy) => void;
  readonly #onDown: () => void;
  readonly #asks = new Map<number, Ask>();
  #socket: Socket | undefined;
  #isUp = false;
  #last = 0;

  constructor(network: Network, actor: Actor, peer: HostId, onMessage: (message: ToProxy) => void, onDown: () => void) {
    this.#network = network;
    this.#actor = actor;
    this.#peer = peer;
    this.#onMessage = onMessage;
    this.#onDown = onDown;
    this.#dial();
  }

  ask(question: string, args: Readonly<Record<string, unknown>>, waitMs: number): Promise<string> {
    return new Promise((resolve, reject) => {
      if (!this.#isUp) return reject(new Error(`no link to ${this.#peer}`));
      this.#last += 1;
      const request = this.#last;
      this.#asks.set(request, { resolve, reject });
      const message: ToHost = [toHost.ask, request, question, args];
      this.#socket?.send(encodeBatch([message]));
      const late = (): void => this.#end(request)?.reject(new Error('no reply'));
      this.#network.kernel.after(waitMs, () => this.#actor.enter(late));
    });
  }

  close(): void {}

  #dial(): void {
    this.#socket = this.#network.dial(this.#actor, this.#peer, 'front', {
      onOpen: () => {
        this.#isUp = true;
        this.#socket?.watch();
      },
      onData: (data) => {
        for (const message of decodeToProxy(data as Uint8Array)) {
          if (message[0] === toProxy.reply) this.#end(message[1])?.resolve(message[2]);
          else this.#onMessage(message);
        }
      },
      onClose: () => {
        const wasUp = this.#isUp;
        this.#isUp = false;
        for (const request of [...this.#asks.keys()]) this.#end(request)?.reject(new Error('the link broke'));
        this.#network.kernel.after(redialMs, () => this.#actor.enter(() => this.#dial()));
        if (wasUp) this.#onDown();
      },
    });
  }

  #end(request: number): Ask | undefined {
    const ask = this.#asks.get(request);
    this.#asks.delete(request);
    return ask;
  }
}
