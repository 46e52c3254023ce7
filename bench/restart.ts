// P8.restart: how long a host takes from the start of its process until it serves, with many updates that nobody has folded: it opens its
// store, walks and verifies the log, and indexes it; then the chain begins. A real host, alone in its cluster, each time over a copy of the same
// store: from its start on it folds.
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { hostId } from '../engine/base/ids.ts';
import { readFolder, storeDir } from '../host/folder.ts';
import { startHosts } from './chain.ts';
import type { Started } from './chain-host.ts';
import type { StoreState } from './host-probe.ts';
import { type Context, type MeasureRow, median, row } from './measure.ts';
import type { Panel } from './plot.ts';
import { onStage, type Stage } from './processes.ts';
import { layLog } from './store-lay.ts';

const updatesMain = 1_000_000;
const documentsMain = 1_000;
const updateCounts = [100_000, 300_000, updatesMain];
const documentCounts = [1, documentsMain, 100_000];
const goalsMs: Readonly<Record<number, number>> = { 1: 10_000, 64: 3_000 };
const perBatches = [1, 64];
/** A quick run has a tenth of the updates, and no goals. */
const quickShare = 1 / 10;
const startsPerStore = 3;
const host = hostId('h1');

type Found = {
  readonly perBatch: number;
  readonly updates: number;
  readonly documents: number;
  readonly openMs: number;
  readonly servingMs: number;
};

export async function measureRestart({ isQuick, progress, plot }: Context): Promise<MeasureRow[]> {
  const share = isQuick ? quickShare : 1;
  const most = updatesMain * share;
  const all: Found[] = [];
  for (const perBatch of perBatches) {
    const stores = [
      ...updateCounts.map((updates) => ({ updates: updates * share, documents: documentsMain })),
      ...documentCounts
        .filter((documents) => documents !== documentsMain)
        .map((documents) => ({ updates: most, documents })),
    ];
    for (const { updates, documents } of stores) {
      const found = await measureStarts(perBatch, updates, documents);
      all.push(found);
      progress(
        `${updates} updates in batches of ${perBatch}, of ${documents} documents: ` +
          `store open after ${found.openMs.toFixed(0)} ms, serving after ${found.servingMs.toFixed(0)} ms`,
      );
    }
  }
  plot({
    id: 'P8.restart',
    title: 'P8.restart: a host starts over a log that nobody has folded',
    panels: panelsOf(all, most, !isQuick),
  });
  return [
    ...all.map((found) => rowOf(found, isQuick)),
    ...perBatches.flatMap((perBatch) => slopesOf(all, perBatch, most)),
  ];
}

/** The median of some starts of equal stores. */
function measureStarts(perBatch: number, updates: number, documents: number): Promise<Found> {
  return onStage(async (stage) => {
    const dir = await beginCluster(stage);
    const { cluster } = (await readFolder(dir)).cluster;
    await layLog({ folder: storeDir(dir, host), who: { host, cluster }, updates, perBatch, documents });
    const starts: Started[] = [];
    for (let count = 0; count < startsPerStore; count += 1) starts.push(await startCopy(dir, updates / perBatch));
    const openMs = median(starts.map((start) => start.openMs));
    const servingMs = median(starts.map((start) => start.servingMs));
    return { perBatch, updates, documents, openMs, servingMs };
  });
}

/** A cluster of one host, whose chain has begun: the folder, with nobody in it. */
async function beginCluster(stage: Stage): Promise<string> {
  const { dir, head } = await startHosts(stage, { chains: 1, hosts: 1 });
  await head.stop();
  return dir;
}

/** `records`: how many it must have found at least, or it did not start from this log. */
function startCopy(dir: string, records: number): Promise<Started> {
  return onStage(async (stage) => {
    const copy = join(stage.folder(), 'cluster');
    cpSync(dir, copy, { recursive: true });
    const child = stage.child(new URL('./chain-host.js', import.meta.url));
    await child.ask('start', { dir: copy, id: host, isProbed: true });
    const started = (await child.ask('started', undefined)) as Started;
    const { durable } = (await child.ask('state', undefined)) as StoreState;
    if (durable < records) throw new Error(`a log of ${records} records became one of ${durable}`);
    return started;
  });
}

function rowOf({ perBatch, updates, documents, openMs, servingMs }: Found, isQuick: boolean): MeasureRow {
  const isMain = !isQuick && perBatch === 1 && updates === updatesMain && documents === documentsMain;
  const goalMs = updates === updatesMain ? goalsMs[perBatch] : undefined;
  return row({
    id: isMain ? 'P8.restart' : `P8.restart.${perBatch}.${updates}.${documents}`,
    what:
      `serving, with ${updates.toLocaleString('en-US')} unfolded updates in batches of ${perBatch}, ` +
      `of ${documents.toLocaleString('en-US')} documents (${openMs.toFixed(0)} ms of it the store)`,
    value: servingMs,
    unit: 'ms',
    ...(goalMs === undefined ? {} : { goal: `<= ${goalMs}` }),
  });
}

/** What an update more costs, and what it costs that they fall to many documents. */
function slopesOf(all: readonly Found[], perBatch: number, updatesMost: number): MeasureRow[] {
  const ours = all.filter((found) => found.perBatch === perBatch);
  const byUpdates = ours.filter(({ documents }) => documents === documentsMain).sort((a, b) => a.updates - b.updates);
  const byDocuments = ours.filter(({ updates }) => updates === updatesMost).sort((a, b) => a.documents - b.documents);
  const [least, most] = [byUpdates[0], byUpdates.at(-1)];
  const [few, many] = [byDocuments[0], byDocuments.at(-1)];
  if (least === undefined || most === undefined || few === undefined || many === undefined) return [];
  return [
    row({
      id: `P8.restart.${perBatch}.perUpdate`,
      what: `what an unfolded update adds to a start, in batches of ${perBatch}`,
      value: ((most.servingMs - least.servingMs) * 1000) / (most.updates - least.updates),
      unit: 'us',
    }),
    row({
      id: `P8.restart.${perBatch}.documents`,
      what: `serving, of ${many.documents.toLocaleString('en-US')} documents beside one, in batches of ${perBatch}`,
      value: many.servingMs,
      unit: 'ms',
      of: few.servingMs,
    }),
  ];
}

function panelsOf(all: readonly Found[], updatesMost: number, hasGoals: boolean): Panel[] {
  const nameOf = (perBatch: number): string => `batches of ${perBatch}`;
  const seriesOf = (x: 'updates' | 'documents', isIn: (found: Found) => boolean) =>
    perBatches.map((perBatch) => {
      const points = all.filter((found) => found.perBatch === perBatch && isIn(found));
      points.sort((a, b) => a[x] - b[x]);
      return { name: nameOf(perBatch), points: points.map((found) => [found[x], found.servingMs] as const) };
    });
  const goals = hasGoals
    ? { goals: Object.fromEntries(perBatches.map((perBatch) => [nameOf(perBatch), goalsMs[perBatch] ?? 0])) }
    : {};
  const y = 'time until it serves, ms';
  return [
    {
      title: `Updates of ${documentsMain.toLocaleString('en-US')} documents`,
      x: 'updates that are not folded',
      y,
      series: seriesOf('updates', ({ documents }) => documents === documentsMain),
      ...goals,
    },
    {
      title: `${updatesMost.toLocaleString('en-US')} updates of so many documents`,
      x: 'documents',
      y,
      series: seriesOf('documents', ({ updates }) => updates === updatesMost),
      ...goals,
    },
  ];
}
