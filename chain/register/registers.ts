// The registers of a host: events in, effects out. Each chain has one, whose value says who runs it; they decide, and nothing else
// does (C1). How: acceptor.ts (what a voter does), proposer.ts (what an operation is), replacement.ts (how voters change).
//
// A turn is any number of `stepRegisters` and one `flushRegisters`, which gathers what the turn has asked into one message for each
// voter. Sends to this host itself are effects like the others: the node brings them back as message events. Every host keeps the
// list of voters (cell `voterListCell`), voter or not, and takes part in its news.
import { assert, unreachable } from '../../engine/base/assert.ts';
import type { HostId } from '../../engine/base/ids.ts';
import { createAcceptor, onAsk, onKept } from './acceptor.ts';
import { type CellBytes, decodeVoterList } from './cell.ts';
import type { RegisterEffect } from './effects.ts';
import type { RegisterMessage, VotersNews } from './messages.ts';
import { begin, createProposer, flush, type Outcome, onTell, onVoterConnected, tick } from './proposer.ts';
import { adopt, driveReplacement, hearOutcome, replace } from './replacement.ts';
import { type RegisterEvent, type Registers, replacementOp } from './state.ts';
import { type Voters, voterListCell } from './voters.ts';

/**
 * `voters` is the list that the cluster was made with; a newer one among `cells`, which are all that were ever kept here, counts
 * instead. ENGINE_CORRUPT where a cell cannot be read.
 */
export function createRegisters(options: {
  readonly self: HostId;
  readonly boot: string;
  readonly storeId: string;
  readonly voters: Voters;
  readonly cells: readonly CellBytes[];
  readonly nowMs: number;
  readonly random: () => number;
}): Registers {
  const { self, boot, storeId, cells, nowMs, random } = options;
  const kept = cells.find(({ register }) => register === voterListCell);
  const list = kept === undefined ? options.voters : decodeVoterList(kept.bytes);
  const voters = list.generation > options.voters.generation ? list : options.voters;
  const acceptor = createAcceptor(self, storeId, voters, cells);
  const proposer = createProposer({ self, boot, random, voters, nowMs });
  return { acceptor, proposer, replacement: undefined, held: new Map() };
}

/** Takes one event. Effects are appended to `out`, and the host carries them out in that order. */
export function stepRegisters(registers: Registers, event: RegisterEvent, out: RegisterEffect[]): void {
  const { acceptor, proposer } = registers;
  const outcomes: Outcome[] = [];
  switch (event.kind) {
    case 'message':
      onMessage(registers, event.from, event.message, outcomes, out);
      break;
    case 'kept':
      onKept(acceptor, event.serial, out);
      break;
    case 'connected':
      onConnected(registers, event.peer, out);
      break;
    case 'tick':
      tick(proposer, event.nowMs, outcomes);
      break;
    case 'begin':
      onBegin(registers, event);
      break;
    case 'replace':
      replace(registers, event, out);
      break;
    default:
      unreachable(event);
  }
  for (const outcome of outcomes) onOutcome(registers, outcome, out);
  driveReplacement(registers, out);
}

/** Ends a turn: what it has asked leaves. */
export function flushRegisters(registers: Registers, out: RegisterEffect[]): void {
  flush(registers.proposer, out);
}

function onMessage(
  registers: Registers,
  from: HostId,
  message: RegisterMessage,
  outcomes: Outcome[],
  out: RegisterEffect[],
): void {
  switch (message.kind) {
    case 'registerAsk':
      return onAsk(registers.acceptor, from, message, out);
    case 'registerTell':
      return onTell(registers.proposer, from, message, outcomes);
    case 'votersNews':
      return onNews(registers, from, message, out);
    default:
      unreachable(message);
  }
}

/** A newer list is gone by at once. Who tells of an older one is told the newer, and asked again what it could not answer. */
function onNews(registers: Registers, from: HostId, { voters }: VotersNews, out: RegisterEffect[]): void {
  const inForce = registers.acceptor.voters;
  if (voters.generation > inForce.generation) {
    adopt(registers, voters, out);
  } else if (voters.generation < inForce.generation) {
    out.push({ kind: 'send', to: from, message: { kind: 'votersNews', voters: inForce } });
    onVoterConnected(registers.proposer, from);
  }
}

function onConnected({ acceptor, proposer }: Registers, peer: HostId, out: RegisterEffect[]): void {
  const { voters } = acceptor;
  // The first list is everybody's.
  if (voters.generation > 1) out.push({ kind: 'send', to: peer, message: { kind: 'votersNews', voters } });
  onVoterConnected(proposer, peer);
}

function onBegin({ proposer, held }: Registers, { register, op, change }: RegisterEvent & { kind: 'begin' }): void {
  assert(register >= 0 && register < voterListCell, `register ${register} is a chain's`);
  assert(op >= 0, 'operations are numbered from 0');
  if (proposer.operations.get(register)?.op !== replacementOp) return begin(proposer, register, op, change);
  assert(!held.has(register), `register ${register} has one operation at a time`);
  held.set(register, { op, change });
}

function onOutcome(registers: Registers, outcome: Outcome, out: RegisterEffect[]): void {
  const { kind, register, op, result } = outcome;
  if (op !== replacementOp) out.push({ kind, register, op, result });
  const next = registers.held.get(register);
  registers.held.delete(register);
  if (next !== undefined) begin(registers.proposer, register, next.op, next.change);
  hearOutcome(registers, outcome, out);
}
