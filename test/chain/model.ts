// A model checker: breadth first over everything that may happen next in a small world, with the real replicas. A scope says who
// is there and how often each thing may still happen; within it all orders are tried, and what is said of one replica
// (chain/replica-check.ts) and of a whole chain (witness.ts) is checked in every state. The first that breaks is the shortest.
import { mayFold } from '../../chain/pages.ts';
import type { Replica } from '../../chain/state.ts';
import type { HostId } from '../../engine/base/ids.ts';
import { digest, keyOf } from './key.ts';
import { checkMended, mayLoseDisk, mend } from './policy.ts';
import type { Habits, Member } from './world.ts';
import { World } from './world.ts';

/** How often each may still happen. */
export type Budget = {
  readonly propose: number;
  readonly barrier: number;
  /** A crash of any host; the write in flight is kept or lost. */
  readonly crash: number;
  /** Of those that crashed, how many start again; and how many of them with an empty disk. */
  readonly restart: number;
  readonly diskLoss: number;
  /** A link breaks and is there again; what was on its way arrives, or is lost. */
  readonly flap: number;
  readonly hurry: number;
  readonly look: number;
  readonly add: number;
  readonly remove: number;
  /** The register's answer is lost; what was asked may have happened, or may yet. */
  readonly lapse: number;
  /** What is committed is folded, and the log trimmed. */
  readonly fold: number;
  /** Which of the scope's reconfigurations are still to come: a bit each. */
  readonly drives: number;
};

export type Intent = { readonly driver: string; readonly order: readonly string[]; readonly serversMin: number };

export type Scope = {
  readonly name: string;
  readonly hosts: readonly string[];
  readonly budget: Partial<Budget>;
  readonly drives?: readonly Intent[];
  /** Who may be hurried, crash, have a link that flaps: everybody, where it is not said. */
  readonly crashes?: readonly string[];
  readonly flaps?: readonly (readonly [string, string])[];
  readonly joiner?: string;
  readonly habits?: Partial<Habits>;
  /** What was on its way from a process that crashes is lost, or arrives. */
  readonly isLossy?: boolean;
  /** A CAS and the news of it are two moments. */
  readonly isRegisterSlow?: boolean;
  readonly depth: number;
  readonly mendEvery?: number;
  /** How many states there are: pinned. */
  readonly states: number;
  readonly prepare: (world: World) => void;
};

export type Found = {
  readonly states: number;
  readonly depth: number;
  readonly mended: number;
  /** The shortest story that breaks something, as a trace of the world. */
  readonly broken: { readonly reason: string; readonly story: readonly string[] } | undefined;
};

const none: Budget = {
  ...{ propose: 0, barrier: 0, crash: 0, restart: 0, diskLoss: 0, flap: 0 },
  ...{ hurry: 0, look: 0, add: 0, remove: 0, lapse: 0, fold: 0, drives: 0 },
};
const modelHabits: Habits = {
  isEncoded: false,
  isSelfQuick: true,
  isReadQuick: true,
  isDiskQuick: true,
  hasActivation: false,
};

type Act = { readonly name: string; readonly spends: Partial<Budget>; readonly run: (world: World) => unknown };
type Node = { readonly world: World; readonly budget: Budget; readonly id: number };

/** Every how many states one is mended, as if all faults had ended there, where a scope does not say. */
const mendEveryUsual = 61;

