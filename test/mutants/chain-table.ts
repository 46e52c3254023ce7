// Readings of the protocol that lose an answered write, or show a stale one: each as a change of the built code, which the model
// checker, chance, a story or a test of one member must notice. A `find` occurs once in its file, as the compiler leaves it.
import { ownMutants } from './chain-own.ts';
import type { Mutant } from './edit.ts';

const [driver, member, adopt] = ['chain/driver.js', 'chain/member.js', 'chain/adopt.js'];
const [normal, join, state] = ['chain/normal.js', 'chain/join.js', 'chain/state.js'];

const readings: readonly Mutant[] = [
  {
    name: 'finishing a pending configuration of somebody else',
    rule: 'C1',
    file: driver,
    find: '    const epoch = asEpoch(Math.max(known?.epoch ?? 0, floor) + 1);',
    replace: `    if (known?.phase === 'pending') {
        Object.assign(drive, { nonce: known.nonce, pending: known, stage: 'sealing' });
        for (const to of sealedBy(drive))
            sendSeal(replica, drive, to, out);
        return;
    }
    const epoch = asEpoch(Math.max(known?.epoch ?? 0, floor) + 1);`,
  },
  {
    name: 'two nonces in one epoch',
    rule: 'C1',
    file: driver,
    find: 'Math.max(known?.epoch ?? 0, floor) + 1',
    replace: '(lastActive(known)?.epoch ?? 0) + 1',
  },
  {
    name: 'resuming in the old epoch',
    rule: 'C13',
    file: adopt,
    find: ' || marks.ran >= config.epoch',
    replace: '',
  },
  {
    name: 'comparing lsn without hash: a history that is taken as held',
    rule: 'C3',
    file: 'chain/copy.js',
    find: 'if (samePosition(durable, target))',
    replace: 'if (durable.lsn === target.lsn)',
    also: [
      {
        file: member,
        find: 'samePosition(durable, copy.target)) {\n        if (marks',
        replace: 'durable.lsn === copy.target.lsn) {\n        if (marks',
      },
      { file: adopt, find: '!samePosition(durable, config.start)', replace: 'durable.lsn !== config.start.lsn' },
      { file: adopt, find: '    assert(samePosition(replica.durable, config.start)', replace: '    assert(true' },
    ],
  },
  {
    name: 'comparing lsn without hash: a joiner that follows',
    rule: 'C3',
    file: join,
    find: 'if (hashAt(replica, after.lsn) === after.hash)',
    replace: 'if (hashAt(replica, after.lsn) !== undefined)',
  },
  {
    name: 'comparing lsn without hash: an ack',
    rule: 'C3',
    file: normal,
    find: 'if (hashAt(replica, message.position.lsn) !== message.position.hash)',
    replace: 'if (hashAt(replica, message.position.lsn) === undefined)',
  },
  {
    name: 'answering a seal with what is in memory',
    rule: 'C4',
    file: member,
    find: "    replica.phase = { kind: 'sealing', driver, transfer };",
    replace: `    replica.phase = { kind: 'sealing', driver, transfer };
    const said = { chain: replica.chain, epoch, nonce, storeId: replica.storeId, logEpoch: replica.marks.logEpoch };
    out.push({ kind: 'send', to: driver, message: { kind: 'sealed', ...said, position: replica.received } });`,
  },
  {
    name: 'letting the write in flight land after the answer',
    rule: 'C4',
    file: member,
    find: "    replica.phase = { kind: 'sealing', driver, transfer };",
    replace: `    replica.phase = { kind: 'sealing', driver, transfer };
    const said = { chain: replica.chain, epoch, nonce, storeId: replica.storeId, logEpoch: replica.marks.logEpoch };
    out.push({ kind: 'send', to: driver, message: { kind: 'sealed', ...said, position: replica.durable } });`,
  },
  {
    name: 'acking after the seal',
    rule: 'C4',
    file: member,
    find: "    replica.phase = { kind: 'sealing', driver, transfer };",
    replace: `    const former = { epoch: replica.epoch, config: replica.known };
    replica.phase = { kind: 'sealing', driver, transfer };
    const at = (former.config?.members ?? []).findIndex(({ host }) => host === replica.self);
    const last = at > 0 && at === former.config.members.length - 1 ? replica.received : undefined;
    replica.late = last === undefined ? undefined : { last, to: former.config.members[at - 1].host, epoch: former.config.epoch };`,
    also: [
      {
        file: member,
        find: '    const { driver, transfer } = phase;\n    forgetInflight(replica);',
        replace: `    const { driver, transfer } = phase;
    const { late } = replica;
    if (late !== undefined) {
        const { chain } = replica;
        out.push({ kind: 'send', to: late.to, message: { kind: 'ack', chain, epoch: late.epoch, position: late.last } });
        replica.late = undefined;
    }
    forgetInflight(replica);`,
      },
    ],
  },
  {
    name: 'forgetting the seal at restart',
    rule: 'C4',
    file: state,
    find: '        epoch: marks.sealed,',
    replace: '        epoch: marks.logEpoch,',
    also: [{ file: adopt, find: 'marks.sealed > config.epoch || ', replace: '' }],
  },
  {
    name: 'a transfer that only extends',
    rule: 'C7',
    file: 'chain/copy.js',
    find: 'if (samePosition(durable, target))',
    replace: 'if (durable.lsn >= target.lsn)',
    also: [
      {
        file: member,
        find: 'copy.target !== undefined && samePosition(durable, copy.target)',
        replace: 'copy.target !== undefined && durable.lsn >= copy.target.lsn',
      },
      { file: adopt, find: '!samePosition(durable, config.start)', replace: 'durable.lsn < config.start.lsn' },
      { file: adopt, find: '    assert(samePosition(replica.durable, config.start)', replace: '    assert(true' },
    ],
  },
  {
    name: 'a transfer that does not seal',
    rule: 'C4',
    file: member,
    find: '        return freeze(replica, from, message, message, out);',
    replace: `    {
        leave(replica, out);
        Object.assign(replica, { epoch: message.epoch, nonce: message.nonce });
        out.push({ kind: 'dropQueued' });
        return startCopy(replica, from, message, out);
    }`,
  },
  {
    name: 'a transfer of a lower epoch',
    rule: 'C4',
    file: member,
    find: `message, message, out);
    if (!isOwnAttempt(replica, message))
        return refuse(replica, from, message, out);`,
    replace: `message, message, out);
    if (message.epoch === replica.epoch && message.nonce !== replica.nonce)
        return refuse(replica, from, message, out);
    if (message.epoch < replica.epoch && isFrozen(replica)) {
        replica.nonce = message.nonce;
        replica.phase = { kind: 'sealed', driver: from };
    }`,
  },
  {
    name: 'a transfer that is not awaited',
    rule: 'C4',
    file: driver,
    find: 'const holders = intention.order.filter((host) => transferred.has(host));',
    replace: 'const holders = intention.order.filter((host) => asked.has(host));',
    also: [
      { file: driver, find: 'const isEnough = isDone || (isHurried && !isWhole);', replace: 'const isEnough = true;' },
      { file: driver, find: "storeId: transferred.get(host) ?? ''", replace: 'storeId: storeIdOf(replica, host)' },
    ],
  },
  {
    name: 'choosing twice in an epoch',
    rule: 'C4',
    file: driver,
    find: `    if (drive.stage === 'sealing')
        return tryChoose(replica, drive, false, out);
    // Late`,
    replace: `    if (drive.stage === 'transferring')
        Object.assign(drive, { stage: 'sealing', chosen: undefined });
    if (drive.stage === 'sealing')
        return tryChoose(replica, drive, drive.transferred.size > 0 || drive.asked.size > 0, out);
    // Late`,
  },
  {
    name: "counting a syncing member's answer",
    rule: 'C4',
    file: driver,
    find: "seat?.role === 'serving' && seat.storeId === answer.storeId && answer.logEpoch >= before.epoch",
    replace: 'seat?.storeId === answer.storeId && answer.logEpoch >= before.epoch',
    also: [{ file: driver, find: 'servingOf(before.members).map', replace: 'before.members.map' }],
  },
  {
    name: 'members of an abandoned pending taken as base',
    rule: 'C1',
    file: driver,
    find: '    const active = lastActive(known);\n    if (active',
    replace: '    const active = known;\n    if (active',
  },
  {
    name: 'an answer of an older epoch counts',
    rule: 'C4',
    file: driver,
    find: ' && answer.logEpoch >= before.epoch',
    replace: '',
  },
  {
    name: 'promoting on equal lsn, without a gate',
    rule: 'C9',
    file: normal,
    find: "lower?.role === 'serving' || lower?.host === replica.gate",
    replace: "lower?.role === 'serving'",
  },
  {
    name: 'ungating while the CAS is in flight',
    rule: 'C9',
    file: join,
    find: "    replica.asking = 'change';",
    replace: "    replica.asking = 'change';\n    replica.gate = undefined;",
  },
  {
    name: 'a barrier that skips the gated joiner',
    rule: 'C9',
    file: normal,
    find: '    if (countedLowerOf(replica) !== undefined)\n        sendBarrier(replica, out);',
    replace:
      '    if (countedLowerOf(replica) !== undefined && replica.gate === undefined)\n        sendBarrier(replica, out);',
  },
  {
    name: 'a stale driver that activates over a newer pending',
    rule: 'C1',
    file: driver,
    find: "        else if (asking === 'drive')\n            replica.drive = undefined;",
    replace: `        else if (asking === 'drive' && writing?.phase === 'active' && decision.value?.phase === 'pending')
            return cas(replica, decision.value, { ...writing, epoch: decision.value.epoch }, out);
        else if (asking === 'drive')
            replica.drive = undefined;`,
  },
  {
    name: 'a lost disk that keeps its identity',
    rule: 'C10',
    file: driver,
    find: 'seat.storeId === answer.storeId && answer.logEpoch >= before.epoch',
    replace: 'true',
  },
  {
    name: 'a seat that is taken with another store',
    rule: 'C10',
    file: adopt,
    find: 'return seat?.storeId === replica.storeId ? seat : undefined;',
    replace: 'return seat;',
  },
  {
    name: 'unwedging on pending',
    rule: 'C2',
    file: adopt,
    find: "    if (value.phase !== 'active' || value.epoch < replica.epoch)\n        return;",
    replace: `    if (value.phase !== 'active') {
        if (value.previous === undefined || replica.phase.kind === 'serving')
            return;
        Object.assign(replica, { epoch: value.previous.epoch, phase: { kind: 'idle' } });
        return adopt(replica, value.previous, out);
    }
    if (value.epoch < replica.epoch)
        return;`,
    also: [{ file: adopt, find: 'marks.sealed > config.epoch || marks.ran >= config.epoch || ', replace: '' }],
  },
  {
    name: 'reads that the seal does not cover',
    rule: 'C4',
    file: normal,
    find: "    if (isCurrent(replica, from, message.epoch, 'upper'))\n        takeBarrier(replica, message.token, out);",
    replace: `    if (isCurrent(replica, from, message.epoch, 'upper'))
        takeBarrier(replica, message.token, out);
    else if (replica.phase.kind === 'sealing' || replica.phase.kind === 'sealed') {
        const { chain, epoch, token } = message;
        out.push({ kind: 'send', to: from, message: { kind: 'passed', chain, epoch, token } });
    }`,
  },
  {
    name: 'a barrier at the tail only',
    rule: 'C18',
    file: normal,
    find: '    const to = countedLowerOf(replica);\n    if (to === undefined || replica.lowerResume === undefined)',
    replace: '    const to = runningConfig(replica).members.at(-1).host;\n    if (to === replica.self)',
    also: [
      {
        file: normal,
        find: "    if (isCurrent(replica, from, message.epoch, 'upper'))\n        takeBarrier(replica, message.token, out);",
        replace: `    const { chain, epoch, token } = message;
    if (replica.phase.kind === 'serving' && epoch === replica.epoch)
        out.push({ kind: 'send', to: from, message: { kind: 'passed', chain, epoch, token } });`,
      },
      {
        file: normal,
        find: "    if (!isCurrent(replica, from, message.epoch, 'lower') || countedLowerOf(replica) !== from)\n        return;",
        replace: "    if (replica.phase.kind !== 'serving' || message.epoch !== replica.epoch)\n        return;",
      },
    ],
  },
  {
    name: 'a read without a barrier',
    rule: 'C18',
    file: normal,
    find: '    takeBarrier(replica, replica.barrier + 1, out);',
    replace: '    replica.barrier += 1;\n    passBarrier(replica, replica.barrier, out);',
  },
];

export const chainMutants: readonly Mutant[] = [...readings, ...ownMutants];
