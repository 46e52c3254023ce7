// What a document has before it: timers that are set, effects and messages that wait to be carried out, who is there. And what it has behind
// it: how far it has heard other documents. All of it is a part of the state, under two keys that no field can have, so that redo, undo,
// snapshots and copies carry it like any value; no view shows it, and a rewind leaves it as it is.
//
//   "@wake": { "due":   { <id>: { "at", "name", "arg"? } }                      timers, by random id
//              "every": { <name>: <at> }                                        schedules that run whether anybody is there or not: the next time
//              "out":   { <n>: { "name", "arg"? } | { "to", "channel", "arg" } }  effects and messages, by rising number
//              "here":  { <principal>: true } }                                 who is connected
//   "@life": { "out": { "n": <n> }                                              the last number given
//              "from":  { <document>: { "n", "atMs", "code"?, "text"?, "json"? } } }  the last message heard of each, and what it was answered
//
// `arg` is JSON as text: a state holds no null. "@wake" is there only while something is to come: whoever looks for documents that want to
// be woken looks for these bytes, and decodes nothing.
import { assert } from '../../base/assert.ts';
import type { Principal } from '../../base/ids.ts';
import type { Json, JsonObject } from '../../base/merge-patch.ts';
import { isJsonObject } from '../../base/merge-patch.ts';

export const wakeKey = '@wake';
export const lifeKey = '@life';
/** What it counts for: quota/claim.ts. */
export const quotaKey = '@quota';
const agendaKeys: ReadonlySet<string> = new Set([wakeKey, lifeKey, quotaKey]);

export type Root = typeof wakeKey | typeof lifeKey;
export type Group = 'due' | 'every' | 'out' | 'here' | 'from';

/** Documents act in the name of nobody else: no client has this authority. */
export const documentAuthority = '@document';

export type Timer = {
  readonly id: string;
  readonly at: number;
  readonly name: string;
  readonly arg: string | undefined;
};

/** Something to be done outside of the document, once what asked for it is committed. */
export type Task =
  | { readonly kind: 'effect'; readonly n: number; readonly name: string; readonly arg: string }
  | {
      readonly kind: 'message';
      readonly n: number;
      readonly to: string;
      readonly channel: string;
      readonly arg: string;
    };

/** The last message heard of another document. */
export type Heard = {
  readonly n: number;
  readonly atMs: number;
  readonly code: string;
  readonly text: string;
  readonly json: string;
};

export function isAgendaKey(key: string): boolean {
  return agendaKeys.has(key);
}

/** A patch, or a state, without what no rewind touches. */
export function withoutAgenda(value: JsonObject): JsonObject {
  const { [wakeKey]: _wake, [lifeKey]: _life, [quotaKey]: _quota, ...rest } = value;
  return rest;
}

/** Of a state: only that. */
export function agendaOf(state: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(state).filter(([key]) => isAgendaKey(key)));
}

export function groupOf(state: JsonObject, root: Root, group: Group): JsonObject | undefined {
  const whole = state[root];
  const part = isJsonObject(whole) ? whole[group] : undefined;
  return isJsonObject(part) ? part : undefined;
}

export function timerOf(id: string, value: Json | undefined): Timer {
  assert(isJsonObject(value), 'a timer is one');
  const { at, name, arg } = value;
  return { id, at: at as number, name: name as string, arg: arg as string | undefined };
}

export function timersIn(state: JsonObject): Timer[] {
  return Object.entries(groupOf(state, wakeKey, 'due') ?? {}).map(([id, value]) => timerOf(id, value));
}

/** The timer that is due first; of several the one of the lowest id. */
export function firstTimer(state: JsonObject): Timer | undefined {
  let first: Timer | undefined;
  for (const timer of timersIn(state)) {
    const { id } = timer;
    if (first === undefined || timer.at < first.at || (timer.at === first.at && id < first.id)) first = timer;
  }
  return first;
}

/** What waits to be carried out, in the order in which it was asked for. */
export function tasksOf(state: JsonObject): Task[] {
  const tasks = Object.entries(groupOf(state, wakeKey, 'out') ?? {}).map(([n, value]) => taskOf(Number(n), value));
  return tasks.sort((one, other) => one.n - other.n);
}

export function taskOf(n: number, value: Json | undefined): Task {
  assert(isJsonObject(value), 'a task is one');
  const { name, to, channel, arg } = value;
  if (typeof to === 'string') {
    return { kind: 'message', n, to, channel: channel as string, arg: arg as string };
  }
  return { kind: 'effect', n, name: name as string, arg: (arg as string | undefined) ?? 'null' };
}

export function heardOf(state: JsonObject, from: string): Heard | undefined {
  const value = groupOf(state, lifeKey, 'from')?.[from];
  if (!isJsonObject(value)) return undefined;
  const { n, atMs, code = '', text = '', json = '' } = value;
  return { n: n as number, atMs: atMs as number, code: code as string, text: text as string, json: json as string };
}

export function presentIn(state: JsonObject): string[] {
  return Object.keys(groupOf(state, wakeKey, 'here') ?? {});
}

export function keyOfPrincipal({ agent, authority }: Principal): string {
  return JSON.stringify([agent, authority]);
}

export function principalOfKey(key: string): Principal {
  const [agent, authority] = JSON.parse(key) as [string, string];
  return { agent, authority };
}
