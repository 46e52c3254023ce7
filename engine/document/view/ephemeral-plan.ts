// An ephemeral channel of a definition, checked: who may see what is shown in it is said as on a page of privacy, and must be said.
import type { Principal } from '../../base/ids.ts';
import { ephemeralsMax } from '../../base/limits-shown.ts';
import type { CheckInput, EphemeralPlan, Plan, StandardSchema } from '../definition/definition.ts';
import type { Shape } from '../definition/fields.ts';
import { invalid } from '../definition/fields.ts';
import type { Reading } from '../definition/reading.ts';
import { numbersOf } from './plan.ts';
import type { All, Open } from './privacy.ts';
import { kindOfRule, ruleOf } from './privacy.ts';

/** Ephemeral channels by name: what a client shows, and what viewers are shown. */
export type Ephemerals = { readonly [name: string]: { readonly message: unknown; readonly value: unknown } };
export type Shows<Name extends string, Message, Value> = {
  readonly [K in Name]: { readonly message: Message; readonly value: Value };
};

/** What ephemeral channels take and show, by name: `EphemeralsOf<typeof board>`. */
export type EphemeralsOf<D extends { readonly types: { readonly ephemerals: Ephemerals } }> = D['types']['ephemerals'];

/** Who sees what is shown, and of what it may be shown at all. */
export type EphemeralOptions<S extends Shape, Policies extends string, Value> = {
  /** `open`, or `all(...)`: policies of whoever looks. */
  readonly see: Open | All<Policies>;
  /** What is shown stands while this says `true` of it; it is asked again when a field that it read has changed. */
  readonly check?: (input: { readonly doc: Reading<S>; readonly message: Value; readonly who: Principal }) => boolean;
};

export const channelPattern = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/;

/** APP_INVALID for what is no such channel. Policies are those that were said before it. */
export function planEphemeral(
  plan: Plan,
  name: string,
  schema: StandardSchema,
  options: { readonly see?: unknown; readonly check?: unknown },
): EphemeralPlan {
  const path = `ephemeral ${JSON.stringify(name)}`;
  if (!channelPattern.test(name)) throw invalid(path, 'a channel is named [A-Za-z][A-Za-z0-9_-]*');
  if (typeof schema?.['~standard']?.validate !== 'function') throw invalid(path, 'its schema is no Standard Schema');
  if (plan.channels.has(name) || plan.ephemerals.some((one) => one.name === name)) {
    throw invalid(path, 'a channel of this name is there already');
  }
  if (plan.ephemerals.length >= ephemeralsMax) throw invalid(path, `there are at most ${ephemeralsMax} of them`);
  const { see, check } = options ?? {};
  if (check !== undefined && typeof check !== 'function') throw invalid(path, 'its check is not a function');
  const rule = ruleOf(see);
  // What nobody sees is a mistake, and not a secret: nothing of it is kept.
  const isGate = rule !== undefined && (kindOfRule(rule) === 'open' || ('policies' in rule && !('page' in rule)));
  if (!isGate) throw invalid(path, 'who sees it is said: { see: open } or { see: all(...) }');
  const policies = 'policies' in rule ? numbersOf(rule.policies, { policies: namesOf(plan) }, path) : [];
  return { name, schema, policies, check: check as ((input: CheckInput) => unknown) | undefined };
}

function namesOf({ policies }: Plan): string[] {
  return policies.map(({ name }) => name);
}
