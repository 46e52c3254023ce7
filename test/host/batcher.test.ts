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

t.test('[C18] an output with nothing pending leaves at once', async (t) => {
  const head = new Head();
  head.batcher.emit('a');
  t.same(head.left, ['a']);
  t.notOk(head.batcher.hasUpdates);
  t.equal(head.take(), undefined);
  t.ok(head.batcher.isSettled(head.batcher.serial));
});

t.test('[C18] an output leaves when the batch that was forming is committed, not when an earlier one is', async (t) => {
  const head = new Head();
  head.add('d', 1);
  head.batcher.emit('a1');
  t.same(head.take(), ['d 1-1']);
  head.batcher.emit('saw 1');
  head.add('d', 2);
  head.batcher.emit('a2');
  t.same(head.left, []);
  const serial = head.batcher.serial;
  head.batcher.commit(0);
  t.same(head.left, []);
  head.batcher.commit(1);
  t.same(head.left, ['a1', 'saw 1']);
  head.batcher.emit('late');
  t.same(head.left, ['a1', 'saw 1'], 'what may have seen an update that waits, waits with it');
  t.same(head.take(), ['d 2-2']);
  t.notOk(head.batcher.isSettled(serial));
  head.batcher.commit(2);
  t.same(head.left, ['a1', 'saw 1', 'a2', 'late']);
  t.ok(head.batcher.isSettled(serial));
  head.batcher.emit('now');
  t.equal(head.left.at(-1), 'now');
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
      head.batcher.emit('at once', outputsQueuedLengthMax);
      t.ok(head.batcher.hasRoom, 'nothing pends: it left, and takes no room');
      head.add('d', 1);
      head.batcher.emit('1', length);
      head.take();
      for (let made = 2; made < outputs; made += 1) head.batcher.emit(`${made}`, length);
      t.ok(head.batcher.hasRoom, 'one more fits');
      head.batcher.emit('last', length);
      t.notOk(head.batcher.hasRoom, 'proposed is not committed');
      head.batcher.commit(0);
      t.notOk(head.batcher.hasRoom);
      head.batcher.commit(1);
      t.ok(head.batcher.hasRoom);
      t.equal(head.left.length, outputs + 1);
    }
  },
);

type Action = { readonly kind: 'add' | 'emit' | 'take' | 'commit'; readonly of: number; readonly bytes: number };

/** The model: every output knows how many updates were made before it, and every batch how many it settles. */
t.test(
  '[C18] whatever happens, each output leaves once, in order, and as soon as all it has seen is committed',
  async (t) => {
    const action: fc.Arbitrary<Action> = fc.record({
      kind: fc.constantFrom('add', 'add', 'emit', 'take', 'commit'),
      of: fc.nat(2),
      bytes: fc.constantFrom(0, 1, 10, batchBytesMax / 2, batchBytesMax),
    });
    const property = fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
      const head = new Head();
      const seqs = [0, 0, 0];
      const outputs: { readonly name: string; readonly seen: number }[] = [];
      let [added, settled, committed] = [0, 0, 0];
      const batches: number[] = [];
      for (const { kind, of, bytes } of actions) {
        if (kind === 'add') {
          added += 1;
          seqs[of] = (seqs[of] ?? 0) + 1;
          head.add(`d${of}`, seqs[of] ?? 0, 'x'.repeat(bytes));
        } else if (kind === 'emit') {
          outputs.push({ name: `${outputs.length}`, seen: added });
          head.batcher.emit(`${outputs.length - 1}`);
        } else if (kind === 'take') {
          const count = head.take()?.reduce((sum, line) => sum + countOf(line), 0);
          if (count !== undefined) batches.push((batches.at(-1) ?? 0) + count);
        } else {
          committed = Math.min(batches.length, committed + of);
          head.batcher.commit(committed);
          settled = batches[committed - 1] ?? 0;
        }
        const due = outputs.filter(({ seen }) => seen <= settled).map(({ name }) => name);
        // An output that came while a batch was on its way leaves with that batch, though it may have seen less.
        const isInOrder = head.left.every((name, index) => name === `${index}`);
        const isSafe = head.left.every((_, index) => (outputs[index]?.seen ?? 0) <= settled);
        const isPrompt = due.length === head.left.length;
        if (!isInOrder || !isSafe || !isPrompt) throw new Error(`left ${head.left}; due ${due}`);
        if (head.batcher.hasUpdates !== added > (batches.at(-1) ?? 0)) throw new Error('hasUpdates');
      }
    });
    fc.assert(property, { ...fuzz, numRuns: 1_000 });
    t.pass();
  },
);

function countOf(line: string): number {
  const [first = 0, last = 0] = (line.split(' ')[1] ?? '').split('-').map(Number);
  return last - first + 1;
}
