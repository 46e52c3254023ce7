// The store of a host: how writes gather (E1), what a failed one means (E2), and what is read back.
import t from 'tap';
import { type ChainId, chainId, epoch, origin } from '../../engine/base/ids.ts';
import { identityKey, marksKey } from '../../engine/store/entries.ts';
import { recordKey } from '../../engine/store/format.ts';
import { Store, type Synced } from '../../engine/store/store.ts';
import { endOf, history } from '../chain/one.ts';
import { MemoryStore, settled } from '../contract/memory-store.ts';
import { ofVersion } from './versions.ts';

const [zero, one] = [chainId(0), chainId(1)];
const fresh = { storeId: 's', host: 'h1', cluster: 'k' };
const log = history(6);

type Stage = {
  readonly disk: MemoryStore;
  readonly store: Store;
  readonly synced: Synced[][];
  readonly kept: number[];
  readonly failed: unknown[];
};

/** A store whose writes wait until the test lets them happen. */
async function stage(): Promise<Stage> {
  const disk = new MemoryStore();
  const store = await Store.open(disk, [zero, one], fresh);
  const [synced, kept, failed]: [Synced[][], number[], unknown[]] = [[], [], []];
  const onSynced = (what: readonly Synced[], serials: readonly number[]): void => {
    synced.push([...what]);
    kept.push(...serials);
  };
  store.listen({ onSynced, onFailed: (cause) => failed.push(cause) });
  disk.isManual = true;
  disk.writes = 0;
  return { disk, store, synced, kept, failed };
}

/** What the oldest write that waits holds, but for the tally at its end, which every write has. */
const keysOf = (disk: MemoryStore) => {
  const keys = disk.waiting[0]?.puts.map(({ key }) => Buffer.from(key).toString('hex')) ?? [];
  if (keys.pop() !== '05') throw new Error('every write has a tally at its end');
  return keys;
};
const hexOf = (...keys: Uint8Array[]) => keys.map((key) => Buffer.from(key).toString('hex'));

t.test(
  '[E1] one write is in flight; what arrives meanwhile is the next, in order, with the marks merged',
  async (t) => {
    const { disk, store, synced } = await stage();
    store.flush();
    t.equal(disk.writes, 0, 'nothing queued, nothing written');
    store.append(zero, log.slice(0, 1), undefined);
    t.equal(disk.writes, 0, 'nothing before flush');
    store.flush();
    t.equal(disk.writes, 1);
    store.append(zero, log.slice(1, 2), { sealed: epoch(4), nonce: 'n' });
    store.append(one, [], { ran: epoch(2) });
    store.append(zero, log.slice(2, 4), { ran: epoch(3) });
    store.flush();
    store.flush();
    t.equal(disk.writes, 1, 'one at a time');
    t.same(store.durable(zero), origin, 'nothing is durable before its write is');
    await disk.finish();
    t.same(synced, [[{ chain: zero, position: endOf(log.slice(0, 1)), marks: undefined, isCut: false }]]);
    t.same(store.durable(zero), endOf(log.slice(0, 1)));
    t.equal(disk.writes, 2, 'and then all of the rest, in one');
    const records = [2, 3, 4].map((lsn) => recordKey(zero, lsn));
    t.same(keysOf(disk), hexOf(...records, marksKey(zero), marksKey(one)));
    await disk.finish();
    const marks = { sealed: 4, nonce: 'n', ran: 3, logEpoch: 0 };
    t.same(synced[1], [
      { chain: zero, position: endOf(log.slice(0, 4)), marks, isCut: false },
      { chain: one, position: undefined, marks: { sealed: 0, nonce: '', ran: 2, logEpoch: 0 }, isCut: false },
    ]);
    t.same(store.marks(zero), marks);
    const again = await Store.open(disk, [zero, one], fresh);
    t.same([again.marks(zero), again.durable(zero)], [marks, endOf(log.slice(0, 4))], 'and it is all on the disk');
  },
);

t.test('[E1] marks of a write build on those of the write before it', async (t) => {
  const { disk, store } = await stage();
  store.append(zero, [], { sealed: epoch(4), nonce: 'n' });
  store.flush();
  store.append(zero, [], { ran: epoch(4) });
  await disk.finish();
  await disk.finish();
  t.same(store.marks(zero), { sealed: 4, nonce: 'n', ran: 4, logEpoch: 0 });
});

