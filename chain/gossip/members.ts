// Who is in the set and who is not, and how anybody gets in or out. The two doors are `take` and `remove`; a message opens them any
// number of times and then closes once (`applyChange`), since every change of the set costs a pass over it.
//
// What must not happen is that the dead come back from a peer's older set. Three things stand against it, each enough by itself in the
// usual case: an instance is handed on with the age of its counter and not taken when that is old; one that is gone is remembered
// with its last counter, and comes back only with one that a dead process cannot have reached; and a peer's delete is taken only
// when our own counter is old too, while our own verdict comes later still, so that a delete has run round before anybody needs it.
import { assert } from '../../engine/base/assert.ts';
import { goneInstancesMax, instanceSetsMax, instancesMax } from '../../engine/base/limits.ts';
import type { Instance, InstanceSet } from './instances.ts';
import { indexIn, indexOfId, makeSet } from './instances.ts';
import type { Known } from './messages.ts';
import { listPeers } from './peers.ts';
import { farMs } from './profile.ts';
import type { GoneWhy, Gossip, GossipEffect } from './state.ts';

type Added = { readonly instance: Instance; readonly counter: number; readonly grewMs: number };
/** What one event changes: who comes, by id, and who goes, by place. */
export type Change = { readonly added: Map<string, Added>; readonly removed: Map<number, GoneWhy> };

export function startChange(): Change {
  return { added: new Map(), removed: new Map() };
}

/** A set by its hash, if we remember it. */
export function findSet(gossip: Gossip, hash: string): InstanceSet | undefined {
  if (hash === gossip.set.hash) return gossip.set;
  const set = gossip.history.get(hash);
  if (set !== undefined) rememberSet(gossip, set);
  return set;
}

export function rememberSet(gossip: Gossip, set: InstanceSet): void {
  const { history } = gossip;
  history.delete(set.hash);
  history.set(set.hash, set);
  if (history.size <= instanceSetsMax) return;
  const [oldest] = history.keys();
  if (oldest !== undefined) history.delete(oldest);
}

/** Since when we count an instance as silent: a pause of our own is not its silence. */
export function silentSince(gossip: Gossip, place: number): number {
  return Math.max(gossip.grewMs[place] ?? 0, gossip.patientFromMs);
}

/** Takes in what a peer says of one instance. `from` is where it may stand; returns where it does, or -1. */
export function take(gossip: Gossip, known: Known, nowMs: number, change: Change, from = 0): number {
  const { instance, counter, ageMs } = known;
  const place = indexIn(gossip.set, instance, from);
  if (place < 0) {
    if (mayTake(gossip, known, change)) add(gossip, known, nowMs, change);
  } else if (counter > (gossip.counters[place] ?? 0) && place !== gossip.selfAt) {
    gossip.counters[place] = counter;
    gossip.grewMs[place] = Math.max(gossip.grewMs[place] ?? 0, nowMs - ageMs);
  }
  return place;
}

function mayTake(gossip: Gossip, { instance, counter, ageMs }: Known, change: Change): boolean {
  if (ageMs >= gossip.deletableMs || !mayHold(gossip, instance)) return false;
  if (gossip.set.instances.length + change.added.size >= instancesMax) return false;
  const tombstone = gossip.gone.get(instance.hash);
  return tombstone === undefined || isAlive(gossip, tombstone.counter, counter);
}

/** One's own id belongs to oneself; any other to its newest boot. */
export function mayHold(gossip: Gossip, instance: Instance): boolean {
  if (instance.id === gossip.self.id) return false;
  const held = gossip.set.instances[indexOfId(gossip.set, instance.id)];
  return held === undefined || held.key < instance.key;
}

function isAlive(gossip: Gossip, counterThen: number, counter: number): boolean {
  return counter > counterThen + gossip.profile.revivalHeartbeats;
}

function add(gossip: Gossip, { instance, counter, ageMs }: Known, nowMs: number, change: Change): void {
  if ((change.added.get(instance.id)?.instance.key ?? '') >= instance.key) return;
  const older = indexOfId(gossip.set, instance.id);
  if (older >= 0) change.removed.set(older, 'replaced');
  change.added.set(instance.id, { instance, counter, grewMs: nowMs - ageMs });
}

