// A compiled definition: what the rest of the room needs to know of an application. define.ts makes it, step by step.
import type { Principal } from '../../base/ids.ts';
import type { RecordPlan } from '../draft/draft.ts';
import type { ViewPlan } from '../view/plan.ts';

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
  readonly run: (input: { readonly doc: object; readonly who: Principal }) => unknown;
};

export type Plan = {
  readonly record: RecordPlan;
  readonly view: ViewPlan;
  /** By number, as the view plan names them. */
  readonly policies: readonly PolicyPlan[];
  readonly formulas: readonly FormulaPlan[];
  readonly bubbles: readonly BubblePlan[];
  /** Undefined: nobody may, documents of this space do not begin by being opened. */
  readonly invent: InventPolicy | undefined;
  readonly channels: ReadonlyMap<string, Channel>;
};

/** One space's kind of document, as `document(...)` and its steps make it. */
export type Definition = {
  /** @internal */
  readonly plan: Plan;
};
