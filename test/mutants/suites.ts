// Who may catch a mutant: a suite is a compiled test, run on the mutated copy until it fails; or the simulator, seed after seed.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Summary } from '../sim/summary.ts';

/** `seeds` is how many were run until it was caught, where the suite counts in seeds. */
export type Catch = { readonly by: string; readonly seeds: number | undefined; readonly text: string };

/** A suite that takes this long hangs, and has caught what made it hang. */
const suiteMsMax = 240_000;
const sliceSeeds = 100;
/** Of the chain under chance: what takes more of them, a story may tell sooner. */
const chanceSeeds = '1000';

const members = ['former', 'member', 'pages', 'normal', 'join', 'driver', 'start'].map(
  (name) => `test/chain/${name}.test.js`,
);

const ofStore = (name: string): string => `test/store/${name}.test.js`;
const ofGossip = (name: string): string => `test/gossip/${name}.test.js`;
const ofRegister = (name: string): string => `test/register/${name}.test.js`;

const backups = ['exporting', 'backup', 'restore'].map((name) => `test/host/${name}.test.js`);
const isOfBackups = /^(engine\/store\/(export|lay|backup-)|host\/(exporting|backup|restore))/;
/** Of what is shown and never stored. */
const ofShown = ['document/ephemera', 'document/ephemera-random', 'host/ephemera', 'proxy/ephemera', 'proxy/shown'];
const shownSuites = ofShown.map((name) => `test/${name}.test.js`);
const isOfShown = /^(engine\/document\/view\/ephemera|host\/ephemera|proxy\/(session|showing|latest-shown|client\/))/;
/** Of what views look at. */
const ofLooks = ['document/looks', 'host/looks', 'proxy/looks', 'testing/looks'];
const lookSuites = ofLooks.map((name) => `test/${name}.test.js`);
const isOfLooks = /^(engine\/document\/view\/(look|present)|host\/looks|proxy\/(client\/)?looking)\.js$/;
/** What only documents in threads can see. */
const inThreads = [
  'test/host/workers.test.js',
  'test/host/blame.test.js',
  'test/host/rests.test.js',
  'test/host/chaos.test.js',
];
/** What documents do by themselves. */
const byThemselves = ['events', 'limits', 'undo', 'staged', 'excess'].map((name) => `test/document/${name}.test.js`);
const atDesks = ['desk-life', 'outbox', 'life-threads'].map((name) => `test/host/${name}.test.js`);
/** What is counted, and by whom. */
const counting = ['document/account', 'host/quotas', 'host/quotas-edges'].map((name) => `test/${name}.test.js`);
const lives = ['test/host/deletion.test.js', 'test/host/history.test.js'];
/** Other code for documents. */
const migrating = ['migration', 'compare', 'compare-random'].map((name) => `test/document/${name}.test.js`);
const deploying = 'test/host/deploying.test.js';
const isOfVersions =
  /^engine\/document\/(definition\/(migrate|compare|describe|takes|steps)|draft\/stored|life\/version)\.js$/;
/** What stands beside a store is seen where a host opens it. */
const trusting: readonly string[] = [
  'engine/store/watermark.js',
  ...['believing', 'opening', 'host-files', 'watermark-keeper', 'doubt'].map((name) => `host/${name}.js`),
];