/** Takes in counters in the order of `set`. */
export function takeCounters(
  gossip: Gossip,
  set: InstanceSet,
  theirs: Uint32Array,
  nowMs: number,
  change: Change,
): void {
  assert(theirs.length === set.instances.length, 'counters are as many as the instances of their set');
  const { counters, grewMs, selfAt } = gossip;
  if (set === gossip.set) {
    const own = counters[selfAt] ?? 0;
    for (let place = 0; place < counters.length; place += 1) {
      const counter = theirs[place] as number;
      if (counter <= (counters[place] as number)) continue;
      counters[place] = counter;
      grewMs[place] = nowMs;
    }
    // Nobody knows better than we how often our own heart beat.
    counters[selfAt] = own;
    grewMs[selfAt] = nowMs;
    return;
  }
  let from = 0;
  for (let at = 0; at < theirs.length; at += 1) {
    const [instance, counter] = [set.instances[at] as Instance, theirs[at] as number];
    const place = indexIn(gossip.set, instance, from);
    if (place >= 0) from = place + 1;
    // Without its age, only one that we ourselves declared dead can be told from the dead.
    if (place >= 0 ? counter <= (counters[place] as number) : !hasRisen(gossip, instance, counter)) continue;
    take(gossip, { instance, counter, ageMs: 0 }, nowMs, change, Math.max(place, 0));
  }
}

function hasRisen(gossip: Gossip, { hash }: Instance, counter: number): boolean {
  const tombstone = gossip.gone.get(hash);
  return tombstone !== undefined && isAlive(gossip, tombstone.counter, counter);
}

/** A peer's deletes: taken where our own counter is old as well, else remembered until it is, or grows. */
export function takeDeletes(gossip: Gossip, hashes: readonly string[], nowMs: number, change: Change): void {
  if (hashes.length === 0) return;
  const deleted = new Set(hashes);
  const { instances } = gossip.set;
  for (let place = 0; place < instances.length; place += 1) {
    const instance = instances[place] as Instance;
    if (!deleted.has(instance.hash) || place === gossip.selfAt) continue;
    const atMs = silentSince(gossip, place) + gossip.deletableMs;
    if (nowMs < atMs) {
      gossip.accused.set(instance.hash, { instance, counter: gossip.counters[place] ?? 0 });
      gossip.accusedAtMs = Math.min(gossip.accusedAtMs, atMs);
    } else change.removed.set(place, 'deleted');
  }
}

/** Our own verdict on everybody's silence; the sooner on those whom a peer holds for dead. */
export function expire(gossip: Gossip, nowMs: number, out: GossipEffect[]): void {
  const change = startChange();
  if (nowMs >= gossip.accusedAtMs) judgeAccused(gossip, nowMs, change);
  for (const place of silentFor(gossip, gossip.deadMs, nowMs)) change.removed.set(place, 'expired');
  applyChange(gossip, change, nowMs, out);
}

function judgeAccused(gossip: Gossip, nowMs: number, change: Change): void {
  gossip.accusedAtMs = Number.POSITIVE_INFINITY;
  for (const [hash, { instance, counter }] of gossip.accused) {
    const place = indexIn(gossip.set, instance);
    const atMs = silentSince(gossip, place) + gossip.deletableMs;
    if (place < 0 || (gossip.counters[place] ?? 0) > counter) gossip.accused.delete(hash);
    else if (nowMs >= atMs) change.removed.set(place, 'deleted');
    else gossip.accusedAtMs = Math.min(gossip.accusedAtMs, atMs);
  }
}

/** Places of those who have been silent for so long. Looks only if there can be any, and learns again when there can be. */
export function silentFor(gossip: Gossip, silentMs: number, nowMs: number): number[] {
  const places: number[] = [];
  if (nowMs - gossip.oldestMs < silentMs) return places;
  gossip.oldestMs = nowMs;
  for (let place = 0; place < gossip.grewMs.length; place += 1) {
    if (place === gossip.selfAt) continue;
    const sinceMs = silentSince(gossip, place);
    if (sinceMs < gossip.oldestMs) gossip.oldestMs = sinceMs;
    if (nowMs - sinceMs >= silentMs) places.push(place);
  }
  return places;
}

