// biome-ignore-all lint/suspicious/noTemplateCurlyInString: patches are pieces of code, also of templates.
// Mutants of the chain and of its log on disk: one line each.
import type { Mutant } from './mutant.ts';
import { one, unseen } from './mutant.ts';

const onlyPrefixes = 'with fixed members all logs are prefixes of one history';

const normal = 'chain/normal.js';
const member = 'chain/member.js';
const assembly = 'chain/assembly.js';
const store = 'engine/store/store.js';
const sessions = 'engine/document/sessions.js';

export const chainMutants: readonly Mutant[] = [
  one(
    'C5',
    'acks what is not synced',
    normal,
    '? replica.ackedBelow : replica.durable;',
    '? replica.ackedBelow : replica.received;',
  ),
  one(
    'C5',
    'acks without waiting below',
    normal,
    'lower !== undefined && replica.ackedBelow.lsn < replica.durable.lsn',
    'false',
  ),
  one(
    'S2',
    'calls a write durable before it is',
    store,
    'this.#disk.write(puts).then(',
    'this.#disk.write(puts).catch(() => {}), Promise.resolve().then(',
  ),
  one('E2', 'goes on after a write failed', store, '(cause) => this.#failed(cause)', '() => this.#written(synced)'),
  one('E1', 'starts a write while one is in flight', store, "this.#status !== 'open' || this.#queue", 'this.#queue'),
  one(
    'S1',
    'forgets the marks of a write',
    store,
    'puts.push({ key: marksKey(chain)',
    '[].push({ key: marksKey(chain)',
  ),
  unseen(
    one(
      'C4',
      'writes what was queued when it was sealed',
      store,
      'item.chain !== chain || item.entries.length === 0',
      'true',
    ),
    'what is written with the seal is answered with it: it is durable, and counted',
  ),
  one(
    'C4',
    'accepts appends until its seal is synced',
    member,
    "replica.phase = { kind: 'sealing' };",
    "if (replica.phase.kind !== 'serving') replica.phase = { kind: 'sealing' }; else setTimeout(() => { replica.phase = { kind: 'sealing' }; }, 1);",
  ),
  one(
    'C4',
    'answers a seal with what is in memory',
    member,
    'replica.received = replica.durable;\n        replica.inflight',
    'replica.durable = replica.received;\n        replica.inflight',
  ),
  one('C4', 'forgets its seal at a restart', 'chain/state.js', 'epoch: marks.sealed,', 'epoch: 0,'),
  one(
    'C7',
    'chooses the shortest history',
    assembly,
    'position.lsn > best.position.lsn',
    'position.lsn < best.position.lsn',
  ),
  one(
    'C7',
    'does not wait for all transfers',
    assembly,
    'replica.members.every((member) => assembly.answered.has(member))',
    "replica.members.some((member) => assembly.answered.has(member)) && (assembly.stage !== 'sealing' || assembly.sealed.size === replica.members.length)",
  ),
  {
    name: 'does not wait for all seals',
    rule: 'C7',
    patches: [
      {
        file: assembly,
        find: 'assert(position !== undefined, `${host} is sealed before a history is chosen`);',
        replace: 'if (position === undefined) continue;',
      },
      {
        file: assembly,
        find: 'if (replica.members.every((member) => assembly.answered.has(member)))',
        replace: "if (assembly.answered.size >= replica.members.length - (assembly.stage === 'sealing' ? 1 : 0))",
      },
    ],
  },
  one(
    'C7',
    'is filled before all of it is there',
    member,
    'marks.logEpoch === epoch && samePosition(replica.durable, phase.target)',
    'samePosition(replica.durable, replica.received)',
  ),
  one(
    'C7',
    'begins an epoch with an empty past',
    normal,
    'replica.committed = phase.start.lsn;',
    'replica.committed = 0;',
  ),
  one(
    'C13',
    'takes a restarted member for the one before',
    assembly,
    "assembly?.stage === 'serving' && isStillOf(replica, assembly)",
    "assembly?.stage === 'serving'",
  ),
  one(
    'C13',
    'serves before `ran` is synced',
    member,
    "replica.phase = { kind: 'adopting', order, start };",
    "replica.phase = { kind: 'adopting', order, start }; replica.marks = { ...replica.marks, ran: epoch }; advancePhase(replica, out);",
  ),
  unseen(
    one(
      'C16',
      'counts epochs from its own memory alone',
      assembly,
      'begin(replica, out, message.epoch);',
      'begin(replica, out);',
    ),
    'it is refused once for each epoch that it missed, and gets there',
  ),
  one(
    'C6',
    'the head commits what its own disk has',
    normal,
    "out.push({ kind: 'committed', through: through.lsn });",
    "out.push({ kind: 'committed', through: replica.received.lsn });",
  ),
  one('C7', 'does not send again what a link lost', normal, 'if (entry.lsn > position.lsn)', 'if (false)'),
  one('C5', 'does not ack again on a new link', normal, 'sendAck(replica, upper, out);\n}', '}'),
  one(
    'C3',
    'sends before the successor said where it stands',
    normal,
    'lower !== undefined && replica.lowerResume !== undefined',
    'lower !== undefined',
  ),
  one(
    'C3',
    'takes a broken link in with the next turn',
    'host/host.js',
    "this.#arrive(chain, { kind: 'disconnected', peer });\n        this.#turn();",
    "this.#arrive(chain, { kind: 'disconnected', peer });",
  ),
  one(
    'C7',
    'does not ask again when the source of a copy is back',
    member,
    'if (!samePosition(durable, received))\n        return;',
    'return;',
  ),
  one(
    'C15',
    'applies a repeat',
    sessions,
    'if (n <= session.last) {',
    'if (n <= session.last) {\n        session.last = n - 1; return { kind: "apply", session };',
  ),
  unseen(
    one(
      'C3',
      'compares acks by lsn alone',
      normal,
      'if (mine !== message.position.hash) {',
      'if (mine === undefined) {',
    ),
    onlyPrefixes,
  ),
  unseen(
    one(
      'C7',
      'appends without looking at the hash',
      normal,
      'entry.lsn !== replica.received.lsn + 1 || entry.previousHash !== replica.received.hash',
      'entry.lsn !== replica.received.lsn + 1',
    ),
    onlyPrefixes,
  ),
  unseen(
    one(
      'C3',
      'hears neighbours of any epoch',
      normal,
      "replica.phase.kind !== 'serving' || epoch !== replica.epoch",
      "replica.phase.kind !== 'serving'",
    ),
    onlyPrefixes,
  ),
  unseen(
    one(
      'C4',
      'hears any attempt of an epoch',
      member,
      'from === replica.driver && message.epoch === replica.epoch && message.nonce === replica.nonce',
      'from === replica.driver && message.epoch === replica.epoch',
    ),
    'one driver, whose epochs only grow',
  ),
];
