// What a host notes that meets rot while it runs: only where others hold all it has.
import t from 'tap';
import { CodedError } from '../../engine/base/errors.ts';
import { noteDoubt } from '../../host/doubt.ts';

type Replicas = Parameters<typeof noteDoubt>[2];

/** A host `a` in a chain with these; a small letter serves, a capital one is being filled. */
function chainOf(members: string): Replicas[number] {
  const seats = [...members].map((name) => {
    const host = name.toLowerCase();
    return { host, role: name === host ? 'serving' : 'syncing' };
  });
  return { self: 'a', known: members === '' ? undefined : { members: seats } } as never;
}

function notedFor(cause: unknown, ...chains: readonly string[]): string[] {
  const noted: string[] = [];
  noteDoubt(cause, { noteLimbo: (reason) => noted.push(reason) }, chains.map(chainOf));
  return noted;
}

t.test('[E14] rot is noted where every chain served here is served by another too', async (t) => {
  const rot = new CodedError('ENGINE_CORRUPT', 'chain 0, record 3 is missing');
  for (const chains of [['ab'], ['abc', 'bc'], ['b'], ['bA'], ['']]) t.same(notedFor(rot, ...chains), [rot.message]);
  for (const chains of [['a'], ['ab', 'a'], ['aB']]) t.same(notedFor(rot, ...chains), [], `the last: ${chains}`);
});

t.test('[E14] nothing else is a doubt of the store', async (t) => {
  t.same(notedFor(new CodedError('ENGINE_DISK', 'a read failed'), 'ab'), []);
  t.same(notedFor(new Error('no code'), 'ab'), []);
});
