// A child process: one host of levelten as it always runs, over its own store and links. Where it heads a chain, a load
// generator takes the place of documents, so that no client and no handler is in the figure: as in the bare chain.
import { pino } from 'pino';
import type { ChainId } from '../engine/base/ids.ts';
import { chainId, hostId } from '../engine/base/ids.ts';
import type { App } from '../engine/document/define.ts';
import { app } from '../engine/document/define.ts';
import { composeHost } from '../host/compose.ts';
import { readFolder } from '../host/folder.ts';
import { closedLoop, documentsOf, Load, type LoadDocument, type LoadEnd, openLoop } from './chain-load.ts';
import { type DiskCounts, HostProbe, type StoreState } from './host-probe.ts';
import type { Point } from './measure.ts';
import { answerParent } from './processes.ts';

export type ChainHostOptions = {
  readonly dir: string;
  readonly id: string;
  /** With a probe, which the answers about disk and folding need. */
  readonly isProbed?: boolean;
};
/** How long it took to open the store, with its log verified and indexed; and from the start of the process until it headed its first chain. */
export type Started = { readonly openMs: number; readonly servingMs: number };
/** What was submitted here since the process began. */
export type Loaded = { readonly updates: number; readonly updateBytes: number };

/** `concurrency` documents: each with one update in flight, or all of them together at a rate. */
export type KeptLoad =
  | { readonly concurrency: number; readonly end: LoadEnd }
  | { readonly concurrency: number; readonly end: { readonly seconds: number }; readonly perSecond: number };

type FoldOptions = { readonly history: number };

const noApp: App = app({ spaces: {} });
const first = chainId(0);
const passesAtOnce = 4;
const loads = new Map<ChainId, Load>();
const probe = new HostProbe();
/** Those that `measure` is to use again, by their number. */
const kept = new Map<number, LoadDocument[]>();
let runs = 0;
let openMs = 0;
let onServing: (servingMs: number) => void = () => {};
const serving = new Promise<number>((resolve) => {
  onServing = resolve;
});

answerParent({
  start: async ({ dir, id, isProbed = false }: ChainHostOptions) => {
    if (isProbed) probe.install();
    const folder = await readFolder(dir);
    const startMs = performance.now();
    const host = await composeHost({
      folder,
      id: hostId(id),
      app: noApp,
      appHash: folder.cluster.appHash,
      log: pino({ level: 'error' }),
      fatal: (cause) => {
        throw cause;
      },
      serve: (chain, wake) => {
        const load = new Load(wake);
        loads.set(chain, load);
        onServing(performance.now());
        return load;
      },
    });
    openMs = performance.now() - startMs;
    process.once('SIGTERM', () => void host.close().then(() => process.exit(0)));
  },
  heads: async () => loads.size,
  started: async (): Promise<Started> => ({ openMs, servingMs: await serving }),
  measure: ({ concurrency, end }: { concurrency: number; end: LoadEnd }): Promise<Point> => {
    runs += 1;
    return closedLoop([...loads.values()], documentsOf(`r${runs}`, concurrency), end);
  },
  /** The same documents with every call, as they are where folding has seen them before. */
  measureKept: (options: KeptLoad): Promise<Point> => {
    const { concurrency, end } = options;
    const documents = kept.get(concurrency) ?? documentsOf(`n${concurrency}`, concurrency);
    kept.set(concurrency, documents);
    const load = loads.get(first) as Load;
    if (!('perSecond' in options)) return closedLoop([load], documents, end);
    return openLoop(load, documents, { perSecond: options.perSecond, seconds: options.end.seconds });
  },
  loaded: async (): Promise<Loaded> => {
    const sum = (of: 'updates' | 'updateBytes') => [...loads.values()].reduce((all, load) => all + load[of], 0);
    return { updates: sum('updates'), updateBytes: sum('updateBytes') };
  },
  counts: async (): Promise<DiskCounts> => probe.counts,
  state: async (): Promise<StoreState> => probe.stateOf(first),
  holdFolding: () => probe.hold(first),
  /** Some passes: one answer must not take for ever. */
  fold: ({ history }: FoldOptions) => probe.fold(first, history, passesAtOnce),
  /** The same, at no time yet, without an answer when it is done. */
  beginFolding: async ({ history }: FoldOptions): Promise<void> => {
    await probe.setShare(0);
    void probe.fold(first, history);
  },
  shareFolding: ({ share }: { share: number }) => probe.setShare(share),
});
