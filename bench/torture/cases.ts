// The table of what is done to a store. Each case hurts one host of a running cluster, says what it did, and leaves the host able to run
// again; whether it was found, and what became of it, is looked at by the run. To add a case, add a row.
import { fileCases } from './cases-files.ts';
import { folderCases } from './cases-folders.ts';
import { runningCases } from './cases-running.ts';
import { valueCases } from './cases-values.ts';
import type { Case } from './judge.ts';

export const cases: readonly Case[] = [...runningCases, ...fileCases, ...folderCases, ...valueCases];

/** Those whose name begins with one of `names`; all where there are none. Throws for a name that fits none. */
export function casesNamed(names: readonly string[]): Case[] {
  for (const name of names) {
    if (!cases.some((one) => one.name.startsWith(name))) {
      throw new Error(`there is no case ${name}: ${cases.map((one) => one.name).join(', ')}`);
    }
  }
  return cases.filter((one) => names.length === 0 || names.some((name) => one.name.startsWith(name)));
}