export function explore(scope: Scope, statesMax = Number.POSITIVE_INFINITY): Found {
  const seen = new Set<number>();
  const came: { readonly from: number; readonly name: string }[] = [];
  const first = { world: begin(scope), budget: budgetOf(scope), id: 0 };
  seen.add(digest(keyOf(first.world, JSON.stringify(first.budget))));
  came.push({ from: -1, name: '' });
  let frontier: Node[] = [first];
  let depth = 0;
  let mended = 0;
  for (; frontier.length > 0 && depth < scope.depth && came.length < statesMax; depth += 1) {
    const next: Node[] = [];
    for (const node of frontier) {
      for (const act of actsOf(scope, node)) {
        const world = node.world.clone();
        const budget = spend(node.budget, act.spends);
        const id = came.length;
        try {
          act.run(world);
          world.witness.check(world.members);
          const key = digest(keyOf(world, Object.values(budget).join()));
          if (seen.has(key)) continue;
          seen.add(key);
          came.push({ from: node.id, name: act.name });
          if (key % (scope.mendEvery ?? mendEveryUsual) === 0) {
            mended += 1;
            checkHeals(world);
          }
        } catch (cause) {
          const path = [...pathTo(came, node.id), act.name];
          return { states: came.length, depth, mended, broken: { reason: String(cause), story: retell(scope, path) } };
        }
        next.push({ world, budget, id });
      }
    }
    frontier = next;
  }
  return { states: came.length, depth, mended, broken: undefined };
}

function begin(scope: Scope): World {
  const world = new World(scope.hosts, { ...modelHabits, ...scope.habits });
  scope.prepare(world);
  return world;
}

function budgetOf({ budget, drives }: Scope): Budget {
  return { ...none, ...budget, drives: 2 ** (drives?.length ?? 0) - 1 };
}

function spend(budget: Budget, spends: Partial<Budget>): Budget {
  const left: Record<string, number> = { ...budget };
  for (const [name, count] of Object.entries(spends)) left[name] = (left[name] ?? 0) - count;
  return left as Budget;
}

/** However it came about, a fair policy leads out of it. */
function checkHeals(world: World): void {
  const copy = world.clone();
  mend(copy, (members) => members[0] as Member);
  checkMended(copy);
}

function actsOf(scope: Scope, { world, budget }: Node): Act[] {
  const acts: Act[] = [];
  for (const { from, to, items } of world.links.ways.values()) {
    if (items.length > 0 && from !== to)
      acts.push({ name: `deliver ${from} ${to}`, spends: {}, run: (one) => one.deliver(from, to) });
  }
  for (const member of world.members.values()) {
    if (member.isUp) actsOfMember(scope, member, budget, acts);
    else if (budget.restart > 0) actsOfDown(world, member, budget, acts);
  }
  if (budget.flap > 0) actsOfLinks(scope, world, acts);
  world.register.late.forEach((_, index) => {
    acts.push({ name: `late ${index}`, spends: {}, run: (one) => one.happenLate(index) });
  });
  scope.drives?.forEach(({ driver, order, serversMin }, index) => {
    const { isUp, replica } = world.member(driver);
    if (!isUp || replica.asking !== undefined || (budget.drives & (1 << index)) === 0) return;
    const run = (one: World): unknown => one.reconfigure(driver, order, serversMin);
    acts.push({ name: `reconfigure ${driver} ${order.join('>')} ${serversMin}`, spends: { drives: 1 << index }, run });
  });
  return acts;
}

function actsOfMember(scope: Scope, member: Member, budget: Budget, acts: Act[]): void {
  const { id, writing, question, isHead, replica } = member;
  const push = (name: string, spends: Partial<Budget>, run: Act['run']): void => {
    acts.push({ name: `${name} ${id}`, spends, run });
  };
  if (writing !== undefined) push('sync', {}, (one) => one.sync(id));
  if (member.reads.length > 0) push('read', {}, (one) => one.read(id));
  if (question !== undefined) {
    const isWaiting = scope.isRegisterSlow === true && question.decision === undefined;
    if (isWaiting) push('happen', {}, (one) => one.happen(id));
    else push('decide', {}, (one) => one.decide(id));
    if (budget.lapse > 0 && question.kind === 'cas') push('lapse', { lapse: 1 }, (one) => one.lapse(id));
  }
  if (isHead && budget.propose > 0 && canTake(replica)) push('propose', { propose: 1 }, (one) => one.propose(id));
  if (budget.fold > 0 && mayFold(replica) && replica.committed > member.disk.start)
    push('fold', { fold: 1 }, (one) => one.fold(id));
  if (isHead && budget.barrier > 0) push('barrier', { barrier: 1 }, (one) => one.barrier(id));
  if (budget.hurry > 0 && canHurry(replica)) push('hurry', { hurry: 1 }, (one) => one.tell(id, { kind: 'hurry' }));
  if (budget.look > 0 && replica.asking === undefined)
    push('look', { look: 1 }, (one) => one.tell(id, { kind: 'look' }));
  const host = scope.joiner as HostId;
  if (budget.add > 0 && mayChange(replica))
    push(`add ${host}`, { add: 1 }, (one) => one.tell(id, { kind: 'add', host }));
  if (budget.remove > 0 && mayChange(replica))
    push(`remove ${host}`, { remove: 1 }, (one) => one.tell(id, { kind: 'remove', host }));
  if (budget.crash > 0 && scope.crashes?.includes(id) !== false) actsOfCrash(scope, member, push);
}

