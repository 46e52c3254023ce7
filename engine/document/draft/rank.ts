// Where a value stands among others of its field. A rank is what JavaScript compares by itself, so that equal values, and only those, have equal
// ranks, and a table is searched without making drafts of its rows.
import type { Json } from '../../base/merge-patch.ts';
import { isJsonObject } from '../../base/merge-patch.ts';
import type { DateTimeField, MaybeField, PrincipalField, ScalarField } from '../definition/fields.ts';

/** Of one field: null, or all of one type. */
export type Rank = null | boolean | number | string | bigint;
/** The rank of what a field holds, undefined = absent. */
export type RankOf = (stored: Json | undefined) => Rank;
export type RankedField = ScalarField | PrincipalField | DateTimeField | MaybeField;

export function rankOf(field: RankedField): RankOf {
  switch (field.kind) {
    case 'principal':
      return (stored) => (isJsonObject(stored) ? JSON.stringify([stored['agent'], stored['authority']]) : null);
    case 'dateTime':
      // ISO 8601 in UTC with four digits of a year sorts as text.
      return (stored) => (typeof stored === 'string' ? stored : null);
    case 'maybe': {
      const inner = rankOf(field.of);
      return (stored) => (stored === undefined ? null : inner(stored));
    }
    case 'enum':
      return (stored) => field.values.indexOf(typeof stored === 'string' ? stored : field.initial);
    case 'bigint':
      return (stored) => BigInt(typeof stored === 'string' ? stored : field.initial);
    default:
      return (stored) => (stored === undefined ? field.initial : (stored as Rank));
  }
}

/** Below 0 where `a` comes first. Null is before everything; text is compared by UTF-16 unit. */
export function compareRanks(a: Rank, b: Rank): number {
  if (a === b) return 0;
  if (a === null) return -1;
  if (b === null) return 1;
  return a < b ? -1 : 1;
}
