// One replica where a log is trimmed, and where a copy has to begin with documents.
import t from 'tap';
import type { Position } from '../../engine/base/ids.ts';
import { hostId, origin } from '../../engine/base/ids.ts';
import { active, endOf, history, marksOf, One, says, strangeAt } from './one.ts';

const log = history(6);
const at = (lsn: number): Position => endOf(log.slice(0, lsn));
const folded = (through: Position) => ({ kind: 'folded', through, newest: through.lsn }) as const;
const page = (cursor: string, next: string, start: Position) => ({
  cursor,
  next,
  start,
  sum: '0'.repeat(32),
  bytes: Buffer.from(''),
});
const stored = (cursor: string, next: string, isRight = true) =>
  ({ kind: 'pageStored', epoch: 2, cursor, next, isRight }) as never;

/** Serves epoch 1 as the head, with all of its log committed. */
function head(order = 'a>b'): One {
  const one = new One('a', { log });
  one.connect('b');
  one.join(1, order);
  return one;
}

t.test('[C17] a log goes as far as it is folded and committed, and no further', async (t) => {
  const one = head();
  says(t, one.step(folded(at(4))), ['trim through #4']);
  says(t, one.step(folded(at(4))), [], 'once');
  const [next] = history(1, at(6));
  if (next === undefined) throw new Error('a record');
  one.step({ kind: 'propose', entry: next });
  one.sync();
  says(t, one.step(folded(one.position)), [], 'the last one is not acked below');
  t.throws(() => one.step(folded(strangeAt(9))), /C17/);
});

t.test('[C17] nothing goes while somebody syncs, or an epoch is being made', async (t) => {
  const one = head('a');
  one.learn('a', active(1, 'a>(b)', at(6), 1));
  says(t, one.step(folded(at(4))), [], 'b may have to be given it');
  one.learn('a', active(1, 'a>b', at(6), 2));
  says(t, one.step(folded(at(5))), ['trim through #5']);
  one.hear('b', 2, { kind: 'seal' });
  says(t, one.step(folded(at(6))), []);
});

/** Sealed for epoch 2 with two records, and told to take six from a, whose log begins behind the fourth. */
function copying(): One {
  const one = new One('c', { log: log.slice(0, 2), marks: marksOf(1, 1) });
  one.connect('a');
  one.hear('a', 2, { kind: 'seal' });
  one.sync();
  says(t, one.hear('a', 2, { kind: 'transfer', source: 'a', position: at(6) }), ['send ->a fetch e2 after #2']);
  return one;
}

t.test(
  '[C11] [C17] where the source no longer has what would be shared, all goes and its documents come',
  async (t) => {
    const one = copying();
    const chunk = { kind: 'chunk', after: at(2), isShared: false, isLive: false, start: at(4), entries: [] } as const;
    says(t, one.hear('a', 2, chunk), ['write logEpoch=0', 'wipe']);
    one.sync();
    says(t, one.hear('a', 2, chunk), [], 'late');
    says(t, one.step(folded(at(2))), [], 'a pass that ended as this began: it goes too');
    says(t, one.step({ kind: 'wiped' }), ['send ->a fetchPage e2 from ']);
    says(t, one.hear('a', 2, { kind: 'page', page: page('', '20', at(4)) }), [
      'store documents from  to 20, through #4',
    ]);
    says(t, one.step(stored('', '20')), ['send ->a fetchPage e2 from 20']);
    one.disconnect('a');
    says(t, one.connect('a').slice(-1), ['send ->a fetchPage e2 from 20'], 'a new link: it goes on where it was');
    one.hear('a', 2, { kind: 'page', page: page('20', '', at(4)) });
    one.lay(log.slice(0, 4));
    says(t, one.step(stored('20', '')), ['send ->a fetch e2 after #4']);
    const rest = { ...chunk, after: at(4), isShared: true, entries: log.slice(4) };
    says(t, one.hear('a', 2, rest), ['write #5']);
    says(t, one.sync(), ['send ->a transferred e2']);
    t.same(one.replica.logStart, at(4));
  },
);

t.test('[C11] pages of another state, or that do not come to their sum, begin anew', async (t) => {
  for (const isSum of [false, true]) {
    const one = copying();
    one.hear('a', 2, { kind: 'chunk', after: at(2), isShared: false, isLive: false, start: at(4), entries: [] });
    one.sync();
    one.step({ kind: 'wiped' });
    one.hear('a', 2, { kind: 'page', page: page('', '20', at(4)) });
    const lines = isSum
      ? one.step(stored('', '20', false))
      : [...one.step(stored('', '20')), ...one.hear('a', 2, { kind: 'page', page: page('20', '', at(5)) })];
    says(t, lines.slice(-2), ['write logEpoch=0', 'wipe']);
  }
});

