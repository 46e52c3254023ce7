// Mutants of quotas, and of the accounts that count for them.
import type { Mutant } from './mutant.ts';
import { one } from './mutant.ts';

const account = 'engine/document/quota/account.js';
const claim = 'engine/document/quota/claim.js';
const desk = 'host/quotas.js';

export const quotaMutants: readonly Mutant[] = [
  one(
    'D53',
    'asks nobody what came of a claim',
    account,
    "doc.look = doc.claims.size > 0 ? ctx.schedule('look', claimKeptMs, null) : '';",
    '',
  ),
  one('D53', 'hears a former head', account, 'return epoch < known;', 'return false;'),
  one('D53', 'keeps the epochs of another cluster', account, 'if (cluster !== doc.cluster)', 'if (false)'),
  one(
    'D53',
    'takes what ends off before it has',
    account,
    'doc.documents += Math.max(documents, 0);',
    'doc.documents += documents;',
  ),
  one('D53', 'keeps what came to nothing', account, ': -Math.max(documents, 0)', ': 0'),
  one('D53', 'settles nothing by the next claim', account, 'settleBefore(doc, message);', ''),
  one(
    'D53',
    'claims from what is not committed',
    desk,
    'this.#parts.whenCommitted(() => this.#take(claim, granted, failed));',
    'this.#take(claim, granted, failed);',
  ),
  one(
    'D53',
    'says that it was used before that is committed',
    desk,
    'this.#parts.whenCommitted(() => this.#settle(claim, isDone, accountsOf(claim)));',
    'this.#settle(claim, isDone, accountsOf(claim));',
  ),
  one('D53', 'speaks of a document that is being claimed for', desk, 'return this.#held.has(name);', 'return false;'),
  one('D54', 'never is full', claim, 'standing?.fullMs === undefined', 'true'),
  one(
    'D54',
    'stays full without a quota',
    claim,
    'quota === undefined ? undefined : standingOf(state)',
    'standingOf(state)',
  ),
  one('D54', 'gives nothing back', claim, 'const isLong = wanted <= bytes / 2;', 'const isLong = false;'),
  one('D54', 'asks for what it has', claim, 'isLong ? wanted : Math.max(wanted, bytes + quotaStep)', 'wanted'),
  one('D54', 'counts a step, however long it begins', claim, 'bytes: bytesFor(length) };', 'bytes: quotaStep };'),
];
