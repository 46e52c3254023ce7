// Operations on registers, as the host that wants them sees them: f(x), applied to what a quorum says x is.
//
// A read is the identity; a CAS is f(x) = (x equals `expect`, byte by byte) ? `value` : x. Either prepares a ballot of its own at
// a quorum, takes the x accepted under the highest ballot that it is told of, has f(x) accepted under its own, and is decided.
//
//   P1  A ballot is used for one attempt. What the process before this one began is another `boot`, so answers to it are none
//       to us (messages.ts); a refused attempt goes on under a counter above the one that refused it.
//   P2  Where f(x) = x and a quorum is known to have accepted x under one and the same ballot, x is decided already, and the
//       prepare was the whole operation. It is as strong as accepting x again: whatever was decided before it began lies on a voter
//       of this quorum, under no higher ballot, for that would have been told. "Nothing, ever" is the same case with the
//       lowest of ballots: a register that a quorum reports as never written had no decided value when the read began. If some
//       voter outside of the quorum holds an undecided value, a later operation may find and decide it: later, and so
//       after this read. So a read of an empty register writes no value, and only a quorum read is a read (C13).
//   P3  Once an accept of its own value left, a CAS has to explain what it finds. Its value: won (perhaps somebody else decided it).
//       `expect`: it was not decided before and cannot be under the old ballot, so it is tried again. Anything else: its value
//       may have been decided and then followed by others, and nothing tells: `unknown`. Before that accept, anything
//       else is `lost`, and a timeout `failed`. An accept that is still on its way may be heard after a timeout: `unknown`.
//   P4  An attempt belongs to one generation of voters. When the list changes it begins anew under another ballot, and what it
//       had not sent yet is dropped: an accept prepared at quorums of an old list must not reach a newer one.
//
// A refused attempt goes on at once the first time (most are refused since somebody else counted further meanwhile), then
// after pauses that double and are cut by chance, so that of two in a duel one gets through. Nothing here is trusted to arrive:
// what is unanswered is asked again, which voters take as one question.
import { assert } from '../../engine/base/assert.ts';
import type { HostId } from '../../engine/base/ids.ts';
import {
  registerItemsMax,
  registerOpMs,
  registerRestMsMax,
  registerRestMsMin,
  registerRetryMs,
  registerValueBytesMax,
} from '../../engine/base/limits.ts';
import { type Ballot, isAbove, sameBallot } from './ballot.ts';
import type { Change, Decided, RegisterEffect, Result } from './effects.ts';
import type { Accepted, AskItem, RegisterTell, TellItem } from './messages.ts';
import { everyVoter, hostsOf, isQuorum, isVoter, type Voters } from './voters.ts';

/** Voters are named by their stores. */
type Asking = { readonly ballot: Ballot; readonly refusedBy: Set<string>; askedMs: number };
type Preparing = Asking & { readonly kind: 'preparing'; readonly answers: Map<string, Accepted | undefined> };
type Accepting = Asking & {
  readonly kind: 'accepting';
  readonly answers: Set<string>;
  readonly value: Uint8Array;
  /** What it comes to once a quorum has accepted. */
  readonly result: Result;
};

type Operation = {
  readonly register: number;
  readonly op: number;
  readonly change: Change;
  readonly endMs: number;
  attempt: Preparing | Accepting | { readonly kind: 'resting'; readonly untilMs: number };
  /** Attempts that were refused. */
  refusals: number;
  /** Whether an accept of the CAS's own value was sent, under whichever ballot. */
  mayHaveWritten: boolean;
};

/** A result, what it is the result of, and the generation of the quorums that it is based on. */
export type Outcome = Decided & { readonly change: Change; readonly generation: number };

export type Proposer = {
  readonly self: HostId;
  readonly boot: string;
  /** In [0, 1). */
  readonly random: () => number;
  voters: Voters;
  nowMs: number;
  /** Per register, the highest counter used here or heard of. */
  readonly counters: Map<number, number>;
  /** At most one per register. */
  readonly operations: Map<number, Operation>;
  /** Asks that leave with the next flush. */
  readonly outbox: Map<HostId, AskItem[]>;
};

export function createProposer(options: Pick<Proposer, 'self' | 'boot' | 'random' | 'voters' | 'nowMs'>): Proposer {
  return { ...options, counters: new Map(), operations: new Map(), outbox: new Map() };
}

