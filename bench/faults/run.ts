// One run: trials, as many as asked; then settle, wait until all is whole, read every copy, and judge.
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { placeDocument } from '../../chain/placement.ts';
import { historyMax } from '../../engine/base/limits.ts';
import { Prng } from '../../test/prng.ts';
import { Cluster, type ClusterOptions } from '../cluster.ts';
import { onStage, type Stage } from '../processes.ts';
import { type ClusterStatus, servingHosts, whyNotWhole } from '../status.ts';
import { checkReads, checkRun, longestGapMs } from './check.ts';
import { readDisks } from './disks.ts';
import { answersBy, longestSilenceMs } from './gaps.ts';
import { chains, Load } from './load.ts';
import { Readers, readThroughClient } from './readers.ts';
import type { Copy, SendRecord, Violation } from './record.ts';
import { type Bed, casesOf, describeCase, members, restartAll, runTrial, type Trial } from './trial.ts';

export type RunOptions = {
  readonly dist: string;
  readonly seed: number;
  readonly trials: number;
  /** Every trial kills everything. */
  readonly isAll: boolean;
  readonly portBase: number;
  /** Where the cluster lives, and stays when the run is over; absent, in a folder of its own that goes with it. */
  readonly dir: string | undefined;
  /** After each trial, look through a client for what is lost or doubled so far, and end the trials where something is. */
  readonly isStoppedWhenFound: boolean;
  readonly progress: (line: string) => void;
};

/** A trial, and the longest time that each chain and each client was without an answer in it. */
export type Measured = Trial & { readonly chainGapsMs: readonly number[]; readonly clientGapsMs: readonly number[] };

export type Run = {
  readonly sends: readonly SendRecord[];
  readonly violations: readonly Violation[];
  /**
   * What was found wrong beside what was sent: starts that got stuck, chains that did not come back, hosts that ended by
   * themselves, logs that differ, clients that gave up.
   */
  readonly problems: readonly string[];
  readonly trials: readonly Measured[];
  readonly longestGapMs: number;
  readonly readsChecked: number;
  readonly disksCompared: number;
  readonly recordsCompared: number;
};

/** Trials that did not come back, or not whole, after which a run ends. */
const hungMax = 3;
const readyMsMax = 10_000;
const firstAnswersMsMax = 60_000;
const settledWholeMsMax = 60_000;
/** A generation of documents ends before they grow so large that the clients' copies cost more than the load. */
const trialsPerGeneration = 5;

export function runFaults(options: RunOptions): Promise<Run> {
  return onStage(async (stage) => {
    const { dist, seed, portBase, trials, isAll, progress } = options;
    const prng = new Prng(seed);
    const dir = options.dir ?? join(stage.folder(), 'cluster');
    const bed = await makeBed(stage, prng, {
      dist,
      portBase,
      // Every update is held against what was answered.
      words: ['--history', `${historyMax}`],
      dir,
      readyMsMax,
      appFile: join(dist, 'bench/faults/app.js'),
    });
    const readers = new Readers(urlOf(bed), new Prng(prng.below(2 ** 32)));
    stage.onRelease(() => readers.close());
    const { load } = bed;
    const done: Trial[] = [];
    for (const [index, one] of casesOf(trials, isAll, prng).entries()) {
      const number = index + 1;
      const [sentBefore, answeredBefore] = [load.sends.length, load.answered];
      for (const party of [load, readers]) {
        party.trial = number;
        if (index % trialsPerGeneration === 0) party.moveTo(index / trialsPerGeneration);
      }
      if (index === 0) await firstAnswers(load);
      const trial = await attempt(bed, runTrial(bed, number, one));
      if (trial === undefined) break;
      done.push(trial);
      progress(
        `trial ${number}/${trials}: ${load.answered - answeredBefore} answers; ${outcomeOf(trial, load, sentBefore)}`,
      );
      if (trial.complaint !== undefined && !(await goOn(bed, done))) break;
      if (options.isStoppedWhenFound && (await isFoundSoFar(bed))) break;
    }
    const judged = await judge(bed, readers);
    return { ...judged, trials: measure(done, judged.sends) };
  });
}

/** A cluster under load; both end with the stage. */
export async function makeBed(stage: Stage, prng: Prng, options: ClusterOptions): Promise<Bed> {
  const problems: string[] = [];
  const cluster = await Cluster.start(options, (text) => problems.push(text));
  const load = new Load(`ws://127.0.0.1:${options.portBase}`, new Prng(prng.below(2 ** 32)));
  const bed: Bed = { cluster, options, prng, load, problems };
  const abandon = (): void => bed.cluster.abandon();
  process.once('exit', abandon);
  stage.onRelease(() => {
    process.off('exit', abandon);
    return bed.cluster.killAll();
  });
  stage.onRelease(() => load.close());
  return bed;
}

/** What stood in the way is a problem; the next trial finds a cluster that was started anew. Whether there may be one. */
async function goOn(bed: Bed, done: readonly Trial[]): Promise<boolean> {
  const trial = done.at(-1) as Trial;
  const last = trial.seen.at(-1)?.said.join('\n  ') ?? 'nothing was seen of it';
  bed.problems.push(`trial ${trial.number}, ${describeCase(trial)}: ${trial.complaint}\n  ${last}`);
  if (done.filter(({ complaint }) => complaint !== undefined).length >= hungMax) return false;
  await restartAll(bed);
  return true;
}

