// What is shown to a client that reads slowly: of each value the newest waits here, behind what it has still to read. A value that is gone waits too,
// since the client may have it.
import { ephemeralHeldMax } from '../engine/base/limits-shown.ts';
import type { Line } from './client-wire.ts';
import { shownLine } from './client-wire.ts';

/** What a host says: the list of a frame. */
type Shown = { readonly channel: string; readonly who: { readonly agent: string; readonly authority: string } };

export class LatestShown {
  /** By the document, and in it by channel and principal; each as JSON. */
  readonly #documents = new Map<string, Map<string, string>>();
  #count = 0;

  get isEmpty(): boolean {
    return this.#documents.size === 0;
  }

  /** More waits than a client may leave unread. */
  get isFull(): boolean {
    return this.#count > ephemeralHeldMax;
  }

  add(doc: string, json: string): void {
    const values = this.#documents.get(doc) ?? new Map<string, string>();
    this.#documents.set(doc, values);
    const before = values.size;
    for (const one of JSON.parse(json) as Shown[]) {
      const { agent, authority } = one.who;
      values.set(JSON.stringify([one.channel, agent, authority]), JSON.stringify(one));
    }
    this.#count += values.size - before;
  }

  /** A view is told anew, or closed: what was shown behind the former is gone with it. */
  forget(doc: string): void {
    this.#count -= this.#documents.get(doc)?.size ?? 0;
    this.#documents.delete(doc);
  }

  take(): Line[] {
    const lines = [...this.#documents].map(([doc, values]) => shownLine(doc, `[${[...values.values()].join(',')}]`));
    this.#documents.clear();
    this.#count = 0;
    return lines;
  }
}
