// The messages of an exchange, each answered from what it carries and what we remember (messages.ts has the picture).
//
// What a hello tells (recent instances and deletes) is taken in before its set is looked up: most often that makes our set
// the sender's, and a change of capacity has cost one description instead of a set.
import { recentInstancesMax } from '../../engine/base/limits.ts';
import { compareVersions, digestOf, hearHints, hintsOf, takeRumours, versionsFor } from './hints.ts';
import type { Instance, InstanceSet } from './instances.ts';
import { indexIn, indexOfId, makeSet } from './instances.ts';
import {
  applyChange,
  type Change,
  findSet,
  knownAt,
  mayHold,
  rememberSet,
  startChange,
  take,
  takeCounters,
  takeDeletes,
} from './members.ts';
import type { GossipMessage, Hint, Known, Version } from './messages.ts';
import type { Gossip, GossipEffect, GossipMetrics } from './state.ts';
import { bytesOf } from './wire.ts';

type Of<Kind extends GossipMessage['kind']> = Extract<GossipMessage, { readonly kind: Kind }>;
type Path = keyof GossipMetrics['bytes'];
/** Who sent what, when, and where the answer goes. */
type Heard<Kind extends GossipMessage['kind']> = {
  readonly from: string;
  readonly message: Of<Kind>;
  readonly nowMs: number;
};

const none: readonly never[] = [];

export function startExchange(gossip: Gossip, to: string, nowMs: number, out: GossipEffect[]): void {
  const { set, self, counters, selfAt, metrics } = gossip;
  metrics.started += 1;
  const [digest, news] = [digestOf(gossip), newsOf(gossip, nowMs)];
  const counter = counters[selfAt] ?? 0;
  send(gossip, 'hello', to, { kind: 'hello', set: set.hash, sender: self.hash, counter, digest, ...news }, out);
}

export function onHello(gossip: Gossip, { from, message, nowMs }: Heard<'hello'>, out: GossipEffect[]): void {
  const place = indexOfId(gossip.set, from);
  const sender = gossip.set.instances[place];
  const change = startChange();
  if (sender?.hash === message.sender)
    take(gossip, { instance: sender, counter: message.counter, ageMs: 0 }, nowMs, change, place);
  takeNews(gossip, message, nowMs, change, out);
  const versions = versionsFor(gossip, message.digest);
  const set = findSet(gossip, message.set);
  if (set === undefined) {
    const news = newsOf(gossip, nowMs);
    return send(gossip, 'reverse', from, { kind: 'unknown', set: gossip.set.hash, ...news, versions }, out);
  }
  const rumours = takeRumours(gossip);
  const { wanted, ...rest } = differenceTo(gossip, set, nowMs);
  send(gossip, 'happy', from, { kind: 'found', ...rest, wanted, rumours, versions }, out);
}

export function onFound(gossip: Gossip, { from, message, nowMs }: Heard<'found'>, out: GossipEffect[]): void {
  hearHints(gossip, message.rumours, nowMs, out);
  answerVersions(gossip, from, message.versions, nowMs, out);
  const set = takeCounted(gossip, message, nowMs, out);
  if (set === undefined) return;
  gossip.metrics.happy += 1;
  answerCounters(gossip, 'happy', from, set, message.wanted, nowMs, out);
}

export function onUnknown(gossip: Gossip, { from, message, nowMs }: Heard<'unknown'>, out: GossipEffect[]): void {
  takeNews(gossip, message, nowMs, startChange(), out);
  answerVersions(gossip, from, message.versions, nowMs, out);
  const set = findSet(gossip, message.set);
  gossip.metrics[set === undefined ? 'slow' : 'reverse'] += 1;
  if (set !== undefined)
    return send(gossip, 'reverse', from, { kind: 'reverse', ...differenceTo(gossip, set, nowMs) }, out);
  const instances = gossip.set.instances.map((_, place) => knownAt(gossip, place, nowMs));
  send(gossip, 'slow', from, { kind: 'full', instances }, out);
}

export function onReverse(gossip: Gossip, { from, message, nowMs }: Heard<'reverse'>, out: GossipEffect[]): void {
  const set = takeCounted(gossip, message, nowMs, out);
  if (set !== undefined) answerCounters(gossip, 'reverse', from, set, message.wanted, nowMs, out);
}

/** The end of an exchange, on any path. */
export function onCounters(gossip: Gossip, { message, nowMs }: Heard<'counters' | 'rest'>, out: GossipEffect[]): void {
  takeCounted(gossip, message, nowMs, out);
}

/** A full set is the sender's set too: what it lacks can be told as for a set that we remembered. */
export function onFull(gossip: Gossip, { from, message, nowMs }: Heard<'full'>, out: GossipEffect[]): void {
  const change = startChange();
  takeAll(gossip, message.instances, nowMs, change);
  applyChange(gossip, change, nowMs, out);
  const made = makeSet(message.instances.map(({ instance }) => instance));
  const set = findSet(gossip, made.hash) ?? made;
  if (set === made) rememberSet(gossip, made);
  const { wanted, ...rest } = differenceTo(gossip, set, nowMs);
  send(gossip, 'slow', from, { kind: 'rest', ...rest }, out);
}

export function onHints(gossip: Gossip, { from, message, nowMs }: Heard<'hints'>, out: GossipEffect[]): void {
  hearHints(gossip, message.hints, nowMs, out);
  sendHints(gossip, from, hintsOf(gossip, message.wanted), none, out);
}

