// One host's part in all chains: replicas, registers, gossip, the detector and the steward behind one door. Events go in, effects
// come out, and nothing here knows a clock, a disk or a socket: time comes with `advanceNode` and with ticks.
//
//            message, synced, connected, tick ...
//                          |
//   gossip ---- who is there ----> detector ----> steward ---- when ----> replicas ---- what ----> registers
//      ^                                                                     |                        |
//      `---------------------- hints <------- learned <----------------------'<------- decided -------'
//
// What is sent to this host itself never leaves: it is taken in before the turn ends.
import { assert, unreachable } from '../engine/base/assert.ts';
import type { ChainId, HostId } from '../engine/base/ids.ts';
import { chainId } from '../engine/base/ids.ts';
import { fetchBurstBytes, hintBytesMax, lagMs } from '../engine/base/limits.ts';
import type { Configuration } from './configuration.ts';
import { decodeConfiguration, encodeConfiguration } from './configuration.ts';
import {
  advanceDetector,
  createDetector,
  goneInGossip,
  heardFrom,
  heardPulse,
  isPulseDue,
  linkChanged,
  takePulse,
  wasRefused,
} from './detector.ts';
import { createGossip, stepGossip } from './gossip/gossip.ts';
import type { GossipEffect, GossipEvent } from './gossip/state.ts';
import type { NodeMessage } from './node-messages.ts';
import type { Node, NodeEffect, NodeEvent, NodeOptions } from './node-state.ts';
import { desiredMembers, factsOf } from './node-state.ts';
import { placeChains } from './placement.ts';
import type { RegisterEffect, Result } from './register/effects.ts';
import { createRegisters, flushRegisters, stepRegisters } from './register/registers.ts';
import type { RegisterEvent } from './register/state.ts';
import { checkRegisters } from './register/state.ts';
import { step } from './replica.ts';
import { checkReplica } from './replica-check.ts';
import type { Decision, Effect, Event, Replica } from './state.ts';
import { createReplica } from './state.ts';
import { createCare, decide, forgive, noteStage } from './steward.ts';
import { careForVoice, createVoterCare } from './voter-care.ts';

export function createNode(options: NodeOptions): Node {
  const { self, hosts, nowMs, profile, random, replicas, instance } = options;
  const chains = replicas.map((stored) => {
    const { boot, storeId, region } = options;
    const replica = createReplica({ self, boot, storeId, region, ...stored });
    return [stored.chain, { replica, care: createCare(nowMs), fetches: [] }] as const;
  });
  const bootstrap = hosts.filter((host) => host !== self);
  return {
    options,
    chains: new Map(chains),
    registers: createRegisters(options),
    gossip: createGossip({ self: instance, profile, random, bootstrap, nowMs }),
    detector: createDetector(self, hosts, nowMs),
    mayLead: new Map([[self, options.mayLead]]),
    inbox: [],
    nowMs,
    tickAtMs: nowMs,
    operation: 0,
    founders: placeChains(hosts, replicas.length, options.replication, () => true),
    placement: { key: '', chains: [] },
    fetchBytes: fetchBurstBytes,
    voterCare: createVoterCare(nowMs, options.random()),
    isShaken: true,
  };
}

/** The clock of everything that follows. */
export function advanceNode(node: Node, nowMs: number): void {
  node.nowMs = Math.max(node.nowMs, nowMs);
}

