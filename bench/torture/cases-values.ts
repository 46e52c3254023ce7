// Bits in single values of a table, each found by its key, since most of a table is what nobody reads when a store opens. A table is made of
// the log by opening the dead host's store and closing it again.
import { chainId } from '../../engine/base/ids.ts';
import { baseKey, cellKey, identityKey, marksKey } from '../../engine/store/entries.ts';
import { recordKeys } from '../../engine/store/format.ts';
import { documentKeys } from '../../engine/store/snapshot-format.ts';
import { tallyKey } from '../../engine/store/tally.ts';
import { LevelStore } from '../../host/level-store.ts';
import { flipValue } from './damage.ts';
import type { Case, Fate, Must } from './judge.ts';
import type { Scene } from './scene.ts';

type Range = readonly [Uint8Array, Uint8Array];

const aside: readonly Fate[] = ['set aside'];
const chain = chainId(0);

/** The last value between two keys; undefined where there is none. Opening the store makes tables of its log. */
async function lastValue(storeDir: string, [from, to]: Range): Promise<Uint8Array | undefined> {
  const disk = await LevelStore.open(storeDir, false);
  try {
    let last: Uint8Array | undefined;
    for await (const page of disk.scan(from, to)) last = page.at(-1)?.value ?? last;
    return last;
  } finally {
    await disk.close();
  }
}

/** That of one key. */
export function storedValue(storeDir: string, key: Uint8Array): Promise<Uint8Array | undefined> {
  return lastValue(storeDir, only(key));
}

function only(key: Uint8Array): Range {
  return [key, Uint8Array.of(...key, 0)];
}

async function hurtValue({ store }: Scene, range: Range): Promise<string> {
  const found = await lastValue(store, range);
  if (found === undefined) throw new Error(`${store} has nothing of this kind`);
  return flipValue(store, found);
}

function value(name: string, rule: string, what: string, range: Range): Case {
  return {
    name: `value-${name}`,
    rule,
    what: `one bit in an .ldb, in ${what}`,
    must: 'by name',
    fates: aside,
    hurt: (scene) => scene.whileDown(() => hurtValue(scene, range)),
  };
}

/** Of documents there is something when all was folded. */
function document(name: string, what: string, range: Range, must: Must): Case {
  return {
    ...value(name, 'E11', what, range),
    must,
    hurt: async (scene) => {
      await scene.fold('one');
      await scene.moreLoad();
      return scene.whileDown(() => hurtValue(scene, range));
    },
  };
}

/** Of all chains: which of them was folded last is left to chance. */
const [snapshots, histories] = documentKeys(chain).map(
  ([from]): Range => [from, Uint8Array.of((from[0] ?? 0) + 1)],
) as [Range, Range];

export const valueCases: readonly Case[] = [
  value('record', 'E4', 'the newest record of a chain', recordKeys(chain)),
  value('marks', 'E4', 'what a chain has sealed and run', only(marksKey(chain))),
  value('cell', 'E4', 'a register', only(cellKey(chain))),
  value('tally', 'E4', 'the tally of all writes', only(tallyKey)),
  value('identity', 'E7', 'the identity', only(identityKey)),
  document('base', 'where a chain is folded', [baseKey(chain), Uint8Array.of((baseKey(chain)[0] ?? 0) + 1)], 'by name'),
  document('snapshot', 'the snapshot of a document', snapshots, 'by walk'),
  document('history', 'the history of a document', histories, 'by walk'),
];
