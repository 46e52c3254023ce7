// The words of a page of privacy, and what it makes of the types that clients see: open = required, conditional = optional, private = absent.
// plan.ts compiles a page, and checks again what the compiler was not shown.
import type { Row, Rows } from '../definition/drafts.ts';
import type {
  BigintField,
  DateTimeField,
  Held,
  ListField,
  MapField,
  MaybeField,
  NullableField,
  PrincipalField,
  RecordField,
  Shape,
  TableField,
} from '../definition/fields.ts';

// Registered, so that an application that brought its own copy of this package is understood.
const rule: unique symbol = Symbol.for('levelten.policy');

/** What `open` is. */
export type Open = { readonly [rule]: 'open' };
/** What `viewerIs` makes. */
export type ViewerIs<Name extends string = string> = { readonly [rule]: 'viewerIs'; readonly field: Name };
/** What `all` makes. */
export type All<Names extends string = string> = { readonly [rule]: 'all'; readonly policies: readonly Names[] };
/** A page of which nothing is there for whoever does not pass. */
export type Requires<Names extends string = string, Page = unknown> = {
  readonly [rule]: 'requires';
  readonly policies: readonly Names[];
  readonly page: Page;
};
/** What a field's privacy is, where it is no page of its own. */
export type Rule = Open | ViewerIs | All;

/** Everyone who views the document sees the field, and all that is in it. */
export const open: Open = { [rule]: 'open' };

/** Only the principal that the field `field` beside it holds sees it; nobody does while that is absent. */
export function viewerIs<const Name extends string>(field: Name): ViewerIs<Name> {
  return { [rule]: 'viewerIs', field };
}

/** Whoever passes all of these policies sees the field, and all that is in it. */
export function all<const Names extends string>(...policies: readonly Names[]): All<Names> {
  return { [rule]: 'all', policies };
}

/**
 * The record, or each entry on its own, is there only for whoever passes the policy, or all of several: nothing else tells that it exists, no key
 * and no count. `page` is open, or says more of its fields.
 */
export function requires<const Names extends string, const Page>(
  policies: Names | readonly Names[],
  page: Page,
): Requires<Names, Page> {
  return { [rule]: 'requires', policies: typeof policies === 'string' ? [policies] : policies, page };
}

export function ruleOf(part: unknown): Rule | Requires | undefined {
  return typeof part === 'object' && part !== null && rule in part ? (part as Rule | Requires) : undefined;
}

export function kindOfRule(part: Rule | Requires): 'open' | 'viewerIs' | 'all' | 'requires' {
  return part[rule];
}

type PrincipalNames<S extends Shape> = {
  [K in keyof S]: S[K] extends PrincipalField ? K : never;
}[keyof S] &
  string;

/** What `.privacy()` takes: a rule for a field, or, for what has fields, such a page for them. */
export type PrivacyOf<S extends Shape, Policies extends string> = {
  readonly [K in keyof S]?: Open | ViewerIs<PrincipalNames<S>> | All<Policies> | InnerPrivacy<S[K], Policies>;
};
type InnerPrivacy<F, Policies extends string> =
  F extends RecordField<infer R>
    ? PageOf<R, Policies>
    : F extends MapField<RecordField<infer R>> | TableField<infer R>
      ? PageOf<R, Policies>
      : never;
type PageOf<S extends Shape, Policies extends string> =
  | PrivacyOf<S, Policies>
  | Requires<Policies, Open | PrivacyOf<S, Policies>>;

/** What `.privacy()` of a document takes. */
export type DocumentPrivacy<S extends Shape, Policies extends string, Formulas> =
  | (PrivacyOf<S, Policies> & FormulaPrivacy<Policies, Formulas>)
  | Requires<Policies, PrivacyOf<S, Policies> & FormulaPrivacy<Policies, Formulas>>;
type FormulaPrivacy<Policies extends string, Formulas> = { readonly [K in keyof Formulas]?: Open | All<Policies> };

/** A value as JSON shows it. */
type Shown<F> = F extends MaybeField<infer G> ? Shown<G> : F extends BigintField | DateTimeField ? string : Held<F>;
type WholeRecord<S extends Shape> = {
  readonly [K in keyof S as S[K] extends NullableField ? never : K]: Whole<S[K]>;
} & { readonly [K in keyof S as S[K] extends NullableField ? K : never]?: Whole<S[K]> };
type Whole<F> =
  F extends RecordField<infer R>
    ? WholeRecord<R>
    : F extends MapField<infer E>
      ? { readonly [key: string]: Whole<E> }
      : F extends ListField<infer I>
        ? readonly Shown<I>[]
        : F extends TableField<infer R>
          ? readonly RowView<WholeRecord<R>>[]
          : Shown<F>;
/** A row as viewers see it, in the order of the table. */
type RowView<V> = V & { readonly id: string };

type HasOpen<P> = true extends { [K in keyof P]: P[K] extends Open ? true : false }[keyof P] ? true : false;
type Presence<F, P> = P extends Open
  ? F extends NullableField
    ? 'optional'
    : 'required'
  : P extends ViewerIs | All
    ? 'optional'
    : P extends Requires
      ? F extends MapField | TableField
        ? 'required'
        : 'optional'
      : keyof P extends never
        ? 'absent'
        : F extends MapField | TableField
          ? 'required'
          : HasOpen<P> extends true
            ? 'required'
            : 'optional';
type Seen<F, P> = P extends Rule
  ? Whole<F>
  : P extends Requires<string, infer Page>
    ? Seen<F, Page>
    : F extends RecordField<infer R>
      ? ViewOf<R, P>
      : F extends MapField<RecordField<infer R>>
        ? { readonly [key: string]: ViewOf<R, P> }
        : F extends TableField<infer R>
          ? readonly RowView<ViewOf<R, P>>[]
          : never;

/**
 * What a client gets: open = required, conditional = optional, private = absent. A principal may be absent, as views
 * hold no null; and so may what is made of the document.
 */
export type ViewOf<S extends Shape, P, Formulas = Record<never, never>> =
  P extends Requires<string, infer Page>
    ? Partial<ViewOf<S, Page, Formulas>>
    : {
        readonly [K in keyof S & keyof P as Presence<S[K], P[K]> extends 'required' ? K : never]: Seen<S[K], P[K]>;
      } & {
        readonly [K in keyof S & keyof P as Presence<S[K], P[K]> extends 'optional' ? K : never]?: Seen<S[K], P[K]>;
      } & { readonly [K in keyof Formulas & keyof P]?: NonNullable<Formulas[K]> };

/** What bubbles show, by name: of a record whatever its privacy leaves. */
export type Bubbled<B> = { readonly [K in keyof B]: Shared<B[K]> };
type Shared<V> = V extends Date | bigint
  ? string
  : V extends string | number | boolean | null | undefined
    ? V
    : V extends Rows<infer S>
      ? readonly Shared<Row<S>>[]
      : V extends Iterable<infer I>
        ? readonly Shared<NonNullable<I>>[]
        : V extends { entries(): [string, infer E][] }
          ? { readonly [key: string]: Shared<E> }
          : { readonly [K in keyof V as V[K] extends (...args: never) => unknown ? never : K]?: Shared<V[K]> };