t.test('[C11] [C13] what an abandoned copy has left goes before another begins, after a start too', async (t) => {
  const one = copying();
  one.hear('a', 2, { kind: 'chunk', after: at(2), isShared: false, isLive: false, start: at(4), entries: [] });
  one.sync();
  one.step({ kind: 'wiped' });
  one.hear('a', 2, { kind: 'page', page: page('', '20', at(4)) });
  one.hear('b', 3, { kind: 'seal' });
  says(t, one.sync(), [/sealed e3 at #0.* of e0/], 'it holds nothing that counts');
  says(t, one.hear('b', 3, { kind: 'transfer', source: 'a', position: at(6) }), ['wipe']);
  says(t, one.step(stored('', '20')), [], 'of the attempt before');
  says(t, one.step({ kind: 'wiped' }), ['send ->a fetch e3 after #0']);
  t.same(one.replica.durable, origin);
});

t.test('[C17] a source says where its log begins, and gives documents to whom it would give its log', async (t) => {
  const one = head();
  one.step(folded(at(4)));
  one.hear('b', 2, { kind: 'seal' });
  one.sync();
  one.hear('b', 2, { kind: 'fetch', after: at(2) });
  const fetched = { kind: 'fetched', to: hostId('b'), epoch: 2, after: at(2), entries: [], isShared: false } as never;
  says(t, one.step(fetched), [/chunk e2 #2\..* is not shared from #4/]);
  says(t, one.hear('b', 2, { kind: 'fetchPage', cursor: '' }), ['read documents from  for b']);
  says(t, one.hear('b', 1, { kind: 'fetchPage', cursor: '' }), [], 'of an epoch that is over');
});

t.test(
  '[C12] [E13] a cut that an operator accepted, below what a pass has begun to fold, takes the documents too',
  async (t) => {
    for (const lastsTill of ['a pass that was given up', 'a pass that ended', 'a start']) {
      const one =
        lastsTill === 'a start' ? new One('c', { log, marks: marksOf(1, 1), newest: at(5).lsn }) : head('a>b');
      if (lastsTill !== 'a start') one.step({ kind: 'folding', through: at(5).lsn });
      if (lastsTill === 'a pass that ended') one.step(folded(at(3)));
      one.connect('d');
      one.hear('d', 2, { kind: 'seal' });
      one.sync();
      // Of six records, an operator goes on with four.
      const lines = one.hear('d', 2, { kind: 'transfer', source: 'd', position: at(4) });
      if (lastsTill === 'a pass that ended') says(t, lines, ['locate #4'], 'it went no further than the third');
      else says(t, lines, ['write logEpoch=0', 'wipe'], lastsTill);
    }
  },
);

t.test('[E13] looking for what is shared does not go below what a pass has begun to fold', async (t) => {
  const one = new One('c', { log, marks: marksOf(1, 1), newest: at(5).lsn });
  one.connect('a');
  one.hear('a', 2, { kind: 'seal' });
  one.sync();
  const target = strangeAt(9);
  says(t, one.hear('a', 2, { kind: 'transfer', source: 'a', position: target }), ['send ->a fetch e2 after #6']);
  const chunk = { kind: 'chunk', isShared: false, isLive: false, start: origin, entries: [] } as const;
  says(t, one.hear('a', 2, { ...chunk, after: at(6) }), ['locate #5']);
  says(t, one.step({ kind: 'located', epoch: 2 as never, position: at(5) }), ['send ->a fetch e2 after #5']);
  says(t, one.hear('a', 2, { ...chunk, after: at(5) }), ['write logEpoch=0', 'wipe']);
});

t.test('[C11] a page that comes twice, as it was asked for on two links, is stored once', async (t) => {
  const one = copying();
  one.hear('a', 2, { kind: 'chunk', after: at(2), isShared: false, isLive: false, start: at(4), entries: [] });
  one.sync();
  one.step({ kind: 'wiped' });
  one.disconnect('a');
  says(t, one.connect('a').slice(-1), ['send ->a fetchPage e2 from '], 'asked again');
  const whole = { kind: 'page', page: page('', '', at(4)) } as const;
  says(t, one.hear('a', 2, whole), ['store documents from  to the end, through #4']);
  says(t, one.hear('a', 2, whole), [], 'once');
  one.lay(log.slice(0, 4));
  says(t, one.step(stored('', '')), ['send ->a fetch e2 after #4']);
  says(t, one.hear('a', 2, whole), [], 'nor behind it');
});
