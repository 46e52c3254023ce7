// Who may see what. A page of privacy is compiled into a view plan, which holds only what somebody may see: a field
// that nobody listed is not in the plan, so no code that walks a plan can show it.
import type { Json } from '../../base/merge-patch.ts';
import type {
  BigintField,
  DateTimeField,
  EntryField,
  Field,
  Held,
  ListField,
  MapField,
  MaybeField,
  NullableField,
  PrincipalField,
  RecordField,
  Shape,
} from '../definition/fields.ts';
import { invalid } from '../definition/fields.ts';

// Registered, so that an application that brought its own copy of this package is understood.
const policy: unique symbol = Symbol.for('levelten.policy');

export type Open = { readonly [policy]: 'open' };
export type ViewerIs<Name extends string = string> = { readonly [policy]: 'viewerIs'; readonly field: Name };
type Policy = Open | ViewerIs;

/** Everyone who views the document sees the field, and all that is in it. */
export const open: Open = { [policy]: 'open' };

/** Only the principal that the field `field` beside it holds sees it; nobody does while that is absent. */
export function viewerIs<const Name extends string>(field: Name): ViewerIs<Name> {
  return { [policy]: 'viewerIs', field };
}

type PrincipalNames<S extends Shape> = {
  [K in keyof S]: S[K] extends PrincipalField ? K : never;
}[keyof S] &
  string;

/** What `.privacy()` takes: a policy for a field, or, for what has fields, such a page for them. */
export type PrivacyOf<S extends Shape> = {
  readonly [K in keyof S]?: Open | ViewerIs<PrincipalNames<S>> | InnerPrivacy<S[K]>;
};
type InnerPrivacy<F> =
  F extends RecordField<infer R> ? PrivacyOf<R> : F extends MapField<RecordField<infer R>> ? PrivacyOf<R> : never;

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
        : Shown<F>;

type HasOpen<P> = true extends { [K in keyof P]: P[K] extends Open ? true : false }[keyof P] ? true : false;
type Presence<F, P> = P extends Open
  ? F extends NullableField
    ? 'optional'
    : 'required'
  : P extends ViewerIs
    ? 'optional'
    : keyof P extends never
      ? 'absent'
      : F extends MapField
        ? 'required'
        : HasOpen<P> extends true
          ? 'required'
          : 'optional';
type Seen<F, P> = P extends Policy
  ? Whole<F>
  : F extends RecordField<infer R>
    ? ViewOf<R, P>
    : F extends MapField<RecordField<infer R>>
      ? { readonly [key: string]: ViewOf<R, P> }
      : never;

/**
 * What a client gets: open = required, conditional = optional, private = absent. A principal may be absent, as views
 * hold no null.
 */
export type ViewOf<S extends Shape, P> = {
  readonly [K in keyof S & keyof P as Presence<S[K], P[K]> extends 'required' ? K : never]: Seen<S[K], P[K]>;
} & {
  readonly [K in keyof S & keyof P as Presence<S[K], P[K]> extends 'optional' ? K : never]?: Seen<S[K], P[K]>;
};

/** A record as viewers may see it. */
export type ViewPlan = {
  readonly visible: readonly VisibleField[];
  /** By the name of a field of the state: what may look different after it changed. */
  readonly touchedBy: ReadonlyMap<string, readonly VisibleField[]>;
  /** Whether two viewers can see different things. */
  readonly isPersonal: boolean;
};

export type VisibleField = {
  readonly name: string;
  readonly kind: Field['kind'];
  /** What a scalar reads as while it is absent. */
  readonly initial: Json | undefined;
  /** The principal field beside it that must hold the viewer; undefined = open. */
  readonly gate: string | undefined;
  /** The plan of a record, or of the entries of a map of records. */
  readonly inner: ViewPlan | undefined;
};

/**
 * Compiles a page of privacy, 'open' = everything; what it does not list is private. APP_INVALID with the path of a
 * mistake.
 */
export function planView(shape: Shape, privacy: unknown, path: string): ViewPlan {
  if (typeof privacy !== 'object' || privacy === null) throw invalid(path, 'privacy is open, viewerIs(...) or a page');
  const isOpen = policyOf(privacy)?.[policy] === 'open';
  const names = isOpen ? Object.keys(shape) : Object.keys(privacy);
  const visible: VisibleField[] = [];
  for (const name of names) {
    const fieldPath = path === '' ? name : `${path}.${name}`;
    const field = Object.hasOwn(shape, name) ? shape[name] : undefined;
    if (field === undefined) throw invalid(fieldPath, 'privacy names a field that is not there');
    const part = isOpen ? open : (privacy as Record<string, unknown>)[name];
    const seen = planField(shape, name, field, part, fieldPath);
    if (seen !== undefined) visible.push(seen);
  }
  return {
    visible,
    touchedBy: touchedBy(visible),
    isPersonal: visible.some((field) => field.gate !== undefined || field.inner?.isPersonal === true),
  };
}

/** Undefined where nobody sees anything of it. */
function planField(shape: Shape, name: string, field: Field, part: unknown, path: string): VisibleField | undefined {
  const how = policyOf(part);
  const gate = how?.[policy] === 'viewerIs' ? how.field : undefined;
  if (gate !== undefined && (!Object.hasOwn(shape, gate) || shape[gate]?.kind !== 'principal')) {
    throw invalid(path, `viewerIs(${JSON.stringify(gate)}) names no principal field beside it`);
  }
  if (field.kind === 'table') throw invalid(path, 'tables are not shown yet');
  const fields = fieldsInside(field);
  if (how === undefined && fields === undefined) throw invalid(path, 'its privacy is open or viewerIs(...)');
  const inner = fields === undefined ? undefined : planView(fields, how === undefined ? part : open, path);
  if (inner?.visible.length === 0) return undefined;
  return { name, kind: field.kind, initial: initialOf(field), gate, inner };
}

/** What viewers see of a field that is absent, where that is anything. */
function initialOf(field: Field): Json | undefined {
  if (field.kind === 'list') return [];
  return 'initial' in field ? field.initial : undefined;
}

function policyOf(part: unknown): Policy | undefined {
  return typeof part === 'object' && part !== null && policy in part ? (part as Policy) : undefined;
}

function fieldsInside(field: Field): Shape | undefined {
  if (field.kind === 'record') return field.shape;
  if (field.kind !== 'map') return undefined;
  const entry: EntryField = field.of;
  return entry.kind === 'record' ? entry.shape : undefined;
}

function touchedBy(visible: readonly VisibleField[]): Map<string, VisibleField[]> {
  const touched = new Map<string, VisibleField[]>();
  for (const field of visible) {
    for (const name of field.gate === undefined ? [field.name] : [field.name, field.gate]) {
      const fields = touched.get(name) ?? [];
      if (!fields.includes(field)) fields.push(field);
      touched.set(name, fields);
    }
  }
  return touched;
}
