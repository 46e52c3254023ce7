// The host's end of a link to one proxy: which views are attached through it, and what is to be said in this turn.
import type { Principal } from '../engine/base/ids.ts';
import type { Resident, ViewKind } from '../engine/document/document.ts';
import type { ToProxy } from '../proxy/link-wire.ts';
import { encodeBatch } from '../proxy/link-wire.ts';
import type { Desk } from './desk.ts';
import type { FrontSocket } from './links.ts';

/** A viewer of a document, attached through a proxy. `viewKind` is undefined until its first view is made. */
export type Attached = {
  readonly front: Front;
  readonly view: number;
  readonly name: string;
  readonly who: Principal;
  readonly desk: Desk;
  session: string;
  resident: Resident | undefined;
  viewKind: ViewKind | undefined;
};

export class Front {
  readonly views = new Map<number, Attached>();
  readonly #socket: FrontSocket;
  #outgoing: ToProxy[] = [];
  #kindNumber = 0;

  constructor(socket: FrontSocket) {
    this.#socket = socket;
  }

  /** A number for a kind of viewer, new on this link. */
  nextKindNumber(): number {
    this.#kindNumber += 1;
    return this.#kindNumber;
  }

  push(message: ToProxy): void {
    this.#outgoing.push(message);
  }

  /** One WebSocket message for everything said since the last time. */
  flush(): void {
    if (this.#outgoing.length === 0) return;
    const batch = this.#outgoing;
    this.#outgoing = [];
    this.#socket.send(encodeBatch(batch));
  }
}
