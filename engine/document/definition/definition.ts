// A compiled definition: what the rest of the room needs to know of an application. define.ts makes it, step by step.
import type { Principal } from '../../base/ids.ts';
import type { Json } from '../../base/merge-patch.ts';
import type { RecordPlan } from '../draft/draft.ts';
import type { ViewPlan } from '../view/plan.ts';
import type { VersionPlan } from './steps.ts';

/** What validates messages: zod, valibot, arktype, ... (standardschema.dev). It must answer at once. */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    /** What it makes of a message, or the issues it finds: MESSAGE_INVALID for the sender. A promise is refused: handlers are synchronous. */
    readonly validate: (value: unknown) => Validation<Output> | Promise<Validation<Output>>;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}
/** What a schema says of a message. */
export type Validation<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly Issue[] };
/** What is wrong with a message, and where. */
export type Issue = {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
};

/**
 * What a handler may use of the world. All of it is recorded: the same update gives the same document on every host.
 */
export interface Context {
  /** The time of this message, in ms since 1970. The same throughout one handler. */
  readonly now: number;
  /** The seq that this message's update takes. */
  readonly seq: number;
  /** A fresh random id: 32 hex digits. */
  id(): string;
  /** A random number from 0 to below 1. */
  random(): number;
  /**
   * Sets a timer of this definition: its handler runs once, `inMs` milliseconds from now or a little later, wherever the document is by then.
   * Returns its id, 16 hex digits. `arg` is JSON. It is set when the message is committed, as everything that a handler does.
   */
  schedule(name: string, inMs: number, arg?: AnswerValue): string;
  /** Takes a timer back; false where it is not set any more. */
  cancel(id: string): boolean;
  /**
   * Has an effect of this definition run, when this message is committed: at least once, with an id that is always the same. Returns its number in
   * this document.
   */
  effect(name: string, arg?: AnswerValue): number;
  /**
   * Sends a message to another document, `space/key`, when this one is committed: it is handled there exactly once, in the order in which it was sent, in the name of this
   * document (`{ agent: 'space/key', authority: '@document' }`). Returns its number in this document.
   */
  send(to: string, channel: string, message: AnswerValue): number;
  /**
   * Refuses the message: the document is rolled back and the sender gets `code` and `text`. A code is
   * `[A-Z][A-Z0-9_]{0,63}` and not one of the platform's own. It holds even where the handler catches what this throws.
   */
  abort(code: string, text?: string): never;
}

/** What an answer may be: JSON, where undefined is null. */
export type AnswerValue =
  | undefined
  // biome-ignore lint/suspicious/noConfusingVoidType: a handler without a return statement answers null.
  | void
  | null
  | boolean
  | number
  | string
  | readonly AnswerValue[]
  | { readonly [key: string]: AnswerValue };

export type HandlerInput = {
  readonly doc: object;
  readonly message: unknown;
  readonly who: Principal;
  readonly ctx: Context;
};
export type Channel = {
  readonly schema: StandardSchema;
  readonly handler: (input: HandlerInput) => unknown;
  /** Whether who sent such a message may undo it. */
  readonly isUndoable: boolean;
};

/** Whether `who` may make a document begin. Only `true` means yes; a policy that throws says no. */
export type InventPolicy = (input: { readonly who: Principal; readonly key: string }) => boolean;

export type PolicyInput = { readonly doc: object; readonly who: Principal; readonly row: object | undefined };
/** Only `true` lets anybody see anything; a policy that throws hides. */
export type PolicyPlan = { readonly name: string; readonly run: (input: PolicyInput) => unknown };
/** A value made of the document, JSON; undefined, null and a throw: there is none. */
export type FormulaPlan = { readonly name: string; readonly run: (input: { readonly doc: object }) => unknown };

/** As a formula, for each viewer: rows that it returns are shown as their own privacy says. */
export type BubblePlan = {
  readonly name: string;
  readonly run: (input: BubbleInput) => unknown;
};
/** `viewer`: what the view looks at. */
export type BubbleInput = { readonly doc: object; readonly who: Principal; readonly viewer: Json | undefined };

/** What a view looks at: frozen, and as JSON with its keys in order, so that equal states are equal texts. '' where a definition takes none. */
export type Look = { readonly json: string; readonly state: Json | undefined };
/** What views may look at; `initial`: those that have said nothing. */
export type LookPlan = { readonly schema: StandardSchema; readonly initial: Look };

