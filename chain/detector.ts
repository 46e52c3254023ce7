// Who is missed here, and by whom else. Evidence of a crash, from quick to slow: a refused connection; a link that broke and did
// not come back; a link on which nothing was heard; gossip's word. A suspicion triggers, and never decides (C2).
//
// A host that did not run for a while (its own loop lagged) heard nobody in that time: all silences begin anew, before it
// accuses anyone (Lifeguard, arXiv 1707.00788).
import type { HostId } from '../engine/base/ids.ts';
import { lagMs, linkLostMs, pulseMs, silentMs } from '../engine/base/limits.ts';
import type { Pulse } from './pulse.ts';

type Watched = {
  /** Undefined before the first link: nothing can be said of who was never met. */
  isConnected: boolean | undefined;
  heardMs: number;
  lostMs: number;
  isRefused: boolean;
  isGoneInGossip: boolean;
  /** Whom it misses itself, as it said last. */
  suspects: readonly HostId[];
  isLeaving: boolean;
  /** Its disk has too little space (E9). */
  isFull: boolean;
};

export type Detector = {
  readonly self: HostId;
  readonly hosts: Map<HostId, Watched>;
  nowMs: number;
  beganMs: number;
  pulseAtMs: number;
  isLeaving: boolean;
  isFull: boolean;
  /** As of the last evaluation: what the pulse says. */
  suspects: readonly HostId[];
};

export function createDetector(self: HostId, hosts: readonly HostId[], nowMs: number): Detector {
  const watched = hosts.filter((host) => host !== self).map((host) => [host, unmet(nowMs)] as const);
  return {
    self,
    hosts: new Map(watched),
    nowMs,
    beganMs: nowMs,
    pulseAtMs: nowMs,
    isLeaving: false,
    isFull: false,
    suspects: [],
  };
}

function unmet(nowMs: number): Watched {
  return {
    isConnected: undefined,
    heardMs: nowMs,
    lostMs: nowMs,
    isRefused: false,
    isGoneInGossip: false,
    suspects: [],
    isLeaving: false,
    isFull: false,
  };
}

export function heardFrom(detector: Detector, host: HostId): void {
  const watched = detector.hosts.get(host);
  if (watched !== undefined) watched.heardMs = detector.nowMs;
}

export function linkChanged(detector: Detector, host: HostId, isConnected: boolean): void {
  const watched = detector.hosts.get(host);
  if (watched === undefined) return;
  watched.isConnected = isConnected;
  watched.isRefused = false;
  watched.lostMs = detector.nowMs;
  watched.heardMs = detector.nowMs;
  if (isConnected) watched.isGoneInGossip = false;
  else watched.suspects = [];
}

/** Nobody listens where it should: its process is gone. */
export function wasRefused(detector: Detector, host: HostId): void {
  const watched = detector.hosts.get(host);
  if (watched !== undefined && watched.isConnected !== true) watched.isRefused = true;
}

export function goneInGossip(detector: Detector, host: HostId, isGone: boolean): void {
  const watched = detector.hosts.get(host);
  if (watched !== undefined) watched.isGoneInGossip = isGone;
}

export function heardPulse(detector: Detector, host: HostId, { suspects, isLeaving, isFull }: Pulse): void {
  const watched = detector.hosts.get(host);
  if (watched === undefined) return;
  watched.suspects = suspects;
  watched.isLeaving = isLeaving;
  watched.isFull = isFull;
}

/** The clock. Says whether a pulse is due: in time, or since whom this host misses has changed. */
export function advanceDetector(detector: Detector, nowMs: number): boolean {
  const pausedMs = nowMs - detector.nowMs;
  detector.nowMs = nowMs;
  if (pausedMs > lagMs) {
    for (const watched of detector.hosts.values()) {
      watched.heardMs += pausedMs;
      watched.lostMs += pausedMs;
    }
  }
  return isPulseDue(detector);
}

export function isPulseDue(detector: Detector): boolean {
  const suspects = [...detector.hosts.keys()].filter((host) => isSuspect(detector, host));
  const isChanged =
    suspects.length !== detector.suspects.length || suspects.some((one) => !detector.suspects.includes(one));
  detector.suspects = suspects;
  return isChanged || detector.nowMs >= detector.pulseAtMs;
}

export function takePulse(detector: Detector): Pulse {
  detector.pulseAtMs = detector.nowMs + pulseMs;
  return { kind: 'pulse', suspects: detector.suspects, isLeaving: detector.isLeaving, isFull: detector.isFull };
}

/** Whether this host misses it. */
export function isSuspect({ hosts, nowMs }: Detector, host: HostId): boolean {
  const watched = hosts.get(host);
  if (watched === undefined) return false;
  if (watched.isConnected === true) return nowMs - watched.heardMs > silentMs;
  return watched.isRefused || watched.isGoneInGossip || nowMs - watched.lostMs > linkLostMs;
}

/** Missed here, and by somebody else too, where there is somebody else: a lone observer may have the broken link itself. */
export function isConfirmedDead(detector: Detector, host: HostId): boolean {
  if (!isSuspect(detector, host)) return false;
  const others = [...detector.hosts].filter(([other, one]) => {
    return other !== host && one.isConnected === true && !isSuspect(detector, other);
  });
  return others.length === 0 || others.some(([, one]) => one.suspects.includes(host));
}

/** Whether it can be talked to, as far as is known. */
export function isLive(detector: Detector, host: HostId): boolean {
  if (host === detector.self) return true;
  return detector.hosts.get(host)?.isConnected === true && !isSuspect(detector, host);
}

/** Whether chains should be placed on it. */
export function isWanted(detector: Detector, host: HostId): boolean {
  if (!isLive(detector, host)) return false;
  return host === detector.self ? !detector.isLeaving : detector.hosts.get(host)?.isLeaving !== true;
}

/** Those of `hosts` whose disks are full, as far as is known. */
export function fullAmong(detector: Detector, hosts: readonly HostId[]): HostId[] {
  return hosts.filter((host) => (host === detector.self ? detector.isFull : detector.hosts.get(host)?.isFull === true));
}
