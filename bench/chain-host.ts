// A child process: one host of levelten as it always runs, over its own store and links. Where it heads a chain, a load
// generator takes the place of documents, so that no client and no handler is in the figure: as in the bare chain.
import { pino } from 'pino';
import type { ChainId } from '../engine/base/ids.ts';
import { hostId } from '../engine/base/ids.ts';
import type { App } from '../engine/document/define.ts';
import { app } from '../engine/document/define.ts';
import type { Update } from '../engine/document/update.ts';
import { encodeUpdate, noMessage } from '../engine/document/update.ts';
import { Batcher } from '../host/batcher.ts';
import { composeHost } from '../host/compose.ts';
import { readFolder } from '../host/folder.ts';
import type { ChainService } from '../host/host.ts';
import { type Point, pointOf } from './measure.ts';
import { answerParent } from './processes.ts';

export type ChainHostOptions = { readonly dir: string; readonly id: string };

const redo = { v: 'x'.repeat(200) };
const who = { agent: 'alice', authority: 'bench' };
/** A document begins, and somebody comes: what follows is folded like any other. */
const beginning = (['invent', 'session'] as const).map((kind, index) => {
  return Uint8Array.from(
    encodeUpdate({ kind, seq: index + 1, atMs: 123456, who, ...noMessage, id: new Uint8Array(16) }),
  );
});

/** Of one literal: an object that begins as a copy of another costs six times as much to make and encode (measured). */
function sendOf(seq: number): Update {
  return { kind: 'send', seq, atMs: 123456, who, ...noMessage, session: 2, n: seq - 2, done: seq - 3, redo };
}

class Load implements ChainService {
  readonly queue = new Batcher<() => void>((dones) => {
    for (const done of dones) done();
  });
  readonly #wake: () => void;

  constructor(wake: () => void) {
    this.#wake = wake;
  }

  stop(): void {}

  /** Resolves when the update is durable on every member. */
  submit(name: string, seq: number): Promise<void> {
    return new Promise((done) => {
      this.queue.add(name, seq, seq > 2 ? encodeUpdate(sendOf(seq)) : (beginning[seq - 1] as Uint8Array));
      this.queue.emit(done);
      this.#wake();
    });
  }
}

const loads = new Map<ChainId, Load>();
const noApp: App = app({ spaces: {} });
let runs = 0;

answerParent({
  start: async ({ dir, id }: ChainHostOptions) => {
    const folder = await readFolder(dir);
    const host = await composeHost({
      folder,
      id: hostId(id),
      app: noApp,
      appHash: folder.cluster.appHash,
      log: pino({ level: 'error' }),
      fatal: (cause) => {
        throw cause;
      },
      serve: (chain, wake) => {
        const load = new Load(wake);
        loads.set(chain, load);
        return load;
      },
    });
    process.once('SIGTERM', () => void host.close().then(() => process.exit(0)));
  },
  heads: async () => loads.size,
  measure: ({ concurrency, seconds }: { concurrency: number; seconds: number }) => measure(concurrency, seconds),
});

async function measure(concurrency: number, seconds: number): Promise<Point> {
  runs += 1;
  const headed = [...loads.values()];
  const latenciesMs: number[] = [];
  const startMs = performance.now();
  const endMs = startMs + seconds * 1000;
  const send = async (sender: number): Promise<void> => {
    const load = headed[sender % headed.length] as Load;
    for (let seq = 1; performance.now() < endMs; seq += 1) {
      const sentMs = performance.now();
      await load.submit(`space/r${runs}k${sender}`, seq);
      latenciesMs.push(performance.now() - sentMs);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, (_, sender) => send(sender)));
  return pointOf(latenciesMs, (performance.now() - startMs) / 1000);
}