export type CheckInput = { readonly doc: object; readonly message: unknown; readonly who: Principal };
/** A channel whose values are shown and never stored: to whoever passes all of `policies`, while `check` says `true`. */
export type EphemeralPlan = {
  readonly name: string;
  readonly schema: StandardSchema;
  /** By number; none: everyone sees it. */
  readonly policies: readonly number[];
  readonly check: ((input: CheckInput) => unknown) | undefined;
};

/** `row`, `arg` and so on: each event has its own. */
export type EventInput = {
  readonly doc: object;
  readonly ctx: Context;
  readonly who?: Principal;
  readonly key?: string;
  readonly arg?: unknown;
  readonly result?: EffectResult;
  readonly receipt?: Receipt;
};
export type EventHandler = (input: EventInput) => unknown;

/** What an effect gave: `value` is JSON. `error` is what it threw last, as text, after its last try. */
export type EffectResult<Value = AnswerValue> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly error: string };

/** What another document answered to a message: its handler's answer, or what it was refused with. */
export type Receipt = {
  /** As `ctx.send` returned it. */
  readonly n: number;
  /** The document that it went to. */
  readonly to: string;
  readonly channel: string;
} & (
  | { readonly ok: true; readonly answer: AnswerValue }
  | { readonly ok: false; readonly code: string; readonly text: string }
);

/** Something that is done in the world. `id` is the same at each try, and no other effect's. */
export type EffectRun = (input: {
  readonly arg: unknown;
  readonly id: string;
  readonly document: string;
}) => AnswerValue | Promise<AnswerValue>;

export type TimerPlan = { readonly schema: StandardSchema | undefined; readonly handler: EventHandler };
export type SchedulePlan = {
  readonly name: string;
  readonly everyMs: number;
  /** Whether it runs while nobody is connected. */
  readonly isAlways: boolean;
  readonly handler: EventHandler;
};
export type EffectPlan = { readonly run: EffectRun; readonly told: EventHandler | undefined };

export type EventsPlan = {
  readonly construct: EventHandler | undefined;
  /** How somebody begins a document by saying what it is to be. */
  readonly create: TimerPlan | undefined;
  /** Who may end a document. */
  readonly delete: EventHandler | undefined;
  readonly load: EventHandler | undefined;
  readonly connected: EventHandler | undefined;
  readonly disconnected: EventHandler | undefined;
  readonly delivered: EventHandler | undefined;
  readonly timers: ReadonlyMap<string, TimerPlan>;
  readonly schedules: readonly SchedulePlan[];
  readonly effects: ReadonlyMap<string, EffectPlan>;
  /** Of those who come and go somebody wants to hear. */
  readonly isPresenceKept: boolean;
  /** Time does something to these documents though nothing of it stands in their state. */
  readonly isTimed: boolean;
};

export const noEvents: EventsPlan = {
  construct: undefined,
  create: undefined,
  delete: undefined,
  load: undefined,
  connected: undefined,
  disconnected: undefined,
  delivered: undefined,
  timers: new Map(),
  schedules: [],
  effects: new Map(),
  isPresenceKept: false,
  isTimed: false,
};

/** What is not given is not bounded. Others may be begun again when some were deleted, or have become shorter. */
export type QuotaLimits = {
  /** How many there are at once. */
  readonly documents?: number;
  /** What they hold together, in JSON characters: each counts 1,024 at least, and up to a quarter more than it holds. */
  readonly bytes?: number;
  /** How many are begun in a minute; as many may come at once. */
  readonly createsPerMinute?: number;
};
export type QuotaPlan = { readonly space: QuotaLimits; readonly principal: QuotaLimits };

export type Plan = VersionPlan & {
  readonly record: RecordPlan;
  readonly view: ViewPlan;
  /** By number, as the view plan names them. */
  readonly policies: readonly PolicyPlan[];
  readonly formulas: readonly FormulaPlan[];
  readonly bubbles: readonly BubblePlan[];
  /** Undefined: views look at nothing in particular. */
  readonly look: LookPlan | undefined;
  /** Undefined: nobody may, documents of this space do not begin by being opened. */
  readonly invent: InventPolicy | undefined;
  readonly channels: ReadonlyMap<string, Channel>;
  /** By number. */
  readonly ephemerals: readonly EphemeralPlan[];
  readonly events: EventsPlan;
  /** Undefined: as any document. */
  readonly updatesPerSecond: number | undefined;
  readonly quota: QuotaPlan | undefined;
};

/** One space's kind of document, as `document(...)` and its steps make it. */
export type Definition = {
  /** @internal */
  readonly plan: Plan;
};
