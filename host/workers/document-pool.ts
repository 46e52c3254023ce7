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

export class DocumentPool implements Runner {
  readonly #app: App;
  readonly #slots: readonly Slot[];
  readonly #rests: Rests;
  #lastId = 0;

  /** Threads begin when they are needed. */
  constructor({ app, workers, elapsedMs, onRest, ...parts }: PoolParts) {
    this.#app = app;
    this.#rests = new Rests(elapsedMs);
    const onEnded = (documents: number, document: string | undefined): void => {
      parts.onEnded(documents, document);
      if (document === undefined) return;
      this.#rests.note(document);
      if (this.#rests.has(document)) onRest(document);
    };
    this.#slots = Array.from({ length: workers }, () => new Slot({ ...parts, onEnded }));
  }

  /** Commands that have no result yet. */
  get waiting(): number {
    return this.#slots.reduce((sum, { waiting }) => sum + waiting, 0);
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

  /** Where least waits, in whole tasks; then where the fewest are. */
  begin(name: DocumentName, onLost: (lost: Lost) => void): PooledDocument {
    this.#lastId += 1;
    const slot = this.#slots.reduce((best, one) => (isBetter(one, best) ? one : best));
    return slot.begin(this.#lastId, name, onLost);
  }

  async close(): Promise<void> {
    await Promise.all(this.#slots.map((slot) => slot.end()));
  }
}

/** A slot behind which whole tasks wait is at work as fast as it can. */
function isBetter(one: Slot, other: Slot): boolean {
  const tasks = ({ waiting }: Slot): number => Math.floor(waiting / taskCommandsMax);
  return tasks(one) < tasks(other) || (tasks(one) === tasks(other) && one.documents.size < other.documents.size);
}
