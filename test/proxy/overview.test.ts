import { test } from 'tap';
import type { Answer, HostLine, ReplicaLine } from '../../proxy/overview.ts';
import { missingVoters, newestVoters, overviewOfChain, overviewOfHost } from '../../proxy/overview.ts';

const seat = (host: string, role = 'serving') => ({ host, storeId: `s-${host}`, role });
const line = (changes: Partial<ReplicaLine>): ReplicaLine => ({
  chain: 0,
  epoch: 2,
  state: 'serving',
  isHead: false,
  members: [seat('h1'), seat('h2'), seat('h3')],
  configured: { epoch: 2, minor: 0, phase: 'active' },
  received: 9,
  durable: 9,
  hash: 'a1',
  logEpoch: 2,
  folded: 0,
  trimmed: 0,
  erasing: 0,
  lag: 0,
  ...changes,
});
const voters = { generation: 1, voters: ['h1', 'h2', 'h3'].map((host) => ({ host, storeId: `s-${host}` })) };
const answer = (host: string, chain: Partial<ReplicaLine>, changes: Partial<HostLine> = {}): Answer => {
  const status = { boot: 'b', storeId: `s-${host}`, isLeaving: false, hosts: [], voters };
  return { host, status: { ...status, chains: [line(chain)], ...changes } };
};
const silent = (host: string): Answer => ({ host, status: null });
const claim = (epoch: number, head: string | null) => ({ chain: 0, epoch, head, serving: head !== null });

test('[F23] the newest configuration counts, and each member speaks for itself', async (t) => {
  const joined = {
    configured: { epoch: 2, minor: 3, phase: 'active' },
    members: [seat('h1'), seat('h2'), seat('h3', 'syncing')],
  };
  const answers = [
    answer('h3', { state: 'syncing', durable: 4, received: 4, configured: { epoch: 1, minor: 9, phase: 'active' } }),
    answer('h2', { state: 'serving' }),
    answer('h1', { isHead: true, received: 12, durable: 11, lag: 3, ...joined }),
  ];
  t.same(overviewOfChain(answers, claim(2, 'h1')), {
    chain: 0,
    epoch: 2,
    minor: 3,
    servedEpoch: 2,
    phase: 'active',
    state: 'serving',
    serving: true,
    head: 'h1',
    members: [
      { host: 'h1', role: 'serving', state: 'serving', lsn: 11, lag: 1 },
      { host: 'h2', role: 'serving', state: 'serving', lsn: 9, lag: 3 },
      { host: 'h3', role: 'syncing', state: 'syncing', lsn: 4, lag: 8 },
    ],
    lag: 3,
  });
});

test('[F23] hosts that are down are told by the others, and a chain that waits says why', async (t) => {
  const missing = { host: 'h1', isLive: false, isDead: true };
  const pending = { state: 'sealed', configured: { epoch: 3, minor: 0, phase: 'pending' }, members: [seat('h2')] };
  const answers = [
    silent('h1'),
    answer('h2', { ...pending, reason: 'only 1 of at least 2 hosts are here' }, { hosts: [missing] }),
    answer('h3', pending),
  ];
  const chain = overviewOfChain(answers, claim(0, null));
  t.match(chain, {
    epoch: 3,
    phase: 'pending',
    state: 'waiting',
    head: 'h2',
    reason: 'only 1 of at least 2 hosts are here',
  });
  const hosts = answers.map((one) => overviewOfHost(answers, [chain], one));
  t.same(
    hosts.map(({ state }) => state),
    ['dead', 'live', 'live'],
  );
  t.same(
    hosts.map(({ chains, heads }) => [chains, heads]),
    [
      [0, 0],
      [1, 0],
      [0, 0],
    ],
  );
  const reason = 'no quorum: of 3 voters 1 are there (h2), missing h1, h3';
  t.equal(missingVoters([silent('h1'), answer('h2', {}), silent('h3')]), reason);
  t.match(
    overviewOfChain([answer('h2', pending)], claim(0, null)),
    { reason },
    'where no host has a reason of its own',
  );
  t.match(overviewOfChain([silent('h1')], claim(4, 'h1')), { epoch: 4, head: 'h1', state: 'serving', members: [] });
  t.match(overviewOfChain([silent('h1')], claim(0, null)), {
    epoch: 0,
    head: null,
    state: 'waiting',
    phase: 'none',
    reason: 'no host answers',
  });
});

test('[F23] a head that misses a member does not serve, and one that is dead does not either', async (t) => {
  const missing = { host: 'h3', isLive: false, isDead: false };
  const head = answer('h1', { isHead: true, reason: 'h3 is dead' }, { hosts: [missing] });
  t.match(overviewOfChain([head, answer('h2', {}), silent('h3')], claim(2, 'h1')), {
    head: 'h1',
    serving: false,
    state: 'waiting',
    reason: 'h3 is dead',
  });
  const others = [silent('h1'), answer('h2', {}, { hosts: [{ host: 'h1', isLive: false, isDead: true }] })];
  t.equal(overviewOfChain([...others, answer('h3', {})], claim(2, 'h1')).serving, false);
  t.equal(overviewOfChain([silent('h1'), answer('h2', {}), answer('h3', {})], claim(2, 'h1')).serving, true);
});

test('[F23] [H8] a voter with another store is a lost one, and the newest list of voters counts', async (t) => {
  const newer = { generation: 3, voters: [...voters.voters.slice(0, 2), { host: 'h3', storeId: 'new' }] };
  const answers = [answer('h1', {}), answer('h3', {}, { storeId: 'new' })];
  t.equal(overviewOfHost(answers, [], answers[1] as Answer).voter, 'lost');
  t.match(missingVoters(answers), /of 3 voters 1 are there \(h1\)/);
  const told = [answer('h1', {}, { voters: newer }), answer('h3', {}, { storeId: 'new' })];
  t.equal(newestVoters(told)?.generation, 3);
  t.equal(overviewOfHost(told, [], told[1] as Answer).voter, 'yes');
  t.equal(overviewOfHost(told, [], silent('h4')).voter, 'no');
  t.equal(missingVoters(told), undefined);
});
