// P8: what a store costs that holds many documents, and how long a start takes that has many updates to go through. Each store is
// opened by a fresh process.
import { type Context, type MeasureRow, percentile, row } from './measure.ts';
import { onStage } from './processes.ts';
import { layDocuments, layLog } from './store-lay.ts';
import type { Opened } from './store-open.ts';

const loads = 200;
const quickSizes = [1, 10_000, 100_000];
const sizes = [1, 10_000, 100_000, 1_000_000];
const restartUpdates = 1_000_000;
const restartGoalsMs: Readonly<Record<number, number>> = { 1: 10_000, 64: 3_000 };
/** Files that the system still has in memory are read faster than a disk: each store is opened once to begin with. */
const opensPerStore = 3;

const opener = new URL('./store-open.js', import.meta.url);

type Found = { readonly opened: Opened; readonly loadMs: number; readonly loadP99Ms: number };

export async function measureStore({ isQuick, progress }: Context): Promise<MeasureRow[]> {
  const rows: MeasureRow[] = [];
  let empty: Found | undefined;
  for (const documents of isQuick ? quickSizes : sizes) {
    const found = await measureDocuments(documents);
    empty ??= found;
    rows.push(...rowsOf(documents, found, empty));
    progress(
      `${documents} documents: opens in ${found.opened.openMs.toFixed(0)} ms, a cold one is loaded in ${found.loadMs.toFixed(2)} ms`,
    );
  }
  const updates = isQuick ? restartUpdates / 10 : restartUpdates;
  for (const perBatch of [1, 64]) {
    for (const documents of [1_000, updates]) {
      const { openMs } = await measureRestart(updates, perBatch, documents);
      progress(
        `${updates} updates in batches of ${perBatch}, ${documents} documents: opens in ${openMs.toFixed(0)} ms`,
      );
      rows.push(
        row({
          id: `P8.restart.${perBatch}.${documents}`,
          what: `open with ${updates} unfolded updates in batches of ${perBatch}, of ${documents} documents`,
          value: openMs,
          unit: 'ms',
          ...(isQuick ? {} : { goal: `<= ${restartGoalsMs[perBatch]}` }),
        }),
      );
    }
  }
  return rows;
}

function measureDocuments(documents: number): Promise<Found> {
  return onStage(async (stage) => {
    const folder = stage.folder();
    await layDocuments(folder, documents);
    const opened = await openRepeatedly(folder);
    const child = stage.child(opener, ['--expose-gc']);
    await child.ask('open', { folder });
    const chosen = Array.from({ length: loads }, (_, index) => Math.floor((documents * index) / loads));
    const latenciesMs = (await child.ask('load', { documents: chosen })) as number[];
    const sorted = latenciesMs.sort((a, b) => a - b);
    await child.stop();
    return { opened, loadMs: percentile(sorted, 0.5), loadP99Ms: percentile(sorted, 0.99) };
  });
}

function measureRestart(updates: number, perBatch: number, documents: number): Promise<Opened> {
  return onStage(async (stage) => {
    const folder = stage.folder();
    await layLog(folder, updates, perBatch, documents);
    return openRepeatedly(folder);
  });
}

/** The median of some, each in a process of its own. */
async function openRepeatedly(folder: string): Promise<Opened> {
  const all: Opened[] = [];
  for (let count = 0; count < opensPerStore; count += 1) {
    all.push(
      await onStage(async (stage) => {
        const child = stage.child(opener, ['--expose-gc']);
        const opened = (await child.ask('open', { folder })) as Opened;
        await child.stop();
        return opened;
      }),
    );
  }
  return all.sort((a, b) => a.openMs - b.openMs)[opensPerStore >> 1] as Opened;
}

function rowsOf(documents: number, found: Found, empty: Found): MeasureRow[] {
  const { opened, loadMs, loadP99Ms } = found;
  const name = documents.toLocaleString('en-US');
  const perDocument = Math.max(0, opened.memoryBytes - empty.opened.memoryBytes) / documents;
  const isMain = documents === sizes.at(-1);
  return [
    row({
      id: isMain ? 'P8' : `P8.${documents}`,
      what: `open a store of ${name} documents`,
      value: opened.openMs,
      unit: 'ms',
    }),
    row({
      id: `P8.${documents}.memory`,
      what: `memory of a cold document, of ${name}`,
      value: perDocument,
      unit: 'B',
      goal: '<= 8',
    }),
    row({
      id: `P8.${documents}.load`,
      what: `load of a cold document of ${name}, p50`,
      value: loadMs,
      unit: 'ms',
      goal: '<= 5',
    }),
    row({ id: `P8.${documents}.load.p99`, what: 'the same, p99', value: loadP99Ms, unit: 'ms' }),
  ];
}
