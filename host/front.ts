// The host's end of a link to one proxy: which views are attached through it, and what is to be said in this turn.
import type { Principal } from '../engine/base/ids.ts';
import { frontBatchLengthMax } from '../engine/base/limits.ts';
import type { ToProxy } from '../proxy/link-wire.ts';
import { encodeBatch } from '../proxy/link-wire.ts';
import type { FrontSocket } from './links.ts';

/** What a viewer asks of the desk that its document lies on. */
export interface ViewerDesk {
  send(attached: Attached, request: SendRequest): void;
  close(attached: Attached): void;
  readonly ephemera: {
    /** Not answered, and not kept: the newest counts. */
    show(attached: Attached, channel: string, message: unknown): void;
  };
  readonly looks: {
    /** As `show`. */
    look(attached: Attached, look: Look): void;
  };
}

/** What a view looks at, as its client says it, and the number under which it did. */
export type Look = { readonly n: number; readonly state: unknown };

export type SendRequest = {
  readonly n: number;
  readonly done: number;
  readonly channel: string;
  readonly message: unknown;
};

/** A view of a document, attached through a proxy. `isOpen` once it was shown; `viewer` and `kind` are ids in the document in memory, `kind` as it was told last. */
export type Attached = {
  readonly front: Front;
  readonly view: number;
  readonly name: string;
  readonly who: Principal;
  readonly desk: ViewerDesk;
  session: string;
  /** What a document that does not exist is to be; undefined where it is only to be opened. */
  readonly create: unknown;
  /** As it was taken last, or comes with the open; undefined where nothing was said. */
  look: Look | undefined;
  isOpen: boolean;
  viewer: number | undefined;
  kind: number;
};

export class Front {
  readonly views = new Map<number, Attached>();
  readonly #socket: FrontSocket;
  #outgoing: ToProxy[] = [];
  #outgoingLength = 0;
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
    const last = message[message.length - 1];
    const length = typeof last === 'string' ? last.length : 0;
    if (this.#outgoingLength + length > frontBatchLengthMax) this.flush();
    this.#outgoing.push(message);
    this.#outgoingLength += length;
  }

  /** One WebSocket message for everything said since the last time. */
  flush(): void {
    if (this.#outgoing.length === 0) return;
    const batch = this.#outgoing;
    this.#outgoing = [];
    this.#outgoingLength = 0;
    this.#socket.send(encodeBatch(batch));
  }
}
