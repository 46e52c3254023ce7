// The registers of one host, alone: what it hears is what a test says, and what it wants done comes back as lines.
import type { Ballot } from '../../chain/register/ballot.ts';
import type { CellBytes } from '../../chain/register/cell.ts';
import type { Change, RegisterEffect } from '../../chain/register/effects.ts';
import type { Accepted, AskItem, RegisterMessage, TellItem } from '../../chain/register/messages.ts';
import { createRegisters, flushRegisters, stepRegisters } from '../../chain/register/registers.ts';
import { checkRegisters, type RegisterEvent, type Registers } from '../../chain/register/state.ts';
import { firstVoters, type Voter, type Voters } from '../../chain/register/voters.ts';
import { hostId } from '../../engine/base/ids.ts';

/** Store `a1` lies on host `a`. */
export function voter(storeId: string): Voter {
  return { host: hostId(storeId.slice(0, 1)), storeId };
}

export function listOf(...storeIds: string[]): readonly Voter[] {
  return storeIds.map(voter);
}

/** `5b`: counter 5 of host b, in its process `1`, or `5b2` in its process `2`. */
export function ballot(text: string): Ballot {
  const [, counter, host, boot] = /^(\d+)([a-z])(\d*)$/.exec(text) ?? [];
  return { counter: Number(counter), host: hostId(host ?? ''), boot: boot || '1' };
}

export function bytes(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text));
}

export function found(text: string, value: string): Accepted {
  return { ballot: ballot(text), value: bytes(value) };
}

export function prepare(register: number, text: string): AskItem {
  return { kind: 'prepare', register, ballot: ballot(text) };
}

export function accept(register: number, text: string, value: string): AskItem {
  return { kind: 'accept', register, ballot: ballot(text), value: bytes(value) };
}

export function promised(register: number, text: string, accepted?: Accepted): TellItem {
  return { kind: 'promised', register, ballot: ballot(text), found: accepted };
}

export function accepted(register: number, text: string): TellItem {
  return { kind: 'accepted', register, ballot: ballot(text) };
}

export function rejected(register: number, text: string, by: string): TellItem {
  return { kind: 'rejected', register, ballot: ballot(text), promised: ballot(by) };
}

export function cas(expect: string | undefined, value: string): Change {
  return { kind: 'cas', expect: expect === undefined ? undefined : bytes(expect), value: bytes(value) };
}

export class One {
  readonly registers: Registers;
  /** What it has kept, or would have. */
  readonly cells: CellBytes[] = [];
  nowMs = 0;

  constructor(storeId: string, options: { voters?: Voters; cells?: CellBytes[]; random?: number } = {}) {
    this.registers = createRegisters({
      self: voter(storeId).host,
      boot: '1',
      storeId,
      voters: options.voters ?? firstVoters(listOf('a1', 'b1', 'c1')),
      cells: options.cells ?? [],
      nowMs: 0,
      random: () => options.random ?? 0,
    });
  }

  step(event: RegisterEvent, isTurnEnd = true): string[] {
    const out: RegisterEffect[] = [];
    stepRegisters(this.registers, event, out);
    checkRegisters(this.registers);
    if (isTurnEnd) flushRegisters(this.registers, out);
    for (const effect of out) if (effect.kind === 'keep') this.cells.push(...effect.cells);
    return out.map(describe);
  }

  flush(): string[] {
    const out: RegisterEffect[] = [];
    flushRegisters(this.registers, out);
    return out.map(describe);
  }

  ask(from: string, items: AskItem[], generation = 1): string[] {
    return this.hear(from, { kind: 'registerAsk', generation, items });
  }

  tell(storeId: string, items: TellItem[], generation = 1): string[] {
    return this.hear(voter(storeId).host, { kind: 'registerTell', generation, storeId, items });
  }

  news(from: string, voters: Voters, isTurnEnd = true): string[] {
    return this.step({ kind: 'message', from: hostId(from), message: { kind: 'votersNews', voters } }, isTurnEnd);
  }

  hear(from: string, message: RegisterMessage): string[] {
    return this.step({ kind: 'message', from: hostId(from), message });
  }

  kept(serial: number): string[] {
    return this.step({ kind: 'kept', serial });
  }

  begin(register: number, change: Change = { kind: 'read' }, op = 0): string[] {
    return this.step({ kind: 'begin', register, op, change });
  }

  tick(passedMs: number): string[] {
    this.nowMs += passedMs;
    return this.step({ kind: 'tick', nowMs: this.nowMs });
  }
}

function describe(effect: RegisterEffect): string {
  switch (effect.kind) {
    case 'keep':
      return `keep ${effect.serial}: ${effect.cells.map(({ register }) => register).join(' ')}`;
    case 'send':
      return `-> ${effect.to} ${describeMessage(effect.message)}`;
    case 'decided':
      return `decided ${effect.register} #${effect.op} ${effect.result.kind}${'value' in effect.result ? ` ${textOf(effect.result.value)}` : ''}`;
    case 'voters':
      return `voters ${effect.voters.generation}`;
    case 'replaced':
      return `replaced ${effect.result.kind}${'reason' in effect.result ? `: ${effect.result.reason}` : ''}`;
  }
}

function describeMessage(message: RegisterMessage): string {
  if (message.kind === 'votersNews') return `news ${message.voters.generation}`;
  return `g${message.generation} ${message.items.map(describeItem).join(', ')}`;
}

function describeItem(item: AskItem | TellItem): string {
  const { kind, register } = item;
  const head = `${kind} ${register} ${nameOf(item.ballot)}`;
  if (kind === 'accept') return `${head} ${textOf(item.value)}`;
  if (kind === 'rejected') return `${head} by ${nameOf(item.promised)}`;
  if (kind !== 'promised' || item.found === undefined) return head;
  return `${head} found ${nameOf(item.found.ballot)} ${textOf(item.found.value)}`;
}

function nameOf({ counter, host }: Ballot): string {
  return `${counter}${host}`;
}

/** A list of voters is told by its generation. */
function textOf(value: Uint8Array | undefined): string {
  if (value === undefined) return 'nothing';
  return value[0] === 1 ? `list ${value[4]}` : Buffer.from(value).toString();
}
