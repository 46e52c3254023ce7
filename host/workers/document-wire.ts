// What travels between a host and a thread that runs documents. Both are of one version: nothing here is kept, and numbers may change.
import type { ErrorCode } from '../../engine/base/errors.ts';
import { CodedError, errorCodes } from '../../engine/base/errors.ts';
import type { DocumentName } from '../../engine/base/ids.ts';
import { thrownLengthMax } from '../../engine/base/limits.ts';
import type { Stored } from '../../engine/store/documents.ts';
import type { Command, Outcome, Ran } from '../running.ts';

/**
 * What a thread is begun with. `progress`: the number of its last task; and of the entry that it is at, from 1, or less than 0 where it is behind so
 * many, and what they left behind runs: promises, ticks. Then the number of what was due last, see numberOfDue.
 */
export type ThreadData = { readonly file: string; readonly appHash: string; readonly progress: SharedArrayBuffer };

/** A document is named by a number that its host gives it once. */
export type Entry =
  | { readonly kind: 'begin'; readonly id: number; readonly name: DocumentName }
  | { readonly kind: 'ask'; readonly id: number; readonly nowMs: number; readonly command: Command }
  | { readonly kind: 'close'; readonly id: number; readonly nowMs: number; readonly viewer: number }
  | { readonly kind: 'drop'; readonly id: number };

export type Task = { readonly number: number; readonly entries: readonly Entry[] };

export type Results = {
  /** Of the entries that were asked, among the first `taken`: the others are to be given again. */
  readonly rans: readonly PackedRan[];
  readonly taken: number;
  /** All updates of all results, one after the other. */
  readonly bytes: Uint8Array;
  /** What the application threw with no command at work. */
  readonly strays: readonly Thrown[];
  /** We are wrong, or the application is not the one that it was: the host must end. */
  readonly crash: Thrown | undefined;
};

export type PackedRan = Omit<Ran, 'updates' | 'failures' | 'outcome'> & {
  readonly lengths: readonly number[];
  readonly failures: readonly { readonly where: string; readonly failure: Thrown }[];
  readonly outcome: Exclude<Outcome, { kind: 'failed' }> | { readonly kind: 'failed'; readonly error: Thrown };
};

/** Anything may be thrown; what of it can be said in a log. */
export type Thrown =
  | { readonly kind: 'value'; readonly text: string }
  | {
      readonly kind: 'error';
      readonly name: string;
      readonly code: string;
      readonly text: string;
      readonly stack: string;
      readonly cause: Thrown | undefined;
    };

/** Of causes of causes, so many are told. */
const causesMax = 4;
const unsaid = 'what cannot be said';

/** What an application throws may throw when it is looked at. */
export function packThrown(thrown: unknown, depth = 0): Thrown {
  try {
    if (!(thrown instanceof Error)) return { kind: 'value', text: textOf(() => thrown) };
    const packed = {
      kind: 'error',
      name: textOf(() => thrown.name),
      code: thrown instanceof CodedError ? textOf(() => thrown.code) : '',
      text: textOf(() => thrown.message),
      stack: textOf(() => thrown.stack),
    } as const;
    const { cause } = thrown;
    return { ...packed, cause: cause === undefined || depth === causesMax ? undefined : packThrown(cause, depth + 1) };
  } catch {
    return { kind: 'value', text: unsaid };
  }
}

function textOf(look: () => unknown): string {
  try {
    return String(look()).slice(0, thrownLengthMax);
  } catch {
    return unsaid;
  }
}

export function unpackThrown(thrown: Thrown): unknown {
  if (thrown.kind === 'value') return thrown.text;
  const { name, code, text, stack, cause } = thrown;
  const options = cause === undefined ? {} : { cause: unpackThrown(cause) };
  if (isCode(code)) return Object.assign(new CodedError(code, text, options), { stack });
  return Object.assign(new Error(text, options), { name, stack });
}

function isCode(code: string): code is ErrorCode {
  return Object.hasOwn(errorCodes, code);
}

/** In memory of its own: what is read from a store are parts of whole records, which would be copied whole. */
export function packStored({ snapshot, sections, seqFloor, seqLast }: Stored): Stored {
  const bytes = join(sections);
  return {
    snapshot: snapshot && { ...snapshot, state: new Uint8Array(snapshot.state) },
    sections: sections.length === 0 ? [] : [bytes],
    seqFloor,
    seqLast,
  };
}

export function join(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** Without the bytes of its updates: those go beside it. */
export function packRan({ updates, failures, outcome, ...rest }: Ran): PackedRan {
  return {
    ...rest,
    lengths: updates.map(({ length }) => length),
    failures: failures.map(({ where, failure }) => ({ where, failure: packThrown(failure) })),
    outcome: outcome.kind === 'failed' ? { kind: 'failed', error: packThrown(outcome.error) } : outcome,
  };
}

/** `take` gives the next bytes. */
export function unpackRan(
  { lengths, failures, outcome, ...rest }: PackedRan,
  take: (length: number) => Uint8Array,
): Ran {
  return {
    ...rest,
    updates: lengths.map(take),
    failures: failures.map(({ where, failure }) => ({ where, failure: unpackThrown(failure) })),
    outcome: outcome.kind === 'failed' ? { kind: 'failed', error: unpackThrown(outcome.error) as CodedError } : outcome,
  };
}
