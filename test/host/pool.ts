// Threads for the desks of a test.
import { fileURLToPath } from 'node:url';
import type { Test } from 'tap';
import { threadHeapMbMax } from '../../engine/base/limits.ts';
import { hashApplication } from '../../host/application.ts';
import type { PoolParts } from '../../host/workers/document-pool.ts';
import { DocumentPool } from '../../host/workers/document-pool.ts';
import application from './desk-app.ts';

export const appFile = fileURLToPath(new URL('desk-app.js', import.meta.url));

export type Pool = DocumentPool & {
  readonly strays: unknown[];
  readonly ended: (string | undefined)[];
  readonly resting: string[];
  /** Moved by the test. */
  readonly clock: { ms: number };
};

type Given = Pick<PoolParts, 'file' | 'appHash' | 'fatal'> & Partial<PoolParts>;

/** One thread, of which nobody is told anything. */
export function makePool(given: Given): DocumentPool {
  let nowMs = 1_700_000_000_000;
  return new DocumentPool({
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
export async function poolOf(t: Test, workers = 1, heapMbMax = threadHeapMbMax): Promise<Pool> {
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
  });
  t.teardown(async () => {
    await pool.close();
    if (fatal.length > 0) throw fatal[0];
  });
  return Object.assign(pool, { strays, ended, resting, clock });
}
