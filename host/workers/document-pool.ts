// Documents in threads beside the loop of their host: each at one slot for as long as it is in memory, so that what is asked of it keeps its order.
import type { DocumentName } from '../../engine/base/ids.ts';
import { commandsQueuedMax } from '../../engine/base/limits.ts';
import type { App } from '../../engine/document/define.ts';
import type { EventsPlan } from '../../engine/document/definition/definition.ts';
import { definitionOf } from '../../engine/document/document.ts';
import type { Lost, Runner } from '../running.ts';
import type { PooledDocument, SlotParts } from './slot.ts';
import { Slot } from './slot.ts';

export type PoolParts = SlotParts & {
  /** The same that each thread loads. */
  readonly app: App;
  readonly workers: number;
};

export class DocumentPool implements Runner {
  readonly #app: App;
  readonly #slots: readonly Slot[];
  #documents = 0;

  /** Threads begin when they are needed. */
  constructor({ app, workers, ...parts }: PoolParts) {
    this.#app = app;
    this.#slots = Array.from({ length: workers }, () => new Slot(parts));
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

  /** Where the fewest are. */
  begin(name: DocumentName, onLost: (lost: Lost) => void): PooledDocument {
    this.#documents += 1;
    const slot = this.#slots.reduce((best, one) => (one.documents.size < best.documents.size ? one : best));
    return slot.begin(this.#documents, name, onLost);
  }

  async close(): Promise<void> {
    await Promise.all(this.#slots.map((slot) => slot.end()));
  }
}
