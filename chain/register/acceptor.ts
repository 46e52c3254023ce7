// A voter: its memory of each register is what makes a decision outlive the hosts that took it.
//
// CASPaxos (Denis Rystsov, arXiv 1802.07000) is Paxos without a log. A register is a value that voters accept under ballots; a
// change is a round of `prepare` (promise me that nothing below my ballot will be accepted any more, and tell me what was) and one
// of `accept` (take this value under it). A value is decided when a quorum has accepted it under one ballot, and whoever
// prepares a higher one meets a voter of that quorum, finds the value and builds on it. The voter's part is three rules:
//
//   A1  It promises a ballot only strictly above every one it has promised. An equal one is the same prepare heard again
//       (ballots are unique): its answer is said again, and nothing new is promised.
//   A2  It accepts a ballot at or above its promise. Below, the promise would be worth nothing: a value that a later attempt
//       was told of as absent would be decided behind its back.
//   A3  It answers only what is synced. Memory moves at once, so that the next ask is judged by all that came before it, and
//       each answer waits for the last write begun by then: also a rejection, and also one that repeats what was said,
//       since a crash might take back what they rest on. So whatever anybody was told is what a restart finds (C14).
//
// And it votes in one generation only (voters.ts). An ask of an older one is answered by the newer list, one of a newer by the
// older list, to which the proposer answers with the newer. A list is in force in the moment it is known: it was decided before
// anybody could tell it. What a voter has said of the generation before is older than all it says of this one, and that order is
// what makes a change of voters safe (replacement.ts). The list is kept by the same writes: no answer overtakes it.
import { assert } from '../../engine/base/assert.ts';
import type { HostId } from '../../engine/base/ids.ts';
import { registerItemsMax } from '../../engine/base/limits.ts';
import { compareBallots, isAbove, sameBallot } from './ballot.ts';
import type { CellBytes } from './cell.ts';
import { type Cell, decodeCell, encodeCell, encodeVoterList } from './cell.ts';
import type { RegisterEffect } from './effects.ts';
import type { AskItem, RegisterAsk, TellItem } from './messages.ts';
import { isVoter, type Voters, voterListCell } from './voters.ts';

/** An answer that waits for its write. */
type Waiting = {
  readonly serial: number;
  readonly to: HostId;
  readonly generation: number;
  readonly items: readonly TellItem[];
};

export type Acceptor = {
  readonly self: HostId;
  readonly storeId: string;
  /** The newest list known: the one in force. */
  voters: Voters;
  readonly cells: Map<number, Cell>;
  /** The last write begun, and the last that is synced, with all before it. */
  issued: number;
  kept: number;
  /** In the order of their writes. */
  waiting: readonly Waiting[];
};

/** `cells` is what was on disk; ENGINE_CORRUPT where one of them cannot be read. */
export function createAcceptor(self: HostId, storeId: string, voters: Voters, cells: readonly CellBytes[]): Acceptor {
  const registers = cells.filter(({ register }) => register !== voterListCell);
  const read = new Map(registers.map(({ register, bytes }) => [register, decodeCell(bytes)]));
  return { self, storeId, voters, cells: read, issued: 0, kept: 0, waiting: [] };
}

export function onAsk(acceptor: Acceptor, from: HostId, ask: RegisterAsk, out: RegisterEffect[]): void {
  const { voters, self, storeId } = acceptor;
  if (ask.generation !== voters.generation) {
    out.push({ kind: 'send', to: from, message: { kind: 'votersNews', voters } });
    return;
  }
  if (!isVoter(voters, self, storeId)) return;
  const changed = new Set<number>();
  const items = ask.items.map((item) => answer(acceptor, item, changed));
  if (changed.size > 0)
    keep(
      acceptor,
      [...changed].map((register) => bytesOf(acceptor, register)),
      out,
    );
  const waiting = { serial: acceptor.issued, to: from, generation: voters.generation, items };
  if (acceptor.issued === acceptor.kept) tell(acceptor, [waiting], out);
  else acceptor.waiting = [...acceptor.waiting, waiting];
}

