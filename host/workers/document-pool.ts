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

/** What each thread loads, and the file that it comes from. */
export type PoolCode = Pick<PoolParts, 'app' | 'appHash' | 'file'>;

export class DocumentPool implements Runner {
  readonly #parts: PoolParts;
  #app: App;
  #slots: readonly Slot[];
  /** With documents of code that is on its way out. */
  #retiring: readonly Slot[] = [];
  #documents = 0;

  /** Threads begin when they are needed. */
  constructor(parts: PoolParts) {
    this.#parts = parts;
    this.#app = parts.app;
    this.#slots = slotsOf(parts);
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
    this.#slots = slotsOf({ ...this.#parts, ...code });
    return async () => {
      this.#retiring = this.#retiring.filter((slot) => !old.includes(slot));
      await Promise.all(old.map((slot) => slot.end()));
    };
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
    await Promise.all([...this.#slots, ...this.#retiring].map((slot) => slot.end()));
  }
}

function slotsOf({ app: _, workers, ...parts }: PoolParts): readonly Slot[] {
  return Array.from({ length: workers }, () => new Slot(parts));
}
