// When a host asks for its voice again: it votes by name, and has another store than the one it votes with.
import t from 'tap';
import { firstVoters } from '../../chain/register/voters.ts';
import { careForVoice, createVoterCare } from '../../chain/voter-care.ts';
import { hostId } from '../../engine/base/ids.ts';
import { voterCareMs } from '../../engine/base/limits.ts';

const voters = firstVoters(['a', 'b', 'c'].map((id) => ({ host: hostId(id), storeId: `${id}1` })));

/** Registers that are looked at, and no more. */
function registers(replacement: object | undefined): Parameters<typeof careForVoice>[1] {
  return { acceptor: { voters }, replacement } as never;
}

const factsOf = (self: string, storeId: string, nowMs: number) => {
  return { self: hostId(self), storeId, chains: 8, nowMs, random: () => 0.5 };
};

t.test('[C14] [H8] a voter with another store asks for its place, after a while, and again', async (t) => {
  const care = createVoterCare(0, 0.5);
  t.equal(careForVoice(care, registers(undefined), factsOf('c', 'c2', voterCareMs - 1)), undefined, 'not at once');
  t.same(careForVoice(care, registers(undefined), factsOf('c', 'c2', voterCareMs)), {
    kind: 'replace',
    leaver: { host: 'c', storeId: 'c1' },
    joiner: { host: 'c', storeId: 'c2' },
    chains: 8,
  });
  t.equal(careForVoice(care, registers(undefined), factsOf('c', 'c2', voterCareMs + 1)), undefined, 'once');
  t.not(careForVoice(care, registers(undefined), factsOf('c', 'c2', 2 * voterCareMs)), undefined, 'it failed: again');
});

t.test('[C14] [H8] who votes with its own store, does not vote, or is being replaced asks for nothing', async (t) => {
  const care = createVoterCare(0, 0);
  for (const facts of [factsOf('c', 'c1', 1e9), factsOf('d', 'd1', 1e9)])
    t.equal(careForVoice(care, registers(undefined), facts), undefined);
  t.equal(careForVoice(care, registers({}), factsOf('c', 'c2', 1e9)), undefined);
});
