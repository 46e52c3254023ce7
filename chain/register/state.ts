// The registers of one host: its voter, its proposer, and a replacement of a voter if one is driven from here. Plain data, but
// for `random`. What happens to it is below, what it wants done in effects.ts; registers.ts is the door.
import { assert } from '../../engine/base/assert.ts';
import type { HostId } from '../../engine/base/ids.ts';
import { type Acceptor, checkAcceptor } from './acceptor.ts';
import type { Change } from './effects.ts';
import type { RegisterMessage } from './messages.ts';
import type { Proposer } from './proposer.ts';
import type { Voter, Voters } from './voters.ts';

export type Stage =
  /** Finds out which list is decided. */
  | { readonly kind: 'reading' }
  /** Puts the new voter beside the old one, */
  | { readonly kind: 'joining'; readonly decided: Voters; readonly next: Voters }
  /** reads every register under both lists, each of `left` still to come, */
  | { readonly kind: 'rescanning'; readonly joint: Voters; readonly left: Set<number> }
  /** and leaves the old one behind. */
  | { readonly kind: 'leaving'; readonly decided: Voters; readonly next: Voters };

/** A replacement of a voter, on the host that drives it. */
export type Replacement = {
  readonly leaver: Voter;
  readonly joiner: Voter;
  /** Registers 0 ... chains - 1 are in use. */
  readonly chains: number;
  readonly endMs: number;
  stage: Stage;
};

export type Registers = {
  readonly acceptor: Acceptor;
  readonly proposer: Proposer;
  replacement: Replacement | undefined;
  /** Operations of the caller that wait for a register which a replacement reads just now. */
  readonly held: Map<number, { readonly op: number; readonly change: Change }>;
};

export type RegisterEvent =
  | { readonly kind: 'message'; readonly from: HostId; readonly message: RegisterMessage }
  /** Every `keep` up to this serial is synced. */
  | { readonly kind: 'kept'; readonly serial: number }
  /** The link to this host is new: what was sent on the last one may be lost. */
  | { readonly kind: 'connected'; readonly peer: HostId }
  | { readonly kind: 'tick'; readonly nowMs: number }
  /** `op` is the caller's number, from 0; one operation per register until it is decided. */
  | { readonly kind: 'begin'; readonly register: number; readonly op: number; readonly change: Change }
  | { readonly kind: 'replace'; readonly leaver: Voter; readonly joiner: Voter; readonly chains: number };

/** What a replacement's own operations are numbered. */
export const replacementOp = -1;

/** What holds between any two events. */
export function checkRegisters({ acceptor, proposer, held }: Registers): void {
  checkAcceptor(acceptor);
  const [a, b] = [acceptor.voters.generation, proposer.voters.generation];
  assert(a === b, `C1: a host votes by generation ${a} and proposes by ${b}`);
  for (const register of held.keys())
    assert(proposer.operations.get(register)?.op === replacementOp, `register ${register} waits for a replacement`);
}
