// Replacing a voter: OLD, whose disk or host is gone, by NEW. The list of voters is the value of a register like any other, so two
// hosts that change it at the same time cannot both have their way; and it goes from one list to the next over a joint one:
//
//   reading      a quorum read of the list                                              generation g      {voters}
//   joining      CAS to a joint list; from now on a quorum is a majority of each        generation g + 1  {voters, joining}
//   rescanning   every register is read once by joint quorums
//   leaving      CAS to the new list alone                                              generation g + 2  {joining}
//   reading      once more, by the new list: then a majority of it knows, and it is done
//
// Why nothing is lost. A list is gone by only once it is decided; news of it goes by word of mouth. A voter votes in the newest
// generation that it knows, and never again in an older one.
//   1. Neighbouring generations: a joint quorum holds a majority of both lists. So every quorum of g + 1 meets every one of g and
//      every one of g + 2, and between neighbours Paxos holds as if there were one list, whoever knows what.
//   2. g and g + 2 need not meet: of {A, B, C} and {A, B, D}, take {A, C} and {B, D}. What stands between is the rescan. Its
//      prepare of a register, b, is promised by a majority of OLD's list in generation g + 1. Any quorum of g has a voter in
//      that majority, and what this voter answered in g it answered before. So a ballot of g that a quorum promised is
//      below b, and what a quorum accepted in g the rescan was told of: no quorum of g completes any more, for either question.
//      And the read ends with the value accepted (and with the promise, where there is none) by a majority of NEW's list. From
//      there generation g + 2 takes over, whose every quorum meets that majority.
//   3. By the same step, anything older than g + 2 is fenced. An old voter with its old store that is asked to join again is
//      harmless: what it accepted in its time stands under ballots below the rescan's, and every value since above.
//   4. The list's own register is not rescanned: the CAS to g + 2 is itself a change of it under joint quorums.
//   5. NEW may know nothing: it counts for the joining list only, and the other list still has to agree to everything. A voter
//      whose disk is lost counts for nothing, since its new store is in no list (C10, C14).
// An operation of a caller that is decided under the joint list serves as the rescan of its register.
//
// One at a time: a joint list that is not ours is somebody's, and refused; one that is ours, begun here or by a host that died, is
// gone on with from the rescan. What becomes of it:
//
//   | the list as decided              | then                                         |
//   | -------------------------------- | -------------------------------------------- |
//   | joint, towards the one we want   | go on: rescan, leave                         |
//   | joint, towards another           | refused                                      |
//   | has NEW and not OLD              | done                                         |
//   | has OLD, and NEW has no vote     | begin, if it would be a list without a flaw  |
//   | anything else                    | refused                                      |
//
// At rest a cluster needs nothing of this to be known everywhere: a host with an old list asks by it, and any voter that knows better
// answers with the news; hosts tell each other on a new link. The host that decided tells all voters, old and new, at once.
import { assert } from '../../engine/base/assert.ts';
import { registerItemsMax, replaceVoterMs } from '../../engine/base/limits.ts';
import { takeVoters } from './acceptor.ts';
import type { Change, RegisterEffect, Replaced } from './effects.ts';
import { begin, followVoters, type Outcome } from './proposer.ts';
import { type Registers, type Replacement, replacementOp, type Stage } from './state.ts';
import { decodeVoters, encodeVoters, flawOf, hostsOf, type Voter, type Voters, votersRegister } from './voters.ts';

export type Plan =
  | { readonly kind: 'goOn'; readonly joint: Voters }
  | { readonly kind: 'begin'; readonly next: Voters }
  | { readonly kind: 'done' }
  | { readonly kind: 'refused'; readonly reason: string };

/** The table above. */
export function planReplacement(decided: Voters, leaver: Voter, joiner: Voter): Plan {
  const { generation, voters, joining } = decided;
  const isLeaver = (voter: Voter): boolean => isSameVoter(voter, leaver);
  const isJoiner = (voter: Voter): boolean => isSameVoter(voter, joiner);
  const next = voters.map((voter) => (isLeaver(voter) ? joiner : voter));
  if (joining !== undefined) {
    const isOurs = voters.some(isLeaver) && joining.every((voter, index) => isSameVoter(voter, next[index]));
    return isOurs ? { kind: 'goOn', joint: decided } : refuse('another voter is being replaced');
  }
  if (!voters.some(isLeaver)) {
    if (voters.some(isJoiner)) return { kind: 'done' };
    return refuse(`${leaver.host} with store ${leaver.storeId} is no voter`);
  }
  if (voters.some(isJoiner)) return refuse(`${joiner.host} with store ${joiner.storeId} is a voter already`);
  const flaw = flawOf(next);
  if (flaw !== undefined) return refuse(flaw);
  return { kind: 'begin', next: { generation: generation + 1, voters, joining: next } };
}

/** `replace-voter`: ends with a `replaced` effect within `replaceVoterMs`. */
export function replace(
  registers: Registers,
  { leaver, joiner, chains }: Pick<Replacement, 'leaver' | 'joiner' | 'chains'>,
  out: RegisterEffect[],
): void {
  if (registers.replacement !== undefined) {
    const reason = 'a replacement is under way on this host';
    out.push({ kind: 'replaced', result: { kind: 'refused', reason } });
    return;
  }
  const endMs = registers.proposer.nowMs + replaceVoterMs;
  registers.replacement = { leaver, joiner, chains, endMs, stage: { kind: 'reading' } };
}

