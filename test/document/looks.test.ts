// What views look at: bubbles are given it, and everything else is as if nobody had said anything.
import fc from 'fast-check';
import type { Test } from 'tap';
import { test } from 'tap';
import { z } from 'zod';
import { applyDelta } from '../../engine/base/delta.ts';
import type { DocumentName } from '../../engine/base/ids.ts';
import { viewerStateLengthMax } from '../../engine/base/limits-shown.ts';
import type { Json } from '../../engine/base/merge-patch.ts';
import type { Principal } from '../../engine/document/define.ts';
import { document, t as f, open, viewerIs } from '../../engine/document/define.ts';
import type { Look } from '../../engine/document/definition/definition.ts';
import type { LookRefused, Resident, Turned } from '../../engine/document/document.ts';
import {
  applyShows,
  checkResident,
  closeView,
  createResident,
  happen,
  openView,
  shownTo,
  takeFailures,
  takeShown,
  turnView,
  viewOf,
  wakeMsOf,
} from '../../engine/document/document.ts';
import { readLook } from '../../engine/document/view/look.ts';
import { ada, bob, deliver, fakeEnv, Member, opened, people, steps } from './kit.ts';
import { sorted } from './oracle.ts';
import type { LookSaid } from './privacy-kit.ts';
import { expectedOf, makeOf, noneLook, whole } from './privacy-kit.ts';

const name = 'board/one' as DocumentName;

/** What it has the view hear: '' for nothing. Throws where it is refused. */
function look(resident: Resident, member: Member, said: unknown): string {
  const turned: Turned | LookRefused = turnView(resident, member.viewer, said);
  if ('code' in turned) throw new Error(turned.text);
  member.viewer = turned.viewer;
  checkResident(resident);
  return turned.json;
}

function lookOf(resident: Resident, said: unknown): Look {
  const read = readLook(resident.definition.plan.look, said);
  if ('kind' in read) throw new Error(read.text);
  return read;
}

/** A handful of states, so that views meet in them; `mark` is in no other. */
const said = fc.record({
  skip: fc.nat(1),
  text: fc.constantFrom('none', 'x'),
  isMarked: fc.nat(3).map((one) => one === 0),
});
const act = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant('send' as const), at: fc.nat(5), steps }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('look' as const), at: fc.nat(5), said }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('come' as const), who: fc.nat(2), said: fc.option(said) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('leave' as const), at: fc.nat(5) }) },
);
type Act = typeof act extends fc.Arbitrary<infer One> ? One : never;

type View = {
  readonly member: Member;
  said: LookSaid;
  copy: Json;
  readonly heard: string[];
  readonly marks: Set<string>;
};

/** Views that look at this and that, several of each principal; each is held against its page, and all that it heard is kept. */
class Room {
  readonly resident: Resident;
  readonly views: View[] = [];
  readonly counts = { looks: 0, heard: 0, same: 0, shared: 0, left: 0, deltas: 0, marked: 0 };
  readonly #page: unknown;
  readonly #env = fakeEnv();
  #marks = 0;

  constructor(page: unknown) {
    this.#page = page;
    this.resident = createResident(makeOf(page), name);
    for (const who of people) this.come(who, undefined);
  }

  come(who: Principal, look: LookSaid | undefined): void {
    const member = new Member(this.resident, who, this.#env, look);
    const { json } = member.opening;
    const view = { member, said: look ?? noneLook, copy: JSON.parse(json), heard: [json], marks: new Set<string>() };
    if (look !== undefined) view.marks.add(look.text);
    this.views.push(view);
  }

  /** With a word of its own, where it is marked. */
  saidBy({ skip, text, isMarked }: { skip: number; text: string; isMarked: boolean }): LookSaid {
    this.#marks += 1;
    return { skip, text: isMarked ? `mark${this.#marks}.` : text };
  }

  do(one: Act): void {
    const view = 'at' in one ? this.views[one.at % Math.max(1, this.views.length)] : undefined;
    if (one.do === 'come')
      this.come(people[one.who] as Principal, one.said === null ? undefined : this.saidBy(one.said));
    else if (view === undefined) return;
    else if (one.do === 'leave') this.#leave(view);
    else if (one.do === 'look') this.#look(view, this.saidBy(one.said));
    else this.#send(view, one.steps);
  }

  #leave(view: View): void {
    this.views.splice(this.views.indexOf(view), 1);
    closeView(this.resident, view.member.viewer, 0);
    this.counts.left += 1;
  }

