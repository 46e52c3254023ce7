// One replica, alone: what it hears is what a test says, and what it wants done comes back as lines of describe.ts.

import type { Test } from 'tap';
import type { Configuration } from '../../chain/configuration.ts';
import { describeEffect } from '../../chain/describe.ts';
import type { Entry, Message } from '../../chain/messages.ts';
import { step } from '../../chain/replica.ts';
import { checkReplica } from '../../chain/replica-check.ts';
import type { Decision, Effect, Event, Marks, Replica } from '../../chain/state.ts';
import { createReplica } from '../../chain/state.ts';
import type { Epoch, Hash, Lsn, Position } from '../../engine/base/ids.ts';
import { chainId, epoch, hostId, lsn, origin } from '../../engine/base/ids.ts';
import { encodeBatch } from '../../engine/store/format.ts';
import type { Disk, Write } from './disk.ts';
import { applyWrites, emptyDisk } from './disk.ts';

export const chain = chainId(0);

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

/** `a>b>(c)`: who is in a chain, a joiner in brackets; each with a store of its own name. */
export function active(made: number, order = 'a>b>c', start: Position = origin, minor = 0): Configuration {
  const members = order.split('>').map((name) => {
    const host = hostId(name.replace(/[()]/g, ''));
    return { host, storeId: host as string, boot: 'b1', role: name.startsWith('(') ? 'syncing' : 'serving' } as const;
  });
  const head = { chain, region: '', phase: 'active', epoch: epoch(made), minor, nonce: `n${made}.${minor}` } as const;
  return { ...head, members, start, previous: undefined, loss: undefined };
}

export class One {
  readonly replica: Replica;
  /** What is queued for the disk. */
  #writes: Write[] = [];
  readonly #disk: Disk;

  constructor(
    self: string,
    options: { marks?: Partial<Marks>; log?: readonly Entry[]; storeId?: string; newest?: Lsn } = {},
  ) {
    const { log = [], marks, storeId = self, newest = origin.lsn } = options;
    this.#disk = { ...emptyDisk(), records: log, marks: { ...emptyDisk().marks, ...marks } };
    const durable = endOf(log);
    const who = { self: hostId(self), boot: 'b1', storeId, region: '', chain };
    this.replica = createReplica({ ...who, marks: this.#disk.marks, durable, newest });
  }

  step(event: Event): string[] {
    const out: Effect[] = [];
    step(this.replica, event, out);
    checkReplica(this.replica);
    for (const effect of out) {
      if (effect.kind === 'write') this.#writes.push(effect);
      if (effect.kind === 'wipe') this.#disk.records = [];
      if (effect.kind === 'dropQueued')
        this.#writes = this.#writes.filter(({ entries, cut }) => entries.length === 0 && cut === undefined);
    }
    return out.map(describeEffect);
  }

  /** Hears a message of `made`, the epoch that it is said in. */
  hear(from: string, made: number, body: Body): string[] {
    const message = { chain, epoch: epoch(made), nonce: 'n', start: origin, ...body } as unknown as Message;
    return this.step({ kind: 'message', from: hostId(from), message });
  }

  /** Is told what the register was confirmed to hold. */
  learn(from: string, value: Configuration): string[] {
    return this.hear(from, value.epoch, { kind: 'configured', value });
  }

  /** Everything queued is synced with one write. */
  sync(): string[] {
    const writes = this.#writes;
    this.#writes = [];
    return this.step({ kind: 'synced', ...applyWrites(this.#disk, writes) });
  }

  /** The first of what is queued is synced: it was in flight. */
  syncFirst(): string[] {
    const [first, ...others] = this.#writes;
    this.#writes = others;
    return this.step({ kind: 'synced', ...applyWrites(this.#disk, first === undefined ? [] : [first]) });
  }

  decide(decision: Decision): string[] {
    return this.step({ kind: 'decided', decision });
  }

  connect(peer: string, boot = 'b1', storeId = peer): string[] {
    return this.step({ kind: 'connected', peer: hostId(peer), boot, storeId });
  }

  disconnect(peer: string): string[] {
    return this.step({ kind: 'disconnected', peer: hostId(peer) });
  }

  get position(): Position {
    return this.replica.durable;
  }

  get records(): readonly Entry[] {
    return this.#disk.records;
  }

  /** Is sealed, given what it holds, and told to run epoch `made`. */
  join(made: number, order = 'a>b>c'): this {
    this.hear('a', made, { kind: 'seal' });
    this.sync();
    this.hear('a', made, { kind: 'transfer', source: 'a', position: this.position });
    this.sync();
    this.learn('a', active(made, order, this.position));
    this.sync();
    return this;
  }

  /** What a copy's pages brought. */
  lay(records: readonly Entry[]): void {
    this.#disk.records = records;
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
