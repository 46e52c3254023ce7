// What a handler may use of the world. It is given as values, and what is asked for is noted: nothing is done before the handler's update is
// committed.
import { errorCodes } from '../base/errors.ts';
import { accountSpace, documentName } from '../base/ids.ts';
import { argLengthMax, outboxMax, timerMsMax, timersMax } from '../base/limits-life.ts';
import { answerJson, cut } from './answer.ts';
import type { Context, EventsPlan } from './definition/definition.ts';
import { mistake, wellFormed } from './draft/values.ts';
import type { Env } from './env.ts';
import type { Task } from './life/agenda.ts';
import { lifeKey, taskOf, wakeKey } from './life/agenda.ts';
import { hexOf } from './life/hex.ts';
import type { Staged } from './life/staged.ts';

/** On it every document says what it counts for. */
export const quotaChannel = '@quota';

const codePattern = /^[A-Z][A-Z0-9_]{0,63}$/;
const channelPattern = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/;

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

export class HandlerContext implements Context {
  readonly now: number;
  readonly seq: number;
  refusal: Abort | undefined;
  isOver = false;
  /** What was asked for, in order. */
  readonly tasks: Task[] = [];
  readonly #env: Env;
  readonly #events: EventsPlan;
  readonly #staged: Staged;

  constructor(env: Env, seq: number, events: EventsPlan, staged: Staged) {
    this.now = env.nowMs;
    this.seq = seq;
    this.#env = env;
    this.#events = events;
    this.#staged = staged;
  }

  id(): string {
    this.#isAlive();
    return hexOf(this.#env.randomBytes16());
  }

  random(): number {
    this.#isAlive();
    const bytes = this.#env.randomBytes16();
    // 53 bits, as Math.random gives.
    const high = ((bytes[0] as number) << 16) | ((bytes[1] as number) << 8) | (bytes[2] as number);
    const low = new DataView(bytes.buffer, bytes.byteOffset).getUint32(4) >>> 3;
    return (high * 2 ** 29 + low) / 2 ** 53;
  }

  schedule(name: string, inMs: number, arg?: unknown): string {
    this.#isAlive();
    if (!this.#events.timers.has(name)) throw mistake(`there is no timer ${String(name)}`);
    if (typeof inMs !== 'number' || !(inMs >= 0) || inMs > timerMsMax) {
      throw mistake(`a timer is set for 0 to ${timerMsMax} ms`);
    }
    if (this.#staged.sizeOf(wakeKey, 'due') >= timersMax) throw mistake(`a document has at most ${timersMax} timers`);
    const id = hexOf(this.#env.randomBytes16()).slice(16);
    const at = this.now + Math.ceil(inMs);
    this.#staged.set(wakeKey, 'due', id, { at, name, ...(arg === undefined ? {} : { arg: argJson(arg) }) });
    return id;
  }

  cancel(id: string): boolean {
    this.#isAlive();
    if (typeof id !== 'string' || !/^[0-9a-f]{16}$/.test(id)) return false;
    if (this.#staged.get(wakeKey, 'due', id) === undefined) return false;
    this.#staged.set(wakeKey, 'due', id, undefined);
    return true;
  }

  effect(name: string, arg: unknown = null): number {
    this.#isAlive();
    if (!this.#events.effects.has(name)) throw mistake(`there is no effect ${String(name)}`);
    return this.#ask({ name, arg: argJson(arg) });
  }

  send(to: string, channel: string, message: unknown): number {
    this.#isAlive();
    const { name } = nameOf(to);
    if (channel === quotaChannel) return this.#ask({ to: name, channel, arg: argJson(message) });
    if (documentName(name).space === accountSpace) throw mistake('accounts of quotas take no messages of documents');
    if (typeof channel !== 'string' || !channelPattern.test(channel)) throw mistake('a channel has a name');
    return this.#ask({ to: name, channel, arg: argJson(message) });
  }

  abort(code: string, text = ''): never {
    if (typeof code !== 'string' || !codePattern.test(code)) throw mistake('the code of an abort is [A-Z][A-Z0-9_]*');
    // Clients act on those: an application's SESSION_EXPIRED would make them open a session that is still there.
    if (Object.hasOwn(errorCodes, code)) throw mistake(`${code} is a code of the platform`);
    this.refusal ??= new Abort(code, cut(String(text)));
    throw this.refusal;
  }

  #ask(task: { readonly [key: string]: string }): number {
    if (this.#staged.sizeOf(wakeKey, 'out') >= outboxMax) {
      throw mistake(`of a document at most ${outboxMax} effects and messages wait`);
    }
    const n = ((this.#staged.get(lifeKey, 'out', 'n') as number | undefined) ?? 0) + 1;
    this.#staged.set(lifeKey, 'out', 'n', n);
    this.#staged.set(wakeKey, 'out', String(n), task);
    this.tasks.push(taskOf(n, task));
    return n;
  }

  #isAlive(): void {
    if (this.isOver) throw mistake('ctx was used after its handler had returned');
  }
}

function nameOf(to: string): ReturnType<typeof documentName> {
  try {
    return documentName(to);
  } catch {
    throw mistake(`${JSON.stringify(to)} is no name of a document`);
  }
}

function argJson(arg: unknown): string {
  const json = wellFormed(answerJson(arg));
  if (json.length > argLengthMax) throw mistake(`what is sent along has at most ${argLengthMax} characters as JSON`);
  return json;
}
