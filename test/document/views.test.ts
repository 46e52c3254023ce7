import fc from 'fast-check';
import { test } from 'tap';
import { z } from 'zod';
import { applyDelta } from '../../engine/base/delta.ts';
import type { DocumentName } from '../../engine/base/ids.ts';
import type { Json } from '../../engine/base/merge-patch.ts';
import type { Principal, Shape, View } from '../../engine/document/define.ts';
import { document, t as f, open, viewerIs } from '../../engine/document/define.ts';
import type { Field } from '../../engine/document/definition/fields.ts';
import { checkResident, closeView, createResident, openView, viewOf } from '../../engine/document/document.ts';
import type { Page } from './kit.ts';
import { ada, bob, definition, eve, fakeEnv, Member, opened, people, shape, steps } from './kit.ts';

const name = 'board/one' as DocumentName;

test('[D5] [C18] a view and its deltas are what a projection of the state is, whatever is granted or taken away', (t) => {
  const seen = { deltas: 0, removals: 0, quiet: 0 };
  fc.assert(
    fc.property(definition, fc.array(fc.tuple(fc.nat(2), steps), { maxLength: 12 }), ({ made, page }, sends) => {
      const resident = createResident(made, name);
      const env = fakeEnv();
      const members = people.map((who) => new Member(resident, who, env));
      const copies = new Map<string, Json>(members.map(({ opening }) => [opening.view.key, JSON.parse(opening.json)]));
      for (const [index, run] of sends) {
        const sent = members[index]?.send('run', { steps: run });
        const before = new Map(copies);
        for (const { kind, json } of sent?.deltas ?? []) {
          seen.deltas += 1;
          if (json.includes('null')) seen.removals += 1;
          copies.set(kind.key, applyDelta(copies.get(kind.key), JSON.parse(json)) ?? {});
        }
        for (const { who, opening } of members) {
          const { key } = opening.view;
          const now = JSON.stringify(sorted(copies.get(key)));
          if (now !== JSON.stringify(sorted(viewOf(resident, who)))) return false;
          if (now !== JSON.stringify(sorted(expected(shape, page, resident.state, who) ?? {}))) return false;
          const isTold = sent?.deltas.some(({ kind }) => kind.key === key) === true;
          if (!isTold) seen.quiet += 1;
          // A delta that changes nothing would tell that something did.
          if (isTold && now === JSON.stringify(sorted(before.get(key)))) return false;
        }
      }
      return true;
    }),
    { numRuns: 400 },
  );
  t.ok(seen.deltas > 100 && seen.removals > 20 && seen.quiet > 100, `it did something: ${JSON.stringify(seen)}`);
  t.end();
});

/** What a page of privacy says, word for word: the oracle. Undefined where nothing is seen. */
function expected(fields: Shape, page: Page, state: Json | undefined, who: Principal): Json | undefined {
  const record = (state ?? {}) as { [key: string]: Json };
  const parts: [string, Json | undefined][] = [];
  for (const [name, field] of Object.entries(fields)) {
    const part: unknown = page[name];
    if (part === undefined) continue;
    const isPolicy = Object.getOwnPropertySymbols(part).length > 0;
    const gate = isPolicy ? (part as { field?: string }).field : undefined;
    if (gate !== undefined && JSON.stringify(sorted(record[gate])) !== JSON.stringify(sorted(who))) continue;
    const inner = (of: Shape): Page =>
      (isPolicy ? Object.fromEntries(Object.keys(of).map((key) => [key, open])) : part) as Page;
    const seen = expectedField(field, inner, record[name], who);
    if (seen !== undefined || field.kind === 'principal') parts.push([name, seen]);
  }
  if (parts.length === 0) return undefined;
  return Object.fromEntries(parts.filter((part): part is [string, Json] => part[1] !== undefined));
}

function expectedField(
  field: Field,
  inner: (of: Shape) => Page,
  value: Json | undefined,
  who: Principal,
): Json | undefined {
  if (field.kind === 'list') return value ?? [];
  if (field.kind === 'record') return expected(field.shape, inner(field.shape), value, who);
  if (field.kind !== 'map') return value ?? ('initial' in field ? field.initial : undefined);
  const { of } = field;
  // A map of which nobody may see anything is private.
  if (of.kind === 'record' && !Object.values(inner(of.shape)).some(isAnything)) return undefined;
  const entries = Object.entries(value ?? {}).map(([key, entry]): [string, Json | undefined] => {
    return [key, of.kind === 'record' ? expected(of.shape, inner(of.shape), entry, who) : (entry as Json)];
  });
  return Object.fromEntries(entries.filter((entry): entry is [string, Json] => entry[1] !== undefined));
}

function isAnything(page: Page): boolean {
  return Object.getOwnPropertySymbols(page).length > 0 || Object.values(page).some(isAnything);
}

