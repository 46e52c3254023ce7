// Random pages of privacy over everything that one can name, and what they say of a state, word for word.
import fc from 'fast-check';
import { z } from 'zod';
import { samePrincipal } from '../../engine/base/ids.ts';
import type { Json } from '../../engine/base/merge-patch.ts';
import { isJsonObject } from '../../engine/base/merge-patch.ts';
import type { Definition, Principal } from '../../engine/document/define.ts';
import { all, t as f, open, requires, same, viewerIs } from '../../engine/document/define.ts';
import { ruleOf } from '../../engine/document/view/privacy.ts';
import type { Page } from './kit.ts';
import { base, shape } from './kit.ts';
import type { PlainPolicy } from './oracle.ts';
import { expected } from './oracle.ts';

export type LookSaid = { readonly skip: number; readonly text: string };
const lookSchema = z.object({ skip: z.int(), text: z.string() });
/** Of who has said nothing. */
export const noneLook: LookSaid = { skip: 0, text: 'none' };

export const ruled = base
  .policies({
    holder: ({ doc, who }) => same(doc.holder, who),
    counted: ({ doc }) => doc.count > 0,
    either: ({ doc, who }) => doc.text === 'x' || same(doc.holder, who),
    owner: ({ row, who }) => 'owner' in row && same(row.owner, who),
    shown: ({ doc, row }) => doc.count > 1 || row.text === 'x',
    breaks: ({ doc }) => {
      if (doc.text === 'y') throw new Error('as told');
      return doc.secret === 'x';
    },
  })
  .formulas({
    tagged: ({ doc }) => doc.tags.size,
    keeper: ({ doc }) => doc.holder?.agent,
    fragile: ({ doc }) => {
      if (doc.count === 1) throw new Error('as told');
      return { notes: doc.notes.keys(), none: null };
    },
  })
  .viewerState(lookSchema, noneLook)
  .bubbles({
    paged: ({ doc, viewer }) => doc.seats.skip(viewer.skip).limit(2),
    found: ({ doc, viewer }) => doc.notes.entries().flatMap(([, note]) => (note.text === viewer.text ? [note] : [])),
    said: ({ viewer }) => viewer,
    mine: ({ doc, who }) => doc.notes.entries().flatMap(([, note]) => (same(note.owner, who) ? [note] : [])),
    first: ({ doc, who }) => doc.seats.where({ owner: who }).first(),
    top: ({ doc }) => doc.seats.by('text', 'desc').limit(2),
    boxed: ({ doc }) => doc.box,
    plain: ({ doc, who }) => ({ count: doc.count, agent: who.agent }),
  });

const isSame = (value: Json | undefined, who: Principal): boolean =>
  isJsonObject(value) && samePrincipal(value as Principal, who);
const countOf = (state: { readonly [key: string]: Json }): number => Number(state['count'] ?? 0);
/** What the policies of `ruled` say, of a state. */
export const plain: { readonly [policy: string]: PlainPolicy } = {
  holder: (state, who) => isSame(state['holder'], who),
  counted: (state) => countOf(state) > 0,
  either: (state, who) => state['text'] === 'x' || isSame(state['holder'], who),
  owner: (_state, who, row) => isSame(row?.['owner'], who),
  shown: (state, _who, row) => countOf(state) > 1 || row?.['text'] === 'x',
  breaks: (state) => state['text'] !== 'y' && state['secret'] === 'x',
};

const ofDocument = fc.constantFrom('holder', 'counted', 'either', 'breaks');
const ofRow = fc.constantFrom('owner', 'shown', 'counted', 'either');
const ruleFrom = (policy: fc.Arbitrary<string>, field: string): fc.Arbitrary<unknown> =>
  fc.oneof(
    fc.constantFrom(undefined, open, viewerIs(field)),
    policy.map((one) => all(one)),
    fc.tuple(policy, policy).map((both) => all(...both)),
  );
const pageFrom = (parts: { readonly [field: string]: fc.Arbitrary<unknown> }): fc.Arbitrary<Page> =>
  fc.record(parts).map((page) => {
    return Object.fromEntries(Object.entries(page).filter(([, part]) => part !== undefined)) as unknown as Page;
  });
const guarded = (policy: fc.Arbitrary<string>, page: fc.Arbitrary<Page>): fc.Arbitrary<unknown> =>
  fc.oneof(
    page,
    fc.tuple(policy, page).map(([one, inside]) => requires(one, inside)),
    policy.map((one) => requires([one], open)),
  );

const inner = pageFrom({ text: ruleFrom(ofRow, 'holder'), votes: ruleFrom(ofRow, 'holder') });
const notes = pageFrom({
  owner: ruleFrom(ofRow, 'owner'),
  text: ruleFrom(ofRow, 'owner'),
  inner: guarded(ofRow, inner),
});
const seats = pageFrom({
  owner: ruleFrom(ofRow, 'owner'),
  text: ruleFrom(ofRow, 'owner'),
  deep: fc.oneof(ruleFrom(ofRow, 'owner'), guarded(ofRow, pageFrom({ text: fc.constant(open) }))),
});
const box = pageFrom({
  owner: ruleFrom(ofDocument, 'owner'),
  text: ruleFrom(ofDocument, 'owner'),
  deep: guarded(
    ofDocument,
    pageFrom({ text: ruleFrom(ofDocument, 'none').filter((rule) => rule !== undefined && !isOwn(rule)) }),
  ),
});
const formulaRule = fc.oneof(
  fc.constantFrom(undefined, open),
  ofDocument.map((one) => all(one)),
);
const page = pageFrom({
  text: ruleFrom(ofDocument, 'holder'),
  secret: ruleFrom(ofDocument, 'holder'),
  count: ruleFrom(ofDocument, 'holder'),
  tags: ruleFrom(ofDocument, 'holder'),
  box: guarded(ofDocument, box),
  notes: fc.oneof(guarded(ofRow, notes), ruleFrom(ofDocument, 'holder')),
  seats: fc.oneof(guarded(ofRow, seats), ruleFrom(ofDocument, 'holder')),
  tagged: formulaRule,
  keeper: formulaRule,
  fragile: formulaRule,
  mine: formulaRule,
  first: formulaRule,
  top: formulaRule,
  boxed: formulaRule,
  plain: formulaRule,
  paged: formulaRule,
  found: formulaRule,
  said: formulaRule,
});
export const whole: fc.Arbitrary<unknown> = fc.oneof(
  { arbitrary: page, weight: 4 },
  { arbitrary: fc.tuple(ofDocument, page).map(([one, inside]) => requires(one, inside)), weight: 1 },
);

