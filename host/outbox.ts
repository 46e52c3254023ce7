// What documents asked for is carried out here, once what asked for it is committed: effects, at least once; and messages to other documents, one
// after the other for each pair of them, so that who is sent to can tell by a number what it has heard. A head that dies leaves all of it
// to the next one, which finds it in the documents.
import { CodedError, retryOf } from '../engine/base/errors.ts';
import {
  effectMsMax,
  effectRestMsMax,
  effectRestMsMin,
  effectsAtOnceMax,
  effectTriesMax,
  tasksHeldMax,
} from '../engine/base/limits-life.ts';
import { answerJson } from '../engine/document/answer.ts';
import type { AnswerValue, EffectPlan } from '../engine/document/definition/definition.ts';
import type { Letter, Reply, Task, TaskResult } from '../engine/document/document.ts';

export type OutboxParts = {
  /** Undefined where the definition has it no more. */
  readonly effectOf: (document: string, name: string) => EffectPlan | undefined;
  /** Rejects where nobody knows what became of it, and it is to be sent again. */
  readonly deliver: (to: string, letter: Letter) => Promise<Reply>;
  /**
   * Has the document hear of it. `then` is told whether it could be asked to, when that is committed: who repeats a message is given the last answer, and so
   * the next one leaves when nobody can ask for that of the former any more.
   */
  readonly settle: (
    document: string,
    incarnation: string,
    n: number,
    result: TaskResult,
    then: (isDone: boolean) => void,
  ) => void;
  /** There is room for the tasks of a document that were not taken: `addAll` is to follow, or `refused`. */
  readonly again: (document: string, refused: () => void) => void;
  readonly wallMs: () => number;
  readonly onFailure: (document: string, where: string, failure: unknown) => void;
  readonly fatal: (cause: unknown) => void;
};

type Work = {
  readonly key: string;
  readonly document: string;
  readonly incarnation: string;
  readonly task: Task;
  /** Of a message: who sends it to whom. */
  readonly lane: string;
  tries: number;
  /** Not before this. */
  dueMs: number;
  /** Which try is under way: an older one is not listened to. */
  run: number;
  /** When the try that is under way counts as failed; 0 where none is. */
  endMs: number;
  result: TaskResult | undefined;
};

export class Outbox {
  readonly #parts: OutboxParts;
  readonly #works = new Map<string, Work>();
  /** Messages of one document to another: only the first is on its way. */
  readonly #lanes = new Map<string, Work[]>();
  /** Those that are not under way, and wait for nothing but their time. */
  readonly #idle = new Set<Work>();
  /** Documents some of whose tasks were not taken: none of theirs is until all can be. True: they are asked for all. */
  readonly #left = new Map<string, boolean>();
  #running = 0;
  #nowMs: number;
  #isStopped = false;

  constructor(parts: OutboxParts) {
    this.#parts = parts;
    this.#nowMs = parts.wallMs();
  }

  get size(): number {
    return this.#works.size;
  }

