// What the kit knows of a definition at compile time, and the errors that it throws.
import { CodedError } from '../../engine/base/errors.ts';
import { answerJson } from '../../engine/document/answer.ts';
import type {
  AnswerValue,
  ChannelOf,
  Definition,
  EphemeralsOf,
  Principal,
  Said,
  Shape,
} from '../../engine/document/define.ts';
import type {
  BigintField,
  DateTimeField,
  Held,
  ListField,
  MapField,
  MaybeField,
  RecordField,
  TableField,
  ValueField,
} from '../../engine/document/definition/fields.ts';
import type { Task, TaskResult } from '../../engine/document/document.ts';

/** How a document under test begins. */
export type TestOptions = {
  /** The second part of the document's name, as `invent` gets it; `one` unless said. */
  readonly key?: string;
  /** Where the clock stands at first, in ms since 1970; the first second of 2025 unless said. */
  readonly nowMs?: number;
  /** What is random follows from it; 1 unless said. */
  readonly seed?: number;
};

/** What `document(...)` makes. */
export type Testable = Definition & { readonly types: Said };

/** The names of its channels. */
export type ChannelName<D extends Testable> = keyof D['types']['channels'] & string;
/** What a channel takes. */
export type MessageOf<D extends Testable, Name extends string> = ChannelOf<D, Name>['message'];
/** The names of its ephemeral channels. */
export type EphemeralName<D extends Testable> = keyof EphemeralsOf<D> & string;
/** What an ephemeral channel takes. */
export type ShowOf<D extends Testable, Name extends EphemeralName<D>> = EphemeralsOf<D>[Name]['message'];
/** What an ephemeral channel shows. */
export type ShownOf<D extends Testable, Name extends EphemeralName<D>> = EphemeralsOf<D>[Name]['value'];
/** As a client gets it: a handler that returns nothing answers null. */
export type AnswerOf<D extends Testable, Name extends string> = Arrived<ChannelOf<D, Name>['answer']>;
type Arrived<Answer> = Answer extends void ? null : Answer;

/** A name, which is an agent of the authority `dev`, as in development mode; or both parts. */
export type Who = string | Principal;

export function principalOf(who: Who): Principal {
  const { agent, authority } = typeof who === 'string' ? { agent: who, authority: 'dev' } : who;
  if (typeof agent !== 'string' || agent === '' || typeof authority !== 'string' || authority === '') {
    throw new TypeError('who looks is a name, or { agent, authority }');
  }
  return { agent, authority };
}

/** What is stored: a field that was never written is absent, whatever it reads as. A table also holds `@next`, a count, and each of its rows `@n`; a document of a version above 1 holds that as `@v`. */
export type StateOf<S extends Shape> = { readonly [K in keyof S]?: Stored<S[K]> };
type Stored<F> =
  F extends RecordField<infer R>
    ? StateOf<R>
    : F extends MapField<infer E>
      ? { readonly [key: string]: Stored<E> }
      : F extends ListField<infer I>
        ? readonly Stored<I>[]
        : F extends MaybeField<infer G>
          ? Stored<G>
          : F extends BigintField | DateTimeField
            ? string
            : F extends TableField<infer R>
              ? { readonly [id: string]: StateOf<R> }
              : F extends ValueField
                ? Held<F>
                : unknown;

/** What became of a message. `cause` is what the application's code threw, and no client is told. */
export type Attempt<Value> =
  | { readonly ok: true; readonly value: Value; readonly seq: number }
  | { readonly ok: false; readonly code: string; readonly text: string; readonly cause: unknown; readonly seq: number };

/** Something that a document asked for and has not heard of: an effect, or a message to another document. */
export type Waiting =
  | { readonly kind: 'effect'; readonly n: number; readonly name: string; readonly arg: unknown }
  | {
      readonly kind: 'message';
      readonly n: number;
      readonly to: string;
      readonly channel: string;
      readonly message: unknown;
    };

export function waitingOf(task: Task): Waiting {
  const { n } = task;
  const arg: unknown = JSON.parse(task.arg);
  if (task.kind === 'effect') return { kind: 'effect', n, name: task.name, arg };
  return { kind: 'message', n, to: task.to, channel: task.channel, message: arg };
}

/** How another document answers: what its handler returns, or what it refuses with. */
export type TestReply = { readonly answer: AnswerValue } | { readonly code: string; readonly text?: string };

export function replyOf(reply: TestReply): TaskResult {
  if ('code' in reply) return { kind: 'message', reply: { code: reply.code, text: reply.text ?? '', json: '' } };
  return { kind: 'message', reply: { code: '', text: '', json: answerJson(reply.answer) } };
}

/** Of an effect: its value, or the error that it failed with. */
export function resultOf(value: AnswerValue | Error): TaskResult {
  if (value instanceof Error) return { kind: 'effect', result: { ok: false, error: value.message } };
  return { kind: 'effect', result: { ok: true, value } };
}

/** Something that the application's code threw where no test sees it: by policies, formulas and bubbles, and by the handlers of channels. */
export type Failure = {
  readonly what: 'channel' | 'event' | 'policy' | 'formula' | 'bubble' | 'ephemeral' | 'viewer state';
  readonly name: string;
  /** What was thrown; of several in one step, by the last of them. */
  readonly error: unknown;
  readonly count: number;
  /** Of the document, afterwards. */
  readonly seq: number;
};

/** An open, a message or a rewind was refused. `cause` is what the application's code threw, where it did. */
export class TestRefused extends Error {
  /** `TestRefused`. */
  override readonly name = 'TestRefused';
  /** As a client gets it. */
  readonly code: string;
  /** As a client gets it: for people. */
  readonly text: string;

  /** @internal */
  constructor(code: string, text: string, cause?: unknown) {
    // Not every test runner shows causes.
    const why = cause instanceof Error && cause.message !== text ? ` (${cause.message})` : '';
    super(`${code}: ${text}${why}`, cause === undefined ? {} : { cause });
    this.code = code;
    this.text = text;
  }
}

/** Something that must always hold does not: see the checks of TestDocument. */
export class TestBroken extends Error {
  /** `TestBroken`. */
  override readonly name = 'TestBroken';

  /** @internal */
  constructor(finding: string, cause?: unknown) {
    const why = [
      'Policies and formulas may hang on the document, on who looks and on the row, and on nothing else.',
      'Where these do not, this is a mistake in levelten: please report it.',
    ];
    super([finding, ...why].join('\n'), cause === undefined ? {} : { cause });
  }
}

/** What has a code is told as TestRefused. */
export function refusing(run: () => void): void {
  try {
    run();
  } catch (cause) {
    throw cause instanceof CodedError ? new TestRefused(cause.code, cause.message, cause) : cause;
  }
}

export function whatFailed({ plan }: Testable, name: string): Failure['what'] {
  const { policies, bubbles, formulas } = plan;
  const isOf = (plans: readonly { readonly name: string }[]): boolean => plans.some((one) => one.name === name);
  return isOf(policies) ? 'policy' : isOf(bubbles) ? 'bubble' : isOf(formulas) ? 'formula' : 'ephemeral';
}
