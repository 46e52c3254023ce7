// One replica, alone: what it hears is what a test says, and what it wants done comes back as lines of describe.ts.

import type { Test } from 'tap';
import { describeEffect } from '../../chain/describe.ts';
import type { Entry, Message } from '../../chain/messages.ts';
import { step } from '../../chain/replica.ts';
import { checkReplica } from '../../chain/replica-check.ts';
import type { Effect, Event, Marks, Replica } from '../../chain/state.ts';
import { createReplica } from '../../chain/state.ts';
import type { Epoch, Hash, HostId, Position } from '../../engine/base/ids.ts';
import { chainId, epoch, hostId, lsn, origin } from '../../engine/base/ids.ts';
import { encodeBatch } from '../../engine/store/format.ts';

export const chain = chainId(0);
const [a, b, c] = ['a', 'b', 'c'].map(hostId) as [HostId, HostId, HostId];
const noMarks: Marks = { sealed: epoch(0), nonce: '', ran: epoch(0), logEpoch: epoch(0) };

/** `length` records on top of `after`, made in epoch `made`; the same `text` gives the same history. */
export function history(length: number, after: Position = origin, made = 1, text = 'x'): Entry[] {
  const entries: Entry[] = [];
  let last = after;
  for (let index = 0; index < length; index += 1) {
    const updates = [Buffer.from(`${text} ${last.lsn + 1}`)];
    const entry = encodeBatch({ chain, epoch: epoch(made), after: last }, [
      { name: 'space/key', seqFirst: last.lsn + 1, updates },
    ]);
    entries.push(entry);
    last = { lsn: entry.lsn, hash: entry.hash };
  }
  return entries;
}

export function endOf(entries: readonly Entry[]): Position {
  const last = entries.at(-1);
  return last === undefined ? origin : { lsn: last.lsn, hash: last.hash };
}

/** A position that no history of these tests holds. */
export function strangeAt(at: number): Position {
  return { lsn: lsn(at), hash: 'ee'.repeat(16) as Hash };
}

type Body = Record<string, unknown> & { readonly kind: Message['kind'] };

export class One {
  readonly replica: Replica;
  /** What is queued for the disk. */
  #writes: (Effect & { kind: 'write' })[] = [];

  constructor(self: string, options: { members?: string[]; marks?: Partial<Marks>; log?: readonly Entry[] } = {}) {
    this.replica = createReplica({
      self: hostId(self),
      boot: 'b1',
      storeId: self,
      chain,
      members: (options.members ?? ['a', 'b', 'c']).map(hostId),
      mayLead: true,
      marks: { ...noMarks, ...options.marks },
      durable: endOf(options.log ?? []),
    });
  }

  step(event: Event): string[] {
    const out: Effect[] = [];
    step(this.replica, event, out);
    checkReplica(this.replica);
    for (const effect of out) {
      if (effect.kind === 'write') this.#writes.push(effect);
      if (effect.kind === 'dropQueued') this.#writes = this.#writes.filter(({ entries }) => entries.length === 0);
    }
    return out.map(describeEffect);
  }

  /** Hears a message of `made`, the epoch that it is said in. */
  hear(from: string, made: number, body: Body): string[] {
    const message = { chain, epoch: epoch(made), nonce: 'n', ...body } as unknown as Message;
    return this.step({ kind: 'message', from: hostId(from), message });
  }

  /** Everything queued is synced with one write. */
  sync(): string[] {
    const writes = this.#writes;
    this.#writes = [];
    const position = endOf(writes.flatMap(({ entries }) => entries));
    let marks: Marks | undefined;
    for (const write of writes)
      if (write.marks !== undefined) marks = { ...(marks ?? this.replica.marks), ...write.marks };
    return this.step({ kind: 'synced', position: position.lsn === 0 ? undefined : position, marks });
  }

  connect(peer: string, mayLead = true, boot = 'b1'): string[] {
    return this.step({ kind: 'connected', peer: hostId(peer), boot, mayLead });
  }

  get position(): Position {
    return this.replica.durable;
  }

  /** Is sealed, given `start`, which it holds already, and told to run epoch `made` as a > b > c. */
  join(made: number, order: readonly HostId[] = [a, b, c]): this {
    const driver = order[0] as HostId;
    this.hear(driver, made, { kind: 'seal' });
    this.sync();
    this.hear(driver, made, { kind: 'transfer', source: driver, position: this.position });
    this.sync();
    this.hear(driver, made, { kind: 'activate', order, start: this.position });
    this.sync();
    return this;
  }

  /** Whether it stopped, and would no longer ack or serve. */
  get isWedged(): boolean {
    return this.replica.phase.kind === 'wedged';
  }
}

export function marksOf(sealed: number, ran: number, logEpoch = ran): Partial<Marks> {
  return { sealed: sealed as Epoch, ran: ran as Epoch, logEpoch: logEpoch as Epoch, nonce: 'n' };
}

/** Exactly these lines, in this order: each a pattern, or how it begins. */
export function says(t: Test, lines: readonly string[], expected: readonly (RegExp | string)[], what?: string): void {
  const isSaid = (line: string, index: number): boolean => {
    const one = expected[index];
    return typeof one === 'string' ? line.startsWith(one) : one?.test(line) === true;
  };
  const holds = lines.length === expected.length && lines.every(isSaid);
  t.ok(holds, what ?? expected.join('; '), { found: lines, wanted: expected.map(String) });
}
