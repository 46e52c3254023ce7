// What happens to a document without anybody's message: time, who comes and goes, what became of what it asked for, what other documents send it.
// Each makes at most one update. Where the application's code fails, the event is over all the same, and the update says so: nothing is
// tried twice that may have been meant once.
import { assert } from '../base/assert.ts';
import type { Principal } from '../base/ids.ts';
import { senderKeptMs, sendersMax } from '../base/limits-life.ts';
import type { Json, JsonObject } from '../base/merge-patch.ts';
import { answerJson } from './answer.ts';
import type { AnswerValue, Context, EffectResult, Receipt, SchedulePlan } from './definition/definition.ts';
import type { Env } from './env.ts';
import type { Outcome, Refusal, Scene } from './handle.ts';
import { fitted, runCode, validArg, validate } from './handle.ts';
import type { Due } from './hours.ts';
import { numberOfDue } from './hours.ts';
import type { Heard, Task, Timer } from './life/agenda.ts';
import { documentAuthority, groupOf, heardOf, lifeKey, principalOfKey, taskOf, wakeKey } from './life/agenda.ts';
import { lengthOf } from './life/length.ts';
import { mergeInPlace } from './life/merge-in-place.ts';
import { Staged } from './life/staged.ts';
import { encodeUpdate, noMessage } from './life/update.ts';
import { roomOf } from './quota/claim.ts';
import type { Inside, Resident } from './resident.ts';
import type { ViewDelta } from './view/viewer.ts';

/** `updates` are to be written before any of the rest leaves, and tasks are carried out when they are committed. */
export type Happened = {
  readonly updates: readonly Uint8Array[];
  readonly deltas: readonly ViewDelta[];
  readonly tasks: readonly Task[];
  /** What the application's code threw, and where: for its log. */
  readonly failure: { readonly where: string; readonly failure: unknown } | undefined;
};

export const nothing: Happened = { updates: [], deltas: [], tasks: [], failure: undefined };

/** A message that another document sent: `n` rises, from each incarnation of it. */
export type Letter = {
  readonly from: string;
  readonly incarnation: string;
  readonly n: number;
  readonly channel: string;
  /** JSON. */
  readonly message: string;
};

/** What is answered to a letter, each time that it comes. `code` '' = done. */
export type Reply = Pick<Heard, 'code' | 'text' | 'json'>;

export type Received = { readonly happened: Happened; readonly reply: Reply };

export const busyText = 'the document takes no more updates in this second';

export const stopped: Refusal = {
  kind: 'refused',
  code: 'HANDLER_STOPPED',
  text: 'the code of the application did not end, or ended its thread',
  failure: undefined,
};

export function documentPrincipal(name: string): Principal {
  return { agent: name, authority: documentAuthority };
}

export function sceneOf({ definition, state, length, seq }: Resident, env: Env, ahead = 1): Scene {
  return { plan: definition.plan, state, length, room: roomOf(definition.plan, state), seq: seq + ahead, env };
}

/** When something is due next, in ms since 1970; undefined where nothing is. */
export function wakeMsOf(resident: Resident, nowMs: number): number | undefined {
  return resident.incarnation === '' ? undefined : resident.hours.next(nowMs, resident.viewers.size > 0)?.at;
}

/** Has happen what is due first, where something is: the next thing is for the next call. `onDue` is told its number before. */
export function happen(resident: Resident, env: Env, onDue?: (due: number) => void): Happened {
  const inside: Inside = resident;
  if (inside.incarnation === '') return nothing;
  const due = inside.hours.next(env.nowMs, inside.viewers.size > 0);
  if (due === undefined || due.at > env.nowMs) return nothing;
  onDue?.(numberOfDue(due));
  return carryOut(inside, due, env);
}

/** What is due under this number is over, and its code did not come to its end: it does not run again. */
export function passOver(resident: Resident, number: number, env: Env): Happened {
  const inside: Inside = resident;
  const { hours } = inside;
  const due = inside.incarnation === '' ? undefined : hours.find(number, env.nowMs);
  if (due === undefined) return nothing;
  if (due.kind === 'load') hours.loaded();
  if (due.kind === 'round') hours.ran(due.schedule, env.nowMs);
  if (due.kind === 'timer') return written(inside, timerEvent(inside, due.timer), stopped, env);
  return due.kind === 'absent' ? written(inside, absentEvent(inside, due.who), stopped, env) : nothing;
}

function carryOut(inside: Inside, due: Due, env: Env): Happened {
  const { events } = inside.definition.plan;
  switch (due.kind) {
    case 'load': {
      inside.hours.loaded();
      const { load } = events;
      if (load === undefined) return nothing;
      return unlessIdle(inside, 'load', new Staged(inside.state), (doc, ctx) => load({ doc, ctx }), env);
    }
    case 'timer':
      return ring(inside, due.timer, env);
    case 'round':
      return round(inside, due.schedule, env);
    case 'absent':
      return leave(inside, due.who, env);
  }
}

