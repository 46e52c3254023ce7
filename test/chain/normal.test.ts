// The normal case on one member, and what it does when a neighbour says what cannot be.
import t from 'tap';
import { active, endOf, history, One, says, strangeAt } from './one.ts';

const [first, second, third] = history(3) as [
  ReturnType<typeof history>[0],
  ReturnType<typeof history>[0],
  ReturnType<typeof history>[0],
];
const at = (entry: typeof first) => ({ lsn: entry.lsn, hash: entry.hash });
const append = (entry: typeof first) => ({ kind: 'append' as const, committed: 0, entry });
const ack = (position: object) => ({ kind: 'ack' as const, position });

/** b of a > b > c in epoch 1, whose successor has said that it stands at the start. */
function middle(): One {
  const b = new One('b').join(1);
  b.hear('c', 1, { kind: 'resume', position: endOf([]) });
  return b;
}

t.test('[C5] an ack climbs when the record is synced here and acked below, whichever comes first', async (t) => {
  const one = middle();
  one.hear('a', 1, append(first));
  t.same(one.hear('c', 1, ack(at(first))), [], 'acked below, not synced here');
  says(t, one.sync(), ['send ->a ack e1 #1.']);
  one.hear('a', 1, append(second));
  t.same(one.sync(), [], 'synced here, not acked below');
  says(t, one.hear('c', 1, ack(at(second))), ['send ->a ack e1 #2.']);
});

t.test('[C5] an ack below of two records acks only what is synced here', async (t) => {
  const one = middle();
  one.hear('a', 1, append(first));
  one.sync();
  one.hear('a', 1, append(second));
  says(t, one.hear('c', 1, ack(at(second))), ['send ->a ack e1 #1.']);
  t.equal(one.replica.acked.hash, first.hash);
});

t.test('[C3] an ack whose hash is not ours wedges', async (t) => {
  const one = middle();
  one.hear('a', 1, append(first));
  one.sync();
  const lines = one.hear('c', 1, ack(strangeAt(1)));
  says(t, lines, [/^wedged: C3/]);
  t.same(one.hear('c', 1, ack(at(first))), [], 'nothing is acked any more');
  t.same(one.hear('a', 1, append(second)), [], 'and nothing taken');
});

t.test('[C3] an ack of a record that was never sent wedges', async (t) => {
  const one = middle();
  one.hear('a', 1, append(first));
  says(t, one.hear('c', 1, ack(at(third))), [/^wedged: C3/]);
});

t.test('[C7] an append that does not follow wedges: a gap, another history', async (t) => {
  const other = history(2, endOf([]), 1, 'other')[1] as typeof first;
  for (const entry of [third, other]) {
    const one = middle();
    one.hear('a', 1, append(first));
    const lines = one.hear('a', 1, append(entry));
    says(t, lines, [/^wedged: C7/]);
    t.equal(one.replica.received.lsn, 1);
  }
});

t.test('[C7] an append that came already is passed over: this member said twice where it stands', async (t) => {
  const one = middle();
  one.hear('a', 1, append(first));
  t.same(one.hear('a', 1, append(first)), []);
  one.sync();
  one.hear('c', 1, ack(at(first)));
  t.same(one.hear('a', 1, append(first)), [], 'nor when it is forgotten already');
});

t.test('[C3] a resume at a position that is not in our history wedges', async (t) => {
  for (const position of [strangeAt(1), strangeAt(0), strangeAt(7)]) {
    const one = middle();
    one.hear('a', 1, append(first));
    says(t, one.hear('c', 1, { kind: 'resume', position }), [/^wedged: C7/]);
  }
});

