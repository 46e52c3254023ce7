// What a host answers to a backup: behind a barrier, as the head of the chain, and when the chain is folded as far as it was committed.

import pino from 'pino';
import t from 'tap';
import type { Replica } from '../../chain/state.ts';
import type { ChainId, Lsn } from '../../engine/base/ids.ts';
import { chainId } from '../../engine/base/ids.ts';
import { foldWaitMs } from '../../engine/base/limits.ts';
import { Exporter, type ExporterParts } from '../../host/exporting.ts';
import { Folding } from '../../host/folding.ts';
import foldTasks from '../../host/workers/fold-worker.ts';
import { settled } from '../contract/memory-store.ts';
import { Documents } from './documents-kit.ts';

const chain = chainId(0);

/** As much of a replica as says that it heads its chain here. */
function heading(epoch: number, committed: number, self = 'h1'): Replica {
  const config = { epoch, members: [{ host: 'h1', role: 'serving' }] };
  return { self, epoch, committed, phase: { kind: 'serving', config } } as unknown as Replica;
}

async function stage(changes: Partial<ExporterParts> = {}) {
  const documents = await Documents.begin(1, 100);
  for (const name of ['s/a', 's/b']) await documents.write(name, 3);
  const { store } = documents;
  const hurried: [ChainId, Lsn][] = [];
  const exporter = new Exporter({
    store,
    replicaOf: () => heading(1, 2),
    whenCommitted: (_chain, then) => then(),
    hurry: (id, through) => hurried.push([id, through]) > 0,
    log: pino({ level: 'silent' }),
    ...changes,
  });
  return { documents, exporter, hurried };
}

t.test(
  '[B1] a chain is folded first, through what was committed when it was asked; then come its documents',
  async (t) => {
    const { documents, exporter, hurried } = await stage();
    const first = await exporter.answer(chain, {});
    t.same(first, { through: 2, storeId: 's', folded: 0 });
    t.same(hurried, [[chain, 2]]);
    await documents.fold(chain);
    const { page, ...rest } = await exporter.answer(chain, { through: 2, cursor: '' });
    t.same(rest, { through: 2, storeId: 's', folded: 2 });
    t.equal(page?.next, '');
    t.match(Buffer.from(page?.base64 ?? '', 'base64').toString('latin1'), /s\/a.*s\/b/s);
    await t.rejects(exporter.answer(chain, { through: 3 }), { code: 'HOST_OPTIONS' }, 'nobody has committed that');
    for (const cursor of ['before s/a', 'after', 'head s/a 1', 'history s/a -1 0', 'after s/a ', 'after s/a 1 2']) {
      await t.rejects(exporter.answer(chain, { through: 2, cursor }), { code: 'HOST_OPTIONS' }, cursor);
    }
  },
);

t.test('[B1] what was committed is asked of the whole chain first', async (t) => {
  let pass = (): void => {};
  let replica = heading(1, 1);
  const { exporter } = await stage({
    replicaOf: () => replica,
    whenCommitted: (_chain, then) => {
      pass = then;
    },
  });
  const answer = exporter.answer(chain, {});
  await settled();
  replica = heading(1, 2);
  pass();
  t.equal((await answer).through, 2, 'as it is behind the barrier');
  const late = exporter.answer(chain, {});
  await settled();
  replica = heading(2, 2);
  pass();
  await t.rejects(late, { code: 'CHAIN_NOT_HEAD' }, 'the epoch it was asked in is over');
});

t.test('[B2] who does not head the chain, or stops to while it reads, sends on to another', async (t) => {
  const other = await stage({ replicaOf: () => heading(1, 2, 'h2') });
  await t.rejects(other.exporter.answer(chain, {}), { code: 'CHAIN_NOT_HEAD' });
  let looks = 0;
  const replicaOf = (): Replica => {
    looks += 1;
    return heading(looks > 2 ? 2 : 1, 2);
  };
  const { documents, exporter } = await stage({ replicaOf });
  await documents.fold(chain);
  await t.rejects(exporter.answer(chain, { through: 2 }), { code: 'CHAIN_NOT_HEAD' });
  const stuck = await stage({ hurry: () => false });
  await t.rejects(stuck.exporter.answer(chain, {}), { code: 'ENGINE_CORRUPT', message: /cannot be folded/ });
});

t.test('[B1] a chain that a backup waits for is folded before others, and at once', async (t) => {
  const documents = await Documents.begin(2, 100);
  for (let number = 0; number < 8; number += 1) await documents.write(`s/d${number}`, 3);
  const { store } = documents;
  const [zero, one] = [chainId(0), chainId(1)];
  const passes: number[] = [];
  const folding = new Folding({
    store,
    fold: async (tasks) => foldTasks(tasks),
    history: 100,
    nowMs: () => 0,
    sleep: async () => {},
    chains: () => [zero, one].map((id) => ({ chain: id, committed: store.durable(id).lsn })),
    onBegun: () => {},
    onFolded: (id) => passes.push(id),
    onFailed: () => t.fail('it can be folded'),
    fatal: (cause) => t.fail(String(cause)),
    recordsMin: 1,
  });
  const rarer = store.durable(zero).lsn < store.durable(one).lsn ? zero : one;
  t.ok(store.durable(rarer).lsn < store.durable(chainId(1 - rarer)).lsn, 'the other has more to fold');
  t.ok(folding.hurry(rarer, store.durable(rarer).lsn, 0));
  for (let turns = 0; turns < 30; turns += 1) await settled();
  t.same(passes, [rarer], 'with no tick of its own');
  folding.tick(foldWaitMs);
  for (let turns = 0; turns < 30; turns += 1) await settled();
  t.same(passes, [rarer, 1 - rarer], 'and then the other');
});
