// Compiles what a definition says of events, timers, schedules and effects. What the types cannot check is checked here, when the application loads.
import { everyMsMin, timerMsMax } from '../../base/limits-life.ts';
import type { EffectPlan, EventHandler, EventsPlan, InventPolicy, StandardSchema } from './definition.ts';
import { invalid } from './fields.ts';

const handlers = ['construct', 'delete', 'load', 'connected', 'disconnected'] as const;
const namePattern = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/;

type Planned = Pick<EventsPlan, (typeof handlers)[number] | 'isPresenceKept' | 'isTimed'> & {
  readonly invent: InventPolicy | undefined;
};

/** Of a function whose input is narrower: the room calls it with the draft of its very shape, and what its event has. */
export function handlerOf(path: string, handler: unknown): EventHandler {
  if (typeof handler !== 'function') throw invalid(path, 'it is not a function');
  return handler as EventHandler;
}

export function planEvents(
  { isTimed }: EventsPlan,
  events: { readonly invent?: InventPolicy } & { readonly [name: string]: unknown },
): Planned {
  for (const [name, value] of Object.entries(events)) {
    if (name !== 'invent' && !(handlers as readonly string[]).includes(name)) {
      throw invalid(`events.${name}`, 'there is no such event');
    }
    if (value !== undefined) handlerOf(`events.${name}`, value);
  }
  const { invent, construct, load, connected, disconnected, ...others } = events as {
    readonly invent?: InventPolicy;
  } & { readonly [name in (typeof handlers)[number]]?: EventHandler };
  const isPresenceKept = connected !== undefined || disconnected !== undefined;
  return {
    invent,
    construct,
    delete: others.delete,
    load,
    connected,
    disconnected,
    isPresenceKept,
    isTimed: isTimed || load !== undefined,
  };
}

export function withTimer(events: EventsPlan, name: string, schema: StandardSchema, handler: unknown): EventsPlan {
  const path = `timer ${JSON.stringify(name)}`;
  checkName(path, name, events.timers);
  if (typeof schema?.['~standard']?.validate !== 'function') throw invalid(path, 'its schema is no Standard Schema');
  const timer = { schema, handler: handlerOf(path, handler) };
  return { ...events, timers: new Map([...events.timers, [name, timer]]) };
}

export function withCreate(events: EventsPlan, schema: StandardSchema, handler: unknown): EventsPlan {
  if (typeof schema?.['~standard']?.validate !== 'function')
    throw invalid('create', 'its schema is no Standard Schema');
  return { ...events, create: { schema, handler: handlerOf('create', handler) } };
}

export function withSchedule(
  events: EventsPlan,
  name: string,
  everyMs: number,
  handler: unknown,
  isAlways: boolean,
): EventsPlan {
  const path = `every ${JSON.stringify(name)}`;
  checkName(path, name, new Map(events.schedules.map((one) => [one.name, one])));
  if (!Number.isSafeInteger(everyMs) || everyMs < everyMsMin || everyMs > timerMsMax) {
    throw invalid(path, `it runs every ${everyMsMin} to ${timerMsMax} whole milliseconds`);
  }
  const schedules = [...events.schedules, { name, everyMs, isAlways, handler: handlerOf(path, handler) }];
  return { ...events, schedules, isTimed: true };
}

export function withEffect(events: EventsPlan, name: string, run: unknown, then: unknown): EventsPlan {
  const path = `effect ${JSON.stringify(name)}`;
  checkName(path, name, events.effects);
  const effect: EffectPlan = {
    run: handlerOf(path, run) as unknown as EffectPlan['run'],
    told: then === undefined ? undefined : handlerOf(`${path}, then`, then),
  };
  return { ...events, effects: new Map([...events.effects, [name, effect]]) };
}

function checkName(path: string, name: string, known: ReadonlyMap<string, unknown>): void {
  if (!namePattern.test(name)) throw invalid(path, 'a name is [A-Za-z][A-Za-z0-9_-]*');
  if (known.has(name)) throw invalid(path, 'it is there already');
}
