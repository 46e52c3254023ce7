// A host's store on a real LevelDB, opened after something was done to it: it is believed, refused by name, or set aside (E4 to E10).
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cp, mkdtemp, readdir, readFile, rename, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { chainId, epoch, lsn, origin } from '../../engine/base/ids.ts';
import { encodeIdentity, type Identity } from '../../engine/store/entries.ts';
import { encodeSnapshotEntry, snapshotKey } from '../../engine/store/snapshot-format.ts';
import { encodeSlot, slotEvery } from '../../engine/store/watermark.ts';
import { HostFiles } from '../../host/host-files.ts';
import { LevelStore } from '../../host/level-store.ts';
import { takeLock } from '../../host/lock.ts';
import type { OpenedStore } from '../../host/opening.ts';
import { openHostStore } from '../../host/opening.ts';
import { WatermarkKeeper } from '../../host/watermark-keeper.ts';
import { endOf, history } from '../chain/one.ts';

const [zero, one] = [chainId(0), chainId(1)];
const log = history(200);
let stores = 0;

async function folder(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'levelten-opening-'));
  t.teardown(() => rm(dir, { recursive: true }));
  return dir;
}

type Told = { readonly err: { readonly code: string; readonly message: string }; readonly aside?: string };
type Options = { readonly host?: string; readonly isInUse?: (found: Identity) => boolean; readonly founded?: string };

/** Opens, and tells what was logged as an error. */
async function open(dir: string, { host = 'h1', isInUse = () => false, founded }: Options = {}) {
  const told: Told[] = [];
  const fresh = (): Identity => {
    stores += 1;
    return { storeId: `${stores}`.padStart(32, '0'), host, cluster: 'k' };
  };
  const opened = await openHostStore({
    dir,
    chains: [zero, one],
    fresh,
    founded,
    isInUse: (found) => Promise.resolve(isInUse(found)),
    log: { warn: () => {}, error: (what: unknown) => told.push(what as Told) } as never,
    fatal: (cause) => t.fail(String(cause)),
  });
  return { ...opened, told };
}

async function close({ store, close: closeBeside }: OpenedStore): Promise<void> {
  await store.close();
  await closeBeside();
}

/** Each record in a write of its own, `each` times over. */
async function write({ store }: OpenedStore, records: typeof log): Promise<void> {
  for (const record of records) {
    const synced = new Promise<void>((resolve, reject) =>
      store.listen({ onSynced: () => resolve(), onFailed: reject }),
    );
    store.append(zero, [record], { logEpoch: epoch(1), ran: epoch(1) });
    store.flush();
    await synced;
  }
}

/** A closed store of 200 records. */
async function written(host = 'h1'): Promise<string> {
  const dir = await folder();
  const opened = await open(dir, { host });
  await write(opened, log);
  await close(opened);
  return dir;
}

/** The one file of LevelDB with this ending that is largest. */
async function fileOf(dir: string, ending: string): Promise<string> {
  const names = (await readdir(join(dir, 'store'))).filter((name) => name.endsWith(ending));
  const sized = await Promise.all(
    names.map(async (name) => ({ name, size: (await stat(join(dir, 'store', name))).size })),
  );
  const largest = sized.sort((a, b) => b.size - a.size)[0];
  if (largest === undefined) throw new Error(`no file ends with ${ending}`);
  return join(dir, 'store', largest.name);
}

async function flip(file: string, part: number): Promise<void> {
  const bytes = await readFile(file);
  const at = Math.floor(bytes.length * part);
  bytes[at] = (bytes[at] ?? 0) ^ 0x04;
  await writeFile(file, bytes);
}

t.test('[E5] [E6] [E7] a store that was closed in order is the one that opens again', async (t) => {
  const dir = await written();
  const again = await open(dir);
  t.same(again.store.durable(zero), endOf(log));
  t.same(again.told, []);
  t.equal((await again.files.remembered())?.serial, again.store.serial);
  await close(again);
  t.same((await readdir(dir)).sort(), ['identity', 'store', 'watermark']);
});

t.test('[E5] [E6] [E12] what began before anything stood beside a store is believed, and remembered', async (t) => {
  const dir = await written();
  for (const name of ['identity', 'watermark']) await rm(join(dir, name));
  const again = await open(dir);
  t.same(again.store.durable(zero), endOf(log));
  t.equal((await again.files.remembered())?.storeId, again.store.identity.storeId);
  await close(again);
});

