// What a page of privacy says, word for word: the slow way, from the page itself and from the state, with policies as plain functions of both.
import type { Json } from '../../engine/base/merge-patch.ts';
import type { Principal, Shape } from '../../engine/document/define.ts';
import type { Field } from '../../engine/document/definition/fields.ts';
import { kindOfRule, open, ruleOf } from '../../engine/document/view/privacy.ts';
import type { Page } from './kit.ts';

type State = { readonly [key: string]: Json };
/** What a policy says, of a state and not of its drafts. */
export type PlainPolicy = (state: State, who: Principal, row: State | undefined) => boolean;

export type Asked = {
  readonly who: Principal;
  readonly root: State;
  readonly policies: { readonly [name: string]: PlainPolicy };
  readonly row: State | undefined;
};

/** Undefined where nothing is seen. */
export function expected(fields: Shape, page: Page, state: Json | undefined, asked: Asked): Json | undefined {
  const own = ruleOf(page);
  if (own !== undefined && 'page' in own) {
    return passesAll(own.policies, asked)
      ? expected(fields, insideOf(own.page as Page, fields), state, asked)
      : undefined;
  }
  const record = (state ?? {}) as State;
  const parts: [string, Json | undefined][] = [];
  for (const [name, field] of Object.entries(fields)) {
    const part: unknown = page[name];
    if (part === undefined || !passes(part, record, asked)) continue;
    const inner = (of: Shape): Page => insideOf(part as Page, of);
    const seen = expectedField(field, inner, record[name], asked);
    if (seen !== undefined || field.kind === 'principal') parts.push([name, seen]);
  }
  if (parts.length === 0) return undefined;
  return Object.fromEntries(parts.filter((part): part is [string, Json] => part[1] !== undefined));
}

/** A rule for something that has fields opens all of them. */
function insideOf(part: Page, of: Shape): Page {
  const own = ruleOf(part);
  const isRule = own !== undefined && kindOfRule(own) !== 'requires';
  return isRule ? (Object.fromEntries(Object.keys(of).map((key) => [key, open])) as unknown as Page) : part;
}

function passes(part: unknown, record: State, asked: Asked): boolean {
  const own = ruleOf(part);
  if (own === undefined || kindOfRule(own) === 'requires' || kindOfRule(own) === 'open') return true;
  if ('field' in own) return JSON.stringify(sorted(record[own.field])) === JSON.stringify(sorted(asked.who));
  return 'policies' in own && passesAll(own.policies, asked);
}

function passesAll(names: readonly string[], { policies, root, who, row }: Asked): boolean {
  return names.every((name) => policies[name]?.(root, who, row) === true);
}

function expectedField(
  field: Field,
  inner: (of: Shape) => Page,
  value: Json | undefined,
  asked: Asked,
): Json | undefined {
  if (field.kind === 'list') return value ?? [];
  if (field.kind === 'table') {
    if (!isAnything(inner(field.shape))) return undefined;
    const rows = Object.entries((value ?? {}) as { [id: string]: State }).filter(([id]) => id !== '@next');
    rows.sort(([, one], [, other]) => Number(one['@n']) - Number(other['@n']));
    return rows.flatMap(([id, row]): Json[] => {
      const seen = expected(field.shape, inner(field.shape), row, { ...asked, row });
      return seen === undefined ? [] : [{ id, ...(seen as State) }];
    });
  }
  if (field.kind === 'record') return expected(field.shape, inner(field.shape), value, asked);
  if (field.kind !== 'map') return value ?? ('initial' in field ? field.initial : undefined);
  const { of } = field;
  // A map of which nobody may see anything is private.
  if (of.kind === 'record' && !isAnything(inner(of.shape))) return undefined;
  const entries = Object.entries((value ?? {}) as State).map(([key, entry]): [string, Json | undefined] => {
    if (of.kind !== 'record') return [key, entry];
    return [key, expected(of.shape, inner(of.shape), entry, { ...asked, row: entry as State })];
  });
  return Object.fromEntries(entries.filter((entry): entry is [string, Json] => entry[1] !== undefined));
}

function isAnything(page: unknown): boolean {
  const own = ruleOf(page);
  if (own !== undefined) return 'page' in own ? isAnything(own.page) : true;
  return Object.values(page as Page).some(isAnything);
}

export function sorted(value: Json | undefined): Json | undefined {
  if (Array.isArray(value)) return value.map((part: Json) => sorted(part) as Json);
  if (typeof value !== 'object' || value === null) return value;
  const record = value as { [key: string]: Json };
  return Object.fromEntries(
    Object.keys(record)
      .sort()
      .map((key) => [key, sorted(record[key]) as Json]),
  );
}
