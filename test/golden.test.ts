// Golden transcripts: each file of test/golden/*.txt is a story of a chain, told in commands and in what they caused. A block
// is one or more commands, a line `----`, and the lines that followed, up to an empty line; `#` begins a comment.
// `GOLDEN=write npm test` writes what happened into the files: commit only what you can explain.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { servingOf } from '../chain/configuration.ts';
import { describeConfiguration, describePosition, describeReplica } from '../chain/describe.ts';
import type { HostId } from '../engine/base/ids.ts';
import { heal, settle } from './chain/policy.ts';
import { quick, World } from './chain/world.ts';

const folder = new URL('../../test/golden/', import.meta.url);

type Command = (world: World, a: string, b: string, c: string) => unknown;

const commands: Readonly<Record<string, Command>> = {
  /** Links all hosts and lets a chain of them, or of `order`, begin. */
  start: (world, order = '') => {
    const hosts = order === '' ? [...world.members.keys()] : order.split('>');
    heal(world);
    settle(world);
    world.reconfigure('a', hosts, hosts.length);
    settle(world);
    world.trace = [];
    show(world);
  },
  /** All that can happen without a fault happens, but is not told. */
  settle: (world) => {
    settle(world);
    world.trace = [];
    show(world);
  },
  /** The same, and told. */
  'settle-aloud': (world) => settle(world),
  /** The same, not told, but that what is on its way between two hosts stays there. */
  'settle-but': (world, a, b) => {
    settle(world, undefined, (from, to) => (from === a && to === b) || (from === b && to === a));
    world.trace = [];
    show(world);
  },
  show: (world) => show(world),
  links: (world) => {
    for (const [way, { items }] of world.links.ways) if (items.length > 0) world.trace?.push(`${way} ${items.length}`);
  },
  register: (world) => {
    const { value } = world.register;
    world.trace?.push(`the register holds ${value === undefined ? 'nothing' : describeConfiguration(value)}`);
  },
  log: (world, a) => {
    const records = world.member(a).disk.records.map((one) => `${describePosition(one)} of e${one.epoch}`);
    world.trace?.push(`${a} ${records.join(', ')}`);
  },
  propose: (world, a) => world.propose(a) || world.trace?.push(`${a} proposes nothing`),
  barrier: (world, a) => world.barrier(a) || world.trace?.push(`${a} heads nothing`),
  deliver: (world, a, b) => world.deliver(a, b) || world.trace?.push(`nothing from ${a} to ${b}`),
  /** Delivers all that is on its way from one to the other. */
  drain: (world, a, b) => {
    while (world.deliver(a, b));
  },
  sync: (world, a) => world.sync(a) || world.trace?.push(`${a} has nothing to write`),
  /** The disk begins to write what is queued. */
  hand: (world, a) => world.startWrite(a),
  /** The register does what it was asked, and says so; does it, and has not said so yet; or never says. */
  decide: (world, a) => world.decide(a) || world.trace?.push(`${a} asked nothing`),
  happen: (world, a) => world.happen(a),
  lapse: (world, a) => world.lapse(a),
  look: (world, a) => world.tell(a, { kind: 'look' }),
  reconfigure: (world, a, order, min) => world.reconfigure(a, order.split('>'), Number(min || 1)),
  hurry: (world, a) => world.tell(a, { kind: 'hurry' }),
  add: (world, a, b) => world.tell(a, { kind: 'add', host: b as HostId }),
  remove: (world, a, b) => world.tell(a, { kind: 'remove', host: b as HostId }),
  break: (world, a, b) => world.disconnect(a, b),
  link: (world, a, b) => world.connect(a, b),
  crash: (world, a, b) => {
    world.crash(a, b === 'kept', (sent) => sent);
    for (const other of world.members.keys()) while (world.deliver(a, other));
  },
  restart: (world, a) => world.restart(a),
  'restart-empty': (world, a) => world.restart(a, true),
  promises: (world) => {
    const { lsn, hash } = world.witness.promised;
    const serving = servingOf(world.register.value?.members ?? []).map(({ host }) => world.member(host).disk.records);
    const isThere = serving.every((records) => records.length === lsn && records.at(-1)?.hash === hash);
    world.trace?.push(isThere ? `${lsn} committed, on every disk of those who serve` : 'the disks differ');
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
  const world = new World(['a', 'b', 'c'], { ...quick, isReadQuick: true });
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
  const [name = '', a = '', b = '', c = ''] = line.split(' ');
  const command = commands[name];
  if (command === undefined) throw new Error(`not a command: ${line}`);
  world.trace = [];
  command(world, a, b, c);
  return [...(world.trace ?? [])];
}

function show(world: World): void {
  for (const { id, isUp, replica, disk } of world.members.values()) {
    const state = isUp ? describeReplica(replica) : 'down';
    world.trace?.push(`${id} ${state}, disk #${disk.records.length}`);
  }
}
