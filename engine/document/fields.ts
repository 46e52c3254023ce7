// What a document can hold. A field is plain data that names its kind; what a kind means for handlers, for the state
// and for viewers is decided elsewhere (draft.ts, values.ts, privacy.ts), so that a new kind is a new row in each of
// them.
//
// The state is plain JSON without null. Absent, null and undefined are one thing: a scalar that is absent reads as its
// default, a principal that is absent reads as null, and writing null to any field makes it absent.
import { CodedError } from '../base/errors.ts';
import type { Principal } from '../base/ids.ts';

/** Text. Lone surrogates become U+FFFD when written, as UTF-8 cannot hold them. */
export type StringField = { readonly kind: 'string'; readonly initial: string };
/** A safe integer: -(2^53 - 1) ... 2^53 - 1. */
export type IntField = { readonly kind: 'int'; readonly initial: number };
/** A finite number. -0 is stored as 0, as JSON cannot tell them apart. */
export type DoubleField = { readonly kind: 'double'; readonly initial: number };
export type BooleanField = { readonly kind: 'boolean'; readonly initial: boolean };
/** Who: an agent of an authority, or nobody. */
export type PrincipalField = { readonly kind: 'principal' };
/** A group of fields that is always there. */
export type RecordField<S extends Shape = Shape> = { readonly kind: 'record'; readonly shape: S };
/** Entries by key: 1 ... 128 characters, see `checkKey` in values.ts for those that are refused. */
export type MapField<E extends EntryField = EntryField> = { readonly kind: 'map'; readonly of: E };

export type ScalarField = StringField | IntField | DoubleField | BooleanField;
export type EntryField = ScalarField | PrincipalField | RecordField;
export type Field = EntryField | MapField;
export interface Shape {
  readonly [name: string]: Field;
}

/** The kinds of fields. Defaults are what a field reads as while it is absent. */
export const t = {
  string: (initial = ''): StringField => ({ kind: 'string', initial }),
  int: (initial = 0): IntField => ({ kind: 'int', initial }),
  double: (initial = 0): DoubleField => ({ kind: 'double', initial }),
  boolean: (initial = false): BooleanField => ({ kind: 'boolean', initial }),
  principal: (): PrincipalField => ({ kind: 'principal' }),
  record: <const S extends Shape>(shape: S): RecordField<S> => ({ kind: 'record', shape }),
  map: <const E extends EntryField>(of: E): MapField<E> => ({ kind: 'map', of }),
};

type ScalarOf<F> = F extends StringField ? string : F extends BooleanField ? boolean : number;
type Nested = RecordField | MapField;
/** `F` extends both IntField and DoubleField only by its kind, so the kind is what is asked for. */
type EntryDraft<E> = E extends RecordField<infer S> ? Draft<S> : E extends PrincipalField ? Principal : ScalarOf<E>;

/** What a handler holds: fields are read and assigned; records and maps are reached through, never assigned. */
export type Draft<S extends Shape> = {
  -readonly [K in keyof S as S[K] extends Nested ? never : K]: S[K] extends PrincipalField
    ? Principal | null
    : ScalarOf<S[K]>;
} & {
  readonly [K in keyof S as S[K] extends Nested ? K : never]: S[K] extends RecordField<infer R>
    ? Draft<R>
    : S[K] extends MapField<infer E>
      ? MapDraft<E>
      : never;
};

/** What `set` takes for an entry. It is copied; a field left out is absent. */
export type Input<E> =
  E extends RecordField<infer S>
    ? { readonly [K in keyof S]?: Input<S[K]> | null }
    : E extends MapField<infer V>
      ? { readonly [key: string]: Input<V> }
      : E extends PrincipalField
        ? Principal
        : ScalarOf<E>;

export interface MapDraft<E extends EntryField> {
  readonly size: number;
  has(key: string): boolean;
  /** The entry, or undefined. A record comes as a draft: assigning to it changes the document. */
  get(key: string): EntryDraft<E> | undefined;
  /** Replaces the whole entry by a copy of `value`. Drafts of the entry that was there can no longer be used. */
  set(key: string, value: Input<E>): void;
  /** Whether there was one. */
  delete(key: string): boolean;
  /** Sorted by UTF-16 code unit, so that a handler sees the same order on every host. */
  keys(): string[];
  entries(): [string, EntryDraft<E>][];
}

const fieldPattern = /^[A-Za-z][A-Za-z0-9_]{0,63}$/;

/**
 * Every name of a field, checked. What every object inherits (`constructor`, `toString`) could be taken for a value.
 */
export function checkFieldName(name: string, path: string): void {
  if (!fieldPattern.test(name)) throw invalid(path, 'a field is named [A-Za-z][A-Za-z0-9_]*, at most 64 characters');
  if (name in Object.prototype || name === 'prototype') throw invalid(path, 'this name is reserved');
}

/** Checks what the compiler cannot, or did not. APP_INVALID with the path of the first mistake. */
export function checkShape(shape: unknown, path: string): void {
  if (typeof shape !== 'object' || shape === null) throw invalid(path, 'fields are given as an object');
  // A literal `__proto__: field` sets the prototype and leaves no key behind: this is where it shows.
  if (Object.getPrototypeOf(shape) !== Object.prototype) throw invalid(`${path}.__proto__`, 'this name is reserved');
  for (const [name, field] of Object.entries(shape)) {
    const fieldPath = path === '' ? name : `${path}.${name}`;
    checkFieldName(name, fieldPath);
    checkField(field, fieldPath);
  }
}

function checkField(field: Field, path: string): void {
  switch (field?.kind) {
    case 'string':
    case 'boolean':
      if (typeof field.initial !== field.kind) throw invalid(path, `its default is not a ${field.kind}`);
      return;
    case 'int':
      if (!Number.isSafeInteger(field.initial)) throw invalid(path, 'its default is not a safe integer');
      return;
    case 'double':
      if (!Number.isFinite(field.initial)) throw invalid(path, 'its default is not a finite number');
      return;
    case 'principal':
      return;
    case 'record':
      if (Object.keys(field.shape ?? {}).length === 0) throw invalid(path, 'a record has at least one field');
      checkShape(field.shape, path);
      return;
    case 'map':
      if ((field.of as Field | undefined)?.kind === 'map') throw invalid(path, 'a map of maps: put a record between');
      checkField(field.of, `${path}.*`);
      return;
    default:
      throw invalid(path, 'this is not a field: use t.string(), t.int(), ...');
  }
}

/** A mistake in an application's definition, with the path of the field or channel that it is in. */
export function invalid(path: string, text: string): CodedError {
  return new CodedError('APP_INVALID', `${path === '' ? 'document' : path}: ${text}`);
}
