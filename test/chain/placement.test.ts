// Who keeps what: the vectors of the specification, and what a change of hosts may move.
import t from 'tap';
import { placeChains, placeDocument } from '../../chain/placement.ts';
import { type HostId, hostId } from '../../engine/base/ids.ts';

const hostsOf = (count: number) => Array.from({ length: count }, (_, index) => hostId(`h${index + 1}`));
const all = () => true;
const linesOf = (placed: readonly (readonly HostId[])[]) => placed.map((members) => members.join('>')).join(' ');

function headsMost(placed: readonly (readonly HostId[])[]): number {
  const heads = new Map<string, number>();
  for (const [head = ''] of placed) heads.set(head, (heads.get(head) ?? 0) + 1);
  return Math.max(...heads.values());
}

t.test('[PL1] documents lie where the vectors of the specification say', async (t) => {
  const vectors: readonly (readonly [name: string, of8: number, of256: number])[] = [
    ['counter/home', 0, 128],
    ['chat/general', 0, 208],
    ['todo/a', 3, 227],
    ['space/key', 6, 22],
    ['a/0', 7, 103],
  ];
  for (const [name, of8, of256] of vectors) {
    t.equal(placeDocument(name, 8), of8, name);
    t.equal(placeDocument(name, 256), of256, name);
    t.equal(placeDocument(name, 1), 0);
  }
  const counts = new Array<number>(8).fill(0);
  for (let index = 0; index < 8_000; index += 1) {
    const chain = placeDocument(`space/${index}`, 8);
    counts[chain] = (counts[chain] ?? 0) + 1;
  }
  t.ok(Math.min(...counts) > 900 && Math.max(...counts) < 1_100, `8000 documents: ${counts}`);
});

t.test('[PL2] chains lie where the vectors of the specification say', async (t) => {
  const vectors: readonly (readonly [hosts: number, chains: number, replication: number, placed: string])[] = [
    [1, 2, 1, 'h1 h1'],
    [3, 8, 3, 'h2>h3>h1 h3>h2>h1 h1>h2>h3 h1>h3>h2 h2>h3>h1 h3>h2>h1 h2>h1>h3 h3>h2>h1'],
    [5, 8, 3, 'h5>h4>h2 h3>h2>h4 h1>h5>h2 h5>h4>h1 h2>h5>h3 h4>h3>h2 h2>h5>h4 h3>h5>h2'],
  ];
  for (const [hosts, chains, replication, placed] of vectors) {
    t.equal(linesOf(placeChains(hostsOf(hosts), chains, replication, all)), placed);
    const shuffled = hostsOf(hosts).reverse();
    t.equal(linesOf(placeChains(shuffled, chains, replication, all)), placed, 'in whichever order hosts are listed');
  }
});

t.test('[PL3] heads are spread evenly: no host leads more than its share', async (t) => {
  t.equal(headsMost(placeChains(hostsOf(3), 8, 3, all)), 3);
  let found = '';
  for (let hosts = 1; hosts <= 7; hosts += 1) {
    for (let replication = Math.min(2, hosts); replication <= hosts; replication += 1) {
      for (let chains = 1; chains <= 64; chains += 1) {
        const most = headsMost(placeChains(hostsOf(hosts), chains, replication, all));
        if (most > Math.ceil(chains / hosts)) found += ` ${chains} chains, ${replication} of ${hosts} hosts: ${most};`;
      }
    }
  }
  t.equal(found, '');
});

t.test('[PL3] chains of one member, where nothing can be dealt, are led by that member', async (t) => {
  for (const members of placeChains(hostsOf(4), 64, 1, all)) t.equal(members.length, 1);
});

t.test('[PL3] a host that may not lead keeps its chains and heads none, unless nobody else could', async (t) => {
  const placed = placeChains(hostsOf(5), 64, 3, (host) => host !== 'h1');
  t.notOk(placed.some(([head]) => head === 'h1'));
  t.ok(placed.some((members) => members.includes(hostId('h1'))));
  const before = placeChains(hostsOf(5), 64, 3, all);
  t.same(
    placed.map((members) => [...members].sort()),
    before.map((members) => [...members].sort()),
    'the same members',
  );
  for (const members of placeChains(hostsOf(2), 4, 2, () => false)) t.equal(members.length, 2);
});

t.test('[PL4] a host more or less changes a chain by that host only', async (t) => {
  for (let count = 3; count <= 7; count += 1) {
    const fewer = placeChains(hostsOf(count), 64, 3, all);
    const more = placeChains(hostsOf(count + 1), 64, 3, all);
    const extra = hostId(`h${count + 1}`);
    let moved = 0;
    for (const [chain, members] of more.entries()) {
      const gone = (fewer[chain] ?? []).filter((host) => !members.includes(host));
      const came = members.filter((host) => !fewer[chain]?.includes(host));
      if (members.includes(extra)) moved += 1;
      t.same(came, members.includes(extra) ? [extra] : []);
      t.equal(gone.length, came.length);
    }
    const share = (64 * 3) / (count + 1);
    t.ok(moved > share / 2 && moved < share * 1.6, `${moved} chains of a share of ${share.toFixed(0)}`);
  }
});
