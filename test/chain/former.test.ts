// A host that has no part in a chain any more: what it kept of it goes, once nobody can want it, and never before.
import t from 'tap';
import { createDetector, linkChanged } from '../../chain/detector.ts';
import { isForgettable } from '../../chain/former.ts';
import { hostId, origin } from '../../engine/base/ids.ts';
import { active, endOf, history, marksOf, One, says } from './one.ts';

const log = history(4);
const start = endOf(log);

/** Served epoch 1, and the register now holds epoch 2 without it. */
function former(marks = marksOf(1, 1), value = active(2, 'a>b>d', start)): One {
  const one = new One('c', { log, marks });
  one.learn('a', value);
  return one;
}

t.test('[C20] what was left goes: the mark first, then everything; a joiner is then given all of it', async (t) => {
  const one = former();
  one.connect('a');
  says(t, one.step({ kind: 'forget' }), ['write logEpoch=0', 'wipe']);
  says(t, one.step({ kind: 'forget' }), [], 'once');
  one.hear('a', 3, { kind: 'seal' });
  says(t, one.sync(), [/sealed e3 at #0.* of e0/], 'it holds nothing that counts');
  says(t, one.hear('a', 3, { kind: 'transfer', source: 'a', position: start }), [], 'it waits until all is gone');
  says(t, one.step({ kind: 'wiped' }), ['send ->a fetch e3 after #0']);
  t.same(one.replica.durable, origin);
});

t.test('[C20] who was told of an epoch that it was left out of while it was sealed for it forgets too', async (t) => {
  const one = new One('c', { log, marks: marksOf(1, 1) });
  one.connect('a');
  one.hear('a', 2, { kind: 'seal' });
  one.sync();
  one.learn('a', active(2, 'a>b>d', start));
  says(t, one.step({ kind: 'forget' }), ['write logEpoch=0', 'wipe']);
});

t.test('[C20] a joiner that was given up forgets what it was given', async (t) => {
  const one = former(marksOf(2, 2, 0));
  says(t, one.step({ kind: 'forget' }), ['write logEpoch=0', 'wipe']);
});

t.test('[C20] nobody forgets what may count', async (t) => {
  const stays = (what: string, one: One): void => says(t, one.step({ kind: 'forget' }), [], what);
  stays('it has a seat', former(marksOf(1, 1), active(2, 'a>b>c', start)));
  stays('it has a seat as a joiner', former(marksOf(1, 1), active(2, 'a>b>(c)', start)));
  stays('a value that is late: it ran that epoch, as a joiner that came later', former(marksOf(2, 2)));
  stays('it was sealed for a later one', former(marksOf(3, 1)));
  stays('the register was not read', new One('c', { log, marks: marksOf(1, 1) }));
  const pending = { ...active(3, 'a>b>d', start), phase: 'pending', previous: active(2, 'a>b>d', start) } as never;
  stays('somebody reconfigures', former(marksOf(1, 1), pending));
  const sealed = former();
  sealed.connect('a');
  sealed.hear('a', 3, { kind: 'seal' });
  stays('it is being sealed', sealed);
  sealed.sync();
  stays('it is sealed', sealed);
  stays(
    'there is nothing',
    (() => {
      const one = new One('c', { marks: marksOf(1, 1) });
      one.learn('a', active(2, 'a>b>d'));
      return one;
    })(),
  );
});

t.test(
  '[C20] it goes when the chain has stood whole for long, all of it lives, and nobody wants this host',
  async (t) => {
    const hosts = ['a', 'b', 'c', 'd'].map(hostId);
    const detector = createDetector(hostId('c'), hosts, 0);
    for (const host of hosts) if (host !== 'c') linkChanged(detector, host, true);
    const facts = {
      detector,
      nowMs: 600_000,
      replication: 3,
      desired: hosts.filter((host) => host !== 'c'),
      leftMs: 600_000,
    };
    const { replica } = former();
    t.equal(isForgettable(replica, 0, facts), true);
    t.equal(isForgettable(replica, 1, facts), false, 'it may be wanted again');
    t.equal(isForgettable(replica, 0, { ...facts, desired: hosts }), false, 'it is wanted');
    t.equal(isForgettable(replica, 0, { ...facts, replication: 4 }), false, 'the chain is not whole');
    const joining = former(marksOf(1, 1), active(2, 'a>b>(d)', start));
    t.equal(isForgettable(joining.replica, 0, facts), false, 'nor yet');
    const served = new One('c', { log, marks: marksOf(2, 2) });
    t.equal(isForgettable(served.replica, 0, facts), false);
    linkChanged(detector, hostId('d'), false);
    detector.nowMs = 600_000;
    t.equal(isForgettable(replica, 0, facts), false, 'a member is missing');
  },
);
