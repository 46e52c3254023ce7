// A store on a real disk, opened after something was done to it: nothing of it is believed (E3, E4).
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Level } from 'level';
import t from 'tap';
import { chainId, epoch, origin } from '../../engine/base/ids.ts';
import {
  baseKey,
  cellKey,
  encodeBase,
  encodeMarks,
  identityKey,
  marksKey,
  noBase,
  noMarks,
} from '../../engine/store/entries.ts';
import { encodeBatch, recordKey } from '../../engine/store/format.ts';
import { encodeSeqFloor, seqFloorKey } from '../../engine/store/snapshot-format.ts';
import { Store } from '../../engine/store/store.ts';
import { Tally, tallyKey } from '../../engine/store/tally.ts';
import { LevelStore } from '../../host/level-store.ts';
import { endOf, history } from '../chain/one.ts';
import { MemoryStore } from '../contract/memory-store.ts';
import { ofVersion } from './versions.ts';

const [zero, one] = [chainId(0), chainId(1)];
const fresh = { storeId: 's', host: 'h1', cluster: 'k' };
const log = history(5);
const other = history(5, origin, 1, 'other');

type Change = { readonly key: Uint8Array; readonly value: Uint8Array | undefined };

/** A closed store with five records in chain 0, after `change`; gives what opening it gives. */
async function openAfter(change: Change | undefined): Promise<Store> {
  const folder = await mkdtemp(join(tmpdir(), 'levelten-open-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const store = await Store.open(await LevelStore.open(folder), [zero, one], fresh);
  const synced = new Promise<void>((resolve, reject) => store.listen({ onSynced: () => resolve(), onFailed: reject }));
  store.append(zero, log, { sealed: epoch(1), ran: epoch(1), logEpoch: epoch(1), nonce: 'n' });
  store.flush();
  await synced;
  await store.close();
  if (change !== undefined) {
    const database = new Level<Buffer, Buffer>(folder, { keyEncoding: 'buffer', valueEncoding: 'buffer' });
    const [key, value] = [Buffer.from(change.key), change.value];
    await (value === undefined ? database.del(key) : database.put(key, Buffer.from(value)));
    await database.close();
  }
  const disk = await LevelStore.open(folder);
  t.teardown(() => disk.close());
  return Store.open(disk, [zero, one], fresh);
}

/** Record `lsn` with `value` in its place. */
function record(lsn: number, value: Uint8Array | undefined): Change {
  return { key: recordKey(zero, lsn), value };
}

function flipped(lsn: number, at: number): Uint8Array {
  const bytes = Uint8Array.from(log[lsn - 1]?.bytes ?? []);
  bytes[at] = (bytes[at] ?? 0) ^ 0x10;
  return bytes;
}

t.test('[E4] a store that was closed in order opens where it ended', async (t) => {
  const store = await openAfter(undefined);
  t.same(store.durable(zero), endOf(log));
  t.same(store.durable(one), origin);
  t.equal(store.marks(zero).ran, 1);
});

const third = log[2]?.bytes ?? new Uint8Array();
const ofChainOne = encodeBatch({ chain: one, epoch: epoch(1), after: endOf(log.slice(0, 2)) }, []).bytes;
const cases: readonly (readonly [what: string, change: Change, code: string, message: RegExp])[] = [
  ['a flipped bit', record(3, flipped(3, 45)), 'ENGINE_CORRUPT', /chain 0, record 3: .*checksum/],
  ['a flipped bit in the last one', record(5, flipped(5, 45)), 'ENGINE_CORRUPT', /chain 0, record 5: .*checksum/],
  ['a wrong lsn', record(3, log[3]?.bytes), 'ENGINE_CORRUPT', /chain 0, record 3: says that it is record 4 of chain 0/],
  ['a wrong previous hash', record(3, other[2]?.bytes), 'ENGINE_CORRUPT', /chain 0, record 3 does not continue/],
  ['another first one', record(1, other[0]?.bytes), 'ENGINE_CORRUPT', /chain 0, record 2 does not continue/],
  ['a missing record', record(3, undefined), 'ENGINE_CORRUPT', /chain 0, record 3 is missing; the next is 4/],
  ['a missing first record', record(1, undefined), 'ENGINE_CORRUPT', /chain 0, record 1 is missing; the next is 2/],
  ["another chain's record", record(3, ofChainOne), 'ENGINE_CORRUPT', /chain 0, record 3: .*record 3 of chain 1/],
  ['a truncated record', record(3, third.subarray(0, -1)), 'ENGINE_CORRUPT', /chain 0, record 3: .*checksum/],
  ['a record cut to nothing', record(3, new Uint8Array()), 'ENGINE_CORRUPT', /chain 0, record 3: .*too short/],
  ['another version', record(3, ofVersion(2, third)), 'ENGINE_FORMAT', /chain 0, record 3: .*version 2/],
  ['a record that is too far on', record(9, third), 'ENGINE_CORRUPT', /chain 0, record 9: says that it is record 3/],
  ['the last record missing', record(5, undefined), 'ENGINE_CORRUPT', /are not those of write 2/],
  ['another record behind the last', record(6, history(1, endOf(log))[0]?.bytes), 'ENGINE_CORRUPT', /write 2/],
  ['marks that are missing', { key: marksKey(zero), value: undefined }, 'ENGINE_CORRUPT', /write 2/],
  ['older marks', { key: marksKey(zero), value: encodeMarks(noMarks) }, 'ENGINE_CORRUPT', /write 2/],
  ['a cell from before', { key: cellKey(3), value: Buffer.from('cell') }, 'ENGINE_CORRUPT', /write 2/],
  ['marks of no chain', { key: marksKey(chainId(7)), value: encodeMarks(noMarks) }, 'ENGINE_CORRUPT', /chain 7/],
  ['an unknown small entry', { key: Uint8Array.of(2), value: new Uint8Array(9) }, 'ENGINE_CORRUPT', /under 02/],
  ['a base that nobody wrote', { key: baseKey(one), value: encodeBase(noBase) }, 'ENGINE_CORRUPT', /write 2/],
  [
    'a seq floor from before',
    { key: seqFloorKey(zero), value: encodeSeqFloor(seqFloorKey(zero), 3) },
    'ENGINE_CORRUPT',
    /write 2/,
  ],
  ['no tally', { key: tallyKey, value: undefined }, 'ENGINE_CORRUPT', /the tally is missing/],
  ['the tally of an earlier write', { key: tallyKey, value: new Tally(0).next().value }, 'ENGINE_CORRUPT', /write 1/],
  ['no identity', { key: identityKey, value: undefined }, 'ENGINE_CORRUPT', /does not say whose/],
  ['an identity that rotted', { key: identityKey, value: new Uint8Array(30) }, 'ENGINE_CORRUPT', /identity/],
  ['marks that rotted', { key: marksKey(zero), value: new Uint8Array(30).fill(1) }, 'ENGINE_CORRUPT', /marks/],
];

for (const [what, change, code, message] of cases) {
  t.test(`[E3] [E4] not opened: ${what}`, async (t) => {
    await t.rejects(openAfter(change), { code, message });
  });
}

/** A store in memory with five records, synced by its second write. */
async function written(): Promise<MemoryStore> {
  const disk = new MemoryStore();
  const store = await Store.open(disk, [zero, one], fresh);
  const synced = new Promise<void>((resolve, reject) => store.listen({ onSynced: () => resolve(), onFailed: reject }));
  store.append(zero, log, { logEpoch: epoch(1) });
  store.flush();
  await synced;
  t.equal(store.serial, 2);
  return disk;
}

t.test('[E5] a store that has fewer writes than were durable is refused, and one that has more is not', async (t) => {
  const disk = await written();
  const open = (storeId: string, serial: number) => Store.open(disk, [zero, one], fresh, () => {}, { storeId, serial });
  await t.rejects(open('s', 3), { code: 'ENGINE_BEHIND', message: /at write 2, and 3 were durable/ });
  await t.rejects(open('another', 1), { code: 'ENGINE_BEHIND', message: /is s; another should be here/ });
  for (const serial of [0, 1, 2]) t.equal((await open('s', serial)).serial, 2);
});

t.test('[E6] what should be there and is not is not begun anew', async (t) => {
  const known = { storeId: 's', serial: 1 };
  const opened = Store.open(new MemoryStore(), [zero], fresh, () => {}, known);
  await t.rejects(opened, { code: 'ENGINE_LOST', message: /s should be here/ });
});

t.test('[E12] a store of before there were tallies opens, and has one from then on', async (t) => {
  const disk = await written();
  disk.corrupt(tallyKey, undefined);
  disk.corrupt(identityKey, ofVersion(1, (await disk.get(identityKey)) ?? new Uint8Array()));
  t.same((await Store.open(disk, [zero, one], fresh)).durable(zero), endOf(log));
  disk.corrupt(marksKey(zero), undefined);
  await t.rejects(Store.open(disk, [zero, one], fresh), { code: 'ENGINE_CORRUPT', message: /write 1/ });
});

t.test('[E5] what is on its way is not durable yet, and does not count', async (t) => {
  const disk = await written();
  const store = await Store.open(disk, [zero, one], fresh);
  store.listen({ onSynced: () => {}, onFailed: (cause) => t.fail(String(cause)) });
  disk.isManual = true;
  store.append(zero, [], { ran: epoch(1) });
  store.flush();
  t.equal(store.serial, 2);
  await disk.finish();
  t.equal(store.serial, 3);
});
