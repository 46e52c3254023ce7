// E11: what a walk over a store says it finds, it finds, each by its name.
import t from 'tap';
import type { Lsn, Position } from '../../engine/base/ids.ts';
import { chainId, epoch } from '../../engine/base/ids.ts';
import {
  baseKey,
  cellKey,
  decodeBase,
  encodeBase,
  encodeIdentity,
  encodeMarks,
  identityKey,
  marksKey,
  noMarks,
} from '../../engine/store/entries.ts';
import { encodeBatch, recordKey } from '../../engine/store/format.ts';
import type { OrderedReader } from '../../engine/store/port.ts';
import {
  decodeHistoryEntry,
  decodeSnapshotEntry,
  encodeHistoryEntry,
  encodeSnapshotEntry,
  historyKey,
  seqFloorKey,
  snapshotKey,
} from '../../engine/store/snapshot-format.ts';
import { tallyKey } from '../../engine/store/tally.ts';
import { verifyStore } from '../../engine/store/verify.ts';
import { checkNames, findingCodes } from '../../engine/store/verify-notes.ts';
import type { MemoryStore } from '../contract/memory-store.ts';
import { chains, describe, findings, fresh, Stage, usual } from './verify-stage.ts';

const one = chainId(1);

t.test('[E11] a walk over a store that is well finds nothing, and says what it walked', async (t) => {
  const { disk, store } = await Stage.of();
  const chain = { floor: 3, folded: 6, last: 8, records: 5, snapshots: 8, hasLeftover: false, findings: 0 };
  const report = await verifyStore(disk, usual);
  t.same(report.findings, []);
  t.match(report, { storeId: 's', findingsCount: 0, isWhole: true, cells: 1, records: 15, snapshots: 24, blocks: 30 });
  t.match(
    report.chains,
    chains.map((number) => ({ chain: number, ...chain, blocks: 10 })),
  );
  const { checks } = report;
  t.same(checks, {
    identity: 1,
    key: 78,
    small: 8,
    record: 30,
    link: 15,
    reach: 6,
    snapshot: 24,
    sum: 3,
    block: 30,
    tally: 1,
  });
  t.same(Object.keys(checks).sort(), Object.keys(checkNames).sort());
  t.ok(report.bytes > 1_000);
  await store.close();
});

/** What is done to chain 1 of a store, and what a walk has to say. */
type Harm = readonly [title: string, does: (stage: Harmed) => Promise<void> | void, finds: readonly RegExp[]];

class Harmed {
  readonly disk: MemoryStore;
  constructor(disk: MemoryStore) {
    this.disk = disk;
  }
  put(key: Uint8Array, value: Uint8Array | undefined): void {
    this.disk.corrupt(key, value);
  }
  remove(...lsns: number[]): void {
    for (const lsn of lsns) this.put(recordKey(one, lsn), undefined);
  }
  async get(key: Uint8Array): Promise<Uint8Array> {
    const value = await this.disk.get(key);
    if (value === undefined) throw new Error('there is such an entry');
    return value;
  }
  async flip(key: Uint8Array, at = 20): Promise<void> {
    const value = Uint8Array.from(await this.get(key));
    value[at] = (value[at] as number) ^ 1;
    this.put(key, value);
  }
  async base(changes: object): Promise<void> {
    this.put(baseKey(one), encodeBase({ ...decodeBase(await this.get(baseKey(one))), ...changes }));
  }
}

