// What is done to files: the right file, the right byte, one bit of it; and nothing at all fails by name.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import {
  filesOf,
  flipAt,
  flipBit,
  flipValue,
  indexOffsetOf,
  newestFile,
  offsetOf,
  oldestTable,
  remove,
  replaceFolder,
  swapFolders,
  truncate,
} from '../../bench/torture/damage.ts';

function folderOf(files: Readonly<Record<string, string>>): string {
  const dir = mkdtempSync(join(tmpdir(), 'levelten-torture-'));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, name), text);
  return dir;
}

t.test('files of a LevelDB are ordered by number, and others are none', async (t) => {
  const names = [
    'CURRENT',
    '000010.ldb',
    '9.ldb',
    'LOG',
    '000012.log',
    'MANIFEST-000011',
    'LOG.old',
    'MANIFEST-000004',
  ];
  t.same(filesOf(names, 'ldb'), ['9.ldb', '000010.ldb']);
  t.same(filesOf(names, 'log'), ['000012.log']);
  t.same(filesOf(names, 'manifest'), ['MANIFEST-000004', 'MANIFEST-000011']);
});

t.test('the newest file is one that holds something', async (t) => {
  const dir = folderOf({ '000001.log': 'x', '000002.log': '', '000003.ldb': 'a', '000004.ldb': 'b' });
  t.match(newestFile(dir, 'log'), /000001\.log$/);
  t.match(newestFile(dir, 'ldb'), /000004\.ldb$/);
  t.match(oldestTable(dir), /000003\.ldb$/);
  t.throws(() => newestFile(dir, 'manifest'), { message: /has no manifest with anything in it/ });
  t.throws(() => newestFile(folderOf({ '000002.log': '' }), 'log'), { message: /has no log with anything/ });
  t.throws(() => oldestTable(folderOf({})), { message: /has no ldb/ });
});

t.test('one bit is flipped where it lies, and nothing else', async (t) => {
  const file = join(folderOf({ 'a.ldb': 'x'.repeat(200) }), 'a.ldb');
  t.equal(flipAt(file, 'middle'), 'bit 4 of byte 100 of 200 in a.ldb');
  const bytes = readFileSync(file);
  t.equal(bytes.length, 200);
  t.equal(bytes[100], 'x'.charCodeAt(0) ^ 0x10);
  bytes[100] = 'x'.charCodeAt(0);
  t.equal(bytes.toString(), 'x'.repeat(200));
  t.equal(offsetOf('end', 200), 196);
  const table = Buffer.alloc(300);
  table.set([0x80, 0x01, 8, 0x8d, 0x01, 40], 300 - 48);
  t.equal(indexOffsetOf(table), 141 + 1, 'behind 128, 8: 141 is where the index begins');
  t.throws(() => indexOffsetOf(Buffer.alloc(10)), { message: /has no footer/ });
  t.throws(() => offsetOf('beginning', 3), { message: /no beginning/ });
  t.throws(() => flipBit(file, 200), { message: /has no byte 200/ });
});

t.test('a value is hurt in every table that holds it', async (t) => {
  const dir = folderOf({ '1.ldb': '__value__', '2.ldb': 'other', '3.ldb': 'value', 'value.txt': 'value' });
  const said = flipValue(dir, Buffer.from('value'));
  t.equal(said, 'bit 4 of byte 4 of 9 in 1.ldb, bit 4 of byte 2 of 5 in 3.ldb');
  t.equal(readFileSync(join(dir, 'value.txt'), 'utf8'), 'value');
  t.throws(() => flipValue(dir, Buffer.from('value')), { message: /no table in .* holds the value of 5 bytes/ });
});

t.test('files are cut, removed, replaced and swapped', async (t) => {
  const dir = folderOf({ a: '0123456789', gone: '' });
  t.equal(truncate(join(dir, 'a'), 0.5), 'a from 10 to 5 bytes');
  t.equal(truncate(join(dir, 'a'), -1), 'a from 5 to 4 bytes');
  t.equal(readFileSync(join(dir, 'a'), 'utf8'), '0123');
  t.throws(() => truncate(join(dir, 'a'), 1), { message: /cannot be cut to 4/ });
  t.throws(() => truncate(join(dir, 'a'), -5), { message: /cannot be cut to -1/ });
  t.equal(remove(join(dir, 'gone')), 'gone');
  t.throws(() => remove(join(dir, 'gone')), { message: /is not there/ });
  const [one, two] = [folderOf({ n: '1' }), folderOf({ n: '2' })];
  swapFolders(one, two);
  t.equal(readFileSync(join(one, 'n'), 'utf8'), '2');
  t.equal(readFileSync(join(two, 'n'), 'utf8'), '1');
  replaceFolder(one, two);
  t.equal(readFileSync(join(one, 'n'), 'utf8'), '1');
});