/** Takes one event. Effects are appended to `out`; the host carries them out in that order. `endTurn` comes once, after the last. */
export function stepNode(node: Node, event: NodeEvent, out: NodeEffect[]): void {
  switch (event.kind) {
    case 'message':
      heardFrom(node.detector, event.from);
      return onMessage(node, event.from, event.message, out);
    case 'chain':
      return stepChain(node, event.chain, event.event, out);
    case 'kept':
      return stepRegister(node, { kind: 'kept', serial: event.serial }, out);
    case 'connected':
      return onConnected(node, event, out);
    case 'disconnected':
      return onDisconnected(node, event.peer, out);
    case 'refused':
      wasRefused(node.detector, event.peer);
      return shake(node);
    case 'tick':
      return onTick(node, out);
    case 'replaceVoter': {
      const { leaver, joiner } = event;
      return stepRegister(node, { kind: 'replace', leaver, joiner, chains: node.chains.size }, out);
    }
    case 'leave':
      node.detector.isLeaving = event.isLeaving;
      node.detector.pulseAtMs = node.nowMs;
      return shake(node);
    case 'space':
      node.detector.isFull = event.isFull;
      node.detector.pulseAtMs = node.nowMs;
      return shake(node);
    case 'proxyMessage':
      return gossipStep(node, { kind: 'message', from: event.from, message: event.message, nowMs: node.nowMs }, out);
    case 'proxyLink':
      return gossipStep(node, { kind: event.isConnected ? 'connected' : 'disconnected', id: event.id }, out);
    default:
      return unreachable(event);
  }
}

/** After the last event of a turn: what was said to oneself is heard, policy speaks where something changed, and asks leave. */
export function endTurn(node: Node, out: NodeEffect[]): void {
  for (let rounds = 0; ; rounds += 1) {
    assert(rounds < 1_000, 'a turn comes to rest');
    hearSelf(node, out);
    if (node.isShaken) {
      node.isShaken = false;
      pulse(node, out);
      for (const chain of node.chains.keys()) steward(node, chain, out);
    }
    const asks: RegisterEffect[] = [];
    flushRegisters(node.registers, asks);
    for (const ask of asks) onRegisterEffect(node, ask, out);
    if (node.inbox.length === 0 && !node.isShaken) return;
  }
}

function hearSelf(node: Node, out: NodeEffect[]): void {
  const { self } = node.options;
  for (let message = node.inbox.shift(); message !== undefined; message = node.inbox.shift()) {
    onMessage(node, self, message, out);
  }
}

function onMessage(node: Node, from: HostId, heard: NodeMessage, out: NodeEffect[]): void {
  switch (heard.about) {
    case 'chain': {
      const { message } = heard;
      if (message.kind === 'chunk') node.fetchBytes -= message.entries.reduce((sum, one) => sum + one.bytes.length, 0);
      if (message.kind === 'page') node.fetchBytes -= message.page.bytes.length;
      return stepChain(node, message.chain, { kind: 'message', from, message }, out);
    }
    case 'register':
      return stepRegister(node, { kind: 'message', from, message: heard.message }, out);
    case 'gossip':
      return gossipStep(node, { kind: 'message', from, message: heard.message, nowMs: node.nowMs }, out);
    case 'life': {
      const before = JSON.stringify(node.detector.hosts.get(from)?.suspects);
      heardPulse(node.detector, from, heard.message);
      if (before !== JSON.stringify(heard.message.suspects)) shake(node);
      return;
    }
    default:
      return unreachable(heard);
  }
}

function stepChain(node: Node, id: ChainId, event: Event, out: NodeEffect[]): void {
  const chain = node.chains.get(id);
  // Another host knows of more chains than this one was configured with: not for this process to say.
  if (chain === undefined) return;
  const effects: Effect[] = [];
  step(chain.replica, event, effects);
  noteStage(chain.care, chain.replica, node.nowMs);
  for (const effect of effects) onEffect(node, chain.replica, effect, out);
  checkReplica(chain.replica);
}

function onEffect(node: Node, replica: Replica, effect: Effect, out: NodeEffect[]): void {
  const { chain } = replica;
  switch (effect.kind) {
    case 'send':
      if (effect.to === node.options.self) node.inbox.push({ about: 'chain', message: effect.message });
      else if (effect.message.kind === 'fetch' || effect.message.kind === 'fetchPage')
        fetchPaced(node, replica, effect, out);
      else out.push({ kind: 'send', to: effect.to, message: { about: 'chain', message: effect.message } });
      return;
    case 'look':
    case 'cas':
      return ask(node, replica, effect, out);
    case 'learned': {
      const { epoch, minor, phase } = effect.value;
      const version = phase === 'active' ? minor + 1 : 0;
      const hint = { chain, epoch, minor: version, bytes: encodeConfiguration(effect.value) };
      if (hint.bytes.length <= hintBytesMax) gossipStep(node, { kind: 'hint', nowMs: node.nowMs, ...hint }, out);
      shake(node);
      out.push({ kind: 'chain', chain, effect });
      return;
    }
    case 'serving':
    case 'stopped':
    case 'wedged':
      shake(node);
      out.push({ kind: 'chain', chain, effect });
      return;
    default:
      out.push({ kind: 'chain', chain, effect });
  }
}

