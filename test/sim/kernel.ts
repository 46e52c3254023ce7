// Virtual time. What happens is an event at a moment; between two events promises settle. Nothing here waits for the real
// world, so a whole run is one chain of microtasks, and no real timer, socket or disk gets a word in between.
//
// After each event the kernel waits for a fixed number of microtasks rather than until none is left: 12 cost half a
// microsecond (a setImmediate costs twice that), and a continuation that is deeper goes on during the next event, in an order
// that is the same each time. A slow processor does the same.
import { assert } from '../../engine/base/assert.ts';
import { Prng } from '../prng.ts';

const microtasksPerEvent = 12;
const microtasksAtEnd = 400;

export type Timer = { readonly atMs: number; readonly order: number; run: (() => void) | undefined };

export class Kernel {
  nowMs = 0;
  events = 0;
  #order = 0;
  readonly #heap: Timer[] = [];
  readonly #seed: number;

  constructor(seed: number) {
    this.#seed = seed;
  }

  /** A generator for one concern: what another concern draws does not change it. */
  chance(concern: string): Prng {
    let hash = Math.imul(this.#seed ^ 0x9e3779b9, 0x85ebca6b);
    for (let index = 0; index < concern.length; index += 1) {
      hash = Math.imul(hash ^ concern.charCodeAt(index), 0x01000193);
      hash ^= hash >>> 15;
    }
    return new Prng(hash);
  }

  after(ms: number, run: () => void): Timer {
    assert(ms >= 0, `an event is not ${ms} ms ago`);
    this.#order += 1;
    const timer: Timer = { atMs: this.nowMs + ms, order: this.#order, run };
    push(this.#heap, timer);
    return timer;
  }

  cancel(timer: Timer | undefined): void {
    if (timer !== undefined) timer.run = undefined;
  }

  /** Runs events until virtual time is `endMs`, or `isDone` says so; false where time ran out. */
  async run(endMs: number, isDone: () => boolean = () => false): Promise<boolean> {
    for (;;) {
      const next = this.#heap[0];
      if (next === undefined || next.atMs > endMs) break;
      pop(this.#heap);
      const { run } = next;
      if (run === undefined) continue;
      this.nowMs = next.atMs;
      this.events += 1;
      run();
      for (let ticks = 0; ticks < microtasksPerEvent; ticks += 1) await null;
      if (isDone()) return true;
    }
    this.nowMs = endMs;
    for (let ticks = 0; ticks < microtasksAtEnd; ticks += 1) await null;
    return isDone();
  }
}

function isBefore(one: Timer, other: Timer): boolean {
  return one.atMs === other.atMs ? one.order < other.order : one.atMs < other.atMs;
}

function push(heap: Timer[], timer: Timer): void {
  let at = heap.length;
  heap.push(timer);
  while (at > 0) {
    const above = (at - 1) >> 1;
    const parent = heap[above] as Timer;
    if (isBefore(parent, timer)) break;
    heap[at] = parent;
    at = above;
  }
  heap[at] = timer;
}

function pop(heap: Timer[]): void {
  const last = heap.pop() as Timer;
  if (heap.length === 0) return;
  let at = 0;
  for (;;) {
    let child = at * 2 + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && isBefore(heap[child + 1] as Timer, heap[child] as Timer)) child += 1;
    if (isBefore(last, heap[child] as Timer)) break;
    heap[at] = heap[child] as Timer;
    at = child;
  }
  heap[at] = last;
}

/**
 * Runs `run` with the timers of the platform in virtual time: the code of proxies and clients sets them. Safe since a run never
 * gives the event loop a turn.
 */
export async function withVirtualTimers<T>(kernel: Kernel, run: () => Promise<T>): Promise<T> {
  const { setTimeout, clearTimeout, setImmediate } = globalThis;
  const virtual = {
    setTimeout: (callback: () => void, ms = 0): Timer => kernel.after(ms, callback),
    clearTimeout: (timer: Timer | undefined): void => kernel.cancel(timer),
    setImmediate: (callback: () => void): Timer => kernel.after(0, callback),
  };
  Object.assign(globalThis, virtual);
  try {
    return await run();
  } finally {
    Object.assign(globalThis, { setTimeout, clearTimeout, setImmediate });
  }
}
