// How fast a host is filled: it asks for more when time has paid for what it was given.
import t from 'tap';
import { makeInstance } from '../../chain/gossip/instances.ts';
import { lan } from '../../chain/gossip/profile.ts';
import type { Message } from '../../chain/messages.ts';
import { advanceNode, createNode, stepNode } from '../../chain/node.ts';
import type { Node, NodeEffect, NodeEvent } from '../../chain/node-state.ts';
import { firstVoters } from '../../chain/register/voters.ts';
import { epoch, hostId, origin } from '../../engine/base/ids.ts';
import { fetchBurstBytes } from '../../engine/base/limits.ts';
import { active, chain, endOf, history, marksOf } from './one.ts';

const [a, b] = [hostId('a'), hostId('b')];
const start = endOf(history(4));
const bytesPerSecond = 1_000_000;

/** Host b, which is told to join a's chain, and what it asks a for. */
class Joiner {
  readonly node: Node;
  #nowMs = 0;

  constructor() {
    const marks = { sealed: epoch(0), nonce: '', ran: epoch(0), logEpoch: epoch(0) };
    const stored = { chain, marks, durable: origin, logStart: origin, folded: origin, newest: origin.lsn } as const;
    this.node = createNode({
      self: b,
      boot: 'b1',
      storeId: 'b',
      region: '',
      hosts: [a, b],
      replication: 2,
      serversMin: 1,
      mayLead: true,
      instance: makeInstance({ id: b, boot: 'b1', roles: ['host'], region: '', address: '', appHash: '' }),
      profile: lan,
      voters: firstVoters([{ host: a, storeId: 'a' }]),
      cells: [],
      replicas: [{ ...stored, leftover: 'none' }],
      nowMs: 0,
      tickMs: 25,
      leftMs: 600_000,
      fetchBytesPerSecond: bytesPerSecond,
      random: () => 0.5,
    });
    this.step({ kind: 'connected', peer: a, boot: 'b1', storeId: 'a', mayLead: true });
    this.hear({ kind: 'configured', value: active(1, 'a>(b)', start) } as never);
    const ran = { ...marks, ...marksOf(1, 1, 0), nonce: 'n1.0' };
    this.step({ kind: 'chain', chain, event: { kind: 'synced', position: undefined, marks: ran, isCut: false } });
  }

  /** What it asks. */
  step(event: NodeEvent): string[] {
    const out: NodeEffect[] = [];
    stepNode(this.node, event, out);
    return out.flatMap((effect) => {
      if (effect.kind !== 'send' || effect.message.about !== 'chain') return [];
      const { kind } = effect.message.message;
      return kind.startsWith('fetch') ? kind : [];
    });
  }

  hear(body: object): string[] {
    const message = { chain, epoch: epoch(1), ...body } as unknown as Message;
    return this.step({ kind: 'message', from: a, message: { about: 'chain', message } });
  }

  after(ms: number): string[] {
    this.#nowMs += ms;
    advanceNode(this.node, this.#nowMs);
    return this.step({ kind: 'tick' });
  }
}

t.test(
  '[C21] documents and records that a host is filled with are paid for by time before more is asked',
  async (t) => {
    const joiner = new Joiner();
    const chunk = { kind: 'chunk', after: origin, isShared: false, isLive: false, start, entries: [] };
    t.same(joiner.hear(chunk), []);
    const told = (event: object) => joiner.step({ kind: 'chain', chain, event: event as never });
    const marks = { sealed: epoch(1), nonce: 'n1.0', ran: epoch(1), logEpoch: epoch(0) };
    told({ kind: 'synced', position: undefined, marks, isCut: false });
    t.same(told({ kind: 'wiped' }), ['fetchPage'], 'a burst is free');
    const bytes = Buffer.alloc(fetchBurstBytes + bytesPerSecond);
    const page = { cursor: '', next: '20', start, sum: '0'.repeat(32), bytes };
    joiner.hear({ kind: 'page', page });
    const stored = { kind: 'pageStored', epoch: epoch(1), cursor: '', next: '20', isRight: true };
    t.same(told(stored), [], 'a second of it is not paid for');
    t.same(joiner.after(900), []);
    t.same(joiner.after(200), ['fetchPage']);
    joiner.hear({ kind: 'page', page: { ...page, cursor: '20', next: '', bytes: Buffer.alloc(2 * bytesPerSecond) } });
    t.same(told({ ...stored, cursor: '20', next: '' }), [], 'the same for the log behind it');
    t.same(joiner.after(1_000), []);
    t.same(joiner.after(1_000), ['fetch']);
  },
);