/** Begins one. Its outcome comes within `registerOpMs`. */
export function begin(proposer: Proposer, register: number, op: number, change: Change): void {
  assert(!proposer.operations.has(register), `register ${register} has one operation at a time`);
  const isBounded = change.kind === 'read' || change.value.length <= registerValueBytesMax;
  assert(isBounded, 'a value fits a register');
  const rest = { kind: 'resting', untilMs: proposer.nowMs } as const;
  const endMs = proposer.nowMs + registerOpMs;
  const operation = { register, op, change, endMs, attempt: rest, refusals: 0, mayHaveWritten: false };
  proposer.operations.set(register, operation);
  prepare(proposer, operation);
}

export function onTell(proposer: Proposer, from: HostId, tell: RegisterTell, out: Outcome[]): void {
  const { voters } = proposer;
  if (tell.generation !== voters.generation || !isVoter(voters, from, tell.storeId)) return;
  for (const item of tell.items) {
    if (item.kind === 'rejected') raiseCounter(proposer, item.register, item.promised);
    const operation = proposer.operations.get(item.register);
    if (operation === undefined || operation.attempt.kind === 'resting') continue;
    if (sameBallot(operation.attempt.ballot, item.ballot)) hear(proposer, operation, tell.storeId, item, out);
  }
}

/** Repeats what was not answered, goes on after pauses, and ends what took too long. */
export function tick(proposer: Proposer, nowMs: number, out: Outcome[]): void {
  proposer.nowMs = nowMs;
  for (const operation of [...proposer.operations.values()]) {
    const { attempt, change, endMs, mayHaveWritten } = operation;
    const isUnknown = change.kind === 'cas' && mayHaveWritten;
    if (nowMs >= endMs) finish(proposer, operation, { kind: isUnknown ? 'unknown' : 'failed' }, out);
    else if (attempt.kind === 'resting') {
      if (nowMs >= attempt.untilMs) prepare(proposer, operation);
    } else if (nowMs - attempt.askedMs >= registerRetryMs) {
      // Somebody refused, and those who could do without him do not answer: better another ballot than the same again.
      if (attempt.refusedBy.size > 0) rest(proposer, operation);
      else askVoters(proposer, operation);
    }
  }
}

/** The link to a host is new: what it has not answered is asked again. */
export function onVoterConnected(proposer: Proposer, host: HostId): void {
  for (const operation of proposer.operations.values()) askHost(proposer, operation, host);
}

/** P4. */
export function followVoters(proposer: Proposer, voters: Voters): void {
  proposer.voters = voters;
  proposer.outbox.clear();
  for (const operation of proposer.operations.values())
    if (operation.attempt.kind !== 'resting') prepare(proposer, operation);
}

/** Ends a turn: what was asked in it leaves, one message for each voter, or more where there are more registers. */
export function flush(proposer: Proposer, out: RegisterEffect[]): void {
  const { generation } = proposer.voters;
  for (const [to, items] of proposer.outbox)
    for (let at = 0; at < items.length; at += registerItemsMax) {
      const part = items.slice(at, at + registerItemsMax);
      out.push({ kind: 'send', to, message: { kind: 'registerAsk', generation, items: part } });
    }
  proposer.outbox.clear();
}

function prepare(proposer: Proposer, operation: Operation): void {
  const { self, boot, counters, nowMs } = proposer;
  const counter = (counters.get(operation.register) ?? 0) + 1;
  counters.set(operation.register, counter);
  const ballot = { counter, host: self, boot };
  operation.attempt = { kind: 'preparing', ballot, answers: new Map(), refusedBy: new Set(), askedMs: nowMs };
  askVoters(proposer, operation);
}

function hear(proposer: Proposer, operation: Operation, storeId: string, item: TellItem, out: Outcome[]): void {
  const { attempt } = operation;
  assert(attempt.kind !== 'resting', 'what rests has asked nothing');
  if (item.kind === 'rejected') {
    attempt.refusedBy.add(storeId);
    const others = everyVoter(proposer.voters).filter((voter) => !attempt.refusedBy.has(voter.storeId));
    if (!isQuorum(proposer.voters, new Set(others.map((voter) => voter.storeId)))) rest(proposer, operation);
  } else if (item.kind === 'promised' && attempt.kind === 'preparing') {
    attempt.answers.set(storeId, item.found);
    if (isAnswered(proposer, attempt)) onPromises(proposer, operation, attempt, out);
  } else if (item.kind === 'accepted' && attempt.kind === 'accepting') {
    attempt.answers.add(storeId);
    if (isAnswered(proposer, attempt)) finish(proposer, operation, attempt.result, out);
  }
}

