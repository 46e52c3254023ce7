// One run: a cluster, its clients and what goes wrong, all from one seed.
//
//   busy    faults under load
//   quiet   faults while nobody sends: a busy chain repairs itself with the next message, a quiet one has to
//   heal    everything is mended; within bounded time every chain serves, every send is settled, and every client is told
//   probe   one more send of each client, and a read of each document: the world still works
import { checkAnswers } from './check-answers.ts';
import { checkLife, isIdle } from './check-life.ts';
import { checkLogs } from './check-logs.ts';
import { checkReads } from './check-reads.ts';
import { checkSnapshots } from './check-snapshots.ts';
import type { SimClient } from './clients.ts';
import { beginFaults, heal } from './faults.ts';
import type { Finding, SendChannel } from './history.ts';
import { Kernel, withVirtualTimers } from './kernel.ts';
import { isServingAll } from './process.ts';
import { World } from './world.ts';

/** A healed cluster is whole again in this time: a client may sleep for 3 s, a link for 4. */
const healMsMax = 30_000;
/** What is still on its way gets there: two rounds of pings find a dead link, and it is dialled again. */
const restMsMax = 6_000;
const restMsMin = 800;
/** How often a run looks whether it is done. */
/** Timers are set for seconds, and what could not be delivered rests for up to half a minute. */
const idleMsMax = 120_000;
const idleLookMs = 1_000;
const lookMs = 10;

export type SeedResult = {
  readonly seed: number;
  readonly findings: readonly Finding[];
  readonly events: number;
  readonly answered: number;
  readonly reconfigurations: number;
  readonly joins: number;
  readonly faults: Readonly<Record<string, number>>;
  readonly sometimes: Readonly<Record<string, number>>;
  readonly story: readonly string[];
  /** Virtual time, and how much of it healing took. */
  readonly virtualMs: number;
  readonly healMs: number;
};

export function runSeed(seed: number, isTold = false): Promise<SeedResult> {
  const kernel = new Kernel(seed);
  return withVirtualTimers(kernel, () => run(seed, kernel, isTold));
}

async function run(seed: number, kernel: Kernel, isTold: boolean): Promise<SeedResult> {
  const world = new World(kernel, isTold);
  let healMs = 0;
  try {
    const chance = kernel.chance('phases');
    const busyMs = 300 + chance.below(3_000);
    const quietMs = chance.below(3) === 0 ? 0 : chance.below(1_500);
    beginLoad(world, busyMs);
    beginFaults(world, busyMs + quietMs);
    await kernel.run(busyMs + quietMs);
    heal(world);
    const isWhole = await kernel.run(kernel.nowMs + healMsMax, now(world, isHealed));
    healMs = kernel.nowMs - busyMs - quietMs;
    if (isWhole) await probe(world);
    if (isWhole) check(world);
    else world.history.find('converged', describeUnhealed(world));
  } catch (cause) {
    world.history.find('assertions', `${cause instanceof Error ? cause.stack : cause}`);
  }
  const { history, reconfigurations, joins, faults, sometimes, story } = world;
  const { events, nowMs: virtualMs } = kernel;
  const counts = { events, answered: history.answered, reconfigurations, joins, virtualMs, healMs };
  return { seed, findings: history.findings, ...counts, faults, sometimes: sometimes.counts, story: story.lines };
}

function beginLoad(world: World, endMs: number): void {
  const { kernel, docs } = world;
  for (const client of world.writers) {
    const prng = kernel.chance(`load ${client.name}`);
    const mine = docs.filter(() => prng.below(2) === 0);
    const writes = mine.length > 0 ? mine : [prng.pick(docs)];
    const meanMs = prng.pick([8, 20, 60, 200, 1_000]);
    for (const doc of writes) client.open(doc, false);
    every(
      world,
      client,
      endMs,
      () => -Math.log(1 - prng.next()) * meanMs,
      () => {
        const burst = prng.below(8) === 0 ? 1 + prng.below(6) : 1;
        for (let count = 0; count < burst && client.unsettled < 24; count += 1) {
          client.send(prng.pick(writes), channelOf(world, prng.below(10)));
        }
      },
    );
  }
  for (const client of world.readers) {
    const prng = kernel.chance(`load ${client.name}`);
    const meanMs = prng.pick([40, 150]);
    every(
      world,
      client,
      endMs,
      () => meanMs * (0.5 + prng.next()),
      () => client.reopen(prng.pick(docs)),
    );
  }
}

