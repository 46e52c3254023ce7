// When a host looks for what is to be erased: behind everything else, for a share of the time, and each chain in its turn.
import t from 'tap';
import { chainId } from '../../engine/base/ids.ts';
import { eraseLookMs, eraseRestMsMax } from '../../engine/base/limits.ts';
import { putPending } from '../../engine/store/pending.ts';
import { Store } from '../../engine/store/store.ts';
import { Erasing } from '../../host/erasing.ts';
import { MemoryStore } from '../contract/memory-store.ts';

const chains = [0, 1].map(chainId);

/** A store in which both chains wait; what was rewritten, by the chain of each range. */
async function waiting() {
  const store = await Store.open(new MemoryStore(), chains, { storeId: 's', host: 'h', cluster: 'k' });
  for (const chain of chains) await store.behind(chain, [putPending(chain, '', 1)], {});
  const rewritten: number[] = [];
  const failed: unknown[] = [];
  store.compact = async (from) => {
    if (from.length >= 3) rewritten.push(((from[1] ?? 0) << 8) | (from[2] ?? 0));
  };
  const erasing = new Erasing({ store, fatal: (cause) => failed.push(cause) });
  /** A tick, and whatever it began. */
  const tick = async (nowMs: number): Promise<number[]> => {
    erasing.tick(nowMs);
    for (let turns = 0; turns < 20; turns += 1) await new Promise(setImmediate);
    return [...new Set(rewritten.splice(0))];
  };
  return { erasing, store, tick, failed };
}

t.test('[D21] one chain after the other; each rest grows with what was done, up to a bound', async (t) => {
  const { tick, failed, store } = await waiting();
  const again = (chain: number): Promise<void> => store.behind(chainId(chain), [putPending(chainId(chain), '', 2)], {});
  t.same(await tick(0), [0]);
  await again(0);
  t.same(await tick(100), [], 'it rests');
  t.same(await tick(100 + eraseLookMs - 1), []);
  t.same(await tick(100 + eraseLookMs), [1], 'then comes the next, though the first has more');
  await again(1);
  // The clock says that it took minutes.
  t.same(await tick(10 * eraseRestMsMax), []);
  t.same(await tick(11 * eraseRestMsMax - 1), []);
  t.same(await tick(11 * eraseRestMsMax), [0]);
  t.same(failed, []);
});

t.test('[D21] [E2] a disk that fails ends the process, but for one that closes', async (t) => {
  for (const isClosing of [false, true]) {
    const { erasing, store, failed } = await waiting();
    store.compact = async () => {
      if (isClosing) erasing.close();
      throw new Error('the disk');
    };
    erasing.tick(0);
    for (let turns = 0; turns < 20; turns += 1) await new Promise(setImmediate);
    t.match(failed, isClosing ? [] : [{ message: 'the disk' }]);
    t.equal(failed.length, isClosing ? 0 : 1);
  }
});
