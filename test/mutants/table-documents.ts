// Mutants of what becomes of a document: deleted, erased, brought back from its history, out of memory and in again.
import type { Mutant } from './mutant.ts';
import { one } from './mutant.ts';

const folding = 'engine/store/folding.js';
const documents = 'engine/store/documents.js';
const operate = 'engine/document/operate.js';
const erasing = 'engine/store/erasing.js';
const pages = 'engine/store/pages.js';
const update = 'engine/document/life/update.js';
const sessions = 'engine/document/life/sessions.js';

export const documentMutants: readonly Mutant[] = [
  one('D20', 'keeps the snapshot of what was deleted', folding, 'puts.push({ key, value: undefined });', ''),
  one(
    'D20',
    'keeps the history of what was deleted',
    folding,
    'for (const seqFirst of before.blocks)',
    'for (const seqFirst of [])',
  ),
  one('D20', 'forgets how far what was deleted had come', folding, 'if (seqFloor > 0)', 'if (false)'),
  one(
    'D20',
    'lowers how far what was deleted had come',
    folding,
    'Math.max(seq, await readSeqFloor(store, chain))',
    'seq',
  ),
  one('D20', 'begins anew at 1', documents, 'isNothing ? await readSeqFloor(store, chain) : 0', '0'),
  one('D20', 'takes in what was before the delete', update, 'at < 0 ? updates : updates.slice(at + 1)', 'updates'),
  one('D21', 'does not note what is to be erased', folding, 'puts.push(putPending(chain, name, lsn));', ''),
  one('D21', 'erases before the log is trimmed', erasing, "!hasLeftover && (name === '' || isTrimmed)", 'true'),
  one('D21', 'waits for a log that is gone', erasing, '|| number > store.durable(chain).lsn', ''),
  one('D21', 'serves the first chain only', erasing, 'await findDueIn(store, [behind, to])', '[]'),
  one('D21', 'takes one wiping for another', pages, "putPending(chain, '', store.serial)", "putPending(chain, '', 0)"),
  one('D21', 'keeps what was deleted in one block', update, 'end - from < bytesMax &&', ''),
  one(
    'C15',
    'keeps answers without end',
    sessions,
    'if (sessions.answersLength > documentAnswersLengthMax)',
    'if (false)',
  ),
  one('C15', 'forgets whoever came first', sessions, 'if (length > (most?.length ?? 0))', 'if (most === undefined)'),
  one(
    'C11',
    'puts two large documents into a page',
    pages,
    'bytes > 0 && bytes + pair.key.length + pair.value.length > bytesMax',
    'bytes >= bytesMax',
  ),
  one('C11', 'stores a page twice', 'chain/pages.js', '|| isStoring)', ')'),
  one(
    'C11',
    'stores a page over what is there',
    pages,
    'hasLeftover || floor.lsn + store.durable(chain).lsn === 0',
    'true',
  ),
  one('D23', 'ends for one document', 'host/shelves.js', 'if (this.#isStopped || !isRefused)', 'if (true)'),
  one(
    'D23',
    'ends for the history of one document',
    'host/desk-reads.js',
    'if (isUnreadable(cause))\n                throw cause;',
    '',
  ),
  one('D21', 'forgets without erasing', erasing, 'await store.compact(from, to);', ';'),
  one(
    'D19',
    'takes sessions back with the state',
    operate,
    'inside.seq = seq;\n    inside.hours',
    'inside.seq = seq; inside.sessions.byId.clear(); inside.hours',
  ),
  one('D19', 'goes back to another incarnation', operate, 'to.incarnation !== inside.incarnation', 'false'),
  one('D22', 'puts out who is needed', 'host/memory.js', 'if (tenant.mayLeave())', 'if (true)'),
  one('D22', 'never makes room', 'host/memory.js', 'if (this.#bytes > this.#bytesMax)', 'if (false)'),
  one('D22', 'lets go of what is not committed', 'host/shelf.js', '&& queue.isSettled(shelf.serial)', ''),
  one('E8', 'takes a lock from who lives', 'host/lock.js', 'if (await isAlive(holder)) {', 'if (false) {'),
  one(
    'E9',
    'takes writes on a full disk',
    'host/space.js',
    'const isFull = free < (',
    'const isFull = false && free < (',
  ),
  one('E9', 'keeps its reserve to the end', 'host/space.js', 'await giveReserve();', ';'),
  one('E13', 'cuts a log below a snapshot', 'engine/store/store.js', 'Math.max(folded.lsn, newest)', 'folded.lsn'),
  one(
    'E13',
    'believes a log that ends before a snapshot',
    'engine/store/recovery.js',
    'durable.lsn < base.newest',
    'false',
  ),
  one(
    'E13',
    'goes on from below what a pass has begun to fold',
    'chain/copy.js',
    'if (at < newest)',
    'if (at < folded.lsn)',
  ),
  one('E13', 'forgets what a pass has begun to fold', 'chain/pages.js', 'if (through > replica.newest)', 'if (false)'),
];
