// Threads for the desks of a test.
import { fileURLToPath } from 'node:url';
import type { Test } from 'tap';
import type { DocumentName } from '../../engine/base/ids.ts';
import { threadHeapMbMax } from '../../engine/base/limits.ts';
import type { Stored } from '../../engine/store/documents.ts';
import { hashApplication } from '../../host/application.ts';
import type { Lost, Running } from '../../host/running.ts';
import type { PoolParts } from '../../host/workers/document-pool.ts';
import { DocumentPool } from '../../host/workers/document-pool.ts';
import type { PooledDocument } from '../../host/workers/slot.ts';
import application from './desk-app.ts';

export const appFile = fileURLToPath(new URL('desk-app.js', import.meta.url));

/** Says when something came of what was asked of it. */
class WatchedPool extends DocumentPool {
  readonly #begun = new Set<Running>();
  #waiting: (() => void)[] = [];

  /** Something is asked that has no result. */
  get isAsked(): boolean {
    return [...this.#begun].some(({ pending }) => pending > 0);
  }

  /** Resolves with the next result, or when that is not to come any more. */
  next(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  override begin(name: DocumentName, onLost: (lost: Lost) => void): PooledDocument {
    const document = super.begin(name, (lost) => {
      onLost(lost);
      this.#ended(document);
    });
    this.#begun.add(document);
    const ask = document.ask.bind(document);
    const drop = document.drop.bind(document);
    document.ask = (command, then) => {
      ask(command, (ran) => {
        then(ran);
        this.#came();
      });
    };
    document.drop = () => {
      const waiting = drop();
      this.#ended(document);
      return waiting;
    };
    return document;
  }

  #ended(document: Running): void {
    this.#begun.delete(document);
    this.#came();
  }

  #came(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

export type Pool = WatchedPool & {
  readonly strays: unknown[];
  readonly ended: (string | undefined)[];
  readonly resting: string[];
  /** Moved by the test. */
  readonly clock: { ms: number };
};

export const nothingStored: Stored = { snapshot: undefined, sections: [], seqFloor: 0, seqLast: 0 };

type Given = Pick<PoolParts, 'file' | 'appHash' | 'fatal'> & Partial<PoolParts>;

/** One thread, of which nobody is told anything. */
export function makePool(given: Given): WatchedPool {
  let nowMs = 1_700_000_000_000;
  return new WatchedPool({
    app: application,
    workers: 1,
    heapMbMax: threadHeapMbMax,
    nowMs: () => {
      nowMs += 1;
      return nowMs;
    },
    elapsedMs: () => 0,
    onRest: () => {},
    onStray: () => {},
    onEnded: () => {},
    ...given,
  });
}

/** It is closed with the test, and fails it where a thread found that we are wrong. */
export async function poolOf(
  t: Test,
  workers = 1,
  heapMbMax = threadHeapMbMax,
  given: Partial<PoolParts> = {},
): Promise<Pool> {
  const [strays, ended, resting, fatal]: [unknown[], (string | undefined)[], string[], unknown[]] = [[], [], [], []];
  const clock = { ms: 0 };
  const pool = makePool({
    appHash: await hashApplication(appFile),
    file: appFile,
    workers,
    heapMbMax,
    elapsedMs: () => clock.ms,
    onRest: (document) => resting.push(document),
    fatal: (cause) => fatal.push(cause),
    onStray: (failure) => strays.push(failure),
    onEnded: (_documents, document) => ended.push(document),
    ...given,
  });
  t.teardown(async () => {
    await pool.close();
    if (fatal.length > 0) throw fatal[0];
  });
  return Object.assign(pool, { strays, ended, resting, clock });
}
