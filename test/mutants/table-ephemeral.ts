// Mutants of what is shown and never stored.
import type { Mutant } from './mutant.ts';
import { one } from './mutant.ts';

const view = 'engine/document/view/ephemera.js';
const viewers = 'engine/document/view/viewers.js';
const host = 'host/ephemera.js';

export const ephemeralMutants: readonly Mutant[] = [
  one('D44', 'shows everybody what is shown', view, 'outcomes[policy] === true', 'outcomes[policy] !== undefined'),
  one('D44', 'forgets that who passes now was told nothing', viewers, 'this.ephemera.shift();', ''),
  one(
    'D44',
    'leaves what was shown with who passes no more',
    view,
    'if (isIn(channel, from & ~to))\n                texts.push(',
    'if (false)\n                texts.push(',
  ),
  one(
    'D44',
    'keeps who passes no more from hearing that somebody left',
    view,
    'else if (isIn(channel, from) && value === undefined)',
    'else if (false)',
  ),
  one(
    'D44',
    'shows who comes what was there before',
    view,
    'this.#first.clear();\n    }\n    /** What all',
    '}\n    /** What all',
  ),
  one(
    'D44',
    'shows what an update grants before its delta',
    'host/audience.js',
    'for (const { viewer, kind, json } of deltas) {',
    'this.#show(shown, emit); for (const { viewer, kind, json } of deltas) {',
  ),
  one(
    'D43',
    'keeps what somebody showed who left',
    viewers,
    'this.ephemera.leave(viewer, !this.#viewers.has(viewer.who));',
    '',
  ),
  one('D43', 'does not ask a check again', viewers, 'this.ephemera.changed(change.redo);', ''),
  one('D43', 'takes what is checked for what passes', view, 'return said === true;', 'return true;'),
  one('D43', 'drops who moves first', view, 'this.#values.delete(key);\n        this.#values.set', 'this.#values.set'),
  one('D43', 'keeps any number of values', view, 'if (this.#values.size <= ephemeralValuesMax &&', 'if ('),
  one('D43', 'asks while what was shown is on its way', host, 'if (stage.isBusy)\n            return;', ''),
  one(
    'D43',
    'forgets what came while it was busy',
    host,
    'if (stage.isDue)\n                this.#stir(name, kept, stage);',
    '',
  ),
  one('D43', 'shows the oldest', host, 'if (!newest.delete(channel)) {', 'if (newest.has(channel)) return;\n        {'),
  one('D43', 'does not ask what is gone with a view', 'host/desk.js', 'this.ephemera.left(attached, kept);', ''),
  one(
    'D43',
    'bounds nothing that waits',
    host,
    'newest.size >= ephemeralsMax || stage.count >= ephemeralPendingMax',
    'false',
  ),
  one('F24', 'shows what is shown of a view that is gone', 'proxy/attachments.js', 'forgetShowing(attachment);', ''),
  one(
    'F24',
    'sends a slow client everything',
    'proxy/session.js',
    'if (this.#shown.isEmpty && this.#socket.bufferedAmount <= ephemeralBacklogBytes)',
    'if (true)',
  ),
  one(
    'F24',
    'keeps for a slow client what was before its view',
    'proxy/session.js',
    'unshow: (doc) => this.#shown.forget(doc),',
    'unshow: () => { },',
  ),
  one('F24', 'does not show again behind a view', 'proxy/client/shown.js', 'own.isDue = !own.isGone;', ''),
  one('F24', 'keeps what was shown before a view', 'proxy/client/document.js', 'this.#showing.onView();', ''),
];
