// A whole levelten for a test: hosts and a proxy as processes of this machine, with disks, sockets and clients as they are. They belong to a process
// of their own (cluster-process.ts), which this one asks, and which ends all of them, by their ids, when this one closes the cluster or is gone, in
// whatever way.
import type { ChildProcess } from 'node:child_process';
import { fork } from 'node:child_process';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ErrorCode } from '../../engine/base/errors.ts';
import { CodedError } from '../../engine/base/errors.ts';
import type { Client, OpenDocument } from '../../proxy/client/node.ts';
import { connect } from '../../proxy/client/node.ts';
import { pageBeside } from '../application.ts';
import type { Answered, Asked, Question, Started } from './cluster-wire.ts';

/** What cluster to start. */
export type ClusterOptions = {
  /** The application: an ES module whose default export is `app(...)`, as for `levelten up --app`. */
  readonly app: string | URL;
  /** The folder of the application's page, which `http` at the cluster's `url` shows; unless said, `page` beside the application, where there is one. */
  readonly page?: string | URL;
  /** How many hosts, 1 to 64; 3 unless said. One starts soonest. */
  readonly hosts?: number;
  /** How many chains documents are hashed to; 4 unless said. */
  readonly chains?: number;
  /** How long starting, restart and ready may take, each, in ms; 60,000 unless said. */
  readonly readyMs?: number;
  /** Ports are taken from these, those that are free; 25,000 to 25,999 unless said. */
  readonly ports?: readonly [first: number, last: number];
  /** Node's own options for hosts, as `['--import', 'tsx']` for an application that is not compiled. */
  readonly execArgv?: readonly string[];
};

type Waiter = { readonly resolve: (value: unknown) => void; readonly reject: (error: Error) => void };

const processFile = fileURLToPath(new URL('./cluster-process.js', import.meta.url));
const untilMsUsual = 10_000;
/** Three times what a process is given to end by itself. */
const endMsMax = 15_000;

/**
 * Starts a cluster and resolves when every chain is whole. APP_INVALID, PORT_TAKEN where no ports are free, CHAIN_NOT_SERVING where that takes
 * too long.
 */
export async function createTestCluster(options: ClusterOptions): Promise<TestCluster> {
  const { app, hosts = 3, chains = 4, readyMs = 60_000, ports = [25_000, 25_999], execArgv = [] } = options;
  const file = pathOf(app);
  const page = options.page === undefined ? pageBeside(file) : pathOf(options.page);
  const keeper = new ClusterProcess(execArgv);
  try {
    const started = await keeper.ask({ ask: 'start', request: { app: file, page, hosts, chains, ports, readyMs } });
    return new TestCluster(keeper, started as Started);
  } catch (error) {
    await keeper.end();
    throw error;
  }
}

function pathOf(given: string | URL): string {
  return given instanceof URL || given.startsWith('file:') ? fileURLToPath(given) : resolve(given);
}

/** A running cluster. Its methods reject with a CodedError: HOST_OPTIONS for a node that there is not, CHAIN_NOT_SERVING for what takes too long. */
export class TestCluster {
  /** Of the proxy, `ws://127.0.0.1:PORT`: for clients, and, with http, for its page. */
  readonly url: string;
  /** The folder of the cluster, as for `--dir` of any command. It is gone after `close`. */
  readonly dir: string;
  /** `h1`, `h2`, ... and `proxy`. */
  readonly nodes: readonly string[];
  readonly #keeper: ClusterProcess;
  readonly #clients: Client[] = [];

  /** @internal Use `createTestCluster`. */
  constructor(keeper: ClusterProcess, { url, dir, nodes }: Started) {
    this.#keeper = keeper;
    this.url = url;
    this.dir = dir;
    this.nodes = nodes;
  }

  /** A client of `levelten/client` under this name, closed with the cluster. */
  connect(name: string): Client {
    const client = connect(this.url, { as: name });
    this.#clients.push(client);
    return client;
  }

  /** `kill -9`. It stays dead until `restart`. Resolves when it is gone. */
  async crash(node: string): Promise<void> {
    await this.#keeper.ask({ ask: 'crash', node });
  }

  /** Starts what crashed; what runs is asked to end first. Resolves when it runs, which is before its chains are whole again: see `ready`. */
  async restart(node: string): Promise<void> {
    await this.#keeper.ask({ ask: 'restart', node });
  }

