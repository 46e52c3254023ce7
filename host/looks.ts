// What views look at, on its way to their documents: of each view the newest, and no more. One is asked of a view at a time, until what came of it
// has left; so a view that looks about costs its document no more than that, and where a chain stands still nothing piles up.
//
// A document knows a view by the viewer that it is one of, and looking elsewhere makes it one of another. While that is on its way nobody here knows
// which: a view that is closed meanwhile is closed behind it.
import { documentQueueMax } from '../engine/base/limits.ts';
import { viewerStateMs } from '../engine/base/limits-shown.ts';
import type { LookRefused } from '../engine/document/document.ts';
import type { ToProxy } from '../proxy/link-wire.ts';
import { toProxy } from '../proxy/link-wire.ts';
import { isShort } from './audience.ts';
import type { Attached, Front, Look } from './front.ts';
import type { Ran } from './running.ts';
import type { Kept } from './shelf.ts';
import type { Shelves } from './shelves.ts';

export type LooksParts = {
  readonly hasRoom: () => boolean;
  readonly later: (ms: number, then: () => void) => void;
  /** Takes in what a document did. */
  readonly took: (name: string, ran: Ran) => void;
  readonly emit: (front: Front, message: ToProxy) => void;
  /** Calls back when all that was made so far has left. */
  readonly whenCommitted: (then: () => void) => void;
  /** What no link carries ends its view. */
  readonly refuseTooBig: (attached: Attached) => void;
  /** A view of this document was closed. */
  readonly closed: (name: string) => void;
};

export class Looks {
  readonly #shelves: Pick<Shelves, 'kept'>;
  readonly #parts: LooksParts;
  readonly #waiting = new WeakMap<Attached, Look>();
  /** Until what came of the last has left. */
  readonly #busy = new WeakSet<Attached>();
  /** Of which viewer these are is on its way. */
  readonly #turning = new WeakSet<Attached>();

  constructor(shelves: Pick<Shelves, 'kept'>, parts: LooksParts) {
    this.#shelves = shelves;
    this.#parts = parts;
  }

  /** Not answered: what differs by it is told as any delta. */
  look(attached: Attached, look: Look): void {
    this.#waiting.set(attached, look);
    this.#stir(attached);
  }

  /** A view was shown, at first or anew; `refused`: not by what it looks at. */
  shown(attached: Attached, refused: LookRefused | undefined): void {
    if (refused !== undefined && attached.look !== undefined) {
      this.#refuse(attached, attached.look, refused);
      attached.look = undefined;
    }
    this.#stir(attached);
  }

  /** It was closed. True where the document is told of that from here. */
  left(attached: Attached): boolean {
    this.#waiting.delete(attached);
    return this.#turning.has(attached);
  }

  /** Who is not shown the document yet waits for that. */
  #stir(attached: Attached): void {
    if (this.#busy.has(attached) || attached.viewer === undefined || !this.#waiting.has(attached)) return;
    this.#busy.add(attached);
    this.#ask(attached);
  }

  #ask(attached: Attached): void {
    const { name, viewer } = attached;
    const kept = this.#shelves.kept(name);
    const look = this.#waiting.get(attached);
    if (kept === undefined || viewer === undefined || look === undefined) return void this.#busy.delete(attached);
    if (!this.#parts.hasRoom() || kept.document.pending >= documentQueueMax) {
      return this.#parts.later(viewerStateMs, () => this.#ask(attached));
    }
    this.#waiting.delete(attached);
    this.#turning.add(attached);
    kept.document.ask({ kind: 'look', viewer, state: look.state }, (ran) => this.#looked(attached, viewer, look, ran));
  }

  #looked(attached: Attached, viewer: number, look: Look, ran: Ran): void {
    const { outcome } = ran;
    const { name } = attached;
    this.#turning.delete(attached);
    this.#parts.took(name, ran);
    const kept = this.#shelves.kept(name);
    let isTold = false;
    if (outcome.kind === 'looked' && kept !== undefined) {
      if (attached.viewer === undefined) {
        kept.document.close(outcome.viewer);
        this.#parts.closed(name);
      } else isTold = this.#turn(attached, kept, look, ran);
    } else if (outcome.kind === 'failed') {
      // Lost with its document, it is asked again when that is shown anew, but where it stopped it; or the document has ended.
      if (outcome.error.code === 'HANDLER_STOPPED') {
        this.#refuse(attached, look, { code: outcome.error.code, text: outcome.error.message });
      } else if (attached.viewer !== viewer && !this.#waiting.has(attached)) this.#waiting.set(attached, look);
    }
    const end = (): void => {
      this.#busy.delete(attached);
      this.#stir(attached);
    };
    if (isTold) this.#parts.whenCommitted(end);
    else end();
  }

  /** Whether there is something to tell. */
  #turn(attached: Attached, kept: Kept, look: Look, { outcome, seq }: Ran): boolean {
    if (outcome.kind !== 'looked') return false;
    const { viewer, viewerKind, json, refused } = outcome;
    if (refused !== undefined) {
      this.#refuse(attached, look, refused);
      return true;
    }
    attached.look = look;
    const number = kept.audience.turn(attached, viewer, viewerKind);
    if (json === '') return false;
    const { front, view } = attached;
    if (isShort(json)) this.#parts.emit(front, [toProxy.viewDelta, view, number, seq, json]);
    else this.#parts.refuseTooBig(attached);
    return true;
  }

  #refuse({ front, view }: Attached, { n }: Look, { code, text }: LookRefused): void {
    this.#parts.emit(front, [toProxy.lookRefused, view, n, code, text]);
  }
}
