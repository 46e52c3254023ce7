// Faults planted into a copy of the compiled server, to prove that the checkers find them. A plant is every row of its name:
// text of a compiled file that occurs there exactly once, and what stands in its place. One that does not fit any more fails
// the run by name. To add a plant, add rows.
import { cpSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export type Plant = { readonly name: string; readonly file: string; readonly find: string; readonly replace: string };

export const plants: readonly Plant[] = [
  // The head lets its answers go when it has proposed a batch: before anybody's sync, its own included.
  {
    name: 'sync-gate',
    file: 'chain/normal.js',
    find: '    accept(replica, entry, out);\n}\nexport function onAppend',
    replace:
      "    accept(replica, entry, out);\n    out.push({ kind: 'committed', through: entry.lsn });\n}\nexport function onAppend",
  },
  // A send that its session has seen is applied again; the log takes what the table would refuse.
  {
    name: 'table',
    file: 'engine/document/life/sessions.js',
    find: 'if (n <= session.last) {',
    replace: 'if (n <= session.last && false) {',
  },
  {
    name: 'table',
    file: 'engine/document/life/sessions.js',
    find: 'assert(n === session.last + 1,',
    replace: 'assert(n <= session.last + 1,',
  },
  {
    name: 'table',
    file: 'engine/document/life/past.js',
    find: 'if (update.n !== session.last + 1 ||',
    replace: 'if (update.n > session.last + 1 ||',
  },
];

export const plantNames: readonly string[] = [...new Set(plants.map(({ name }) => name))];

/** The text with the plant in it. Throws by the plant's name where it does not fit. */
export function applyPlant(text: string, { name, file, find, replace }: Plant): string {
  const parts = text.split(find);
  if (parts.length === 2) return parts.join(replace);
  throw new Error(`plant ${name} does not apply: ${file} has its text ${parts.length - 1} times, not once`);
}

/** Copies the package in `root`, as far as it runs, to `folder`, and plants into the copy. Returns the copy's dist. */
export function plantInto(root: string, folder: string, name: string): string {
  const rows = plants.filter((plant) => plant.name === name);
  if (rows.length === 0) throw new Error(`there is no plant ${name}: ${plantNames.join(', ')}`);
  const dist = join(folder, 'dist');
  cpSync(join(root, 'dist'), dist, { recursive: true });
  cpSync(join(root, 'package.json'), join(folder, 'package.json'));
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  for (const plant of rows) {
    const file = join(dist, plant.file);
    writeFileSync(file, applyPlant(readFileSync(file, 'utf8'), plant));
  }
  return dist;
}
