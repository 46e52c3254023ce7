// One trial: load, a fault at a random moment, and then waiting until writes to every chain are answered and the cluster is
// whole again. What is measured is taken from the record of the sends afterwards; a trial says when what was.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Prng } from '../../test/prng.ts';
import type { ClusterOptions } from '../cluster.ts';
import { Cluster } from '../cluster.ts';
import { type ClusterStatus, describeStatus, hostIn, type Role, roles, whyNotWhole } from '../status.ts';
import { chains, type Load } from './load.ts';

/**
 *   kill    kill -9 of a host, which `up` starts again at once
 *   stay    kill -9 of a host, which stays dead for seconds
 *   pause   SIGSTOP of a host, for seconds, and SIGCONT
 *   all     kill -9 of every process, and a start
 */
export const faults = ['kill', 'stay', 'pause', 'all'] as const;
export type Fault = (typeof faults)[number];

/** `role` is that of the host in a chain of chance; of `all`, undefined. */
export type Case = { readonly fault: Fault; readonly role: Role | undefined };

/** What `status` said, so long after the fault. */
export type Seen = { readonly atMs: number; readonly said: readonly string[] };

export type Trial = Case & {
  readonly number: number;
  readonly chain: number | undefined;
  readonly host: string | undefined;
  /** Of the moments all are in ms since the harness began. */
  readonly faultAtMs: number;
  /** From then on nothing kept the host from running, or the cluster from starting. */
  readonly endedAtMs: number;
  /** Every chain had answered a write that was sent after the fault; undefined where that did not happen in time. */
  readonly backAtMs: number | undefined;
  /** undefined where that did not happen in time. */
  readonly wholeAtMs: number | undefined;
  readonly closedAtMs: number;
  readonly seen: readonly Seen[];
  /** Where it did not come back, or not whole: what stood in the way. */
  readonly complaint: string | undefined;
};

/** What the trials of a run share. */
export type Bed = {
  cluster: Cluster;
  readonly options: ClusterOptions;
  readonly prng: Prng;
  readonly load: Load;
  readonly problems: string[];
};

export const members = 3;
const loadMsMin = 150;
const loadMsMax = 500;
const urgentMsMin = 40;
const urgentMsMax = 120;
const stayMsMin = 3_000;
const stayMsMax = 4_000;
const pauseMsMin = 1_000;
const pauseMsMax = 6_000;
/** One trial in so many of those that kill everything kills once more while the cluster is starting. */
const killedTwiceOneIn = 4;
const startKilledMsMax = 1_000;
/** After the end of a fault: many times what it takes to be whole again. */
const wholeMsMax = 30_000;
const tickMs = 10;
/** Around what happens the load is the usual one. */
const lookoutMs = 200;
const statusEveryMs = 150;
/** A question to a host that does not answer takes seconds: others are asked meanwhile. */
const statusAskedMax = 20;
const seenMax = 60;

/** Cases in an order of chance, each as often as the others; every tenth trial kills everything, or every one. */
export function casesOf(trials: number, isAll: boolean, prng: Prng): Case[] {
  const cases: Case[] = [];
  let deck: Case[] = [];
  for (let number = 1; number <= trials; number += 1) {
    if (isAll || number % 10 === 0) {
      cases.push({ fault: 'all', role: undefined });
      continue;
    }
    if (deck.length === 0) {
      deck = (['kill', 'stay', 'pause'] as const).flatMap((fault) => roles.map((role) => ({ fault, role })));
    }
    cases.push(...deck.splice(prng.below(deck.length), 1));
  }
  return cases;
}

export function describeCase({ fault, role, chain, host }: Case & Pick<Trial, 'chain' | 'host'>): string {
  return role === undefined ? fault : `${fault} ${role} of chain ${chain} (${host})`;
}

export async function runTrial(bed: Bed, number: number, one: Case): Promise<Trial> {
  const { load, prng } = bed;
  load.pace = 'usual';
  await sleep(loadMsMin + prng.below(loadMsMax - loadMsMin));
  const target = one.role === undefined ? undefined : await chooseTarget(bed, one.role);
  load.pace = 'urgent';
  await sleep(urgentMsMin + prng.below(urgentMsMax - urgentMsMin));
  const faultAtMs = load.mark();
  const sampler = new Sampler(() => bed.cluster.status(), faultAtMs);
  try {
    const ending = inflict(bed, one.fault, target?.host);
    load.pace = 'usual';
    const end = await untilWhole(load, sampler, ending, faultAtMs);
    const { seen } = sampler;
    return { ...one, number, chain: target?.chain, host: target?.host, faultAtMs, ...end, seen };
  } finally {
    sampler.stop();
  }
}

async function chooseTarget({ cluster, prng }: Bed, role: Role): Promise<{ chain: number; host: string }> {
  const chain = prng.below(chains);
  const until = performance.now() + wholeMsMax;
  for (;;) {
    const status = await cluster.status();
    const host = status === undefined ? undefined : hostIn(status, chain, role);
    if (host !== undefined) return { chain, host };
    if (performance.now() > until)
      throw new Error(`chain ${chain} has no ${role}: ${describeStatus(status).join('; ')}`);
    await sleep(tickMs);
  }
}

