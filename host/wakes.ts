// Which documents of a chain want to be woken when: a binary heap by time, and the last word of each document. What was said before and is no
// more so stays in the heap until it comes up, or there is more of it than of what counts.

type Entry = { readonly at: number; readonly name: string };

const staleMin = 64;

export class Wakes {
  readonly #at = new Map<string, number>();
  #heap: Entry[] = [];

  get size(): number {
    return this.#at.size;
  }

  /** Undefined: nothing is due in it. */
  set(name: string, at: number | undefined): void {
    if (this.#at.get(name) === at) return;
    if (at === undefined) {
      this.#at.delete(name);
      return;
    }
    this.#at.set(name, at);
    this.#push({ at, name });
    if (this.#heap.length > 2 * this.#at.size + staleMin) this.#rebuild();
  }

  /** At this time, or before it. */
  lower(name: string, at: number): void {
    if (at < (this.#at.get(name) ?? Infinity)) this.set(name, at);
  }

  /** Takes out up to `max` documents that are due, the longest due first. */
  due(nowMs: number, max: number): string[] {
    const names: string[] = [];
    for (let first = this.#heap[0]; first !== undefined && first.at <= nowMs; first = this.#heap[0]) {
      if (names.length === max) break;
      this.#pop();
      if (this.#at.get(first.name) !== first.at) continue;
      this.#at.delete(first.name);
      names.push(first.name);
    }
    return names;
  }

  #rebuild(): void {
    this.#heap = [];
    for (const [name, at] of this.#at) this.#push({ at, name });
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let place = heap.length;
    heap.push(entry);
    while (place > 0) {
      const above = (place - 1) >> 1;
      const parent = heap[above] as Entry;
      if (parent.at <= entry.at) break;
      heap[place] = parent;
      place = above;
    }
    heap[place] = entry;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop() as Entry;
    if (heap.length === 0) return;
    let place = 0;
    for (;;) {
      let below = 2 * place + 1;
      if (below >= heap.length) break;
      const right = heap[below + 1];
      if (right !== undefined && right.at < (heap[below] as Entry).at) below += 1;
      const child = heap[below] as Entry;
      if (child.at >= last.at) break;
      heap[place] = child;
      place = below;
    }
    heap[place] = last;
  }
}
