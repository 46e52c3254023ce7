// One chain on one host, as a function of what happened: `step(replica, event, out)`.
//
//            append ->            append ->
//     head ------------> middle ------------> tail        every member writes the same bytes
//          <------------        <------------             an ack climbs when it is synced here and acked below
//               <- ack               <- ack
//
// The rule that everything hangs on (C5): an ack leaves a member through `advanceAck` and nowhere else, and that function
// stops at what is synced here *and* acked below. Forwarding waits for nothing. So an ack that reaches the head means
// durable on every serving member, and costs one sync plus the hops, not one sync per hop.
//
// A chain runs in epochs, and a register says which (configuration.ts). Between two of them members are sealed: frozen, by a
// synced mark, until one history has been chosen among them and each has been given it. One sealed survivor holds every answered
// write, since nothing was answered that is not on all of them: write to all, recover from any.
import { assert, unreachable } from '../engine/base/assert.ts';
import type { HostId } from '../engine/base/ids.ts';
import { epoch as asEpoch } from '../engine/base/ids.ts';
import { fallInStep, isOutOfStep, onConfigured, onRanSynced, restartJoin, tell, tellPeer } from './adopt.ts';
import { onChunk, onLocated } from './copy.ts';
import {
  onDecided,
  onDriveConnected,
  onDriveDisconnected,
  onHurry,
  onLook,
  onReconfigure,
  onRefused,
  onSealed,
  onTransferred,
} from './driver.ts';
import { onForget } from './former.ts';
import { boundRetained, onAckBelow, onAdd, onFetch, onFetched, onRemove } from './join.ts';
import { advanceCopy, onSeal, onSealSynced, onSourceBack, onTransfer } from './member.ts';
import type { Message } from './messages.ts';
import {
  advanceAck,
  onAppend,
  onBarrier,
  onBarrierAsked,
  onLowerGone,
  onPassed,
  onPropose,
  onResume,
  repeatAtUpper,
  resumeAtUpper,
  runningConfig,
  upperOf,
} from './normal.ts';
import { onFetchPage, onFolded, onFolding, onPage, onPageRead, onPageStored, onWiped } from './pages.ts';
import type { Effect, Event, Replica } from './state.ts';

/** Takes one event. Effects are appended to `out`; the host carries them out in that order. */
export function step(replica: Replica, event: Event, out: Effect[]): void {
  switch (event.kind) {
    case 'message':
      onMessage(replica, event.from, event.message, out);
      return boundRetained(replica);
    case 'synced':
      return onSynced(replica, event, out);
    case 'connected':
      return onConnected(replica, event, out);
    case 'disconnected':
      return onDisconnected(replica, event.peer, out);
    case 'propose':
      onPropose(replica, event.entry, out);
      return boundRetained(replica);
    case 'barrier':
      return onBarrierAsked(replica, out);
    case 'fetched':
      return onFetched(replica, event, out);
    case 'located':
      return onLocated(replica, event, out);
    case 'folding':
      return onFolding(replica, event);
    case 'folded':
      return onFolded(replica, event, out);
    case 'wiped':
      return onWiped(replica, out);
    case 'pageRead':
      return onPageRead(replica, event, out);
    case 'pageStored':
      return onPageStored(replica, event, out);
    case 'decided':
      return onDecided(replica, event.decision, out);
    case 'look':
      return onLook(replica, out);
    case 'reconfigure':
      return onReconfigure(replica, event.intention, out);
    case 'hurry':
      return onHurry(replica, out);
    case 'abandon':
      if (replica.asking !== 'drive') replica.drive = undefined;
      return;
    case 'forget':
      return onForget(replica, out);
    case 'add':
      return onAdd(replica, event.host, out);
    case 'remove':
      return onRemove(replica, event.host, out);
    default:
      return unreachable(event);
  }
}