  /** SIGSTOP: it stands still as a machine does that swaps, or whose disk hangs. */
  async pause(node: string): Promise<void> {
    await this.#keeper.ask({ ask: 'pause', node });
  }

  /** SIGCONT. */
  async resume(node: string): Promise<void> {
    await this.#keeper.ask({ ask: 'resume', node });
  }

  /**
   * Resolves when every chain serves with all its members, and the proxy has a way to each. CHAIN_NOT_SERVING, with what `levelten status` says, where
   * that is not so in time: as long as a host is dead it is not.
   */
  async ready(): Promise<void> {
    await this.#keeper.ask({ ask: 'ready' });
  }

  /** Ends all processes and removes the folder. Rejects where one of them had ended by itself, after it has done so. */
  async close(): Promise<void> {
    for (const client of this.#clients) client.close();
    const exits = (await this.#keeper.close()) as readonly string[];
    if (exits.length > 0) throw new Error(`processes ended by themselves: ${exits.join('; ')}`);
  }
}

/**
 * Resolves with the first view that passes `holds`, at once where that is so already. Rejects where none does within `withinMs`, 10,000 unless said, and
 * where the document is refused; with what `holds` throws, too.
 */
export function untilView<View>(
  document: OpenDocument<View>,
  holds: (view: View) => boolean,
  withinMs = untilMsUsual,
): Promise<View> {
  return new Promise((done, reject) => {
    const end = (): void => {
      clearTimeout(late);
      for (const stop of stops) stop();
    };
    const fail = (error: unknown): void => {
      end();
      reject(error);
    };
    const look = (view: View | undefined): void => {
      try {
        if (view === undefined || !holds(view)) return;
        end();
        done(view);
      } catch (error) {
        fail(error);
      }
    };
    const lookAtStatus = (): void => {
      if (document.error !== undefined) fail(document.error);
    };
    const late = setTimeout(() => {
      const last = `${document.status}, at ${document.seq}: ${JSON.stringify(document.view)}`;
      fail(new Error(`no such view of ${document.doc} within ${withinMs} ms; the last one is ${last}`));
    }, withinMs);
    const stops = [document.subscribe(look), document.onStatus(lookAtStatus)];
    lookAtStatus();
    look(document.view);
  });
}

/** This side of the process that keeps a cluster. It holds this process up only while it is asked something. */
class ClusterProcess {
  readonly #child: ChildProcess;
  readonly #gone: Promise<void>;
  readonly #waiting = new Map<number, Waiter>();
  #asked = 0;
  #closing: Promise<unknown> | undefined;

  constructor(execArgv: readonly string[]) {
    this.#child = fork(processFile, [], { execArgv: [...execArgv], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    this.#child.on('message', (answer: Answered) => this.#onAnswer(answer));
    this.#gone = new Promise((done) => {
      this.#child.once('exit', () => {
        for (const { reject } of this.#waiting.values())
          reject(new Error('the process that kept the cluster has ended'));
        this.#waiting.clear();
        done();
      });
    });
  }

  ask(question: Question): Promise<unknown> {
    if (!this.#child.connected) return Promise.reject(new Error('the cluster is closed'));
    this.#asked += 1;
    const asked: Asked = { id: this.#asked, question };
    this.#child.ref();
    this.#child.channel?.ref();
    return new Promise((resolve, reject) => {
      this.#waiting.set(asked.id, { resolve, reject });
      this.#child.send(asked);
    });
  }

  /** Resolves with what ended by itself, when everything is gone; the same for whoever asks again. */
  close(): Promise<unknown> {
    this.#closing ??= this.ask({ ask: 'close' }).then(async (exits) => {
      await this.end();
      return exits;
    });
    return this.#closing;
  }

  /** Lets go of it: it ends what it started, and itself. */
  async end(): Promise<void> {
    this.#child.ref();
    if (this.#child.connected) this.#child.disconnect();
    // Hosts and proxy notice that it is gone, as it notices that this process is.
    const late = setTimeout(() => this.#child.kill('SIGKILL'), endMsMax);
    await this.#gone;
    clearTimeout(late);
  }

  #onAnswer(answer: Answered): void {
    const waiter = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if (this.#waiting.size === 0) {
      this.#child.unref();
      this.#child.channel?.unref();
    }
    if ('value' in answer) waiter?.resolve(answer.value);
    else if (answer.code === '') waiter?.reject(new Error(answer.text));
    else waiter?.reject(new CodedError(answer.code as ErrorCode, answer.text));
  }
}
