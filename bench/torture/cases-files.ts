// LevelDB's files, hurt while the host is dead: bits, ends, and files that are gone.
import { join } from 'node:path';
import { flipAt, flipIndex, newestFile, oldestTable, type Place, remove, truncate } from './damage.ts';
import type { Case, Fate, Must } from './judge.ts';
import type { Scene } from './scene.ts';

const aside: readonly Fate[] = ['set aside'];
const quietTriesMax = 5;

/**
 * The last write is a durable one, and the watermark knows of it: where something was written just before the host died, it is started and
 * killed again. What is lost of the last `watermarkMs` nobody can know (E10), and here something has to be found.
 */
function quietly(name: string, rule: string, what: string, hurt: (scene: Scene) => string): Case {
  return {
    name,
    rule,
    what,
    must: 'by name',
    fates: aside,
    hurt: async (scene) => {
      for (let tries = 1; ; tries += 1) {
        await scene.quiet();
        await scene.down();
        if (scene.isLevel || tries === quietTriesMax) break;
        scene.up();
        await scene.untilServing();
        await scene.moreLoad();
      }
      try {
        return hurt(scene);
      } finally {
        scene.up();
      }
    },
  };
}

function logBit(place: Place): Case {
  return quietly(`log-bit-${place}`, 'E4', `one bit at the ${place} of the write-ahead log`, ({ store }) =>
    flipAt(newestFile(store, 'log'), place),
  );
}

/** Of the table that the last start made of the log before it. */
function tableBit(place: Place, must: Must, fates: readonly Fate[]): Case {
  return {
    name: `ldb-bit-${place}`,
    rule: 'E11',
    what: `one bit at the ${place} of the newest .ldb`,
    must,
    fates,
    hurt: async (scene) => {
      await restart(scene);
      return scene.whileDown(() => flipAt(newestFile(scene.store, 'ldb'), place));
    },
  };
}

/** A start makes a table of what lay in the log. */
export async function restart(scene: Scene): Promise<void> {
  await scene.down();
  scene.up();
  await scene.untilServing();
}

function tables(name: string, rule: string, what: string, hurt: (store: string) => string): Case {
  return {
    name,
    rule,
    what,
    must: 'by name',
    fates: aside,
    hurt: async (scene) => {
      await restart(scene);
      return scene.whileDown(() => hurt(scene.store));
    },
  };
}

const either: readonly Fate[] = ['set aside', 'believed'];

export const fileCases: readonly Case[] = [
  logBit('beginning'),
  logBit('middle'),
  logBit('end'),
  quietly('log-cut-half', 'E5', 'the write-ahead log cut to half', ({ store }) =>
    truncate(newestFile(store, 'log'), 0.5),
  ),
  quietly('log-cut-byte', 'E5', 'the last byte of the write-ahead log cut off', ({ store }) =>
    truncate(newestFile(store, 'log'), -1),
  ),
  quietly('log-gone', 'E5', 'the write-ahead log removed', ({ store }) => remove(newestFile(store, 'log'))),
  tableBit('beginning', 'maybe', either),
  tableBit('middle', 'maybe', either),
  tables('ldb-bit-index', 'E4', 'one bit in the index of the newest .ldb', (store) =>
    flipIndex(newestFile(store, 'ldb')),
  ),
  tableBit('end', 'by name', aside),
  {
    name: 'ldb-bit-oldest',
    rule: 'E11',
    what: 'one bit in the middle of the oldest .ldb',
    must: 'maybe',
    fates: either,
    hurt: async (scene) => {
      await restart(scene);
      return scene.whileDown(() => flipAt(oldestTable(scene.store), 'middle'));
    },
  },
  tables('ldb-cut-half', 'E4', 'the newest .ldb cut to half', (store) => truncate(newestFile(store, 'ldb'), 0.5)),
  tables('ldb-gone', 'E6', 'the newest .ldb removed', (store) => remove(newestFile(store, 'ldb'))),
  tables('manifest-bit', 'E4', 'one bit in the middle of MANIFEST', (store) =>
    flipAt(newestFile(store, 'manifest'), 'middle'),
  ),
  tables('manifest-cut', 'E5', 'MANIFEST cut to half', (store) => truncate(newestFile(store, 'manifest'), 0.5)),
  tables('manifest-gone', 'E6', 'MANIFEST removed', (store) => remove(newestFile(store, 'manifest'))),
  tables('current-gone', 'E6', 'CURRENT removed', (store) => remove(join(store, 'CURRENT'))),
];
