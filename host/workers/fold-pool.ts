// The thread that folds, so that the loop which answers clients never does.
import { fileURLToPath } from 'node:url';
import { Piscina } from 'piscina';
import type { Fold, FoldTask } from '../../engine/store/folding.ts';

export type FoldPool = { readonly fold: Fold; readonly close: () => Promise<void> };

/** How long the thread waits for more: a pass has many slices, and a start costs some tens of milliseconds. */
const idleMs = 10_000;

/** What clients wait for comes first on a machine with few cores. */
const niceIncrement = 10;

/** One thread, begun when there is something to fold. */
export function makeFoldPool(): FoldPool {
  const pool = new Piscina({
    filename: fileURLToPath(new URL('fold-worker.js', import.meta.url)),
    minThreads: 0,
    maxThreads: 1,
    maxQueue: 4,
    idleTimeout: idleMs,
    niceIncrement,
  });
  return {
    fold: async (tasks) => {
      const packed = tasks.map(pack);
      const transferList = packed.flatMap(({ state, sections }) => {
        return [state, ...sections].flatMap((bytes) => (bytes === undefined ? [] : [bytes.buffer as ArrayBuffer]));
      });
      return await pool.run(packed, { transferList });
    },
    close: () => pool.destroy(),
  };
}

/** In memory of its own, to be handed over: what it came from are parts of whole records. */
function pack({ state, sections }: FoldTask): FoldTask {
  const bytes = new Uint8Array(sections.reduce((sum, section) => sum + section.length, 0));
  let at = 0;
  for (const section of sections) {
    bytes.set(section, at);
    at += section.length;
  }
  return { state: state === undefined ? undefined : new Uint8Array(state), sections: [bytes] };
}
