// A member between two epochs: which seals it takes, which histories, and which epochs it runs.
import t from 'tap';
import { epoch } from '../../engine/base/ids.ts';
import { active, endOf, history, marksOf, One, says } from './one.ts';

const log = history(3);
const other = history(3, endOf(log.slice(0, 1)), 1, 'other');

t.test('[C4] a seal of a lower epoch, or of the same and another attempt, is refused', async (t) => {
  const one = new One('b', { marks: marksOf(5, 5), log });
  says(t, one.hear('a', 4, { kind: 'seal' }), ['send ->a refused e5']);
  says(t, one.hear('a', 5, { kind: 'seal', nonce: 'other' }), ['send ->a refused e5']);
  t.same(one.hear('a', 5, { kind: 'seal' }), [], 'one that ran already is passed over');
  t.equal(one.replica.phase.kind, 'idle');
  says(t, one.hear('a', 6, { kind: 'seal' }), ['drop what is queued', /^write sealed=6/]);
  says(t, one.hear('c', 6, { kind: 'seal', nonce: 'other' }), ['send ->c refused e6'], 'two drivers, one epoch');
  says(t, one.hear('c', 7, { kind: 'seal', nonce: 'other' }), ['drop what is queued', /^write sealed=7/]);
});

t.test(
  '[C4] a seal is answered when it is on disk, behind the write in flight, with what is durable then',
  async (t) => {
    const one = new One('b').join(1);
    const [first, second] = history(2) as [(typeof log)[0], (typeof log)[0]];
    one.hear('a', 1, { kind: 'append', committed: 0, entry: first });
    // #1 is handed to the disk; #2 is only queued when the seal comes.
    one.hear('a', 1, { kind: 'append', committed: 0, entry: second });
    one.connect('a');
    const before = one.replica.durable;
    one.hear('a', 2, { kind: 'seal', nonce: 'm' });
    t.same(one.replica.durable, before);
    t.same(one.hear('a', 1, { kind: 'append', committed: 0, entry: second }), [], 'a sealed log is frozen');
    says(t, one.sync(), ['send ->a sealed e2 at #0.']);
    t.equal(one.replica.received.lsn, 0, 'what was queued is as if it had never been');
  },
);

t.test('[C4] a write in flight lands before the answer to a seal, and acks nothing any more', async (t) => {
  const one = new One('b').join(1);
  const [first] = history(1) as [(typeof log)[0]];
  one.hear('a', 1, { kind: 'append', committed: 0, entry: first });
  const inFlight = { kind: 'synced', position: endOf([first]), marks: undefined, isCut: false } as const;
  one.hear('a', 2, { kind: 'seal', nonce: 'm' });
  t.same(one.step(inFlight), []);
  says(t, one.sync(), ['send ->a sealed e2 at #1.']);
});

t.test('[C2] a pending configuration that is merely heard of changes nothing', async (t) => {
  const pending = { ...active(7, 'a'), phase: 'pending', previous: active(1) } as const;
  const serving = new One('b').join(1);
  serving.learn('c', pending);
  t.match(serving.replica.phase, { kind: 'serving' }, 'who serves goes on');
  says(t, serving.hear('a', 1, { kind: 'append', committed: 0, entry: history(1)[0] }), ['write #1.']);
  serving.hear('a', 6, { kind: 'seal' });
  serving.sync();
  serving.learn('c', pending);
  t.match(serving.replica.phase, { kind: 'sealed' }, 'who is sealed stays so');
  t.same(serving.hear('a', 1, { kind: 'barrier', token: 1 }), []);
});

t.test('[C13] a member never runs an epoch that it ran before, nor one below', async (t) => {
  const one = new One('b', { marks: marksOf(5, 5), log });
  t.same(one.learn('a', active(5, 'a>b>c', endOf(log))).slice(1), [], 'it ran');
  t.same(one.hear('a', 5, { kind: 'append', committed: 0, entry: history(1, endOf(log), 5)[0] }), []);
  t.equal(one.replica.phase.kind, 'idle');
  const cases = [
    { marks: marksOf(6, 4, 5), log, why: 'sealed past it' },
    { marks: marksOf(5, 4, 4), log, why: 'a log of another epoch' },
    { marks: marksOf(5, 4, 5), log: log.slice(0, 2), why: 'another history' },
  ];
  for (const { why, ...disk } of cases) {
    const again = new One('b', disk);
    again.learn('a', active(5, 'a>b>c', endOf(log)));
    t.equal(again.replica.phase.kind, 'idle', why);
  }
  const fit = new One('b', { marks: marksOf(5, 4, 5), log });
  const lines = fit.learn('a', active(5, 'a>b>c', endOf(log)));
  t.equal(lines.at(-1), 'write ran=5', 'one that took the history and never ran in it may');
});

