import { copyFile, mkdtemp, readFile as readBytes, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import t from 'tap';
import { chainId } from '../../engine/base/ids.ts';
import { decodeSection } from '../../engine/document/life/update.ts';
import type { BackupEntry } from '../../engine/store/backup-format.ts';
import { decodeEntry, encodeEntry, entriesOf } from '../../engine/store/backup-format.ts';
import { takeBackup } from '../../host/backup.ts';
import type { BackupFile, Manifest } from '../../host/backup-folder.ts';
import { BackupFolder, decodeManifest, encodeManifest } from '../../host/backup-folder.ts';
import { checkBackup, readFile } from '../../host/backup-read.ts';
import { codeOr, fuzz, spoiled } from '../fuzz.ts';
import { Prng } from '../prng.ts';
import { few, filled, names, SpoiledFolder, take } from './documents-kit.ts';

async function emptyDir(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'levelten-backup-'));
  t.teardown(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

type Taken = { readonly seq: number; readonly state: string; readonly seqFirst: number; readonly history: string };

/** Each document of a backup, by name. */
async function contentsOf(folder: BackupFolder, manifest: Manifest): Promise<Map<string, Taken>> {
  const found = new Map<string, Taken>();
  for (const file of manifest.files) {
    let name = '';
    for await (const entry of readFile(folder, manifest, file)) {
      if (entry.kind === 'document') {
        name = entry.name;
        const state = hexOf(entry.state);
        found.set(name, { seq: entry.seq, state, seqFirst: entry.seq + 1, history: '' });
        continue;
      }
      const so = found.get(name) as Taken;
      found.set(name, { ...so, seqFirst: entry.seqFirst, history: hexOf(entry.updates) + so.history });
    }
  }
  return found;
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

t.test('[B4] an entry is what it was written as; anything else is refused', async (t) => {
  const bytes = fc.uint8Array({ maxLength: 40 });
  const count = fc.maxSafeNat();
  const entry: fc.Arbitrary<BackupEntry> = fc.oneof(
    fc.record({ kind: fc.constant('document' as const), name: fc.constantFrom(...names), seq: count, state: bytes }),
    fc.record({ kind: fc.constant('history' as const), seqFirst: count, count, updates: bytes }),
    fc.record({ kind: fc.constant('end' as const), documents: count, updates: count }),
    fc.record({
      kind: fc.constant('place' as const),
      cluster: fc.constantFrom('', 'k', '9e18cd5003e6db4d'),
      chain: fc.nat(65_535),
      number: fc.nat(),
    }),
  );
  fc.assert(
    fc.property(entry, (one) => {
      const again = decodeEntry(encodeEntry(one));
      t.ok(hexOf(encodeEntry(again)) === hexOf(encodeEntry(one)) && again.kind === one.kind);
    }),
    { ...fuzz, numRuns: 300 },
  );
  const counts = { same: 0, refused: 0 };
  const property = fc.property(spoiled(entry.map(encodeEntry)), (some) => {
    const result = codeOr(() => decodeEntry(some));
    if ('value' in result) counts.same += hexOf(encodeEntry(result.value)) === hexOf(some) ? 1 : Number.NaN;
    else counts.refused += result.code === 'BACKUP_CORRUPT' ? 1 : Number.NaN;
  });
  fc.assert(property, fuzz);
  t.ok(counts.refused > 2_000 && counts.same >= 0, JSON.stringify(counts));
  await fc.assert(
    fc.asyncProperty(fc.array(entry, { maxLength: 8 }), fc.integer({ min: 1, max: 30 }), async (entries, size) => {
      const whole = Buffer.concat(entries.map(encodeEntry));
      const chunks = Array.from({ length: Math.ceil(whole.length / size) }, (_, at) =>
        whole.subarray(at * size, (at + 1) * size),
      );
      const found: string[] = [];
      for await (const one of entriesOf(chunks)) found.push(hexOf(one));
      return found.join() === entries.map((one) => hexOf(encodeEntry(one))).join();
    }),
    { ...fuzz, numRuns: 300 },
  );
});

t.test(
  '[B1] [B2] in pages of any size, while all is written to, folded and dropped, a document is of one moment',
  async (t) => {
    const counts = { newer: 0, cut: 0 };
    for (let seed = 1; seed <= 6; seed += 1) {
      const documents = await filled();
      const prng = new Prng(seed);
      const before = new Map([...documents.updates].map(([name, updates]) => [name, updates.length]));
      let left = 25;
      const meanwhile = async (read?: string): Promise<void> => {
        if (left === 0 || prng.below(3) > 0) return;
        left -= 1;
        await documents.write(read ?? (names[prng.below(4)] as string), 1 + prng.below(80), `seed ${seed}`);
        if (prng.below(2) === 0) for (const chain of [0, 1, 2]) await documents.fold(chainId(chain));
      };
      documents.betweenReads((name) => meanwhile(name));
      const folder = new BackupFolder(await emptyDir());
      const manifest = await take(documents, folder, { pageBytes: [200, 1_000, 5_000][seed % 3] as number, meanwhile });
      const found = await contentsOf(folder, manifest);
      t.same([...found.keys()].sort(), [...names].sort());
      for (const [name, { seq, state, seqFirst, history }] of found) {
        const all = documents.updates.get(name) ?? [];
        t.ok(seq >= (before.get(name) ?? 0), `${name} holds what was committed before`);
        t.equal(state, hexOf(documents.stateAt(name, seq)), `${name} is what ${seq} updates made of it`);
        t.equal(history, hexOf(Buffer.concat(all.slice(seqFirst - 1, seq))), `its history is that from ${seqFirst} on`);
        counts.newer += seq > (before.get(name) ?? 0) ? 1 : 0;
        counts.cut += seqFirst > 1 ? 1 : 0;
      }
      t.same(await checkBackup(folder, manifest), []);
    }
    t.ok(counts.newer > 10 && counts.cut > 10, `it was written to: ${JSON.stringify(counts)}`);
  },
);

t.test('[B2] where another host answers, the file that was begun is begun anew', async (t) => {
  const documents = await filled();
  const quiet = await take(documents, new BackupFolder(await emptyDir()));
  const asked: string[] = [];
  const folder = new BackupFolder(await emptyDir());
  const manifest = await takeBackup({
    folder,
    cluster: { cluster: 'k', chains: 3, hosts: [], history: 100, appHash: 'a' },
    ask: async (chain, through, cursor) => {
      asked.push(`${chain} ${cursor}`);
      const answer = await documents.ask(chain, through, cursor, 300);
      return { ...answer, storeId: asked.length > 20 ? 'other' : 's' };
    },
    rest: async () => {},
    nowMs: () => 0,
    waitMs: 0,
    date: () => 'then',
    onChain: () => {},
    fileBytes: 1_000,
  });
  t.ok(new Set(asked).size < asked.length, `${asked.length} questions, some of them twice`);
  t.same(manifest.files, quiet.files);
});

/** Throws at a call, before it has done anything or after. */
class CutFolder extends BackupFolder {
  left: number;
  constructor(dir: string, left: number) {
    super(dir);
    this.left = left;
  }
  #cut(): void {
    this.left -= 1;
    if (this.left === 0) throw new Error('cut');
  }
  override async begin(name: string): Promise<void> {
    this.#cut();
    await super.begin(name);
  }
  override async append(bytes: Uint8Array): Promise<void> {
    this.#cut();
    await super.append(bytes.subarray(0, bytes.length >> 1));
    this.#cut();
    await super.append(bytes.subarray(bytes.length >> 1));
  }
  override async finish(): Promise<void> {
    this.#cut();
    await super.finish();
    this.#cut();
  }
}

t.test('[B3] cut off at any point, the same command comes to what one run comes to', async (t) => {
  const documents = await few();
  const whole = await take(documents, new BackupFolder(await emptyDir()), { fileBytes: 500 });
  t.ok(whole.files.length > 2, `${whole.files.length} files`);
  let cuts = 0;
  for (let at = 1; ; at += 1) {
    const dir = await emptyDir();
    const first = new CutFolder(dir, at);
    const result = await take(documents, first, { fileBytes: 500 }).catch((cause: Error) => cause.message);
    if (result !== 'cut') {
      t.same(result, whole, 'no point is left');
      break;
    }
    cuts += 1;
    // Cut once more, a little further on; then not again.
    await take(documents, new CutFolder(dir, 8), { fileBytes: 500 }).catch(() => {});
    const folder = new BackupFolder(dir);
    const known = await folder.readManifest();
    const manifest = known?.state === 'complete' ? known : await take(documents, folder, { fileBytes: 500 });
    t.same(manifest, whole, `cut at ${at}`);
    t.same(await checkBackup(folder, manifest), []);
  }
  t.ok(cuts > 50, `${cuts} cuts`);
});

t.test('[B3] a folder of something else, of another cluster, or of a whole backup is refused', async (t) => {
  const documents = await filled();
  const dir = await emptyDir();
  await writeFile(join(dir, 'letter'), 'dear');
  await t.rejects(take(documents, new BackupFolder(dir)), { code: 'HOST_OPTIONS', message: /holds letter/ });
  const folder = new BackupFolder(await emptyDir());
  await take(documents, folder);
  await t.rejects(take(documents, folder), { code: 'HOST_OPTIONS', message: /complete: choose another/ });
  const other = new BackupFolder(await emptyDir());
  await other.writeManifest({ ...((await folder.readManifest()) as Manifest), cluster: 'other', state: 'incomplete' });
  await t.rejects(take(documents, other), { code: 'HOST_OPTIONS', message: /another cluster, other/ });
});

t.test('[B4] every flipped byte, and every other change of a file, is found by the name of the file', async (t) => {
  const documents = await few();
  const folder = new BackupFolder(await emptyDir());
  const manifest = await take(documents, folder);
  const find = async (file: BackupFile, bytes: Uint8Array): Promise<string> => {
    try {
      for await (const _ of readFile(new SpoiledFolder(folder.dir, file.name, bytes), manifest, file));
      return '';
    } catch (cause) {
      return (cause as Error).message;
    }
  };
  let [flips, named] = [0, 0];
  for (const file of manifest.files) {
    const bytes = await readBytes(join(folder.dir, file.name));
    t.equal(await find(file, bytes), '', 'as it is, nothing is wrong');
    for (let at = 0; at < bytes.length; at += 1) {
      const spoilt = Uint8Array.from(bytes);
      spoilt[at] = (spoilt[at] ?? 0) ^ (1 << (at % 8));
      const found = await find(file, spoilt);
      if (!found.startsWith(`${file.name}: `)) t.fail(`byte ${at} of ${file.name}: ${found}`);
      flips += 1;
      named += /entry \d+/.test(found) ? 1 : 0;
    }
    for (const length of [0, 5, bytes.length - 1, bytes.length >> 1]) {
      t.match(await find(file, bytes.subarray(0, length)), new RegExp(`^${file.name}: `), `${length} bytes are left`);
    }
    t.match(await find(file, Buffer.concat([bytes, Buffer.from('x')])), new RegExp(`^${file.name}: `));
    t.match(await find(file, Buffer.concat([bytes, bytes.subarray(18)])), /goes on behind its end/);
  }
  t.ok(flips > 1_000 && named > flips * 0.9, `${flips} flips, of ${named} the entry is named`);
  const [one, two] = manifest.files as [BackupFile, BackupFile];
  await copyFile(join(folder.dir, one.name), join(folder.dir, two.name));
  await rm(join(folder.dir, one.name));
  const [first, second, ...more] = await checkBackup(folder, manifest);
  t.match(first, new RegExp(`^${one.name}: it cannot be read: ENOENT`));
  t.match(second, new RegExp(`^${two.name}: entry 1: it is file ${one.number} of chain ${one.chain}`));
  t.same(more, []);
});

t.test('[B4] every flipped byte of the manifest is found, and a manifest that does not fit its files', async (t) => {
  const folder = new BackupFolder(await emptyDir());
  const manifest = await take(await filled(), folder);
  const text = encodeManifest(manifest);
  t.same(decodeManifest(text), manifest);
  for (let at = 0; at < text.length; at += 1) {
    const bytes = Buffer.from(text);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << (at % 7));
    const result = codeOr(() => decodeManifest(bytes.toString()));
    if (!('code' in result) || result.code !== 'BACKUP_CORRUPT') t.fail(`byte ${at}`);
  }
  const { files } = manifest;
  const wrong: readonly (readonly [Partial<Manifest>, RegExp])[] = [
    [{ files: files.slice(1) }, /out of place/],
    [{ hash: '0'.repeat(32) }, /its sums/],
    [{ state: 'incomplete', whole: [0] }, /incomplete: chains 1, 2 are not whole/],
    [{ whole: [0, 1] }, /not all chains/],
  ];
  for (const [changes, said] of wrong) t.match((await checkBackup(folder, { ...manifest, ...changes }))[0], said);
});

t.test('[B6] what a backup holds of a document is every update that is kept', async (t) => {
  const documents = await filled();
  const folder = new BackupFolder(await emptyDir());
  const manifest = await take(documents, folder);
  for (const [name, { seq, seqFirst, history }] of await contentsOf(folder, manifest)) {
    t.equal(seq, documents.updates.get(name)?.length);
    t.ok(seqFirst === 1 || seq - seqFirst + 1 >= documents.history, `${name} from ${seqFirst} to ${seq}`);
    t.equal(decodeSection(Buffer.from(history, 'hex')).length, seq - seqFirst + 1);
  }
});
