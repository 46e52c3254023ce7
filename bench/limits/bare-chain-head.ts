// A child process: the head of the bare chain with its load generator inside, so that no client's cost is in the figure.
import { type Point, pointOf } from '../measure.ts';
import { answerParent } from '../processes.ts';
import { type HeadOptions, openHead } from './bare-head.ts';

type Submit = (update: unknown, waiter: () => void) => void;

const value = 'x'.repeat(200);
let submit: Submit | undefined;

answerParent({
  start: async (options: HeadOptions) => {
    submit = await openHead<() => void>(options, (waiters) => {
      for (const done of waiters) done();
    });
  },
  measure: async ({ concurrency, seconds }: { concurrency: number; seconds: number }) => {
    if (submit === undefined) throw new Error('measured before it was started');
    return measure(submit, concurrency, seconds);
  },
});

async function measure(submit: Submit, concurrency: number, seconds: number): Promise<Point> {
  const latenciesMs: number[] = [];
  const startMs = performance.now();
  const endMs = startMs + seconds * 1000;
  const send = async (sender: number): Promise<void> => {
    for (let seq = 0; performance.now() < endMs; seq += 1) {
      const sentMs = performance.now();
      const update = { doc: `space/k${sender}`, seq, who: 'alice', redo: { v: value }, at: 123456 };
      await new Promise<void>((done) => submit(update, done));
      latenciesMs.push(performance.now() - sentMs);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, (_, sender) => send(sender)));
  return pointOf(latenciesMs, (performance.now() - startMs) / 1000);
}
