// What a document can hold. A field is plain data that names its kind; what a kind means for handlers, for the state
// and for viewers is decided elsewhere (draft.ts, values.ts, privacy.ts), so that a new kind is a new row in each of
// them.
//
// The state is plain JSON without null. Absent, null and undefined are one thing: a scalar that is absent reads as its
// default; a principal, a moment, a json or a maybe that is absent reads as null; and writing null to any field makes it absent.
import { unreachable } from '../../base/assert.ts';
import { CodedError } from '../../base/errors.ts';
import type { Principal } from '../../base/ids.ts';
import { bigintDigitsMax, isDigits } from './digits.ts';

/** Text. Lone surrogates become U+FFFD when written, as UTF-8 cannot hold them. */
export type StringField = { readonly kind: 'string'; readonly initial: string };
/** A safe integer: -(2^53 - 1) ... 2^53 - 1. */
export type IntField = { readonly kind: 'int'; readonly initial: number };
/** A finite number. -0 is stored as 0, as JSON cannot tell them apart. */
export type DoubleField = { readonly kind: 'double'; readonly initial: number };
export type BooleanField = { readonly kind: 'boolean'; readonly initial: boolean };
/** One of a few words, the first of them unless said. */
export type EnumField<V extends string = string> = {
  readonly kind: 'enum';
  readonly values: readonly V[];
  readonly initial: V;
};
/** An integer of any size up to `bigintDigitsMax` digits. Stored and shown as its digits: JSON has no word for it. */
export type BigintField = { readonly kind: 'bigint'; readonly initial: string };
/** Who: an agent of an authority, or nobody. */
export type PrincipalField = { readonly kind: 'principal' };
/** A moment, to the millisecond; or none. A Date for handlers, ISO 8601 in UTC in the state and for viewers. */
export type DateTimeField = { readonly kind: 'dateTime' };
/** Any JSON; or nothing. Null inside an object is absent, as everywhere; inside a list it stays. `T` is for the compiler. */
export type JsonField<T = unknown> = { readonly kind: 'json'; readonly type?: T };
/** A scalar without a default; or nothing. */
export type MaybeField<F extends ScalarField = ScalarField> = { readonly kind: 'maybe'; readonly of: F };
/** Values in order, at most `max`. */
export type ListField<E extends ItemField = ItemField> = {
  readonly kind: 'list';
  readonly of: E;
  readonly max: number;
};
/** A group of fields that is always there. */
export type RecordField<S extends Shape = Shape> = { readonly kind: 'record'; readonly shape: S };
/** Entries by key: 1 ... 128 characters, see `checkKey` in values.ts for those that are refused. */
export type MapField<E extends EntryField = EntryField> = { readonly kind: 'map'; readonly of: E };

export type ScalarField = StringField | IntField | DoubleField | BooleanField | EnumField | BigintField;
/** A field that reads as null while it is absent. */
export type NullableField = PrincipalField | DateTimeField | JsonField | MaybeField;
/** A field that holds one value, which is read and assigned whole. */
export type ValueField = ScalarField | NullableField;
export type ItemField = ScalarField | PrincipalField | DateTimeField;
export type EntryField = ScalarField | PrincipalField | DateTimeField | JsonField | RecordField;
export type Field = ValueField | RecordField | MapField | ListField;
export interface Shape {
  readonly [name: string]: Field;
}

/** The kinds of fields. Defaults are what a field reads as while it is absent. */
export const t = {
  string: (initial = ''): StringField => ({ kind: 'string', initial }),
  int: (initial = 0): IntField => ({ kind: 'int', initial }),
  double: (initial = 0): DoubleField => ({ kind: 'double', initial }),
  boolean: (initial = false): BooleanField => ({ kind: 'boolean', initial }),
  bigint: (initial = 0n): BigintField => ({ kind: 'bigint', initial: String(initial) }),
  enum: <const V extends string>(values: readonly V[], initial?: V): EnumField<V> => {
    return { kind: 'enum', values, initial: initial ?? (values[0] as V) };
  },
  principal: (): PrincipalField => ({ kind: 'principal' }),
  dateTime: (): DateTimeField => ({ kind: 'dateTime' }),
  json: <T = unknown>(): JsonField<T> => ({ kind: 'json' }),
  maybe: <const F extends ScalarField>(of: F): MaybeField<F> => ({ kind: 'maybe', of }),
  list: <const E extends ItemField>(of: E, { max = listItemsUsual }: { readonly max?: number } = {}): ListField<E> => {
    return { kind: 'list', of, max };
  },
  record: <const S extends Shape>(shape: S): RecordField<S> => ({ kind: 'record', shape }),
  map: <const E extends EntryField>(of: E): MapField<E> => ({ kind: 'map', of }),
};

const listItemsUsual = 1_000;
const listItemsMax = 100_000;
const enumValuesMax = 256;

