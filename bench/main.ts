// `npm run bench -- --quick --json FILE --plots FOLDER --only P1,P2`: the limits of this machine first, then ours, then one table. Plots are
// drawn into FOLDER as SVG; `--draw FILE --plots FOLDER` draws those of an earlier run anew.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { measureChain } from './chain.ts';
import { measureEndToEnd } from './end-to-end.ts';
import { measureFolding } from './folding.ts';
import { measureGossip } from './gossip.ts';
import { measureLeveldb } from './limits/leveldb.ts';
import { measureWsEcho } from './limits/ws-echo.ts';
import {
  type Context,
  describeMachine,
  type Measure,
  type MeasureRow,
  type Report,
  tableOf,
  writeReport,
} from './measure.ts';
import { type Plot, svgOf } from './plot.ts';
import { measureRestart } from './restart.ts';
import { measureStore } from './store.ts';
import { measureViewers } from './viewers.ts';
import { measureViews } from './views/views.ts';
import { measureWorkers } from './workers.ts';
import { measureWrites } from './writes.ts';

type Entry = {
  readonly ids: readonly string[];
  readonly measure: Measure;
  /** Installs what it is held against: not without being asked for, by name or by a folder for it. */
  readonly hasPeers?: true;
};
/** In the order in which they run. One entry may give several ids: what is measured together is compared fairly. */
const registry: readonly Entry[] = [
  { ids: ['L1'], measure: measureLeveldb },
  { ids: ['L2'], measure: measureWsEcho },
  { ids: ['L3', 'P1', 'P2'], measure: measureChain },
  { ids: ['L4', 'P3'], measure: measureEndToEnd },
  { ids: ['P4.views'], measure: measureViews, hasPeers: true },
  { ids: ['P5'], measure: measureViewers },
  { ids: ['P7'], measure: measureGossip },
  { ids: ['P8'], measure: measureStore },
  { ids: ['P8.restart'], measure: measureRestart },
  { ids: ['P9'], measure: measureWorkers },
  { ids: ['W1'], measure: measureWrites },
  { ids: ['W2'], measure: measureFolding },
];

const usage = `usage: npm run bench -- [--quick] [--json FILE] [--plots FOLDER] [--peers FOLDER] [--only ${registry.flatMap(({ ids }) => ids).join(',')}]
       npm run bench -- --draw FILE --plots FOLDER`;

// Folders and children are given back on exit, and children end with their parent.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1));
await main();

async function main(): Promise<void> {
  const options = readOptions();
  if (options === undefined) {
    console.error(usage);
    process.exitCode = 2;
    return;
  }
  const { isQuick, jsonPath, plotsPath, peersPath, drawPath } = options;
  if (drawPath !== undefined) return draw((JSON.parse(readFileSync(drawPath, 'utf8')) as Report).plots, plotsPath);
  const chosen = registry.filter((entry) => isChosen(entry, options));
  const startMs = performance.now();
  const progress = (line: string): void => {
    console.log(`[${((performance.now() - startMs) / 1000).toFixed(0).padStart(4)} s] ${line}`);
  };
  const plots: Plot[] = [];
  const plot = (one: Plot): void => void plots.push(one);
  const missed: string[] = [];
  const missing = (text: string): void => void missed.push(text);
  const context: Context = {
    secondsPerPoint: isQuick ? 1 : 3,
    rounds: isQuick ? 3 : 5,
    isQuick,
    progress,
    plot,
    missing,
    ...(peersPath === undefined ? {} : { peersPath }),
  };
  const machine = describeMachine();
  console.log(`${machine.cores} x ${machine.cpu}, ${machine.memoryGb} GB, ${machine.platform}, node ${machine.node}`);
  console.log(
    Object.entries(machine.packages)
      .map((entry) => entry.join(' '))
      .join(', '),
  );
  if (machine.disk === 'memory') console.log('the stores lie in memory: a sync costs nothing here (set TMPDIR)');
  const measures: MeasureRow[] = [];
  for (const { ids, measure } of chosen) {
    progress(`${ids.join(', ')} ...`);
    try {
      measures.push(...(await measure(context)));
    } catch (error) {
      console.error(`${ids.join(', ')} failed:`, error);
      process.exitCode = 1;
    }
  }
  console.log(`\n${tableOf(measures)}`);
  for (const text of missed) console.log(`missing: ${text}`);
  if (jsonPath !== undefined) writeReport(jsonPath, { machine, measures, plots, missing: missed });
  draw(plots, plotsPath);
}

function isChosen({ ids, hasPeers }: Entry, { only, isQuick, peersPath }: Options): boolean {
  if (only !== undefined) return ids.some((id) => only.includes(id));
  return hasPeers !== true || (!isQuick && peersPath !== undefined);
}

function draw(plots: readonly Plot[], folder: string | undefined): void {
  if (folder === undefined) return;
  mkdirSync(folder, { recursive: true });
  for (const plot of plots) {
    const path = join(folder, `${plot.id}.svg`);
    writeFileSync(path, svgOf(plot));
    console.log(`drawn: ${path}`);
  }
}

type Options = {
  readonly isQuick: boolean;
  readonly jsonPath?: string;
  readonly plotsPath?: string;
  readonly peersPath?: string;
  readonly only?: readonly string[];
  readonly drawPath?: string;
};

/** Undefined for what the usage does not describe; an id that nobody measures is such, or it would pass for measured. */
function readOptions(): Options | undefined {
  try {
    const { values } = parseArgs({
      options: {
        quick: { type: 'boolean' },
        json: { type: 'string' },
        plots: { type: 'string' },
        peers: { type: 'string' },
        only: { type: 'string' },
        draw: { type: 'string' },
      },
    });
    if (values.draw !== undefined && values.plots === undefined) return undefined;
    const only = values.only?.split(',').map((id) => id.trim());
    const unknown = only?.filter((id) => !registry.some(({ ids }) => ids.includes(id))) ?? [];
    if (unknown.length > 0) console.error(`nothing measures ${unknown.join(', ')}`);
    if (unknown.length > 0) return undefined;
    return {
      isQuick: values.quick === true,
      ...(values.json === undefined ? {} : { jsonPath: values.json }),
      ...(values.plots === undefined ? {} : { plotsPath: values.plots }),
      ...(values.peers === undefined ? {} : { peersPath: values.peers }),
      ...(values.draw === undefined ? {} : { drawPath: values.draw }),
      ...(only === undefined ? {} : { only }),
    };
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    return undefined;
  }
}
