// What time means to a document in memory: what of it is due next. Nothing here is kept: a host that loads the document makes it anew.

import { absentMs, updatesPerSecondMax } from '../base/limits-life.ts';
import type { JsonObject } from '../base/merge-patch.ts';
import type { Plan, SchedulePlan } from './definition/definition.ts';
import type { Timer } from './life/agenda.ts';
import { firstTimer, groupOf, presentIn, timersIn, wakeKey } from './life/agenda.ts';

/** What is to happen, and when. */
export type Due =
  | { readonly kind: 'load'; readonly at: number }
  | { readonly kind: 'timer'; readonly at: number; readonly timer: Timer }
  | { readonly kind: 'round'; readonly at: number; readonly schedule: SchedulePlan }
  | { readonly kind: 'absent'; readonly at: number; readonly who: string };

/** Names it in 31 bits, in any process: two things of one document hardly share one. */
export function numberOfDue(due: Due): number {
  let text: string = due.kind;
  if (due.kind === 'timer') text += due.timer.id;
  if (due.kind === 'round') text += due.schedule.name;
  if (due.kind === 'absent') text += due.who;
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash & 0x7fff_ffff;
}

export class Hours {
  readonly #plan: Plan;
  readonly #state: JsonObject;
  /** Who is known to be there and has no view, with the time at which that counts. */
  readonly #absent = new Map<string, number>();
  readonly #rounds = new Map<string, number>();
  #timer: Timer | undefined;
  /** The timers as they were when the first of them was looked for. */
  #isTimerKnown = false;
  #isLoadDue: boolean;
  /** Updates that it may take, and when that was counted. */
  #tokens: number | undefined;
  #tokensMs = 0;
  #isBegun = false;
  #returnByMs = 0;

  constructor(plan: Plan, state: JsonObject) {
    this.#plan = plan;
    this.#state = state;
    this.#isLoadDue = plan.events.load !== undefined;
  }

  /** To be called with each update: what is due may be something else now. */
  changed(redo: JsonObject): void {
    if (Object.hasOwn(redo, wakeKey)) this.#isTimerKnown = false;
  }

  /** It was loaded: whoever was there may come back until then. Not counted from each load: documents come and go. */
  expect(returnByMs: number): void {
    this.#returnByMs = returnByMs;
  }

  #begin(nowMs: number): void {
    this.#isBegun = true;
    for (const who of presentIn(this.#state)) this.#absent.set(who, Math.max(nowMs, this.#returnByMs));
  }

  /** Somebody views it, for the first time or again. */
  came(who: string, nowMs: number): void {
    if (!this.#isBegun) this.#begin(nowMs);
    this.#absent.delete(who);
  }

  /** The last view of somebody was closed. */
  left(who: string, nowMs: number): void {
    if (groupOf(this.#state, wakeKey, 'here')?.[who] !== undefined) this.#absent.set(who, nowMs + absentMs);
  }

  /** It is told that he is not there any more. */
  gone(who: string): void {
    this.#absent.delete(who);
  }

  loaded(): void {
    this.#isLoadDue = false;
  }

  ran(schedule: SchedulePlan, nowMs: number): void {
    this.#rounds.set(schedule.name, nowMs + schedule.everyMs);
  }

  /** The document has ended, or begins. */
  forget(): void {
    this.#absent.clear();
    this.#rounds.clear();
    this.#isTimerKnown = false;
    this.#isLoadDue = false;
  }

  /** What is due first, be it in the past; undefined where nothing is. `isViewed`: somebody is connected. */
  next(nowMs: number, isViewed: boolean): Due | undefined {
    if (!this.#isBegun) this.#begin(nowMs);
    if (this.#isLoadDue) return { kind: 'load', at: nowMs };
    if (!this.#isTimerKnown) {
      this.#timer = firstTimer(this.#state);
      this.#isTimerKnown = true;
    }
    const timer = this.#timer;
    let first: Due | undefined = timer === undefined ? undefined : { kind: 'timer', at: timer.at, timer };
    for (const schedule of this.#plan.events.schedules) {
      const at = this.#roundOf(schedule, nowMs, isViewed);
      if (at !== undefined && at < (first?.at ?? Infinity)) first = { kind: 'round', at, schedule };
    }
    for (const [who, at] of this.#absent) if (at < (first?.at ?? Infinity)) first = { kind: 'absent', at, who };
    return first;
  }

  /** What has this number, whether it is due or not. */
  find(number: number, nowMs: number): Due | undefined {
    if (!this.#isBegun) this.#begin(nowMs);
    for (const due of this.#all(nowMs)) if (numberOfDue(due) === number) return due;
    return undefined;
  }

  *#all(at: number): Generator<Due> {
    if (this.#isLoadDue) yield { kind: 'load', at };
    for (const timer of timersIn(this.#state)) yield { kind: 'timer', at, timer };
    for (const schedule of this.#plan.events.schedules) yield { kind: 'round', at, schedule };
    for (const who of this.#absent.keys()) yield { kind: 'absent', at, who };
  }

  #roundOf(schedule: SchedulePlan, nowMs: number, isViewed: boolean): number | undefined {
    const { name, everyMs, isAlways } = schedule;
    if (!isViewed && !isAlways) {
      this.#rounds.delete(name);
      return undefined;
    }
    const known = this.#rounds.get(name);
    if (known !== undefined) return known;
    const kept = isAlways ? groupOf(this.#state, wakeKey, 'every')?.[name] : undefined;
    const at = typeof kept === 'number' ? kept : nowMs + everyMs;
    this.#rounds.set(name, at);
    return at;
  }

  /** Whether one more update fits into this second (a token bucket, full at first). */
  hasRoom(nowMs: number): boolean {
    const most = this.#plan.updatesPerSecond ?? updatesPerSecondMax;
    const passedMs = Math.max(nowMs - this.#tokensMs, 0);
    const tokens = this.#tokens === undefined ? most : Math.min(most, this.#tokens + (passedMs * most) / 1_000);
    this.#tokensMs = nowMs;
    this.#tokens = tokens;
    return tokens >= 1;
  }

  /** One was taken. */
  took(): void {
    if (this.#tokens !== undefined) this.#tokens -= 1;
  }
}