t.test('[C13] an epoch is served only once `ran` is on disk', async (t) => {
  const one = new One('b');
  one.hear('a', 1, { kind: 'seal' });
  one.sync();
  one.hear('a', 1, { kind: 'transfer', source: 'a', position: endOf([]) });
  one.sync();
  one.connect('a');
  says(t, one.learn('a', active(1)), ['learned', 'write ran=1']);
  t.same(one.hear('a', 1, { kind: 'append', committed: 0, entry: history(1)[0] }), [], 'not yet');
  says(t, one.sync(), ['send ->a resume e1', 'send ->a ack e1']);
  t.equal(one.replica.marks.ran, 1);
});

t.test('[C4] a transfer of another attempt is refused, and one that was not asked for is a seal too', async (t) => {
  const one = new One('b', { log, marks: marksOf(1, 1) });
  one.hear('a', 2, { kind: 'seal' });
  one.sync();
  const transfer = { kind: 'transfer', source: 'a', position: endOf(log) } as const;
  says(t, one.hear('a', 2, { ...transfer, nonce: 'other' }), ['send ->a refused e2']);
  says(t, one.hear('a', 1, transfer), ['send ->a refused e2']);
  says(t, one.hear('c', 3, { ...transfer, nonce: 'm' }), ['drop what is queued', 'write sealed=3']);
  says(t, one.sync(), ['write logEpoch=3']);
  says(t, one.sync(), ['send ->c transferred e3']);
});

t.test('[C4] who holds the history of an attempt takes no other one in it', async (t) => {
  const one = new One('b', { log, marks: marksOf(1, 1) });
  one.hear('a', 2, { kind: 'seal' });
  one.sync();
  one.hear('a', 2, { kind: 'transfer', source: 'a', position: endOf(log) });
  says(t, one.sync(), ['send ->a transferred e2']);
  t.same(one.hear('a', 2, { kind: 'transfer', source: 'a', position: endOf(log.slice(0, 1)) }), []);
  says(t, one.hear('a', 2, { kind: 'transfer', source: 'a', position: endOf(log) }), ['send ->a transferred e2']);
});

/** b, sealed for epoch 2 with `held`, told to take `chosen` from c. */
function copying(held: typeof log = [], chosen: typeof log = log): One {
  const one = new One('b', { log: held, marks: held.length > 0 ? marksOf(1, 1) : {} });
  one.connect('c');
  one.hear('a', 2, { kind: 'seal' });
  one.sync();
  one.hear('a', 2, { kind: 'transfer', source: 'c', position: endOf(chosen) });
  return one;
}

const chunk = (after: typeof log, entries: readonly unknown[], isShared = true) =>
  ({ kind: 'chunk', after: endOf(after), isShared, isLive: false, entries }) as const;

t.test('[C3] [C7] a log of the same length with another end is not the chosen one', async (t) => {
  const one = copying(log.slice(0, 2), [...log.slice(0, 1), ...other.slice(0, 1)]);
  t.match(one.replica.phase, { kind: 'copying', copy: { isShared: false, base: endOf(log.slice(0, 2)) } });
  says(t, one.hear('c', 2, chunk(log.slice(0, 2), [], false)), ['locate #1']);
});

t.test('[C7] a longer log is cut, exactly to the chosen history, in one write with its mark', async (t) => {
  const one = copying(log, log.slice(0, 2));
  says(t, one.step({ kind: 'located', epoch: epoch(2), position: endOf(log.slice(0, 2)) }), [
    /^write cut behind #2.\w+ logEpoch=2$/,
  ]);
  says(t, one.sync(), ['send ->a transferred e2']);
  t.equal(one.records.length, 2);
});

