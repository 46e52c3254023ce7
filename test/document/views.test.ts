import fc from 'fast-check';
import { test } from 'tap';
import { z } from 'zod';
import { applyDelta } from '../../engine/base/delta.ts';
import type { DocumentName } from '../../engine/base/ids.ts';
import type { Json } from '../../engine/base/merge-patch.ts';
import type { Principal, View } from '../../engine/document/define.ts';
import { document, t as f, open, viewerIs } from '../../engine/document/define.ts';
import { checkResident, closeView, createResident, openView, viewOf } from '../../engine/document/document.ts';
import { ada, bob, definition, deliver, eve, fakeEnv, Member, opened, people, shape, steps } from './kit.ts';
import { expected, sorted } from './oracle.ts';

const name = 'board/one' as DocumentName;

test('[D5] [C18] a view and its deltas are what a projection of the state is, whatever is granted or taken away', (t) => {
  const seen = { deltas: 0, removals: 0, quiet: 0 };
  fc.assert(
    fc.property(definition, fc.array(fc.tuple(fc.nat(2), steps), { maxLength: 12 }), ({ made, page }, sends) => {
      const resident = createResident(made, name);
      const env = fakeEnv();
      const members = people.map((who) => new Member(resident, who, env));
      const copies = new Map<Member, Json>(members.map((member) => [member, JSON.parse(member.opening.json)]));
      for (const [index, run] of sends) {
        const sent = members[index]?.send('run', { steps: run });
        const before = new Map(copies);
        const heard = deliver(members, sent?.deltas ?? []);
        for (const [member, json] of heard) {
          seen.deltas += 1;
          if (json.includes('null')) seen.removals += 1;
          copies.set(member, applyDelta(copies.get(member), JSON.parse(json)) ?? {});
        }
        for (const member of members) {
          const { who } = member;
          const now = JSON.stringify(sorted(copies.get(member)));
          if (now !== JSON.stringify(sorted(viewOf(resident, who)))) return false;
          if (
            now !==
            JSON.stringify(
              sorted(
                expected(shape, page, resident.state, { who, root: resident.state, policies: {}, row: undefined }) ??
                  {},
              ),
            )
          )
            return false;
          const isTold = heard.has(member);
          if (!isTold) seen.quiet += 1;
          // A delta that changes nothing would tell that something did.
          if (isTold && now === JSON.stringify(sorted(before.get(member)))) return false;
        }
      }
      return true;
    }),
    { numRuns: 400 },
  );
  t.ok(seen.deltas > 100 && seen.removals > 20 && seen.quiet > 100, `it did something: ${JSON.stringify(seen)}`);
  t.end();
});

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
        for (const [{ who }, json] of deliver(members, sent.deltas)) hear(who, json);
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

test('[D6] viewers of whom policies say the same share one text; what names one is told to him alone', (t) => {
  const env = fakeEnv();
  const resident = createResident(secretive, name);
  const members = people.map((who) => new Member(resident, who, env));
  const [first, second] = members;
  t.equal(resident.viewers.kinds, 1);
  const put = first?.send('put', { text: 'x' });
  t.strictSame([...deliver(members, put?.deltas ?? []).keys()], [first], 'the others see no difference');
  t.equal(put?.deltas.length, 1);
  const again = opened(openView(resident, { who: ada, session: '' }, env)).viewer;
  t.equal(again, first?.opening.viewer);
  t.equal(again.views, 2);
  for (const viewer of [again, ...members.map(({ opening }) => opening.viewer)]) closeView(resident, viewer, 0);
  t.strictSame([resident.viewers.size, resident.viewers.kinds], [0, 0]);
  t.throws(() => closeView(resident, again, 0), { name: 'AssertionFailed' });
  t.ok(second);
  checkResident(resident);
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
