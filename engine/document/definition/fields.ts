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
/** True or false. */
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

/** Rows by an id of their own, in the order in which they came. `key` names the field by which each is the only one, `index` those that are looked for often. */
export type TableField<S extends RowShape = RowShape, K extends string | undefined = string | undefined> = {
  readonly kind: 'table';
  readonly shape: S;
  readonly key: K;
  readonly index: readonly string[];
  readonly max: number;
};

/** A field that holds one value and has a default. */
export type ScalarField = StringField | IntField | DoubleField | BooleanField | EnumField | BigintField;
/** A field that reads as null while it is absent. */
export type NullableField = PrincipalField | DateTimeField | JsonField | MaybeField;
/** A field that holds one value, which is read and assigned whole. */
export type ValueField = ScalarField | NullableField;
/** What a list can hold. */
export type ItemField = ScalarField | PrincipalField | DateTimeField;
/** What a map can hold. */
export type EntryField = ScalarField | PrincipalField | DateTimeField | JsonField | RecordField;
/** What a row can hold: everything but a table. */
export type RowPartField = ValueField | RecordField | MapField | ListField;
/** Anything that `t` makes. */
export type Field = RowPartField | TableField;
/** The fields of a document or a record, by name. A name is `[A-Za-z][A-Za-z0-9_]*`, at most 64 characters. */
export interface Shape {
  readonly [name: string]: Field;
}
/** The fields of a row. There is no table in a table, and `id` is what the table itself calls a row. */
export interface RowShape {
  readonly [name: string]: RowPartField;
}
/** What a row can be found by: a value, never a part of one. */
export type KeyField = Exclude<ScalarField, DoubleField> | PrincipalField | DateTimeField;
/** What rows can be kept in order by. */
export type IndexField = ScalarField | PrincipalField | DateTimeField;
/** The names of those fields of `S` that are of `F`. */
export type NamesOf<S, F> = { [K in keyof S]: S[K] extends F ? K : never }[keyof S] & string;

/**
 * The kinds of fields. Defaults are what a field reads as while it is absent; writing null to any field makes it absent. What a field cannot hold is
 * refused where it is assigned: HANDLER_FAILED, and nothing of what the handler did stays. A field that cannot be is APP_INVALID when the application is
 * loaded.
 */
export const t = {
  /** Text of any length; '' unless said. Lone surrogates become U+FFFD. */
  string: (initial = ''): StringField => ({ kind: 'string', initial }),
  /** A whole number from -(2^53 - 1) to 2^53 - 1; 0 unless said. */
  int: (initial = 0): IntField => ({ kind: 'int', initial }),
  /** A finite number; 0 unless said. */
  double: (initial = 0): DoubleField => ({ kind: 'double', initial }),
  /** True or false; false unless said. */
  boolean: (initial = false): BooleanField => ({ kind: 'boolean', initial }),
  /** A whole number of at most 1,000 digits; 0n unless said. Viewers get its digits, as text. */
  bigint: (initial = 0n): BigintField => ({ kind: 'bigint', initial: String(initial) }),
  /** One of 1 to 256 words; the first of them unless said. Words have the order in which they are given. */
  enum: <const V extends string>(values: readonly V[], initial?: V): EnumField<V> => {
    return { kind: 'enum', values, initial: initial ?? (values[0] as V) };
  },
  /** Somebody: `{ agent, authority }`; or null. What `viewerIs` names. */
  principal: (): PrincipalField => ({ kind: 'principal' }),
  /** A moment, to the millisecond; or null. A `Date` for handlers, ISO 8601 in UTC for viewers. */
  dateTime: (): DateTimeField => ({ kind: 'dateTime' }),
  /** Any JSON, copied; or null. It is read and assigned whole. Null inside an object is absent, inside a list it stays. `T` is for the compiler. */
  json: <T = unknown>(): JsonField<T> => ({ kind: 'json' }),
  /** A scalar without a default: null while it is absent. */
  maybe: <const F extends ScalarField>(of: F): MaybeField<F> => ({ kind: 'maybe', of }),
  /** Values in order, at most `max`: 1,000 unless said, 100,000 at the most. What changes often or has parts is better a table. */
  list: <const E extends ItemField>(of: E, { max = listItemsUsual }: { readonly max?: number } = {}): ListField<E> => {
    return { kind: 'list', of, max };
  },
  /** A group of fields, at least one, that is always there. */
  record: <const S extends Shape>(shape: S): RecordField<S> => ({ kind: 'record', shape }),
  /** Entries by a key of 1 to 128 characters, which is data: a key that a viewer may not see is not sent. */
  map: <const E extends EntryField>(of: E): MapField<E> => ({ kind: 'map', of }),
  /**
   * Rows of the same fields, each with a random `id` of 8 characters, in the order in which they were added. `key` names a field of which each value comes
   * once; rows are looked up by the fields in `index`, 16 at the most, and looked through by others; `max` is how many there may be: 10,000 unless said,
   * 100,000 at the most. A table stands in the document or in its records, not in maps or rows.
   */
  table: <const S extends RowShape, const K extends NamesOf<S, KeyField> | undefined = undefined>(
    shape: S & { readonly id?: never },
    options: {
      readonly key?: K;
      readonly index?: readonly NamesOf<S, IndexField>[];
      readonly max?: number;
    } = {},
  ): TableField<S, K> => {
    const { key, index = [], max = tableRowsUsual } = options;
    return { kind: 'table', shape, key: key as K, index, max };
  },
};

