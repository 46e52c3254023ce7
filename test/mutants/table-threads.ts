// Mutants of documents in threads.
import type { Mutant } from './mutant.ts';
import { one } from './mutant.ts';

const slot = 'host/workers/slot.js';
const shelves = 'host/shelves.js';

export const threadMutants: readonly Mutant[] = [
  one(
    'C15',
    'hears over a view that was closed while its document was read',
    'host/desk.js',
    'if (front.views.get(view) === attached)',
    'if (true)',
  ),
  one('D30', 'never ends a thread', slot, 'this.#seen.looks >= looksMax', 'false'),
  one('D30', 'goes on with all at once behind a thread that ended', slot, 'this.#singly > 0 ? 1 :', 'false ? 1 :'),
  one(
    'D30',
    'ends a thread that loads a document for long',
    slot,
    '!runsApplication(posted[entry - 1])',
    'entry === 0',
  ),
  one(
    'D33',
    'forgets that a document stops its thread',
    'host/workers/rests.js',
    'this.#nowMs() < stops.restsUntilMs',
    'false',
  ),
  one('D33', 'does nothing of what was asked before a stop', shelves, '(isRefused && !isDeed)', '!isDeed'),
  one('D30', 'runs what is to be blamed again', shelves, 'if (asked === stopped)', 'if (false)'),
  one(
    'D30',
    'does not write a refusal',
    shelves,
    "if (command.kind === 'send' || command.kind === 'undo') {",
    'if (false) {',
  ),
  one('D30', 'forgets what was asked of a thread that died', shelves, 'waiting.push(askAgain(asked));', ''),
  one(
    'D30',
    'reads a document again before it is committed',
    shelves,
    'if (this.#parts.isSettled(shelf.serial))',
    'if (true)',
  ),
  one(
    'D30',
    'forgets who views a document that is read again',
    shelves,
    'const viewers = this.#parts.viewers(text);',
    'const viewers = [];',
  ),
  one(
    'D29',
    'does what was asked last first',
    slot,
    'this.#gathering.push(posted);',
    'this.#gathering.unshift(posted);',
  ),
  one(
    'D29',
    'takes in what was done for a desk that has stopped',
    slot,
    'onRan(asked, ran) {\n        if (this.#isOver)\n            return;',
    'onRan(asked, ran) {',
  ),
  one('D29', 'hears who sends while a view is opened', 'host/openings.js', 'this.#openings.size === 0', 'true'),
  one('D29', 'keeps the viewers of what was deleted', 'host/held.js', 'this.#closeAll();', ''),
];
