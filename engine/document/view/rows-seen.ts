// What policies that hang on a row said of one viewer: a delta compares what they say now with what they said. Only what they let him see is kept.
// Rows that went are dropped when most of what is kept may be of such.
import type { Row } from './sight.ts';

const rowsMin = 64;

export class RowsSeen {
  /** Numbers of policies, by the path of the row. */
  readonly #passed = new Map<string, Set<number>>();
  /** What was found in this update: not what was before it. */
  #found: (readonly [path: string, policy: number, passes: boolean])[] = [];
  #max = rowsMin;

  /** For one more of the same principal, who was let see the same. */
  copy(): RowsSeen {
    const copy = new RowsSeen();
    for (const [path, policies] of this.#passed) copy.#passed.set(path, new Set(policies));
    copy.#max = this.#max;
    return copy;
  }

  was(policy: number, row: Row | undefined): boolean {
    return this.#passed.get(pathOf(row))?.has(policy) === true;
  }

  see(policy: number, row: Row | undefined, passes: boolean): boolean {
    this.#found.push([pathOf(row), policy, passes]);
    return passes;
  }

  /** What was found is what was, from now on. */
  turn(): void {
    if (this.#found.length === 0) return;
    for (const [path, policy, passes] of this.#found) {
      const policies = this.#passed.get(path);
      if (passes && policies === undefined) this.#passed.set(path, new Set([policy]));
      else if (passes) policies?.add(policy);
      else if (policies?.delete(policy) === true && policies.size === 0) this.#passed.delete(path);
    }
    this.#found = [];
  }

  /** Whether all of it should be found anew. */
  isDue(): boolean {
    return this.#passed.size > this.#max;
  }

  clear(): void {
    this.#passed.clear();
  }

  /** All of it was found anew. */
  settle(): void {
    this.turn();
    this.#max = Math.max(rowsMin, 2 * this.#passed.size);
  }
}

function pathOf(row: Row | undefined): string {
  return row?.path ?? '';
}
