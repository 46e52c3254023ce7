// Documents in threads beside the loop of their host: each at one slot for as long as it is in memory, so that what is asked of it keeps its order.
import type { DocumentName } from '../../engine/base/ids.ts';
import { commandsQueuedMax, taskCommandsMax } from '../../engine/base/limits.ts';
import type { App } from '../../engine/document/define.ts';
import type { EventsPlan } from '../../engine/document/definition/definition.ts';
import { definitionOf } from '../../engine/document/document.ts';
import type { Lost, Runner } from '../running.ts';
import { Rests } from './rests.ts';
import type { PooledDocument, SlotParts } from './slot.ts';
import { Slot } from './slot.ts';

export type PoolParts = SlotParts & {
  /** The same that each thread loads. */
  readonly app: App;
  readonly workers: number;
  /** Since whenever. */
  readonly elapsedMs: () => number;
  /** A document has stopped its thread too often, and is refused for a while. */
  readonly onRest: (document: string) => void;
};

/** What each thread loads, and the file that it comes from. */
export type PoolCode = Pick<PoolParts, 'app' | 'appHash' | 'file'>;

export class DocumentPool implements Runner {
  readonly #parts: PoolParts;
  #app: App;
  #slots: readonly Slot[];
  /** With documents of code that is on its way out. */
  #retiring: readonly Slot[] = [];
  #rests: Rests;
  #lastId = 0;

  /** Threads begin when they are needed. */
  constructor(parts: PoolParts) {
    this.#parts = parts;
    this.#app = parts.app;
    this.#rests = new Rests(parts.elapsedMs);
    this.#slots = this.#slotsOf(parts);
  }

  /** Commands that have no result yet. */
  get waiting(): number {
    return [...this.#slots, ...this.#retiring].reduce((sum, { waiting }) => sum + waiting, 0);
  }

  get hasRoom(): boolean {
    return this.waiting < commandsQueuedMax;
  }

  /** Those that run now, slot by slot. */
  get threads(): readonly Slot['threads'][] {
    return this.#slots.map(({ threads }) => threads);
  }

  has(space: string): boolean {
    return definitionOf(this.#app, space) !== undefined;
  }

  /**
   * Documents that begin from now on run this, in threads of their own. What comes back ends the others: to be called when nobody holds a document in
   * them any more.
   */
  replace(code: PoolCode): () => Promise<void> {
    const old = this.#slots;
    this.#retiring = [...this.#retiring, ...old];
    this.#app = code.app;
    // What the old code did says nothing of the new.
    this.#rests = new Rests(this.#parts.elapsedMs);
    this.#slots = this.#slotsOf({ ...this.#parts, ...code });
    return async () => {
      this.#retiring = this.#retiring.filter((slot) => !old.includes(slot));
      await Promise.all(old.map((slot) => slot.end()));
    };
  }

  eventsOf(space: string): EventsPlan | undefined {
    return definitionOf(this.#app, space)?.plan.events;
  }

  rests(document: string): boolean {
    return this.#rests.has(document);
  }

  /** How many each slot has. */
  get documents(): readonly number[] {
    return this.#slots.map(({ documents }) => documents.size);
  }

  #slotsOf({ app: _app, workers, elapsedMs: _elapsedMs, onRest, ...parts }: PoolParts): readonly Slot[] {
    const rests = this.#rests;
    const onEnded = (documents: number, document: string | undefined): void => {
      parts.onEnded(documents, document);
      if (document === undefined) return;
      rests.note(document);
      if (rests.has(document)) onRest(document);
    };
    return Array.from({ length: workers }, () => new Slot({ ...parts, onEnded }));
  }

  /** Where least waits, in whole tasks; then where the fewest are. */
  begin(name: DocumentName, onLost: (lost: Lost) => void): PooledDocument {
    this.#lastId += 1;
    const slot = this.#slots.reduce((best, one) => (isBetter(one, best) ? one : best));
    return slot.begin(this.#lastId, name, onLost);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#slots, ...this.#retiring].map((slot) => slot.end()));
  }
}

/** A slot behind which whole tasks wait is at work as fast as it can. */
function isBetter(one: Slot, other: Slot): boolean {
  const tasks = ({ waiting }: Slot): number => Math.floor(waiting / taskCommandsMax);
  return tasks(one) < tasks(other) || (tasks(one) === tasks(other) && one.documents.size < other.documents.size);
}
