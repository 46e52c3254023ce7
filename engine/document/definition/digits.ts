// Integers of any size as their digits: what the state, the disk and viewers hold of a bigint.

export const bigintDigitsMax = 1_000;
const pattern = /^(0|-?[1-9][0-9]*)$/;

/** The one way to write an integer: no sign before 0, no leading zeros. */
export function isDigits(value: unknown): value is string {
  if (typeof value !== 'string' || !pattern.test(value)) return false;
  return value.length - (value.startsWith('-') ? 1 : 0) <= bigintDigitsMax;
}
