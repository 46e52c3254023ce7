// Mutants of documents, their desk and the way to their viewers: one line each.
import type { Mutant } from './mutant.ts';
import { one, unseen } from './mutant.ts';

const sessions = 'engine/document/life/sessions.js';
const batcher = 'host/batcher.js';
const desk = 'host/desk.js';
const attachments = 'proxy/attachments.js';
const client = 'proxy/client/document.js';
const page = 'proxy/page.js';

export const hostMutants: readonly Mutant[] = [
  one('C15', 'applies a send behind a gap', sessions, 'if (n > session.last + 1)', 'if (false)'),
  one(
    'C15',
    'numbers sends per connection',
    sessions,
    'session.last = n;',
    'session.last = n; if (n % 7 === 0) session.answers.delete(n - 1), session.last = n - 1;',
  ),
  one(
    'C18',
    'lets reads out without a barrier',
    batcher,
    'this.#unasked.push(reads);',
    'this.#unasked.push(reads); reads.isDone = true;',
  ),
  one('C18', 'lets reads out with the barrier before', batcher, 'reads.token > token)', 'reads.token > token + 1)'),
  one('C18', 'lets outputs out one batch early', batcher, 'batch.lsn > lsn)', 'batch.lsn > lsn + 1)'),
  one(
    'C18',
    'lets everything out when it stops',
    desk,
    'this.#isStopped = true;',
    'this.#isStopped = true; this.queue.commit(Number.MAX_SAFE_INTEGER);',
  ),
  one('C18', 'keeps a stopped desk', 'host/host.js', 'chain.service?.stop();\n        chain.service = undefined;', ''),
  one(
    'D5',
    'forgets a link when one of its viewers leaves',
    'host/audience.js',
    'place.views === 0',
    'place.views >= 0',
  ),
  one('D6', 'tells a kind what was told to one of it', 'proxy/attachments.js', 'place.seq < seq', 'place.seq <= seq'),
  one(
    'F5',
    'tells a new viewer of the past',
    desk,
    'this.#take(attached.name, ran);\n        this.#tell(attached.name, ran);',
    'this.#take(attached.name, ran); this.#tell(attached.name, { ...ran, deltas: [{ viewer: undefined, kind: 2, json: "{}" }] });',
  ),
  one(
    'D11',
    'loses a document of a batch from the index',
    'host/host.js',
    'indexNames(index, entry, names);',
    'indexNames(index, entry, names.slice(0, 1));',
  ),
  one(
    'F3',
    'forgets sends at a failover',
    attachments,
    'for (const send of attachment.unanswered.values())\n            this.#forward(attachment, send);',
    '',
  ),
  unseen(
    one(
      'F3',
      'sends again in the wrong order',
      attachments,
      'for (const send of attachment.unanswered.values())',
      'for (const send of [...attachment.unanswered.values()].reverse())',
    ),
    'the head refuses the gap, and the client sends again in order',
  ),
  one('F10', 'shows what begins with a dot', page, "name.startsWith('.') || ", ''),
  one('F10', 'shows what a package manager brought', page, " || name === 'node_modules'", ''),
  one('F10', 'takes any folder for a page', page, 'files.size >= pageFilesMax', 'false'),
  one(
    'F10',
    'forgets who looks on the way into a folder',
    page,
    "match(/\\?.*/)?.[0] ?? ''",
    "match(/\\?.*/)?.[9] ?? ''",
  ),
  one('F1', 'follows the oldest claim', 'proxy/route.js', 'claim.epoch > other.epoch', 'claim.epoch < other.epoch'),
  one(
    'F19',
    'numbers anew what it sends again',
    client,
    'for (const send of this.#inFlight)\n                this.#write(send);',
    'for (const send of this.#inFlight) { send.n = this.#next; this.#next += 1; this.#write(send); }',
  ),
  one('F30', 'shows a hand of hearts to all', 'examples/hearts/app.js', "hand: viewerIs('who')", 'hand: open'),
  one('F30', 'shows what sleeps', 'examples/hearts/app.js', "sleeping: all('isOver')", 'sleeping: open'),
  one('F30', 'shows hidden notes', 'examples/board/app.js', "requires('mayRead', open)", 'open'),
  one('F30', 'changes notes that are hidden', 'examples/board/app.js', 'note.isHidden && !same(note.by, who)', 'false'),
  one(
    'F30',
    'shows how hidden notes are dragged',
    'examples/board/app.js',
    '?.isHidden === false',
    '?.isHidden !== undefined',
  ),
  one('F30', 'shows whispers', 'examples/chat/app.js', "requires('mayRead', open)", 'open'),
  one(
    'F30',
    'forgets what all said for whispers',
    'examples/chat/app.js',
    'doc.messages.where({ from: who, to })',
    'doc.messages',
  ),
  one('F19', 'takes a new session at each connection', client, "(this.#session ?? 'new')", "'new'"),
];
