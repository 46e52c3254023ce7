// What this very code once did, and the rules of the normal case, broken: as chain-table.ts says.
import type { Mutant } from './edit.ts';

const [driver, member, adopt] = ['chain/driver.js', 'chain/member.js', 'chain/adopt.js'];
const [normal, replica] = ['chain/normal.js', 'chain/replica.js'];

/** What this very code once did. */
const found: readonly Mutant[] = [
  {
    name: 'a CAS while a look is under way',
    rule: 'C1',
    file: driver,
    find: 'if (replica.asking !== undefined || replica.drive !== undefined)',
    replace: 'if (replica.asking !== undefined)',
  },
  {
    name: 'a joiner that begins anew behind its own write',
    rule: 'C7',
    file: adopt,
    find: '    if (!samePosition(replica.durable, replica.received)) {\n        const copy',
    replace:
      '    if (phase.copy === undefined && !samePosition(replica.durable, replica.received)) {\n        const copy',
  },
  {
    name: 'the last ack of a joiner is said once',
    rule: 'C9',
    file: replica,
    find: '    repeatAtUpper(replica, out);',
    replace: '',
  },
  {
    name: 'a hole behind the answer to an older question',
    rule: 'C9',
    file: adopt,
    find: 'return !isLive || (entries.at(-1) ?? after).lsn > received.lsn;',
    replace: 'return !isLive;',
  },
  {
    name: 'who serves by now ignores the answer to an older question',
    rule: 'C9',
    file: adopt,
    find: "const isFollowing = phase.kind === 'serving' || (phase.kind === 'syncing' && phase.copy === undefined);",
    replace: "const isFollowing = phase.kind === 'syncing' && phase.copy === undefined;",
  },
  {
    name: 'a joiner that was not heard asks no more',
    rule: 'C9',
    file: adopt,
    find: '    if (from === upperOf(replica) && value.epoch === replica.epoch)\n        restartJoin(replica, out);',
    replace: '',
  },
  {
    name: 'a resume before the epoch is dropped',
    rule: 'C13',
    file: normal,
    find: '    if (runningConfig(replica) === undefined) {\n        replica.lowerResume',
    replace:
      "    if (replica.phase.kind === 'ready' || replica.phase.kind === 'adopting') {\n        replica.lowerResume",
  },
  {
    name: 'an attempt that another has passed stays',
    rule: 'C1',
    file: adopt,
    find: "        if (asking !== 'drive' && (drive?.pending?.epoch ?? value.epoch) < value.epoch)\n            replica.drive = undefined;",
    replace: '',
  },
];

/** The rules of the normal case. */
const ordinary: readonly Mutant[] = [
  {
    name: 'an ack that waits for nobody below',
    rule: 'C5',
    file: normal,
    find: 'const isBound = countedLowerOf(replica) !== undefined && ackedBelow.lsn < durable.lsn;',
    replace: 'const isBound = false;',
  },
  {
    name: 'an ack that does not wait for the own disk',
    rule: 'C5',
    file: normal,
    find: 'const through = isBound ? ackedBelow : durable;',
    replace: 'const through = countedLowerOf(replica) === undefined ? durable : ackedBelow;',
  },
  {
    name: 'serving before `ran` is on disk',
    rule: 'C13',
    file: adopt,
    find: "    replica.phase = { kind: 'adopting', config };\n    out.push",
    replace: "    replica.phase = { kind: 'adopting', config };\n    beginServing(replica, config, out);\n    out.push",
  },
  {
    name: 'what is queued behind the write in flight is kept',
    rule: 'C4',
    file: member,
    find: "    out.push({ kind: 'dropQueued' });\n",
    replace: '',
  },
  {
    name: 'fewer members than are needed',
    rule: 'C6',
    file: driver,
    find: ' || holders.length < intention.serversMin',
    replace: '',
  },
];

export const ownMutants: readonly Mutant[] = [...found, ...ordinary];
