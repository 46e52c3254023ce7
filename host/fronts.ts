// What proxies ask of a host, taken to the desk of the right chain. A proxy is trusted with who its clients are, and with
// nothing else: names, numbers and views are checked here.
import { placeDocument } from '../chain/placement.ts';
import { CodedError } from '../engine/base/errors.ts';
import type { ChainId, Principal } from '../engine/base/ids.ts';
import { documentName } from '../engine/base/ids.ts';
import type { Route, ToHost } from '../proxy/link-wire.ts';
import { decodeToHost, toProxy } from '../proxy/link-wire.ts';
import type { Desk } from './desk.ts';
import type { Attached, Look } from './front.ts';
import { Front } from './front.ts';
import type { FrontSocket } from './links.ts';

export type FrontsParts = {
  readonly chains: number;
  readonly deskOf: (chain: ChainId) => Desk | undefined;
  readonly routes: () => readonly Route[];
  /** Answers a question of the operator: status, log. */
  readonly ask: (question: string, args: Readonly<Record<string, unknown>>) => Promise<unknown>;
  /** A proxy takes part in gossip: by the name that it gives itself. */
  readonly onGossip: (proxy: string, bytes: Uint8Array) => void;
  readonly onProxy: (proxy: string, isConnected: boolean) => void;
  readonly wake: () => void;
  readonly fatal: (cause: unknown) => void;
};

type Opening = { readonly session: string; readonly create?: unknown; readonly look?: Look };

export class Fronts {
  readonly #parts: FrontsParts;
  readonly #fronts = new Set<Front>();
  /** By the name that a proxy has in gossip. */
  readonly #proxies = new Map<string, Front>();
  #areRoutesNew = false;

  constructor(parts: FrontsParts) {
    this.#parts = parts;
  }

  welcome(socket: FrontSocket): { onFrame: (bytes: Uint8Array) => void; onClosed: () => void } {
    const front = new Front(socket);
    this.#fronts.add(front);
    front.push([toProxy.routes, this.#parts.routes()]);
    this.#parts.wake();
    return {
      onFrame: (bytes) => {
        for (const message of decodeToHost(bytes)) this.#onMessage(front, message);
      },
      onClosed: () => {
        this.#fronts.delete(front);
        this.#forgetProxy(front);
        for (const attached of [...front.views.values()]) attached.desk.close(attached);
      },
    };
  }

  /** Best effort, as gossip is. */
  gossip(proxy: string, bytes: Uint8Array): void {
    this.#proxies.get(proxy)?.push([toProxy.gossip, bytes]);
  }

  #forgetProxy(front: Front): void {
    for (const [proxy, known] of this.#proxies) {
      if (known !== front) continue;
      this.#proxies.delete(proxy);
      this.#parts.onProxy(proxy, false);
    }
  }

  #onGossip(front: Front, proxy: string, bytes: Uint8Array): void {
    if (this.#proxies.get(proxy) !== front) {
      // One name a link, and the last link to use it.
      this.#forgetProxy(front);
      this.#proxies.set(proxy, front);
      this.#parts.onProxy(proxy, true);
    }
    this.#parts.onGossip(proxy, bytes);
  }

  /** Said once at the end of the turn, however many chains changed in it. */
  announceRoutes(): void {
    this.#areRoutesNew = true;
    this.#parts.wake();
  }

  /** Sends what gathered in this turn, one message a proxy. */
  flush(): void {
    if (this.#areRoutesNew) {
      const routes = this.#parts.routes();
      for (const front of this.#fronts) front.push([toProxy.routes, routes]);
    }
    this.#areRoutesNew = false;
    for (const front of this.#fronts) front.flush();
  }

  #onMessage(front: Front, message: ToHost): void {
    switch (message[0]) {
      case 1: {
        const [, view, name, agent, authority, session] = message;
        return this.#open(front, view, name, { agent, authority }, { session });
      }
      case 6: {
        const [, view, name, agent, authority, session, create] = message;
        return this.#open(front, view, name, { agent, authority }, { session, create });
      }
      case 2: {
        const [, view, n, done, channel, body] = message;
        const attached = front.views.get(view);
        // A view that was dropped: the proxy hears of it, opens anew and sends again.
        return attached?.desk.send(attached, { n, done, channel, message: body });
      }
      case 3: {
        const attached = front.views.get(message[1]);
        return attached?.desk.close(attached);
      }
      case 4:
        void this.#ask(front, message[1], message[2], message[3]);
        return;
      case 5:
        return this.#onGossip(front, message[1], message[2]);
      case 7: {
        const [, view, channel, body] = message;
        const attached = front.views.get(view);
        return attached?.desk.ephemera.show(attached, channel, body);
      }
      case 8: {
        const [, view, n, state] = message;
        const attached = front.views.get(view);
        return attached?.desk.looks.look(attached, { n, state });
      }
      case 9: {
        const [, view, name, agent, authority, session, n, state, create] = message;
        const begun = Array.isArray(create) && create.length > 0 ? { create: create[0] as unknown } : {};
        return this.#open(front, view, name, { agent, authority }, { session, look: { n, state }, ...begun });
      }
    }
  }

  #open(front: Front, view: number, text: string, who: Principal, how: Opening): void {
    const { session, create, look } = how;
    if (front.views.has(view)) throw new CodedError('CHAIN_PROTOCOL', `view ${view} is open already`);
    const { name } = documentName(text);
    const desk = this.#parts.deskOf(placeDocument(name, this.#parts.chains));
    if (desk === undefined) {
      front.push([toProxy.refused, view, 0, 0, 'CHAIN_NOT_SERVING', 'the chain is not headed here now']);
      return this.#parts.wake();
    }
    const attached: Attached = {
      front,
      view,
      name,
      who,
      desk,
      session,
      create,
      look,
      isOpen: false,
      viewer: undefined,
      kind: 0,
    };
    desk.open(attached);
  }

  async #ask(front: Front, request: number, question: string, args: Readonly<Record<string, unknown>>): Promise<void> {
    let answer: unknown;
    try {
      answer = await this.#parts.ask(question, args);
    } catch (cause) {
      if (!(cause instanceof CodedError)) return this.#parts.fatal(cause);
      answer = { error: { code: cause.code, text: cause.message } };
    }
    front.push([toProxy.reply, request, JSON.stringify(answer)]);
    this.#parts.wake();
  }
}
