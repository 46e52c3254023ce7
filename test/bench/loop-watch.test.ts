// What waits are made of: whoever comes in a gap waits until its end.
import { setImmediate as turn } from 'node:timers/promises';
import t from 'tap';
import { LoopWatch, waitOf } from '../../bench/loop-watch.ts';
import { spin } from '../../bench/spin.ts';

t.test('in gaps of one length, a share of all moments waits for that share of the length', async (t) => {
  t.ok(Math.abs(waitOf([10, 10, 10], 0.99) - 9.9) < 1e-9);
  t.ok(Math.abs(waitOf([10, 10, 10], 0.5) - 5) < 1e-9);
});

t.test('one long gap weighs as much as its length, however many short ones there are', async (t) => {
  const gaps = [...Array.from({ length: 900 }, () => 1), 100];
  // A tenth of the time is in it: of its moments 9 of 10 wait past 10.
  t.ok(Math.abs(waitOf(gaps, 0.99) - 90) < 1e-9, `${waitOf(gaps, 0.99)}`);
  t.ok(waitOf(gaps, 0.5) < 1);
  t.equal(waitOf([], 0.99), 0);
});

t.test('a loop that stands still is seen to', async (t) => {
  const watch = new LoopWatch();
  watch.begin();
  await untilLook(watch);
  const endMs = performance.now() + 60;
  for (let value = 1; performance.now() < endMs; ) value = spin(1_000, value);
  await untilLook(watch);
  const { maxMs, waitMs } = watch.end();
  t.ok(maxMs >= 50, `${maxMs}`);
  t.ok(waitMs >= 40, `${waitMs}`);
});

/** Behind the next look. */
async function untilLook(watch: LoopWatch): Promise<void> {
  const { looks } = watch;
  while (watch.looks === looks) await turn();
}
