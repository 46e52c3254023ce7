// What is shown in a document and never stored: of each principal who views it the newest value in each ephemeral channel. It is kept here, in
// memory, and goes with it; with the last view of whoever showed it; and when the check of its channel says no of it.
//
//   show, leave, an update  ->  news: values that are others now
//   take                    ->  for each kind of viewers the news that it may see, once; and for viewers of whom policies say something else now,
//                               all of what they may see, and that all else is gone
//
// Who sees a channel is said by policies alone, and a kind is what policies say: so whatever is shown is one text for all of a kind. A policy that
// hangs on a row says no: there is none here.
import { AssertionFailed, assert } from '../../base/assert.ts';
import type { Principal } from '../../base/ids.ts';
import { ephemeralLengthMax, ephemeralValuesLengthMax, ephemeralValuesMax } from '../../base/limits-shown.ts';
import type { JsonObject } from '../../base/merge-patch.ts';
import { answerJson } from '../answer.ts';
import type { EphemeralPlan, Plan } from '../definition/definition.ts';
import { beginReading } from '../draft/reading.ts';
import { mistake } from '../draft/values.ts';
import type { Refusal } from '../handle.ts';
import { validate } from '../handle.ts';
import type { Failures } from './policies.ts';
import type { Outcome } from './sight.ts';
import type { Kind, Viewer } from './viewer.ts';
import { keyOf } from './viewer.ts';

/** What all of `kind` are shown, or `viewer` alone: the list of a frame, as JSON. */
export type ViewShown = { readonly viewer: number | undefined; readonly kind: number; readonly json: string };

type Value = { readonly channel: number; readonly who: Principal; readonly json: string };

/** Channels by their numbers, as bits. */
type Channels = number;

const gone = 'null';

export class Ephemera {
  readonly #plan: Plan;
  readonly #state: JsonObject;
  /** Those shown longest ago first. */
  readonly #values = new Map<string, Value>();
  #length = 0;
  /** Whose value in which channel is another than viewers were told. */
  readonly #news = new Map<string, Pick<Value, 'channel' | 'who'>>();
  /** Which channels each viewer was told of. */
  readonly #told = new Map<Viewer, Channels>();
  readonly #present = new Set<string>();
  /** Policies say something else of some. */
  #isShifted = false;
  /** By the number of the channel: names of the document's fields that its check read. */
  readonly #reads: readonly Set<string>[];
  /** What who comes is shown, until a value is another. */
  readonly #first = new Map<Channels, string>();
  #failures: Failures | undefined;
  #failed: Channels = 0;

  constructor(plan: Plan, state: JsonObject) {
    this.#plan = plan;
    this.#state = state;
    this.#reads = plan.ephemerals.map(() => new Set());
  }

  /** `beside`: another of the same principal, of whom a view goes on as one of this viewer. */
  join(viewer: Viewer, beside?: Viewer): void {
    const told = beside && this.#told.get(beside);
    this.#told.set(viewer, told ?? this.#channelsOf(viewer.kind.outcomes));
    this.#present.add(keyOf(viewer.who));
  }