/** By the room that is mutated: the cheap ones first, then what they cannot see. */
export function suitesFor(file: string): readonly string[] {
  if (file.startsWith('chain/register/')) return ['chance', 'acceptor', 'proposer', 'replacement'].map(ofRegister);
  if (file.startsWith('chain/gossip/')) return ['members', 'hints', 'exchange', 'random'].map(ofGossip);
  if (file === 'chain/node.js') return [];
  if (file === 'chain/steward.js' || file === 'chain/detector.js') return [`test/${file.replace('.js', '.test.js')}`];
  if (file === 'chain/voter-care.js') return ['test/chain/voter-care.test.js'];
  if (file.startsWith('chain/')) return ['test/chain/random.test.js', 'test/golden.test.js', ...members];
  if (file === 'host/host.js' || file === 'engine/base/assert.js') return ['test/host/host.test.js'];
  if (file.startsWith('engine/store/verify')) return ['verify', 'verify-running'].map(ofStore);
  if (file === 'host/scrub.js') return ['test/host/scrub.test.js'];
  if (isOfBackups.test(file)) return backups;
  if (file === 'host/lock.js') return ['test/host/opening.test.js'];
  if (['host/space.js', 'host/memory.js'].includes(file)) return [`test/${file.replace('.js', '.test.js')}`];
  if (['host/shelf.js', 'engine/document/operate.js', 'engine/document/life/update.js'].includes(file))
    return [...lives, 'test/document/update.test.js', 'test/document/migration.test.js'];
  if (isOfVersions.test(file)) return migrating;
  if (file === 'host/code.js' || file === 'host/deploying.js') return ['test/host/code.test.js'];
  if (file === 'engine/store/erasing.js') return ['test/store/erasing.test.js'];
  if (trusting.includes(file)) return ['test/host/opening.test.js', 'test/host/doubt.test.js'];
  if (file.startsWith('engine/store/'))
    return [...['open', 'document-index', 'store', 'folding', 'pages', 'whole', 'erasing'].map(ofStore), ...lives];
  if (file === 'engine/document/life/sessions.js')
    return ['answers', 'document'].map((name) => `test/document/${name}.test.js`);
  if (isOfLooks.test(file)) return lookSuites;
  if (isOfShown.test(file)) return shownSuites;
  if (file.startsWith('engine/document/view/') || file.startsWith('engine/document/draft/'))
    return ['bubbles', 'copies', 'policies', 'views', 'overlay', 'fields', 'ephemera', 'looks'].map(
      (name) => `test/document/${name}.test.js`,
    );
  if (file === 'host/audience.js') return ['test/host/ephemera.test.js', ...lives];
  if (file === 'host/desk-reads.js') return ['test/host/unreadable.test.js'];
  if (file.startsWith('engine/document/quota/') || file === 'host/quotas.js') return counting;
  if (file === 'host/desk.js')
    return ['unreadable', 'speaking', 'ephemera', 'deploying', 'looks']
      .map((name) => `test/host/${name}.test.js`)
      .concat(atDesks, lives);
  if (file === 'host/shelves.js')
    return ['test/host/unreadable.test.js', ...inThreads, deploying, 'test/host/looks.test.js'];
  if (file === 'host/workers/rests.js') return ['test/host/rests.test.js', 'test/host/chaos.test.js'];
  if (file === 'host/held.js') return [...atDesks, ...inThreads, deploying];
  if (['host/workers/slot.js', 'host/openings.js'].includes(file))
    return [...inThreads, deploying, 'test/host/looks.test.js'];
  if (['desk-life', 'outbox', 'wakes', 'wake-search'].some((name) => file === `host/${name}.js`)) return atDesks;
  if (/^engine\/document\/((document|events|open|hours|undo|handle|context)|life\/(agenda|staged))\.js$/.test(file))
    return [...byThemselves, 'test/document/looks.test.js', 'test/host/life-threads.test.js'];
  if (file === 'engine/document/life/snapshot.js') return ['test/document/snapshot.test.js'];
  if (file.startsWith('host/testing/')) return ['document', 'looks'].map((name) => `test/testing/${name}.test.js`);
  if (file === 'proxy/page.js') return ['test/proxy/door.test.js'];
  if (file.startsWith('examples/')) return ['test/examples/definitions.test.js'];
  if (file === 'proxy/route.js' || file === 'proxy/attachments.js')
    return ['test/proxy/routing.test.js', 'test/proxy/ephemera.test.js'];
  return file === 'host/batcher.js' ? ['test/host/batcher.test.js'] : [];
}

/** Undefined where the suite passes. */
export async function runSuite(copy: string, suite: string): Promise<Catch | undefined> {
  const { lines, end } = await run(join(copy, 'dist', suite), [], copy);
  if (end === '0') return undefined;
  const failed =
    lines.find((line) => /^\s*not ok/.test(line))?.replace(/^\s*not ok \d+ - /, '') ?? `it ended with ${end}`;
  const seed = /\bseed (\d+)/.exec(failed)?.[1];
  const by = suite.replace(/^test\/|\.test\.js$/g, '');
  return { by, seeds: seed === undefined ? undefined : Number(seed), text: failed };
}

/** Slice after slice, each in a process of its own. One that dies, or hangs in a seed, has caught the mutant too. */
export async function runSimulator(copy: string, seedsMax: number): Promise<Catch | undefined> {
  for (let tried = 0; tried < seedsMax; ) {
    const count = Math.min(sliceSeeds, seedsMax - tried);
    const words = ['--slice', '--stop-at-first', '--seed', `${tried + 1}`, '--seeds', `${count}`];
    const { lines, end } = await run(join(copy, 'dist/test/sim/main.js'), words, copy);
    const last = lines.at(-1) ?? '';
    if (!last.startsWith('{')) return { by: 'sim: the process', seeds: tried + count, text: `it ended with ${end}` };
    const { seeds, failed } = JSON.parse(last) as Summary;
    tried += seeds;
    const finding = failed[0]?.findings[0];
    if (finding !== undefined) return { by: `sim: ${finding.check}`, seeds: tried, text: finding.text };
  }
  return undefined;
}

async function run(file: string, words: readonly string[], cwd: string): Promise<{ lines: string[]; end: string }> {
  const child = spawn(process.execPath, [file, ...words], {
    cwd,
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { ...process.env, SEEDS: chanceSeeds, TAP_TIMEOUT: '200', TAP_BAIL: '1' },
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), suiteMsMax);
  const ended = new Promise<string>((resolve) => child.on('close', (code, signal) => resolve(signal ?? String(code))));
  const lines: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) lines.push(line);
  const end = await ended;
  clearTimeout(timer);
  return { lines, end };
}
