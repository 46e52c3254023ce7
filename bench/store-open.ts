// A child process: opens a store as a host does, and says what that took. Nothing else is in its memory.
import { readFileSync } from 'node:fs';
import type { ChainId } from '../engine/base/ids.ts';
import { chainId, hostId } from '../engine/base/ids.ts';
import { createResident, replaySection, restoreResident } from '../engine/document/document.ts';
import type { DocumentIndex } from '../engine/store/document-index.ts';
import { createIndex, indexVisited } from '../engine/store/document-index.ts';
import { readDocument } from '../engine/store/documents.ts';
import { Store } from '../engine/store/store.ts';
import { LevelStore } from '../host/level-store.ts';
import { answerParent } from './processes.ts';
import { benchDefinition, type Laid, nameOf } from './store-lay.ts';

/** `heapBytes` and `rssBytes`: the heap of the process, and all memory that it holds, once the store is open. */
export type Opened = { readonly openMs: number; readonly heapBytes: number; readonly rssBytes: number };

const chain = chainId(0);
const isLinux = process.platform === 'linux';
let opened: { readonly store: Store; readonly index: DocumentIndex } | undefined;

answerParent({
  open: async ({ folder }: Laid): Promise<Opened> => {
    const startMs = performance.now();
    const indexes = new Map<ChainId, DocumentIndex>();
    const fresh = { storeId: 'bench', host: hostId('h1'), cluster: 'bench' };
    const disk = await LevelStore.open(folder);
    const store = await Store.open(disk, [chain], fresh, (record) => indexVisited(indexes, record));
    const openMs = performance.now() - startMs;
    opened = { store, index: indexes.get(chain) ?? createIndex(store.base(chain).folded) };
    return { openMs, ...memory() };
  },
  /** How long each of these took from the disk into memory, ready to be opened by a viewer. */
  load: async ({ documents }: { documents: readonly number[] }): Promise<number[]> => {
    if (opened === undefined) throw new Error('open it first');
    const { store, index } = opened;
    const latenciesMs: number[] = [];
    for (const number of documents) {
      const name = nameOf(number);
      const startMs = performance.now();
      const { snapshot, sections } = await readDocument(store, chain, index, name);
      const resident =
        snapshot === undefined
          ? createResident(benchDefinition, name)
          : restoreResident(benchDefinition, name, snapshot.state);
      for (const section of sections) replaySection(resident, section);
      latenciesMs.push(performance.now() - startMs);
      if (resident.seq === 0) throw new Error(`${name} is not there`);
    }
    return latenciesMs;
  },
});

/** What stays after what can go has gone. Pages of files that are mapped for LevelDB do not count: the system takes them back at will. */
function memory(): { readonly heapBytes: number; readonly rssBytes: number } {
  globalThis.gc?.();
  const { heapUsed, external, rss } = process.memoryUsage();
  const own = isLinux ? /^RssAnon:\s+(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] : undefined;
  return { heapBytes: heapUsed + external, rssBytes: own === undefined ? rss : Number(own) * 1024 };
}
