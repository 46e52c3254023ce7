/**
 * What an application imports as `levelten`: the words of a definition. Each step's names are a type that the next step checks, and what a type cannot
 * check is checked when the application is loaded: APP_INVALID with the path of the mistake.
 *
 * @module levelten
 */
import type { Principal } from '../base/ids.ts';
import { samePrincipal } from '../base/ids.ts';
import { definitionBrand } from './app.ts';
import type {
  AnswerValue,
  BubblePlan,
  Channel,
  Context,
  Definition,
  EffectResult,
  EventsPlan,
  FormulaPlan,
  InventPolicy,
  Plan,
  PolicyPlan,
  QuotaLimits,
  Receipt,
  StandardSchema,
} from './definition/definition.ts';
import { noEvents } from './definition/definition.ts';
import type { Draft } from './definition/drafts.ts';
import { handlerOf, planEvents, withCreate, withEffect, withSchedule, withTimer } from './definition/events.ts';
import type { Shape } from './definition/fields.ts';
import { checkFieldName, checkShape, invalid } from './definition/fields.ts';
import { planQuota } from './definition/quota.ts';
import type { Reading, RowOf } from './definition/reading.ts';
import type { Said, With } from './definition/said.ts';
import type { Steps } from './definition/steps.ts';
import { firstVersion, planVersion } from './definition/steps.ts';
import { planRecord } from './draft/draft.ts';
import type { EphemeralOptions, Shows } from './view/ephemeral-plan.ts';
import { channelPattern, planEphemeral } from './view/ephemeral-plan.ts';
import { planLook } from './view/look.ts';
import type { Words } from './view/plan.ts';
import { planView } from './view/plan.ts';
import type { DocumentPrivacy, Requires } from './view/privacy.ts';

export type { App } from './app.ts';
export { app, isApp } from './app.ts';
export { t } from './definition/fields.ts';
export type * from './definition/names.ts';
export type { ChannelOf, ChannelTypes, Said, View, ViewerStateOf, ViewerTypes } from './definition/said.ts';
export { all, open, requires, viewerIs } from './view/privacy.ts';

/** Whether both are the same agent of the same authority. Nobody is the same as nobody else: false where one is absent. */
export function same(one: Principal | null | undefined, other: Principal | null | undefined): boolean {
  return one !== null && one !== undefined && other !== null && other !== undefined && samePrincipal(one, other);
}

type SchemaInput<S> = S extends StandardSchema<infer Input, infer _Output> ? Input : never;
type SchemaOutput<S> = S extends StandardSchema<infer _Input, infer Output> ? Output : never;
/** A page of privacy is checked by its type parameter, which would let unknown names through. */
type OnlyFields<Known, P> = P extends Requires ? unknown : { readonly [K in Exclude<keyof P, Known>]: never };

/** What else is said of a channel. */
export type ChannelOptions = {
  /**
   * Whether who sent a message may take it back by its seq (`doc.undo(seq)`), as long as nobody has changed anything that it wrote. The handler is not
   * asked: where the rules of a game forbid that, leave it out.
   */
  readonly undo?: boolean;
};

type OnEvent<T extends Said, More = unknown> = { readonly doc: Draft<T['shape']>; readonly ctx: Context } & More;

/** One space's kind of document. Every step returns a new definition; the one before it stays as it was. */
export class DocumentDefinition<T extends Said> implements Definition {
  /** @internal */
  readonly [definitionBrand] = true;
  /** For the compiler only: there is no such property. */
  declare readonly types: T;
  /** @internal */
  readonly plan: Plan;
  readonly #shape: Shape;
  readonly #steps: ReadonlySet<string>;

  /** @internal Use `document`. */
  constructor(shape: Shape, plan: Plan, steps: ReadonlySet<string>) {
    this.#shape = shape;
    this.plan = plan;
    this.#steps = steps;
  }

  /**
   * Who passes: each is asked with the document, who views it, and the entry that what it guards stands in. Only `true` lets anybody see
   * anything; one that throws hides. It is asked again when a field that it read has changed, so it may depend on nothing else.
   */
  policies<const Names extends string>(
    policies: {
      readonly [K in Names]: (input: {
        readonly doc: Reading<T['shape']>;
        readonly who: Principal;
        readonly row: RowOf<T['shape']>;
      }) => boolean;
    },
  ): DocumentDefinition<With<T, { readonly policies: Names }>> {
    const plans = Object.entries(policies).map(([name, run]): PolicyPlan => {
      checkFieldName(name, `policies.${name}`);
      if (typeof run !== 'function') throw invalid(`policies.${name}`, 'it is not a function');
      // As with handlers: the room calls it with the document of this very shape.
      return { name, run: run as PolicyPlan['run'] };
    });
    this.#isBefore('policies', 'privacy');
    return this.#next('policies', { policies: plans });
  }

