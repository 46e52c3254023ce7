// What every fuzz of a decoder shares: one seed, so that a failure comes again, and the ways to spoil bytes that were good.
// Random bytes rarely pass a first check; what finds things are valid bytes with something changed.
import fc from 'fast-check';
import { CodedError } from '../engine/base/errors.ts';

export const fuzz = { seed: 20_250_101, numRuns: 3_000 } as const;

/** Numbers that sit on an edge of some encoding. */
export const edgeBytes: fc.Arbitrary<number> = fc.oneof(
  fc.constantFrom(0, 1, 0x7f, 0x80, 0xfe, 0xff),
  fc.integer({ min: 0, max: 255 }),
);

type Spoil = {
  readonly kind: 'set' | 'flip' | 'cut' | 'drop' | 'insert' | 'double';
  readonly at: number;
  readonly byte: number;
};

const spoil: fc.Arbitrary<Spoil> = fc.record({
  kind: fc.constantFrom('set', 'set', 'flip', 'flip', 'cut', 'drop', 'insert', 'double'),
  /** Where, as a share of the length. */
  at: fc.noBias(fc.nat(9_999)).map((place) => place / 10_000),
  byte: edgeBytes,
});

/** `valid`, changed in one to four places. */
export function spoiled(valid: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> {
  return fc.tuple(valid, fc.array(spoil, { minLength: 1, maxLength: 4 })).map(([bytes, changes]) => {
    return changes.reduce(applySpoil, Uint8Array.from(bytes));
  });
}

function applySpoil(bytes: Uint8Array, { kind, at: share, byte }: Spoil): Uint8Array {
  const at = Math.floor(share * bytes.length);
  const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)];
  if (kind === 'cut') return Uint8Array.from(before);
  if (kind === 'drop') return Uint8Array.from([...before, ...after.subarray(1)]);
  if (kind === 'insert') return Uint8Array.from([...before, byte, ...after]);
  if (kind === 'double') return Uint8Array.from([...bytes, ...after]);
  const changed = Uint8Array.from(bytes);
  if (at < changed.length) changed[at] = kind === 'set' ? byte : (changed[at] ?? 0) ^ (1 << (byte % 8));
  return changed;
}

/** What `run` gives, or the code of the CodedError that it throws; anything else that it throws goes on. */
export function codeOr<T>(run: () => T): { readonly value: T } | { readonly code: string } {
  try {
    return { value: run() };
  } catch (cause) {
    if (cause instanceof CodedError) return { code: cause.code };
    throw cause;
  }
}
