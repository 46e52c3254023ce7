// What `levelten delete` says of each host, as a function of a status.
import t from 'tap';
import { stagesOf } from '../../host/cli/delete.ts';

const line = (folded: number, trimmed: number, erasing: number, durable = 9) => ({
  status: { chains: [{ chain: 1, folded, trimmed, erasing, durable }] },
});
const status = (hosts: Record<string, object>) =>
  ({
    chains: [{ chain: 1, members: ['h1', 'h2', 'h3'].map((host) => ({ host })) }],
    hosts: Object.entries(hosts).map(([host, one]) => ({ host, ...one })),
  }) as unknown as Parameters<typeof stagesOf>[0];
const deleted = { name: 's/a', seq: 4, chain: 1, through: 7 };

t.test(
  '[D21] [C20] of each host that keeps something of the chain it is said how far a deletion has come',
  async (t) => {
    const hosts = {
      h1: line(6, 5, 0),
      h2: line(7, 6, 0),
      h3: line(8, 7, 1),
      h4: line(2, 1, 0),
      h5: line(0, 0, 0, 0),
      h6: line(0, 0, 2, 0),
      h7: {},
    };
    t.same(
      stagesOf(status(hosts), deleted).map(({ host, stage }) => `${host} ${stage}`),
      ['h1 committed', 'h2 folded', 'h3 folded', 'h4 left', 'h6 folded'],
    );
    t.same(stagesOf(status({ h1: line(7, 7, 0), h2: {} }), deleted), [
      { host: 'h1', stage: 'erased' },
      { host: 'h2', stage: 'unknown' },
    ]);
  },
);
