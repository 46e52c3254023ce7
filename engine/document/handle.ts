// Runs an application's code over a document: validation, the handler, and its answer. Whatever that code does ends
// here: either it is done and has an answer in JSON, or the document is as it was.
import { AssertionFailed, assert } from '../base/assert.ts';
import type { ErrorCode } from '../base/errors.ts';
import { CodedError } from '../base/errors.ts';
import type { Principal } from '../base/ids.ts';
import { documentLengthMax, updateBytesMax, updateLengthMax } from '../base/limits.ts';
import type { JsonObject } from '../base/merge-patch.ts';
import { answerJson, cut } from './answer.ts';
import { HandlerContext } from './context.ts';
import type { Channel, Context, Plan, StandardSchema, Validation } from './definition/definition.ts';
import type { Work } from './draft/draft.ts';
import { beginWork } from './draft/draft.ts';
import { mistake } from './draft/values.ts';
import type { Env } from './env.ts';
import type { Task } from './life/agenda.ts';
import { wakeKey } from './life/agenda.ts';
import { lengthOf } from './life/length.ts';
import { mergeInPlace } from './life/merge-in-place.ts';
import { Staged } from './life/staged.ts';

export type Done = {
  readonly kind: 'done';
  readonly redo: JsonObject;
  readonly undo: JsonObject;
  /** JSON. */
  readonly answer: string;
  /** What is to be done once it is committed. */
  readonly tasks: readonly Task[];
  /** Takes all of it back. */
  readonly rollback: () => void;
};
export type Outcome = Done | Refusal;
export type Refusal = {
  readonly kind: 'refused';
  readonly code: string;
  readonly text: string;
  /** What was thrown, for the application's log; never for a client. */
  readonly failure: unknown;
};

/** What a timer was set with; throws what its schema does not take: definitions change. */
export function validArg(schema: StandardSchema | undefined, json: string | undefined): unknown {
  const arg: unknown = json === undefined ? undefined : JSON.parse(json);
  if (schema === undefined) return arg;
  const valid = validate({ schema }, arg);
  if ('kind' in valid) throw valid.failure ?? mistake(`a timer was set with what it does not take: ${valid.text}`);
  return valid.value;
}

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

/** Code runs over this. `length` is the document's, `seq` that of the update which it makes. */
export type Scene = {
  readonly plan: Plan;
  readonly state: JsonObject;
  readonly length: number;
  /** What that may become. */
  readonly room: number;
  readonly seq: number;
  readonly env: Env;
};

/** Runs the handler of a valid message. Afterwards the state is changed as `redo` says, or, refused, as it was. */
export function runHandler(scene: Scene, channel: Channel, message: unknown, who: Principal): Outcome {
  return runCode(scene, new Staged(scene.state), (doc, ctx) =>
    channel.handler({ doc, message, who: { agent: who.agent, authority: who.authority }, ctx }),
  );
}

/**
 * Runs code of the application. What is staged becomes part of what it did; where it fails, or does too much, nothing of either is. `whenChanged` may stage
 * more, where the code did something.
 */
export function runCode(
  scene: Scene,
  staged: Staged,
  call: (doc: object, ctx: Context) => unknown,
  whenChanged?: () => void,
): Outcome {
  const { plan, state, seq, env } = scene;
  const work = beginWork(plan.record, state, env.randomBytes16);
  const ctx = new HandlerContext(env, seq, plan.events, staged);
  try {
    const value = call(work.doc, ctx);
    if (value instanceof Promise) {
      // It goes on with a dead draft, and fails: nobody else would hear of it.
      value.catch(() => undefined);
      throw mistake('a handler is synchronous: it returned a promise');
    }
    if (ctx.refusal !== undefined) throw ctx.refusal;
    const answer = answerJson(value);
    return within(scene, doneWith(scene, work, staged, answer, ctx.tasks, whenChanged));
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

function doneWith(
  { plan, state, env }: Scene,
  work: Work,
  staged: Staged,
  answer: string,
  tasks: readonly Task[],
  whenChanged: (() => void) | undefined,
): Done {
  const { redo, undo } = work.finish();
  if (!isEmpty(redo) || tasks.length > 0) whenChanged?.();
  if (plan.events.schedules.length > 0) keepSchedules(plan, staged, env.nowMs);
  const agenda = staged.change();
  if (agenda === undefined) return { kind: 'done', redo, undo, answer, tasks, rollback: work.rollback };
  mergeInPlace(state, agenda.redo);
  return {
    kind: 'done',
    redo: { ...redo, ...agenda.redo },
    undo: { ...undo, ...agenda.undo },
    answer,
    tasks,
    rollback: () => {
      mergeInPlace(state, agenda.undo);
      work.rollback();
    },
  };
}

/** What runs though nobody is there has to be found by whoever heads the document then: its first update notes it. */
function keepSchedules(plan: Plan, staged: Staged, nowMs: number): void {
  for (const { name, everyMs, isAlways } of plan.events.schedules) {
    if (isAlways && staged.get(wakeKey, 'every', name) === undefined) {
      staged.set(wakeKey, 'every', name, nowMs + everyMs);
    }
  }
}

/** What an outcome is refused for after its handler ran. `undo` does not count: its size would tell that of hidden values. */
export function within({ length: documentLength, room }: Pick<Scene, 'length' | 'room'>, outcome: Done): Outcome {
  const { redo, undo, answer } = outcome;
  const length = lengthOf(redo);
  const growth = length - lengthOf(undo);
  let excess: Refusal | undefined;
  if (length + answer.length > updateLengthMax) excess = tooBig('UPDATE_TOO_BIG', 'an update', updateLengthMax);
  else if (growth > 0 && documentLength + growth > room && room < documentLengthMax) {
    const text = 'the quota of bytes is used up, and this makes the document longer';
    excess = { kind: 'refused', code: 'QUOTA_EXCEEDED', text, failure: undefined };
  } else if (growth > 0 && documentLength + growth > documentLengthMax) {
    excess = tooBig('DOCUMENT_TOO_BIG', 'a document', documentLengthMax);
  }
  if (excess === undefined) return outcome;
  outcome.rollback();
  return excess;
}

/**
 * An outcome as the update that says so; refused instead where that would be too long: a key that goes is in redo and in undo, and of long ones a document can hold more
 * than an update.
 */
export function fitted(
  outcome: Outcome,
  encode: (outcome: Outcome) => Uint8Array,
): { readonly outcome: Outcome; readonly update: Uint8Array } {
  const update = encode(outcome);
  if (update.length <= updateBytesMax) return { outcome, update };
  assert(outcome.kind === 'done', `a refusal of ${update.length} bytes, of at most ${updateBytesMax}`);
  outcome.rollback();
  const refused = tooBig('UPDATE_TOO_BIG', 'an update, with what it takes away,', updateBytesMax, 'bytes');
  return { outcome: refused, update: encode(refused) };
}

function tooBig(code: ErrorCode, what: string, max: number, unit = 'characters as JSON'): Refusal {
  const text = `${what} has at most ${max} ${unit}`;
  return { kind: 'refused', code, text, failure: new CodedError(code, text) };
}

function isEmpty(object: JsonObject): boolean {
  for (const _ in object) return false;
  return true;
}
