// Golden transcripts: each file of test/golden/*.txt is a story of a chain, told in commands and in what they caused. A block
// is one or more commands, a line `----`, and the lines that followed, up to an empty line; `#` begins a comment.
// `GOLDEN=write npm test` writes what happened into the files: commit only what you can explain.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { describeReplica } from '../chain/describe.ts';
import { World } from './chain/world.ts';

const folder = new URL('../../test/golden/', import.meta.url);

const commands: Readonly<Record<string, (world: World, a: string, b: string) => unknown>> = {
  /** Links all members and lets the chain come to rest. */
  start: (world) => {
    world.heal();
    world.settle();
    world.trace.length = 0;
    show(world);
  },
  /** All that can happen without a fault happens, but is not told. */
  settle: (world) => {
    world.settle();
    world.trace.length = 0;
    show(world);
  },
  /** The same, and told. */
  'settle-aloud': (world) => world.settle(),
  /** The same, told, but that what is on its way between two members stays there. */
  'settle-but': (world, a, b) => world.settle((from, to) => (from === a && to === b) || (from === b && to === a)),
  show: (world) => show(world),
  links: (world) => {
    for (const [link, frames] of world.links) if (frames.length > 0) world.trace.push(`${link} ${frames.length}`);
  },
  propose: (world, a) => world.propose(a) || world.trace.push(`${a} proposes nothing`),
  deliver: (world, a, b) => world.deliver(a, b) || world.trace.push(`nothing from ${a} to ${b}`),
  /** Delivers all that is on its way from one to the other. */
  drain: (world, a, b) => {
    while (world.deliver(a, b));
  },
  sync: (world, a) => world.sync(a) || world.trace.push(`${a} has nothing to write`),
  read: (world, a) => world.read(a) || world.trace.push(`${a} has nothing to read`),
  break: (world, a, b) => world.disconnect(a, b),
  link: (world, a, b) => world.connect(a, b),
  crash: (world, a, b) => world.crash(a, b === 'kept'),
  restart: (world, a) => world.restart(a),
  promises: (world) => {
    world.checkPromises();
    world.trace.push(`${world.promises.size} committed, on every disk`);
  },
};

for (const file of readdirSync(folder).filter((name) => name.endsWith('.txt'))) {
  t.test(`${ruleOf(file)} ${file.slice(0, -4).replaceAll('-', ' ')}`, async (t) => {
    const path = fileURLToPath(new URL(file, folder));
    const before = readFileSync(path, 'utf8');
    const after = tell(before);
    if (process.env['GOLDEN'] === 'write') writeFileSync(path, after);
    else t.equal(after, before, `${file} tells what happens`);
  });
}

/** The rules that a story is about stand in its first line: `# C3, C5: ...`. */
function ruleOf(file: string): string {
  const first = readFileSync(new URL(file, folder), 'utf8').split('\n')[0] ?? '';
  return [...(first.split(':')[0] ?? '').matchAll(/[A-Z]\d+/g)].map(([rule]) => `[${rule}]`).join(' ');
}

/** The same story, with what happens now in place of what is written. */
function tell(text: string): string {
  const world = new World(['a', 'b', 'c']);
  const told: string[] = [];
  let isAnswer = false;
  let pending: string[] = [];
  for (const line of text.trimEnd().split('\n')) {
    if (line === '----') {
      told.push(line, ...pending.flatMap((command) => run(world, command)));
      pending = [];
      isAnswer = true;
    } else if (line === '') isAnswer = false;
    else if (!isAnswer && !line.startsWith('#')) pending.push(line);
    if (line !== '----' && !isAnswer) told.push(line);
  }
  if (pending.length > 0) throw new Error(`no ---- after: ${pending.join(', ')}`);
  return `${told.join('\n')}\n`;
}

function run(world: World, line: string): string[] {
  const [name = '', a = '', b = ''] = line.split(' ');
  const command = commands[name];
  if (command === undefined) throw new Error(`not a command: ${line}`);
  world.trace.length = 0;
  command(world, a, b);
  return [...world.trace];
}

function show(world: World): void {
  for (const { id, isUp, replica, disk } of world.members.values()) {
    const state = isUp ? describeReplica(replica) : 'down';
    world.trace.push(`${id} ${state}, disk #${disk.records.length}`);
  }
}
