// One line for each thing that a replica hears, says or wants done: log lines, golden transcripts and a debugger's view are
// the same words.
import { unreachable } from '../engine/base/assert.ts';
import type { Position } from '../engine/base/ids.ts';
import type { Configuration } from './configuration.ts';
import type { Chunk, Message, Page } from './messages.ts';
import type { Effect, Replica } from './state.ts';

/** `#3.a1b2c3`: a record by its number and the first digits of the hash after it. */
export function describePosition({ lsn, hash }: Position): string {
  return `#${lsn}.${hash.slice(0, 6)}`;
}

export function describeMessage(message: Message): string {
  return `${message.kind} e${message.epoch}${describeBody(message)}`;
}

function describeBody(message: Message): string {
  switch (message.kind) {
    case 'append':
      return ` ${describePosition(message.entry)} committed #${message.committed}`;
    case 'ack':
    case 'resume':
      return ` ${describePosition(message.position)}`;
    case 'sealed':
      return ` at ${describePosition(message.position)} of e${message.logEpoch}`;
    case 'transfer':
      return ` to ${describePosition(message.position)} from ${message.source}`;
    case 'fetch':
      return ` after ${describePosition(message.after)}`;
    case 'chunk':
      return describeChunk(message);
    case 'fetchPage':
      return ` from ${message.cursor}`;
    case 'page':
      return describePage(message.page);
    case 'configured':
      return ` ${describeConfiguration(message.value)}`;
    case 'barrier':
    case 'passed':
      return ` ${message.token}`;
    case 'seal':
    case 'transferred':
    case 'refused':
      return '';
    default:
      return unreachable(message);
  }
}

function describePage({ cursor, next, start }: Page): string {
  return ` from ${cursor} to ${next === '' ? 'the end' : next}, through ${describePosition(start)}`;
}

function describeChunk({ after, isShared, isLive, start, entries }: Chunk): string {
  if (!isShared)
    return ` ${describePosition(after)} is not shared${start.lsn > 0 ? ` from ${describePosition(start)} on` : ''}`;
  return ` after ${describePosition(after)}:${entries.map((one) => ` ${describePosition(one)}`).join('')}${isLive ? ' live' : ''}`;
}

/** `active e3.1 a>b>(c) at #7.a1b2c3`: a member in brackets is syncing. */
export function describeConfiguration({ phase, epoch, minor, members, start }: Configuration): string {
  const order = members.map(({ host, role }) => (role === 'serving' ? host : `(${host})`)).join('>');
  return `${phase} e${epoch}.${minor} ${order}${phase === 'active' ? ` at ${describePosition(start)}` : ''}`;
}

export function describeEffect(effect: Effect): string {
  switch (effect.kind) {
    case 'send':
      return `send ->${effect.to} ${describeMessage(effect.message)}`;
    case 'write': {
      const marks = Object.entries(effect.marks ?? {}).map(([name, value]) => `${name}=${value}`);
      const cut = effect.cut === undefined ? [] : [`cut behind ${describePosition(effect.cut)}`];
      return ['write', ...cut, ...effect.entries.map(describePosition), ...marks].join(' ');
    }
    case 'dropQueued':
      return 'drop what is queued';
    case 'read':
      return `read after ${describePosition(effect.after)} for ${effect.to}`;
    case 'trim':
      return `trim through ${describePosition(effect.to)}`;
    case 'wipe':
      return 'wipe';
    case 'readPage':
      return `read documents from ${effect.cursor} for ${effect.to}`;
    case 'storePage':
      return `store documents${describePage(effect.page)}`;
    case 'committed':
      return `committed #${effect.through}`;
    case 'serving':
      return `serving e${effect.epoch} ${effect.order.join('>')}`;
    case 'stopped':
      return 'stopped';
    case 'wedged':
      return `wedged: ${effect.reason}`;
    case 'locate':
      return `locate #${effect.lsn}`;
    case 'passed':
      return `passed ${effect.token}`;
    case 'look':
      return 'look into the register';
    case 'cas':
      return `cas ${effect.expect === undefined ? 'nothing' : describeConfiguration(effect.expect)} -> ${describeConfiguration(effect.value)}`;
    case 'learned':
      return `learned ${describeConfiguration(effect.value)}`;
    default:
      return unreachable(effect);
  }
}

export function describeReplica(replica: Replica): string {
  const { phase, epoch, received, durable, acked, committed } = replica;
  return `${phase.kind} e${epoch} received #${received.lsn} durable #${durable.lsn} acked #${acked.lsn} committed #${committed}`;
}