function answerVersions(
  gossip: Gossip,
  from: string,
  versions: readonly Version[] | undefined,
  nowMs: number,
  out: GossipEffect[],
): void {
  if (versions === undefined) return;
  const { hints, wanted } = compareVersions(gossip, versions, nowMs);
  sendHints(gossip, from, hints, wanted, out);
}

function sendHints(
  gossip: Gossip,
  to: string,
  hints: readonly Hint[],
  wanted: readonly number[],
  out: GossipEffect[],
): void {
  if (hints.length + wanted.length > 0) send(gossip, 'hints', to, { kind: 'hints', hints, wanted }, out);
}

function answerCounters(
  gossip: Gossip,
  path: Path,
  to: string,
  set: InstanceSet,
  wanted: readonly number[],
  nowMs: number,
  out: GossipEffect[],
): void {
  const missing: Known[] = [];
  for (const at of wanted) {
    const instance = set.instances[at];
    const place = instance === undefined ? -1 : indexIn(gossip.set, instance);
    if (place >= 0) missing.push(knownAt(gossip, place, nowMs));
  }
  send(gossip, path, to, { kind: 'counters', set: set.hash, counters: countersOf(gossip, set), missing }, out);
}

/** Takes in counters and what was missing; undefined where their set is not remembered or is not theirs. */
function takeCounted(
  gossip: Gossip,
  message: Of<'found'> | Of<'reverse'> | Of<'counters'> | Of<'rest'>,
  nowMs: number,
  out: GossipEffect[],
): InstanceSet | undefined {
  const set = findSet(gossip, message.set);
  if (set === undefined || set.instances.length !== message.counters.length) {
    gossip.metrics.refused += 1;
    return undefined;
  }
  const change = startChange();
  takeCounters(gossip, set, message.counters, nowMs, change);
  takeAll(gossip, message.missing, nowMs, change);
  if ('gone' in message) takeDeletes(gossip, message.gone, nowMs, change);
  applyChange(gossip, change, nowMs, out);
  return set;
}

function takeNews(
  gossip: Gossip,
  message: Of<'hello'> | Of<'unknown'>,
  nowMs: number,
  change: Change,
  out: GossipEffect[],
): void {
  takeAll(gossip, message.appeared, nowMs, change);
  takeDeletes(gossip, message.gone, nowMs, change);
  applyChange(gossip, change, nowMs, out);
  hearHints(gossip, message.rumours, nowMs, out);
}

function takeAll(gossip: Gossip, knowns: readonly Known[], nowMs: number, change: Change): void {
  let from = 0;
  for (const known of knowns) from = take(gossip, known, nowMs, change, from) + 1 || from;
}

/** What appeared and went lately, the latest of it where it is too much. */
function newsOf(gossip: Gossip, nowMs: number) {
  const { recent, recentGone } = gossip;
  const appeared = recent.length === 0 ? none : recentKnowns(gossip, nowMs);
  const gone = recentGone.length === 0 ? none : recentGone.slice(-recentInstancesMax).map(({ hash }) => hash);
  return { appeared, gone, rumours: takeRumours(gossip) };
}

function recentKnowns(gossip: Gossip, nowMs: number): Known[] {
  const places = gossip.recent.slice(-recentInstancesMax).map(({ instance }) => indexIn(gossip.set, instance));
  return places.sort((a, b) => a - b).map((place) => knownAt(gossip, place, nowMs));
}

function countersOf(gossip: Gossip, set: InstanceSet): Uint32Array {
  if (set === gossip.set) return gossip.counters.slice();
  const counters = new Uint32Array(set.instances.length);
  let from = 0;
  for (let at = 0; at < counters.length; at += 1) {
    const place = indexIn(gossip.set, set.instances[at] as Instance, from);
    if (place < 0) continue;
    from = place + 1;
    counters[at] = gossip.counters[place] ?? 0;
  }
  return counters;
}

/** Counters in the order of `set`; what we hold besides; what of it is gone; what of it we lack and would hold. */
function differenceTo(gossip: Gossip, set: InstanceSet, nowMs: number) {
  const counters = countersOf(gossip, set);
  if (set === gossip.set) return { set: set.hash, counters, missing: none, gone: none, wanted: none };
  const missing: Known[] = [];
  const gone: string[] = [];
  const wanted: number[] = [];
  const [ours, theirs] = [gossip.set.instances, set.instances];
  let [place, at] = [0, 0];
  while (place < ours.length || at < theirs.length) {
    const [our, their] = [ours[place], theirs[at]];
    if (our !== undefined && their !== undefined && our.hash === their.hash) {
      place += 1;
      at += 1;
    } else if (their === undefined || (our !== undefined && our.key < their.key)) {
      missing.push(knownAt(gossip, place, nowMs));
      place += 1;
    } else {
      if (gossip.gone.has(their.hash)) gone.push(their.hash);
      else if (mayHold(gossip, their)) wanted.push(at);
      at += 1;
    }
  }
  return { set: set.hash, counters, missing, gone, wanted };
}

function send(gossip: Gossip, path: Path, to: string, message: GossipMessage, out: GossipEffect[]): void {
  gossip.metrics.bytes[path] += bytesOf(message);
  out.push({ kind: 'gossip', to, message });
}