/** Resolves when each chain has answered a write that was sent after this. */
export async function firstAnswers(load: Load): Promise<void> {
  load.mark();
  const until = performance.now() + firstAnswersMsMax;
  while (load.backMs === undefined) {
    if (performance.now() > until)
      throw new Error(`no answers of chains ${load.chainsAway.join(', ')} after the start`);
    await sleep(1);
  }
}

function outcomeOf(trial: Trial, load: Load, sentBefore: number): string {
  const [measured] = measure([trial], load.sends.slice(Math.max(sentBefore - 1_000, 0)));
  const gap = Math.round(Math.max(0, ...(measured?.chainGapsMs ?? [])));
  const whole =
    trial.wholeAtMs === undefined ? 'not whole' : `whole ${Math.round(trial.wholeAtMs - trial.endedAtMs)} ms later`;
  return `${describeCase(trial)}: longest gap ${gap} ms, ${whole}`;
}

function measure(trials: readonly Trial[], sends: readonly SendRecord[]): Measured[] {
  const chainsOf = new Map<string, number>();
  const chainOf = (doc: string): number => {
    const chain = chainsOf.get(doc) ?? placeDocument(doc, chains);
    chainsOf.set(doc, chain);
    return chain;
  };
  const byChain = answersBy(sends, ({ doc }) => chainOf(doc));
  const byClient = [...answersBy(sends, ({ client }) => client).values()];
  return trials.map((trial) => {
    const window = { fromMs: trial.faultAtMs, toMs: trial.closedAtMs };
    const chainGapsMs = Array.from({ length: chains }, (_, chain) =>
      longestSilenceMs(byChain.get(chain) ?? [], window),
    );
    return { ...trial, chainGapsMs, clientGapsMs: byClient.map((times) => longestSilenceMs(times, window)) };
  });
}

/** Under load: a value that is answered while this looks need not be in what it sees. */
async function isFoundSoFar(bed: Bed): Promise<boolean> {
  const { load } = bed;
  const doc = load.sends.at(-1)?.doc;
  const generation = doc?.slice(0, doc.indexOf('-'));
  const current = load.sends.filter((send) => generation !== undefined && send.doc.startsWith(`${generation}-`));
  const answered = new Set(current.filter(({ outcome }) => outcome.kind === 'answered').map(({ value }) => value));
  const view = await readThroughClient(urlOf(bed), [...new Set(current.map((send) => send.doc))]);
  return checkRun(current, [view]).some(({ kind, value }) => {
    return kind === 'doubled' || (kind === 'lost' && answered.has(value));
  });
}

/** Ends the load and the cluster, and holds every answer against a view and every disk. */
export async function judge(bed: Bed, readers: Readers): Promise<Omit<Run, 'trials'>> {
  const { load, problems, cluster, options } = bed;
  await attempt(bed, load.settle());
  readers.close();
  const status = await untilWhole(cluster);
  const torn = whyNotWhole(status, chains, members);
  if (torn !== undefined) problems.push(`at the end, without load: ${torn}`);
  problems.push(...load.failures, ...readers.failures);
  load.close();
  const { sends } = load;
  const view = await attempt(bed, readThroughClient(urlOf(bed), [...new Set(sends.map(({ doc }) => doc))]));
  problems.push(...cluster.unexpected);
  const code = await cluster.end();
  if (code !== 0) problems.push(`up ended with code ${code} when told to end`);
  const disks = await readDisks(options.dir);
  problems.push(...disks.problems);
  // What a host that does not serve lacks is not lost, as long as others serve.
  const serving = torn === undefined ? [] : servingHosts(status);
  const held = disks.copies.filter(({ name }) => serving.length === 0 || serving.includes(name));
  const copies: Copy[] = view === undefined ? held : [view, ...held];
  const reads = [...readers.reads, ...load.reads];
  return {
    sends,
    violations: [...checkRun(sends, copies), ...checkReads(sends, reads)],
    problems,
    longestGapMs: longestGapMs(sends),
    readsChecked: reads.length,
    disksCompared: held.length,
    recordsCompared: disks.recordsCompared,
  };
}

/** What goes wrong is a problem, and not the end of the report. */
async function attempt<T>({ problems }: Bed, what: Promise<T>): Promise<T | undefined> {
  try {
    return await what;
  } catch (error) {
    problems.push(error instanceof Error ? (error.stack ?? error.message) : String(error));
    return undefined;
  }
}

/** A host that takes in what it missed is waited for. */
async function untilWhole(cluster: Cluster): Promise<ClusterStatus | undefined> {
  const until = performance.now() + settledWholeMsMax;
  for (;;) {
    const status = await cluster.status();
    if (whyNotWhole(status, chains, members) === undefined || performance.now() > until) return status;
    await sleep(50);
  }
}

function urlOf({ options }: Bed): string {
  return `ws://127.0.0.1:${options.portBase}`;
}
