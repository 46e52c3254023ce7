// `npm run bench -- --quick --json FILE --only P1,P2`: the limits of this machine first, then ours, then one table.
import { parseArgs } from 'node:util';
import { measureChain } from './chain.ts';
import { measureEndToEnd } from './end-to-end.ts';
import { measureGossip } from './gossip.ts';
import { measureLeveldb } from './limits/leveldb.ts';
import { measureWsEcho } from './limits/ws-echo.ts';
import { type Context, describeMachine, type Measure, type MeasureRow, tableOf, writeReport } from './measure.ts';
import { measureStore } from './store.ts';

/** In the order in which they run. One entry may give several ids: what is measured together is compared fairly. */
const registry: readonly { readonly ids: readonly string[]; readonly measure: Measure }[] = [
  { ids: ['L1'], measure: measureLeveldb },
  { ids: ['L2'], measure: measureWsEcho },
  { ids: ['L3', 'P1', 'P2'], measure: measureChain },
  { ids: ['L4', 'P3'], measure: measureEndToEnd },
  { ids: ['P7'], measure: measureGossip },
  { ids: ['P8'], measure: measureStore },
];

const usage = `usage: npm run bench -- [--quick] [--json FILE] [--only ${registry.flatMap(({ ids }) => ids).join(',')}]`;

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
  const { isQuick, jsonPath, only } = options;
  const chosen = registry.filter(({ ids }) => only === undefined || ids.some((id) => only.includes(id)));
  const startMs = performance.now();
  const progress = (line: string): void => {
    console.log(`[${((performance.now() - startMs) / 1000).toFixed(0).padStart(4)} s] ${line}`);
  };
  const context: Context = { secondsPerPoint: isQuick ? 1 : 3, rounds: isQuick ? 3 : 5, isQuick, progress };
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
  if (jsonPath !== undefined) writeReport(jsonPath, { machine, measures });
}

type Options = { readonly isQuick: boolean; readonly jsonPath?: string; readonly only?: readonly string[] };

/** Undefined for what the usage does not describe; an id that nobody measures is such, or it would pass for measured. */
function readOptions(): Options | undefined {
  try {
    const { values } = parseArgs({
      options: { quick: { type: 'boolean' }, json: { type: 'string' }, only: { type: 'string' } },
    });
    const only = values.only?.split(',').map((id) => id.trim());
    const unknown = only?.filter((id) => !registry.some(({ ids }) => ids.includes(id))) ?? [];
    if (unknown.length > 0) console.error(`nothing measures ${unknown.join(', ')}`);
    if (unknown.length > 0) return undefined;
    return {
      isQuick: values.quick === true,
      ...(values.json === undefined ? {} : { jsonPath: values.json }),
      ...(only === undefined ? {} : { only }),
    };
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    return undefined;
  }
}
