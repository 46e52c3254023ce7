// A page of privacy, compiled: it holds only what somebody may see. A field that nobody listed is not in the plan, so no code that walks a plan
// can show it.
import type { Json } from '../../base/merge-patch.ts';
import type { EntryField, Field, Shape } from '../definition/fields.ts';
import { invalid } from '../definition/fields.ts';
import type { RecordPlan } from '../draft/draft.ts';
import { planRecord } from '../draft/draft.ts';
import { kindOfRule, open, ruleOf } from './privacy.ts';

/** A record as viewers may see it. */
export type ViewPlan = {
  readonly visible: readonly VisibleField[];
  /** By the name of a field of the state: what may look different after it changed. */
  readonly touchedBy: ReadonlyMap<string, readonly VisibleField[]>;
  /** The numbers of policies that all must hold for the record to be there. */
  readonly requires: readonly number[];
  /** All that it depends on, however deep. */
  readonly policies: ReadonlySet<number>;
  /** Of an entry or a row on which a policy may hang: what such a policy is given. */
  readonly record: RecordPlan | undefined;
};

/** Who passes: everyone, the principal that a field beside it holds, or who passes all of these policies. */
export type Gate =
  | { readonly kind: 'open' }
  | { readonly kind: 'viewerIs'; readonly field: string }
  | { readonly kind: 'all'; readonly policies: readonly number[] };

export type VisibleField = {
  readonly name: string;
  readonly kind: Field['kind'] | 'formula' | 'bubble';
  /** What a map is of. */
  readonly entry: Field['kind'] | undefined;
  /** What a scalar reads as while it is absent. Of a formula or a bubble: its number. */
  readonly initial: Json | undefined;
  readonly gate: Gate;
  /** The plan of a record, of the entries of a map of records, or of rows. */
  readonly inner: ViewPlan | undefined;
  /** All that it depends on, however deep. */
  readonly policies: ReadonlySet<number>;
};

/** The names that a page may use beside the fields, in the order of their numbers. */
export type Words = {
  readonly policies: readonly string[];
  readonly formulas: readonly string[];
  readonly bubbles: readonly string[];
};

const everyone: Gate = { kind: 'open' };

/** Compiles a document's page of privacy; what it does not list is private. APP_INVALID with the path of a mistake. */
export function planView(shape: Shape, page: unknown, words: Words): ViewPlan {
  const root = shapePlan(shape, page, words, '');
  const made = [...planMade(page as object, 'formula', words), ...planMade(page as object, 'bubble', words)];
  return made.length === 0 ? root : recordPlan([...root.visible, ...made], root.requires);
}

/** What the application makes of the document. */
function planMade(page: object, kind: 'formula' | 'bubble', words: Words): VisibleField[] {
  const own = ruleOf(page);
  if (own !== undefined && 'page' in own) return planMade(own.page as object, kind, words);
  const visible: VisibleField[] = [];
  for (const [number, name] of (kind === 'formula' ? words.formulas : words.bubbles).entries()) {
    const part = (page as Record<string, unknown>)[name];
    if (!Object.hasOwn(page, name)) continue;
    const gate = gateOf({}, part, words, name);
    if (gate === undefined) throw invalid(name, `the privacy of a ${kind} is open or all(...)`);
    visible.push({
      name,
      kind,
      entry: undefined,
      initial: number,
      gate,
      inner: undefined,
      policies: policiesOf(gate),
    });
  }
  return visible;
}

function shapePlan(shape: Shape, page: unknown, words: Words, path: string): ViewPlan {
  if (typeof page !== 'object' || page === null) throw invalid(path, 'privacy is open, viewerIs(...) or a page');
  const own = ruleOf(page);
  if (own !== undefined && kindOfRule(own) === 'requires' && 'page' in own) {
    const inside = shapePlan(shape, own.page, words, path);
    return recordPlan(inside.visible, [...numbersOf(own.policies, words, path), ...inside.requires]);
  }
  const isOpen = own !== undefined && kindOfRule(own) === 'open';
  if (own !== undefined && !isOpen) throw invalid(path, 'its privacy is open, requires(...) or a page');
  const names = isOpen ? Object.keys(shape) : Object.keys(page);
  const visible: VisibleField[] = [];
  for (const name of names) {
    const fieldPath = path === '' ? name : `${path}.${name}`;
    const field = Object.hasOwn(shape, name) ? shape[name] : undefined;
    if (field === undefined && path === '' && isMade(name, words)) continue;
    if (field === undefined) throw invalid(fieldPath, 'privacy names a field that is not there');
    const part = isOpen ? open : (page as Record<string, unknown>)[name];
    const seen = planField(shape, name, field, part, words, fieldPath);
    if (seen !== undefined) visible.push(seen);
  }
  return recordPlan(visible, []);
}

