// Mutants of what stands around a chain's protocol: registers, policy's evidence, the store that chains share. The readings of the
// protocol itself are in chain-table.ts.
import type { Mutant } from './mutant.ts';
import { one, unseen } from './mutant.ts';

const store = 'engine/store/store.js';
const plan = 'engine/store/write-plan.js';
const acceptor = 'chain/register/acceptor.js';
const proposer = 'chain/register/proposer.js';
const voters = 'chain/register/voters.js';
const node = 'chain/node.js';
const former = 'chain/former.js';

export const nodeMutants: readonly Mutant[] = [
  one(
    'C1',
    'one voter is a quorum',
    voters,
    'answered.has(storeId)).length * 2 > list.length',
    'answered.has(storeId)).length >= 1',
  ),
  one('C1', 'a CAS does not compare', proposer, 'if (isSame(x, change.expect))', 'if (true)'),
  one('C1', 'a joint list is the old one', voters, '&& (joining === undefined || isMajority(joining, answered))', ''),
  one(
    'C1',
    'asks of any generation are answered',
    acceptor,
    'if (ask.generation !== voters.generation) {',
    'if (false) {',
  ),
  one(
    'C20',
    'forgets an epoch that it ran',
    former,
    'marks.ran === known.epoch && marks.logEpoch === known.epoch',
    'false',
  ),
  one('C20', 'forgets what it was sealed for', former, 'epoch > known.epoch || marks.sealed > known.epoch', 'false'),
  one('C20', 'forgets while the chain is not whole', former, 'isWhole && known.members.length >= replication', 'true'),
  one(
    'C20',
    'forgets before its mark went',
    former,
    "out.push({ kind: 'write', cut: undefined, entries: [], marks: { logEpoch: 0 } });",
    '',
  ),
  one('C14', 'a voter answers before it has synced', acceptor, 'if (acceptor.issued === acceptor.kept)', 'if (true)'),
  one(
    'C14',
    'a voter accepts below its promise',
    acceptor,
    "if (cell !== undefined && isAbove(cell.promised, ballot))\n        return { kind: 'rejected', register, ballot, promised: cell.promised };\n",
    '',
  ),
  one('C14', 'a store that is nobody votes', acceptor, 'if (!isVoter(voters, self, storeId))\n        return;', ''),
  one(
    'C2',
    'a hint is taken for what the register holds',
    node,
    "stepChain(node, chain.replica.chain, { kind: 'look' }, out);",
    "if (known !== undefined) stepChain(node, chain.replica.chain, { kind: 'message', from: node.options.self, message: { kind: 'configured', chain: effect.chain, epoch: effect.epoch + 1, value: { ...decodeConfiguration(effect.bytes), phase: 'active', epoch: effect.epoch + 1 } } }, out);",
  ),
  unseen(
    one(
      'C1',
      'a chain is believed to be empty when a read failed',
      node,
      "decision.kind === 'value' && decision.value === undefined",
      "decision.kind !== 'won'",
    ),
    'policy alone goes by it: who then means to begin the chain reads the register first, and its CAS compares',
  ),
  one(
    'C3',
    'a broken link is taken in with the next turn',
    'host/host.js',
    "this.#inbox.push({ kind: 'disconnected', peer });\n        this.#turn();",
    "this.tell({ kind: 'disconnected', peer });",
  ),
  one(
    'C12',
    'a reconfiguration takes whoever is there',
    'chain/steward.js',
    'if (order.length + extra.length < serversMin) {',
    'if (false) {',
  ),
  one(
    'C11',
    'a host of another store is taken for the member',
    'chain/steward.js',
    'return isSameStore && isLive(detector, host);',
    'return isLive(detector, host);',
  ),
  one('C19', 'assertions are off', 'engine/base/assert.js', 'if (!holds)\n        throw', 'if (false)\n        throw'),
  one(
    'S2',
    'calls a write durable before it is',
    store,
    'this.#disk.write(planned.puts).then(',
    'this.#disk.write(planned.puts).catch(() => {}), Promise.resolve().then(',
  ),
  one('E2', 'goes on after a write failed', store, '(cause) => this.#failed(cause)', '() => this.#written(planned)'),
  one('E1', 'starts a write while one is in flight', store, "this.#status !== 'open' || this.#queue", 'this.#queue'),
  one('S1', 'forgets the marks of a write', plan, 'putSmall(draft, marksKey(chain), encodeMarks(marks));', ';'),
  one('C14', 'forgets what a voter promised', plan, 'putSmall(draft, cellKey(register), bytes);', ';'),
  one('C7', 'leaves behind what is cut', plan, 'puts.push({ key: recordKey(chain, lsn), value: undefined });', ''),
  one(
    'C4',
    'writes what was queued when it was sealed',
    store,
    '(item.entries.length === 0 && item.cut === undefined)',
    'true',
  ),
  one(
    'D11',
    'keeps the index of a log that was cut',
    'engine/store/document-index.js',
    'if (through.lsn > lsn)',
    'if (false)',
  ),
];