t.test(
  '[E5] [E7] an identity that was removed is made anew of the store, which the watermark still speaks for',
  async (t) => {
    const dir = await written();
    await rm(join(dir, 'identity'));
    const again = await open(dir);
    t.same(again.store.durable(zero), endOf(log));
    t.same(again.told, []);
    await close(again);
    t.same((await readdir(dir)).sort(), ['identity', 'store', 'watermark']);
  },
);

type Damage = readonly [what: string, code: RegExp, damage: (dir: string) => Promise<unknown>];

const inStore = (dir: string, name: string): string => join(dir, 'store', name);

/** A copy of the store as it was after 100 records, put back after 200. */
async function rollBack(dir: string): Promise<void> {
  const former = await folder();
  const early = await open(former);
  const { storeId } = early.store.identity;
  await write(early, log.slice(0, 100));
  await close(early);
  await cp(join(former, 'store'), join(former, 'old'), { recursive: true });
  const late = await open(former);
  await write(late, log.slice(100));
  await close(late);
  for (const name of ['store', 'identity', 'watermark']) await rm(join(dir, name), { recursive: true });
  for (const name of ['identity', 'watermark']) await cp(join(former, name), join(dir, name));
  await cp(join(former, 'old'), join(dir, 'store'), { recursive: true });
  t.not(storeId, '');
}

const damages: readonly Damage[] = [
  [
    'a bit of the write-ahead log flipped, at its beginning',
    /CORRUPT|BEHIND|LOST/,
    async (dir) => flip(await fileOf(dir, '.log'), 0.01),
  ],
  [
    'a bit of the write-ahead log flipped, in the middle',
    /CORRUPT|BEHIND/,
    async (dir) => flip(await fileOf(dir, '.log'), 0.5),
  ],
  [
    'a bit of the write-ahead log flipped, at its end',
    /CORRUPT|BEHIND/,
    async (dir) => flip(await fileOf(dir, '.log'), 0.999),
  ],
  ['half of the write-ahead log cut off', /BEHIND/, async (dir) => truncate(await fileOf(dir, '.log'), 10_000)],
  ['the write-ahead log removed', /BEHIND|LOST/, async (dir) => rm(await fileOf(dir, '.log'))],
  [
    'the manifest cut',
    /CORRUPT/,
    async (dir) =>
      truncate(inStore(dir, (await readdir(join(dir, 'store'))).find((name) => name.startsWith('MANIFEST')) ?? ''), 10),
  ],
  ['CURRENT removed', /LOST/, (dir) => rm(inStore(dir, 'CURRENT'))],
  ['the store removed', /LOST/, (dir) => rm(join(dir, 'store'), { recursive: true })],
  [
    'the store emptied',
    /LOST/,
    async (dir) => {
      await rm(join(dir, 'store'), { recursive: true });
      await (await LevelStore.open(join(dir, 'store'))).close();
    },
  ],
  ['the store rolled back to an earlier copy', /BEHIND: the store is at write/, rollBack],
  [
    'the store rolled back, and the identity beside it removed',
    /BEHIND: the store is at write/,
    async (dir) => {
      await rollBack(dir);
      await rm(join(dir, 'identity'));
    },
  ],
  [
    'the store and the identity removed',
    /LOST/,
    async (dir) => {
      for (const name of ['store', 'identity']) await rm(join(dir, name), { recursive: true });
    },
  ],
  ['the watermark removed', /BEHIND/, (dir) => rm(join(dir, 'watermark'))],
  ['the watermark spoiled', /CORRUPT/, (dir) => writeFile(join(dir, 'watermark'), 'no watermark')],
  [
    'the watermark of another store',
    /CORRUPT: the watermark is that of/,
    (dir) => {
      const slots = Buffer.alloc(2 * slotEvery);
      slots.set(encodeSlot({ storeId: 'f'.repeat(32), serial: 1 }), 0);
      return writeFile(join(dir, 'watermark'), slots);
    },
  ],
  ['the identity spoiled', /CORRUPT/, (dir) => flip(join(dir, 'identity'), 0.5)],
  [
    'another store of the same host put here',
    /BEHIND: the store is/,
    async (dir) => {
      const other = await written();
      await rm(join(dir, 'store'), { recursive: true });
      await rename(join(other, 'store'), join(dir, 'store'));
    },
  ],
  [
    'found wrong by the process before',
    /CORRUPT: chain 3 has a hole/,
    async (dir) => {
      new HostFiles(dir).noteLimbo('chain 3 has a hole');
    },
  ],
];