const a = snapshotKey(one, 's/a');
const harms: readonly Harm[] = [
  ['no identity', (s) => s.put(identityKey, undefined), [/^- identity: key 01: the store does not say whose/]],
  ['an identity that rotted', (s) => s.flip(identityKey, 3), [/^- identity: key 01: .*checksum/]],
  [
    'another host’s',
    (s) => s.put(identityKey, encodeIdentity({ ...fresh, host: 'h2' })),
    [/^- identity: .*of host h2/],
  ],
  [
    'another cluster’s',
    (s) => s.put(identityKey, encodeIdentity({ ...fresh, cluster: 'x' })),
    [/^- identity: .*cluster x/],
  ],
  ['a small key of no kind', (s) => s.put(Uint8Array.of(6), Uint8Array.of(1)), [/^- key: key 06: .*no kind/]],
  ['a seq floor that rotted', (s) => s.put(seqFloorKey(one), Uint8Array.of(1, 2, 3, 4, 5, 6)), [/^1 seq-floor: /]],
  [
    'a seq floor beside its place',
    (s) => s.put(Uint8Array.of(0x22, 0, 1, 7), Uint8Array.of(1)),
    [/^1 key: .*seq floor/],
  ],
  ['a note of no deletion', (s) => s.put(Uint8Array.of(0x23, 0, 1, 7), Uint8Array.of(1)), [/^1 key: .*no deletion/]],
  ['marks that are older', (s) => s.put(marksKey(one), encodeMarks(noMarks)), [/^- older: .*not those of write/]],
  ['a register that is older', (s) => s.put(cellKey(0), Uint8Array.of(7, 0)), [/^- older: /]],
  ['marks that are lost', (s) => s.put(marksKey(one), undefined), [/^- older: /]],
  ['the end of a log that is lost', (s) => s.remove(8), [/^- older: /]],
  ['all of a log above what is folded', (s) => s.remove(7, 8), [/^- older: /]],
  ['a tally that rotted', (s) => s.put(Uint8Array.of(5), Uint8Array.of(1)), [/^- tally: key 05: .*too short/]],
  ['a key before all', (s) => s.put(Uint8Array.of(0), Uint8Array.of(1)), [/^- key: key 00: .*no kind/]],
  ['a key between kinds', (s) => s.put(Uint8Array.of(0x15), Uint8Array.of(1)), [/^- key: key 15: .*no kind/]],
  ['a key past all', (s) => s.put(Uint8Array.of(0xff, 0xff), Uint8Array.of(1)), [/^- key: key ffff: .*no kind/]],
  ['marks of another chain', (s) => s.put(marksKey(chainId(2)), Uint8Array.of(1)), [/^- key: key 020002: .*chain/]],
  ['a base of another chain', (s) => s.put(baseKey(chainId(9)), Uint8Array.of(1)), [/^- key: key 040009: .*chain/]],
  [
    'a record of another chain',
    (s) => s.put(recordKey(chainId(2), 1), Uint8Array.of(1)),
    [/^- key: key 100002.*chain/],
  ],
  [
    'a snapshot of another',
    (s) => s.put(snapshotKey(chainId(4), 'x'), Uint8Array.of(1)),
    [/^- key: key 200004.*chain/],
  ],
  [
    'a history of another',
    (s) => s.put(historyKey(chainId(2), 'x', 1), Uint8Array.of(1)),
    [/^- key: key 210002.*chain/],
  ],
  ['a cell that rotted', (s) => s.put(cellKey(0), Uint8Array.of(8)), [/^- cell: register 0: register 0 is not one/]],
  ['marks that rotted', (s) => s.flip(marksKey(one), 4), [/^1 marks: key 020001: .*checksum/]],
  ['a base that rotted', (s) => s.flip(baseKey(one), 4), [/^1 base: key 040001: .*checksum/]],
  [
    'a base that contradicts itself',
    (s) => s.base({ folded: { lsn: 2, hash: '00'.repeat(16) } }),
    [/^1 base: .*begins behind 3/],
  ],
  [
    'a base that is lost',
    (s) => s.put(baseKey(one), undefined),
    [/^1 hole: record 1: to 3 are missing/, ...Array(8).fill(/^1 ahead: s\//), /^1 sum: all snapshots/],
  ],
  ['a record that rotted', (s) => s.flip(recordKey(one, 5)), [/^1 record: record 5: .*checksum/]],
  [
    'a record under another’s key',
    async (s) => s.put(recordKey(one, 5), await s.get(recordKey(one, 7))),
    [/^1 record: record 5: says that it is record 7 of chain 1/],
  ],
  [
    'a record of another chain under its key',
    async (s) => s.put(recordKey(one, 5), await s.get(recordKey(chainId(3), 5))),
    [/^1 record: record 5: says that it is record 5 of chain 3/],
  ],
  ['a record that rotted at its version', (s) => s.flip(recordKey(one, 5), 0), [/^1 record: record 5: .*checksum/]],
  ['a record too short', (s) => s.put(recordKey(one, 5), Uint8Array.of(1)), [/^1 record: record 5: .*too short/]],
  ['a hole', (s) => s.put(recordKey(one, 7), undefined), [/^1 hole: record 7: is missing/]],
  [
    'a hole where documents are folded',
    (s) => s.remove(5, 6),
    [/^1 hole: record 5: to 6 are missing/, /^1 folded: record 6: is not there/],
  ],
  ['a log that ends too soon', (s) => s.remove(5, 6, 7, 8), [/^1 folded: record 6: .*the log ends at 4/]],
  [
    'snapshots that hold more than the log',
    async (s) => {
      const base = decodeBase(await s.get(baseKey(one)));
      s.put(baseKey(one), encodeBase({ ...base, newest: 9 as Lsn }));
    },
    [/^1 newest: record 9: .*ends at 8/],
  ],
  [
    'a record of another history',
    (s) => {
      const after = { lsn: 6 as Lsn, hash: 'ab'.repeat(16) as Position['hash'] };
      s.put(recordKey(one, 7), encodeBatch({ chain: one, epoch: epoch(1), after }, []).bytes);
    },
    [/^1 hash: record 7: follows abab/, /^1 hash: record 8: follows/],
  ],
  [
    'another history from the floor on',
    async (s) => s.base({ floor: { lsn: 3, hash: 'ab'.repeat(16) } }),
    [/^1 hash: record 4: .*before it stands abab/],
  ],
  [
    'a base folded through another history',
    (s) => s.base({ folded: { lsn: 6, hash: 'ab'.repeat(16) } }),
    [/^1 folded: record 6: documents are folded through abab/],
  ],
  [
    'a record that a trim left',
    async (s) => s.put(recordKey(one, 2), await s.get(recordKey(one, 4))),
    [/^1 below-floor: record 2/],
  ],
  [
    'a key that is no record’s',
    (s) => {
      s.put(Uint8Array.of(0x10, 0, 1, 9), Uint8Array.of(1));
      s.put(Buffer.concat([recordKey(one, 9).subarray(0, 3), Buffer.alloc(8, 0xff)]), Uint8Array.of(1));
    },
    [/^1 key: key 10000109: is not the key of a record/, /^1 key: key 100001ffff/],
  ],
  ['a snapshot that rotted', (s) => s.flip(a), [/^1 snapshot: s\/a: .*checksum/, /^1 sum: /]],
  [
    'a snapshot under another’s key',
    async (s) => s.put(a, await s.get(snapshotKey(one, 's/b'))),
    [/^1 snapshot: s\/a: .*checksum/, /^1 sum: /],
  ],
  [
    'a snapshot as it was before',
    async (s) => {
      const now = decodeSnapshotEntry(a, await s.get(a));
      s.put(a, encodeSnapshotEntry(a, { ...now, state: Buffer.from('old') }));
    },
    [/^1 sum: all snapshots: come to [0-9a-f]{32}, and should to/],
  ],
  [
    'a snapshot that is lost',
    (s) => s.put(snapshotKey(one, 's/c0'), undefined),
    [/^1 history-stray: s\/c0 from 1/, /^1 sum: /],
  ],
  [
    'a snapshot newer than any',
    async (s) => {
      const now = decodeSnapshotEntry(a, await s.get(a));
      s.put(a, encodeSnapshotEntry(a, { ...now, lsn: 7 as Lsn }));
    },
    [/^1 ahead: s\/a: holds record 7, and none should hold more than 6/, /^1 sum: /],
  ],
  ['a name that is none', (s) => s.put(snapshotKey(one, 'a\0b'), Uint8Array.of(1)), [/^1 key: .*names no/, /^1 sum: /]],
  ['a block that rotted', (s) => s.flip(historyKey(one, 's/a', 1), 5), [/^1 history: s\/a from 1: .*checksum/]],
  ['a block that is lost', (s) => s.put(historyKey(one, 's/a', 1), undefined), [/^1 history-missing: s\/a from 1:/]],
  [
    'the last block lost',
    async (s) => {
      const blocks = decodeSnapshotEntry(a, await s.get(a)).blocks;
      s.put(historyKey(one, 's/a', blocks.at(-1) as number), undefined);
    },
    [/^1 history-missing: s\/a from 81:/],
  ],
  [
    'a block nobody names, before, between and behind',
    async (s) => {
      const block = decodeHistoryEntry(historyKey(one, 's/a', 1), await s.get(historyKey(one, 's/a', 1)));
      for (const key of [historyKey(one, 's/', 5), historyKey(one, 's/a', 7), historyKey(one, 'z', 5)])
        s.put(key, encodeHistoryEntry(key, block));
    },
    [/^1 history-stray: s\/ from 5/, /^1 history-stray: s\/a from 7/, /^1 history-stray: z from 5/],
  ],
  [
    'a block that holds too little',
    (s) => {
      const key = historyKey(one, 's/a', 1);
      s.put(key, encodeHistoryEntry(key, { count: 79, updates: Buffer.from('x') }));
    },
    [/^1 history-gap: s\/a from 81: the block before ends at 79/],
  ],
  [
    'the last block too short for its snapshot',
    (s) => {
      const key = historyKey(one, 's/a', 81);
      s.put(key, encodeHistoryEntry(key, { count: 1, updates: Buffer.from('x') }));
    },
    [/^1 history-gap: s\/a from 121: the block before ends at 81/],
  ],
  [
    'a key that is no block’s',
    (s) => {
      for (const name of ['s/a', 's/a without its end']) {
        s.put(Buffer.concat([Uint8Array.of(0x21, 0, 1), Buffer.from(name)]), Uint8Array.of(1));
      }
    },
    [/^1 key: key 210001732f61: is not the key of a block/, /^1 key: key 210001732f6120/],
  ],
];

t.test('[E11] whatever is wrong with a store is found, by its name, and nothing else is', async (t) => {
  const seen = new Set<string>();
  for (const [title, does, finds] of harms) {
    const { disk } = await Stage.of();
    await does(new Harmed(disk as MemoryStore));
    const found = await findings(disk);
    for (const line of found) seen.add(line.split(/[ :]/)[1] as string);
    t.ok(found.length === finds.length && finds.every((one, index) => one.test(found[index] ?? '')), title, { found });
  }
  const never = Object.keys(findingCodes).filter((code) => !seen.has(code));
  t.same(never, ['unreadable'], 'each word was seen');
});

t.test('[E11] a disk that gives an error is a finding, and what lies elsewhere is walked', async (t) => {
  const { disk } = await Stage.of();
  const view = disk.view.bind(disk);
  disk.view = () => {
    const inner = view();
    const scan: OrderedReader['scan'] = async function* (from, to) {
      if (from[0] === 0x10 && from[2] === 1) throw new Error('Corruption: block');
      yield* inner.scan(from, to);
    };
    const get: OrderedReader['get'] = async (key) => {
      if (key[0] === 0x04 && key[2] === 3) throw new Error('Corruption: block');
      return inner.get(key);
    };
    return { get, scan, close: () => inner.close() };
  };
  const report = await verifyStore(disk, usual);
  t.same(report.findings.map(describe), [
    '1 unreadable: behind key 100001: Corruption: block',
    '3 unreadable: key 040003: Corruption: block',
  ]);
  t.ok(report.isWhole);
  t.same(
    report.chains.map(({ records, snapshots }) => [records, snapshots]),
    [
      [5, 8],
      [0, 8],
      [5, 8],
    ],
  );
});

t.test('[E11] findings are bounded and counted; a walk that is stopped says so', async (t) => {
  const { disk } = await Stage.of();
  for (let number = 10; number < 30; number += 1)
    (disk as MemoryStore).corrupt(marksKey(chainId(number)), Uint8Array.of(1));
  const report = await verifyStore(disk, { ...usual, findingsMax: 3 });
  t.equal(report.findings.length, 3);
  t.equal(report.findingsCount, 20);
  for (const after of [0, 1, 20]) {
    let slices = 0;
    const stopped = await verifyStore(disk, {
      ...usual,
      sliceBytes: 1,
      pace: async () => {
        slices += 1;
      },
      isStopped: () => slices > after,
    });
    t.match({ isWhole: stopped.isWhole, slices }, { isWhole: false, slices: after + 1 });
    t.ok(
      stopped.findings.every(({ code }) => code === 'key'),
      'nothing is concluded from what was not seen',
    );
  }
});

t.test('[E11] what an unfinished copy left is checked entry by entry, and held against nothing', async (t) => {
  const stage = await Stage.of();
  const harmed = new Harmed(stage.disk as MemoryStore);
  await harmed.base({ hasLeftover: true, floor: { lsn: 0, hash: '00'.repeat(16) }, newest: 0, sum: '00'.repeat(16) });
  harmed.put(recordKey(one, 5), undefined);
  harmed.put(historyKey(one, 's/a', 1), undefined);
  harmed.put(snapshotKey(one, 's/b'), undefined);
  harmed.put(tallyKey, undefined);
  t.same(await findings(stage.disk), []);
  await harmed.flip(recordKey(one, 7));
  await harmed.flip(a);
  await harmed.flip(historyKey(one, 's/b', 1), 5);
  t.same(
    (await findings(stage.disk)).map((line) => line.split(':')[0]),
    ['1 record', '1 snapshot', '1 history'],
  );
});
