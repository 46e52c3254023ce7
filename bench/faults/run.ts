// One run: load, kill everything at a random moment, start again, as often as asked; then settle, read every copy, and judge.
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Prng } from '../../test/prng.ts';
import { onStage } from '../processes.ts';
import { checkRun, longestGapMs } from './check.ts';
import type { ClusterPlace } from './cluster.ts';
import { Cluster } from './cluster.ts';
import { readDisks } from './disks.ts';
import { Load, readThroughClient } from './load.ts';
import type { Copy, SendRecord, Violation } from './record.ts';

export type RunOptions = {
  readonly dist: string;
  readonly seed: number;
  readonly trials: number;
  readonly portBase: number;
  /** Where the cluster lives, and stays when the run is over; absent, in a folder of its own that goes with it. */
  readonly dir: string | undefined;
  /** After each trial, look through a client for what is lost or doubled so far, and end the trials where something is. */
  readonly isStoppedWhenFound: boolean;
  readonly progress: (line: string) => void;
};

export type Run = {
  readonly sends: readonly SendRecord[];
  readonly violations: readonly Violation[];
  /**
   * What was found wrong beside what was sent: starts that got stuck, hosts that ended by themselves,
   * logs that differ, clients that gave up.
   */
  readonly problems: readonly string[];
  /** From each kill to the first answer after it. */
  readonly recoveriesMs: readonly number[];
  readonly longestGapMs: number;
  readonly disksCompared: number;
  readonly recordsCompared: number;
};

const loadMsMin = 250;
const loadMsMax = 1_100;
/** Before a kill the load rises, so that as much as possible is on its way. */
const urgentMsMin = 40;
const urgentMsMax = 120;
/** One trial in so many kills once more while the cluster is starting. */
const killedTwiceOneIn = 4;
const startKilledMsMax = 1_000;
const answerMsMax = 20_000;
/** A generation of documents ends before they grow so large that the clients' copies cost more than the load. */
const trialsPerGeneration = 10;
/** A client waits up to this long before it sends again. */
const pauseMsMax = 25;

type Running = {
  cluster: Cluster;
  readonly start: () => Promise<Cluster>;
  readonly problems: string[];
  readonly place: ClusterPlace;
  readonly prng: Prng;
};

export function runFaults(options: RunOptions): Promise<Run> {
  return onStage(async (stage) => {
    const { dist, seed, portBase, trials, progress } = options;
    const prng = new Prng(seed);
    const place = { dist, portBase, dir: options.dir ?? join(stage.folder(), 'cluster') };
    const problems: string[] = [];
    const start = (): Promise<Cluster> => Cluster.start(place, (text) => problems.push(text));
    const running: Running = { cluster: await start(), start, problems, place, prng };
    const abandon = (): void => running.cluster.abandon();
    process.once('exit', abandon);
    stage.onRelease(() => {
      process.off('exit', abandon);
      return running.cluster.kill(undefined);
    });
    const load = new Load(urlOf(place), new Prng(prng.below(2 ** 32)), pauseMsMax);
    stage.onRelease(() => load.close());
    const recoveriesMs: number[] = [];
    for (let trial = 1; trial <= trials; trial += 1) {
      load.trial = trial;
      if (trial % trialsPerGeneration === 1) load.moveTo((trial - 1) / trialsPerGeneration);
      const answeredBefore = load.answered;
      recoveriesMs.push(await runTrial(running, load, trial));
      const recovered = `recovered in ${Math.round(recoveriesMs.at(-1) ?? 0)} ms`;
      progress(`trial ${trial}/${trials}: ${load.answered - answeredBefore} answers, ${recovered}`);
      if (options.isStoppedWhenFound && (await isFoundSoFar(running, load))) break;
    }
    return { ...(await judge(running, load)), recoveriesMs };
  });
}

/** Load, a kill, a start; done when the first answer has come. Returns how long that took from the kill. */
async function runTrial(running: Running, load: Load, trial: number): Promise<number> {
  const { prng } = running;
  if (trial === 1) await firstAnswer(load);
  await sleep(loadMsMin + prng.below(loadMsMax - loadMsMin));
  load.isUrgent = true;
  await sleep(urgentMsMin + prng.below(urgentMsMax - urgentMsMin));
  const killedMs = performance.now();
  await killAll(running);
  load.isUrgent = false;
  if (prng.below(killedTwiceOneIn) === 0) {
    running.cluster = Cluster.launch(running.place);
    await sleep(prng.below(startKilledMsMax));
    await killAll(running);
  }
  load.firstAnswerMs = undefined;
  running.cluster = await running.start();
  return (await firstAnswer(load)) - killedMs;
}

async function killAll(running: Running): Promise<void> {
  running.problems.push(...running.cluster.unexpected);
  await running.cluster.kill(running.prng);
}

async function firstAnswer(load: Load): Promise<number> {
  const until = performance.now() + answerMsMax;
  while (load.firstAnswerMs === undefined) {
    if (performance.now() > until) throw new Error(`no answer within ${answerMsMax} ms after a start`);
    await sleep(1);
  }
  return load.firstAnswerMs;
}

/** Under load: a value that is answered while this looks need not be in what it sees. */
async function isFoundSoFar({ place }: Running, load: Load): Promise<boolean> {
  const doc = load.sends.at(-1)?.doc;
  const generation = doc?.slice(0, doc.indexOf('-'));
  const current = load.sends.filter((send) => generation !== undefined && send.doc.startsWith(`${generation}-`));
  const answered = new Set(current.filter(({ outcome }) => outcome.kind === 'answered').map(({ value }) => value));
  const view = await readThroughClient(urlOf(place), [...new Set(current.map((send) => send.doc))]);
  return checkRun(current, [view]).some(({ kind, value }) => {
    return kind === 'doubled' || (kind === 'lost' && answered.has(value));
  });
}

async function judge(running: Running, load: Load): Promise<Omit<Run, 'recoveriesMs'>> {
  const { cluster, place, problems } = running;
  await load.settle();
  problems.push(...load.failures);
  load.close();
  const { sends } = load;
  const docs = [...new Set(sends.map(({ doc }) => doc))];
  const view = await readThroughClient(urlOf(place), docs);
  problems.push(...cluster.unexpected);
  await cluster.stop();
  const disks = await readDisks(place.dir);
  problems.push(...disks.problems);
  const copies: Copy[] = [view, ...disks.copies];
  return {
    sends,
    violations: checkRun(sends, copies),
    problems,
    longestGapMs: longestGapMs(sends),
    disksCompared: disks.copies.length,
    recordsCompared: disks.recordsCompared,
  };
}

function urlOf({ portBase }: ClusterPlace): string {
  return `ws://127.0.0.1:${portBase}`;
}
