// Mutants of what viewers see: gates, policies, kinds of viewers, and the difference that an update makes for them.
import type { Mutant } from './mutant.ts';
import { one } from './mutant.ts';

const changes = 'engine/document/view/changes.js';
const sight = 'engine/document/view/sight.js';
const policies = 'engine/document/view/policies.js';
const viewers = 'engine/document/view/viewers.js';
const kinds = 'engine/document/view/kinds.js';
const viewer = 'engine/document/view/viewer.js';
const project = 'engine/document/view/project.js';
const overlay = 'engine/document/view/overlay.js';

export const viewMutants: readonly Mutant[] = [
  one(
    'D5',
    'forgets that a row decides about itself',
    changes,
    "before.outcomes[policy] === 'row' || after.outcomes[policy] === 'row'",
    'false',
  ),
  one('D5', 'orders rows as if none had come', changes, 'now.filter((id) => !came.has(id))', '[...now]'),
  one('D5', 'forgets where a row stood that went', changes, 'former.push(...went);', ''),
  one(
    'D3',
    'orders rows that are not seen',
    changes,
    'idsOf(state).filter((id) => isRowSeen(field, id, state[id], sight, path))',
    'idsOf(state)',
  ),
  one(
    'D32',
    'shows by a bubble what is not for him',
    project,
    'field?.inner === undefined || !passesGate(field, state, sight, path)',
    'field?.inner === undefined',
  ),
  one(
    'D32',
    'leaves bubbles as they were when policies change',
    viewers,
    'stirred.size > 0 ? this.#everyBubble : changed.bubbles',
    'changed.bubbles',
  ),
  one('D32', 'shows everybody what bubbles show one', project, 'sight.onOwn();', ''),
  one('D32', 'forgets who may see what a bubble shows', policies, 'reads.add(gate.field);', ''),
  one('D32', 'shows by a bubble what the state holds by now', policies, 'frozenCopy(shown)', 'shown'),
  one('D32', 'names what has no name', 'engine/document/view/difference.js', "!id.startsWith('@') &&", ''),
  one('D1', 'leaves holes', 'engine/document/draft/json.js', 'Array.from(value, ', 'value.map('),
  one('D1', 'copies no list', 'engine/document/draft/draft.js', 'return value.map(copied);', 'return value;'),
  one('D32', 'tells of no bubble', changes, "field.kind === 'bubble' && shift.bubbles.has(field.initial)", 'false'),
  one(
    'D26',
    'orders rows as they stand in memory',
    'engine/document/view/order.js',
    'return isSorted ? ids',
    'return true ? ids',
  ),
  one('D5', 'takes who holds a gate for who held it', changes, "gate.kind !== 'viewerIs' ||", 'true ||'),
  one(
    'D28',
    'looks at nothing that was not written',
    changes,
    'isTouched(plan.policies, shift.stirred) || shift.formulas.size + shift.bubbles.size > 0',
    'false',
  ),
  one('D28', 'looks into what comes whole', changes, 'isInside && !isStirred', 'isInside'),
  one('D3', 'changes a record that is not there', changes, 'isSeen(plan, twin, shift.after, path, false) && ', ''),
  one('D3', 'changes a record that was not there', changes, ' && isSeen(plan, twin, shift.before, path, true)', ''),
  one('D5', 'tells nobody of his own among many', overlay, 'if (Object.hasOwn(others, place.key))', 'if (false)'),
  one('D4', 'tells him what nobody in particular is told of his own', overlay, 'delete made[place.key];', '{}'),
  one('D5', 'lays what is his over an order that is not', overlay, 'if (key.charCodeAt(0) === atSign)', 'if (false)'),
  one('D6', 'tells him of his own alone', overlay, 'const made = { ...entries };', 'const made = {};'),
  one('D4', 'knows one place of each who is named', viewer, 'places.at(-1) !== this.#at', 'places.length === 0'),
  one('D4', 'looks at entries alone for whom more names', viewer, 'this.#at === undefined || places', 'places'),
  one(
    'D28',
    'takes a row for one that decides about nobody',
    viewers,
    'noticed.isEach || noticed.named',
    'noticed.named',
  ),
  one('D6', 'names nobody', sight, 'sight.onHolder(holder);', ''),
  one('D28', 'lets one of several policies do', sight, 'policies.every(', 'policies.some('),
  one('D28', 'asks about one and believes it of all', policies, 'if (!asked.who)', 'if (true)'),
  one('D28', 'asks once', policies, 'known.everybody = undefined;', ''),
  one('D28', 'asks for no row', policies, "asked.row ? 'row' : said", 'said'),
  one('D28', 'takes anything for a yes', policies, 'return said === true;', 'return Boolean(said);'),
  one('D28', 'keeps the value of a formula', policies, 'known.isKnown = false;', ''),
  one('D4', 'shows all of a kind the same', viewers, '!isEach && !named.has(keyOf(who))', '!isEach'),
  one('D5', 'shows who comes what was', viewers, 'move.from.first = undefined;', ''),
  one(
    'D6',
    'moves the many to the few',
    kinds,
    'heirs.get(key)?.count ?? 0) < telling.count',
    'heirs.get(key)?.count ?? 0) === 0',
  ),
  one(
    'D6',
    'leaves the many with the few',
    kinds,
    'largest.get(from)?.count ?? 0) < telling.count',
    'largest.get(from)?.count ?? 0) === 0',
  ),
  one('D28', 'takes a row for what it was', viewer, " || outcomes[number] === 'row'", ''),
  one(
    'D28',
    'keeps a row that was taken away',
    'engine/document/view/rows-seen.js',
    'else if (policies?.delete(policy)',
    'else if (false && policies?.delete(policy)',
  ),
  one(
    'D28',
    'lets a policy write',
    'engine/document/draft/cursor.js',
    'if (this.transaction.isReadOnly)',
    'if (false)',
  ),
  one(
    'D28',
    'reads without noting it',
    'engine/document/draft/reading.js',
    'child(key) {\n        this.#note(key);',
    'child(key) {',
  ),
];
