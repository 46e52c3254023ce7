// The failure detector: every instance raises a counter, peers chosen by chance exchange counters, and whoever's counter has not
// grown for too long is gone. One way in, `stepGossip`; effects are carried out in their order.
//
// It suspects, and never decides: who is in a chain stands in the chain's register (C2). A false suspicion costs availability.

import { unreachable } from '../../engine/base/assert.ts';
import { onCounters, onFound, onFull, onHello, onHints, onReverse, onUnknown, startExchange } from './exchange.ts';
import { confirmHint, dropHint, startHints } from './hints.ts';
import type { Instance } from './instances.ts';
import { makeSet } from './instances.ts';
import { expire, forgetOld, silentFor } from './members.ts';
import { chooseAmong, choosePeer, chooseStranger, listPeers } from './peers.ts';
import type { Gossip, GossipEffect, GossipEvent, GossipOptions } from './state.ts';

/** Knows of nobody but itself. Its first tick is due at once. */
export function createGossip({ self, profile, random, bootstrap, nowMs }: GossipOptions): Gossip {
  const gossip: Gossip = {
    self,
    profile,
    random,
    bootstrap,
    set: makeSet([self]),
    counters: new Uint32Array(1),
    grewMs: Float64Array.of(nowMs),
    selfAt: 0,
    history: new Map(),
    recent: [{ instance: self, atMs: nowMs }],
    recentGone: [],
    gone: new Map(),
    accused: new Map(),
    accusedAtMs: Number.POSITIVE_INFINITY,
    reachable: new Set(),
    peers: [],
    hints: startHints(),
    metrics: {
      started: 0,
      happy: 0,
      reverse: 0,
      slow: 0,
      refused: 0,
      bytes: { hello: 0, happy: 0, reverse: 0, slow: 0, hints: 0 },
    },
    patientFromMs: nowMs,
    heartbeatAtMs: nowMs,
    gossipAtMs: nowMs,
    bootstrapAtMs: nowMs + profile.bootstrapMs,
    oldestMs: nowMs,
    deletableMs: profile.deletableMs,
    deadMs: profile.deadMs,
  };
  return gossip;
}

/** Takes one event in; appends what is to be done to `out`. */
export function stepGossip(gossip: Gossip, event: GossipEvent, out: GossipEffect[]): void {
  switch (event.kind) {
    case 'tick':
      noticeLag(gossip, event.nowMs, event.lagMs);
      return onTick(gossip, event.nowMs, out);
    case 'message':
      noticeLag(gossip, event.nowMs, 0);
      return onMessage(gossip, event, out);
    case 'connected':
      gossip.reachable.add(event.id);
      gossip.peers = listPeers(gossip);
      return;
    case 'disconnected':
      gossip.reachable.delete(event.id);
      gossip.peers = listPeers(gossip);
      return;
    case 'hint': {
      const { chain, epoch, minor, bytes } = event;
      return confirmHint(gossip, { chain, epoch, minor, bytes });
    }
    case 'dropHint':
      return dropHint(gossip, event.chain, event.epoch, event.nowMs);
    default:
      unreachable(event);
  }
}

/** When the next tick is due; later ones are taken for a lag of our own. */
export function dueMs(gossip: Gossip): number {
  const { heartbeatAtMs, gossipAtMs, accusedAtMs, oldestMs, deadMs } = gossip;
  return Math.min(heartbeatAtMs, gossipAtMs, accusedAtMs, oldestMs + deadMs);
}

/** Who is taken to be alive, ourselves among them, by id. */
export function liveInstances(gossip: Gossip): readonly Instance[] {
  return gossip.set.instances;
}

/**
 * Whoever did not listen cannot say that others were silent (Lifeguard: "am I slow?" before "are you dead?"). After a pause of our
 * own all silences begin anew, for our own verdict and for a peer's deletes alike. Messages that waited out the pause with us may come in before
 * the tick that tells of it; then it is seen by the tick that should have been.
 */
function noticeLag(gossip: Gossip, nowMs: number, lagMs: number): void {
  if (Math.max(lagMs, nowMs - dueMs(gossip)) > gossip.profile.lagMs) gossip.patientFromMs = nowMs;
}

function onTick(gossip: Gossip, nowMs: number, out: GossipEffect[]): void {
  const { profile, selfAt } = gossip;
  gossip.grewMs[selfAt] = nowMs;
  if (nowMs >= gossip.heartbeatAtMs) {
    gossip.counters[selfAt] = (gossip.counters[selfAt] ?? 0) + 1;
    gossip.heartbeatAtMs = Math.max(gossip.heartbeatAtMs + profile.heartbeatMs, nowMs);
  }
  expire(gossip, nowMs, out);
  if (nowMs < gossip.gossipAtMs) return;
  forgetOld(gossip, nowMs);
  const isBootstrapDue = nowMs >= gossip.bootstrapAtMs;
  const called = new Set([
    choosePeer(gossip),
    // Silence is mostly bad luck on the way; a suspect that lives says so in the answer.
    chooseAmong(gossip, silentFor(gossip, gossip.deletableMs, nowMs)),
    isBootstrapDue ? chooseStranger(gossip) : undefined,
  ]);
  for (const peer of called) if (peer !== undefined) startExchange(gossip, peer, nowMs, out);
  // Half to one and a half times the pause: peers that started together should not call together.
  if (isBootstrapDue) gossip.bootstrapAtMs = nowMs + profile.bootstrapMs * (0.5 + gossip.random());
  const pauseMs = profile.gossipMsMin + (profile.gossipMsMax - profile.gossipMsMin) * gossip.random();
  gossip.gossipAtMs = Math.max(gossip.gossipAtMs + pauseMs, nowMs);
}

function onMessage(gossip: Gossip, event: Extract<GossipEvent, { kind: 'message' }>, out: GossipEffect[]): void {
  const { from, message, nowMs } = event;
  switch (message.kind) {
    case 'hello':
      return onHello(gossip, { from, message, nowMs }, out);
    case 'found':
      return onFound(gossip, { from, message, nowMs }, out);
    case 'unknown':
      return onUnknown(gossip, { from, message, nowMs }, out);
    case 'reverse':
      return onReverse(gossip, { from, message, nowMs }, out);
    case 'counters':
    case 'rest':
      return onCounters(gossip, { from, message, nowMs }, out);
    case 'full':
      return onFull(gossip, { from, message, nowMs }, out);
    case 'hints':
      return onHints(gossip, { from, message, nowMs }, out);
    default:
      unreachable(message);
  }
}