  #look(view: View, next: LookSaid): void {
    const { seq } = this.resident;
    const before = this.resident.viewers.size;
    view.marks.add(next.text);
    const json = look(this.resident, view.member, next);
    view.said = next;
    if (json !== '') this.#hear(view, json);
    this.counts.looks += 1;
    this.counts[json === '' ? 'same' : 'heard'] += 1;
    if (this.resident.viewers.size < before) this.counts.shared += 1;
    if (this.resident.seq !== seq) throw new Error('it wrote something');
  }

  #send({ member }: View, run: unknown): void {
    const { deltas } = member.send('run', { steps: run });
    const heard = deliver(
      this.views.map((view) => view.member),
      deltas,
    );
    for (const view of this.views) {
      const json = heard.get(view.member);
      if (json !== undefined) this.#hear(view, json);
    }
    this.counts.deltas += heard.size;
  }

  #hear(view: View, json: string): void {
    const before = JSON.stringify(view.copy);
    view.heard.push(json);
    view.copy = applyDelta(view.copy, JSON.parse(json)) ?? {};
    if (JSON.stringify(view.copy) === before) throw new Error(`${json} changes nothing`);
  }

  /** Undefined, or what is wrong. */
  wrong(): string | undefined {
    checkResident(this.resident);
    const { state } = this.resident;
    for (const { member, said, copy, heard, marks } of this.views) {
      const now = JSON.stringify(sorted(copy));
      const page = JSON.stringify(sorted(expectedOf(this.#page, state, member.who, said)));
      const anew = JSON.stringify(sorted(viewOf(this.resident, member.who, lookOf(this.resident, said))));
      if (now !== page || now !== anew)
        return `${member.who.agent} at ${JSON.stringify(said)} sees ${now}, and not ${page}`;
      for (const [mark] of heard.join().matchAll(/mark\d+\./g)) {
        this.counts.marked += 1;
        if (!marks.has(mark)) return `${member.who.agent} heard ${mark}`;
      }
    }
    return undefined;
  }
}

test('[D52] [D4] [D5] [D6] [D32] wherever views look, each is what its page says, and hears what no other looks at', (t) => {
  const counts = { looks: 0, heard: 0, same: 0, shared: 0, left: 0, deltas: 0, marked: 0 };
  fc.assert(
    fc.property(whole, fc.array(act, { minLength: 3, maxLength: 16 }), (page, acts) => {
      const room = new Room(page);
      for (const one of acts) {
        room.do(one);
        const wrong = room.wrong();
        if (wrong !== undefined) throw new Error(wrong);
      }
      for (const key of Object.keys(counts) as (keyof typeof counts)[]) counts[key] += room.counts[key];
    }),
    { numRuns: 600 },
  );
  t.ok(
    Object.values(counts).every((count) => count >= 20),
    `it did something: ${JSON.stringify(counts)}`,
  );
  t.end();
});

const seen: unknown[] = [];
const list = document({ items: f.table({ text: f.string(''), owner: f.principal() }), log: f.list(f.string()) })
  .policies({ none: () => false })
  .viewerState(z.object({ page: z.int().min(0), tags: z.array(z.string()).default([]) }), { page: 0 })
  .bubbles({
    shown: ({ doc, viewer }) => doc.items.skip(2 * viewer.page).limit(2),
    tried: ({ viewer }) => {
      seen.push(viewer);
      const bad = viewer as { page: number; tags: string[] };
      try {
        bad.page = 7;
      } catch {}
      try {
        bad.tags.push('theirs');
      } catch {}
      return [bad.page, bad.tags.length];
    },
  })
  .privacy({ shown: open, tried: open, items: { text: open }, log: open })
  .events({
    invent: () => true,
    connected: ({ doc, who }) => void doc.log.push(`+${who.agent}`),
    disconnected: ({ doc, who }) => void doc.log.push(`-${who.agent}`),
  })
  .ephemeral('cursor', z.string(), { see: open })
  .channel('add', z.object({ text: z.string() }), ({ doc, message, who }) => {
    doc.items.add({ ...message, owner: who });
  });

function filled(): { resident: Resident; first: Member; second: Member; env: ReturnType<typeof fakeEnv> } {
  const resident = createResident(list, name);
  const env = fakeEnv();
  const first = new Member(resident, ada, env);
  for (const text of ['a', 'b', 'c', 'd', 'e']) first.send('add', { text });
  return { resident, first, second: new Member(resident, ada, env, { page: 1 }), env };
}

const textsOf = (view: unknown): unknown => (view as { shown: { text: string }[] }).shown.map(({ text }) => text);

test('[D52] [D32] two views of one principal look at different pages, and each is told of its own', (t) => {
  const { resident, first, second } = filled();
  const [one, other] = [look(resident, first, { page: 2 }), JSON.parse(second.opening.json)];
  t.strictSame(textsOf(applyDelta({ shown: [] }, JSON.parse(one))), ['e']);
  t.strictSame(textsOf(other), ['c', 'd']);
  const heard = deliver([first, second], first.send('add', { text: 'f' }).deltas);
  t.match(JSON.parse(heard.get(first) ?? '{}'), { shown: { '@o': Array } });
  t.notOk('shown' in JSON.parse(heard.get(second) ?? '{}'), 'what is on another page is not told through a bubble');
  t.equal(look(resident, first, { tags: [], page: 2 }), '', 'the same is nothing, however it is said');
  look(resident, second, { page: 2 });
  t.equal(first.viewer, second.viewer, 'who looks at the same is one viewer');
  t.equal(resident.viewers.size, 1);
  t.equal(resident.viewers.kinds, 1);
  t.end();
});

test('[D52] what is no state of it changes nothing', (t) => {
  const { resident, first, env } = filled();
  for (const bad of [{ page: -1 }, { page: '1' }, null, {}, 1, { page: 1, tags: ['x'.repeat(viewerStateLengthMax)] }]) {
    t.match(turnView(resident, first.viewer, bad), { code: 'MESSAGE_INVALID' });
  }
  t.equal(first.viewer.views, 1);
  const come = openView(resident, { who: bob, session: '', look: { page: 'x' } }, env);
  t.match(opened(come).lookRefused, { code: 'MESSAGE_INVALID' });
  t.strictSame(textsOf(JSON.parse(opened(come).json)), ['a', 'b'], 'it looks at what who says nothing looks at');
  const plain = createResident(document({ text: f.string('x') }).events({ invent: () => true }), name);
  const member = new Member(plain, ada, env, { page: 1 });
  t.match(member.opening.lookRefused, { code: 'MESSAGE_INVALID', text: /takes no viewer state/ });
  t.match(turnView(plain, member.viewer, {}), { code: 'MESSAGE_INVALID' });
  const strange = document({})
    .viewerState(z.object({ at: z.coerce.date() }).or(z.null()), null)
    .events({ invent: () => true });
  const odd = createResident(strange, name);
  t.match(turnView(odd, new Member(odd, ada, env).viewer, { at: 0 }), { text: /is no JSON/, failure: Error });
  t.end();
});

test('[D52] [D4] a bubble cannot change what it is given, and what it keeps is nobody else’s', (t) => {
  const { resident, first, second } = filled();
  look(resident, first, { page: 1, tags: ['mine'] });
  seen.length = 0;
  look(resident, second, { page: 2 });
  t.strictSame(seen, [{ page: 2, tags: [] }]);
  t.match(viewOf(resident, ada, second.viewer.look), { tried: [2, 0] });
  t.equal(takeFailures(resident), undefined);
  t.end();
});

test('[D52] [D47] [D43] a view that looks elsewhere has not left: presence, and what is shown, are of the principal', (t) => {
  const { resident, first, second, env } = filled();
  const third = new Member(resident, bob, env);
  applyShows(resident, [{ who: ada, channel: 'cursor', message: 'here' }]);
  takeShown(resident);
  for (const page of [1, 2, 0, 3]) {
    look(resident, first, { page });
    t.strictSame(takeShown(resident), [], 'nothing is shown or gone');
    t.match(shownTo(resident, first.viewer), /here/);
  }
  closeView(resident, second.viewer, env.nowMs);
  t.equal(wakeMsOf(resident, env.nowMs), undefined, 'nobody is missed');
  const viewer = first.viewer;
  closeView(resident, viewer, env.nowMs);
  t.match(takeShown(resident), [{ kind: third.kind, json: /null/ }]);
  const later = { ...env, nowMs: env.nowMs + 10_000 };
  happen(resident, later);
  t.strictSame(resident.state['log'], ['+ada', '+bob', '-ada']);
  t.throws(() => turnView(resident, viewer, { page: 9 }), 'and who has left looks at nothing');
  t.end();
});

test('[D52] [D16] where a definition says what views look at', (t) => {
  const base = document({ n: f.int() });
  const state = z.object({ page: z.int() });
  // @ts-expect-error: a page is a number.
  t.throws(() => base.viewerState(state, { page: 'x' }), { code: 'APP_INVALID', message: /viewerState/ });
  t.throws(() => base.viewerState({} as never, 0 as never), { code: 'APP_INVALID', message: /no Standard Schema/ });
  t.throws(() => base.bubbles({}).viewerState(state, { page: 0 }), { code: 'APP_INVALID', message: /before bubbles/ });
  t.throws(() => base.viewerState(state, { page: 0 }).viewerState(state, { page: 0 }), { message: /given twice/ });
  // @ts-expect-error: nobody said that it has a size.
  base.viewerState(state, { page: 0 }).bubbles({ shown: ({ viewer }) => viewer.size });
  // @ts-expect-error: nobody said what views look at.
  base.bubbles({ shown: ({ viewer }) => viewer.page });
  t.end();
});

test('[D52] [D6] a field that names a principal is told to all views of his, wherever they look', (t: Test) => {
  const notes = document({ notes: f.map(f.record({ owner: f.principal(), text: f.string('') })) })
    .viewerState(z.record(z.string(), z.int()), {})
    // Nothing but what the view looks at: an update asks none of them again.
    .bubbles({ said: ({ viewer }) => viewer })
    .privacy({ notes: { owner: open, text: viewerIs('owner') }, said: open })
    .events({ invent: () => true })
    .channel('write', z.object({ key: z.string() }), ({ doc, message, who }) => {
      doc.notes.set(message.key, { owner: who, text: 'x' });
    });
  const resident = createResident(notes, name);
  const env = fakeEnv();
  const members = [{}, { a: 1, b: 2 }, { b: 2, a: 1 }, { a: 3 }].map((at) => new Member(resident, ada, env, at));
  const other = new Member(resident, bob, env, { a: 1, b: 2 });
  const [first, second, third] = members as [Member, Member, Member];
  t.equal(second.viewer, third.viewer, 'the order of keys is none of a state');
  t.not(second.viewer, other.viewer);
  t.equal(resident.viewers.kinds, 1);
  const heard = deliver([...members, other], first.send('write', { key: 'a' }).deltas);
  const all = members.map((member) => JSON.parse(heard.get(member) ?? '{}'));
  t.strictSame(all, Array(4).fill({ notes: { a: { owner: ada, text: 'x' } } }));
  t.strictSame(JSON.parse(heard.get(other) ?? '{}'), { notes: { a: { owner: ada } } });
  t.end();
});
