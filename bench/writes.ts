// W1: what an update costs in bytes and syncs, on each disk of a chain of three hosts, by how many updates a batch gathers: as made, as
// recorded, as handed to LevelDB, as written by the process, and at rest when all of it is folded and trimmed. Figures are of one host, the
// mean of three. Folding is held under the load and then done at once, so that its share can be told; passes are as ever.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Level } from 'level';
import { batchesInFlightMax, historyUpdates } from '../engine/base/limits.ts';
import { storeDir } from '../host/folder.ts';
import { type ChainHosts, startHosts } from './chain.ts';
import type { KeptLoad, Loaded } from './chain-host.ts';
import type { DiskCounts, StoreState } from './host-probe.ts';
import { type Context, type MeasureRow, row } from './measure.ts';
import { type Child, onStage } from './processes.ts';

/** Enough for LevelDB to sort its files more than once where batches are large. */
const loads = [
  { clients: 1, updates: 5_000 },
  { clients: 64, updates: 200_000 },
  { clients: 512, updates: 400_000 },
];
const quickShare = 1 / 20;
const clientsMain = 64;
/** Each document gets one update between two passes: the most that folding can cost. */
const slow = { documents: 64, passes: 48 };
const foldMsMax = 120_000;
/** LevelDB sorts behind: it is done when nothing was written for so long. */
const quietMs = 1_000;
const quietMsMax = 30_000;
const pollMs = 50;

/** Of one host, since it was started: what it handed to LevelDB, and bytes that its process had written to the disk. */
type Sample = DiskCounts & { readonly written: number };

/** What `level` is in Node, and does not say in its types. */
type Compactable = { compactRange(from: Buffer, to: Buffer): Promise<void> };

type Found = {
  readonly updates: number;
  readonly updateBytes: number;
  /** Of the load alone, and of folding and trimming what it left. */
  readonly load: Sample;
  readonly fold: Sample;
  /** Files of the store: as the host left them, and after LevelDB was told to sort everything. */
  readonly restBytes: number;
  readonly compactBytes: number;
};

export async function measureWrites({ isQuick, progress }: Context): Promise<MeasureRow[]> {
  const rows: MeasureRow[] = [];
  for (const { clients, updates } of loads) {
    const found = await measureLoad(clients, Math.round(updates * (isQuick ? quickShare : 1)));
    rows.push(...rowsOf(clients, found));
    const [load, all] = [found.load.written, found.load.written + found.fold.written].map(
      (bytes) => bytes / found.updateBytes,
    );
    progress(
      `${clients} clients: ${load?.toFixed(2)} bytes written for each of an update, ${all?.toFixed(2)} when folded`,
    );
  }
  const passes = isQuick ? slow.passes / 6 : slow.passes;
  rows.push(...(await measureSlow(passes)));
  progress(
    `${passes} passes, an update of each document in each: ${rows.at(-1)?.ratio?.toFixed(2)} bytes written for each of an update`,
  );
  return rows;
}

function measureLoad(clients: number, updates: number): Promise<Found> {
  return onStage(async (stage) => {
    const chain = await startHosts(stage, { chains: 1, isProbed: true });
    const hosts = [...chain.children.values()];
    await ofEach(hosts, (host) => host.ask('holdFolding', undefined));
    const begun = await ofEach(hosts, sampleOf);
    await chain.head.ask('measure', { concurrency: clients, end: { updates } });
    const loaded = await ofEach(hosts, sampleOf);
    await ofEach(hosts, foldWhole);
    await ofEach(hosts, untilQuiet);
    const folded = await ofEach(hosts, sampleOf);
    const sent = (await chain.head.ask('loaded', undefined)) as Loaded;
    await ofEach(hosts, (host) => host.stop());
    const sizes = await sizesOf(chain);
    return {
      ...sent,
      load: mean(loaded.map((sample, index) => difference(sample, begun[index] as Sample))),
      fold: mean(folded.map((sample, index) => difference(sample, loaded[index] as Sample))),
      ...sizes,
    };
  });
}

function measureSlow(passes: number): Promise<MeasureRow[]> {
  return onStage(async (stage) => {
    const chain = await startHosts(stage, { chains: 1, isProbed: true });
    const hosts = [...chain.children.values()];
    await ofEach(hosts, (host) => host.ask('holdFolding', undefined));
    const begun = await ofEach(hosts, sampleOf);
    for (let pass = 0; pass < passes; pass += 1) {
      const load: KeptLoad = { concurrency: slow.documents, end: { updates: slow.documents } };
      await chain.head.ask('measureKept', load);
      await ofEach(hosts, foldWhole);
    }
    const ended = await ofEach(hosts, sampleOf);
    const { updates, updateBytes } = (await chain.head.ask('loaded', undefined)) as Loaded;
    const sample = mean(ended.map((one, index) => difference(one, begun[index] as Sample)));
    const of = updateBytes / updates;
    const what = `where each document gets one update a pass, ${passes} passes`;
    const unit = 'B/update';
    return [
      row({
        id: 'W1.slow.documents',
        what: `documents handed to LevelDB, ${what}`,
        value: sample.documentBytes / updates,
        unit,
        of,
      }),
      row({ id: 'W1.slow', what: `written to each disk, ${what}`, value: sample.written / updates, unit, of }),
    ].filter(({ value }) => Number.isFinite(value));
  });
}