/** What a host fetches, over all its chains, comes at a bounded rate: a fetch waits where the last chunks used it up. */
function fetchPaced(node: Node, replica: Replica, effect: Effect & { kind: 'send' }, out: NodeEffect[]): void {
  const chain = node.chains.get(replica.chain);
  const send = { kind: 'send', to: effect.to, message: { about: 'chain', message: effect.message } } as const;
  if (node.fetchBytes > 0 || chain === undefined) out.push(send);
  // A newer question replaces the one that waits: its answer would not be heard.
  else chain.fetches = [send];
}

function releaseFetches(node: Node, elapsedMs: number, out: NodeEffect[]): void {
  const { fetchBytesPerSecond } = node.options;
  node.fetchBytes = Math.min(fetchBurstBytes, node.fetchBytes + (elapsedMs * fetchBytesPerSecond) / 1_000);
  if (node.fetchBytes <= 0) return;
  for (const chain of node.chains.values()) {
    out.push(...chain.fetches);
    chain.fetches = [];
  }
}

function ask(node: Node, replica: Replica, effect: Effect & { kind: 'look' | 'cas' }, out: NodeEffect[]): void {
  node.operation += 1;
  const encode = (value: Configuration | undefined): Uint8Array | undefined => value && encodeConfiguration(value);
  const change =
    effect.kind === 'look'
      ? ({ kind: 'read' } as const)
      : ({ kind: 'cas', expect: encode(effect.expect), value: encodeConfiguration(effect.value) } as const);
  stepRegister(node, { kind: 'begin', register: replica.chain, op: node.operation, change }, out);
}

function stepRegister(node: Node, event: RegisterEvent, out: NodeEffect[]): void {
  const effects: RegisterEffect[] = [];
  stepRegisters(node.registers, event, effects);
  checkRegisters(node.registers);
  for (const effect of effects) onRegisterEffect(node, effect, out);
}

function onRegisterEffect(node: Node, effect: RegisterEffect, out: NodeEffect[]): void {
  switch (effect.kind) {
    case 'send': {
      const message = { about: 'register', message: effect.message } as const;
      if (effect.to === node.options.self) node.inbox.push(message);
      else out.push({ kind: 'send', to: effect.to, message });
      return;
    }
    case 'decided':
      return onDecided(node, chainId(effect.register), effect.result, out);
    case 'keep':
    case 'voters':
    case 'replaced':
      out.push(effect);
      return;
    default:
      return unreachable(effect);
  }
}

function onDecided(node: Node, id: ChainId, result: Result, out: NodeEffect[]): void {
  const chain = node.chains.get(id);
  assert(chain !== undefined, `register ${id} belongs to a chain`);
  const decision = decisionOf(result, chain.replica.writing !== undefined);
  if (decision.kind === 'value' && decision.value === undefined) chain.care.isEmpty = true;
  if ('value' in decision && decision.value !== undefined) withdrawFalseHint(node, decision.value, out);
  stepChain(node, id, { kind: 'decided', decision }, out);
  shake(node);
}

/** A read that failed found nothing out; a CAS that failed is read back like one of which nothing is known. */
function decisionOf(result: Result, isWriting: boolean): Decision {
  const decode = (value: Uint8Array | undefined): Configuration | undefined => value && decodeConfiguration(value);
  switch (result.kind) {
    case 'value':
    case 'lost':
      return { kind: result.kind, value: decode(result.value) };
    case 'won':
      return result;
    case 'unknown':
    case 'failed':
      return isWriting ? { kind: 'unknown' } : { kind: 'failed' };
    default:
      return unreachable(result);
  }
}