  /** `isGone`: the principal views the document no more. */
  leave(viewer: Viewer, isGone: boolean): void {
    this.#told.delete(viewer);
    if (!isGone) return;
    this.#present.delete(keyOf(viewer.who));
    for (const number of this.#plan.ephemerals.keys()) this.#remove(number, viewer.who);
  }

  /** Policies say something else of some viewers: they may see other channels. */
  shift(): void {
    this.#isShifted = this.#plan.ephemerals.length > 0;
  }

  /** The document has ended. */
  forget(): void {
    this.#values.clear();
    this.#news.clear();
    this.#first.clear();
    this.#length = 0;
  }

  /** Takes the newest value of `who`; null takes it back. Undefined also where there is nothing to tell: a check that says no keeps what was there. */
  show(who: Principal, name: string, message: unknown): Refusal | undefined {
    const number = this.#plan.ephemerals.findIndex((one) => one.name === name);
    const plan = this.#plan.ephemerals[number];
    if (plan === undefined) return refusal('CHANNEL_UNKNOWN', 'there is no such ephemeral channel');
    // Who closed his last view meanwhile shows nothing any more.
    if (!this.#present.has(keyOf(who))) return undefined;
    if (message === null) {
      this.#remove(number, who);
      return undefined;
    }
    const read = readValue(plan, message);
    if ('kind' in read) {
      if (read.failure !== undefined) this.#fail(name, read.failure);
      return read;
    }
    if (read.json === gone) this.#remove(number, who);
    else if (this.#passes(plan, number, who, read.json)) this.#put(number, who, read.json);
    return undefined;
  }

  /** After every update. What its check says no of is gone. */
  changed(redo: JsonObject): void {
    if (this.#values.size === 0) return;
    const names = Object.keys(redo);
    for (const [number, plan] of this.#plan.ephemerals.entries()) {
      const reads = this.#reads[number];
      if (reads === undefined || !names.some((name) => reads.has(name))) continue;
      reads.clear();
      for (const { channel, who, json } of [...this.#values.values()]) {
        if (channel === number && !this.#passes(plan, number, who, json)) this.#remove(number, who);
      }
    }
  }

  /** What `viewer` is shown when he comes: the list of a frame, '' for none. */
  of(viewer: Viewer): string {
    const seen = this.#channelsOf(viewer.kind.outcomes);
    const known = this.#first.get(seen);
    if (known !== undefined) return known;
    const json = listOf(this.#textsIn(seen));
    this.#first.set(seen, json);
    return json;
  }

  /** What viewers are to be told since this was asked last: those of one alone come first. */
  take(kinds: Iterable<Kind>): ViewShown[] {
    if (this.#news.size === 0 && !this.#isShifted) return [];
    const texts = new Map<string, string>();
    const textOf = (from: Channels, to: Channels): string => {
      const key = `${from} ${to}`;
      const text = texts.get(key) ?? listOf(this.#textsBetween(from, to));
      texts.set(key, text);
      return text;
    };
    const alone: ViewShown[] = [];
    const common: ViewShown[] = [];
    for (const kind of kinds) {
      const to = this.#channelsOf(kind.outcomes);
      const moved = this.#isShifted ? [...kind.viewers].filter((viewer) => this.#told.get(viewer) !== to) : [];
      const from = this.#sameOf(moved, kind);
      if (from === undefined) {
        for (const viewer of moved) {
          alone.push({ viewer: viewer.id, kind: kind.id, json: textOf(this.#told.get(viewer) ?? 0, to) });
        }
      }
      common.push({ viewer: undefined, kind: kind.id, json: textOf(from ?? to, to) });
      for (const viewer of moved) this.#told.set(viewer, to);
    }
    this.#news.clear();
    this.#isShifted = false;
    return [...alone, ...common].filter(({ json }) => json !== '');
  }

  takeFailures(): Failures | undefined {
    const failures = this.#failures;
    this.#failures = undefined;
    return failures;
  }

  /** Asserts what holds between any two calls. */
  check(viewers: Iterable<Viewer>): void {
    let count = 0;
    for (const viewer of viewers) {
      count += 1;
      const seen = this.#channelsOf(viewer.kind.outcomes);
      assert(this.#isShifted || this.#told.get(viewer) === seen, `${viewer.who.agent} was told what he may see`);
    }
    assert(count === this.#told.size, 'who left is forgotten');
    let length = 0;
    for (const [key, { channel, who, json }] of this.#values) {
      assert(key === placeOf(channel, who) && this.#present.has(keyOf(who)), `${key} is of somebody who is there`);
      length += json.length;
    }
    assert(length === this.#length, `values of ${this.#length} characters have ${length}`);
    assert(this.#values.size <= ephemeralValuesMax && length <= ephemeralValuesLengthMax, 'values are bounded');
  }

  #put(channel: number, who: Principal, json: string): void {
    const key = placeOf(channel, who);
    const former = this.#values.get(key);
    // The newest stands last, also where it is the same again.
    this.#values.delete(key);
    this.#values.set(key, { channel, who, json });
    if (former?.json === json) return;
    this.#length += json.length - (former?.json.length ?? 0);
    this.#isOther(channel, who);
    for (const oldest of this.#values.values()) {
      if (this.#values.size <= ephemeralValuesMax && this.#length <= ephemeralValuesLengthMax) break;
      this.#remove(oldest.channel, oldest.who);
    }
  }

  #remove(channel: number, who: Principal): void {
    const key = placeOf(channel, who);
    const value = this.#values.get(key);
    if (value === undefined) return;
    this.#values.delete(key);
    this.#length -= value.json.length;
    this.#isOther(channel, who);
  }

  #isOther(channel: number, who: Principal): void {
    this.#news.set(placeOf(channel, who), { channel, who });
    this.#first.clear();
  }

  /** What all of a kind were told, where that is the same and something else than now. */
  #sameOf(moved: readonly Viewer[], kind: Kind): Channels | undefined {
    const first = moved[0];
    if (first === undefined || moved.length < kind.viewers.size) return undefined;
    const told = this.#told.get(first);
    return moved.every((viewer) => this.#told.get(viewer) === told) ? told : undefined;
  }

  #channelsOf(outcomes: readonly Outcome[]): Channels {
    let channels = 0;
    for (const [number, { policies, name }] of this.#plan.ephemerals.entries()) {
      if (policies.every((policy) => outcomes[policy] === true)) channels |= 1 << number;
      if (policies.some((policy) => outcomes[policy] === 'row')) this.#failOnce(number, name);
    }
    return channels;
  }

  #textsIn(channels: Channels): string[] {
    const values = [...this.#values.values()].filter(({ channel }) => isIn(channel, channels));
    return values.map(({ channel, who, json }) => this.#textOf(channel, who, json));
  }

  /** For who saw `from` and sees `to`: what is new in both, all that was not seen, and that all else is gone. */
  #textsBetween(from: Channels, to: Channels): string[] {
    const texts = from === to ? [] : this.#textsIn(to & ~from);
    for (const [key, { channel, who }] of this.#news) {
      const value = this.#values.get(key);
      if (isIn(channel, from & to)) texts.push(this.#textOf(channel, who, value?.json ?? gone));
      else if (isIn(channel, from) && value === undefined) texts.push(this.#textOf(channel, who, gone));
    }
    if (from === to) return texts;
    for (const { channel, who } of this.#values.values()) {
      if (isIn(channel, from & ~to)) texts.push(this.#textOf(channel, who, gone));
    }
    return texts;
  }

  #textOf(channel: number, { agent, authority }: Principal, json: string): string {
    const about = JSON.stringify({ channel: this.#plan.ephemerals[channel]?.name, who: { agent, authority } });
    return `${about.slice(0, -1)},"value":${json}}`;
  }

  #passes({ check, name }: EphemeralPlan, number: number, who: Principal, json: string): boolean {
    if (check === undefined) return true;
    const { doc, end } = beginReading(this.#plan.record, this.#state, (field) => this.#reads[number]?.add(field));
    try {
      // A copy for each question: what is shown is what was checked.
      const said = check({ doc, message: JSON.parse(json), who: { agent: who.agent, authority: who.authority } });
      if (said instanceof Promise) {
        said.catch(() => undefined);
        throw mistake('a check is synchronous: it returned a promise');
      }
      return said === true;
    } catch (failure) {
      // An assertion says that we are wrong, not the application (C19).
      if (failure instanceof AssertionFailed) throw failure;
      this.#fail(name, failure);
      return false;
    } finally {
      end();
    }
  }

  /** Nobody sees this channel, and its developer would look for long. */
  #failOnce(channel: number, name: string): void {
    if (isIn(channel, this.#failed)) return;
    this.#failed |= 1 << channel;
    this.#fail(name, mistake('a policy that looks at its row lets nobody see an ephemeral channel: there is no row'));
  }

  #fail(name: string, failure: unknown): void {
    this.#failures = { count: (this.#failures?.count ?? 0) + 1, name, failure };
  }
}

/** The value that a message shows, as JSON; or why it shows none. */
function readValue(plan: EphemeralPlan, message: unknown): { readonly json: string } | Refusal {
  const valid = validate(plan, message);
  if ('kind' in valid) return valid;
  try {
    const json = answerJson(valid.value);
    if (json.length <= ephemeralLengthMax) return { json };
    return refusal('MESSAGE_INVALID', `what is shown has at most ${ephemeralLengthMax} characters as JSON`);
  } catch (failure) {
    if (failure instanceof AssertionFailed) throw failure;
    return { ...refusal('MESSAGE_INVALID', 'what the schema makes of it is no JSON'), failure };
  }
}

function refusal(code: string, text: string): Refusal {
  return { kind: 'refused', code, text, failure: undefined };
}

function placeOf(channel: number, who: Principal): string {
  return `${channel} ${keyOf(who)}`;
}

function isIn(channel: number, channels: Channels): boolean {
  return (channels & (1 << channel)) !== 0;
}

function listOf(texts: readonly string[]): string {
  return texts.length === 0 ? '' : `[${texts.join(',')}]`;
}
