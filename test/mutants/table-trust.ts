// Mutants of whether a store is believed: what is compared when it opens, what stands beside it, and what becomes of one that is not.
import type { Mutant } from './mutant.ts';
import { one } from './mutant.ts';

const recovery = 'engine/store/recovery.js';
const tally = 'engine/store/tally.js';
const sealed = 'engine/store/sealed.js';
const believing = 'host/believing.js';
const keeper = 'host/watermark-keeper.js';

const counts = 'countEntry(key, value) {';

export const trustMutants: readonly Mutant[] = [
  one('E5', 'does not compare the watermark', recovery, 'if (serial < (known?.serial ?? 0))', 'if (false)'),
  one(
    'E5',
    'believes another store than the one it remembers',
    recovery,
    'known !== undefined && known.storeId !== found.storeId',
    'false',
  ),
  one(
    'E5',
    'writes the watermark ahead of what is durable',
    'engine/store/store.js',
    'return this.#serial;',
    'return this.#tally.serial;',
  ),
  one('E5', 'says more than it counted', keeper, 'const next = serial();', 'const next = serial() + 1;'),
  one('E5', 'writes one slot only', keeper, 'this.#slot = this.#slot === 0 ? 1 : 0;', ''),
  one('E5', 'begins with the first slot', 'engine/store/watermark.js', 'newestSlot(file).slot === 0 ? 1 : 0', '0'),
  one('E5', 'takes for written what it has', keeper, 'readWatermark(file).serial', 'parts.serial()'),
  one('E4', 'does not compare the sum of the tally', recovery, 'stored.sum !== tally.sum', 'false'),
  one('E4', 'does not count marks', tally, counts, `${counts} if (key[0] === 2) return;`),
  one('E4', 'does not count cells', tally, counts, `${counts} if (key[0] === 3) return;`),
  one('E4', 'does not count bases', tally, counts, `${counts} if (key[0] === 4) return;`),
  one('E4', 'does not count the ends of logs', tally, 'countEnd(chain, end) {', 'countEnd(chain, end) { return;'),
  one('E4', 'does not compare the hash before', 'engine/store/log.js', 'record.previousHash !== last.hash', 'false'),
  one('E3', 'does not compare checksums', sealed, 'checksumOf(body) !== stored', 'false'),
  one(
    'E3',
    'does not compare the checksums of documents',
    'engine/store/snapshot-format.js',
    'if (checksumOfTwo(key, body) !==',
    'if (false && checksumOfTwo(key, body) !==',
  ),
  one('E3', 'gives pages away unchecked', 'engine/store/pages.js', 'checkEntry(chain, pair.key, pair.value);', ''),
  one('E6', 'begins anew where a store should be', 'engine/store/store.js', 'if (known !== undefined)', 'if (false)'),
  one(
    'E7',
    'takes the store of any host',
    recovery,
    'found.host !== fresh.host || found.cluster !== fresh.cluster',
    'false',
  ),
  one('E10', 'does not walk what LevelDB tells of', believing, 'await walkWhole(store, parts.chains);', ';'),
  one(
    'E10',
    'forgets what it was told before it walked',
    'host/host-files.js',
    '...(await this.losses()), ...told',
    '...told',
  ),
  one('E10', 'does not note that it opens', 'host/host-files.js', "await writeDurably(file, '', 0o600);", ';'),
  one('E14', 'opens again what it found wrong', believing, 'if (limbo !== undefined)', 'if (false)'),
  one(
    'E14',
    'begins anew under the old id',
    believing,
    'const store = await Store.open(disk, chains, fresh());',
    'const { host } = fresh(); globalThis.firsts ??= {}; const store = await Store.open(disk, chains, (globalThis.firsts[host] ??= fresh()));',
  ),
  one('E14', 'does not note what it found', 'host/doubt.js', 'if (isReplaceable(node))', 'if (false)'),
  one(
    'E14',
    'gives up the last that there is',
    'host/doubt.js',
    'serving.some(({ host }) => livesElse(host))',
    'serving.length > 0',
  ),
  one('H8', 'asks for a place that it has', 'chain/voter-care.js', 'leaver.storeId === storeId || ', ''),
  one(
    'E2',
    'takes a write that failed for one that did not',
    'engine/store/store.js',
    '(cause) => this.#failed(cause)',
    '() => this.#written(planned, serial)',
  ),
];