function channelOf({ isRoaming }: World, dice: number): SendChannel {
  if (dice === 0) return 'refuse';
  return dice === 1 && !isRoaming ? 'invalid' : 'add';
}

function every(world: World, client: SimClient, endMs: number, pauseMs: () => number, act: () => void): void {
  const again = (): void => {
    if (world.kernel.nowMs >= endMs) return;
    act();
    world.kernel.after(pauseMs(), again);
  };
  world.kernel.after(pauseMs(), () => client.enter(again));
}

function isHealed(world: World): boolean {
  const { machines, writers, readers } = world;
  if (![...writers, ...readers].every(({ isSettled }) => isSettled)) return false;
  const { claims, cluster } = world;
  const isWhole =
    claims.size === cluster.chains && [...claims.values()].every(({ members }) => members.size >= cluster.replication);
  return isWhole && machines.every(({ process }) => process !== undefined && isServingAll(process));
}

/** A condition that is looked at now and then: it costs more than most events. */
function now(world: World, holds: (world: World) => boolean): () => boolean {
  let nextMs = 0;
  return () => {
    if (world.kernel.nowMs < nextMs) return false;
    nextMs = world.kernel.nowMs + lookMs;
    return holds(world);
  };
}

/** The same, of one that costs a walk over all that was written. */
function rarely(world: World, holds: (world: World) => boolean): () => boolean {
  let nextMs = 0;
  return () => {
    if (world.kernel.nowMs < nextMs) return false;
    nextMs = world.kernel.nowMs + idleLookMs;
    return holds(world);
  };
}

/** Nobody holds a connection whose other end is gone. */
function isLinked({ network }: World): boolean {
  for (const { twin } of network.sockets) if (twin === undefined) return false;
  return true;
}

/** Does the world still work? */
async function probe(world: World): Promise<void> {
  const { kernel, writers, readers, docs, history } = world;
  const doc = docs[0] as string;
  for (const client of writers) {
    client.open(doc, false);
    client.send(doc, 'add');
  }
  if (!(await kernel.run(kernel.nowMs + healMsMax, now(world, isHealed)))) {
    return history.find('converged', `a healed cluster does not answer: ${describeUnhealed(world)}`);
  }
  for (const name of docs) readers[0]?.reopen(name);
  if (!(await kernel.run(kernel.nowMs + healMsMax, now(world, isHealed)))) {
    return history.find('converged', `a healed cluster does not open: ${describeUnhealed(world)}`);
  }
  await kernel.run(kernel.nowMs + restMsMin);
  await kernel.run(kernel.nowMs + restMsMax - restMsMin, now(world, isLinked));
  await kernel.run(kernel.nowMs + idleMsMax, rarely(world, isIdle));
  // A planned move may be under way just now.
  await kernel.run(kernel.nowMs + healMsMax, now(world, isHealed));
}

function check(world: World): void {
  for (const client of [...world.writers, ...world.readers]) {
    client.showAll();
    for (const { doc, seq } of client.screens) checkFinal(world, client.name, doc, seq);
  }
  const documents = checkLogs(world);
  checkSnapshots(world);
  checkAnswers(world, documents);
  checkLife(world, documents);
  checkReads(world, documents);
}

/** The last send of a document that anybody was told of is on every screen at the end. */
function checkFinal(world: World, client: string, doc: string, seq: number): void {
  for (const { outcome, doc: of, value, channel } of world.history.sends) {
    if (of === doc && channel === 'add' && outcome.kind === 'answered' && outcome.seq > seq) {
      return world.history.find(
        'views',
        `${client} shows ${doc} at seq ${seq} for ever, and ${value} is at ${outcome.seq}`,
      );
    }
  }
}

function describeUnhealed(world: World): string {
  const clients = [...world.writers, ...world.readers].filter(({ isSettled }) => !isSettled).map(({ name }) => name);
  const hosts = world.machines.flatMap(({ id, process }) =>
    process !== undefined && isServingAll(process)
      ? []
      : [`${id} ${process?.state}: ${process?.replicas.map(({ phase }) => phase.kind).join(', ')}`],
  );
  return `hosts not serving: ${hosts.join('; ') || 'none'}; clients not settled: ${clients.join(', ') || 'none'}`;
}
