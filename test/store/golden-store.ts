// Lays a small store as the code of today writes it: how the fixtures of test/golden/stores were made, one for each version of the format.
//
//   node dist/test/store/golden-store.js FOLDER
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Lsn } from '../../engine/base/ids.ts';
import { chainId, epoch } from '../../engine/base/ids.ts';
import { foldChain, trimLog } from '../../engine/store/folding.ts';
import { Store } from '../../engine/store/store.ts';
import { LevelStore } from '../../host/level-store.ts';
import { endOf, history } from '../chain/one.ts';

export const goldenChains = [chainId(0), chainId(1)];
export const goldenIdentity = { storeId: '0f'.repeat(16), host: 'h1', cluster: 'golden' };
/** Chain 0: folded through record 6, trimmed through 4. Chain 1: never folded. */
export const goldenLog = history(8);
export const goldenFolded = 6;
export const goldenFloor = 4;
export const goldenHistory = 3;
export const goldenMarks = { sealed: epoch(2), ran: epoch(1), logEpoch: epoch(1), nonce: 'h1.b0.7' };
export const goldenCell = { register: 0, bytes: Buffer.from('what a voter keeps') };

export async function layGoldenStore(folder: string): Promise<void> {
  const store = await Store.open(await LevelStore.open(folder), goldenChains, goldenIdentity);
  const [zero, one] = goldenChains as [(typeof goldenChains)[0], (typeof goldenChains)[0]];
  const synced = new Promise<void>((resolve, reject) => store.listen({ onSynced: () => resolve(), onFailed: reject }));
  store.append(zero, goldenLog, goldenMarks);
  store.append(one, [], goldenMarks);
  store.keep(1, [goldenCell]);
  store.flush();
  await synced;
  await foldChain(store, zero, {
    committed: goldenFolded as Lsn,
    history: goldenHistory,
    fold: async (tasks) =>
      tasks.map(({ state, sections }) => {
        return { state: Buffer.concat([state ?? Buffer.alloc(0), ...sections]), deleted: undefined };
      }),
    pace: async () => {},
    isStopped: () => false,
  });
  await trimLog(store, zero, endOf(goldenLog.slice(0, goldenFloor)));
  await store.close();
  for (const name of ['LOCK', 'LOG', 'LOG.old']) await rm(join(folder, name), { force: true });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await layGoldenStore(process.argv[2] ?? '');