  /**
   * Values made of the document, which viewers see like fields, where privacy says so. JSON; null, undefined and a throw are none. Made again when a field
   * that it read has changed, so it may depend on nothing else.
   */
  formulas<
    const F extends {
      /** A formula. */ readonly [name: string]: (input: { readonly doc: Reading<T['shape']> }) => AnswerValue;
    },
  >(formulas: F): DocumentDefinition<With<T, { readonly formulas: { readonly [K in keyof F]: ReturnType<F[K]> } }>> {
    const plans = Object.entries(formulas).map(([name, run]): FormulaPlan => {
      checkFieldName(name, `formulas.${name}`);
      if (typeof run !== 'function') throw invalid(`formulas.${name}`, 'it is not a function');
      if (Object.hasOwn(this.#shape, name)) throw invalid(`formulas.${name}`, 'a field has this name');
      if (this.plan.bubbles.some((bubble) => bubble.name === name)) {
        throw invalid(`formulas.${name}`, 'a bubble has this name');
      }
      return { name, run: run as FormulaPlan['run'] };
    });
    this.#isBefore('formulas', 'privacy');
    return this.#next('formulas', { formulas: plans });
  }

  /**
   * What each view looks at, as `schema` takes it: a page, a filter, a search text. Its client says so (`doc.look`), and bubbles get it as `viewer`; one that has said nothing looks
   * at `initial`. It is of one view, stored nowhere, and gone with it. It comes before bubbles.
   */
  viewerState<const M extends StandardSchema>(
    schema: M,
    initial: SchemaInput<M>,
  ): DocumentDefinition<
    With<T, { readonly viewer: { readonly said: SchemaInput<M>; readonly state: SchemaOutput<M> } }>
  > {
    this.#isBefore('viewerState', 'bubbles');
    return this.#next('viewerState', { look: planLook(schema, initial) });
  }

  /**
   * What each viewer is shown for himself. A record, an entry, a row, or several (an array, a table, a query), each as its own privacy lets him see it;
   * or JSON, as a formula. Made again when a field that it read has changed, for each viewer: dearer than anything else that is shown.
   */
  bubbles<
    const B extends {
      /** A bubble. */
      readonly [name: string]: (input: {
        readonly doc: Reading<T['shape']>;
        readonly who: Principal;
        readonly viewer: T['viewer']['state'];
      }) => unknown;
    },
  >(bubbles: B): DocumentDefinition<With<T, { readonly bubbles: { readonly [K in keyof B]: ReturnType<B[K]> } }>> {
    const plans = Object.entries(bubbles).map(([name, run]): BubblePlan => {
      checkFieldName(name, `bubbles.${name}`);
      if (typeof run !== 'function') throw invalid(`bubbles.${name}`, 'it is not a function');
      if (Object.hasOwn(this.#shape, name)) throw invalid(`bubbles.${name}`, 'a field has this name');
      if (this.plan.formulas.some((formula) => formula.name === name)) {
        throw invalid(`bubbles.${name}`, 'a formula has this name');
      }
      return { name, run: run as BubblePlan['run'] };
    });
    this.#isBefore('bubbles', 'privacy');
    return this.#next('bubbles', { bubbles: plans });
  }

  /** Who may see what, on one page. What is not listed is private. */
  privacy<const Page extends DocumentPrivacy<T['shape'], T['policies'], T['formulas'] & T['bubbles']>>(
    page: Page & OnlyFields<keyof T['shape'] | keyof T['formulas'] | keyof T['bubbles'], Page>,
  ): DocumentDefinition<With<T, { readonly privacy: Page }>> {
    return this.#next('privacy', { view: planView(this.#shape, page, wordsOf(this.plan)) });
  }

  /**
   * Which version of this definition it is: 1 where nothing is said. `steps` bring what is stored of a document to it, one step for each version
   * from the oldest that is still known: `version(3, { 2: ..., 3: ... })`.
   */
  version(version: number, steps: Steps): DocumentDefinition<T> {
    return this.#next('version', planVersion(version, steps));
  }

  /**
   * What happens to a document beside messages. `invent` says who may begin one by opening it: only `true` is yes, and without it one that does not exist is DOCUMENT_UNKNOWN.
   * `construct` fills it then. `delete` says who may end it: only `true` is yes, and nothing that it does to the document stays. `connected` runs when a principal opens his first view, and lets nobody in by `false`; `disconnected` when his last one has
   * been closed for two seconds. `load` runs when a host takes the document into memory. One that throws changes nothing; in `construct` and `connected` it also refuses the open.
   */
  events(events: {
    readonly invent?: InventPolicy;
    readonly construct?: (input: OnEvent<T, { readonly who: Principal; readonly key: string }>) => void;
    readonly delete?: (input: OnEvent<T, { readonly who: Principal }>) => boolean;
    readonly load?: (input: OnEvent<T>) => void;
    // biome-ignore lint/suspicious/noConfusingVoidType: one without a return statement lets in.
    readonly connected?: (input: OnEvent<T, { readonly who: Principal }>) => boolean | void;
    readonly disconnected?: (input: OnEvent<T, { readonly who: Principal }>) => void;
  }): DocumentDefinition<T> {
    const { invent, ...handlers } = planEvents(this.plan.events, events);
    return this.#next('events', { invent, events: { ...this.plan.events, ...handlers } });
  }

  /**
   * Begins a document by what `schema` takes: `client.open(name, { create: arg })`. It runs behind `construct`, and refuses by `false` or `ctx.abort`. A document that is there already is
   * opened, and `arg` is not looked at.
   */
  create<M extends StandardSchema>(
    schema: M,
    handler: (
      input: OnEvent<T, { readonly who: Principal; readonly key: string; readonly arg: SchemaOutput<M> }>,
      // biome-ignore lint/suspicious/noConfusingVoidType: one without a return statement says yes.
    ) => boolean | void,
  ): DocumentDefinition<T> {
    return this.#next('create', { events: withCreate(this.plan.events, schema, handler) });
  }

  /** A timer that handlers set by `ctx.schedule(name, inMs, arg)`: it runs once, also where hosts fail or the document has left memory. `schema` takes `arg`. */
  timer<M extends StandardSchema>(
    name: string,
    schema: M,
    handler: (input: OnEvent<T, { readonly arg: SchemaOutput<M> }>) => void,
  ): DocumentDefinition<T> {
    return this.#with(withTimer(this.plan.events, name, schema, handler));
  }

  /**
   * Runs every `everyMs` milliseconds (100 at least) while somebody is connected; with `always`, whether anybody is or not. A round that changes nothing writes nothing;
   * rounds that were missed are not made up for.
   */
  every(
    name: string,
    everyMs: number,
    handler: (input: OnEvent<T>) => void,
    options: { readonly always?: boolean } = {},
  ): DocumentDefinition<T> {
    return this.#with(withSchedule(this.plan.events, name, everyMs, handler, options.always === true));
  }

  /**
   * Something that is done in the world, asked for by `ctx.effect(name, arg)`: `run` is called when that is committed, at least once, and may wait. One that throws is tried again,
   * five times in all. `then` is told what became of it, once.
   */
  effect<const Value extends AnswerValue, Arg = unknown>(
    name: string,
    run: (input: { readonly arg: Arg; readonly id: string; readonly document: string }) => Value | Promise<Value>,
    then?: (input: OnEvent<T, { readonly arg: Arg; readonly result: EffectResult<Value> }>) => void,
  ): DocumentDefinition<T> {
    return this.#with(withEffect(this.plan.events, name, run, then));
  }

  /** Is told, once each, what other documents answered to what `ctx.send` sent them. */
  delivered(handler: (input: OnEvent<T, { readonly receipt: Receipt }>) => void): DocumentDefinition<T> {
    return this.#with({ ...this.plan.events, delivered: handlerOf('delivered', handler) });
  }

  /** `updatesPerSecond`: more are DOCUMENT_BUSY; as many may come at once. 10,000 unless said. */
  limits({ updatesPerSecond }: { readonly updatesPerSecond?: number }): DocumentDefinition<T> {
    if (updatesPerSecond !== undefined && !(updatesPerSecond >= 1 && updatesPerSecond <= 1_000_000)) {
      throw invalid('limits.updatesPerSecond', 'it is a number from 1 to 1,000,000');
    }
    return this.#next('limits', { updatesPerSecond });
  }

  /**
   * What all documents of the space may be together, and those that one principal began: see QuotaLimits. Opening one more is refused as QUOTA_EXCEEDED, and so is what makes one longer.
   */
  quota(quota: { readonly space?: QuotaLimits; readonly principal?: QuotaLimits }): DocumentDefinition<T> {
    return this.#next('quota', { quota: planQuota(quota) });
  }

  /**
   * A channel takes messages that `schema` accepts. Its handler mutates `doc`; what it returns is the answer, and must
   * be JSON (undefined is null). It is synchronous. One that throws changes nothing, and its sender gets
   * HANDLER_FAILED.
   */
  channel<const Name extends string, M extends StandardSchema, const R extends AnswerValue>(
    name: Name,
    schema: M,
    handler: (input: { doc: Draft<T['shape']>; message: SchemaOutput<M>; who: Principal; ctx: Context }) => R,
    options: ChannelOptions = {},
  ): DocumentDefinition<
    With<T, { readonly channels: T['channels'] & { readonly [K in Name]: { message: SchemaInput<M>; answer: R } } }>
  > {
    const path = `channel ${JSON.stringify(name)}`;
    if (!channelPattern.test(name)) throw invalid(path, 'a channel is named [A-Za-z][A-Za-z0-9_-]*');
    if (typeof handler !== 'function') throw invalid(path, 'its handler is not a function');
    if (typeof schema?.['~standard']?.validate !== 'function') throw invalid(path, 'its schema is no Standard Schema');
    const isTaken = this.plan.channels.has(name) || this.plan.ephemerals.some((one) => one.name === name);
    if (isTaken) throw invalid(path, 'it is there already');
    // The handler's own types end here: the room calls it with the draft of this very shape and the output of this
    // schema.
    const isUndoable = options.undo === true;
    const channel: Channel = { schema, handler: handler as unknown as Channel['handler'], isUndoable };
    const channels = new Map([...this.plan.channels, [name, channel] as const]);
    return new DocumentDefinition(this.#shape, { ...this.plan, channels }, this.#steps);
  }

  /**
   * A channel of values that are shown and never stored: cursors, who types. Of each principal the newest is shown, for as long as he views the
   * document, to everyone who passes `see`, and while `check` says `true` of it; that is asked again when a field that it read has changed.
   */
  ephemeral<const Name extends string, M extends StandardSchema>(
    name: Name,
    schema: M,
    options: EphemeralOptions<T['shape'], T['policies'], SchemaOutput<M>>,
  ): DocumentDefinition<
    With<T, { readonly ephemerals: T['ephemerals'] & Shows<Name, SchemaInput<M>, SchemaOutput<M>> }>
  > {
    const ephemerals = [...this.plan.ephemerals, planEphemeral(this.plan, name, schema, options)];
    return new DocumentDefinition(this.#shape, { ...this.plan, ephemerals }, this.#steps);
  }

  /** A page of privacy may name what was said before it, and nothing else. */
  #isBefore(step: string, later: string): void {
    if (this.#steps.has(later)) throw invalid(step, `it comes before ${later}`);
  }

  #with(events: EventsPlan): DocumentDefinition<T> {
    return new DocumentDefinition(this.#shape, { ...this.plan, events }, this.#steps);
  }

  #next<U extends Said>(step: string, part: Partial<Plan>): DocumentDefinition<U> {
    if (this.#steps.has(step)) throw invalid(step, 'it is given twice');
    return new DocumentDefinition(this.#shape, { ...this.plan, ...part }, new Set([...this.#steps, step]));
  }
}

/**
 * Begins a definition with the fields of its documents. Everything is private, and nobody may do anything, until said.
 */
export function document<const S extends Shape>(
  shape: S,
): DocumentDefinition<{
  readonly shape: S;
  readonly privacy: Record<never, never>;
  readonly channels: Record<never, never>;
  readonly ephemerals: Record<never, never>;
  readonly policies: never;
  readonly formulas: Record<never, never>;
  readonly bubbles: Record<never, never>;
  readonly viewer: { readonly said: never; readonly state: undefined };
}> {
  checkShape(shape, '');
  const plan: Plan = {
    ...firstVersion,
    record: planRecord(shape),
    view: planView(shape, {}, { policies: [], formulas: [], bubbles: [] }),
    policies: [],
    formulas: [],
    bubbles: [],
    look: undefined,
    invent: undefined,
    channels: new Map(),
    ephemerals: [],
    events: noEvents,
    updatesPerSecond: undefined,
    quota: undefined,
  };
  return new DocumentDefinition(shape, plan, new Set());
}

function wordsOf({ policies, formulas, bubbles }: Plan): Words {
  const names = (plans: readonly { readonly name: string }[]): string[] => plans.map(({ name }) => name);
  return { policies: names(policies), formulas: names(formulas), bubbles: names(bubbles) };
}
