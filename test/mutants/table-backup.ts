// Mutants of backups and of what is made of them: one line each.
import type { Mutant } from './mutant.ts';
import { one, unseen } from './mutant.ts';

const exporting = 'host/exporting.js';
const reading = 'engine/store/export.js';
const backup = 'host/backup.js';
const lay = 'engine/store/lay.js';
const checking = 'host/backup-read.js';

export const backupMutants: readonly Mutant[] = [
  one(
    'B1',
    'asks nobody what is committed',
    exporting,
    'await new Promise((resolve) => this.#parts.whenCommitted(chain, resolve));',
    '',
  ),
  one('B1', 'gives documents before they are folded', exporting, 'if (folded < through) {', 'if (false) {'),
  one('B1', 'gives a snapshot with a history of another moment', reading, 'block.count - 1 === snapshot.seq', 'true'),
  one('B1', 'goes on with a document that was folded again', reading, 'cursor?.lsn === lsn', 'cursor !== undefined'),
  one('B1', 'takes a block that was dropped for a broken store', reading, 'if (isDropped)', 'if (false)'),
  one('B1', 'gives the newest history only', reading, 'blocks.length > 1 ? older', 'blocks.length > 99 ? older'),
  one('B2', 'gives the last document of a page twice', reading, 'Uint8Array.of(0)])', 'new Uint8Array(0)])'),
  one('B2', 'goes on with the history of another store', backup, 'if (storeId !== answer.storeId)', 'if (false)'),
  one(
    'B2',
    'gives what it read when it headed the chain no more',
    exporting,
    'this.#headed(chain, epoch);\n            const base64',
    'const base64',
  ),
  one('B3', 'names a file before it is finished', backup, 'await folder.finish();\n        this.#file', 'this.#file'),
  one('B3', 'begins a chain anew where it was cut', backup, 'cursorAfter(writer.after)', "cursorAfter('')"),
  one(
    'B4',
    'believes an entry without its checksum',
    'engine/store/backup-format.js',
    'if (checksumOf(',
    'if (false && (',
  ),
  unseen(
    one('B4', 'believes a file without its sum', checking, "sha.digest('hex') !== sha256", 'false'),
    'the sums of entries and documents see first what it would see: it is for tools that know nothing of entries',
  ),
  one('B4', 'believes a manifest without its sum', 'host/backup-folder.js', '!== text)', '!== text && false)'),
  one(
    'B5',
    'begins each chain somewhere else',
    lay,
    'lsn: laidLsn, hash }',
    'lsn: laidLsn, hash: noBase.floor.hash.replace(/^../, () => String(10 + (Date.now() % 80))) }',
  ),
  one('B5', 'lays everything on every host', 'host/restore.js', '?.includes(id) === true', '!== undefined'),
  one('B5', 'counts what was never laid whole', lay, 'sum: laid.sum, hasLeftover: false', 'sum: laid.sum'),
  one(
    'B6',
    'counts a document by the chain it lies in',
    'engine/store/backup-format.js',
    'addToSum(tally.hash, key, state, 1)',
    'addToSum(tally.hash, key, Buffer.from(String(tally.documents)), 1)',
  ),
];
