// What follows from a status: who stands where, and whether everything is whole.
import t from 'tap';
import { type ClusterStatus, describeStatus, hostIn, servingHosts, whyNotWhole } from '../../bench/status.ts';

type Line = { readonly state?: string; readonly epoch?: number; readonly order?: readonly string[]; isHead?: boolean };
const order = ['h2', 'h1', 'h3'];

/** One chain; `null` for a host that does not answer. */
function statusOf(lines: Readonly<Record<string, Line | null>>): ClusterStatus {
  const hosts = Object.entries(lines).map(([host, line]) => {
    const isHead = host === 'h2';
    return { host, status: line && { chains: [{ chain: 0, epoch: 4, state: 'serving', isHead, order, ...line }] } };
  });
  return { hosts };
}

t.test('head, middle and tail are taken from the newest head', async (t) => {
  const status = statusOf({ h1: {}, h2: {}, h3: {} });
  t.same(
    (['head', 'middle', 'tail'] as const).map((role) => hostIn(status, 0, role)),
    order,
  );
  t.equal(hostIn(status, 1, 'head'), undefined);
  const two = statusOf({ h1: { isHead: true, epoch: 5, order: ['h1', 'h3'] }, h2: {}, h3: { epoch: 5 } });
  t.equal(hostIn(two, 0, 'head'), 'h1', 'one that was paused believes its old epoch');
  t.equal(hostIn(two, 0, 'middle'), undefined);
  t.equal(hostIn(two, 0, 'tail'), 'h3');
});

t.test('whole is what has all its members, all serving in one epoch', async (t) => {
  const why = (lines: Readonly<Record<string, Line | null>>) => whyNotWhole(statusOf(lines), 1, 3);
  t.equal(why({ h1: {}, h2: {}, h3: {} }), undefined);
  t.match(why({ h1: null, h2: {}, h3: {} }), 'h1 does not answer');
  t.match(why({ h1: {}, h2: { isHead: false }, h3: {} }), 'chain 0 has no head');
  t.match(why({ h1: {}, h2: { order: ['h2', 'h3'] }, h3: {} }), 'chain 0 has 2 of 3 members');
  t.match(why({ h1: {}, h2: {}, h3: { state: 'syncing' } }), 'chain 0 on h3 is syncing');
  t.match(why({ h1: { epoch: 3 }, h2: {}, h3: {} }), 'chain 0 on h1 is in epoch 3, not 4');
  t.match(why({ h1: {}, h2: {} }), 'chain 0 is unknown to h3');
  t.match(whyNotWhole(undefined, 1, 3), 'does not answer');
  t.same(servingHosts(statusOf({ h1: null, h2: {}, h3: { state: 'syncing' } })), ['h2']);
});

t.test('a status is said in a few lines', async (t) => {
  t.same(describeStatus(statusOf({ h1: null, h2: {} })), [
    'h1: does not answer',
    'h2: chains 0 serving in epoch 4 as head of h2 > h1 > h3',
  ]);
});