t.test(
  '[E1] [C4] what is dropped was never handed over; marks that came without records stay, other chains too',
  async (t) => {
    const { disk, store, synced } = await stage();
    store.append(zero, log.slice(0, 1), undefined);
    store.flush();
    store.append(zero, log.slice(1, 2), { logEpoch: epoch(9) });
    store.append(one, history(1, origin, 1, 'one'), undefined);
    store.append(zero, [], { ran: epoch(1) });
    store.dropQueued(zero);
    store.append(zero, [], { sealed: epoch(2), nonce: 'n' });
    await disk.finish();
    t.same(synced[0]?.[0]?.position, endOf(log.slice(0, 1)), 'the write in flight happens');
    t.same(
      keysOf(disk),
      hexOf(recordKey(one, 1), marksKey(one), marksKey(zero)).filter((key) => key !== hexOf(marksKey(one))[0]),
    );
    await disk.finish();
    t.same(store.marks(zero), { sealed: 2, nonce: 'n', ran: 1, logEpoch: 0 }, 'no mark of records that were dropped');
    t.same(store.durable(zero), endOf(log.slice(0, 1)));
  },
);

t.test(
  '[C7] [S1] a cut removes what lies behind it in the write that appends what follows, and that write alone',
  async (t) => {
    const { disk, store, synced } = await stage();
    store.append(zero, log.slice(0, 4), undefined);
    store.flush();
    await disk.finish();
    const shared = endOf(log.slice(0, 2));
    const other = history(1, shared, 2, 'other');
    store.append(zero, other, { logEpoch: epoch(2) }, shared);
    store.flush();
    t.equal(disk.waiting.length, 1);
    await disk.finish();
    t.same(synced[1]?.[0], { chain: zero, position: endOf(other), marks: store.marks(zero), isCut: true });
    t.same(store.durable(zero), endOf(other));
    const again = await Store.open(disk, [zero], fresh);
    t.same(again.durable(zero), endOf(other), 'the log is whole, and record 4 is gone');
  },
);

t.test(
  '[C7] a cut counts what is queued before it in the same write, and is dropped with the records that it came with',
  async (t) => {
    const { disk, store } = await stage();
    store.append(zero, log.slice(0, 3), undefined);
    store.append(zero, [], undefined, endOf(log.slice(0, 1)));
    store.flush();
    await disk.finish();
    t.same(store.durable(zero), endOf(log.slice(0, 1)));
    store.append(zero, [], { logEpoch: epoch(3) }, origin);
    store.dropQueued(zero);
    store.flush();
    t.equal(disk.waiting.length, 0);
  },
);

t.test(
  '[C14] cells of registers ride in the one write, are said to be kept when it is done, and are found again',
  async (t) => {
    const { disk, store, kept } = await stage();
    store.append(zero, log.slice(0, 1), undefined);
    store.keep(1, [{ register: 7, bytes: Buffer.from('first') }]);
    store.flush();
    store.keep(2, [{ register: 7, bytes: Buffer.from('second') }]);
    store.keep(3, [{ register: 0xffff, bytes: Buffer.from('voters') }]);
    t.same(kept, []);
    await disk.finish();
    t.same(kept, [1]);
    await disk.finish();
    t.same(kept, [1, 2, 3]);
    t.equal(disk.writes, 2);
    const again = await Store.open(disk, [zero], fresh);
    t.same(
      [...again.cells].map(([register, bytes]) => [register, String(Buffer.from(bytes))]),
      [
        [7, 'second'],
        [0xffff, 'voters'],
      ],
    );
  },
);

t.test('[E2] a rejected write is reported once, and nothing more is written or called durable', async (t) => {
  const { disk, store, synced, failed } = await stage();
  store.append(zero, log.slice(0, 1), undefined);
  store.flush();
  store.append(zero, log.slice(1, 2), undefined);
  const cause = new Error('EIO');
  await disk.fail(cause);
  t.same(failed, [cause]);
  store.flush();
  await settled();
  t.equal(disk.writes, 1);
  t.same(synced, []);
  t.same(store.durable(zero), origin);
  t.throws(() => store.append(zero, log.slice(1, 2), undefined), /a store that is failed takes no writes/);
  await store.close();
  t.equal(failed.length, 1);
});

