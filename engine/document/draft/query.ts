// Questions to a table. A query is what was said; `find` answers it with ids, from the shortest run of rows in any order that the table
// remembers, so that an index saves looking and never changes an answer (D27).
import type { Json } from '../../base/merge-patch.ts';
import type { Rank } from './rank.ts';
import { compareRanks } from './rank.ts';
import type { Edge, Entry } from './sorted.ts';
import { placeOf, walk } from './sorted.ts';
import type { TableMemory } from './table-memory.ts';
import { rankIn, rowIn } from './table-memory.ts';
import type { TablePlan, TableRows } from './table-rows.ts';
import { mistake } from './values.ts';

/** The ranks of a field from one edge to another; undefined = from the first, to the last. */
export type Condition = { readonly field: string; readonly from: Edge | undefined; readonly to: Edge | undefined };
type Test = (row: object) => boolean;
type Direction = { readonly field: string; readonly isDown: boolean };

export type Wanted = {
  readonly conditions: readonly Condition[];
  readonly tests: readonly Test[];
  /** The first counts most. */
  readonly directions: readonly Direction[];
  readonly skip: number;
  readonly limit: number;
};

export const everything: Wanted = {
  conditions: [],
  tests: [],
  directions: [],
  skip: 0,
  limit: Number.POSITIVE_INFINITY,
};

export function withEqual(plan: TablePlan, wanted: Wanted, equal: object): Wanted {
  const conditions = Object.entries(equal).map(([field, value]): Condition => {
    const rank = rankOfValue(plan, field, value);
    return { field, from: { rank, isAfter: false }, to: { rank, isAfter: true } };
  });
  return { ...wanted, conditions: [...wanted.conditions, ...conditions] };
}

export function withTest(wanted: Wanted, test: Test): Wanted {
  return { ...wanted, tests: [...wanted.tests, test] };
}

export function withRange(plan: TablePlan, wanted: Wanted, field: string, is: unknown, value: unknown): Wanted {
  if (!plan.ordered.has(field)) throw mistake(`${plan.name} has no order by ${JSON.stringify(field)}`);
  if (value === null) throw mistake(`${plan.name}: null is in no range of ${field}`);
  const rank = rankOfValue(plan, field, value);
  return { ...wanted, conditions: [...wanted.conditions, { field, ...edgesOf(plan, is, rank) }] };
}

function edgesOf(plan: TablePlan, is: unknown, rank: Rank): Omit<Condition, 'field'> {
  const notNull = { rank: null, isAfter: true };
  switch (is) {
    case '<':
      return { from: notNull, to: { rank, isAfter: false } };
    case '<=':
      return { from: notNull, to: { rank, isAfter: true } };
    case '>':
      return { from: { rank, isAfter: true }, to: undefined };
    case '>=':
      return { from: { rank, isAfter: false }, to: undefined };
    default:
      throw mistake(`${plan.name}: a range is one of < <= > >=`);
  }
}

export function withDirection(plan: TablePlan, wanted: Wanted, field: string, direction: unknown): Wanted {
  if (!plan.ordered.has(field)) throw mistake(`${plan.name} has no order by ${JSON.stringify(field)}`);
  if (direction !== 'asc' && direction !== 'desc') throw mistake(`${plan.name} is ordered 'asc' or 'desc'`);
  // What was said of a field before counts more.
  if (wanted.directions.some((one) => one.field === field)) return wanted;
  return { ...wanted, directions: [...wanted.directions, { field, isDown: direction === 'desc' }] };
}

export function withLimit(plan: TablePlan, wanted: Wanted, count: number): Wanted {
  return { ...wanted, limit: Math.min(wanted.limit, checkCount(plan, count)) };
}

export function withSkip(plan: TablePlan, wanted: Wanted, count: number): Wanted {
  return { ...wanted, skip: wanted.skip + checkCount(plan, count) };
}

function checkCount(plan: TablePlan, count: number): number {
  if (Number.isSafeInteger(count) && count >= 0) return count;
  throw mistake(`${plan.name}: a count is a whole number from 0`);
}

/** HANDLER_FAILED for what the field cannot hold, and for undefined: that is a value which the handler does not have. */
export function rankOfValue(plan: TablePlan, field: string, value: unknown): Rank {
  const store = plan.stores.get(field);
  if (store === undefined) throw mistake(`rows of ${plan.name} are not found by ${JSON.stringify(field)}`);
  if (value === undefined || (value === null && !plan.nullable.has(field)))
    throw mistake(`${plan.name} was asked for ${field} of ${String(value)}`);
  const stored: Json | undefined = store(value);
  return rankIn(plan, stored === undefined ? {} : { [field]: stored }, field);
}