for (const [what, code, damage] of damages) {
  t.test(`[E4] [E5] [E6] [E14] set aside by name, whole, and begun anew: ${what}`, async (t) => {
    const dir = await written();
    const { storeId: former } = (await new HostFiles(dir).remembered()) ?? { storeId: '' };
    await damage(dir);
    const again = await open(dir);
    t.match(`${again.told[0]?.err.code.replace('ENGINE_', '')}: ${again.told[0]?.err.message}`, code);
    t.not(again.store.identity.storeId, former, 'another store');
    t.same(again.store.durable(zero), origin, 'an empty one');
    t.match(await readFile(join(dir, 'aside-1', 'why'), 'utf8'), /^ENGINE_/);
    await write(again, log.slice(0, 3));
    await close(again);
    const third = await open(dir);
    t.same(third.told, []);
    t.same(third.store.durable(zero), endOf(log.slice(0, 3)), 'and that one is kept');
    await close(third);
  });
}

t.test('[E10] a loss that was told and not looked into is looked into at the next start', async (t) => {
  const dir = await written();
  const files = new HostFiles(dir);
  t.same(await files.losses(), []);
  await files.endOpening(['dropping 12 bytes']);
  await files.endOpening(['Corruption']);
  t.same(await files.losses(), ['dropping 12 bytes', 'Corruption'], 'LevelDB tells it once');
  const again = await open(dir);
  t.same(again.told, [], 'nothing was missing');
  t.same(await files.losses(), []);
  await close(again);
  const disk = await LevelStore.open(join(dir, 'store'));
  const key = snapshotKey(zero, 's/of-nobody');
  const puts = [{ key, value: encodeSnapshotEntry(key, { lsn: lsn(1), seq: 1, blocks: [], state: new Uint8Array() }) }];
  await disk.write(puts);
  await disk.close();
  // A process ended between LevelDB's opening and the note of what it told.
  await files.beginOpening();
  const third = await open(dir);
  t.match(third.told[0]?.err.message, /of-nobody: holds record 1/);
  t.notOk((await readdir(dir)).includes('losses'), 'what was set aside took its notes along');
  await close(third);
});

t.test(
  '[E7] the store of another host is refused by name and left alone, unless that host has it in use',
  async (t) => {
    const [mine, other] = [await written('h1'), await written('h2')];
    await rm(join(mine, 'store'), { recursive: true });
    await cp(join(other, 'store'), join(mine, 'store'), { recursive: true });
    await t.rejects(open(mine), { code: 'ENGINE_IDENTITY', message: /that of host h2 of cluster k, not of host h1/ });
    t.notOk((await readdir(mine)).includes('aside-1'));
    const again = await open(mine, { isInUse: ({ host }) => host === 'h2' });
    t.equal(again.told[0]?.err.code, 'ENGINE_IDENTITY');
    t.equal(again.store.identity.host, 'h1');
    await close(again);
  },
);

t.test('[E6] where the whole folder is gone, a voter knows by the configuration that it had a store', async (t) => {
  const begun = await open(await folder());
  t.same(begun.told, [], 'a host that begins');
  await close(begun);
  const lost = await open(await folder(), { founded: 'f'.repeat(32) });
  t.match(lost.told[0]?.err, { code: 'ENGINE_LOST', message: /store f+ voted here/ });
  await close(lost);
});

t.test('[E12] [E14] a store of a version to come is refused and left alone', async (t) => {
  const dir = await written();
  const disk = await LevelStore.open(join(dir, 'store'));
  const bytes = Buffer.from(encodeIdentity({ storeId: 's', host: 'h1', cluster: 'k' }));
  const { ofVersion } = await import('../store/versions.ts');
  await disk.write([{ key: Uint8Array.of(1), value: ofVersion(9, bytes) }]);
  await disk.close();
  await t.rejects(open(dir), { code: 'ENGINE_FORMAT', message: /version 9/ });
  t.notOk((await readdir(dir)).includes('aside-1'));
});

