// Mutants of what documents do by themselves.
import type { Mutant } from './mutant.ts';
import { one } from './mutant.ts';

const events = 'engine/document/events.js';
const opening = 'engine/document/open.js';
const hours = 'engine/document/hours.js';
const undo = 'engine/document/undo.js';
const handle = 'engine/document/handle.js';
const agenda = 'engine/document/life/agenda.js';
const desk = 'host/desk-life.js';
const outbox = 'host/outbox.js';
const search = 'host/wake-search.js';

const timers: readonly Mutant[] = [
  one(
    'D45',
    'rings before it is due',
    events,
    'if (due === undefined || due.at > env.nowMs)',
    'if (due === undefined || due.at > env.nowMs + 20)',
  ),
  one('D45', 'rings the last first', agenda, 'timer.at < first.at', 'timer.at > first.at'),
  one('D45', 'keeps what a message that is too big asked for', handle, 'mergeInPlace(state, agenda.undo);', ''),
  one('D45', 'searches for nobody who wants to be woken', desk, 'this.#search.run()', 'Promise.resolve()'),
  one('D45', 'searches no snapshots', search, 'if (isIn(value))', 'if (false)'),
  one('D45', 'searches no log', search, 'if (isIn(bytes))', 'if (false)'),
  one('D45', 'has one thing happen at each look', desk, 'most <= 1', 'true'),
  one('D45', 'passes over whatever comes first', hours, 'numberOfDue(due) === number', 'true'),
  one('D46', 'runs rounds though nobody is there', hours, 'if (!isViewed && !isAlways)', 'if (false)'),
  one('D46', 'writes of a round that did nothing', events, 'Object.keys(outcome.redo).length === 0', 'false'),
  one('D46', 'forgets when a round is next', events, 'if (isAlways)', 'if (false)'),
];

const presence: readonly Mutant[] = [
  one('D47', 'tells of each view', opening, "groupOf(inside.state, wakeKey, 'here')?.[key] !== undefined", 'false'),
  one('D47', 'lets in who is refused', opening, 'isLetIn = value !== false', 'isLetIn = true'),
  one(
    'D47',
    'begins though construct failed',
    opening,
    "if ('code' in begun)\n            return refused(",
    'if (false)\n            return refused(',
  ),
  one(
    'D47',
    'misses who came back',
    hours,
    'this.#absent.delete(who);\n    }\n    /** The last',
    '}\n    /** The last',
  ),
  one('D47', 'waits for nobody after a failover', hours, 'Math.max(nowMs, this.#returnByMs)', 'nowMs'),
  one('D47', 'forgets who left before he was let in', 'host/desk.js', 'this.life.closed(name);', ''),
];

const tasks: readonly Mutant[] = [
  one(
    'D48',
    'carries out what is not committed',
    desk,
    'this.#parts.whenCommitted(() => this.#outbox.add(name, incarnation, tasks))',
    'this.#outbox.add(name, incarnation, tasks)',
  ),
  one('D48', 'tries an effect once', outbox, 'work.tries >= effectTriesMax', 'true'),
  one('D48', 'takes up nothing that a head left', 'host/held.js', 'tasks: waitingTasks(this.#resident)', 'tasks: []'),
  one('D48', 'counts from the beginning of time', outbox, 'this.#nowMs = parts.wallMs();', 'this.#nowMs = 0;'),
  one(
    'D49',
    'sends the next one before an answer is committed',
    desk,
    'this.#parts.whenCommitted(() => then(true))',
    'then(true)',
  ),
  one('D49', 'sends all at once', outbox, 'return void before.push(work);', 'before.push(work);'),
  one(
    'D49',
    'takes what is newer before what was left',
    outbox,
    'this.#isStopped || this.#left.has(document)',
    'this.#isStopped',
  ),
  one('D49', 'handles what was heard', events, 'heard !== undefined && n <= heard.n', 'false'),
  one('D49', 'takes who begins anew for who was', events, 'letter.incarnation', "''"),
  one(
    'D49',
    'says that it did what was too big',
    events,
    'if (refusal !== undefined)\n            reply =',
    'if (false)\n            reply =',
  ),
  one('D49', 'checks again what did not end', events, 'isStopped ? { value: undefined } :', ''),
];

const limits: readonly Mutant[] = [
  one('D50', 'takes as many as come', hours, 'return tokens >= 1', 'return true'),
  one('D50', 'counts no refusals', 'engine/document/document.js', 'resident.hours.took();', ';'),
  one('D51', 'undoes what another did', undo, '!samePrincipal(former.who, who)', 'false'),
  one('D51', 'undoes on any channel', undo, '|| !mayBe', ''),
  one(
    'D51',
    'undoes over what came since',
    undo,
    'if (!isJsonObject(put))\n        return isSame(now, put) ? back : conflict;',
    'if (!isJsonObject(put))\n        return back;',
  ),
  one(
    'D51',
    'undoes what was asked for',
    undo,
    'withoutAgenda(former.redo), withoutAgenda(former.undo)',
    'former.redo, former.undo',
  ),
  one('D51', 'forgets what a table promises', undo, '!fitsTables(plan.record.shape, state, redo)', 'false'),
  one('D51', 'compares keys as they are stored', undo, 'rank(row[key])', 'JSON.stringify(row[key]) ?? null'),
  one('D51', 'has a table count anew', undo, 'inside[key] === null)', 'inside[key] === null || key === nextKey)'),
];

export const lifeMutants: readonly Mutant[] = [...timers, ...presence, ...tasks, ...limits];
