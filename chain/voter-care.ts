// A voter that lost its disk has no voice (C14), and knows it: the list has its name with another store. It asks for its place itself; a
// majority of the others has to agree, and reads every register again before the old store is forgotten (register/replacement.ts).
import type { HostId } from '../engine/base/ids.ts';
import { voterCareMs } from '../engine/base/limits.ts';
import type { RegisterEvent, Registers } from './register/state.ts';

/** When this host asks next: after a while in which it hears of newer lists, and not at the same moment as another. */
export type VoterCare = { atMs: number };

export function createVoterCare(nowMs: number, chance: number): VoterCare {
  return { atMs: nowMs + voterCareMs * (0.5 + chance) };
}

/** What this host begins now for its own voice, where there is something to begin. */
export function careForVoice(
  care: VoterCare,
  { acceptor, replacement }: Registers,
  { self, storeId, chains, nowMs, random }: VoiceFacts,
): (RegisterEvent & { kind: 'replace' }) | undefined {
  const { voters } = acceptor.voters;
  const leaver = voters.find(({ host }) => host === self);
  if (leaver === undefined || leaver.storeId === storeId || replacement !== undefined || nowMs < care.atMs)
    return undefined;
  care.atMs = nowMs + voterCareMs * (0.5 + random());
  return { kind: 'replace', leaver, joiner: { host: self, storeId }, chains };
}

export type VoiceFacts = {
  readonly self: HostId;
  readonly storeId: string;
  /** How many registers there are beside the list's own. */
  readonly chains: number;
  readonly nowMs: number;
  /** In [0, 1). */
  readonly random: () => number;
};
