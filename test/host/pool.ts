// Threads for the desks of a test.
import { fileURLToPath } from 'node:url';
import type { Test } from 'tap';
import { hashApplication } from '../../host/application.ts';
import { DocumentPool } from '../../host/workers/document-pool.ts';
import application from './desk-app.ts';

const file = fileURLToPath(new URL('desk-app.js', import.meta.url));

export type Pool = DocumentPool & {
  readonly strays: unknown[];
  readonly ended: (string | undefined)[];
  readonly resting: string[];
  readonly clock: { ms: number };
};

/** It is closed with the test, and fails it where a thread found that we are wrong. */
export async function poolOf(t: Test, workers = 1): Promise<Pool> {
  const [strays, ended, resting, fatal]: [unknown[], (string | undefined)[], string[], unknown[]] = [[], [], [], []];
  const clock = { ms: 0 };
  let nowMs = 1_700_000_000_000;
  const pool = new DocumentPool({
    app: application,
    appHash: await hashApplication(file),
    file,
    workers,
    nowMs: () => {
      nowMs += 1;
      return nowMs;
    },
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
