// Which documents stopped their threads lately (D33). One that does so again and again takes its neighbours with it each time: so it rests for a
// while. Forgotten in time, and with the process: another host that heads its chain counts anew.
import { documentRestMs, documentStopsMax, documentStopsMs } from '../../engine/base/limits.ts';

type Stops = { readonly atMs: readonly number[]; readonly restsUntilMs: number };

export class Rests {
  readonly #nowMs: () => number;
  /** By document, whose last stop is longest ago first. */
  readonly #stops = new Map<string, Stops>();

  /** The clock never goes back. */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  has(document: string): boolean {
    const stops = this.#stops.get(document);
    return stops !== undefined && this.#nowMs() < stops.restsUntilMs;
  }

  /** It stopped its thread. */
  note(document: string): void {
    const nowMs = this.#nowMs();
    const isLate = (atMs: number): boolean => nowMs - atMs < documentStopsMs;
    const atMs = [...(this.#stops.get(document)?.atMs ?? []), nowMs].filter(isLate);
    this.#stops.delete(document);
    this.#stops.set(document, { atMs, restsUntilMs: atMs.length < documentStopsMax ? 0 : nowMs + documentRestMs });
    for (const [name, stops] of this.#stops) {
      if (stops.atMs.some(isLate)) return;
      this.#stops.delete(name);
    }
  }
}