function actsOfCrash(
  { isLossy }: Scope,
  { id, writing }: Member,
  push: (name: string, spends: Partial<Budget>, run: Act['run']) => void,
): void {
  for (const isKept of writing === undefined ? [false] : [false, true])
    for (const isLost of isLossy === true ? [false, true] : [false]) {
      const name = `crash${isKept ? ' kept' : ''}${isLost ? ' unheard' : ''}`;
      push(name, { crash: 1 }, (one) => one.crash(id, isKept, (sent) => (isLost ? sent : 0)));
    }
}

function actsOfDown(before: World, member: Member, { diskLoss }: Budget, acts: Act[]): void {
  const { id } = member;
  const restart = (world: World, isDiskLost: boolean): void => {
    world.restart(id, isDiskLost);
    for (const other of world.members.keys()) if (world.dial(id, other)) world.deliver(other, id);
  };
  acts.push({ name: `restart ${id}`, spends: { restart: 1 }, run: (world) => restart(world, false) });
  const spends = { restart: 1, diskLoss: 1 };
  if (diskLoss > 0 && mayLoseDisk(before, member))
    acts.push({ name: `restart empty ${id}`, spends, run: (world) => restart(world, true) });
}

function actsOfLinks({ flaps, isLossy, hosts }: Scope, world: World, acts: Act[]): void {
  const pairs = flaps ?? hosts.flatMap((a, index) => hosts.slice(index + 1).map((b) => [a, b] as const));
  for (const [a, b] of pairs) {
    if (!world.links.isUp(a, b)) continue;
    for (const isLost of isLossy === true ? [false, true] : [true]) {
      const run = (one: World): void => {
        one.breakLink(a, b, (sent) => (isLost ? sent : 0));
        one.dial(a, b);
      };
      acts.push({ name: `flap${isLost ? ' unheard' : ''} ${a} ${b}`, spends: { flap: 1 }, run });
    }
  }
}

function canTake({ received, committed }: Replica): boolean {
  return received.lsn - committed < 3;
}

function canHurry({ drive }: Replica): boolean {
  return drive?.stage === 'sealing' || drive?.stage === 'transferring';
}

function mayChange({ phase, asking, drive }: Replica): boolean {
  return phase.kind === 'serving' && asking === undefined && drive === undefined;
}

function pathTo(came: readonly { readonly from: number; readonly name: string }[], id: number): string[] {
  const path: string[] = [];
  for (let at = id; at > 0; at = came[at]?.from ?? 0) path.unshift(came[at]?.name ?? '');
  return path;
}

/** The same steps once more, told. */
function retell(scope: Scope, path: readonly string[]): string[] {
  const world = begin(scope);
  world.trace = [];
  let budget = budgetOf(scope);
  try {
    for (const name of path) {
      world.trace.push(`== ${name}`);
      const act = actsOf(scope, { world, budget, id: 0 }).find((one) => one.name === name);
      if (act === undefined) throw new Error(`cannot ${name}`);
      act.run(world);
      budget = spend(budget, act.spends);
      world.witness.check(world.members);
    }
    world.trace.push('== and then all faults end');
    mend(world, (members) => members[0] as Member);
    checkMended(world);
  } catch (cause) {
    world.trace.push(String(cause));
  }
  return world.trace;
}