function onMessage(replica: Replica, from: HostId, message: Message, out: Effect[]): void {
  assert(message.chain === replica.chain, `chain ${message.chain} is not chain ${replica.chain}`);
  if (isOfThePast(replica, message)) return correct(replica, from, out);
  switch (message.kind) {
    case 'append':
      return onAppend(replica, from, message, out);
    case 'ack':
      return onAckBelow(replica, from, message, out);
    case 'resume':
      return onResume(replica, from, message, out);
    case 'barrier':
      return onBarrier(replica, from, message, out);
    case 'passed':
      return onPassed(replica, from, message, out);
    case 'seal':
      return onSeal(replica, from, message, out);
    case 'transfer':
      return onTransfer(replica, from, message, out);
    case 'fetch':
      return onFetch(replica, from, message, out);
    case 'chunk':
      if (isOutOfStep(replica, from, message)) return fallInStep(replica, out);
      if (onChunk(replica, from, message, out)) onLive(replica, out);
      return;
    case 'fetchPage':
      return onFetchPage(replica, from, message, out);
    case 'page':
      return onPage(replica, from, message, out);
    case 'sealed':
      return onSealed(replica, from, message, out);
    case 'transferred':
      return onTransferred(replica, from, message, out);
    case 'refused':
      return onRefused(replica, message);
    case 'configured':
      return onConfigured(replica, from, message.value, out);
    default:
      return unreachable(message);
  }
}

/** C3: who still speaks in an epoch that is over, as a neighbour, is told of the one that runs. */
function isOfThePast(replica: Replica, { kind, epoch }: Message): boolean {
  const isOfNeighbour =
    kind === 'append' || kind === 'resume' || kind === 'barrier' || kind === 'fetch' || kind === 'fetchPage';
  return isOfNeighbour && epoch < (runningConfig(replica)?.epoch ?? 0);
}

function correct(replica: Replica, from: HostId, out: Effect[]): void {
  if (replica.known?.phase === 'active') tell(replica, from, replica.known, out);
}

/** A joiner has caught up: appends follow. */
function onLive(replica: Replica, out: Effect[]): void {
  const { phase } = replica;
  if (phase.kind !== 'syncing') return;
  replica.phase = { ...phase, copy: undefined };
  advanceAck(replica, out);
  repeatAtUpper(replica, out);
}

function onSynced(replica: Replica, event: Event & { kind: 'synced' }, out: Effect[]): void {
  const { position, marks, isCut } = event;
  // What a write brings that was on its way when everything began to go, goes too.
  if (position !== undefined && replica.leftover !== 'going') {
    assert(isCut || position.lsn > replica.durable.lsn, `synced ${position.lsn} after ${replica.durable.lsn}`);
    replica.durable = position;
  }
  if (marks !== undefined) replica.marks = marks;
  replica.floor = asEpoch(Math.max(replica.floor, replica.marks.sealed));
  advanceAck(replica, out);
  onSealSynced(replica, out);
  advanceCopy(replica, out);
  onRanSynced(replica, out);
}

function onConnected(replica: Replica, event: Event & { kind: 'connected' }, out: Effect[]): void {
  const { peer, boot, storeId } = event;
  replica.peers.set(peer, { boot, storeId, isConnected: true });
  onLowerGone(replica, peer);
  tellPeer(replica, peer, out);
  const { kind } = replica.phase;
  if (kind === 'serving' && peer === upperOf(replica)) resumeAtUpper(replica, out);
  if (kind === 'syncing' && peer === upperOf(replica)) restartJoin(replica, out);
  if (kind === 'copying') onSourceBack(replica, peer, out);
  onDriveConnected(replica, peer, out);
}

function onDisconnected(replica: Replica, peer: HostId, out: Effect[]): void {
  const known = replica.peers.get(peer);
  if (known !== undefined) replica.peers.set(peer, { ...known, isConnected: false });
  onLowerGone(replica, peer);
  onDriveDisconnected(replica, out);
}
