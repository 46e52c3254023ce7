// What a head has made and not yet seen committed: outputs leave in order, and never before what they have seen is committed.
import fc from 'fast-check';
import t from 'tap';
import { chainId, epoch, origin, type Position } from '../../engine/base/ids.ts';
import {
  batchBytesMax,
  outputsQueuedLengthMax,
  outputsQueuedMax,
  updatesQueuedBytesMax,
  updatesQueuedMax,
} from '../../engine/base/limits.ts';
import { sectionsOf } from '../../engine/store/format.ts';
import { Batcher } from '../../host/batcher.ts';
import { fuzz } from '../fuzz.ts';

/** A batcher, and what a head would do with it. */
class Head {
  readonly left: string[] = [];
  readonly batcher = new Batcher<string>((outputs) => void this.left.push(...outputs));
  #after: Position = origin;

  add(name: string, seq: number, text = `${name}${seq}`): void {
    this.batcher.add(name, seq, Buffer.from(text));
  }

  #token = 0;

  /** A barrier goes out for the reads that gathered; says its token. */
  ask(): number {
    this.#token += 1;
    this.batcher.ask(this.#token);
    return this.#token;
  }

  /** A barrier goes out, and comes back at once. */
  askAndPass(): void {
    this.batcher.passed(this.ask());
  }

  /** Proposes the next batch: what is in it, as `name from-to`. */
  take(): string[] | undefined {
    const taken = this.batcher.take({ chain: chainId(0), epoch: epoch(1), after: this.#after });
    if (taken === undefined) return undefined;
    this.#after = { lsn: taken.record.lsn, hash: taken.record.hash };
    const sections = sectionsOf(taken.record);
    t.same(
      taken.names,
      sections.map(({ name }) => name),
    );
    return sections.map(({ name, seqFirst, count }) => `${name} ${seqFirst}-${seqFirst + count - 1}`);
  }
}

t.test(
  '[C18] an output with nothing pending leaves when a barrier that was asked for after it has passed',
  async (t) => {
    const head = new Head();
    t.notOk(head.batcher.hasReads);
    head.batcher.emit('a');
    t.same(head.left, []);
    t.ok(head.batcher.hasReads);
    const first = head.ask();
    t.notOk(head.batcher.hasReads, 'asked about');
    head.batcher.emit('b');
    t.ok(head.batcher.hasReads, 'the barrier that is under way may have left the place that b is about to be stale at');
    head.batcher.passed(first);
    t.same(head.left, ['a']);
    head.askAndPass();
    t.same(head.left, ['a', 'b']);
    t.notOk(head.batcher.hasUpdates);
    t.equal(head.take(), undefined);
    t.ok(head.batcher.isSettled(head.batcher.serial));
  },
);

t.test('[C18] a barrier that passed lets nothing go that has seen what is not committed', async (t) => {
  const head = new Head();
  head.add('d', 1);
  head.take();
  head.batcher.emit('read of 1');
  head.askAndPass();
  t.same(head.left, []);
  head.batcher.commit(1);
  t.same(head.left, ['read of 1']);
});

t.test('[C18] one barrier answers for all that were asked before it', async (t) => {
  const head = new Head();
  head.batcher.emit('a');
  head.ask();
  head.batcher.emit('b');
  head.batcher.passed(head.ask());
  t.same(head.left, ['a', 'b']);
});

t.test('[C18] an output leaves when the batch that was forming is committed, not when an earlier one is', async (t) => {
  const head = new Head();
  head.add('d', 1);
  head.batcher.emit('a1');
  t.same(head.take(), ['d 1-1']);
  head.batcher.emit('saw 1');
  const token = head.ask();
  head.add('d', 2);
  head.batcher.emit('a2');
  t.same(head.left, []);
  const serial = head.batcher.serial;
  head.batcher.commit(0);
  t.same(head.left, []);
  head.batcher.commit(1);
  t.same(head.left, ['a1'], 'what came after the batch had gone out may be stale: it waits for a barrier');
  head.batcher.passed(token);
  t.same(head.left, ['a1', 'saw 1']);
  head.batcher.emit('late');
  t.same(head.left, ['a1', 'saw 1'], 'what may have seen an update that waits, waits with it');
  t.same(head.take(), ['d 2-2']);
  t.notOk(head.batcher.isSettled(serial));
  head.batcher.commit(2);
  t.same(head.left, ['a1', 'saw 1', 'a2', 'late']);
  t.ok(head.batcher.isSettled(serial));
});

t.test('[C18] one commit may settle several batches, in their order', async (t) => {
  const head = new Head();
  for (const seq of [1, 2, 3]) {
    head.add('d', seq);
    head.batcher.emit(`${seq}`);
    head.take();
  }
  head.batcher.commit(2);
  t.same(head.left, ['1', '2']);
  head.batcher.commit(2);
  head.batcher.commit(1);
  t.same(head.left, ['1', '2']);
  head.batcher.commit(7);
  t.same(head.left, ['1', '2', '3']);
});

t.test('[C18] a batch holds one section for each document, in the order in which they came', async (t) => {
  const head = new Head();
  head.add('b', 5);
  head.add('a', 1);
  head.add('b', 6);
  t.same(head.take(), ['b 5-6', 'a 1-1']);
  head.add('b', 7);
  t.same(head.take(), ['b 7-7'], 'the next batch goes on where the last ended');
  t.throws(() => {
    head.add('b', 8);
    head.add('b', 10);
  }, /update 10 of b continues its section/);
});

t.test('[C6] another batch is begun once the last is full; outputs keep to the one that was forming', async (t) => {
  const head = new Head();
  head.add('d', 1, 'x'.repeat(batchBytesMax - 1));
  head.add('d', 2, 'y');
  head.batcher.emit('full');
  head.add('d', 3, 'z');
  head.batcher.emit('next');
  t.same([head.take(), head.take(), head.take()], [['d 1-2'], ['d 3-3'], undefined]);
  head.batcher.commit(1);
  t.same(head.left, ['full']);
  head.batcher.commit(2);
  t.same(head.left, ['full', 'next']);
});

t.test('[C6] the queue is bounded in updates and in bytes, by what is not yet proposed', async (t) => {
  const head = new Head();
  for (let seq = 1; seq <= updatesQueuedMax; seq += 1) {
    if (!head.batcher.hasRoom) t.fail(`no room for update ${seq}`);
    head.add('d', seq, '');
  }
  t.notOk(head.batcher.hasRoom);
  head.take();
  t.ok(head.batcher.hasRoom, 'in flight is bounded by the chain');
  t.notOk(head.batcher.hasUpdates);
  const large = 'x'.repeat(batchBytesMax);
  for (let seq = 1; seq <= updatesQueuedBytesMax / batchBytesMax; seq += 1) {
    t.ok(head.batcher.hasRoom);
    head.add('e', seq, large);
  }
  t.notOk(head.batcher.hasRoom);
  head.take();
  t.ok(head.batcher.hasRoom);
});

t.test(
  '[C18] outputs that pile up behind a batch leave no room, by count or by length, until it is committed',
  async (t) => {
    const piles = [
      { outputs: outputsQueuedMax, length: 0 },
      { outputs: 4, length: outputsQueuedLengthMax / 4 },
    ];
    for (const { outputs, length } of piles) {
      const head = new Head();
      head.batcher.emit('read', outputsQueuedLengthMax);
      t.notOk(head.batcher.hasRoom, 'a read takes room like everything else');
      head.askAndPass();
      t.ok(head.batcher.hasRoom);
      head.add('d', 1);
      head.batcher.emit('1', length);
      head.take();
      for (let made = 2; made < outputs; made += 1) head.batcher.emit(`${made}`, length);
      t.ok(head.batcher.hasRoom, 'one more fits');
      head.batcher.emit('last', length);
      t.notOk(head.batcher.hasRoom, 'proposed is not committed');
      head.askAndPass();
      t.notOk(head.batcher.hasRoom);
      head.batcher.commit(1);
      t.ok(head.batcher.hasRoom);
      t.equal(head.left.length, outputs + 1);
    }
  },
);

type Action = {
  readonly kind: 'add' | 'emit' | 'take' | 'commit' | 'ask' | 'pass';
  readonly of: number;
  readonly bytes: number;
};

/** The model: an output knows how many updates and how many barriers were made before it, and what has let it go. */
t.test(
  '[C18] whatever happens, each output leaves once, in order, after all it has seen is committed and something later proves currency',
  async (t) => {
    const action: fc.Arbitrary<Action> = fc.record({
      kind: fc.constantFrom('add', 'add', 'emit', 'take', 'commit', 'ask', 'pass'),
      of: fc.nat(2),
      bytes: fc.constantFrom(0, 1, 10, batchBytesMax / 2, batchBytesMax),
    });
    const property = fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
      const head = new Head();
      const seqs = [0, 0, 0];
      const outputs: { readonly seen: number; readonly taken: number; readonly asked: number }[] = [];
      let [added, settled, committed, asked, passed] = [0, 0, 0, 0, 0];
      const batches: number[] = [];
      for (const { kind, of, bytes } of actions) {
        if (kind === 'add') {
          added += 1;
          seqs[of] = (seqs[of] ?? 0) + 1;
          head.add(`d${of}`, seqs[of] ?? 0, 'x'.repeat(bytes));
        } else if (kind === 'emit') {
          outputs.push({ seen: added, taken: batches.length, asked });
          head.batcher.emit(`${outputs.length - 1}`);
        } else if (kind === 'take') {
          const count = head.take()?.reduce((sum, line) => sum + countOf(line), 0);
          if (count !== undefined) batches.push((batches.at(-1) ?? 0) + count);
        } else if (kind === 'commit') {
          committed = Math.min(batches.length, committed + of);
          head.batcher.commit(committed);
          settled = batches[committed - 1] ?? 0;
        } else if (kind === 'ask') {
          if (head.batcher.hasReads) asked = head.ask();
        } else {
          passed = Math.min(asked, passed + of);
          head.batcher.passed(passed);
        }
        const isInOrder = head.left.every((name, index) => name === `${index}`);
        const isSafe = head.left.every((_, index) => {
          const { seen, taken, asked: before } = outputs[index] ?? { seen: Infinity, taken: Infinity, asked: Infinity };
          // Proof of currency: a batch that was proposed, or a barrier that was asked for, after it was made.
          return seen <= settled && (committed > taken || passed > before);
        });
        if (!isInOrder || !isSafe) throw new Error(`left ${head.left}`);
        if (head.batcher.hasUpdates !== added > (batches.at(-1) ?? 0)) throw new Error('hasUpdates');
      }
      // Nothing is kept back once all is committed and all barriers have passed.
      while (head.take() !== undefined) batches.push(0);
      if (head.batcher.hasReads) asked = head.ask();
      head.batcher.commit(batches.length);
      head.batcher.passed(asked);
      if (head.left.length !== outputs.length || !head.batcher.hasRoom) throw new Error(`kept ${head.left}`);
    });
    fc.assert(property, { ...fuzz, numRuns: 1_000 });
    t.pass();
  },
);

function countOf(line: string): number {
  const [first = 0, last = 0] = (line.split(' ')[1] ?? '').split('-').map(Number);
  return last - first + 1;
}