function isOwn(rule: unknown): boolean {
  return typeof rule === 'object' && rule !== null && 'field' in rule;
}

/** The policies that a page names, and no others: one that nobody needs would have things asked again for another's sake. */
export function makeOf(page: unknown): Definition {
  const { policies, formulas, bubbles } = ruled.plan;
  const named = new Set(namesIn(page));
  const parts = (plans: readonly { readonly name: string; readonly run: unknown }[]): never =>
    Object.fromEntries(plans.map(({ name, run }) => [name, run])) as never;
  // Pages made at random have no type; what the compiler would refuse, the definition checks again.
  const made = base
    .policies(parts(policies.filter(({ name }) => named.has(name))))
    .formulas(parts(formulas))
    .viewerState(lookSchema, noneLook)
    .bubbles(parts(bubbles));
  return (made.privacy as (page: unknown) => Definition).call(made, page);
}

function namesIn(page: unknown): readonly string[] {
  if (typeof page !== 'object' || page === null) return [];
  const own = ruleOf(page);
  const names = own !== undefined && 'policies' in own ? own.policies : [];
  return [...names, ...Object.values(page).flatMap((part) => (Array.isArray(part) ? [] : namesIn(part)))];
}

/** With the values that formulas have of this state, and bubbles of it and of what the view looks at. */
export function expectedOf(
  page: unknown,
  state: { readonly [key: string]: Json },
  who: Principal,
  look: LookSaid = noneLook,
): Json {
  const asked = { who, root: state, policies: plain, row: undefined };
  const tags = Object.keys(state['tags'] ?? {}).length;
  const holder = isJsonObject(state['holder']) ? state['holder']['agent'] : undefined;
  const keys = Object.keys(state['notes'] ?? {}).sort();
  const formulas = { tagged: tags, keeper: holder, fragile: countOf(state) === 1 ? undefined : { notes: keys } };
  const fields = { ...shape, tagged: f.json(), keeper: f.json(), fragile: f.json() };
  const record = defined({ ...state, ...formulas });
  const view = (expected(fields, page as Page, record, asked) ?? {}) as { readonly [key: string]: Json };
  const made = Object.fromEntries(madeNames.map((name) => [name, f.json()]));
  const bubbles = bubblesOf(state, view, who, look);
  return expected({ ...fields, ...made }, page as Page, defined({ ...record, ...bubbles }), asked) ?? {};
}

const madeNames = ['mine', 'first', 'top', 'boxed', 'plain', 'paged', 'found', 'said'] as const;

type Plain = { readonly [key: string]: Json };

/** What is shown of records is what the view shows of them where they stand. */
function bubblesOf(
  state: Plain,
  view: Plain,
  who: Principal,
  look: LookSaid,
): { readonly [name in (typeof madeNames)[number]]: Json | undefined } {
  const notes = Object.entries((state['notes'] ?? {}) as { [key: string]: Plain }).sort(([a], [b]) => (a < b ? -1 : 1));
  const seats = Object.entries((state['seats'] ?? {}) as { [id: string]: Plain }).filter(([id]) => id !== '@next');
  seats.sort(([, one], [, other]) => Number(one['@n']) - Number(other['@n']));
  const shown = (id: string): Json | undefined => ((view['seats'] ?? []) as Plain[]).find((row) => row['id'] === id);
  const textOf = (seat: Plain): string => String(seat['text'] ?? 'free');
  const byText = [...seats].sort(([, one], [, other]) =>
    textOf(one) < textOf(other) ? 1 : textOf(one) > textOf(other) ? -1 : 0,
  );
  const own = seats.find(([, seat]) => isSame(seat['owner'], who));
  const inView = (view['notes'] ?? {}) as Plain;
  return {
    mine: notes.flatMap(([key, note]) =>
      isSame(note['owner'], who) && Object.hasOwn(inView, key) ? [inView[key] as Json] : [],
    ),
    first: own === undefined ? undefined : shown(own[0]),
    top: byText.slice(0, 2).flatMap(([id]) => shown(id) ?? []),
    boxed: view['box'],
    plain: { count: countOf(state), agent: who.agent },
    paged: seats.slice(look.skip, look.skip + 2).flatMap(([id]) => shown(id) ?? []),
    found: notes.flatMap(([key, note]) =>
      (note['text'] ?? 'none') === look.text && Object.hasOwn(inView, key) ? [inView[key] as Json] : [],
    ),
    said: { ...look },
  };
}

function defined(parts: { readonly [name: string]: Json | undefined }): Plain {
  return Object.fromEntries(Object.entries(parts).filter((part): part is [string, Json] => part[1] !== undefined));
}