/** Every write up to `serial` is synced. */
export function onKept(acceptor: Acceptor, serial: number, out: RegisterEffect[]): void {
  assert(serial <= acceptor.issued, `A3: ${serial} is kept, and ${acceptor.issued} was the last begun`);
  assert(serial >= acceptor.kept, `A3: ${serial} is kept after ${acceptor.kept}`);
  acceptor.kept = serial;
  const ready = acceptor.waiting.filter((one) => one.serial <= serial);
  acceptor.waiting = acceptor.waiting.slice(ready.length);
  tell(acceptor, ready, out);
}

/** A newer list, known to be decided. */
export function takeVoters(acceptor: Acceptor, voters: Voters, out: RegisterEffect[]): void {
  const { generation } = acceptor.voters;
  assert(voters.generation > generation, `C1: generation ${voters.generation} comes after ${generation}`);
  acceptor.voters = voters;
  keep(acceptor, [{ register: voterListCell, bytes: encodeVoterList(voters) }], out);
}

/** What holds between any two events. Costs a look at every cell. */
export function checkAcceptor({ cells, issued, kept, waiting }: Acceptor): void {
  assert(kept <= issued, `A3: kept ${kept} of ${issued}`);
  assert(
    waiting.every(({ serial }) => serial > kept && serial <= issued),
    'A3: what waits, waits for a write',
  );
  for (const [register, { promised, accepted }] of cells) {
    const isBelow = accepted === undefined || compareBallots(accepted.ballot, promised) <= 0;
    assert(isBelow, `A2: register ${register} has accepted ${accepted?.ballot.counter} over ${promised.counter}`);
  }
}

function answer(acceptor: Acceptor, item: AskItem, changed: Set<number>): TellItem {
  const { register, ballot } = item;
  const cell = acceptor.cells.get(register);
  const set = (next: Cell): void => {
    acceptor.cells.set(register, next);
    changed.add(register);
  };
  if (item.kind === 'prepare') {
    if (isAbove(ballot, cell?.promised)) set({ promised: ballot, accepted: cell?.accepted });
    else if (cell !== undefined && !sameBallot(cell.promised, ballot))
      return { kind: 'rejected', register, ballot, promised: cell.promised };
    return { kind: 'promised', register, ballot, found: cell?.accepted };
  }
  if (cell !== undefined && isAbove(cell.promised, ballot))
    return { kind: 'rejected', register, ballot, promised: cell.promised };
  const isRepeat = sameBallot(cell?.accepted?.ballot, ballot);
  if (!isRepeat) set({ promised: ballot, accepted: { ballot, value: item.value } });
  return { kind: 'accepted', register, ballot };
}

function bytesOf(acceptor: Acceptor, register: number): CellBytes {
  const cell = acceptor.cells.get(register);
  assert(cell !== undefined, `register ${register} was changed`);
  return { register, bytes: encodeCell(cell) };
}

function keep(acceptor: Acceptor, cells: readonly CellBytes[], out: RegisterEffect[]): void {
  acceptor.issued += 1;
  out.push({ kind: 'keep', serial: acceptor.issued, cells });
}

/** One message for each proposer and generation, or more where there are more registers than one may hold. */
function tell({ storeId }: Acceptor, ready: readonly Waiting[], out: RegisterEffect[]): void {
  const gathered = new Map<string, { to: HostId; generation: number; items: TellItem[] }>();
  for (const { to, generation, items } of ready) {
    const key = `${to} ${generation}`;
    const one = gathered.get(key) ?? { to, generation, items: [] };
    one.items.push(...items);
    gathered.set(key, one);
  }
  for (const { to, generation, items } of gathered.values())
    for (let at = 0; at < items.length; at += registerItemsMax) {
      const part = items.slice(at, at + registerItemsMax);
      out.push({ kind: 'send', to, message: { kind: 'registerTell', generation, storeId, items: part } });
    }
}
