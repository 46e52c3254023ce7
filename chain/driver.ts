// A reconfiguration, at the host that drives it. Any host may, at any time; nobody finishes another's.
//
//   reading -> proposing -> sealing -> transferring -> activating
//     |           |            |            |              `- CAS to active, naming only those who hold the chosen history
//     |           |            |            `- each takes exactly that history, synced
//     |           |            `- serving members of the last active configuration freeze; ONE history is chosen
//     |           `- CAS to pending: one epoch higher than whatever was there
//     `- what does the register hold? (only where that is not known yet)
//
// Whatever goes wrong ends the attempt. Its pending configuration stays in the register, since somebody may be sealed for it, and
// the next attempt takes a higher epoch. The first epoch of a chain has nobody to recover from: then all who are meant to be in
// it take part, or it does not begin.
import { assert } from '../engine/base/assert.ts';
import type { Epoch, HostId } from '../engine/base/ids.ts';
import { epoch as asEpoch, origin } from '../engine/base/ids.ts';
import { announce, learn } from './adopt.ts';
import type { Active, Configuration, Seat } from './configuration.ts';
import { lastActive, seatOf, servingOf } from './configuration.ts';
import { newNonce, promoteJoiner } from './join.ts';
import type { Message, Refused, Sealed, Transferred } from './messages.ts';
import type { Decision, Drive, Effect, Intention, Replica } from './state.ts';

export function onLook(replica: Replica, out: Effect[]): void {
  // A reconfiguration asks itself, when its next stage comes: the register is kept free for it.
  if (replica.asking !== undefined || replica.drive !== undefined) return;
  replica.asking = 'look';
  out.push({ kind: 'look' });
}

export function onReconfigure(replica: Replica, intention: Intention, out: Effect[]): void {
  if (replica.asking !== undefined || intention.order.length === 0) return;
  const nonce = newNonce(replica);
  const { sealed, asked, transferred } = { sealed: new Map(), asked: new Set<HostId>(), transferred: new Map() };
  const drive: Drive = {
    intention,
    nonce,
    stage: 'reading',
    pending: undefined,
    sealed,
    chosen: undefined,
    asked,
    transferred,
  };
  replica.drive = drive;
  if (replica.known !== undefined) return propose(replica, drive, out);
  replica.asking = 'drive';
  out.push({ kind: 'look' });
}

function propose(replica: Replica, drive: Drive, out: Effect[]): void {
  const { known, chain, region, floor } = replica;
  const { order, loss } = drive.intention;
  const members = order.map((host): Seat => ({ host, storeId: storeIdOf(replica, host), boot: '', role: 'serving' }));
  const epoch = asEpoch(Math.max(known?.epoch ?? 0, floor) + 1);
  const head = { chain, region, phase: 'pending', epoch, minor: 0, nonce: drive.nonce } as const;
  const pending: Configuration = { ...head, members, start: origin, previous: previousOf(known), loss };
  drive.stage = 'proposing';
  drive.pending = pending;
  cas(replica, known, pending, out);
}

/** The last that was active, and nothing else of it. Members of an abandoned pending are nobody's base. */
function previousOf(known: Configuration | undefined): Active | undefined {
  const active = lastActive(known);
  if (active === undefined) return undefined;
  const { epoch, minor, nonce, members, start } = active;
  return { epoch, minor, nonce, members, start };
}

function cas(replica: Replica, expect: Configuration | undefined, value: Configuration, out: Effect[]): void {
  assert(replica.asking === undefined, 'C1: the register is asked one thing at a time');
  replica.asking = 'drive';
  replica.writing = value;
  out.push({ kind: 'cas', expect, value });
}

/** What an operation on the register came to; whoever asked goes on. */
export function onDecided(replica: Replica, decision: Decision, out: Effect[]): void {
  const { asking, writing, drive } = replica;
  assert(asking !== undefined, 'C1: the register answers what it was asked');
  replica.asking = undefined;
  const isReadBack = decision.kind === 'value' && writing !== undefined;
  const isWon = decision.kind === 'won' || (isReadBack && isSame(decision.value, writing));
  if (decision.kind === 'unknown') {
    // C1: what a CAS that timed out did is learned by reading it back.
    replica.asking = asking;
    out.push({ kind: 'look' });
    return;
  }
  replica.writing = undefined;
  if (decision.kind === 'failed') {
    if (asking === 'drive') replica.drive = undefined;
    return;
  }
  if (isWon && writing !== undefined) {
    const before = previousOf(replica.known);
    if (asking === 'drive') onWon(replica, writing, before, out);
    else {
      learn(replica, writing, out);
      announce(replica, writing, before, out);
    }
  } else if (decision.kind !== 'won') {
    learn(replica, decision.value, out);
    const isFirst = asking === 'drive' && drive?.stage === 'reading';
    if (isFirst) propose(replica, drive, out);
    else if (asking === 'drive') replica.drive = undefined;
  }
  promoteJoiner(replica, out);
}