t.test('[E1] closing waits for the write in flight, and forgets what was queued', async (t) => {
  const { disk, store, synced } = await stage();
  store.append(zero, log.slice(0, 1), undefined);
  store.flush();
  store.append(zero, log.slice(1, 2), undefined);
  let isClosed = false;
  const closed = store.close().then(() => {
    isClosed = true;
  });
  await settled();
  t.notOk(isClosed);
  t.throws(() => store.append(zero, log.slice(1, 2), undefined), /closing/);
  await disk.finish();
  await closed;
  t.equal(disk.writes, 1);
  t.same(synced, [], 'nobody is told any more');
});

t.test('[E4] a log is read in pieces, from any position that it holds and from no other', async (t) => {
  const disk = new MemoryStore();
  const store = await Store.open(disk, [zero, one], fresh);
  store.append(zero, log, undefined);
  store.flush();
  await settled();
  const lsnsOf = async (chain: ChainId, after: number, bytesMax: number) =>
    (await store.read(chain, endOf(log.slice(0, after)), bytesMax))?.map(({ lsn }) => lsn);
  t.same(await lsnsOf(zero, 0, 1e9), [1, 2, 3, 4, 5, 6]);
  t.same(await lsnsOf(zero, 2, 1), [3], 'at least one');
  const bytes = log[0]?.bytes.length ?? 0;
  t.same(await lsnsOf(zero, 0, bytes), [1], 'just so many');
  t.same(await lsnsOf(zero, 0, bytes + 1), [1, 2]);
  t.same(await lsnsOf(zero, 6, 1e9), [], 'at its end');
  t.same(await lsnsOf(one, 0, 1e9), [], 'an empty log holds the origin');
  const at = (lsn: number, hash: string) => store.read(zero, { lsn: lsn as never, hash: hash as never }, 1e9);
  t.equal(await at(2, 'ee'.repeat(16)), undefined, 'another hash');
  t.equal(await at(7, 'ee'.repeat(16)), undefined, 'past the end');
  t.equal(await at(0, 'ee'.repeat(16)), undefined, 'another origin');
  t.same((await store.read(zero, endOf(log.slice(0, 5)), 1e9))?.[0]?.bytes, log[5]?.bytes);
  const walked: number[] = [];
  for await (const { lsn } of store.walk(zero, endOf(log.slice(0, 4)))) walked.push(lsn);
  t.same(walked, [5, 6]);
  t.equal((await store.readRecord(zero, 4)).hash, log[3]?.hash);
  await t.rejects(store.readRecord(zero, 7), { code: 'ENGINE_CORRUPT', message: 'chain 0, record 7 is missing' });
});

t.test('[E3] every read checks: rot that comes while the store is open is found', async (t) => {
  const disk = new MemoryStore();
  const store = await Store.open(disk, [zero], fresh);
  store.append(zero, log, undefined);
  store.flush();
  await settled();
  const bytes = Uint8Array.from(log[2]?.bytes ?? []);
  bytes[50] = (bytes[50] ?? 0) ^ 1;
  disk.corrupt(recordKey(zero, 3), bytes);
  const wanted = { code: 'ENGINE_CORRUPT', message: /^chain 0, record 3: / };
  await t.rejects(store.readRecord(zero, 3), wanted);
  await t.rejects(store.read(zero, origin, 1e9), wanted);
  await t.rejects(store.read(zero, endOf(log.slice(0, 3)), 1e9), wanted, 'also as the record before');
});

t.test('[E7] a store keeps the identity that it began with, and is refused by any other host or cluster', async (t) => {
  const disk = new MemoryStore();
  await Store.open(disk, [zero], fresh);
  const again = await Store.open(disk, [zero], { ...fresh, storeId: 'another' });
  t.equal(again.identity.storeId, 's');
  for (const other of [{ host: 'h2' }, { cluster: 'q' }])
    await t.rejects(Store.open(disk, [zero], { ...fresh, ...other }), {
      code: 'ENGINE_IDENTITY',
      message: /host h1 of cluster k/,
    });
  disk.corrupt(identityKey, ofVersion(3, (await disk.get(identityKey)) ?? new Uint8Array()));
  await t.rejects(Store.open(disk, [zero], fresh), { code: 'ENGINE_FORMAT' });
});
