// What a new version of a definition does to documents of the version before it: one step for each version, from the oldest that is still known.
import { isVersion, versionMax } from '../life/version.ts';
import { invalid } from './fields.ts';

/** What is stored of a document, whatever its shape was then: plain JSON, and a step's own to change. */
// biome-ignore lint/suspicious/noExplicitAny: the shape of a version that is no more is known to nobody but its step.
export type Former = any;

/** What a step of a migration is given: the document as it is stored, and what helps with its tables. */
export type StepInput = {
  /** All that is stored of it: absent fields are not there, whatever they read as. */
  readonly doc: Former;
  /** The rows of a table that is stored, in its order: the very ones, to be changed. */
  readonly rows: (table: Former) => Former[];
  /** A table of these rows, in this order, with ids of their own: to be put where the new shape has one. */
  readonly table: (rows: readonly object[]) => Former;
};

/** Changes `doc`, or returns what is to stand in its place. It is synchronous, and hangs on nothing but what it is given. */
// biome-ignore lint/suspicious/noConfusingVoidType: a step without a return statement changes what it is given.
export type MigrationStep = (input: StepInput) => object | undefined | void;

/** By the version that each leads to. */
export type Steps = { readonly [to: number]: MigrationStep };

export type VersionPlan = {
  readonly version: number;
  readonly steps: ReadonlyMap<number, MigrationStep>;
};

export const firstVersion: VersionPlan = { version: 1, steps: new Map() };

/** The oldest version of which a document can be brought to the one that runs. */
export function oldestOf({ version, steps }: VersionPlan): number {
  return version - steps.size;
}

/** APP_INVALID with the path of a mistake. */
export function planVersion(version: unknown, steps: unknown): VersionPlan {
  if (!isVersion(version)) throw invalid('version', `it is a whole number from 1 to ${versionMax}`);
  if (typeof steps !== 'object' || steps === null) throw invalid('version', 'its steps are given as an object');
  const entries = Object.entries(steps as Steps)
    .map(([to, step]) => [Number(to), step] as const)
    .sort(([a], [b]) => a - b);
  const first = version - entries.length + 1;
  for (const [index, [to, step]] of entries.entries()) {
    if (to !== first + index || to < 2) {
      throw invalid('version', `there is one step for each version from some on up to ${version}, and none to 1`);
    }
    if (typeof step !== 'function') throw invalid(`version.${to}`, 'it is not a function');
  }
  return { version, steps: new Map(entries) };
}
