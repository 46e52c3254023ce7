// A member between two epochs: which seals it takes, which histories, and which epochs it runs.
import t from 'tap';
import { endOf, history, marksOf, One, says } from './one.ts';

const log = history(3);

t.test(
  '[C4] a seal of a lower epoch, or of the same and another attempt, is refused; a repeat is passed over',
  async (t) => {
    const one = new One('b', { marks: marksOf(5, 5), log });
    says(t, one.hear('a', 4, { kind: 'seal' }), ['send ->a refused e5']);
    says(t, one.hear('a', 5, { kind: 'seal', nonce: 'other' }), ['send ->a refused e5']);
    t.same(one.hear('a', 5, { kind: 'seal' }), []);
    t.equal(one.replica.phase.kind, 'idle');
    says(t, one.hear('a', 6, { kind: 'seal' }), ['drop what is queued', /^write sealed=6/]);
    says(t, one.hear('c', 6, { kind: 'seal', nonce: 'other' }), ['send ->c refused e6'], 'two drivers, one epoch');
    says(t, one.hear('c', 7, { kind: 'seal', nonce: 'other' }), ['drop what is queued', /^write sealed=7/]);
  },
);

t.test(
  '[C4] a seal is answered when it is on disk, behind the write in flight, with what is durable then',
  async (t) => {
    const one = new One('b').join(1);
    const [first, second] = history(2) as [(typeof log)[0], (typeof log)[0]];
    one.hear('a', 1, { kind: 'append', committed: 0, entry: first });
    // #1 is handed to the disk; #2 is only queued when the seal comes.
    one.hear('a', 1, { kind: 'append', committed: 0, entry: second });
    one.hear('a', 2, { kind: 'seal', nonce: 'm' });
    const inFlight = { kind: 'synced' as const, position: endOf([first]), marks: undefined };
    t.same(one.step(inFlight), [], 'the write that was in flight acks nothing any more');
    says(t, one.sync(), ['send ->a sealed e2 at #1.'], 'and #2 is as if it had never been');
    t.equal(one.replica.received.lsn, 1);
    t.same(one.hear('a', 1, { kind: 'append', committed: 0, entry: second }), [], 'a sealed log is frozen');
  },
);

t.test('[C13] a member never runs an epoch that it ran before, nor one below', async (t) => {
  const one = new One('b', { marks: marksOf(5, 5), log });
  const activate = { kind: 'activate', order: ['a', 'b', 'c'], start: endOf(log) } as const;
  t.same(one.hear('a', 5, activate), [], 'after a restart it answers to no attempt');
  t.same(one.hear('a', 5, { kind: 'append', committed: 0, entry: history(1, endOf(log), 5)[0] }), []);
  t.equal(one.replica.phase.kind, 'idle');
  // That `ran` is past the epoch cannot come about; were it so, a member would stop rather than run an epoch twice.
  const again = new One('b', { marks: marksOf(5, 5), log });
  again.hear('a', 6, { kind: 'seal' });
  again.sync();
  again.hear('a', 6, { kind: 'transfer', source: 'a', position: endOf(log) });
  again.sync();
  again.replica.marks = { ...again.replica.marks, ran: again.replica.epoch };
  t.throws(() => again.hear('a', 6, activate), /C13: epoch 6 is run once/);
});

t.test('[C13] an epoch is served only once `ran` is on disk', async (t) => {
  const one = new One('b');
  one.hear('a', 1, { kind: 'seal' });
  one.sync();
  one.hear('a', 1, { kind: 'transfer', source: 'a', position: endOf([]) });
  one.sync();
  says(t, one.hear('a', 1, { kind: 'activate', order: ['a', 'b', 'c'], start: endOf([]) }), ['write ran=1']);
  t.same(one.hear('a', 1, { kind: 'append', committed: 0, entry: history(1)[0] }), [], 'not yet');
  says(t, one.sync(), ['send ->a adopted e1']);
  t.equal(one.replica.marks.ran, 1);
});

t.test(
  '[C4] a transfer or an activation of another attempt, or of another than the driver, is not heard',
  async (t) => {
    const one = new One('b', { log, marks: marksOf(1, 1) });
    one.hear('a', 2, { kind: 'seal' });
    one.sync();
    const transfer = { kind: 'transfer', source: 'a', position: endOf(log) } as const;
    t.same(one.hear('a', 2, { ...transfer, nonce: 'other' }), []);
    t.same(one.hear('c', 2, transfer), []);
    t.same(one.hear('a', 3, transfer), []);
    t.same(one.hear('a', 1, transfer), []);
    says(t, one.hear('a', 2, transfer), ['write logEpoch=2']);
    one.sync();
    const activate = { kind: 'activate', order: ['a', 'b', 'c'], start: endOf(log) } as const;
    t.same(one.hear('a', 2, { ...activate, nonce: 'other' }), []);
    t.same(one.hear('c', 2, activate), []);
    says(t, one.hear('a', 2, activate), ['write ran=2']);
  },
);

