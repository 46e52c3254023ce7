// Where the documents of a host run: in its loop, or in threads of their own. What of the world they need is made here.
import { randomBytes } from 'node:crypto';
import type { Logger } from 'pino';
import { threadHeapMbMax } from '../../engine/base/limits.ts';
import type { App } from '../../engine/document/define.ts';
import { InlineRunner } from '../held.ts';
import type { Runner } from '../running.ts';
import { DocumentPool } from './document-pool.ts';

export type RunnerOptions = {
  readonly app: App;
  readonly appHash: string;
  /** How many threads, and the file that each of them loads the application from. In the loop of the host where there are none. */
  readonly workers?: { readonly count: number; readonly file: string } | undefined;
  readonly log: Logger;
  readonly fatal: (cause: unknown) => void;
};

export type MadeRunner = { readonly runner: Runner; readonly close: () => Promise<void> };

export function makeRunner({ app, appHash, workers, log, fatal }: RunnerOptions): MadeRunner {
  if (workers === undefined || workers.count === 0) {
    const runner = new InlineRunner(app, () => ({ nowMs: Date.now(), randomBytes16: () => randomBytes(16) }));
    return { runner, close: () => Promise.resolve() };
  }
  const pool = new DocumentPool({
    app,
    appHash,
    file: workers.file,
    workers: workers.count,
    heapMbMax: threadHeapMbMax,
    nowMs: Date.now,
    elapsedMs: () => performance.now(),
    fatal,
    onStray: (err) => log.error({ err }, 'the application failed behind a handler that had returned'),
    onRest: (document) => log.error({ document }, 'a document stops its thread again and again: it rests'),
    onEnded: (documents, document) => {
      log.error({ document, documents }, 'a thread has ended, or was; the documents that it ran are read again');
    },
  });
  return { runner: pool, close: () => pool.close() };
}