/** An operation was decided, of the replacement's own or of a caller. */
export function hearOutcome(registers: Registers, outcome: Outcome, out: RegisterEffect[]): void {
  const { replacement } = registers;
  if (replacement === undefined) return;
  const { stage } = replacement;
  const { register, result, generation } = outcome;
  if (stage.kind === 'rescanning') {
    const isRead = result.kind === 'value' || result.kind === 'won' || result.kind === 'lost';
    if (isRead && generation === stage.joint.generation) stage.left.delete(register);
  } else if (register === votersRegister) {
    replacement.stage = { kind: 'reading' };
    if (result.kind === 'value') onListRead(registers, replacement, result.value, out);
    else if (stage.kind !== 'reading' && isWon(outcome, stage.next)) onListWon(registers, replacement, stage, out);
  }
}

/** Does what the stage needs and is not being done: once at the end of every step, when all its outcomes are heard. */
export function driveReplacement(registers: Registers, out: RegisterEffect[]): void {
  const { replacement, proposer, acceptor } = registers;
  if (replacement === undefined) return;
  if (proposer.nowMs >= replacement.endMs) {
    return end(registers, { kind: 'stopped', reason: `no quorum answered while ${replacement.stage.kind}` }, out);
  }
  // Somebody else went on with it.
  const { stage } = replacement;
  if (stage.kind === 'rescanning' && stage.joint.generation !== acceptor.voters.generation)
    replacement.stage = { kind: 'reading' };
  else if (stage.kind === 'rescanning' && stage.left.size === 0) {
    const { generation, joining } = stage.joint;
    assert(joining !== undefined, 'the list that is left is joint');
    const next = { generation: generation + 1, voters: joining, joining: undefined };
    replacement.stage = { kind: 'leaving', decided: stage.joint, next };
  }
  beginWhatIsNeeded(registers, replacement);
}

/** A list that a quorum has decided, newer than the one in force. From now on this host goes by it. */
export function adopt(registers: Registers, voters: Voters, out: RegisterEffect[]): void {
  takeVoters(registers.acceptor, voters, out);
  followVoters(registers.proposer, voters);
  out.push({ kind: 'voters', voters });
}

function beginWhatIsNeeded({ proposer }: Registers, { stage }: Replacement): void {
  const { operations } = proposer;
  if (stage.kind === 'rescanning') {
    for (const register of stage.left) {
      if (operations.size >= registerItemsMax) return;
      if (!operations.has(register)) begin(proposer, register, replacementOp, { kind: 'read' });
    }
  } else if (!operations.has(votersRegister)) {
    begin(proposer, votersRegister, replacementOp, changeOf(stage));
  }
}

function changeOf(stage: Exclude<Stage, { kind: 'rescanning' }>): Change {
  if (stage.kind === 'reading') return { kind: 'read' };
  // The list that a cluster is made with was never written.
  const expect = stage.decided.generation === 1 ? undefined : encodeVoters(stage.decided);
  return { kind: 'cas', expect, value: encodeVoters(stage.next) };
}

function onListRead(
  registers: Registers,
  replacement: Replacement,
  value: Uint8Array | undefined,
  out: RegisterEffect[],
): void {
  const inForce = registers.acceptor.voters;
  const decided = value === undefined ? inForce : decodeVoters(value);
  const { generation } = decided;
  assert(value !== undefined || generation === 1, `C1: generation ${generation} is in force and was never decided`);
  const isKnown = generation >= inForce.generation;
  assert(isKnown, `C1: a quorum of generation ${inForce.generation} knows of none past ${generation}`);
  if (generation > inForce.generation) tellVoters(registers, decided, out);
  const plan = planReplacement(decided, replacement.leaver, replacement.joiner);
  if (plan.kind === 'begin') replacement.stage = { kind: 'joining', decided, next: plan.next };
  else if (plan.kind === 'goOn') rescan(replacement, plan.joint);
  else end(registers, plan, out);
}

/** By what was written, not by what is expected just now: a replacement that stopped may have left an operation behind. */
function isWon({ result, change }: Outcome, next: Voters): boolean {
  return result.kind === 'won' && change.kind === 'cas' && Buffer.compare(change.value, encodeVoters(next)) === 0;
}

function onListWon(
  registers: Registers,
  replacement: Replacement,
  { kind, next }: { readonly kind: 'joining' | 'leaving'; readonly next: Voters },
  out: RegisterEffect[],
): void {
  if (next.generation > registers.acceptor.voters.generation) tellVoters(registers, next, out);
  // What is decided is not done before others know it: were this host lost now, nobody else could prove it, and the joint list
  // would want a majority of voters that are gone. A read by the new list is answered only by voters that have kept it.
  if (kind === 'joining') rescan(replacement, next);
  else replacement.stage = { kind: 'reading' };
}

function rescan(replacement: Replacement, joint: Voters): void {
  const left = new Set(Array.from({ length: replacement.chains }, (_, register) => register));
  replacement.stage = { kind: 'rescanning', joint, left };
}

/** Goes by a list that this host saw decided, and says so to all who had or have a vote. */
function tellVoters(registers: Registers, voters: Voters, out: RegisterEffect[]): void {
  const { acceptor } = registers;
  const hosts = new Set([...hostsOf(acceptor.voters), ...hostsOf(voters)]);
  hosts.delete(acceptor.self);
  adopt(registers, voters, out);
  for (const to of hosts) out.push({ kind: 'send', to, message: { kind: 'votersNews', voters } });
}

function end(registers: Registers, result: Replaced['result'], out: RegisterEffect[]): void {
  registers.replacement = undefined;
  out.push({ kind: 'replaced', result });
}

function refuse(reason: string): Plan & { readonly kind: 'refused' } {
  return { kind: 'refused', reason };
}

function isSameVoter(a: Voter, b: Voter | undefined): boolean {
  return a.host === b?.host && a.storeId === b.storeId;
}
