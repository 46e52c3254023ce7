// What is said of chains' configurations. A hint makes its hearer read the register earlier than it would have; it decides nothing
// (C2), so a false one costs a read. It must not cost one for ever, nor keep true ones out: whoever has read the register withdraws a
// false hint by its epoch, and for a while believes nothing of that chain from that epoch on, while lower and true ones pass.
// After that while a peer that still holds the false one may tell it again, and it is checked again: a read a minute at most.
//
// A new hint is a rumour first: it rides in the next 2 * log2(n) + 4 exchanges, by which all have heard it but a few. Those few find out by a digest
// over all versions that every first message carries.
import { weightOf } from '../../engine/base/checksum.ts';
import { hintsBytesMax, hintsMax } from '../../engine/base/limits.ts';
import type { Hint, Version } from './messages.ts';
import type { Gossip, GossipEffect, Hints } from './state.ts';

const none: readonly never[] = [];

export function startHints(): Hints {
  return { held: new Map(), rumours: new Set(), confirmed: new Map(), refused: new Map(), digest: undefined };
}

/** True where `a` is the later configuration. */
function isNewer(a: Version, b: Version | undefined): boolean {
  return b === undefined || a.epoch > b.epoch || (a.epoch === b.epoch && a.minor > b.minor);
}

export function hearHints(gossip: Gossip, heard: readonly Hint[], nowMs: number, out: GossipEffect[]): void {
  for (const hint of heard) {
    if (isRefused(gossip, hint, nowMs) || !hold(gossip, hint)) continue;
    out.push({ kind: 'hint', ...hint });
  }
}

/** What the register says is held whatever was heard, unless a later one was: then that has yet to be checked. */
export function confirmHint(gossip: Gossip, hint: Hint): void {
  const { confirmed, refused } = gossip.hints;
  if (!isNewer(hint, confirmed.get(hint.chain)) || !hasRoom(gossip, hint.chain)) return;
  confirmed.set(hint.chain, hint);
  // A refusal from an epoch that is real by now was a mistake, or its time has come.
  if (hint.epoch >= (refused.get(hint.chain)?.epoch ?? Number.POSITIVE_INFINITY)) refused.delete(hint.chain);
  hold(gossip, hint);
}

/** Withdraws what was heard of `chain` from `epoch` on, for what was confirmed; believes no such thing for a while. */
export function dropHint(gossip: Gossip, chain: number, epoch: number, nowMs: number): void {
  const { held, rumours, confirmed, refused } = gossip.hints;
  const truth = confirmed.get(chain);
  if ((truth !== undefined && truth.epoch >= epoch) || !hasRoom(gossip, chain)) return;
  refused.set(chain, { epoch, untilMs: nowMs + gossip.profile.hintRefusedMs });
  if ((held.get(chain)?.hint.epoch ?? -1) < epoch) return;
  held.delete(chain);
  rumours.delete(chain);
  gossip.hints.digest = undefined;
  if (truth !== undefined) hold(gossip, truth);
}

function isRefused(gossip: Gossip, { chain, epoch }: Version, nowMs: number): boolean {
  const refusal = gossip.hints.refused.get(chain);
  return refusal !== undefined && epoch >= refusal.epoch && nowMs < refusal.untilMs;
}

function hasRoom(gossip: Gossip, chain: number): boolean {
  const { held, confirmed, refused } = gossip.hints;
  return [held, confirmed, refused].every((map) => map.has(chain) || map.size < hintsMax);
}

function hold(gossip: Gossip, hint: Hint): boolean {
  const { hints } = gossip;
  if (!isNewer(hint, hints.held.get(hint.chain)?.hint) || !hasRoom(gossip, hint.chain)) return false;
  const ridesLeft = 2 * Math.ceil(Math.log2(gossip.set.instances.length + 1)) + 4;
  hints.held.set(hint.chain, { hint, ridesLeft });
  hints.rumours.add(hint.chain);
  hints.digest = undefined;
  return true;
}

/** The rumours that ride in the message that is being made. */
export function takeRumours(gossip: Gossip): readonly Hint[] {
  const { held, rumours } = gossip.hints;
  if (rumours.size === 0) return none;
  const riding: Hint[] = [];
  let bytes = 0;
  for (const chain of [...rumours]) {
    const rumour = held.get(chain);
    if (rumour === undefined) continue;
    if (bytes >= hintsBytesMax) break;
    riding.push(rumour.hint);
    bytes += rumour.hint.bytes.length;
    rumour.ridesLeft -= 1;
    // The others' turn comes first next time.
    rumours.delete(chain);
    if (rumour.ridesLeft > 0) rumours.add(chain);
  }
  return riding;
}

export function digestOf({ hints }: Gossip): string {
  hints.digest ??= weightOf(
    [...hints.held.values()]
      .map(({ hint: { chain, epoch, minor } }) => `${chain} ${epoch} ${minor}`)
      .sort()
      .join('\n'),
  );
  return hints.digest;
}

/** Our versions, for a peer whose digest is `digest`; undefined where it has the same. */
export function versionsFor(gossip: Gossip, digest: string): readonly Version[] | undefined {
  if (digest === digestOf(gossip)) return undefined;
  return [...gossip.hints.held.values()].map(({ hint: { chain, epoch, minor } }) => ({ chain, epoch, minor }));
}

/** What to say to a peer with these versions: what it lacks, as far as it fits, and what we lack. */
export function compareVersions(
  gossip: Gossip,
  versions: readonly Version[],
  nowMs: number,
): { readonly hints: readonly Hint[]; readonly wanted: readonly number[] } {
  const theirs = new Map(versions.map((version) => [version.chain, version]));
  const newer: number[] = [];
  for (const [chain, { hint }] of gossip.hints.held) if (isNewer(hint, theirs.get(chain))) newer.push(chain);
  const wanted = [...theirs.values()].filter(
    (version) => isNewer(version, gossip.hints.held.get(version.chain)?.hint) && !isRefused(gossip, version, nowMs),
  );
  return { hints: hintsOf(gossip, newer), wanted: wanted.map(({ chain }) => chain).sort((a, b) => a - b) };
}

/** Ours of these chains, until a message is full. */
export function hintsOf(gossip: Gossip, chains: readonly number[]): Hint[] {
  const hints: Hint[] = [];
  let bytes = 0;
  for (const chain of chains) {
    const hint = gossip.hints.held.get(chain)?.hint;
    if (hint === undefined) continue;
    if (bytes >= hintsBytesMax) break;
    hints.push(hint);
    bytes += hint.bytes.length;
  }
  return hints;
}
