// What lies in the files of a store, whatever it makes of it.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The files in `folder` that hold these bytes. */
export function filesWith(folder: string, text: string): string[] {
  const names = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isFile());
  return names.map(({ name }) => name).filter((name) => readFileSync(join(folder, name)).includes(text));
}