/** Makes the changed set current, and says who is gone and who has appeared. */
export function applyChange(gossip: Gossip, change: Change, nowMs: number, out: GossipEffect[]): void {
  if (change.added.size === 0 && change.removed.size === 0) return;
  const { set } = gossip;
  const added = [...change.added.values()].sort((a, b) => (a.instance.key < b.instance.key ? -1 : 1));
  for (const { instance } of added) {
    gossip.gone.delete(instance.hash);
    gossip.recent.push({ instance, atMs: nowMs });
  }
  for (const place of change.removed.keys())
    bury(gossip, set.instances[place] as Instance, gossip.counters[place] ?? 0, nowMs);
  install(gossip, merge(gossip, added, change.removed));
  for (const [place, why] of change.removed)
    out.push({ kind: 'gone', instance: set.instances[place] as Instance, why });
  for (const { instance } of change.added.values()) out.push({ kind: 'appeared', instance });
}

type Rows = {
  readonly instances: readonly Instance[];
  readonly counters: Uint32Array;
  readonly grewMs: Float64Array;
};

/** What stays and what comes, by rising key, in one pass. */
function merge(gossip: Gossip, added: readonly Added[], removed: ReadonlyMap<number, unknown>): Rows {
  const { instances: before } = gossip.set;
  const size = before.length - removed.size + added.length;
  const instances = new Array<Instance>(size);
  const [counters, grewMs] = [new Uint32Array(size), new Float64Array(size)];
  let [at, next] = [0, 0];
  for (let place = 0; place <= before.length; place += 1) {
    const instance = before[place];
    for (let row = added[next]; row !== undefined; row = added[next]) {
      if (instance !== undefined && instance.key < row.instance.key) break;
      instances[at] = row.instance;
      counters[at] = row.counter;
      grewMs[at] = row.grewMs;
      at += 1;
      next += 1;
    }
    if (instance === undefined || removed.has(place)) continue;
    instances[at] = instance;
    counters[at] = gossip.counters[place] ?? 0;
    grewMs[at] = gossip.grewMs[place] ?? 0;
    at += 1;
  }
  assert(at === size, `${at} of ${size} instances`);
  return { instances, counters, grewMs };
}

function bury(gossip: Gossip, { hash }: Instance, counter: number, nowMs: number): void {
  gossip.gone.set(hash, { counter, atMs: nowMs });
  gossip.recentGone.push({ hash, atMs: nowMs });
  gossip.recent = gossip.recent.filter(({ instance }) => instance.hash !== hash);
  gossip.accused.delete(hash);
  if (gossip.gone.size <= goneInstancesMax) return;
  const [oldest] = gossip.gone.keys();
  if (oldest !== undefined) gossip.gone.delete(oldest);
}

function install(gossip: Gossip, { instances, counters, grewMs }: Rows): void {
  rememberSet(gossip, gossip.set);
  const set = makeSet(instances);
  gossip.set = gossip.history.get(set.hash) ?? set;
  gossip.counters = counters;
  gossip.grewMs = grewMs;
  gossip.selfAt = indexIn(gossip.set, gossip.self);
  assert(gossip.selfAt >= 0, 'we are in our own set');
  // One that is new to us may have been silent for longer than anybody: it was young where it came from.
  for (let place = 0; place < grewMs.length; place += 1)
    gossip.oldestMs = Math.min(gossip.oldestMs, silentSince(gossip, place));
  const far = farMs(gossip.profile, set.instances.length);
  gossip.deletableMs = gossip.profile.deletableMs + far;
  gossip.deadMs = gossip.profile.deadMs + far;
  gossip.peers = listPeers(gossip);
}

/** Forgets what is no longer news, and those who have been gone for long enough. */
export function forgetOld(gossip: Gossip, nowMs: number): void {
  const { recentMs, goneMs } = gossip.profile;
  const isNews = ({ atMs }: { readonly atMs: number }): boolean => nowMs - atMs < recentMs;
  if (gossip.recent[0] !== undefined && !isNews(gossip.recent[0])) gossip.recent = gossip.recent.filter(isNews);
  if (gossip.recentGone[0] !== undefined && !isNews(gossip.recentGone[0]))
    gossip.recentGone = gossip.recentGone.filter(isNews);
  for (const [hash, { atMs }] of gossip.gone) {
    if (nowMs - atMs < goneMs) break;
    gossip.gone.delete(hash);
  }
}

/** What we say of the instance at `place`. */
export function knownAt(gossip: Gossip, place: number, nowMs: number): Known {
  const instance = gossip.set.instances[place];
  assert(instance !== undefined, 'it is in the set');
  const ageMs = Math.max(0, Math.min(Math.floor(nowMs - (gossip.grewMs[place] ?? 0)), 0xffff_ffff));
  return { instance, counter: gossip.counters[place] ?? 0, ageMs };
}