function isSame(a: Configuration | undefined, b: Configuration): boolean {
  return a?.epoch === b.epoch && a.minor === b.minor && a.phase === b.phase && a.nonce === b.nonce;
}

function onWon(replica: Replica, value: Configuration, before: Active | undefined, out: Effect[]): void {
  const { drive } = replica;
  if (value.phase === 'active') {
    replica.drive = undefined;
    learn(replica, value, out);
    return announce(replica, value, before, out);
  }
  learn(replica, value, out);
  // Sealed by somebody else meanwhile: nothing was promised under this pending, and nothing ever is.
  if (drive?.pending !== value) return;
  drive.stage = 'sealing';
  for (const to of sealedBy(drive)) sendSeal(replica, drive, to, out);
}

/** Whose seals the epoch needs to ask for: everybody who may have acked. Where nothing ran, or an operator says so, all in it. */
function sealedBy({ pending, intention }: Drive): readonly HostId[] {
  const before = pending?.previous;
  if (before === undefined) return intention.order;
  const hosts = servingOf(before.members).map(({ host }) => host);
  return intention.loss === undefined ? hosts : [...new Set([...hosts, ...intention.order])];
}

export function onSealed(replica: Replica, from: HostId, message: Sealed, out: Effect[]): void {
  const drive = driveOf(replica, message);
  if (drive === undefined || (drive.stage !== 'sealing' && drive.stage !== 'transferring')) return;
  drive.sealed.set(from, message);
  if (drive.stage === 'sealing') return tryChoose(replica, drive, false, out);
  // Late: it takes the history that was chosen.
  if (isValid(drive, from) && drive.intention.order.includes(from)) sendTransfer(replica, drive, from, out);
}

/**
 * An answer counts iff its store serves in the last active configuration, by the register, and its log is one of that epoch or of
 * a later one. Where none was active, or an operator accepts a loss, any answer of those who are meant to be in the chain does.
 */
function isValid({ pending, intention, sealed }: Drive, host: HostId): boolean {
  const answer = sealed.get(host);
  const before = pending?.previous;
  if (answer === undefined) return false;
  if (before === undefined || intention.loss !== undefined) return intention.order.includes(host);
  const seat = seatOf(before.members, host);
  return seat?.role === 'serving' && seat.storeId === answer.storeId && answer.logEpoch >= before.epoch;
}

/** Chooses when everybody has answered who can; or, hurried, when at least one has. The longest leaves the fewest sends unknown. */
function tryChoose(replica: Replica, drive: Drive, isHurried: boolean, out: Effect[]): void {
  const asked = sealedBy(drive);
  const valid = asked.filter((host) => isValid(drive, host));
  const isWhole = drive.pending?.previous === undefined || drive.intention.loss !== undefined;
  const isNeeded = (host: HostId): boolean => isWhole && drive.intention.order.includes(host);
  const isAnswered = (host: HostId): boolean =>
    drive.sealed.has(host) || (!isNeeded(host) && (isHurried || !isConnected(replica, host)));
  if (valid.length === 0 || !asked.every(isAnswered)) return;
  assert(drive.chosen === undefined, 'C4: a history is chosen once per epoch');
  const source = valid.reduce((best, host) => (isLonger(drive, host, best) ? host : best));
  const start = drive.sealed.get(source)?.position;
  assert(start !== undefined, 'C4: a history is chosen among those that are sealed');
  drive.chosen = { source, start };
  drive.stage = 'transferring';
  const { order, serversMin } = drive.intention;
  const complete = order.filter((host) => valid.includes(host));
  // Too few are left: others are filled, and the chain waits for them.
  const others = complete.length < serversMin ? order.filter((host) => !valid.includes(host)) : [];
  for (const host of [...complete, ...others]) sendTransfer(replica, drive, host, out);
}

function isLonger({ sealed, intention }: Drive, a: HostId, b: HostId): boolean {
  const [one, other] = [sealed.get(a), sealed.get(b)];
  if (one === undefined || other === undefined) return other === undefined;
  // Among answers that count, all hold every answered write. Where an operator accepts a loss, the later epoch knows more.
  const isLater = intention.loss !== undefined && one.logEpoch !== other.logEpoch;
  return isLater ? one.logEpoch > other.logEpoch : one.position.lsn > other.position.lsn;
}

