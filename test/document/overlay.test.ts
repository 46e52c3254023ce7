// Updates that touch many entries, each of which names somebody else: what one is told is what nobody in particular is, but for his own.
import fc from 'fast-check';
import { test } from 'tap';
import { z } from 'zod';
import { applyDelta } from '../../engine/base/delta.ts';
import type { DocumentName } from '../../engine/base/ids.ts';
import type { Json } from '../../engine/base/merge-patch.ts';
import type { Principal } from '../../engine/document/define.ts';
import { all, document, t as f, open, same, viewerIs } from '../../engine/document/define.ts';
import { createResident, viewOf } from '../../engine/document/document.ts';
import { deliver, fakeEnv, Member } from './kit.ts';
import { sorted } from './oracle.ts';

const name = 'board/one' as DocumentName;
const people: readonly Principal[] = Array.from({ length: 6 }, (_, index) => ({
  agent: `p${index}`,
  authority: 'test',
}));
const seatsCount = 5;

const edit = z.object({
  what: z.enum(['hand', 'held', 'who', 'note', 'keeper', 'come', 'go', 'friend', 'turn']),
  at: z.int(),
  person: z.int(),
  value: z.int(),
});
type Edit = z.infer<typeof edit>;
const edits: fc.Arbitrary<Edit[]> = fc.array(
  fc.record({
    what: fc.constantFrom(...edit.shape.what.options),
    at: fc.nat(seatsCount - 1),
    person: fc.nat(people.length - 1),
    value: fc.nat(3),
  }),
  { maxLength: 8 },
);

const base = document({
  turn: f.int(0),
  keeper: f.principal(),
  secret: f.int(0),
  seats: f.table({ who: f.principal(), friend: f.principal(), hand: f.string(''), held: f.int(0), lent: f.string('') }),
  notes: f.map(f.record({ owner: f.principal(), text: f.string('') })),
}).policies({ friend: ({ row, who }) => 'friend' in row && same(row.friend, who) });
const notes = { owner: open, text: viewerIs('owner') } as const;
const shown = { turn: open, keeper: open, secret: viewerIs('keeper'), notes } as const;
/** With nothing but names; with rows of which something is only for those they name; and with a policy that hangs on the row. */
const pages = [
  base.privacy({ ...shown, seats: { who: open, held: open, hand: viewerIs('who') } }),
  base.privacy({ ...shown, seats: { held: viewerIs('friend'), hand: viewerIs('who') } }),
  base.privacy({ ...shown, seats: { who: open, held: open, hand: viewerIs('who'), lent: all('friend') } }),
];
const documents = pages.map((page) =>
  page
    .events({ invent: () => true })
    .channel('edit', z.array(edit), ({ doc, message }) => {
      for (const { what, at, person, value } of message) {
        const who = people[person] ?? null;
        const seat = doc.seats.rows()[at];
        if (what === 'turn') doc.turn = value;
        if (what === 'keeper') doc.keeper = who;
        if (what === 'keeper') doc.secret = value;
        if (what === 'note') doc.notes.set(`n${at}`, { owner: who, text: `${value}` });
        if (what === 'come') doc.seats.add({ who, friend: who, hand: `${value}` });
        if (seat === undefined) continue;
        if (what === 'who') seat.who = who;
        if (what === 'friend') seat.friend = who;
        if (what === 'hand') seat.hand = `${value}`;
        if (what === 'hand') seat.lent = `${value}`;
        if (what === 'held') seat.held = value;
        if (what === 'go') doc.seats.delete(seat.id);
      }
    })
    .channel('deal', z.object({ n: z.int() }), ({ doc, message }) => {
      let index = 0;
      for (const seat of doc.seats) {
        seat.hand = `${message.n}-${index}`;
        index += 1;
      }
      doc.turn = message.n;
    }),
);

test('[D4] [D5] [D6] whatever an update does to many entries, a view is what a projection of the state is', (t) => {
  const seen = { alone: 0, together: 0 };
  fc.assert(
    fc.property(fc.constantFrom(...documents), fc.array(edits, { maxLength: 10 }), (made, sends) => {
      const resident = createResident(made, name);
      const env = fakeEnv();
      const members = people.map((who) => new Member(resident, who, env));
      const copies = new Map<Member, Json>(members.map((member) => [member, JSON.parse(member.opening.json)]));
      for (const message of sends) {
        const { deltas } = members[0]?.send('edit', message) ?? { deltas: [] };
        seen.alone += deltas.filter(({ viewer }) => viewer !== undefined).length;
        seen.together += deltas.filter(({ viewer }) => viewer === undefined).length;
        const heard = deliver(members, deltas);
        for (const member of members) {
          const before = JSON.stringify(sorted(copies.get(member)));
          const json = heard.get(member);
          if (json !== undefined) copies.set(member, applyDelta(copies.get(member), JSON.parse(json)) ?? {});
          const now = JSON.stringify(sorted(copies.get(member)));
          if (now !== JSON.stringify(sorted(viewOf(resident, member.who)))) return false;
          if (json !== undefined && now === before) return false;
        }
      }
      return true;
    }),
    { numRuns: 600 },
  );
  t.ok(seen.alone > 1_000 && seen.together > 500, `it did something: ${JSON.stringify(seen)}`);
  t.end();
});

test('[D4] [D6] hands that are dealt at once: each hears of the turn and of his own', (t) => {
  const resident = createResident(documents[0] as (typeof documents)[0], name);
  const env = fakeEnv();
  const members = people.map((who) => new Member(resident, who, env));
  const seats = people.slice(1).map((_, index): Edit => ({ what: 'come', at: 0, person: index + 1, value: 0 }));
  members[0]?.send('edit', seats);
  const heard = deliver(members, members[0]?.send('deal', { n: 7 }).deltas ?? []);
  const ids = (viewOf(resident, people[0] as Principal) as unknown as { seats: { id: string }[] }).seats.map(
    ({ id }) => id,
  );
  for (const [index, member] of members.entries()) {
    const own = index === 0 ? {} : { seats: { [ids[index - 1] as string]: { hand: `7-${index - 1}` } } };
    t.strictSame(JSON.parse(heard.get(member) ?? '{}'), { turn: 7, ...own });
  }
  t.end();
});
