// One member of one chain, as a function of what happened: `step(replica, event, out)`.
//
//            append ->            append ->
//     head ------------> middle ------------> tail        every member writes the same bytes
//          <------------        <------------             an ack climbs when it is synced here and acked below
//               <- ack               <- ack
//
// The rule that everything hangs on (C5): an ack leaves a member through `advanceAck` and nowhere else, and that function
// stops at what is synced here *and* acked below. Forwarding waits for nothing. So an ack that reaches the head means
// durable on every member, and costs one sync plus the hops, not one sync per hop.
//
// A chain runs in epochs. Between two of them its members are sealed: frozen, by a synced mark, until each has been given
// the history of the new epoch (transfer) and told to run it (activate). member.ts is that side of it, assembly.ts the driver's. The alternative
// not taken is to resume where one was: a restarted head may hold less than its tail, since forwarding runs ahead of its disk.
import { assert, unreachable } from '../engine/base/assert.ts';
import type { HostId } from '../engine/base/ids.ts';
import { onAnswer, onPeers, onRefused } from './assembly.ts';
import { onActivate, onChunk, onFetch, onFetched, onSeal, onSourceBack, onSynced, onTransfer } from './member.ts';
import type { Message } from './messages.ts';
import { onAck, onAppend, onDriverBack, onLowerGone, onPropose, onResume, onUpperBack } from './normal.ts';
import type { Effect, Event, Replica } from './state.ts';

/** Takes one event. Effects are appended to `out`; the host carries them out in that order. */
export function step(replica: Replica, event: Event, out: Effect[]): void {
  switch (event.kind) {
    case 'message':
      return onMessage(replica, event.from, event.message, out);
    case 'synced':
      return onSynced(replica, event, out);
    case 'connected':
      return onConnected(replica, event.peer, event.boot, event.mayLead, out);
    case 'disconnected':
      return onDisconnected(replica, event.peer);
    case 'propose':
      return onPropose(replica, event.entry, out);
    case 'fetched':
      return onFetched(replica, event, out);
    default:
      return unreachable(event);
  }
}

function onMessage(replica: Replica, from: HostId, message: Message, out: Effect[]): void {
  assert(message.chain === replica.chain, `chain ${message.chain} is not chain ${replica.chain}`);
  switch (message.kind) {
    case 'append':
      return onAppend(replica, from, message, out);
    case 'ack':
      return onAck(replica, from, message, out);
    case 'resume':
      return onResume(replica, from, message, out);
    case 'seal':
      return onSeal(replica, from, message, out);
    case 'transfer':
      return onTransfer(replica, from, message, out);
    case 'fetch':
      return onFetch(replica, from, message, out);
    case 'chunk':
      return onChunk(replica, from, message, out);
    case 'activate':
      return onActivate(replica, from, message, out);
    case 'sealed':
    case 'transferred':
    case 'adopted':
      return onAnswer(replica, from, message, out);
    case 'refused':
      return onRefused(replica, message, out);
    default:
      return unreachable(message);
  }
}

function onConnected(replica: Replica, peer: HostId, boot: string, mayLead: boolean, out: Effect[]): void {
  replica.peers.set(peer, { boot, mayLead, isConnected: true });
  onLowerGone(replica, peer);
  onUpperBack(replica, peer, out);
  onSourceBack(replica, peer, out);
  onDriverBack(replica, peer, out);
  onPeers(replica, peer, out);
}

function onDisconnected(replica: Replica, peer: HostId): void {
  const known = replica.peers.get(peer);
  if (known !== undefined) replica.peers.set(peer, { ...known, isConnected: false });
  onLowerGone(replica, peer);
}
