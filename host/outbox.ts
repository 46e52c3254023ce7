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
  /** Has the document hear of it. `then` is told whether it could be asked to. */
  readonly settle: (
    document: string,
    incarnation: string,
    n: number,
    result: TaskResult,
    then: (isDone: boolean) => void,
  ) => void;
  /** There is room for the tasks of a document that were not taken. */
  readonly again: (document: string) => void;
  readonly onFailure: (document: string, where: string, failure: unknown) => void;
  readonly fatal: (cause: unknown) => void;
};

type Work = {
  readonly document: string;
  readonly incarnation: string;
  readonly task: Task;
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
  readonly #lanes = new Map<string, string[]>();
  /** Documents some of whose tasks were not taken: none of theirs is until all can be. */
  readonly #left = new Set<string>();
  #running = 0;
  #nowMs = 0;
  #isStopped = false;

  constructor(parts: OutboxParts) {
    this.#parts = parts;
  }

  get size(): number {
    return this.#works.size;
  }

  /** They are committed. Those that are here already are passed over. */
  add(document: string, incarnation: string, tasks: readonly Task[]): void {
    if (this.#isStopped) return;
    if (this.#left.has(document) || this.#works.size + tasks.length > tasksHeldMax) {
      if (this.#works.size > 0) this.#left.add(document);
      if (this.#left.has(document)) return;
    }
    for (const task of tasks) {
      const key = `${document} ${incarnation} ${task.n}`;
      if (this.#works.has(key)) continue;
      const work: Work = { document, incarnation, task, tries: 0, dueMs: 0, run: 0, endMs: 0, result: undefined };
      this.#works.set(key, work);
      if (task.kind === 'message') this.#queue(laneOf(work), key);
    }
    this.#go();
  }

  /** The clock came round. */
  tick(nowMs: number): void {
    this.#nowMs = nowMs;
    for (const work of this.#works.values()) {
      if (work.endMs > 0 && nowMs >= work.endMs) this.#failed(work, new Error(`it took longer than ${effectMsMax} ms`));
    }
    this.#go();
  }

  stop(): void {
    this.#isStopped = true;
    this.#works.clear();
    this.#lanes.clear();
    this.#left.clear();
  }

  #queue(lane: string, key: string): void {
    const keys = this.#lanes.get(lane);
    if (keys === undefined) this.#lanes.set(lane, [key]);
    else keys.push(key);
  }

  #go(): void {
    for (const [key, work] of this.#works) {
      if (this.#running >= effectsAtOnceMax || this.#isStopped) return;
      if (work.endMs !== 0 || work.dueMs > this.#nowMs || !this.#isFirst(key, work)) continue;
      if (work.result !== undefined) this.#settle(key, work, work.result);
      else this.#begin(key, work);
    }
  }

  #isFirst(key: string, work: Work): boolean {
    return work.task.kind === 'effect' || this.#lanes.get(laneOf(work))?.[0] === key;
  }

  #begin(key: string, work: Work): void {
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
      this.#settle(key, work, result);
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
  }

  #end(work: Work): void {
    work.endMs = 0;
    this.#running -= 1;
  }

  #settle(key: string, work: Work, result: TaskResult): void {
    // Not asked again while it is.
    work.dueMs = Infinity;
    this.#parts.settle(work.document, work.incarnation, work.task.n, result, (isDone) => {
      if (this.#isStopped) return;
      if (!isDone) work.dueMs = this.#nowMs + effectRestMsMin;
      else this.#forget(key, work);
    });
  }

  #forget(key: string, work: Work): void {
    this.#works.delete(key);
    if (work.task.kind === 'message') {
      const lane = laneOf(work);
      const keys = this.#lanes.get(lane);
      keys?.shift();
      if (keys?.length === 0) this.#lanes.delete(lane);
    }
    if (this.#left.size > 0 && this.#works.size <= tasksHeldMax / 2) {
      const left = [...this.#left];
      this.#left.clear();
      for (const document of left) this.#parts.again(document);
    }
    this.#go();
  }
}

function laneOf({ document, incarnation, task }: Work): string {
  return `${document} ${incarnation} ${task.kind === 'message' ? task.to : ''}`;
}

function restMs(tries: number): number {
  return Math.min(effectRestMsMin * 2 ** (tries - 1), effectRestMsMax);
}