/** Rows that stand behind each other in some order of the table. */
type Run = {
  readonly entries: readonly Entry[];
  readonly from: number;
  readonly to: number;
  /** What the order is by, undefined = age. */
  readonly field: string | undefined;
};

/** The ids of what is wanted, in order; `isLastOnly`: of the last of them. */
export function find(rows: TableRows, wanted: Wanted, isLastOnly = false): string[] {
  const memory = rows.memory();
  if (memory === undefined || wanted.limit === 0) return [];
  const run = runOf(memory, wanted);
  const isDown = inOrder(run, wanted.directions);
  // Backwards, the first match is the last.
  const isBackwards = isLastOnly && isDown !== undefined && wanted.skip === 0 && wanted.limit === everything.limit;
  const most = isBackwards ? 1 : isDown === undefined ? everything.limit : wanted.skip + wanted.limit;
  const matches: Entry[] = [];
  for (const entry of walk(run.entries, run.from, run.to, isBackwards !== (isDown ?? false), isBackwards)) {
    if (!isMatch(rows, wanted, run, entry)) continue;
    matches.push(entry);
    if (matches.length >= most) break;
  }
  if (isDown === undefined) sort(rows, wanted.directions, matches);
  const found = matches.slice(wanted.skip, wanted.skip + wanted.limit).map(({ id }) => id);
  return isLastOnly ? found.slice(-1) : found;
}

/** The shortest run that holds all that is wanted; where nothing narrows it, one in the order that is wanted. */
function runOf(memory: TableMemory, { conditions, directions, tests }: Wanted): Run {
  const ages = memory.order.entries;
  let best: Run = { entries: ages, from: 0, to: ages.length, field: undefined };
  const [first, second] = directions;
  const ordered = first === undefined || second !== undefined ? undefined : memory.orderBy(first.field)?.entries;
  if (ordered !== undefined) best = { entries: ordered, from: 0, to: ordered.length, field: first?.field };
  for (const field of new Set(conditions.map((one) => one.field))) {
    const entries = memory.orderBy(field)?.entries;
    if (entries === undefined) continue;
    const edges = conditions.filter((one) => one.field === field);
    const from = Math.max(...edges.map((one) => (one.from === undefined ? 0 : placeOf(entries, one.from))));
    const to = Math.min(...edges.map((one) => (one.to === undefined ? entries.length : placeOf(entries, one.to))));
    if (to - from < best.to - best.from) best = { entries, from, to: Math.max(from, to), field };
  }
  if (tests.length === 0) return best;
  // A test is the handler's own, and may write: what it walks is a copy.
  const entries = best.entries.slice(best.from, best.to);
  return { entries, from: 0, to: entries.length, field: best.field };
}

/** Whether walking the run, down or up, gives the order that is wanted; undefined where it has to be sorted. */
function inOrder({ entries, from, to, field }: Run, directions: readonly Direction[]): boolean | undefined {
  const [first, second] = directions;
  if (from === to) return false;
  if (first === undefined) {
    const isByAge =
      field === undefined || compareRanks(entries[from]?.rank ?? null, entries[to - 1]?.rank ?? null) === 0;
    return isByAge ? false : undefined;
  }
  return field === first.field && second === undefined ? first.isDown : undefined;
}

function isMatch(rows: TableRows, { conditions, tests }: Wanted, run: Run, { id }: Entry): boolean {
  for (const condition of conditions) {
    // What the run is by holds for all of it.
    if (condition.field !== run.field && !holds(rows, condition, id)) return false;
  }
  for (const test of tests) {
    const row = rows.get(id);
    if (row === undefined || test(row) !== true) return false;
  }
  return true;
}

function holds(rows: TableRows, { field, from, to }: Condition, id: string): boolean {
  const row = rowIn(rows.table() ?? {}, id);
  if (row === undefined) return false;
  const rank = rankIn(rows.plan, row, field);
  if (from !== undefined && !isBehind(rank, from)) return false;
  return to === undefined || !isBehind(rank, to);
}

function isBehind(rank: Rank, edge: Edge): boolean {
  const order = compareRanks(rank, edge.rank);
  return edge.isAfter ? order > 0 : order >= 0;
}

function sort(rows: TableRows, directions: readonly Direction[], entries: Entry[]): void {
  const table = rows.table() ?? {};
  const keyed = entries.map((entry) => {
    const row = rowIn(table, entry.id) ?? {};
    return { entry, ranks: directions.map(({ field }) => rankIn(rows.plan, row, field)) };
  });
  keyed.sort((a, b) => {
    for (const [at, { isDown }] of directions.entries()) {
      const order = compareRanks(a.ranks[at] ?? null, b.ranks[at] ?? null);
      if (order !== 0) return isDown ? -order : order;
    }
    return a.entry.ordinal - b.entry.ordinal;
  });
  entries.splice(0, entries.length, ...keyed.map(({ entry }) => entry));
}
