// What a host notes that meets rot while it runs: only where it can be spared.
import t from 'tap';
import { createDetector, linkChanged } from '../../chain/detector.ts';
import { CodedError } from '../../engine/base/errors.ts';
import { hostId } from '../../engine/base/ids.ts';
import { noteDoubt } from '../../host/doubt.ts';

type Spared = Parameters<typeof noteDoubt>[2];

/** Host `a` in chains with these; a small letter serves, a capital one is being filled. `live` are the others it has a link to; a, b and c vote. */
function spared(live: string, chains: readonly string[]): Spared {
  const detector = createDetector(hostId('a'), ['a', 'b', 'c'].map(hostId), 0);
  for (const host of live) linkChanged(detector, hostId(host), true);
  const replicas = chains.map((members, chain) => {
    const seats = [...members].map((name) => {
      const host = name.toLowerCase();
      return { host, role: name === host ? 'serving' : 'syncing' };
    });
    return [chain, { replica: { self: 'a', known: members === '' ? undefined : { members: seats } } }] as const;
  });
  const voters = ['a', 'b', 'c'].map((host) => ({ host, storeId: host }));
  return { chains: new Map(replicas), detector, registers: { acceptor: { voters: { voters } } } } as never;
}

function notedFor(cause: unknown, live: string, ...chains: readonly string[]): string[] {
  const noted: string[] = [];
  noteDoubt(cause, { noteLimbo: (reason) => noted.push(reason) }, spared(live, chains));
  return noted;
}

const rot = new CodedError('ENGINE_CORRUPT', 'chain 0, record 3 is missing');

t.test('[E14] rot is noted where every chain served here is served by another too', async (t) => {
  for (const chains of [['ab'], ['abc', 'bc'], ['b'], ['bA'], ['']])
    t.same(notedFor(rot, 'bc', ...chains), [rot.message]);
  for (const chains of [['a'], ['ab', 'a'], ['aB']]) t.same(notedFor(rot, 'bc', ...chains), [], `the last: ${chains}`);
});

t.test('[E14] those others live, and are enough to vote without this host', async (t) => {
  t.same(notedFor(rot, 'b', 'ab'), [], 'one of three votes');
  t.same(notedFor(rot, '', 'ab'), []);
  t.same(notedFor(rot, 'bc', 'ab', 'ac'), [rot.message]);
});

t.test('[E14] nothing else is a doubt of the store', async (t) => {
  t.same(notedFor(new CodedError('ENGINE_DISK', 'a read failed'), 'bc', 'ab'), []);
  t.same(notedFor(new Error('no code'), 'bc', 'ab'), []);
});