t.test('[C7] a member with a longer log than the chosen one wedges and cuts nothing', async (t) => {
  const one = new One('b', { log, marks: marksOf(1, 1) });
  one.hear('a', 2, { kind: 'seal' });
  one.sync();
  const position = endOf(log.slice(0, 2));
  says(t, one.hear('a', 2, { kind: 'transfer', source: 'a', position }), [/^wedged: C7/, 'send ->a refused e2']);
  t.equal(one.position.lsn, 3);
});

/** b, sealed for epoch 2 with an empty log, told to fetch three records from c. */
function copying(): One {
  const one = new One('b');
  one.hear('a', 2, { kind: 'seal' });
  one.sync();
  one.hear('a', 2, { kind: 'transfer', source: 'c', position: endOf(log) });
  return one;
}

const chunk = (entries: readonly unknown[], isShared = true) => ({ kind: 'chunk', isShared, entries }) as const;

t.test('[C7] a history is copied in pieces, and marked as unfinished until its last record', async (t) => {
  const one = copying();
  t.same(one.hear('a', 2, chunk(log.slice(0, 2))), [], 'from its source only');
  t.same(one.hear('c', 1, chunk(log.slice(0, 2))), [], 'in this epoch only');
  says(t, one.hear('c', 2, chunk(log.slice(0, 2))), [/^write #1.\w+ #2.\w+$/]);
  says(t, one.sync(), ['send ->c fetch e2 after #2.']);
  says(t, one.hear('c', 2, chunk(log.slice(2))), [/^write #3.\w+ logEpoch=2$/]);
  says(t, one.sync(), ['send ->a transferred e2']);
});

t.test('[C7] a log of an earlier epoch that is being filled says so on disk with its first piece', async (t) => {
  const one = new One('b', { log: log.slice(0, 1), marks: marksOf(1, 1) });
  one.hear('a', 2, { kind: 'seal' });
  one.sync();
  says(t, one.hear('a', 2, { kind: 'transfer', source: 'c', position: endOf(log) }), ['send ->c fetch e2 after #1.']);
  says(t, one.hear('c', 2, chunk(log.slice(1, 2))), [/^write #2.\w+ logEpoch=0$/]);
});

t.test(
  '[C7] a fetch that is lost with its link is asked again on the next, and answered twice does no harm',
  async (t) => {
    const one = copying();
    one.step({ kind: 'disconnected', peer: 'c' as never });
    says(t, one.connect('c'), ['send ->c fetch e2 after #0.']);
    t.same(one.connect('a'), [], 'of the source only');
    one.hear('c', 2, chunk(log.slice(0, 2)));
    t.same(one.hear('c', 2, chunk(log.slice(0, 2))), [], 'what came already is passed over');
    says(t, one.sync(), ['send ->c fetch e2 after #2.']);
    t.same(one.hear('c', 2, chunk(log.slice(0, 2))), []);
    t.notOk(one.isWedged);
  },
);

t.test('[C7] a link that comes back while a piece is being written asks when it is', async (t) => {
  const one = copying();
  one.hear('c', 2, chunk(log.slice(0, 2)));
  one.step({ kind: 'disconnected', peer: 'c' as never });
  t.same(one.connect('c'), []);
  says(t, one.sync(), ['send ->c fetch e2 after #2.']);
});

t.test('[C11] histories that differ are CHAIN_DIVERGED: wedged, and nobody is asked to try again', async (t) => {
  const other = history(3, endOf([]), 1, 'other');
  const cases = [chunk([], false), chunk(other.slice(1)), chunk(other), chunk(history(4)), chunk([])];
  for (const body of cases) {
    const one = copying();
    says(t, one.hear('c', 2, body), [/^wedged: CHAIN_DIVERGED: chain 0/]);
    t.ok(one.isWedged);
    t.same(one.hear('c', 2, chunk(log)), [], 'nothing is taken any more');
    t.same(one.sync(), []);
  }
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
  t.same(
    one.step({ kind: 'fetched', epoch: 2 as never, ...read }),
    [],
    'what was read for an epoch that is over stays here',
  );
});