function timerEvent(inside: Inside, { id, name }: Timer): Event {
  const over = (staged: Staged): void => staged.set(wakeKey, 'due', id, undefined);
  return { name: `timer ${name}`, who: documentPrincipal(inside.name), over };
}

function ring(inside: Inside, due: Timer, env: Env): Happened {
  const { name, arg } = due;
  const timer = inside.definition.plan.events.timers.get(name);
  return settle(inside, timerEvent(inside, due), env, (doc, ctx) => {
    // Its definition may have changed since.
    if (timer === undefined) throw new Error(`there is no timer ${name} any more`);
    timer.handler({ doc, ctx, arg: validArg(timer.schema, arg) });
  });
}

/** One that changes nothing writes nothing. */
function round(inside: Inside, schedule: SchedulePlan, env: Env): Happened {
  const { name, everyMs, isAlways, handler } = schedule;
  inside.hours.ran(schedule, env.nowMs);
  const staged = new Staged(inside.state);
  const whenChanged = (): void => {
    if (isAlways) staged.set(wakeKey, 'every', name, env.nowMs + everyMs);
  };
  const call = (doc: object, ctx: Context): void => void handler({ doc, ctx });
  return unlessIdle(inside, `every ${name}`, staged, call, env, whenChanged);
}

function absentEvent(inside: Inside, key: string): Event {
  inside.hours.gone(key);
  const over = (staged: Staged): void => staged.set(wakeKey, 'here', key, undefined);
  return { name: 'disconnected', who: principalOfKey(key), over };
}

function leave(inside: Inside, key: string, env: Env): Happened {
  const event = absentEvent(inside, key);
  const { who } = event;
  const { disconnected } = inside.definition.plan.events;
  if (groupOf(inside.state, wakeKey, 'here')?.[key] === undefined) return nothing;
  return settle(inside, event, env, (doc, ctx) => disconnected?.({ doc, who, ctx }));
}

/** What an effect gave, or how a message was answered. One that does not wait any more is heard no more. */
export function settleTask(resident: Resident, n: number, result: TaskResult, env: Env, isStopped = false): Happened {
  const inside: Inside = resident;
  const value = groupOf(inside.state, wakeKey, 'out')?.[String(n)];
  if (inside.incarnation === '' || value === undefined) return nothing;
  const task = taskOf(n, value);
  const { effects, delivered } = inside.definition.plan.events;
  const over = (staged: Staged): void => staged.set(wakeKey, 'out', String(n), undefined);
  if (task.kind === 'effect' && result.kind === 'effect') {
    const told = effects.get(task.name)?.told;
    const event = { name: `effect ${task.name}`, who: documentPrincipal(inside.name), over };
    if (isStopped) return written(inside, event, stopped, env);
    const arg: unknown = JSON.parse(task.arg);
    return settle(inside, event, env, (doc, ctx) => told?.({ doc, ctx, arg, result: result.result }));
  }
  assert(task.kind === 'message' && result.kind === 'message', `${n} is settled as what it is`);
  const event = { name: `receipt ${task.channel}`, who: documentPrincipal(task.to), over };
  if (isStopped) return written(inside, event, stopped, env);
  const receipt = receiptOf(task, result.reply);
  return settle(inside, event, env, (doc, ctx) => delivered?.({ doc, ctx, receipt }));
}

export type TaskResult =
  | { readonly kind: 'effect'; readonly result: EffectResult }
  | { readonly kind: 'message'; readonly reply: Reply };

function receiptOf({ n, to, channel }: Task & { kind: 'message' }, { code, text, json }: Reply): Receipt {
  if (code !== '') return { n, to, channel, ok: false, code, text };
  return { n, to, channel, ok: true, answer: JSON.parse(json) as AnswerValue };
}

/** Takes a message of another document in, once: one that was heard before gets the answer that it got. The document exists. */
export function receive(resident: Resident, letter: Letter, env: Env, isStopped = false): Received {
  const inside: Inside = resident;
  const { from, n, channel: channelName } = letter;
  const key = `${from} ${letter.incarnation}`;
  // Hosts send some themselves, and each once: what they did not hear the answer of they do not send again.
  const isRemembered = n > 0;
  const heard = isRemembered ? heardOf(inside.state, key) : undefined;
  if (heard !== undefined && n <= heard.n) return { happened: nothing, reply: heard };
  const channel = inside.definition.plan.channels.get(channelName);
  if (channel === undefined) return refusedUnheard('CHANNEL_UNKNOWN', 'there is no such channel');
  // What checks it may be what did not end.
  const valid = isStopped ? { value: undefined } : validate(channel, JSON.parse(letter.message));
  if ('kind' in valid) return refusedUnheard(valid.code, valid.text);
  if (!inside.hours.hasRoom(env.nowMs)) return refusedUnheard('DOCUMENT_BUSY', busyText);
  const forgotten = heard === undefined && isRemembered ? placeFor(inside, env.nowMs) : '';
  if (forgotten === undefined) return refusedUnheard('LIMIT_REACHED', 'too many documents send messages to this one');
  const who = documentPrincipal(from);
  let reply: Reply = { code: '', text: '', json: '' };
  const over = (staged: Staged, refusal?: Refusal): void => {
    if (refusal !== undefined) reply = { code: refusal.code, text: refusal.text, json: '' };
    if (!isRemembered) return;
    if (forgotten !== '') staged.set(lifeKey, 'from', forgotten, undefined);
    staged.set(lifeKey, 'from', key, heardEntry({ n, atMs: env.nowMs, ...reply }));
  };
  const staged = new Staged(inside.state);
  const event = { name: `message ${channelName}`, who, over };
  const run = (doc: object, ctx: Context): unknown => {
    const value = channel.handler({ doc, message: valid.value, who, ctx });
    if (value instanceof Promise) return value;
    reply = { code: '', text: '', json: answerJson(value) };
    over(staged);
    return value;
  };
  const outcome = isStopped ? stopped : runCode(sceneOf(inside, env), staged, run);
  const happened = written(inside, event, outcome, env);
  return { happened, reply };
}

