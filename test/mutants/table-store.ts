// Mutants of what lies below the log: folding, snapshots, what a load reads.
import type { Mutant } from './mutant.ts';
import { one } from './mutant.ts';

const folding = 'engine/store/folding.js';
const documents = 'engine/store/documents.js';
const snapshot = 'engine/document/life/snapshot.js';
const pages = 'chain/pages.js';
const copy = 'chain/copy.js';

export const storeMutants: readonly Mutant[] = [
  one('C17', 'trims while somebody syncs', pages, '(isWhole &&', '('),
  one('C17', 'trims what is not committed', pages, 'through.lsn > replica.committed', 'false'),
  one(
    'C17',
    'trims while it does not serve',
    pages,
    "if (phase.kind !== 'serving')\n        return false;",
    "if (phase.kind !== 'serving')\n        return true;",
  ),
  one(
    'C17',
    'gives documents of two moments',
    'host/copies.js',
    'if (!(await settle(chain)))\n                return;',
    '',
  ),
  one('C11', 'counts while it is given documents', copy, 'write(replica, undefined, [], { logEpoch: 0 }, out);', ''),
  one(
    'C11',
    'keeps what an abandoned copy has left',
    copy,
    "if (replica.leftover === 'some')\n        wipe(replica, out);",
    "if (replica.leftover === 'some')\n        replica.leftover = 'none';",
  ),
  one('C11', 'forgets at a start what is left', 'engine/store/recovery.js', 'base.hasLeftover ? origin :', ''),
  one(
    'C11',
    'goes on over pages of another moment',
    pages,
    'if (start !== undefined && !samePosition(start, page.start))',
    'if (false)',
  ),
  one(
    'C11',
    'believes documents that do not come to their sum',
    'engine/store/pages.js',
    '!== sum)',
    '!== sum && false)',
  ),
  one('C11', 'goes back for what the source no longer has', copy, 'if (base.lsn < start.lsn)', 'if (false)'),
  one(
    'E13',
    'folds what is not committed',
    'host/host.js',
    'yield { chain, committed };',
    'yield { chain, committed: replica.received.lsn };',
  ),
  one(
    'E13',
    'calls documents folded before they are',
    folding,
    'const names = [...pieces.keys()].sort();',
    'await store.behind(chain, [], { folded }); const names = [...pieces.keys()].sort();',
  ),
  one('E13', 'folds again what a snapshot holds', folding, 'filter(({ lsn }) => lsn > from)', 'filter(() => true)'),
  one(
    'E13',
    'keeps the old snapshot in the sum',
    folding,
    'before === undefined ? sum : addToSum(sum, key, encodeSnapshotEntry(key, before), -1)',
    'sum',
  ),
  one(
    'E13',
    'forgets the block that it goes on from',
    folding,
    'block.push({ lsn: first.lsn, seqFirst: newest, count, bytes: updates });',
    '',
  ),
  one('E13', 'reads again what a snapshot holds', documents, 'if (lsn <= foldedLsn)\n            continue;', ''),
  one(
    'E4',
    'opens without walking the log',
    'engine/store/recovery.js',
    'end = { lsn: record.lsn, hash: record.hash };',
    '',
  ),
  one(
    'D17',
    'a snapshot forgets answers',
    snapshot,
    'const kept = [...answers.values()]',
    'const kept = [...answers.values()].slice(1)',
  ),
  one(
    'D17',
    'a snapshot forgets who was used last',
    snapshot,
    '[...sessions.byId.values()]',
    '[...sessions.byId.values()].sort((a, b) => a.seq - b.seq)',
  ),
  one(
    'D17',
    'folds one section',
    snapshot,
    'takeSections(past, sections);',
    'takeSections(past, sections.slice(0, 1));',
  ),
];
