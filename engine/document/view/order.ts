// The order in which viewers see the rows of a table: that in which they were added.
import type { Json, JsonObject } from '../../base/merge-patch.ts';
import { isJsonObject } from '../../base/merge-patch.ts';
import { ordinalKey } from '../draft/table-memory.ts';

/** The ids of a table's rows. Costs a look at each; they seldom need to be sorted. */
export function idsOf(table: JsonObject): string[] {
  const ids: string[] = [];
  let last = -1;
  let isSorted = true;
  for (const id of Object.keys(table)) {
    const row = table[id];
    if (!isJsonObject(row)) continue;
    const ordinal = ordinalOf(row);
    if (ordinal < last) isSorted = false;
    last = ordinal;
    ids.push(id);
  }
  return isSorted ? ids : ids.sort((one, other) => ordinalOf(table[one]) - ordinalOf(table[other]));
}

/** How many rows were added before this one. */
export function ordinalOf(row: Json | undefined): number {
  const ordinal = isJsonObject(row) ? row[ordinalKey] : undefined;
  return typeof ordinal === 'number' ? ordinal : 0;
}
