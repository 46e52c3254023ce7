// What viewers of a document show each other, as a client holds it: of each channel who shows what, and what this client shows itself. None of it is
// kept anywhere: with every view it begins anew, and what is shown here is shown again.
import type { ServerFrame } from './frames.ts';
import { RefusedError, showFrameLengthMax, showMs } from './frames.ts';

/** Who shows something. */
export type Who = { readonly agent: string; readonly authority: string };

/** What a definition's ephemeral channels take and show, by name: `EphemeralsOf<typeof board>`. */
export type Ephemerals = { readonly [channel: string]: { readonly message: unknown; readonly value: unknown } };

/** Who shows what in one channel, oneself included. Values and `entries` stay the same objects until they are others. */
export class Shown<Value = unknown> implements Iterable<readonly [Who, Value]> {
  readonly #values = new Map<string, readonly [Who, Value]>();
  readonly #listeners = new Set<() => void>();
  #entries: readonly (readonly [Who, Value])[] = [];
  #error: RefusedError | undefined;

  /** How many show something. */
  get size(): number {
    return this.#values.size;
  }

  /** Who shows what, in the order in which they began. */
  get entries(): readonly (readonly [Who, Value])[] {
    return this.#entries;
  }

  /** Why what was shown here last was refused, where one was. */
  get error(): RefusedError | undefined {
    return this.#error;
  }

  /** What somebody shows; undefined where it is nothing. */
  get(who: Who): Value | undefined {
    return this.#values.get(keyOf(who))?.[1];
  }

  /** As `entries`. */
  [Symbol.iterator](): Iterator<readonly [Who, Value]> {
    return this.#entries[Symbol.iterator]();
  }

  /** Calls `listener` after each change. Returns what ends that. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** @internal For the document: null is gone. */
  set(news: readonly (readonly [Who, Value | null])[]): void {
    let isOther = false;
    for (const [who, value] of news) {
      const key = keyOf(who);
      if (value !== null) this.#values.set(key, [who, value]);
      else if (!this.#values.delete(key)) continue;
      isOther = true;
    }
    if (isOther) this.#tell();
  }

  /** @internal For the document. */
  clear(): void {
    if (this.#values.size === 0) return;
    this.#values.clear();
    this.#tell();
  }

  /** @internal For the document. */
  fail(error: RefusedError): void {
    this.#error = error;
    this.#tell();
  }

  #tell(): void {
    this.#entries = Object.freeze([...this.#values.values()]);
    for (const listener of [...this.#listeners]) listener();
  }
}

function keyOf({ agent, authority }: Who): string {
  return JSON.stringify([agent, authority]);
}

/** What is shown here in one channel. `timer`: it went a moment ago. */
type Own = { line: string; isGone: boolean; isDue: boolean; timer: ReturnType<typeof setTimeout> | undefined };

type Parts = {
  readonly doc: string;
  readonly write: (line: string) => void;
  readonly isLive: () => boolean;
};

export class Showing {
  readonly #parts: Parts;
  readonly #shown = new Map<string, Shown>();
  readonly #own = new Map<string, Own>();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  shown(channel: string): Shown {
    const shown = this.#shown.get(channel) ?? new Shown();
    this.#shown.set(channel, shown);
    return shown;
  }

  /** The newest goes, now or a moment after the one before it. */
  show(channel: string, message: unknown): void {
    const body: string | undefined = JSON.stringify(message);
    if (body === undefined) throw new RefusedError('FRAME_INVALID', 'never', 'what is shown is a JSON value');
    const about = JSON.stringify({ t: 'ephemeral', doc: this.#parts.doc, channel });
    const line = `${about.slice(0, -1)},"message":${body}}`;
    if (line.length > showFrameLengthMax) {
      throw new RefusedError('FRAME_INVALID', 'never', `what is shown has at most ${showFrameLengthMax} characters`);
    }
    const own = this.#own.get(channel) ?? { line, isGone: false, isDue: false, timer: undefined };
    this.#own.set(channel, own);
    own.line = line;
    own.isGone = body === 'null';
    own.isDue = true;
    this.#give(own);
  }

  /** A view has come: nobody remembers what was shown before it. */
  onView(): void {
    for (const shown of this.#shown.values()) shown.clear();
    for (const own of this.#own.values()) {
      own.isDue = !own.isGone;
      this.#give(own);
    }
  }

  onShown({ shown }: Extract<ServerFrame, { readonly t: 'ephemeral' }>): void {
    const news = new Map<string, (readonly [Who, unknown])[]>();
    for (const { channel, who, value } of shown) {
      const list = news.get(channel) ?? [];
      news.set(channel, list);
      list.push([who, value]);
    }
    for (const [channel, list] of news) this.shown(channel).set(list);
  }

  onRefused(channel: string, error: RefusedError): void {
    this.shown(channel).fail(error);
  }

  close(): void {
    for (const { timer } of this.#own.values()) clearTimeout(timer);
    this.#own.clear();
    for (const shown of this.#shown.values()) shown.clear();
  }

  #give(own: Own): void {
    if (!own.isDue || own.timer !== undefined || !this.#parts.isLive()) return;
    own.isDue = false;
    this.#parts.write(own.line);
    own.timer = setTimeout(() => {
      own.timer = undefined;
      this.#give(own);
    }, showMs);
  }
}