const tableRowsUsual = 10_000;
const tableRowsMax = 100_000;
/** Each is one more order that a write of a row keeps. */
const tableIndexesMax = 16;
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
  checkFields(shape, path, true);
}

/** `mayHoldTables`: a table has one place in a document, and so stands in nothing of which there may be many. */
function checkFields(shape: unknown, path: string, mayHoldTables: boolean): void {
  if (typeof shape !== 'object' || shape === null) throw invalid(path, 'fields are given as an object');
  // A literal `__proto__: field` sets the prototype and leaves no key behind: this is where it shows.
  if (Object.getPrototypeOf(shape) !== Object.prototype) throw invalid(`${path}.__proto__`, 'this name is reserved');
  for (const [name, field] of Object.entries(shape)) {
    const fieldPath = path === '' ? name : `${path}.${name}`;
    checkFieldName(name, fieldPath);
    checkField(field, fieldPath, mayHoldTables);
  }
}

function checkField(field: Field, path: string, mayHoldTables: boolean): void {
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
      checkFields(field.shape, path, mayHoldTables);
      return;
    case 'table':
      if (!mayHoldTables) throw invalid(path, 'a table stands in the document or in its records, not in maps or rows');
      return checkTable(field, path);
    case 'map':
      if (isOneOf(field.of, ['map', 'list', 'maybe', 'table'])) {
        throw invalid(path, `a map of ${(field.of as Field).kind}s: put a record between`);
      }
      checkField(field.of, `${path}.*`, false);
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
      return checkField(field.of, path, false);
    case 'list': {
      if (!isOneOf(field.of, indexKinds)) throw invalid(path, 'a list is of scalars, principals or moments');
      const { max } = field;
      if (!Number.isSafeInteger(max) || max < 1 || max > listItemsMax)
        throw invalid(path, `a list has a max of 1 to ${listItemsMax}`);
      return checkField(field.of, `${path}.*`, false);
    }
    default:
      return unreachable(field);
  }
}

function checkTable({ shape, key, index, max }: TableField, path: string): void {
  if (Object.keys(shape ?? {}).length === 0) throw invalid(path, 'a row has at least one field');
  if (Object.hasOwn(shape, 'id')) throw invalid(`${path}.id`, 'this is what the table calls a row');
  checkFields(shape, path, false);
  const kindOf = (name: unknown): Field | undefined =>
    typeof name === 'string' && Object.hasOwn(shape, name) ? shape[name] : undefined;
  if (key !== undefined && !isOneOf(kindOf(key), keyKinds))
    throw invalid(path, `its key ${JSON.stringify(key)} names no field of a kind that can be one`);
  if (!Array.isArray(index) || index.length > tableIndexesMax || new Set(index).size !== index.length)
    throw invalid(path, `its index is a list of at most ${tableIndexesMax} different fields`);
  for (const name of index) {
    if (!isOneOf(kindOf(name), indexKinds))
      throw invalid(path, `its index ${JSON.stringify(name)} names no scalar, principal or moment`);
  }
  if (!Number.isSafeInteger(max) || max < 1 || max > tableRowsMax)
    throw invalid(path, `a table has a max of 1 to ${tableRowsMax}`);
}

const scalarKinds: readonly Field['kind'][] = ['string', 'int', 'double', 'boolean', 'enum', 'bigint'];
const keyKinds: readonly Field['kind'][] = ['string', 'int', 'boolean', 'enum', 'bigint', 'principal', 'dateTime'];
const indexKinds: readonly Field['kind'][] = [...scalarKinds, 'principal', 'dateTime'];

function isOneOf(field: Field | undefined, kinds: readonly Field['kind'][]): boolean {
  return field !== undefined && kinds.includes(field.kind);
}

/** A mistake in an application's definition, with the path of the field or channel that it is in. */
export function invalid(path: string, text: string): CodedError {
  return new CodedError('APP_INVALID', `${path === '' ? 'document' : path}: ${text}`);
}