t.test('[C3] what other epochs, or others than the neighbours, say is not heard', async (t) => {
  const one = new One('b', { log: [] }).join(2);
  one.hear('c', 2, { kind: 'resume', position: endOf([]) });
  const quiet = (from: string, epoch: number, body: Parameters<One['hear']>[2]) => {
    // Who speaks in an epoch that is over is told which one runs.
    const lines = one.hear(from, epoch, body).filter((line) => !line.includes('configured e2'));
    t.same(lines, [], `${body.kind} e${epoch} of ${from}`);
  };
  const mine = { ...first, epoch: 2 } as typeof first;
  for (const epoch of [1, 3]) {
    quiet('a', epoch, append(mine));
    quiet('c', epoch, ack(strangeAt(1)));
    quiet('c', epoch, { kind: 'resume', position: strangeAt(1) });
  }
  quiet('c', 2, append(mine));
  quiet('b', 2, append(mine));
  quiet('a', 2, ack(strangeAt(1)));
  quiet('a', 2, { kind: 'resume', position: strangeAt(1) });
  t.equal(one.replica.phase.kind, 'serving');
  says(t, one.hear('a', 2, append(mine)), [/^write/, 'send ->c append e2'], 'and the right one is');
});

t.test(
  '[C7] a successor whose link is new is sent nothing before it says where it stands, then just what it lacks',
  async (t) => {
    const one = middle();
    one.hear('a', 1, append(first));
    one.disconnect('c');
    says(t, one.hear('a', 1, append(second)), [/^write #2/], 'no link, nothing sent');
    one.connect('c');
    says(t, one.hear('a', 1, append(third)), [/^write #3/], 'a link, and silence on it');
    const lines = one.hear('c', 1, { kind: 'resume', position: at(first) });
    says(t, lines, ['send ->c append e1 #2.', 'send ->c append e1 #3.']);
  },
);

t.test('[C7] what a successor said on a link that broke before the epoch began here is forgotten', async (t) => {
  const one = new One('b');
  one.hear('a', 1, { kind: 'seal' });
  one.sync();
  one.hear('a', 1, { kind: 'transfer', source: 'a', position: endOf([]) });
  one.sync();
  one.learn('a', active(1));
  // c runs already and says where it stands; then the link breaks, and c says it again on the new one.
  one.connect('c');
  one.hear('c', 1, { kind: 'resume', position: endOf([]) });
  one.disconnect('c');
  one.connect('c');
  one.sync();
  says(t, one.hear('a', 1, append(first)), [/^write #1/], 'c has said nothing on this link');
  const lines = one.hear('c', 1, { kind: 'resume', position: endOf([]) });
  says(t, lines, ['send ->c append e1 #1.'], 'sent once');
});

t.test('[C3] who speaks as a neighbour in an epoch that is over is told which one runs', async (t) => {
  const one = new One('b').join(2);
  for (const body of [
    append(first),
    { kind: 'resume', position: endOf([]) },
    { kind: 'fetch', after: endOf([]) },
  ] as const)
    says(t, one.hear('a', 1, body), ['send ->a configured e2 active e2.0 a>b>c']);
  t.same(one.hear('c', 1, ack(at(first))), []);
});

t.test('[C18] a barrier is passed on by who runs the epoch, unsealed, and by nobody else', async (t) => {
  const barrier = { kind: 'barrier', token: 1 } as const;
  const one = middle();
  t.same(one.hear('c', 1, barrier), [], 'from above only');
  says(t, one.hear('a', 1, barrier), ['send ->c barrier e1 1']);
  t.same(one.hear('a', 1, { kind: 'passed', token: 1 }), [], 'from below only');
  says(t, one.hear('c', 1, { kind: 'passed', token: 1 }), ['send ->a passed e1 1']);
  t.same(one.hear('c', 1, { kind: 'passed', token: 1 }), [], 'once');
  one.hear('a', 1, { kind: 'barrier', token: 2 });
  one.hear('a', 2, { kind: 'seal' });
  t.same(one.hear('c', 1, { kind: 'passed', token: 2 }), [], 'sealed: what was under way is answered by nobody');
  t.same(one.hear('a', 1, { kind: 'barrier', token: 3 }), []);
});

t.test('[C18] a barrier is asked again on a new link, and so is what was passed', async (t) => {
  const one = middle();
  one.connect('a');
  one.hear('a', 1, { kind: 'barrier', token: 1 });
  one.disconnect('c');
  one.connect('c');
  says(t, one.hear('c', 1, { kind: 'resume', position: endOf([]) }), ['send ->c barrier e1 1']);
  one.hear('c', 1, { kind: 'passed', token: 1 });
  one.disconnect('a');
  const lines = one.connect('a');
  t.ok(lines.includes('send ->a passed e1 1'), lines.join('; '));
});
