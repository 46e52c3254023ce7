// The run: a cluster under a light load, one case after the other on it. Behind each the load rests, and what the hosts hold is compared and
// held against what was answered; behind all of them, every disk is. After a case that did not heal another cluster begins.
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { historyMax } from '../../engine/base/limits.ts';
import { Prng } from '../../test/prng.ts';
import { checkRun } from '../faults/check.ts';
import { chains, documentOn } from '../faults/load.ts';
import { Readers, readThroughClient } from '../faults/readers.ts';
import type { Violation } from '../faults/record.ts';
import { firstAnswers, judge, makeBed } from '../faults/run.ts';
import { type Bed, members, Sampler } from '../faults/trial.ts';
import { onStage } from '../processes.ts';
import type { Finding } from './findings.ts';
import { chooseHosts, type Overview, partOf, storeIdOf, voiceless, whyNotHealed, whyNotSame } from './healing.ts';
import { type Case, complaintsOf, countsOf, fateOf, needsWalk, type Row, tellingOf } from './judge.ts';
import { Scene } from './scene.ts';

export type TortureOptions = {
  readonly dist: string;
  readonly seed: number;
  readonly portBase: number;
  /** Where the clusters live, and stay; absent, in a folder that goes. */
  readonly dir: string | undefined;
  readonly progress: (row: Row) => void;
};

export type Torture = {
  readonly rows: readonly Row[];
  readonly answered: number;
  readonly readsChecked: number;
  readonly recordsCompared: number;
  /** Of the disks, when all was over. */
  readonly violations: readonly Violation[];
  readonly problems: readonly string[];
  readonly clusters: number;
};

/** What the cases on one cluster share. */
type Stretch = {
  readonly bed: Bed;
  readonly readers: Readers;
  /** The case in which each host was hurt last. */
  readonly hurtAt: Map<string, number>;
};

/** Many times what it takes on a machine that does nothing else: past these nothing will come. */
const healMsMax = 90_000;
const sameMsMax = 30_000;
const pollMs = 20;
const readyMsMax = 90_000;
/** Readers look so many times less often than in runs that look for stale views. */
const readersPace = 4;
/** Of a case: its own documents, and those that it may move on to. */
const generationsPerCase = 2;

export async function runTorture(cases: readonly Case[], options: TortureOptions): Promise<Torture> {
  const total = { rows: [] as Row[], violations: [] as Violation[], problems: [] as string[] };
  let [answered, readsChecked, recordsCompared, clusters] = [0, 0, 0, 0];
  for (let before = -1; total.rows.length < cases.length && total.rows.length > before; clusters += 1) {
    before = total.rows.length;
    await onStage(async (stage) => {
      const dir = join(options.dir ?? stage.folder(), `cluster-${clusters + 1}`);
      const { dist, portBase, seed } = options;
      const words = ['--history', `${historyMax}`];
      const appFile = join(dist, 'bench/faults/app.js');
      const bed = await makeBed(stage, new Prng(seed), { dist, portBase, words, dir, readyMsMax, appFile });
      const readers = new Readers(`ws://127.0.0.1:${portBase}`, new Prng(seed + 1), readersPace);
      stage.onRelease(() => readers.close());
      try {
        await runStretch({ bed, readers, hurtAt: new Map() }, cases, total.rows, options.progress);
      } catch (error) {
        total.problems.push(`before case ${total.rows.length + 1}: ${String(error)}`);
      }
      const judged = await judge(bed, readers);
      total.violations.push(...judged.violations);
      total.problems.push(...judged.problems);
      answered += bed.load.answered;
      readsChecked += judged.readsChecked;
      recordsCompared += judged.recordsCompared;
    });
  }
  for (const { name } of cases.slice(total.rows.length)) total.problems.push(`${name} did not run`);
  return { ...total, answered, readsChecked, recordsCompared, clusters };
}

/** Runs those that have no row yet, until one does not heal. */
async function runStretch(
  stretch: Stretch,
  cases: readonly Case[],
  rows: Row[],
  progress: (row: Row) => void,
): Promise<void> {
  for (const one of cases.slice(rows.length)) {
    const row = await runCase(stretch, one, rows.length + 1);
    rows.push(row);
    progress(row);
    // Exits are part of what was done: those that nobody can have meant are complaints of the case.
    stretch.bed.cluster.unexpected.length = 0;
    if (row.backMs === undefined) return;
  }
}