/** C2: what gossip said and the register does not know is not gone by, nor looked up for ever. */
function withdrawFalseHint(node: Node, { chain, epoch }: Configuration, out: NodeEffect[]): void {
  const held = node.gossip.hints.held.get(chain)?.hint;
  if (held === undefined || held.epoch <= epoch) return;
  gossipStep(node, { kind: 'dropHint', chain, epoch: epoch + 1, nowMs: node.nowMs }, out);
}

function gossipStep(node: Node, event: GossipEvent, out: NodeEffect[]): void {
  const effects: GossipEffect[] = [];
  stepGossip(node.gossip, event, effects);
  for (const effect of effects) onGossipEffect(node, effect, out);
}

function onGossipEffect(node: Node, effect: GossipEffect, out: NodeEffect[]): void {
  switch (effect.kind) {
    case 'gossip':
      out.push({ kind: 'gossip', to: effect.to, message: effect.message });
      return;
    case 'appeared':
    case 'gone': {
      const { id } = effect.instance;
      if (effect.kind === 'appeared') goneInGossip(node.detector, id, false);
      else if (effect.why !== 'replaced') goneInGossip(node.detector, id, true);
      return shake(node);
    }
    case 'hint': {
      const chain = node.chains.get(chainId(effect.chain));
      const known = chain?.replica.known;
      if (chain === undefined || (known !== undefined && effect.epoch < known.epoch)) return;
      // C2: a hint is looked up; nothing else follows from it.
      stepChain(node, chain.replica.chain, { kind: 'look' }, out);
      return;
    }
    default:
      return unreachable(effect);
  }
}

function onConnected(node: Node, event: NodeEvent & { kind: 'connected' }, out: NodeEffect[]): void {
  const { peer, boot, storeId, mayLead } = event;
  node.mayLead.set(peer, mayLead);
  linkChanged(node.detector, peer, true);
  gossipStep(node, { kind: 'connected', id: peer }, out);
  for (const chain of node.chains.keys()) stepChain(node, chain, { kind: 'connected', peer, boot, storeId }, out);
  stepRegister(node, { kind: 'connected', peer }, out);
  node.detector.pulseAtMs = node.nowMs;
  shake(node);
}

function onDisconnected(node: Node, peer: HostId, out: NodeEffect[]): void {
  linkChanged(node.detector, peer, false);
  gossipStep(node, { kind: 'disconnected', id: peer }, out);
  for (const chain of node.chains.keys()) stepChain(node, chain, { kind: 'disconnected', peer }, out);
  shake(node);
}

function onTick(node: Node, out: NodeEffect[]): void {
  const { nowMs, options } = node;
  const elapsedMs = nowMs - node.tickAtMs;
  node.tickAtMs = nowMs;
  // A process that stood still measures nothing by the time that it missed.
  if (elapsedMs > lagMs) for (const { care } of node.chains.values()) forgive(care, elapsedMs);
  advanceDetector(node.detector, nowMs);
  stepRegister(node, { kind: 'tick', nowMs }, out);
  gossipStep(node, { kind: 'tick', nowMs, lagMs: Math.max(0, elapsedMs - options.tickMs) }, out);
  releaseFetches(node, elapsedMs, out);
  const { self, storeId, random } = options;
  const facts = { self, storeId, chains: node.chains.size, nowMs, random };
  const replace = careForVoice(node.voterCare, node.registers, facts);
  if (replace !== undefined) stepRegister(node, replace, out);
  shake(node);
}

/** Something changed that policy goes by: it is asked once, at the end of the turn. */
function shake(node: Node): void {
  node.isShaken = true;
}

function pulse(node: Node, out: NodeEffect[]): void {
  const { detector, options } = node;
  if (!isPulseDue(detector)) return;
  const message = { about: 'life', message: takePulse(detector) } as const;
  for (const to of options.hosts) {
    if (to !== options.self && detector.hosts.get(to)?.isConnected === true) out.push({ kind: 'send', to, message });
  }
}

function steward(node: Node, id: ChainId, out: NodeEffect[]): void {
  const chain = node.chains.get(id);
  if (chain === undefined) return;
  const placement = desiredMembers(node);
  const event = decide(chain.care, chain.replica, factsOf(node, id, placement));
  if (event !== undefined) stepChain(node, id, event, out);
}
