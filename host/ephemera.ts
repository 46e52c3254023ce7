// What viewers show each other, on its way to the document: the newest of each view and channel, and no more. The first goes at once, with all of
// its turn. What comes while that is on its way, or within `ephemeralMs`, is taken together behind it: so a document is asked so often at most,
// however many show however much; and where a chain stands still, nothing piles up.
//
// It all hangs on the document in memory, and goes with it.
import { ephemeralMs, ephemeralPendingMax, ephemeralsMax } from '../engine/base/limits-shown.ts';
import type { ShowRequest } from '../engine/document/document.ts';
import type { ToProxy } from '../proxy/link-wire.ts';
import { toProxy } from '../proxy/link-wire.ts';
import type { Attached, Front } from './front.ts';
import type { Command, Ran } from './running.ts';
import type { Kept } from './shelf.ts';
import type { Shelves } from './shelves.ts';

export type EphemeraParts = {
  readonly hasRoom: () => boolean;
  readonly later: (ms: number, then: () => void) => void;
  /** Has the document do it, and takes in what comes of it: viewers are told. */
  readonly ask: (name: string, command: Command, done: (ran: Ran) => void, refused: () => void) => void;
  readonly emit: (front: Front, message: ToProxy) => void;
  /** Calls back when all that was made so far has left. */
  readonly whenCommitted: (then: () => void) => void;
};

/** Of one document in memory. `isBusy` until what was taken has left and its time is over, `isDue` where more has come meanwhile. */
type Stage = {
  readonly waiting: Map<Attached, Map<string, unknown>>;
  count: number;
  isBusy: boolean;
  isDue: boolean;
};

export class Ephemera {
  readonly #shelves: Pick<Shelves, 'kept'>;
  readonly #parts: EphemeraParts;
  readonly #stages = new WeakMap<Kept, Stage>();

  constructor(shelves: Pick<Shelves, 'kept'>, parts: EphemeraParts) {
    this.#shelves = shelves;
    this.#parts = parts;
  }

  show(attached: Attached, channel: string, message: unknown): void {
    const kept = this.#shelves.kept(attached.name);
    // Whoever is not shown a document yet shows it again behind his view.
    if (kept === undefined || attached.viewer === undefined) return;
    const stage = this.#stageOf(kept);
    const newest = stage.waiting.get(attached) ?? new Map<string, unknown>();
    if (!newest.delete(channel)) {
      if (newest.size >= ephemeralsMax || stage.count >= ephemeralPendingMax) return;
      stage.count += 1;
    }
    stage.waiting.set(attached, newest.set(channel, message));
    this.#stir(attached.name, kept, stage);
  }

  /** A view was closed: the document knows what is gone with it, and is to be asked. */
  left(attached: Attached, kept: Kept | undefined): void {
    const stage = kept && this.#stages.get(kept);
    if (kept === undefined || stage === undefined) return;
    stage.count -= stage.waiting.get(attached)?.size ?? 0;
    stage.waiting.delete(attached);
    this.#stir(attached.name, kept, stage);
  }

  #stageOf(kept: Kept): Stage {
    const stage = this.#stages.get(kept) ?? { waiting: new Map(), count: 0, isBusy: false, isDue: false };
    this.#stages.set(kept, stage);
    return stage;
  }

  #stir(name: string, kept: Kept, stage: Stage): void {
    stage.isDue = true;
    if (stage.isBusy) return;
    stage.isBusy = true;
    // Behind everything of this turn.
    this.#parts.later(0, () => this.#give(name, kept, stage));
  }

  #give(name: string, kept: Kept, stage: Stage): void {
    const { later, hasRoom, ask, whenCommitted } = this.#parts;
    if (this.#shelves.kept(name) !== kept) return;
    if (!hasRoom()) return later(ephemeralMs, () => this.#give(name, kept, stage));
    const from: Attached[] = [];
    const shows: ShowRequest[] = [];
    for (const [attached, newest] of stage.waiting) {
      for (const [channel, message] of newest) {
        from.push(attached);
        shows.push({ who: attached.who, channel, message });
      }
    }
    stage.waiting.clear();
    stage.count = 0;
    stage.isDue = false;
    let open = 2;
    const end = (): void => {
      open -= 1;
      if (open > 0) return;
      stage.isBusy = false;
      if (stage.isDue) this.#stir(name, kept, stage);
    };
    later(ephemeralMs, end);
    const done = (ran: Ran): void => {
      const refused = this.#refuse(from, shows, ran);
      // What says nothing needs no barrier.
      if (ran.shown.length > 0 || refused > 0) whenCommitted(end);
      else end();
    };
    ask(name, { kind: 'show', shows }, done, end);
  }

  #refuse(from: readonly Attached[], shows: readonly ShowRequest[], { outcome }: Ran): number {
    if (outcome.kind !== 'shown') return 0;
    for (const { index, code, text } of outcome.refused) {
      const attached = from[index];
      const channel = shows[index]?.channel ?? '';
      // Who has left hears nothing.
      if (attached?.viewer === undefined) continue;
      this.#parts.emit(attached.front, [toProxy.showRefused, attached.view, channel, code, text]);
    }
    return outcome.refused.length;
  }
}