async function runCase({ bed, readers, hurtAt }: Stretch, one: Case, number: number): Promise<Row> {
  const generation = number * generationsPerCase;
  for (const party of [bed.load, readers]) {
    party.trial = number;
    party.moveTo(generation);
  }
  bed.load.wake('light');
  await firstAnswers(bed.load);
  const before = await overviewOf(bed);
  const { host, other } = chooseHosts(before, hurtAt);
  hurtAt.set(host, number);
  if (one.isOfTwo === true) hurtAt.set(other, number);
  const hosts = one.isOfTwo === true ? [host, other] : [host];
  const scene = new Scene(bed, readers, { host, other }, generation);
  const troubles: string[] = [];
  const hit = await scene.attempt(troubles, () => one.hurt(scene));
  bed.load.wake('light');
  let backMs = await untilHealed(scene, troubles);
  if (needsWalk(one, scene.findings(hosts)) && backMs !== undefined) {
    await scene.attempt(troubles, () => scene.verify());
    backMs = await untilHealed(scene, troubles);
  }
  const check = (): Promise<Violation[]> => checkNow(bed, generation, number, troubles);
  const checked = backMs === undefined ? [] : ((await scene.attempt(troubles, check)) ?? []);
  const after = await overviewOf(bed);
  const found = tellingOf(scene.findings(hosts));
  const asides = scene.asides(hosts);
  const fate = fateOf({ asides, found, storeIds: [storeIdOf(before, host), storeIdOf(after, host)] });
  const { heads, others } = partOf(before, host);
  return {
    ...one,
    host: `${host}: head of ${heads}, member of ${others}`,
    hit: hit ?? '',
    found,
    fate,
    why: asides,
    backMs: backMs === undefined ? undefined : Math.round(backMs),
    generations: [before.voters?.generation ?? 0, after.voters?.generation ?? 0],
    counts: countsOf(checked),
    complaints: [...troubles, ...complaintsOf(one, found, fate), ...checked.map(({ text }) => text)],
  };
}

/** From the moment from which nothing kept the host from running; undefined where it takes too long, and then says why. */
async function untilHealed(scene: Scene, troubles: string[]): Promise<number | undefined> {
  const { bed, backAtMs } = scene;
  const lost = new Set<string>();
  const sampler = new Sampler(
    () => bed.cluster.status(),
    backAtMs,
    (status) => {
      const host = voiceless(status as Overview | undefined);
      if (host !== undefined) lost.add(host);
      return whyNotHealed(status as Overview | undefined, chains, members);
    },
  );
  try {
    const endMs = performance.now() + healMsMax;
    while (sampler.wholeSince(backAtMs) === undefined && performance.now() < endMs) await sleep(pollMs);
    const wholeAtMs = sampler.wholeSince(backAtMs);
    if (wholeAtMs === undefined) troubles.push(`not healed after ${healMsMax} ms: ${sampler.whyNotWhole}`);
    for (const host of lost) scene.found.push(voterFinding(host));
    return wholeAtMs === undefined ? undefined : wholeAtMs - backAtMs;
  } finally {
    sampler.stop();
  }
}

function voterFinding(host: string): Finding {
  return { host, by: 'voters', code: 'voter: lost', message: `${host} votes with a store that it has no more` };
}

/** Rests the load, and holds what was sent in this case against a view and the members against each other. */
async function checkNow(bed: Bed, generation: number, number: number, troubles: string[]): Promise<Violation[]> {
  await bed.load.rest();
  const endMs = performance.now() + sameMsMax;
  for (;;) {
    const torn = whyNotSame(await overviewOf(bed));
    if (torn === undefined) break;
    if (performance.now() > endMs) {
      troubles.push(torn);
      break;
    }
    await sleep(pollMs);
  }
  const sends = bed.load.sends.filter(({ trial }) => trial === number);
  const docs = new Set(sends.map(({ doc }) => doc));
  for (let chain = 0; chain < chains; chain += 1) docs.add(documentOn(chain, generation, 'shared'));
  return checkRun(sends, [await readThroughClient(bed.cluster.ready.proxy, [...docs])]);
}

async function overviewOf({ cluster }: Bed): Promise<Overview> {
  const endMs = performance.now() + sameMsMax;
  for (;;) {
    const status = await cluster.status();
    if (status !== undefined) return status as Overview;
    if (performance.now() > endMs) throw new Error('the admin port does not answer');
    await sleep(pollMs);
  }
}