function sorted(value: Json | undefined): Json | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const record = value as { [key: string]: Json };
  return Object.fromEntries(
    Object.keys(record)
      .sort()
      .map((key) => [key, sorted(record[key]) as Json]),
  );
}

const secretive = document({
  title: f.string('title'),
  hidden: f.string(''),
  owner: f.principal(),
  mine: f.string(''),
  notes: f.map(f.record({ owner: f.principal(), text: f.string('') })),
})
  .privacy({ title: open, mine: viewerIs('owner'), notes: { owner: viewerIs('owner'), text: viewerIs('owner') } })
  .events({ invent: () => true })
  .channel('put', z.object({ text: z.string() }), ({ doc, message, who }) => {
    doc.hidden = message.text;
    doc.owner = who;
    doc.mine = message.text;
    doc.notes.set(`${who.agent}-${message.text}`, { owner: who, text: message.text });
  })
  .channel('fail', z.object({}), ({ doc }) => {
    throw new Error(`${doc.hidden} ${doc.mine}`);
  })
  .channel('forget', z.object({ key: z.string() }), ({ doc, message }) => doc.notes.delete(message.key));

test('[D4] no secret is in a view, delta, answer or refusal of another', (t) => {
  const resident = createResident(secretive, name);
  const env = fakeEnv();
  const members = people.map((who) => new Member(resident, who, env));
  const heard = new Map<Principal, string[]>(members.map(({ who, opening }) => [who, [opening.json]]));
  const hear = (who: Principal, text: string): void => void heard.get(who)?.push(text);
  for (let round = 0; round < 12; round += 1) {
    for (const member of members) {
      const secret = `secret-${member.who.agent}-${member.who.authority}`;
      const sends = [member.send('put', { text: `${secret}-${round}` }), member.send('fail', {})];
      sends.push(member.send('forget', { key: `${member.who.agent}-${secret}-${round - 2}` }));
      for (const sent of sends) {
        hear(member.who, JSON.stringify(sent.result));
        for (const { kind, json } of sent.deltas) hear(kind.who, json);
      }
      for (const who of people) hear(who, opened(openView(resident, { who, session: '' }, env)).json);
    }
  }
  for (const who of people) {
    const text = heard.get(who)?.join('\n') ?? '';
    t.match(text, `secret-${who.agent}-${who.authority}`, 'its own it does see');
    for (const other of people) {
      if (other !== who) t.notMatch(text, `secret-${other.agent}-${other.authority}`);
    }
    t.notMatch(text, 'hidden');
  }
  t.end();
});

test('[D3] what privacy does not list is private, and an entry of which nothing is seen is not there', (t) => {
  const resident = createResident(secretive, name);
  const env = fakeEnv();
  new Member(resident, ada, env).send('put', { text: 'x' });
  t.strictSame(viewOf(resident, bob), { title: 'title', notes: {} });
  t.strictSame(viewOf(resident, eve), { title: 'title', notes: {} });
  t.strictSame(viewOf(resident, ada), { title: 'title', mine: 'x', notes: { 'ada-x': { owner: ada, text: 'x' } } });
  t.end();
});

test('[D6] without viewerIs all viewers are one kind; with it, one for each principal', (t) => {
  const env = fakeEnv();
  const shared = createResident(
    document({ text: f.string('') })
      .privacy({ text: open })
      .events({ invent: () => true }),
    name,
  );
  const one = opened(openView(shared, { who: ada, session: '' }, env)).view;
  const two = opened(openView(shared, { who: bob, session: '' }, env)).view;
  t.equal(one, two);
  t.equal(one.viewers, 2);
  closeView(shared, one);
  t.equal(shared.kinds.size, 1);
  closeView(shared, two);
  t.equal(shared.kinds.size, 0);
  t.throws(() => closeView(shared, two), { name: 'AssertionFailed' });
  const personal = createResident(secretive, name);
  const views = [ada, bob, eve, ada].map((who) => opened(openView(personal, { who, session: '' }, env)).view);
  t.equal(new Set(views).size, 3);
  checkResident(personal);
  t.end();
});

test('[D2] [D3] the view of a document that holds nothing shows defaults, and no principal', (t) => {
  const nested = document({
    box: f.record({ owner: f.principal(), size: f.int(3), deep: f.record({ isOn: f.boolean(true) }) }),
    rates: f.map(f.double(0)),
  })
    .privacy({ box: open, rates: open })
    .events({ invent: () => true });
  const view: View<typeof nested> = { box: { size: 3, deep: { isOn: true } }, rates: {} };
  t.strictSame(viewOf(createResident(nested, name), ada), view);
  const typed: View<typeof secretive> = { title: '', notes: { x: { text: '' } } };
  // @ts-expect-error: a private field is not in the type of the view.
  typed.hidden;
  t.end();
});