/** What a handler reads of a value that is there, and assigns. `F` extends more than one field only by its kind, so that is what is asked for. */
export type Held<F> =
  F extends EnumField<infer V>
    ? V
    : F extends StringField
      ? string
      : F extends BooleanField
        ? boolean
        : F extends BigintField
          ? bigint
          : F extends PrincipalField
            ? Principal
            : F extends DateTimeField
              ? Date
              : F extends MaybeField<infer G>
                ? Held<G>
                : F extends JsonField<infer T>
                  ? T
                  : number;

type Nested = RecordField | MapField | ListField;
type EntryDraft<E> = E extends RecordField<infer S> ? Draft<S> : Held<E>;

/** What a handler holds: fields are read and assigned; records, maps and lists are reached through, never assigned. */
export type Draft<S extends Shape> = {
  -readonly [K in keyof S as S[K] extends Nested ? never : K]: S[K] extends NullableField
    ? Held<S[K]> | null
    : Held<S[K]>;
} & {
  readonly [K in keyof S as S[K] extends Nested ? K : never]: S[K] extends RecordField<infer R>
    ? Draft<R>
    : S[K] extends MapField<infer E>
      ? MapDraft<E>
      : S[K] extends ListField<infer I>
        ? ListDraft<I>
        : never;
};

/** What `set` takes for an entry. It is copied; a field left out is absent. */
export type Input<E> =
  E extends RecordField<infer S>
    ? { readonly [K in keyof S]?: Input<S[K]> | null }
    : E extends MapField<infer V>
      ? { readonly [key: string]: Input<V> }
      : E extends ListField<infer I>
        ? readonly Held<I>[]
        : Held<E>;

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

/** Values in order. Positions are 0 ... length - 1; negative ones count from the end, as with `Array.at`. One that is not there is HANDLER_FAILED where it is written. */
export interface ListDraft<E extends ItemField> {
  readonly length: number;
  at(index: number): Held<E> | undefined;
  set(index: number, value: Held<E>): void;
  push(...values: readonly Held<E>[]): void;
  pop(): Held<E> | undefined;
  shift(): Held<E> | undefined;
  /** Before what stands at `index`; at `length` behind all. */
  insert(index: number, ...values: readonly Held<E>[]): void;
  /** Takes out so many from `index` on, and returns them. */
  remove(index: number, count?: number): Held<E>[];
  indexOf(value: Held<E>): number;
  includes(value: Held<E>): boolean;
  /** A copy: changing it changes nothing. */
  values(): Held<E>[];
  /** Replaces all of it. */
  assign(values: readonly Held<E>[]): void;
  clear(): void;
  [Symbol.iterator](): IterableIterator<Held<E>>;
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
    case 'dateTime':
    case 'json':
      return;
    case 'bigint':
    case 'enum':
    case 'maybe':
    case 'list':
      return checkValue(field, path);
    case 'record':
      if (Object.keys(field.shape ?? {}).length === 0) throw invalid(path, 'a record has at least one field');
      checkShape(field.shape, path);
      return;
    case 'map':
      if (isOneOf(field.of, ['map', 'list', 'maybe'])) {
        throw invalid(path, `a map of ${(field.of as Field).kind}s: put a record between`);
      }
      checkField(field.of, `${path}.*`);
      return;
    default:
      throw invalid(path, 'this is not a field: use t.string(), t.int(), ...');
  }
}

function checkValue(field: EnumField | BigintField | MaybeField | ListField, path: string): void {
  switch (field.kind) {
    case 'bigint':
      if (!isDigits(field.initial))
        throw invalid(path, `its default is no integer of at most ${bigintDigitsMax} digits`);
      return;
    case 'enum': {
      const { values, initial } = field;
      const isList = Array.isArray(values) && values.length > 0 && values.length <= enumValuesMax;
      if (!isList || values.some((value) => typeof value !== 'string') || new Set(values).size !== values.length) {
        throw invalid(path, `it is one of 1 to ${enumValuesMax} different words`);
      }
      if (!values.includes(initial)) throw invalid(path, 'its default is none of its words');
      return;
    }
    case 'maybe':
      if (!isOneOf(field.of, scalarKinds)) throw invalid(path, 'a maybe is of a scalar: t.maybe(t.int())');
      return checkField(field.of, path);
    case 'list': {
      if (!isOneOf(field.of, [...scalarKinds, 'principal', 'dateTime']))
        throw invalid(path, 'a list is of scalars, principals or moments');
      const { max } = field;
      if (!Number.isSafeInteger(max) || max < 1 || max > listItemsMax)
        throw invalid(path, `a list has a max of 1 to ${listItemsMax}`);
      return checkField(field.of, `${path}.*`);
    }
    default:
      return unreachable(field);
  }
}

const scalarKinds: readonly Field['kind'][] = ['string', 'int', 'double', 'boolean', 'enum', 'bigint'];

function isOneOf(field: Field | undefined, kinds: readonly Field['kind'][]): boolean {
  return field !== undefined && kinds.includes(field.kind);
}

/** A mistake in an application's definition, with the path of the field or channel that it is in. */
export function invalid(path: string, text: string): CodedError {
  return new CodedError('APP_INVALID', `${path === '' ? 'document' : path}: ${text}`);
}
