// Loads that take the place of documents on a chain: no client and no handler is in their figures. Closed: so many senders, each with
// one update in flight. Open: updates come at a rate, whether or not the chain keeps up, and count from when they were due.
import { Batcher } from '../host/batcher.ts';
import type { ChainService } from '../host/chain-service.ts';
import { type Point, pointOf } from './measure.ts';
import { updateOf } from './updates.ts';

/** Past so many seconds' worth of updates without an answer a chain does not keep up, and the figure would mean nothing. */
const behindSecondsMax = 2;
const arrivalMs = 1;

export type LoadDocument = { readonly name: string; seq: number };

export function documentsOf(prefix: string, count: number): LoadDocument[] {
  return Array.from({ length: count }, (_, number) => ({ name: `space/${prefix}k${number}`, seq: 0 }));
}

export class Load implements ChainService {
  readonly queue = new Batcher<() => void>((dones) => {
    for (const done of dones) done();
  });
  /** Of all that was submitted. */
  updates = 0;
  updateBytes = 0;
  readonly #wake: () => void;

  constructor(wake: () => void) {
    this.#wake = wake;
  }

  tick(): void {}

  stop(): void {}

  /** `done` is called when the document's next update is durable on every member. */
  submit(document: LoadDocument, done: () => void): void {
    document.seq += 1;
    const update = updateOf(document.seq);
    this.updates += 1;
    this.updateBytes += update.length;
    this.queue.add(document.name, document.seq, update);
    this.queue.emit(done);
    this.#wake();
  }
}

/** Until so many milliseconds have gone, or so many updates were sent. */
export type LoadEnd = { readonly seconds: number } | { readonly updates: number };

/** One sender for each document; senders are dealt over the loads in turn. */
export async function closedLoop(
  loads: readonly Load[],
  documents: readonly LoadDocument[],
  end: LoadEnd,
): Promise<Point> {
  const latenciesMs: number[] = [];
  const startMs = performance.now();
  const endMs = 'seconds' in end ? startMs + end.seconds * 1000 : Number.POSITIVE_INFINITY;
  const updatesMax = 'updates' in end ? end.updates : Number.POSITIVE_INFINITY;
  let sent = 0;
  const send = async (document: LoadDocument, sender: number): Promise<void> => {
    const load = loads[sender % loads.length] as Load;
    while (performance.now() < endMs && sent < updatesMax) {
      sent += 1;
      const sentMs = performance.now();
      await new Promise<void>((done) => load.submit(document, done));
      latenciesMs.push(performance.now() - sentMs);
    }
  };
  await Promise.all(documents.map(send));
  return pointOf(latenciesMs, (performance.now() - startMs) / 1000);
}

/** Arrivals are spread evenly. Those of one millisecond leave together; each is counted from when it was due. */
export function openLoop(
  load: Load,
  documents: readonly LoadDocument[],
  { perSecond, seconds }: { readonly perSecond: number; readonly seconds: number },
): Promise<Point> {
  const latenciesMs: number[] = [];
  const total = Math.floor(perSecond * seconds);
  const startMs = performance.now();
  let sent = 0;
  return new Promise((resolve, reject) => {
    const submit = (): void => {
      const dueMs = startMs + (sent * 1000) / perSecond;
      load.submit(documents[sent % documents.length] as LoadDocument, () => {
        latenciesMs.push(performance.now() - dueMs);
        if (latenciesMs.length === total) resolve(pointOf(latenciesMs, (performance.now() - startMs) / 1000));
      });
      sent += 1;
    };
    const arrive = (): void => {
      const due = Math.min(total, Math.floor(((performance.now() - startMs) * perSecond) / 1000));
      while (sent < due) submit();
      if (sent - latenciesMs.length > behindSecondsMax * perSecond) {
        reject(new Error(`the chain does not keep up with ${Math.round(perSecond)} updates a second`));
      } else if (sent < total) setTimeout(arrive, arrivalMs);
    };
    arrive();
  });
}
