// Mutants of what views look at.
import type { Mutant } from './mutant.ts';
import { one } from './mutant.ts';

const look = 'engine/document/view/look.js';
const viewers = 'engine/document/view/viewers.js';
const present = 'engine/document/view/present.js';
const host = 'host/looks.js';
const proxy = 'proxy/looking.js';
const client = 'proxy/client/looking.js';

export const lookMutants: readonly Mutant[] = [
  one('D52', 'lets a bubble change what it is given', look, 'state: frozenCopy(state)', 'state'),
  one('D52', 'tells equal states apart', look, '(one < other ? -1 : 1)', '0'),
  one('D52', 'takes a state of any length', look, 'if (json.length <= viewerStateLengthMax)', 'if (true)'),
  one('D52', 'shows all views of a principal the same', present, 'keyOf(who) + look.json', 'keyOf(who)'),
  one('D4', 'forgets what he was let see', viewers, 'beside?.rows.copy() ?? ', ''),
  one('D47', 'takes who looks elsewhere for gone', viewers, '!this.#viewers.has(viewer.who)', 'true'),
  one(
    'D52',
    'names one of his views',
    present,
    'this.#beside.get(principal) ?? []',
    '[...(this.#beside.get(principal) ?? [])].slice(0, 1)',
  ),
  one(
    'D52',
    'shows bubbles as the view before had them',
    viewers,
    'bubbles: viewer.bubbles };\n        const delta',
    'bubbles: from.bubbles };\n        const delta',
  ),
  one('D52', 'keeps the view that was', viewers, 'this.close(from);', ''),
  one(
    'D47',
    'misses who closed one of his views',
    'engine/document/open.js',
    '!resident.viewers.has(viewer.who)',
    'viewer.views === 0',
  ),
  one('D52', 'closes the view that was', host, 'return this.#turning.has(attached);', 'return false;'),
  one('D52', 'keeps a view that was closed meanwhile', host, 'kept.document.close(outcome.viewer);', ''),
  one('D52', 'asks while what came of the last is on its way', host, 'this.#busy.has(attached) || ', ''),
  one(
    'D52',
    'forgets what was said meanwhile',
    host,
    'this.#busy.delete(attached);\n            this.#stir(attached);',
    'this.#busy.delete(attached);',
  ),
  one('D52', 'forgets what was lost with its document', host, 'attached.viewer !== viewer && ', 'false && '),
  one('D52', 'forgets what was taken', host, 'attached.look = look;', ''),
  one('D52', 'asks for a viewer that is no more', 'host/shelves.js', "kind === 'look'", "kind === 'none'"),
  one('D30', 'blames nobody for what a view looks at', 'host/workers/slot.js', "'reopen', 'look',", "'reopen',"),
  one(
    'D52',
    'opens again as if nothing had been said',
    'host/desk.js',
    'who: attached.who, look: attached.look?.state',
    'who: attached.who',
  ),
  one('F25', 'sends all that is said', proxy, 'if (looking.timer === undefined)', 'if (true)'),
  one('F25', 'opens by what was refused', proxy, 'looking.newest = undefined;', ''),
  one(
    'F25',
    'forgets what was said while it was nowhere',
    proxy,
    'looking.newest = newest;',
    'if (place !== undefined) looking.newest = newest;',
  ),
  one('F25', 'keeps what waits for another view', proxy, 'looking.isDue = false;\n}', '}'),
  one('F25', 'opens as if nothing had been said', 'proxy/client/document.js', 'this.#looking.opening()', "''"),
  one('F25', 'goes back to what was refused', client, 'if (this.#former?.n === n)', 'if (false)'),
  one('F25', 'takes a late refusal for that of the newest', client, 'if (this.#newest?.n !== n)', 'if (false)'),
  one('F25', 'does not say again what it goes back to', client, 'if (body !== undefined)', 'if (false)'),
  one('D31', 'believes what a view says it looks at', 'host/testing/document.js', 'viewer.onLooked(state);', ''),
];
