// What a case must come to, and whether it did. Pure.
import type { Violation } from '../faults/record.ts';
import type { Finder, Finding } from './findings.ts';
import type { Scene } from './scene.ts';

/**
 * What became of the store.
 *
 *   believed   it is the one that is in use
 *   set aside  it lies in a folder of its own with the reason, and another one joined
 *   refused    the host did not start with it, and did when it was as before
 *   gone       nothing of it was left, and another one joined
 */
export type Fate = 'believed' | 'set aside' | 'refused' | 'gone';

/**
 * Whether anybody must find it.
 *
 *   by name   the host itself, without being asked
 *   by walk   the host itself, or a walk over everything: no opening needs to read what was hurt
 *   maybe     it may have hit what is not in use any more; then a walk finds all as it should be
 *   never     nothing is wrong: a control
 */
export type Must = 'by name' | 'by walk' | 'maybe' | 'never';

export type Case = {
  readonly name: string;
  /** Of SPEC.md. */
  readonly rule: string;
  readonly what: string;
  readonly must: Must;
  readonly fates: readonly Fate[];
  /** What somebody has to do before it is well again; absent where nobody has to. */
  readonly hand?: string;
  /** Hurts the other host of the scene as well. */
  readonly isOfTwo?: true;
  /** Says in a few words what it hit. */
  readonly hurt: (scene: Scene) => Promise<string>;
};

export type Counts = {
  readonly lost: number;
  readonly doubled: number;
  readonly stale: number;
  readonly other: number;
};

export type Row = Pick<Case, 'name' | 'rule' | 'what' | 'must' | 'hand'> & {
  /** `h2: head of 3, member of 5`. */
  readonly host: string;
  readonly hit: string;
  readonly found: readonly Finding[];
  readonly fate: Fate;
  /** What stands beside a store that was set aside. */
  readonly why: readonly string[];
  /** From the moment from which nothing kept it from running; undefined where it was not whole again in time. */
  readonly backMs: number | undefined;
  /** The list of voters was another one afterwards. */
  readonly generations: readonly [before: number, after: number];
  readonly counts: Counts;
  /** What is not as it must be. */
  readonly complaints: readonly string[];
};

export function countsOf(violations: readonly Violation[]): Counts {
  const count = (kind: Violation['kind']): number => violations.filter((one) => one.kind === kind).length;
  const [lost, doubled, stale] = [count('lost'), count('doubled'), count('stale')];
  return { lost, doubled, stale, other: violations.length - lost - doubled - stale };
}

export function fateOf(seen: {
  readonly asides: readonly string[];
  readonly storeIds: readonly [before: string | undefined, after: string | undefined];
  readonly found: readonly Finding[];
}): Fate {
  if (seen.asides.length > 0) return 'set aside';
  const [before, after] = seen.storeIds;
  if (before !== after && after !== undefined) return 'gone';
  return seen.found.some(({ by }) => by === 'open' || by === 'lock') ? 'refused' : 'believed';
}

const byHost: ReadonlySet<Finder> = new Set(['open', 'LOG', 'read', 'write', 'lock']);

/**
 * Of a host that has nothing left to find anything with, the others know; elsewhere that only follows from what was found. So does what a
 * host reads in the note that a walk left for it.
 */
export function tellingOf(found: readonly Finding[]): Finding[] {
  const walked = new Set(found.flatMap(({ by, message }) => (by === 'verify' ? [message] : [])));
  const others = found.filter(({ by, message }) => by !== 'voters' && (by === 'verify' || !walked.has(message)));
  return others.length > 0 ? others : [...found];
}

/** What is wrong with how the damage was found, and with what was made of the store. */
export function complaintsOf(one: Case, found: readonly Finding[], fate: Fate): string[] {
  const complaints: string[] = [];
  const isFoundByHost = found.some(({ by }) => byHost.has(by) || (by === 'voters' && fate === 'gone'));
  if (one.must === 'by name' && !isFoundByHost) complaints.push('it was not found');
  if (one.must === 'by walk' && found.length === 0) complaints.push('it was not found, by a walk neither');
  const first = found[0];
  if (one.must === 'never' && first !== undefined) complaints.push(`found ${first.code}: ${first.message}`);
  const nameless = found.find(({ code }) => code === 'no code');
  if (nameless !== undefined) complaints.push(`found without a name: ${nameless.message}`);
  if (!one.fates.includes(fate)) complaints.push(`the store is ${fate}, and should be ${one.fates.join(' or ')}`);
  return complaints;
}

/** Whether what was hurt has to be looked for by a walk. */
export function needsWalk({ must }: Case, found: readonly Finding[]): boolean {
  return (must === 'by walk' || must === 'maybe') && found.length === 0;
}
