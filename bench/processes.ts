// Processes, ports and folders of the bench. A child is asked over Node's IPC channel, ended by its id, and ends itself when
// its parent is gone, so that an interrupted run leaves nothing behind.
import { fork } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

type Question = { readonly id: number; readonly name: string; readonly argument: unknown };
type Answer = { readonly id: number; readonly answer?: unknown; readonly error?: string };

export type Child = {
  readonly pid: number | undefined;
  /** Rejects when the child fails to answer, or ends first. */
  ask(name: string, argument: unknown): Promise<unknown>;
  stop(): Promise<void>;
};

const stopMsMax = 5_000;
const goneMsMax = 10_000;
/** Longer than any point takes: past it a child is stuck, not slow. */
const askMsMax = 60_000;

/** Starts a compiled module (`.js`) that calls `answerParent`, in another Node than this one where it is given. */
export function startChild(module: URL, execArgv: string[] = [], execPath = process.execPath): Child {
  const child = fork(fileURLToPath(module), { execArgv, execPath, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const waiting = new Map<number, { resolve: (answer: unknown) => void; reject: (error: Error) => void }>();
  let asked = 0;
  const ended = new Promise<void>((resolve) => {
    child.once('exit', (code, signal) => {
      for (const { reject } of waiting.values()) reject(new Error(`${module.pathname} ended: ${signal ?? code}`));
      waiting.clear();
      resolve();
    });
  });
  child.on('message', ({ id, answer, error }: Answer) => {
    const waiter = waiting.get(id);
    waiting.delete(id);
    if (error === undefined) waiter?.resolve(answer);
    else waiter?.reject(new Error(error));
  });
  const ask = (name: string, argument: unknown): Promise<unknown> =>
    new Promise((resolve, reject) => {
      if (!child.connected) throw new Error(`${module.pathname} has ended`);
      asked += 1;
      const id = asked;
      waiting.set(id, { resolve, reject });
      child.send({ id, name, argument } satisfies Question);
      setTimeout(() => {
        if (waiting.delete(id)) reject(new Error(`${module.pathname} did not answer to ${name}`));
      }, askMsMax).unref();
    });
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    const last = setTimeout(() => child.kill('SIGKILL'), stopMsMax);
    await ended;
    clearTimeout(last);
  };
  return { pid: child.pid, ask, stop };
}

/** The child's side: answers by name until the parent goes. */
export function answerParent(answers: Readonly<Record<string, (argument: never) => Promise<unknown>>>): void {
  process.once('disconnect', () => process.exit(0));
  process.on('message', async ({ id, name, argument }: Question) => {
    try {
      const answer = await answers[name]?.(argument as never);
      process.send?.({ id, answer } satisfies Answer);
    } catch (error) {
      process.send?.({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    }
  });
}

/** Children and folders of one measure, released together and in reverse: also when starting stopped half way. */
export class Stage {
  readonly #releases: (() => unknown)[] = [];

  /** `execArgv` are Node's own options; `execPath` is another Node. */
  child(module: URL, execArgv: string[] = [], execPath?: string): Child {
    const child = startChild(module, execArgv, execPath);
    this.#releases.push(child.stop);
    return child;
  }

  /** A fresh folder in the system's place for such, removed at the end or when this process exits. */
  folder(): string {
    const path = mkdtempSync(join(tmpdir(), 'levelten-bench-'));
    const remove = (): void => rmSync(path, { recursive: true, force: true, maxRetries: 3 });
    process.once('exit', remove);
    this.#releases.push(() => {
      process.off('exit', remove);
      remove();
    });
    return path;
  }

  onRelease(release: () => unknown): void {
    this.#releases.push(release);
  }

  async release(): Promise<void> {
    for (let release = this.#releases.pop(); release !== undefined; release = this.#releases.pop()) await release();
  }
}

/** Runs `use` and releases what it put on the stage, however it ends. */
export async function onStage<T>(use: (stage: Stage) => Promise<T>): Promise<T> {
  const stage = new Stage();
  try {
    return await use(stage);
  } finally {
    await stage.release();
  }
}

/** Builds something that lives on a stage of its own: released by its `stop`, or at once if building it fails. */
export async function buildOnStage<T>(build: (stage: Stage) => Promise<T>): Promise<T & { stop(): Promise<void> }> {
  const stage = new Stage();
  try {
    return { ...(await build(stage)), stop: () => stage.release() };
  } catch (error) {
    await stage.release();
    throw error;
  }
}

/** A port of this machine that was free a moment ago. Where a server can be asked, let it listen on 0 instead. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = address !== null && typeof address === 'object' ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}

/** To a process that may have ended. */
export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/**
 * A process that ended and that nobody has waited for yet counts as gone: it holds neither ports nor files. Not as long as one of its threads
 * is still ending: the first one ends before the others, and what is open is open until the last is gone.
 */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8')) || threadsOf(pid) > 1;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' && process.platform !== 'linux';
  }
}

function threadsOf(pid: number): number {
  try {
    return readdirSync(`/proc/${pid}/task`).length;
  } catch {
    return 0;
  }
}

export async function untilGone(pids: readonly number[]): Promise<void> {
  const until = performance.now() + goneMsMax;
  while (pids.some(isAlive)) {
    if (performance.now() > until) throw new Error(`processes ${pids.filter(isAlive).join(', ')} do not end`);
    await sleep(2);
  }
}

/** The children of a process, where the system says so: those that started and have not been heard of yet are among them. */
export function childrenOf(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

/** What a process has had of the CPU, all its threads together; 0 where the system does not say. */
export function cpuMsOf(pid: number): number {
  try {
    // Behind the name, which is in brackets and may hold anything: user and system time are the 12th and the 13th, in hundredths of a second.
    const [user, system] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ').slice(11, 13) ?? [];
    return (Number(user) + Number(system)) * 10;
  } catch {
    return 0;
  }
}

/** What follows a word on the command line of a process; undefined where it is not there, or where the system does not say. */
export function wordAfter(pid: number, word: string): string | undefined {
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0');
    return words[words.indexOf(word) + 1 || words.length];
  } catch {
    return undefined;
  }
}
