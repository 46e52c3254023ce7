// Keeps one process running: starts it, starts it again when it exits, and ends it when told to.
import type { ChildProcess } from 'node:child_process';
import { fork } from 'node:child_process';
import { join } from 'node:path';
import { restartForgivenMs, restartMsMax, restartMsMin } from '../../engine/base/limits.ts';
import { distFolder } from './arguments.ts';

/** How long a process may take to end by itself before it is killed. */
const endMs = 5_000;

export type KeeperEvent = {
  readonly name: string;
  readonly what: 'started' | 'exited';
  readonly text: string;
  readonly pid: number | undefined;
};

export class Keeper {
  readonly name: string;
  /** Resolves when the process has said for the first time that it runs. */
  readonly started: Promise<void>;
  readonly #words: readonly string[];
  readonly #onEvent: (event: KeeperEvent) => void;
  #child: ChildProcess | undefined;
  #state: 'starting' | 'running' | 'waiting' | 'ended' = 'starting';
  #pauseMs = restartMsMin;
  #startedAt = 0;
  #timer: NodeJS.Timeout | undefined;
  #markStarted: () => void = () => {};
  #starts = 0;
  isEnding = false;

  constructor(name: string, words: readonly string[], onEvent: (event: KeeperEvent) => void) {
    this.name = name;
    this.#words = words;
    this.#onEvent = onEvent;
    this.started = new Promise((resolve) => {
      this.#markStarted = resolve;
    });
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  get state(): string {
    return this.#state;
  }

  start(): void {
    this.isEnding = false;
    this.#state = 'starting';
    this.#startedAt = performance.now();
    this.#starts += 1;
    const child = fork(join(distFolder, 'host/cli/main.js'), [...this.#words], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    this.#child = child;
    child.on('message', () => {
      this.#state = 'running';
      this.#markStarted();
      if (this.#starts > 1) this.#tell('started', `runs again, as process ${child.pid}`);
    });
    child.on('exit', (code, signal) => this.#exited(code, signal));
  }

  /** To the process that runs now; nothing where there is none. */
  signal(name: NodeJS.Signals): void {
    this.#child?.kill(name);
  }

  /** Asks the process to end, and kills it where it does not in time. Resolves when it is gone, and stays so until `start`. */
  async end(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    this.isEnding = true;
    clearTimeout(this.#timer);
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.kill(signal);
    const late = setTimeout(() => child.kill('SIGKILL'), endMs);
    await gone;
    clearTimeout(late);
  }

  #exited(code: number | null, signal: string | null): void {
    this.#child = undefined;
    if (this.isEnding) {
      this.#state = 'ended';
      return;
    }
    if (performance.now() - this.#startedAt > restartForgivenMs) this.#pauseMs = restartMsMin;
    const how = signal === null ? `with code ${code}` : `by ${signal}`;
    this.#tell('exited', `exited ${how}; it is started again in ${this.#pauseMs} ms`);
    this.#state = 'waiting';
    this.#timer = setTimeout(() => this.start(), this.#pauseMs);
    this.#pauseMs = Math.min(this.#pauseMs * 2, restartMsMax);
  }

  #tell(what: 'started' | 'exited', text: string): void {
    this.#onEvent({ name: this.name, what, text, pid: this.pid });
  }
}