  /** They are committed. Those that are here already are passed over. */
  add(document: string, incarnation: string, tasks: readonly Task[]): void {
    if (this.#isStopped || this.#left.has(document)) return;
    if (this.#works.size > 0 && this.#works.size + tasks.length > tasksHeldMax) {
      this.#left.set(document, false);
      return;
    }
    for (const task of tasks) {
      const key = `${document} ${incarnation} ${task.n}`;
      if (this.#works.has(key)) continue;
      const lane = task.kind === 'message' ? `${document} ${incarnation} ${task.to}` : '';
      const about = { key, document, incarnation, task, lane };
      const work: Work = { ...about, tries: 0, dueMs: 0, run: 0, endMs: 0, result: undefined };
      this.#works.set(key, work);
      this.#queue(work);
    }
    this.#go();
  }

  /** All that this document waits for: what was left is among it. */
  addAll(document: string, incarnation: string, tasks: readonly Task[]): void {
    this.#left.delete(document);
    this.add(document, incarnation, tasks);
  }

  /** The clock came round. */
  tick(nowMs: number): void {
    this.#nowMs = nowMs;
    for (const work of this.#works.values()) {
      if (work.endMs > 0 && nowMs >= work.endMs) this.#failed(work, new Error(`it took longer than ${effectMsMax} ms`));
    }
    this.#recall();
    this.#go();
  }

  stop(): void {
    this.#isStopped = true;
    this.#works.clear();
    this.#lanes.clear();
    this.#idle.clear();
    this.#left.clear();
  }

  #queue(work: Work): void {
    const before = work.lane === '' ? undefined : this.#lanes.get(work.lane);
    if (before !== undefined) return void before.push(work);
    if (work.lane !== '') this.#lanes.set(work.lane, [work]);
    this.#idle.add(work);
  }

  #go(): void {
    for (const work of this.#idle) {
      if (this.#running >= effectsAtOnceMax || this.#isStopped) return;
      if (work.dueMs > this.#nowMs) continue;
      this.#idle.delete(work);
      if (work.result !== undefined) this.#settle(work, work.result);
      else this.#begin(work);
    }
  }

  #begin(work: Work): void {
    work.run += 1;
    work.tries += 1;
    work.endMs = this.#nowMs + effectMsMax;
    this.#running += 1;
    const { run } = work;
    const isCurrent = (): boolean => !this.#isStopped && work.run === run && work.endMs !== 0;
    const done = (result: TaskResult): void => {
      if (!isCurrent()) return;
      this.#end(work);
      work.result = result;
      this.#settle(work, result);
    };
    const failed = (cause: unknown): void => {
      if (isCurrent()) this.#failed(work, cause);
    };
    this.#carryOut(work).then(done, failed).catch(this.#parts.fatal);
  }

  async #carryOut({ document, incarnation, task }: Work): Promise<TaskResult> {
    const { effectOf, deliver } = this.#parts;
    if (task.kind === 'message') {
      const { n, channel, arg: message } = task;
      const reply = await deliver(task.to, { from: document, incarnation, n, channel, message });
      if (reply.code !== '' && retryOf(reply.code) !== 'never') throw new Error(`${reply.code}: ${reply.text}`);
      return { kind: 'message', reply };
    }
    const effect = effectOf(document, task.name);
    if (effect === undefined) throw new CodedError('APP_INVALID', `there is no effect ${task.name}`);
    const arg: unknown = JSON.parse(task.arg);
    const value: unknown = await effect.run({ arg, id: `${document}/${incarnation}/${task.n}`, document });
    return { kind: 'effect', result: { ok: true, value: JSON.parse(answerJson(value)) as AnswerValue } };
  }

  /** Messages are sent until they are answered; of an effect its document is told in the end. */
  #failed(work: Work, cause: unknown): void {
    const { document, task } = work;
    this.#end(work);
    if (task.kind === 'effect') this.#parts.onFailure(document, `effect ${task.name}`, cause);
    const isOver = task.kind === 'effect' && work.tries >= effectTriesMax;
    if (isOver) {
      const error = cause instanceof Error ? cause.message : String(cause);
      work.result = { kind: 'effect', result: { ok: false, error: error.slice(0, 500) } };
    } else work.dueMs = this.#nowMs + restMs(work.tries);
    this.#idle.add(work);
  }

  #end(work: Work): void {
    work.endMs = 0;
    this.#running -= 1;
  }

  #settle(work: Work, result: TaskResult): void {
    this.#parts.settle(work.document, work.incarnation, work.task.n, result, (isDone) => {
      if (this.#isStopped) return;
      if (isDone) return this.#forget(work);
      work.dueMs = this.#nowMs + effectRestMsMin;
      this.#idle.add(work);
    });
  }

  #forget(work: Work): void {
    this.#works.delete(work.key);
    const lane = this.#lanes.get(work.lane) ?? [];
    lane.shift();
    const [next] = lane;
    if (next !== undefined) this.#idle.add(next);
    else this.#lanes.delete(work.lane);
    this.#recall();
    this.#go();
  }

  #recall(): void {
    if (this.#works.size > tasksHeldMax / 2) return;
    for (const [document, isAsked] of [...this.#left]) {
      if (isAsked) continue;
      this.#left.set(document, true);
      this.#parts.again(document, () => {
        if (this.#left.has(document)) this.#left.set(document, false);
      });
    }
  }
}

function restMs(tries: number): number {
  return Math.min(effectRestMsMin * 2 ** (tries - 1), effectRestMsMax);
}
