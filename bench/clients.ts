// The load generator of everything that is measured from outside: `ws` clients, each with one send in flight, in this process.
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { type Point, pointOf } from './measure.ts';

/** How to speak to the server: the only part that differs between the bare path and ours. */
export type Dialect = {
  /** Subprotocols to ask for. */
  readonly protocols?: readonly string[];
  /** What a client says and waits for before it may send (a hello, an open). */
  readonly greet?: (socket: WebSocket, client: number) => Promise<void>;
  /** The client's n-th send, from 1. */
  readonly makeFrame: (client: number, n: number) => string;
  /**
   * True for the message that completes the client's n-th send; others are read and passed over. Where a send has an answer
   * and a delta, it is the dialect that remembers which of the two has come. Without it every message completes a send.
   */
  readonly completes?: (message: unknown, client: number, n: number) => boolean;
};

type Client = { readonly socket: WebSocket; readonly number: number; n: number; sentMs: number; isWaiting: boolean };
type Run = { readonly latenciesMs: number[]; isStopping: boolean; inFlight: number };

/** So many connections are opened at a time: more at once and the server's queue of new ones overflows. */
const dialsMax = 64;
/** How long answers may take after the last send of a run. */
const quietMsMax = 10_000;

/** Connects, measures once and leaves. `connectClients` is for several runs of the same clients. */
export async function runClients(url: string, count: number, dialect: Dialect, seconds: number): Promise<Point> {
  const clients = await connectClients(url, count, dialect);
  try {
    return await clients.measure(seconds);
  } finally {
    await clients.close();
  }
}

export async function connectClients(url: string, count: number, dialect: Dialect): Promise<Clients> {
  const clients: Client[] = [];
  for (let first = 0; first < count; first += dialsMax) {
    const numbers = Array.from({ length: Math.min(dialsMax, count - first) }, (_, index) => first + index);
    clients.push(...(await Promise.all(numbers.map((number) => connectClient(url, number, dialect)))));
  }
  return new Clients(clients, dialect);
}

export class Clients {
  readonly #clients: readonly Client[];
  readonly #dialect: Dialect;
  #run: Run | undefined;
  #onQuiet: (() => void) | undefined;
  #failure: Error | undefined;

  constructor(clients: readonly Client[], dialect: Dialect) {
    this.#clients = clients;
    this.#dialect = dialect;
    for (const client of clients) {
      client.socket.on('message', (data) => {
        for (const line of String(data).split('\n')) this.#onLine(client, line);
      });
      client.socket.on('close', (code) => this.#onFailure(`the server closed client ${client.number}: ${code}`));
      client.socket.on('error', (error) => this.#onFailure(`client ${client.number}: ${error.message}`));
    }
  }

  async measure(seconds: number): Promise<Point> {
    const startMs = performance.now();
    const run: Run = { latenciesMs: [], isStopping: false, inFlight: this.#clients.length };
    const quiet = new Promise<void>((resolve) => {
      this.#onQuiet = resolve;
    });
    this.#run = run;
    if (this.#failure !== undefined) throw this.#failure;
    for (const client of this.#clients) this.#send(client);
    await withinMs(seconds * 1000, quiet);
    run.isStopping = true;
    const elapsedMs = performance.now() - startMs;
    await withinMs(quietMsMax, quiet);
    this.#run = undefined;
    if (this.#failure !== undefined) throw this.#failure;
    if (run.inFlight > 0) throw new Error(`${run.inFlight} sends had no answer after ${quietMsMax} ms`);
    return pointOf(run.latenciesMs, elapsedMs / 1000);
  }

  async close(): Promise<void> {
    const closing = this.#clients.map(({ socket }) => {
      socket.removeAllListeners('close');
      if (socket.readyState === WebSocket.CLOSED) return undefined;
      const closed = once(socket, 'close');
      socket.close();
      return closed;
    });
    await Promise.all(closing);
  }

  #send(client: Client): void {
    client.n += 1;
    client.isWaiting = true;
    client.sentMs = performance.now();
    client.socket.send(this.#dialect.makeFrame(client.number, client.n));
  }

  #onLine(client: Client, line: string): void {
    const message: unknown = JSON.parse(line);
    const run = this.#run;
    if (run === undefined || !client.isWaiting) return;
    if (this.#dialect.completes?.(message, client.number, client.n) === false) return;
    client.isWaiting = false;
    if (run.isStopping) {
      run.inFlight -= 1;
      if (run.inFlight === 0) this.#onQuiet?.();
      return;
    }
    run.latenciesMs.push(performance.now() - client.sentMs);
    this.#send(client);
  }

  #onFailure(reason: string): void {
    this.#failure ??= new Error(reason);
    this.#onQuiet?.();
  }
}

async function connectClient(url: string, number: number, dialect: Dialect): Promise<Client> {
  const socket = new WebSocket(url, [...(dialect.protocols ?? [])], { perMessageDeflate: false });
  await once(socket, 'open');
  await dialect.greet?.(socket, number);
  return { socket, number, n: 0, sentMs: 0, isWaiting: false };
}

/** Resolves when `done` does, or after `ms`. */
async function withinMs(ms: number, done: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([done, late]);
  clearTimeout(timer);
}