function isMade(name: string, { formulas, bubbles }: Words): boolean {
  return formulas.includes(name) || bubbles.includes(name);
}

function recordPlan(visible: readonly VisibleField[], requires: readonly number[]): ViewPlan {
  const policies = new Set(requires);
  for (const field of visible) for (const number of field.policies) policies.add(number);
  return { visible, touchedBy: touchedBy(visible), requires, policies, record: undefined };
}

/** Undefined where nobody sees anything of it. */
function planField(
  shape: Shape,
  name: string,
  field: Field,
  part: unknown,
  words: Words,
  path: string,
): VisibleField | undefined {
  const gate = gateOf(shape, part, words, path);
  const fields = fieldsInside(field);
  if (gate === undefined && fields === undefined) throw invalid(path, 'its privacy is open, viewerIs(...) or all(...)');
  const inner =
    fields === undefined ? undefined : innerPlan(field, fields, gate === undefined ? part : open, words, path);
  if (inner?.visible.length === 0) return undefined;
  const policies = new Set([...policiesOf(gate ?? everyone), ...(inner?.policies ?? [])]);
  const entry = field.kind === 'map' ? field.of.kind : undefined;
  return { name, kind: field.kind, entry, initial: initialOf(field), gate: gate ?? everyone, inner, policies };
}

function innerPlan(field: Field, fields: Shape, page: unknown, words: Words, path: string): ViewPlan {
  const plan = shapePlan(fields, page, words, path);
  const isOfMany = field.kind === 'map' || field.kind === 'table';
  return isOfMany && plan.policies.size > 0 ? { ...plan, record: planRecord(fields, field.kind === 'table') } : plan;
}

/** Undefined where a page of its own says it. */
function gateOf(shape: Shape, part: unknown, words: Words, path: string): Gate | undefined {
  const own = ruleOf(part);
  if (own === undefined || kindOfRule(own) === 'requires') return undefined;
  const kind = kindOfRule(own);
  if (kind === 'viewerIs' && 'field' in own) {
    if (Object.hasOwn(shape, own.field) && shape[own.field]?.kind === 'principal') {
      return { kind: 'viewerIs', field: own.field };
    }
    throw invalid(path, `viewerIs(${JSON.stringify(own.field)}) names no principal field beside it`);
  }
  if (kind === 'all' && 'policies' in own) return { kind, policies: numbersOf(own.policies, words, path) };
  // A page may hold rules of another copy of this package: what is not known here shows nobody anything.
  if (kind !== 'open') throw invalid(path, 'its privacy is of another version of this package');
  return everyone;
}

export function numbersOf(names: readonly string[], words: Pick<Words, 'policies'>, path: string): number[] {
  if (names.length === 0) throw invalid(path, 'it names no policy');
  return names.map((name) => {
    const number = words.policies.indexOf(name);
    if (number < 0) throw invalid(path, `there is no policy ${JSON.stringify(name)}`);
    return number;
  });
}

function policiesOf(gate: Gate): ReadonlySet<number> {
  return new Set(gate.kind === 'all' ? gate.policies : []);
}

/** What viewers see of a field that is absent, where that is anything. */
function initialOf(field: Field): Json | undefined {
  if (field.kind === 'list') return [];
  return 'initial' in field ? field.initial : undefined;
}

function fieldsInside(field: Field): Shape | undefined {
  if (field.kind === 'record') return field.shape;
  if (field.kind === 'table') return field.shape;
  if (field.kind !== 'map') return undefined;
  const entry: EntryField = field.of;
  return entry.kind === 'record' ? entry.shape : undefined;
}

function touchedBy(visible: readonly VisibleField[]): Map<string, VisibleField[]> {
  const touched = new Map<string, VisibleField[]>();
  for (const field of visible) {
    for (const name of field.gate.kind === 'viewerIs' ? [field.name, field.gate.field] : [field.name]) {
      const fields = touched.get(name) ?? [];
      if (!fields.includes(field)) fields.push(field);
      touched.set(name, fields);
    }
  }
  return touched;
}
