// P8: what a store costs that holds many documents, all at rest. Each is opened by fresh processes, as a host opens it, in the system's
// file cache: how long that takes, what it keeps in memory, and how soon a document is loaded that is not there.
import { type Context, type MeasureRow, median, percentile, row } from './measure.ts';
import type { Plot } from './plot.ts';
import { onStage } from './processes.ts';
import { layDocuments } from './store-lay.ts';
import type { Opened } from './store-open.ts';

const loads = 1_000;
const quickSizes = [1, 1_000, 10_000, 100_000];
const sizes = [...quickSizes, 1_000_000];
/** The first open goes through what LevelDB had not sorted yet; the median is of a store at rest. */
const opensPerStore = 3;

const opener = new URL('./store-open.js', import.meta.url);

type Found = {
  readonly documents: number;
  readonly opened: Opened;
  readonly firstMs: number;
  readonly loadMs: number;
  readonly loadP99Ms: number;
};

export async function measureStore({ isQuick, progress, plot }: Context): Promise<MeasureRow[]> {
  const all: Found[] = [];
  for (const documents of isQuick ? quickSizes : sizes) {
    const found = await measureDocuments(documents);
    all.push(found);
    const { opened, loadMs, loadP99Ms } = found;
    progress(
      `${documents} documents: opens in ${opened.openMs.toFixed(0)} ms, ${mib(opened.rssBytes).toFixed(1)} MiB held; ` +
        `a cold one is loaded in ${loadMs.toFixed(2)} ms, p99 ${loadP99Ms.toFixed(2)} ms`,
    );
  }
  plot(plotOf(all));
  return all.flatMap((found, index) => rowsOf(found, all[0] as Found, all[index - 1]));
}

function measureDocuments(documents: number): Promise<Found> {
  return onStage(async (stage) => {
    const folder = stage.folder();
    await layDocuments(folder, documents);
    const opens: Opened[] = [];
    for (let count = 0; count < opensPerStore; count += 1) {
      const child = stage.child(opener, ['--expose-gc']);
      opens.push((await child.ask('open', { folder })) as Opened);
      await child.stop();
    }
    const child = stage.child(opener, ['--expose-gc']);
    await child.ask('open', { folder });
    const chosen = Array.from({ length: loads }, (_, index) => Math.floor((documents * index) / loads));
    const latenciesMs = Float64Array.from((await child.ask('load', { documents: chosen })) as number[]).sort();
    await child.stop();
    const of = (name: keyof Opened): number => median(opens.map((opened) => opened[name]));
    return {
      documents,
      opened: { openMs: of('openMs'), heapBytes: of('heapBytes'), rssBytes: of('rssBytes') },
      firstMs: opens[0]?.openMs ?? Number.NaN,
      loadMs: percentile(latenciesMs, 0.5),
      loadP99Ms: percentile(latenciesMs, 0.99),
    };
  });
}

/** `empty` is the smallest store, `before` the one before this, with a tenth of its documents. */
function rowsOf(found: Found, empty: Found, before: Found | undefined): MeasureRow[] {
  const { documents, opened, firstMs, loadMs, loadP99Ms } = found;
  const name = documents.toLocaleString('en-US');
  const isMain = documents === sizes.at(-1);
  const id = `P8.${documents}`;
  const perDocument = (of: 'heapBytes' | 'rssBytes') => Math.max(0, opened[of] - empty.opened[of]) / documents;
  return [
    row({
      id: isMain ? 'P8' : id,
      what: `open and verify a store of ${name} documents; beside one of fewer`,
      value: opened.openMs,
      unit: 'ms',
      ...(before === undefined ? {} : { of: before.opened.openMs }),
    }),
    row({ id: `${id}.first`, what: 'the same, the first time after it was written', value: firstMs, unit: 'ms' }),
    row({
      id: `${id}.memory`,
      what: `heap of a cold document, of ${name}`,
      value: perDocument('heapBytes'),
      unit: 'B',
      ...(documents < enoughForGoal ? {} : { goal: '<= 8' }),
    }),
    row({
      id: `${id}.rss`,
      what: 'the same, of memory that the process holds',
      value: perDocument('rssBytes'),
      unit: 'B',
    }),
    row({
      id: `${id}.load`,
      what: `load of a cold document of ${name}, p50`,
      value: loadMs,
      unit: 'ms',
      goal: '<= 5',
    }),
    row({ id: `${id}.load.p99`, what: 'the same, p99', value: loadP99Ms, unit: 'ms', goal: '<= 5' }),
  ];
}

/** Among fewer documents than this the heap of two processes differs by more than they could cost. */
const enoughForGoal = 100_000;

function plotOf(all: readonly Found[]): Plot {
  const points = (of: (found: Found) => number) => all.map((found) => [found.documents, of(found)] as const);
  const x = 'documents in the store';
  return {
    id: 'P8',
    title: 'P8: a store of documents at rest, files in the system’s cache',
    panels: [
      {
        title: 'Open and verify',
        x,
        y: 'time, ms',
        series: [
          { name: 'median of 3', points: points(({ opened }) => opened.openMs) },
          { name: 'the first, after writing', points: points(({ firstMs }) => firstMs) },
        ],
      },
      {
        title: 'Memory of a process with the store open',
        x,
        y: 'memory, MiB',
        series: [
          { name: 'held by the process', points: points(({ opened }) => mib(opened.rssBytes)) },
          { name: 'heap in use', points: points(({ opened }) => mib(opened.heapBytes)) },
        ],
      },
      {
        title: 'Load of a cold document',
        x,
        y: 'time, ms',
        series: [
          { name: 'p50', points: points(({ loadMs }) => loadMs) },
          { name: 'p99', points: points(({ loadP99Ms }) => loadP99Ms) },
        ],
        goals: { p99: 5 },
      },
    ],
  };
}

function mib(bytes: number): number {
  return bytes / 2 ** 20;
}