function isAnswered({ voters }: Proposer, { answers }: Preparing | Accepting): boolean {
  return isQuorum(voters, new Set(answers.keys()));
}

/** A quorum has promised, and told what it had accepted. */
function onPromises(proposer: Proposer, operation: Operation, attempt: Preparing, out: Outcome[]): void {
  const found = highestOf([...attempt.answers.values()]);
  const { result, value } = apply(operation, found?.value);
  const holders = [...attempt.answers].filter(([, one]) => sameBallot(one?.ballot, found?.ballot));
  const isDecided = isQuorum(proposer.voters, new Set(holders.map(([storeId]) => storeId)));
  // P2.
  const isDone = value === undefined || (isDecided && value === found?.value);
  if (result.kind === 'unknown' || isDone) {
    assert(result.kind === 'unknown' || isDecided, 'P2: what ends without an accept is decided');
    return finish(proposer, operation, result, out);
  }
  const { change } = operation;
  if (change.kind === 'cas' && isSame(value, change.value)) operation.mayHaveWritten = true;
  const { ballot } = attempt;
  const asking = { ballot, refusedBy: new Set<string>(), askedMs: proposer.nowMs };
  operation.attempt = { kind: 'accepting', ...asking, answers: new Set(), value, result };
  askVoters(proposer, operation);
}

/** f(x), and what the operation comes to if that is decided: P3. */
function apply(
  { change, mayHaveWritten }: Operation,
  x: Uint8Array | undefined,
): { readonly result: Result; readonly value: Uint8Array | undefined } {
  if (change.kind === 'read') return { result: { kind: 'value', value: x }, value: x };
  if (isSame(x, change.value)) return { result: { kind: 'won' }, value: x };
  if (isSame(x, change.expect)) return { result: { kind: 'won' }, value: change.value };
  return { result: mayHaveWritten ? { kind: 'unknown' } : { kind: 'lost', value: x }, value: x };
}

function finish(proposer: Proposer, operation: Operation, result: Result, out: Outcome[]): void {
  const { register, op, change } = operation;
  proposer.operations.delete(register);
  out.push({ kind: 'decided', register, op, result, change, generation: proposer.voters.generation });
}

/** This attempt comes to nothing: another follows, at once the first time and later the more often it happens. */
function rest(proposer: Proposer, operation: Operation): void {
  operation.refusals += 1;
  if (operation.refusals === 1) return prepare(proposer, operation);
  const restMs = Math.min(registerRestMsMin * 2 ** (operation.refusals - 2), registerRestMsMax);
  const untilMs = proposer.nowMs + Math.ceil(restMs * (0.25 + 0.75 * proposer.random()));
  operation.attempt = { kind: 'resting', untilMs };
}

function askVoters(proposer: Proposer, operation: Operation): void {
  if (operation.attempt.kind !== 'resting') operation.attempt.askedMs = proposer.nowMs;
  for (const host of hostsOf(proposer.voters)) askHost(proposer, operation, host);
}

/** Asks the voters of one host, unless they have answered. */
function askHost({ voters, outbox }: Proposer, { register, attempt }: Operation, host: HostId): void {
  if (attempt.kind === 'resting') return;
  const isOpen = everyVoter(voters).some((voter) => voter.host === host && !attempt.answers.has(voter.storeId));
  if (!isOpen) return;
  const { ballot } = attempt;
  const items = outbox.get(host) ?? [];
  outbox.set(host, items);
  if (attempt.kind === 'preparing') items.push({ kind: 'prepare', register, ballot });
  else items.push({ kind: 'accept', register, ballot, value: attempt.value });
}

function raiseCounter({ counters }: Proposer, register: number, { counter }: Ballot): void {
  counters.set(register, Math.max(counters.get(register) ?? 0, counter));
}

function highestOf(answers: readonly (Accepted | undefined)[]): Accepted | undefined {
  return answers.reduce((highest, one) => {
    return one !== undefined && isAbove(one.ballot, highest?.ballot) ? one : highest;
  }, undefined);
}

function isSame(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return Buffer.compare(a, b) === 0;
}