t.test('[E8] a folder has one process: its lock names it, and falls to the next when it is gone', async (t) => {
  const dir = await folder();
  const opened = await open(dir);
  await t.rejects(open(dir), { code: 'ENGINE_LOCKED', message: new RegExp(`process ${process.pid} has ${dir}`) });
  await rm(join(dir, 'store', 'LOCK'));
  await t.rejects(open(dir), { code: 'ENGINE_LOCKED' }, 'also where the lock of LevelDB is gone');
  await close(opened);
  for (const holder of ['', 'nonsense', '999999999 1 boot', `${process.pid} 1 another-start`]) {
    await writeFile(join(dir, 'lock'), holder);
    const lock = await takeLock(dir);
    await t.rejects(takeLock(dir), { code: 'ENGINE_LOCKED' });
    await lock.release();
  }
  t.same(
    (await readdir(dir)).filter((name) => name.startsWith('lock')),
    [],
  );
});

t.test(
  '[E8] a process that has ended holds no lock, though nobody has waited for it',
  { skip: process.platform !== 'linux' },
  async (t) => {
    const dir = await folder();
    // The shell never waits for the first: it ends, and its number stays.
    const script = `sleep 0.01 & echo $!; exec sleep 30`;
    const shell = spawn('sh', ['-c', script], { stdio: ['ignore', 'pipe', 'ignore'] });
    t.teardown(() => shell.kill('SIGKILL'));
    const pid = await new Promise<number>((done) => shell.stdout.once('data', (data) => done(Number(String(data)))));
    const stat = (): string => readFileSync(`/proc/${pid}/stat`, 'latin1').split(' ')[2] ?? '';
    while (stat() !== 'Z') await new Promise((done) => setImmediate(done));
    const [startTicks, boot] = [
      readFileSync(`/proc/${pid}/stat`, 'latin1').split(' ')[21],
      readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
    ];
    await writeFile(join(dir, 'lock'), `${pid} ${startTicks} ${boot}\n`);
    await (await takeLock(dir)).release();
    t.pass('it was taken');
  },
);

t.test('[E5] the watermark follows what is durable, not oftener than it should, and is whole at the end', async (t) => {
  let serial = 5;
  const slots: (readonly [0 | 1, number])[] = [];
  const writeSlot = (slot: 0 | 1, bytes: Uint8Array): Promise<void> => {
    slots.push([slot, Number(Buffer.from(bytes).readBigUInt64BE(bytes.length - 12))]);
    return Promise.resolve();
  };
  const fatal = (cause: unknown): void => void t.fail(String(cause));
  const keeper = new WatermarkKeeper({ storeId: 's', serial: () => serial, writeSlot, fatal }, fileOfSlots(5, 5));
  const tick = async (nowMs: number): Promise<void> => {
    keeper.tick(nowMs);
    await new Promise((resolve) => setImmediate(resolve));
  };
  await tick(0);
  t.same(slots, [], 'nothing new');
  serial = 7;
  await tick(25);
  serial = 9;
  await tick(50);
  t.same(slots, [[1, 7]], 'too soon');
  await tick(125);
  serial = 10;
  await keeper.close();
  t.same(slots, [
    [1, 7],
    [0, 9],
    [1, 10],
  ]);
});

t.test('[E5] a process that begins writes over the older slot, and what the file lacks at once', async (t) => {
  for (const [first, second, slot] of [
    [7, 5, 1],
    [5, 7, 0],
    [7, undefined, 1],
    [undefined, 7, 0],
  ] as const) {
    const written: number[] = [];
    const writeSlot = async (slot: 0 | 1): Promise<void> => void written.push(slot);
    const parts = { storeId: 's', serial: () => 9, writeSlot, fatal: (cause: unknown) => void t.fail(String(cause)) };
    new WatermarkKeeper(parts, fileOfSlots(first, second)).tick(0);
    t.same(written, [slot], `${first}, ${second}: the store is at 9 already`);
  }
});

/** Slots with these serials; undefined for one that was spoiled. */
function fileOfSlots(...serials: readonly (number | undefined)[]): Uint8Array {
  const file = new Uint8Array(2 * slotEvery);
  for (const [slot, serial] of serials.entries()) {
    if (serial !== undefined) file.set(encodeSlot({ storeId: 's', serial }), slot * slotEvery);
  }
  return file;
}
