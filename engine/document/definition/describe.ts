// What of a definition can be said as plain data: what it stores, what it shows, what it takes. Code cannot be compared; this can, also with what
// ran before a host was started.
import type { Json, JsonObject } from '../../base/merge-patch.ts';
import { isJsonObject } from '../../base/merge-patch.ts';
import type { Gate, ViewPlan } from '../view/plan.ts';
import type { Channel, Definition, Plan, TimerPlan } from './definition.ts';
import type { EntryField, Field, Shape } from './fields.ts';
import { oldestOf } from './steps.ts';

/** What viewers get of a field or of what is made of the document. */
export type Seen = {
  /** As `list of int`. */
  readonly kind: string;
  /** As `open` or `all(a, b)`. */
  readonly who: string;
  /** The policies without which it does not exist, as `a, b`; or ''. */
  readonly requires: string;
  readonly fields: { readonly [name: string]: Seen };
};

/** What documents of one version hold. */
export type Holding = {
  readonly fields: Shape;
  /** By path: what they may still hold, though no field of that name is there any more. */
  readonly gone: { readonly [path: string]: Field };
};

export type Description = Holding & {
  readonly version: number;
  /** The oldest version of which documents can be brought to this one. */
  readonly oldest: number;
  /** What documents of other versions hold that may be there: those that ran here. */
  readonly others: { readonly [version: number]: Holding };
  /** There is no such space now; its documents are still there. */
  readonly isGone: boolean;
  readonly seen: { readonly [name: string]: Seen };
  /** By name: the JSON schema of what each takes; null where its schema tells of none. Clients create, delete, show and say what they look at by `@create`, `@delete`, `@ephemeral NAME` and `@viewer state`, where they may. */
  readonly channels: { readonly [name: string]: Json };
  /** Channels whose messages can be undone. */
  readonly undoable: readonly string[];
  readonly mayInvent: boolean;
  /** By name: the JSON schema of what each is set with; null where its schema tells of none. */
  readonly timers: { readonly [name: string]: Json };
  readonly effects: readonly string[];
};

/** By space. */
export type Described = { readonly [space: string]: Description };

export function describe({ plan }: Definition): Description {
  const channels: [string, Json][] = [...plan.channels].map(([name, channel]) => [name, schemaOf(channel)]);
  for (const { name, schema } of plan.ephemerals) channels.push([`@ephemeral ${name}`, schemaOf({ schema })]);
  if (plan.events.create !== undefined) channels.push(['@create', schemaOf(plan.events.create)]);
  if (plan.events.delete !== undefined) channels.push(['@delete', true]);
  if (plan.look !== undefined) channels.push(['@viewer state', schemaOf(plan.look)]);
  return {
    version: plan.version,
    oldest: oldestOf(plan),
    // Through JSON: what has no place in it stands for itself nowhere.
    fields: JSON.parse(JSON.stringify(plan.record.shape)) as Shape,
    gone: {},
    others: {},
    isGone: false,
    seen: { ...seenIn(plan.view, plan.record.shape, plan), ...shownIn(plan) },
    channels: Object.fromEntries(channels),
    undoable: [...plan.channels].filter(([, { isUndoable }]) => isUndoable).map(([name]) => name),
    mayInvent: plan.invent !== undefined,
    timers: Object.fromEntries([...plan.events.timers].map(([name, timer]) => [name, schemaOf(timer)] as const)),
    effects: [...plan.events.effects.keys()],
  };
}

export function describeApp(app: { readonly spaces: { readonly [space: string]: Definition } }): Described {
  return Object.fromEntries(Object.entries(app.spaces).map(([space, definition]) => [space, describe(definition)]));
}

/** The kind of a field with what it is of. */
export function kindOf(field: Field | EntryField): string {
  return field.kind === 'list' || field.kind === 'map' || field.kind === 'maybe'
    ? `${field.kind} of ${kindOf(field.of)}`
    : field.kind;
}

function seenIn(view: ViewPlan, shape: Shape, plan: Plan): { readonly [name: string]: Seen } {
  return Object.fromEntries(
    view.visible.map(({ name, kind, gate, inner }) => {
      const field = kind === 'formula' || kind === 'bubble' ? undefined : shape[name];
      const requires = (inner?.requires ?? []).map((number) => nameOf(plan, number)).join(', ');
      const fields = inner === undefined ? {} : seenIn(inner, shapeInside(field), plan);
      return [name, { kind: field === undefined ? kind : kindOf(field), who: whoOf(gate, plan), requires, fields }];
    }),
  );
}

function shownIn(plan: Plan): { readonly [name: string]: Seen } {
  const entries = plan.ephemerals.map(({ name, policies }): [string, Seen] => {
    const gate: Gate = policies.length === 0 ? { kind: 'open' } : { kind: 'all', policies };
    return [`ephemeral ${name}`, { kind: 'ephemeral', who: whoOf(gate, plan), requires: '', fields: {} }];
  });
  return Object.fromEntries(entries);
}

function whoOf(gate: Gate, plan: Plan): string {
  if (gate.kind === 'open') return 'open';
  if (gate.kind === 'viewerIs') return `viewerIs(${gate.field})`;
  return `all(${gate.policies.map((number) => nameOf(plan, number)).join(', ')})`;
}

function nameOf({ policies }: Plan, number: number): string {
  return policies[number]?.name ?? '';
}

function shapeInside(field: Field | undefined): Shape {
  if (field?.kind === 'record' || field?.kind === 'table') return field.shape;
  return field?.kind === 'map' && field.of.kind === 'record' ? field.of.shape : {};
}

/** Some schemas say what they take (standardschema.dev/json-schema): zod does. */
function schemaOf({ schema }: Pick<Channel, 'schema'> | TimerPlan): Json {
  const standard = (schema?.['~standard'] ?? {}) as { readonly jsonSchema?: { input(options: object): unknown } };
  try {
    const made = standard.jsonSchema?.input({ target: 'draft-2020-12' });
    if (!isJsonObject(made)) return null;
    const { $schema: _, ...rest } = made;
    return JSON.parse(JSON.stringify(rest)) as JsonObject;
  } catch {
    return null;
  }
}