t.test('[C7] a log is cut to nothing where the chosen history is empty', async (t) => {
  const one = new One('b', { log: log.slice(0, 1), marks: marksOf(1, 1) });
  one.hear('a', 2, { kind: 'seal' });
  one.sync();
  const lines = one.hear('a', 2, { kind: 'transfer', source: 'c', position: endOf([]) });
  says(t, lines, [/^write cut behind #0.0+ logEpoch=2$/]);
  says(t, one.sync(), ['send ->a transferred e2']);
});

t.test('[C7] a log that parts from the chosen history is cut where they part', async (t) => {
  const chosen = [...log.slice(0, 1), ...other];
  const one = copying(log, chosen);
  t.equal(one.replica.phase.kind, 'copying');
  says(t, one.hear('c', 2, chunk(log, [], false)), ['locate #2']);
  says(t, one.step({ kind: 'located', epoch: epoch(2), position: endOf(log.slice(0, 2)) }), [
    'send ->c fetch e2 after #2.',
  ]);
  says(t, one.hear('c', 2, chunk(log.slice(0, 2), [], false)), ['send ->c fetch e2 after #0.']);
  const lines = one.hear('c', 2, chunk([], chosen.slice(0, 2)));
  says(t, lines, [/^write cut behind #0.0+ #1.\w+ #2.\w+ logEpoch=0$/], 'and it says so until it is whole');
  says(t, one.sync(), ['send ->c fetch e2 after #2.']);
  says(t, one.hear('c', 2, chunk(chosen.slice(0, 2), chosen.slice(2))), [/^write #3.\w+ #4.\w+ logEpoch=2$/]);
  says(t, one.sync(), ['send ->a transferred e2']);
});

t.test('[C7] a history is copied in pieces, and what is only longer keeps its mark until the last', async (t) => {
  const one = copying(log.slice(0, 1));
  t.same(one.hear('a', 2, chunk(log.slice(0, 1), log.slice(1))), [], 'from its source only');
  t.same(one.hear('c', 1, chunk(log.slice(0, 1), log.slice(1))), [], 'in this epoch only');
  says(t, one.hear('c', 2, chunk(log.slice(0, 1), log.slice(1, 2))), [/^write #2.\w+$/]);
  t.same(one.hear('c', 2, chunk(log.slice(0, 1), log.slice(1, 2))), [], 'what came already is passed over');
  says(t, one.sync(), ['send ->c fetch e2 after #2.']);
  says(t, one.hear('c', 2, chunk(log.slice(0, 2), log.slice(2))), [/^write #3.\w+ logEpoch=2$/]);
  says(t, one.sync(), ['send ->a transferred e2']);
});

t.test('[C7] a fetch that is lost with its link is asked again on the next', async (t) => {
  const one = copying();
  one.disconnect('c');
  says(t, one.connect('c'), ['send ->c fetch e2 after #0.']);
  t.same(one.connect('a'), [], 'of the source only');
  one.hear('c', 2, chunk([], log.slice(0, 2)));
  one.disconnect('c');
  t.same(one.connect('c'), [], 'while a piece is being written it waits');
  says(t, one.sync(), ['send ->c fetch e2 after #2.']);
  t.notOk(one.isWedged);
});

t.test('[C7] a source whose disk is another no longer holds what it had: the member stays sealed', async (t) => {
  const one = copying(log.slice(0, 1));
  t.same(one.hear('c', 2, chunk(log.slice(0, 1), [], false)), ['send ->c fetch e2 after #0.000000']);
  t.same(one.hear('c', 2, chunk([], [])), []);
  t.equal(one.replica.phase.kind, 'sealed');
  const itself = new One('b');
  itself.hear('a', 2, { kind: 'transfer', source: 'b', position: endOf(log) });
  itself.sync();
  t.equal(itself.replica.phase.kind, 'sealed', 'also where it was the source itself');
});

t.test('[C7] only a frozen log is read for another member, and only in its epoch', async (t) => {
  const one = new One('b', { log, marks: marksOf(1, 1) });
  const fetch = { kind: 'fetch', after: endOf([]) } as const;
  t.same(one.hear('c', 1, fetch), [], 'idle');
  one.hear('a', 2, { kind: 'seal' });
  t.same(one.hear('c', 2, fetch), [], 'sealing: a write may still be in flight');
  one.sync();
  t.same(one.hear('c', 1, fetch), []);
  says(t, one.hear('c', 2, fetch), ['read after #0.000000 for c']);
  one.hear('a', 3, { kind: 'seal', nonce: 'm' });
  const read = { to: 'c' as never, after: endOf([]), entries: log, isShared: true };
  t.same(one.step({ kind: 'fetched', epoch: 2 as never, ...read }), [], 'of an epoch that is over');
});

t.test('[C10] the same host with another store has no seat', async (t) => {
  const one = new One('b', { storeId: 'b2', marks: marksOf(5, 4, 5), log });
  one.learn('a', active(5, 'a>b>c', endOf(log)));
  t.equal(one.replica.phase.kind, 'idle');
  one.learn('a', active(6, 'a>c>(b)', endOf(log)));
  t.equal(one.replica.phase.kind, 'idle', 'nor as a joiner');
});

t.test('[C11] a process that finds its log being filled joins nothing by itself', async (t) => {
  const one = new One('b', { marks: marksOf(5, 4, 0), log });
  one.learn('a', active(5, 'a>b>c', endOf(log)));
  t.equal(one.replica.phase.kind, 'idle');
  one.hear('a', 6, { kind: 'seal' });
  says(t, one.sync(), [/^send ->a sealed e6 at #3.\w+ of e0$/], 'its answer says so, and does not count');
});
