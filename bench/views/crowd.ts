// A child process: all viewers of P4.views. The first of them sends; a change is through when every one was told of it. A closed loop, some changes
// deep, and bounded: what does not come is an error. Some viewers are clients of the library that their server comes with, and keep their view; the
// others only read what they are sent and look into the last of it, so that it is servers that are measured. With a library each, more than half
// of the machine would work for viewers: on either side some 20 us a delivery of a table of 500.
import { answerParent } from '../processes.ts';
import { joinColyseus } from './colyseus-viewers.ts';
import { joinLevelten } from './levelten-viewers.ts';
import type { Viewers } from './viewers.ts';
import { changesInFlight, dealOf, handOf, isOwn, type Work } from './work.ts';

export type Join = {
  readonly server: 'levelten' | 'colyseus';
  readonly url: string;
  readonly count: number;
  /** Where the peers are. */
  readonly folder: string;
};
export type Told = {
  readonly deliveries: number;
  readonly seconds: number;
  readonly bytes: number;
  /** From sending a change until all were told. */
  readonly p50Ms: number;
};

const quietMsMax = 20_000;

class Crowd {
  readonly #viewers: Viewers;
  readonly #count: number;
  readonly #seen: number[];
  /** How many were not told of a change that is under way. */
  readonly #left = new Map<number, { left: number; readonly sentMs: number }>();
  readonly #hands: number[];
  #n = 0;
  #deliveries = 0;
  #work: Work = 'move';
  #isSending = false;
  #spansMs: number[] = [];
  #onQuiet: () => void = () => {};

  constructor(viewers: Viewers, count: number) {
    this.#viewers = viewers;
    this.#count = count;
    this.#seen = Array.from({ length: count }, () => 0);
    this.#hands = Array.from({ length: count }, () => 0);
    viewers.listen((index, turn) => this.#onTold(index, turn));
  }

  async measure(work: Work, seconds: number): Promise<Told> {
    this.#work = work;
    this.#isSending = true;
    this.#deliveries = 0;
    this.#spansMs = [];
    const before = this.#viewers.bytes();
    const startMs = performance.now();
    const quiet = new Promise<void>((resolve) => {
      this.#onQuiet = resolve;
    });
    for (let count = 0; count < changesInFlight; count += 1) this.#send();
    setTimeout(() => {
      this.#isSending = false;
    }, seconds * 1_000);
    const late = setTimeout(() => this.#onQuiet(), seconds * 1_000 + quietMsMax);
    await quiet;
    clearTimeout(late);
    const elapsed = (performance.now() - startMs) / 1_000;
    const [stuck] = this.#left.values();
    if (stuck !== undefined) {
      throw new Error(`${work}: ${stuck.left} of ${this.#count} viewers were not told of a change in ${quietMsMax} ms`);
    }
    for (let index = 0; index < this.#count; index += 1) this.#check(index);
    const spans = this.#spansMs.sort((a, b) => a - b);
    return {
      deliveries: this.#deliveries,
      seconds: elapsed,
      bytes: this.#viewers.bytes() - before,
      p50Ms: spans[Math.floor(spans.length / 2)] ?? Number.NaN,
    };
  }

  #send(): void {
    this.#n += 1;
    const n = this.#n;
    for (let index = 0; index < this.#count; index += 1) {
      if (isOwn(this.#work, n, index, this.#count)) this.#hands[index] = n;
    }
    this.#left.set(n, { left: this.#count, sentMs: performance.now() });
    this.#viewers.send(this.#work, n);
  }

  #onTold(index: number, turn: number): void {
    this.#deliveries += 1;
    const seen = this.#seen[index] ?? 0;
    this.#seen[index] = turn;
    for (let n = seen + 1; n <= turn; n += 1) {
      const change = this.#left.get(n);
      if (change === undefined) throw new Error(`viewer ${index} was told of change ${n}, which is not under way`);
      change.left -= 1;
      if (change.left > 0) continue;
      this.#left.delete(n);
      this.#spansMs.push(performance.now() - change.sentMs);
      if (this.#isSending) this.#send();
      else if (this.#left.size === 0) this.#onQuiet();
    }
  }

  /** Everybody sees, or was told last, the last turn and his own hand if it changed, and nobody's else. */
  #check(index: number): void {
    const n = this.#n;
    const look = this.#viewers.look(index);
    if (look !== undefined) {
      const hand = handOf(this.#hands[index] ?? 0, index);
      if (look.turn === n && look.hand === hand && look.others === 0) return;
      throw new Error(`viewer ${index} sees ${JSON.stringify(look)} where turn ${n} and hand ${hand} are`);
    }
    const last = this.#viewers.last(index) ?? '';
    const hands = last.split(dealOf(n)).length - 1;
    const isRight = isOwn(this.#work, n, index, this.#count)
      ? hands === 1 && last.includes(handOf(n, index))
      : hands === 0;
    if (!isRight) throw new Error(`viewer ${index} was told ${last} of change ${n}`);
  }
}

let viewers: Viewers | undefined;
let crowd: Crowd | undefined;

answerParent({
  join: async ({ server, url, count, folder }: Join): Promise<void> => {
    viewers = server === 'levelten' ? await joinLevelten(url, count) : await joinColyseus(folder, url, count);
    crowd = new Crowd(viewers, count);
  },
  measure: async ({ work, seconds }: { readonly work: Work; readonly seconds: number }): Promise<Told> => {
    if (crowd === undefined) throw new Error('nobody has joined');
    return crowd.measure(work, seconds);
  },
  leave: async (): Promise<void> => viewers?.close(),
});