export function onTransferred(replica: Replica, from: HostId, message: Transferred, out: Effect[]): void {
  const drive = driveOf(replica, message);
  if (drive?.stage !== 'transferring') return;
  drive.transferred.set(from, message.storeId);
  tryActivate(replica, drive, false, out);
}

function tryActivate(replica: Replica, drive: Drive, isHurried: boolean, out: Effect[]): void {
  const { pending, chosen, transferred, asked, intention } = drive;
  const holders = intention.order.filter((host) => transferred.has(host));
  const isWhole = pending?.previous === undefined;
  const isDone = [...asked].every((host) => transferred.has(host) || (!isWhole && !isConnected(replica, host)));
  const isEnough = isDone || (isHurried && !isWhole);
  // C6, C12: with fewer than that the chain stays pending, and its status says why.
  if (!isEnough || holders.length === 0 || holders.length < intention.serversMin) return;
  assert(pending !== undefined && chosen !== undefined, 'C4: a history is chosen before it is activated');
  const members = holders.map((host): Seat => {
    return { host, storeId: transferred.get(host) ?? '', boot: '', role: 'serving' };
  });
  drive.stage = 'activating';
  const value: Configuration = {
    ...pending,
    phase: 'active',
    nonce: newNonce(replica),
    members,
    start: chosen.start,
    previous: undefined,
  };
  cas(replica, pending, value, out);
}

/** A host stands at a higher epoch than this attempt. */
export function onRefused(replica: Replica, message: Refused): void {
  replica.floor = asEpoch(Math.max(replica.floor, message.epoch)) as Epoch;
  if (replica.drive?.nonce === message.nonce && replica.drive.stage !== 'activating') replica.drive = undefined;
}

/** Policy says: who has not answered by now is not waited for. */
export function onHurry(replica: Replica, out: Effect[]): void {
  const { drive } = replica;
  if (drive?.stage === 'sealing') tryChoose(replica, drive, true, out);
  else if (drive?.stage === 'transferring') tryActivate(replica, drive, true, out);
}

/** A new link: what was said on the last one may be lost. */
export function onDriveConnected(replica: Replica, peer: HostId, out: Effect[]): void {
  const { drive } = replica;
  if (drive?.stage === 'sealing' || drive?.stage === 'transferring') {
    if (sealedBy(drive).includes(peer) && !drive.sealed.has(peer)) sendSeal(replica, drive, peer, out);
    if (drive.asked.has(peer) && !drive.transferred.has(peer)) sendTransfer(replica, drive, peer, out);
  }
}

export function onDriveDisconnected(replica: Replica, out: Effect[]): void {
  const { drive } = replica;
  if (drive?.stage === 'sealing') tryChoose(replica, drive, false, out);
  else if (drive?.stage === 'transferring') tryActivate(replica, drive, false, out);
}

function sendSeal(replica: Replica, drive: Drive, to: HostId, out: Effect[]): void {
  const { chain } = replica;
  assert(drive.pending !== undefined, 'C4: an epoch is pending before anybody is sealed for it');
  const { epoch } = drive.pending;
  send(replica, to, { kind: 'seal', chain, epoch, nonce: drive.nonce }, out);
}

function sendTransfer(replica: Replica, drive: Drive, to: HostId, out: Effect[]): void {
  const { chain } = replica;
  const { pending, chosen, nonce } = drive;
  assert(pending !== undefined && chosen !== undefined, 'C4: a history is chosen before it is transferred');
  drive.asked.add(to);
  const { source, start: position } = chosen;
  send(replica, to, { kind: 'transfer', chain, epoch: pending.epoch, nonce, source, position }, out);
}

function send(replica: Replica, to: HostId, message: Message, out: Effect[]): void {
  if (isConnected(replica, to)) out.push({ kind: 'send', to, message });
}

function driveOf(replica: Replica, message: { epoch: Epoch; nonce: string }): Drive | undefined {
  const { drive } = replica;
  return drive?.nonce === message.nonce && drive.pending?.epoch === message.epoch ? drive : undefined;
}

function isConnected(replica: Replica, host: HostId): boolean {
  return replica.peers.get(host)?.isConnected === true;
}

function storeIdOf(replica: Replica, host: HostId): string {
  return replica.peers.get(host)?.storeId ?? '';
}