/** Resolves with the time from which on nothing keeps the host from running, or every process from being started. */
async function inflict(bed: Bed, fault: Fault, host: string | undefined): Promise<number> {
  const { cluster, prng } = bed;
  if (host === undefined) return restartAll(bed);
  if (fault === 'kill') cluster.kill(host);
  else if (fault === 'stay') {
    cluster.takeDown(host);
    await sleep(stayMsMin + prng.below(stayMsMax - stayMsMin));
    cluster.bringBack();
  } else {
    cluster.pause(host);
    await sleep(pauseMsMin + prng.below(pauseMsMax - pauseMsMin));
    cluster.resume(host);
  }
  return performance.now();
}

/** A cluster on the same disks, after a kill of every process. */
export async function restartAll(bed: Bed): Promise<number> {
  const { prng, options, problems } = bed;
  problems.push(...bed.cluster.unexpected);
  await bed.cluster.killAll(prng);
  if (prng.below(killedTwiceOneIn) === 0) {
    bed.cluster = Cluster.launch(options);
    await sleep(prng.below(startKilledMsMax));
    await bed.cluster.killAll(prng);
  }
  const endedAtMs = performance.now();
  bed.cluster = await Cluster.start(options, (text) => problems.push(text));
  return endedAtMs;
}

type End = Pick<Trial, 'endedAtMs' | 'backAtMs' | 'wholeAtMs' | 'closedAtMs' | 'complaint'>;

async function untilWhole(load: Load, sampler: Sampler, ending: Promise<number>, faultAtMs: number): Promise<End> {
  let endedAtMs: number | undefined;
  let failure: { readonly error: unknown } | undefined;
  ending.then(
    (atMs) => {
      endedAtMs = atMs;
    },
    (error: unknown) => {
      failure = { error };
    },
  );
  for (;;) {
    await sleep(tickMs);
    if (failure !== undefined) throw failure.error;
    const nowMs = performance.now();
    const { backMs } = load;
    // Once everything is answered, what is left to see is the end of the fault: that of a pause has late words of its host.
    const restAtMs = Math.max(backMs ?? nowMs, endedAtMs ?? faultAtMs) + lookoutMs;
    load.pace = backMs !== undefined && nowMs > restAtMs ? 'calm' : 'usual';
    if (endedAtMs === undefined) continue;
    const wholeAtMs = sampler.wholeSince(endedAtMs);
    const isOver = backMs !== undefined && wholeAtMs !== undefined;
    if (!isOver && nowMs < endedAtMs + wholeMsMax) continue;
    const away = backMs === undefined ? [`chains ${load.chainsAway.join(', ')} answer no writes`] : [];
    const torn = wholeAtMs === undefined ? [`${sampler.whyNotWhole ?? 'nobody says that it is whole'}`] : [];
    const complaint = isOver ? undefined : [...away, ...torn].join('; ');
    return { endedAtMs, backAtMs: backMs, wholeAtMs, closedAtMs: Math.max(nowMs, wholeAtMs ?? 0), complaint };
  }
}

/** Asks for the status at intervals, writes down what changed, and sees when all is whole: when `why` finds nothing that is not. */
export class Sampler {
  readonly seen: Seen[] = [];
  whyNotWhole: string | undefined;
  readonly #ask: () => Promise<ClusterStatus | undefined>;
  readonly #faultAtMs: number;
  readonly #why: (status: ClusterStatus | undefined) => string | undefined;
  readonly #timer: NodeJS.Timeout;
  readonly #whole: { readonly askedAtMs: number; readonly saidAtMs: number }[] = [];
  #asked = 0;
  #isStopped = false;
  #last = '';

  constructor(
    ask: () => Promise<ClusterStatus | undefined>,
    faultAtMs: number,
    why = (status: ClusterStatus | undefined): string | undefined => whyNotWhole(status, chains, members),
  ) {
    this.#ask = ask;
    this.#faultAtMs = faultAtMs;
    this.#why = why;
    this.#timer = setInterval(() => void this.#sample(), statusEveryMs);
  }

  stop(): void {
    this.#isStopped = true;
    clearInterval(this.#timer);
  }

  /** When it was first said that all is whole, by those who were asked after `atMs`. */
  wholeSince(atMs: number): number | undefined {
    return this.#whole.find(({ askedAtMs }) => askedAtMs >= atMs)?.saidAtMs;
  }

  async #sample(): Promise<void> {
    if (this.#asked >= statusAskedMax) return;
    this.#asked += 1;
    const askedAtMs = performance.now();
    const status = await this.#ask();
    this.#asked -= 1;
    if (this.#isStopped) return;
    const why = this.#why(status);
    this.whyNotWhole = why;
    if (why === undefined) this.#whole.push({ askedAtMs, saidAtMs: performance.now() });
    const said = describeStatus(status);
    const text = said.join('\n');
    if (text === this.#last || this.seen.length >= seenMax) return;
    this.#last = text;
    this.seen.push({ atMs: Math.round(askedAtMs - this.#faultAtMs), said });
  }
}