function heardEntry({ n, atMs, code, text, json }: Heard): Json {
  if (code === '') return { n, atMs, json };
  return text === '' ? { n, atMs, code } : { n, atMs, code, text };
}

function refusedUnheard(code: string, text: string): Received {
  return { happened: nothing, reply: { code, text, json: '' } };
}

/** '' where there is room for one more, else who may be forgotten for it; undefined where nobody may. */
function placeFor({ state }: Inside, nowMs: number): string | undefined {
  const known = Object.keys(groupOf(state, lifeKey, 'from') ?? {});
  if (known.length < sendersMax) return '';
  return known.find((key) => (heardOf(state, key)?.atMs ?? 0) < nowMs - senderKeptMs);
}

type Event = {
  /** As history names it. */
  readonly name: string;
  readonly who: Principal;
  /** What is so afterwards, whether the code failed or not. */
  readonly over: (staged: Staged, refusal?: Refusal) => void;
};

type Call = (doc: object, ctx: Context) => unknown;

function settle(inside: Inside, event: Event, env: Env, call: Call): Happened {
  const staged = new Staged(inside.state);
  event.over(staged);
  const silent: Call = (doc, ctx) => {
    const value = call(doc, ctx);
    // Nobody is answered.
    return value instanceof Promise ? value : undefined;
  };
  return written(inside, event, runCode(sceneOf(inside, env), staged, silent), env);
}

/** For what was not asked for by anybody: where nothing was done, nothing is written. */
function unlessIdle(
  inside: Inside,
  name: string,
  staged: Staged,
  call: Call,
  env: Env,
  whenChanged?: () => void,
): Happened {
  const who = documentPrincipal(inside.name);
  const outcome = runCode(sceneOf(inside, env), staged, call, whenChanged);
  if (outcome.kind === 'refused') return { ...nothing, failure: failureOf(name, outcome) };
  if (Object.keys(outcome.redo).length === 0) return nothing;
  return written(inside, { name, who, over: () => undefined }, outcome, env);
}

function failureOf(where: string, outcome: Outcome): Happened['failure'] {
  if (outcome.kind === 'done') return undefined;
  return { where, failure: outcome.failure ?? new Error(`${outcome.code}: ${outcome.text}`) };
}

/** The update of an event; of one that failed it holds that it is over, and why. */
export function written(inside: Inside, { name, who, over }: Event, ran: Outcome, env: Env): Happened {
  inside.seq += 1;
  const { seq } = inside;
  let change: { readonly redo: JsonObject; readonly undo: JsonObject } = { redo: {}, undo: {} };
  const { outcome, update } = fitted(ran, (one) => {
    change = one.kind === 'done' ? one : overOnly(inside.state, (staged) => over(staged, one));
    const { code, text } = one.kind === 'done' ? { code: '', text: '' } : one;
    const { redo, undo } = change;
    const about = { kind: 'event', seq, atMs: env.nowMs, who, channel: name } as const;
    return encodeUpdate({ ...noMessage, ...about, code, text, redo, undo });
  });
  const deltas = changed(inside, change.redo, change.undo);
  const tasks = outcome.kind === 'done' ? outcome.tasks : [];
  return { updates: [update], deltas, tasks, failure: failureOf(name, outcome) };
}

/** To be called when an update has changed the state. */
export function changed(inside: Inside, redo: JsonObject, undo: JsonObject): ViewDelta[] {
  inside.length += lengthOf(redo) - lengthOf(undo);
  inside.hours.changed(redo);
  inside.hours.took();
  return inside.viewers.deltas({ redo, undo });
}

function overOnly(state: JsonObject, over: (staged: Staged) => void): { redo: JsonObject; undo: JsonObject } {
  const staged = new Staged(state);
  over(staged);
  const change = staged.change() ?? { redo: {}, undo: {} };
  mergeInPlace(state, change.redo);
  return change;
}
