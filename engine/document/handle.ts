// Runs an application's code over a document: validation, the handler, and its answer. Whatever that code does ends
// here: either it is done and has an answer in JSON, or the document is as it was.
import { AssertionFailed } from '../base/assert.ts';
import { errorCodes } from '../base/errors.ts';
import type { Principal } from '../base/ids.ts';
import { messageDepthMax } from '../base/limits.ts';
import type { JsonObject } from '../base/merge-patch.ts';
import type { Channel, Context, Plan, Validation } from './definition/definition.ts';
import { beginWork } from './draft/draft.ts';
import { mistake, wellFormed } from './draft/values.ts';
import { hexOf } from './life/hex.ts';

/** The world, as values. `nowMs` is since 1970. */
export type Env = { readonly nowMs: number; readonly randomBytes16: () => Uint8Array };

export type Outcome =
  | {
      readonly kind: 'done';
      readonly redo: JsonObject;
      readonly undo: JsonObject;
      /** JSON. */
      readonly answer: string;
      /** Takes all of it back. */
      readonly rollback: () => void;
    }
  | Refusal;
export type Refusal = {
  readonly kind: 'refused';
  readonly code: string;
  readonly text: string;
  /** What was thrown, for the application's log; never for a client. */
  readonly failure: unknown;
};

const codePattern = /^[A-Z][A-Z0-9_]{0,63}$/;
const textCharsMax = 500;

/** The schema's output, or why it has none. */
export function validate(channel: Pick<Channel, 'schema'>, message: unknown): { readonly value: unknown } | Refusal {
  let result: Validation<unknown> | Promise<Validation<unknown>>;
  try {
    result = channel.schema['~standard'].validate(message);
    if (!(result instanceof Promise)) {
      if (result.issues === undefined) return { value: result.value };
      return { kind: 'refused', code: 'MESSAGE_INVALID', text: issueText(result.issues), failure: undefined };
    }
  } catch (failure) {
    return { kind: 'refused', code: 'MESSAGE_INVALID', text: 'the message could not be checked', failure };
  }
  result.catch(() => undefined);
  const failure = mistake('the schema of a channel must be synchronous');
  return { kind: 'refused', code: 'MESSAGE_INVALID', text: 'the message could not be checked', failure };
}

function issueText(issues: readonly { message: string; path?: readonly unknown[] | undefined }[]): string {
  const first = issues[0];
  if (first === undefined) return 'the message is not valid';
  const path = (first.path ?? []).map((part) =>
    typeof part === 'object' && part !== null && 'key' in part ? part.key : part,
  );
  const text = String(first.message ?? 'it is not valid');
  return cut(path.length === 0 ? text : `${path.map(String).join('.')}: ${text}`);
}

/** Runs the handler of a valid message. Afterwards `state` is changed as `redo` says, or, refused, as it was. */
export function runHandler(
  plan: Plan,
  state: JsonObject,
  channel: Channel,
  message: unknown,
  who: Principal,
  seq: number,
  env: Env,
): Outcome {
  const work = beginWork(plan.record, state, env.randomBytes16);
  const ctx = new HandlerContext(env, seq);
  try {
    const value = channel.handler({ doc: work.doc, message, who: { agent: who.agent, authority: who.authority }, ctx });
    if (value instanceof Promise) {
      // It goes on with a dead draft, and fails: nobody else would hear of it.
      value.catch(() => undefined);
      throw mistake('a handler is synchronous: it returned a promise');
    }
    if (ctx.refusal !== undefined) throw ctx.refusal;
    const answer = answerJson(value);
    const { redo, undo } = work.finish();
    return { kind: 'done', redo, undo, answer, rollback: work.rollback };
  } catch (failure) {
    // An assertion says that we are wrong, not the application (C19).
    if (failure instanceof AssertionFailed) throw failure;
    work.rollback();
    const refusal = ctx.refusal;
    if (refusal !== undefined) return { kind: 'refused', code: refusal.code, text: refusal.text, failure: undefined };
    return { kind: 'refused', code: 'HANDLER_FAILED', text: 'the handler failed', failure };
  } finally {
    ctx.isOver = true;
  }
}

/** Thrown by `abort` to leave the handler; what counts is that the context remembers it. */
class Abort extends Error {
  override readonly name = 'Abort';
  readonly code: string;
  readonly text: string;
  constructor(code: string, text: string) {
    super(`${code}: ${text}`);
    this.code = code;
    this.text = text;
  }
}

class HandlerContext implements Context {
  readonly now: number;
  readonly seq: number;
  refusal: Abort | undefined;
  isOver = false;
  readonly #env: Env;

  constructor(env: Env, seq: number) {
    this.now = env.nowMs;
    this.seq = seq;
    this.#env = env;
  }

  id(): string {
    if (this.isOver) throw mistake('ctx was used after its handler had returned');
    return hexOf(this.#env.randomBytes16());
  }

  abort(code: string, text = ''): never {
    if (typeof code !== 'string' || !codePattern.test(code)) throw mistake('the code of an abort is [A-Z][A-Z0-9_]*');
    // Clients act on those: an application's SESSION_EXPIRED would make them open a session that is still there.
    if (Object.hasOwn(errorCodes, code)) throw mistake(`${code} is a code of the platform`);
    this.refusal ??= new Abort(code, cut(String(text)));
    throw this.refusal;
  }
}

function cut(text: string): string {
  return wellFormed(text.slice(0, textCharsMax));
}

/** The answer as JSON. Throws HANDLER_FAILED for what JSON cannot say; `undefined` is null, and in objects absent. */
export function answerJson(value: unknown): string {
  if (value === undefined) return 'null';
  checkAnswer(value, 0);
  return JSON.stringify(value);
}

function checkAnswer(value: unknown, depth: number): void {
  // A value that holds itself ends here too.
  if (depth > messageDepthMax) throw mistake(`an answer nests deeper than ${messageDepthMax}`);
  switch (typeof value) {
    case 'string':
    case 'boolean':
    case 'undefined':
      return;
    case 'number':
      if (!Number.isFinite(value)) throw mistake('an answer holds a number that is not finite');
      return;
    case 'object':
      break;
    default:
      throw mistake(`an answer holds a ${typeof value}`);
  }
  if (value === null) return;
  const prototype: unknown = Object.getPrototypeOf(value);
  const isPlain = prototype === Object.prototype || prototype === null || prototype === Array.prototype;
  if (!isPlain || 'toJSON' in value) throw mistake('an answer holds what is no plain value');
  if (Array.isArray(value)) {
    for (const part of value) checkAnswer(part, depth + 1);
    return;
  }
  if (prototype === Array.prototype) throw mistake('an answer holds what is no plain value');
  for (const part of Object.values(value)) checkAnswer(part, depth + 1);
}