function ofEach<T>(hosts: readonly Child[], of: (host: Child) => Promise<T>): Promise<T[]> {
  return Promise.all(hosts.map(of));
}

async function sampleOf(host: Child): Promise<Sample> {
  return { ...((await host.ask('counts', undefined)) as DiskCounts), written: bytesWrittenBy(host) };
}

/**
 * What the system counts as caused by this process to be written to a disk: whole pages of files, without the
 * file system's journal. Not a number where nothing counts it. */
function bytesWrittenBy({ pid }: Child): number {
  try {
    return Number(/^write_bytes: (\d+)$/m.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))?.[1]);
  } catch {
    return Number.NaN;
  }
}

/** Until this host's log is folded and gone, but for its end: members hear that a batch is committed with the next one. */
async function foldWhole(host: Child): Promise<void> {
  const endMs = performance.now() + foldMsMax;
  for (;;) {
    await host.ask('fold', { history: historyUpdates });
    const { durable, folded, floor } = (await host.ask('state', undefined)) as StoreState;
    if (floor === folded && durable - folded <= batchesInFlightMax) return;
    if (performance.now() > endMs)
      throw new Error(`a host folded through ${folded} of ${durable}, its log begins at ${floor}`);
    await sleep(pollMs);
  }
}

async function untilQuiet(host: Child): Promise<void> {
  const endMs = performance.now() + quietMsMax;
  let [written, sinceMs] = [bytesWrittenBy(host), performance.now()];
  while (performance.now() - sinceMs < quietMs && performance.now() < endMs) {
    await sleep(pollMs);
    const now = bytesWrittenBy(host);
    // A heartbeat of the cluster may write some pages at any time; sorting writes much more.
    if (now - written > 256 * 1024) [written, sinceMs] = [now, performance.now()];
  }
}

async function sizesOf({ dir, children }: ChainHosts): Promise<Pick<Found, 'restBytes' | 'compactBytes'>> {
  const folders = [...children.keys()].map((id) => storeDir(dir, id));
  const restBytes = meanOf(folders.map(bytesIn));
  for (const folder of folders) {
    const database = new Level<Buffer, Buffer>(folder, {
      keyEncoding: 'buffer',
      valueEncoding: 'buffer',
      compression: false,
    });
    await database.open();
    await (database as unknown as Compactable).compactRange(Buffer.of(0), Buffer.of(0xff));
    await database.close();
  }
  return { restBytes, compactBytes: meanOf(folders.map(bytesIn)) };
}

function bytesIn(folder: string): number {
  return readdirSync(folder).reduce((sum, file) => sum + statSync(join(folder, file)).size, 0);
}

function rowsOf(clients: number, { updates, updateBytes, load, fold, restBytes, compactBytes }: Found): MeasureRow[] {
  const id = `W1.${clients}`;
  const made = updateBytes / updates;
  const bytes = (name: string, what: string, value: number) =>
    row({
      id: `${id}.${name}`,
      what: `${what}, ${clients} clients`,
      value: value / updates,
      unit: 'B/update',
      of: made,
    });
  const handed = (sample: Sample): number => sample.recordBytes + sample.documentBytes + sample.otherBytes;
  const rows = [
    row({
      id: clients === clientsMain ? 'W1' : id,
      what: `written to each disk, folded and trimmed, beside the update as made, ${clients} clients`,
      value: (load.written + fold.written) / updates,
      unit: 'B/update',
      of: made,
    }),
    bytes('record', 'records with their keys, beside the update as made', load.recordBytes),
    bytes('handed', 'handed to LevelDB under load', handed(load)),
    bytes('written', 'written to each disk under load', load.written),
    bytes('fold.handed', 'handed to LevelDB to fold and trim', handed(fold)),
    bytes('fold.written', 'written to each disk to fold and trim', fold.written),
    bytes('rest', 'files at rest, folded and trimmed', restBytes),
    bytes('rest.compact', 'the same, sorted by LevelDB', compactBytes),
    row({ id: `${id}.batch`, what: `updates in a batch, ${clients} clients`, value: updates / load.records, unit: '' }),
    row({
      id: `${id}.syncs`,
      what: `synced writes for each batch, on each disk, ${clients} clients`,
      value: load.writes / load.records,
      unit: '',
    }),
    row({
      id: `${id}.syncs.update`,
      what: 'the same for 1,000 updates',
      value: (load.writes / updates) * 1000,
      unit: '',
    }),
    row({
      id: `${id}.syncs.fold`,
      what: 'the same to fold and trim 1,000 updates',
      value: (fold.writes / updates) * 1000,
      unit: '',
    }),
  ];
  // Only Linux counts what a process wrote.
  return rows.filter(({ value }) => Number.isFinite(value));
}

function difference(after: Sample, before: Sample): Sample {
  return combine((name) => after[name] - before[name]);
}

function mean(samples: readonly Sample[]): Sample {
  return combine((name) => meanOf(samples.map((sample) => sample[name])));
}

function combine(of: (name: keyof Sample) => number): Sample {
  return {
    writes: of('writes'),
    logWrites: of('logWrites'),
    records: of('records'),
    recordBytes: of('recordBytes'),
    documentBytes: of('documentBytes'),
    otherBytes: of('otherBytes'),
    written: of('written'),
  };
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
