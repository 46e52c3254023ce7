// Kinds of viewers, by what policies say of them: who is of which, and who goes to which when policies say something else.
import { assert } from '../../base/assert.ts';
import type { Outcome } from './sight.ts';
import type { Kind, Telling, ViewDelta, Viewer } from './viewer.ts';

export class Kinds {
  /** By their outcomes. */
  readonly #kinds = new Map<string, Kind>();
  #ids = 0;

  get size(): number {
    return this.#kinds.size;
  }

  [Symbol.iterator](): IterableIterator<Kind> {
    return this.#kinds.values();
  }

  /** The kind of whom policies say this: a new one, where nobody is of it yet. */
  of(outcomes: readonly Outcome[]): Kind {
    const key = JSON.stringify(outcomes);
    const known = this.#kinds.get(key);
    if (known !== undefined) return known;
    this.#ids += 1;
    const kind = { id: this.#ids, outcomes, viewers: new Set<Viewer>(), first: undefined };
    this.#kinds.set(key, kind);
    return kind;
  }

  /** A kind is forgotten with the last who is of it. */
  leave(viewer: Viewer): void {
    const { kind } = viewer;
    kind.viewers.delete(viewer);
    const key = JSON.stringify(kind.outcomes);
    if (kind.viewers.size === 0 && this.#kinds.get(key) === kind) this.#kinds.delete(key);
  }

  transfer(viewer: Viewer, to: Kind, text: string | undefined): ViewDelta {
    this.leave(viewer);
    viewer.kind = to;
    to.viewers.add(viewer);
    return { viewer: viewer.id, kind: to.id, json: text ?? '' };
  }

  /** A kind goes with the most of its viewers, and of kinds that become one the largest stays: each of the others is told alone where he belongs. */
  settle(tellings: readonly Telling[]): void {
    const largest = new Map<Kind, Telling>();
    for (const telling of tellings) {
      const { from } = telling.move;
      this.#kinds.delete(JSON.stringify(from.outcomes));
      if ((largest.get(from)?.count ?? 0) < telling.count) largest.set(from, telling);
    }
    const heirs = new Map<string, Telling>();
    for (const telling of largest.values()) {
      const key = JSON.stringify(telling.move.outcomes);
      if ((heirs.get(key)?.count ?? 0) < telling.count) heirs.set(key, telling);
    }
    for (const [key, { move }] of heirs) {
      move.from.outcomes = move.outcomes;
      this.#kinds.set(key, move.from);
    }
  }

  /** Asserts what holds between any two calls, and that these are all viewers. */
  check(viewers: number): void {
    let count = 0;
    for (const [key, kind] of this.#kinds) {
      assert(key === JSON.stringify(kind.outcomes) && kind.viewers.size > 0, `kind ${key} has viewers`);
      count += kind.viewers.size;
    }
    assert(count === viewers, 'every viewer is of one kind');
  }
}
