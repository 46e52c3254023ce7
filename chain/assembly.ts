// Starting a chain whose members are fixed: all of them take part, or it does not start. The steps are those of a
// reconfiguration (seal, choose, transfer, activate); what a register will decide later, unanimity decides here.
//
// The driver is the first member, in the order of placement, that may lead. It begins when all members are connected, and
// anew, one epoch higher, when one of them is another process than the one that started with it. Since no epoch starts before
// all logs are equal, and within an epoch each log is a prefix of the head's, the logs found by a seal are prefixes of one
// another: the longest holds every answered write, wherever it lies.
import { assert } from '../engine/base/assert.ts';
import type { HostId } from '../engine/base/ids.ts';
import { epoch as asEpoch, origin } from '../engine/base/ids.ts';
import type { Adopted, Message, Refused, Sealed, Transferred } from './messages.ts';
import { retire } from './normal.ts';
import type { Assembly, Effect, Replica } from './state.ts';

/** A peer was connected: begin a start if it is this member's to drive and the chain does not run with these processes. */
export function onPeers(replica: Replica, peer: HostId, out: Effect[]): void {
  if (!replica.members.includes(peer)) return;
  const { assembly } = replica;
  if (driverOf(replica) !== replica.self) return retire(replica, out);
  if (!replica.members.every((member) => replica.peers.get(member)?.isConnected === true)) return;
  if (assembly?.stage === 'serving' && isStillOf(replica, assembly)) return;
  begin(replica, out);
}

export function onAnswer(replica: Replica, from: HostId, message: Sealed | Transferred | Adopted, out: Effect[]): void {
  const { assembly } = replica;
  if (assembly === undefined || message.epoch !== assembly.epoch || message.nonce !== assembly.nonce) return;
  if (message.kind !== answerOf[assembly.stage]) return;
  assembly.answered.add(from);
  if (message.kind === 'sealed') assembly.sealed.set(from, message);
  if (replica.members.every((member) => assembly.answered.has(member))) advance(replica, assembly, out);
}

/** A member stands at a higher epoch, or broke off in this one. */
export function onRefused(replica: Replica, message: Refused, out: Effect[]): void {
  if (replica.assembly === undefined || message.epoch < replica.assembly.epoch) return;
  begin(replica, out, message.epoch);
}

const answerOf: Readonly<Record<Assembly['stage'], Message['kind'] | undefined>> = {
  sealing: 'sealed',
  transferring: 'transferred',
  activating: 'adopted',
  serving: undefined,
};

/** The member that starts and heads the chain; undefined until something is known of all of them. */
function driverOf(replica: Replica): HostId | undefined {
  if (!replica.members.every((member) => replica.peers.has(member))) return undefined;
  return replica.members.find((member) => replica.peers.get(member)?.mayLead === true);
}

/** Whether every member is still the process that it was when this start began. */
function isStillOf(replica: Replica, assembly: Assembly): boolean {
  return replica.members.every((member) => assembly.boots.get(member) === replica.peers.get(member)?.boot);
}

function begin(replica: Replica, out: Effect[], atLeast = 0): void {
  const epoch = asEpoch(Math.max(replica.epoch, replica.assembly?.epoch ?? 0, atLeast) + 1);
  retire(replica, out);
  const nonce = `${replica.self}.${replica.boot}.${epoch}`;
  const boots = new Map(replica.members.map((member) => [member, replica.peers.get(member)?.boot ?? '']));
  replica.assembly = { epoch, nonce, boots, stage: 'sealing', sealed: new Map(), answered: new Set(), start: origin };
  sendAll(replica, { kind: 'seal', chain: replica.chain, epoch, nonce }, out);
}

function advance(replica: Replica, assembly: Assembly, out: Effect[]): void {
  const { chain, members } = replica;
  const { epoch, nonce } = assembly;
  assembly.answered = new Set();
  if (assembly.stage === 'sealing') {
    const source = longest(members, assembly);
    assembly.start = source.position;
    assembly.stage = 'transferring';
    sendAll(replica, { kind: 'transfer', chain, epoch, nonce, source: source.host, position: source.position }, out);
  } else if (assembly.stage === 'transferring') {
    assembly.stage = 'activating';
    sendAll(replica, { kind: 'activate', chain, epoch, nonce, order: orderOf(replica), start: assembly.start }, out);
  } else {
    assert(replica.phase.kind === 'serving', 'a driver that hears its own adoption serves');
    assembly.stage = 'serving';
    out.push({ kind: 'serving', epoch, order: orderOf(replica) });
  }
}

function longest(members: readonly HostId[], assembly: Assembly): { host: HostId; position: Sealed['position'] } {
  let best: { host: HostId; position: Sealed['position'] } | undefined;
  for (const host of members) {
    const position = assembly.sealed.get(host)?.position;
    assert(position !== undefined, `${host} is sealed before a history is chosen`);
    if (best === undefined || position.lsn > best.position.lsn) best = { host, position };
  }
  assert(best !== undefined, 'a chain has members');
  return best;
}

function orderOf(replica: Replica): HostId[] {
  return [replica.self, ...replica.members.filter((member) => member !== replica.self)];
}

function sendAll(replica: Replica, message: Message, out: Effect[]): void {
  for (const to of replica.members) out.push({ kind: 'send', to, message });
}
