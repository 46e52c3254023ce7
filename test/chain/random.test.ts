// The chain under chance: messages, syncs, reads, crashes, broken links and proposals in any order, then all faults end. One
// seed decides everything; a failing one prints the story that led to it.
import t from 'tap';
import { Prng } from '../prng.ts';
import { World } from './world.ts';

const seeds = 1_000;
const stepsPerSeed = 400;

type Sometimes = Record<string, number>;

function act(world: World, prng: Prng, calm: number, sometimes: Sometimes): void {
  const names = [...world.members.keys()];
  const [a, b] = [prng.pick(names), prng.pick(names)];
  const count = (what: string, happened: boolean): void => {
    if (happened) sometimes[what] = (sometimes[what] ?? 0) + 1;
  };
  const dice = prng.below(100);
  const one = world.member(a);
  if (dice < 40) world.deliver(a, b);
  else if (dice < 62) world.sync(a);
  else if (dice < 66) world.startWrite(a);
  else if (dice < 76) world.read(a);
  else if (dice < 90) count('proposed', world.head !== undefined && world.propose(world.head.id));
  else if (one.isUp && prng.next() < calm) return;
  else if (dice < 93 && one.isUp) {
    count('crashed as head', world.head === one);
    count('crashed while copying', one.replica.phase.kind === 'copying');
    count('crashed in a write', one.writing !== undefined);
    world.crash(a, prng.below(2) === 0);
  } else if (dice < 96) {
    if (a !== b && world.isLinked(a, b)) {
      count('link broke while serving', one.replica.phase.kind === 'serving');
      world.disconnect(a, b);
    }
  } else if (!one.isUp) world.restart(a);
  else if (a !== b && world.member(b).isUp && !world.isLinked(a, b)) {
    count('link came back while serving', one.replica.phase.kind === 'serving');
    world.connect(a, b);
  }
}

function runSeed(seed: number, sometimes: Sometimes): World {
  const prng = new Prng(seed);
  // How seldom faults come is chance too: some seeds are a storm, some are nearly quiet.
  const calm = 1 - prng.next() ** 2;
  const world = new World(['a', 'b', 'c']);
  try {
    world.heal();
    if (prng.below(2) === 0) world.settle();
    for (let step = 0; step < stepsPerSeed; step += 1) act(world, prng, calm, sometimes);
    // Faults in a quiet chain find what a busy one hides: there, the next message repairs the last.
    world.heal();
    world.settle();
    world.checkPromises();
    if (world.head === undefined) throw new Error('C13: a healed chain serves');
    const { acked, received } = world.head.replica;
    if (acked.lsn !== received.lsn) throw new Error(`C5: at rest, ${acked.lsn} of ${received.lsn} is acked`);
    world.propose(world.head.id);
    world.settle();
    world.checkPromises();
    sometimes['epochs'] = (sometimes['epochs'] ?? 0) + world.head.replica.epoch;
    sometimes['answered'] = (sometimes['answered'] ?? 0) + world.promises.size;
  } catch (cause) {
    throw new Error(`seed ${seed}: ${String(cause)}\n${world.trace.slice(-60).join('\n')}`, { cause });
  }
  return world;
}

t.test(
  '[C3] [C4] [C5] [C6] [C7] [C13] [C16] nothing answered is lost, whatever happens in whichever order',
  async (t) => {
    const sometimes: Sometimes = {};
    for (let seed = 1; seed <= seeds; seed += 1) runSeed(seed, sometimes);
    t.comment(JSON.stringify(sometimes));
    const interesting = [
      'proposed',
      'crashed as head',
      'crashed while copying',
      'crashed in a write',
      'link broke while serving',
      'link came back while serving',
    ];
    for (const state of interesting) t.ok((sometimes[state] ?? 0) > 10, `${state} happened`);
  },
);
