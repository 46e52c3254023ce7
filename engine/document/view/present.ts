// Who views a document, by principal and by what he looks at: views of one principal that look at the same are one viewer.

import type { Principal } from '../../base/ids.ts';
import type { Look } from '../definition/definition.ts';
import type { Viewer } from './viewer.ts';
import { keyOf } from './viewer.ts';

export class Present {
  readonly #viewers = new Map<string, Viewer>();
  /** Of each principal, where one may be several viewers; else there is one of each, and nothing here. */
  readonly #beside: Map<string, Set<Viewer>> | undefined;

  constructor(mayBeSeveral: boolean) {
    this.#beside = mayBeSeveral ? new Map() : undefined;
  }

  get size(): number {
    return this.#viewers.size;
  }

  [Symbol.iterator](): IterableIterator<Viewer> {
    return this.#viewers.values();
  }

  find(who: Principal, look: Look): Viewer | undefined {
    return this.#viewers.get(placeOf(who, look));
  }

  /** All that are one principal. */
  of(principal: string): Iterable<Viewer> {
    if (this.#beside !== undefined) return this.#beside.get(principal) ?? [];
    const only = this.#viewers.get(principal);
    return only === undefined ? [] : [only];
  }

  has(who: Principal): boolean {
    const key = keyOf(who);
    return this.#beside === undefined ? this.#viewers.has(key) : this.#beside.has(key);
  }

  add(viewer: Viewer): void {
    const { who, look } = viewer;
    this.#viewers.set(placeOf(who, look), viewer);
    if (this.#beside === undefined) return;
    const key = keyOf(who);
    this.#beside.set(key, (this.#beside.get(key) ?? new Set()).add(viewer));
  }

  delete(viewer: Viewer): void {
    const { who, look } = viewer;
    this.#viewers.delete(placeOf(who, look));
    const key = keyOf(who);
    const others = this.#beside?.get(key);
    if (others?.delete(viewer) === true && others.size === 0) this.#beside?.delete(key);
  }
}

/** The look of who can have none is ''. */
function placeOf(who: Principal, look: Look): string {
  return keyOf(who) + look.json;
}
