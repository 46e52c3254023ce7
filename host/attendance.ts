// The views of a desk, by document: what becomes of one document costs nothing for those of others.
import type { Attached } from './front.ts';

export class Attendance {
  readonly #views = new Map<string, Set<Attached>>();

  add(attached: Attached): void {
    const views = this.#views.get(attached.name) ?? new Set();
    this.#views.set(attached.name, views.add(attached));
  }

  has(attached: Attached): boolean {
    return this.#views.get(attached.name)?.has(attached) === true;
  }

  /** False where it was not there. */
  delete(attached: Attached): boolean {
    const views = this.#views.get(attached.name);
    if (views?.delete(attached) !== true) return false;
    if (views.size === 0) this.#views.delete(attached.name);
    return true;
  }

  clear(): void {
    this.#views.clear();
  }

  /** Those who were shown something of this document, in the order in which they came. */
  openIn(name: string): Attached[] {
    return [...(this.#views.get(name) ?? [])].filter(({ isOpen }) => isOpen);
  }

  *[Symbol.iterator](): Generator<Attached> {
    for (const views of this.#views.values()) yield* views;
  }
}
