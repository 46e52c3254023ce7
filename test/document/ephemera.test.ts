// What viewers show each other, and to whom.
import fc from 'fast-check';
import { test } from 'tap';
import { z } from 'zod';
import type { DocumentName } from '../../engine/base/ids.ts';
import { samePrincipal } from '../../engine/base/ids.ts';
import {
  ephemeralLengthMax,
  ephemeralsMax,
  ephemeralValuesLengthMax,
  ephemeralValuesMax,
} from '../../engine/base/limits.ts';
import type { Definition, EphemeralsOf, Principal } from '../../engine/document/define.ts';
import { all, document, t as f, open, requires, same, viewerIs } from '../../engine/document/define.ts';
import type { Resident } from '../../engine/document/document.ts';
import {
  applyShows,
  checkResident,
  closeView,
  createResident,
  shownTo,
  takeFailures,
  takeShown,
} from '../../engine/document/document.ts';
import { encodeSnapshot } from '../../engine/document/life/snapshot.ts';
import { ada, bob, deliver, eve, fakeEnv, Member, people, steps } from './kit.ts';
import { plain, ruled } from './privacy-kit.ts';

const name = 'board/one' as DocumentName;
type Item = { readonly channel: string; readonly who: Principal; readonly value: unknown };

const where = z.object({ x: z.number() });
const room = document({ dealer: f.principal(), isOpen: f.boolean(true), seats: f.map(f.principal()) })
  .policies({
    dealer: ({ doc, who }) => same(doc.dealer, who),
    open: ({ doc }) => doc.isOpen,
    row: ({ row }) => row !== undefined,
  })
  .privacy({ isOpen: open })
  .events({ invent: () => true })
  .ephemeral('cursor', where, { see: open })
  .ephemeral('hint', z.string(), { see: all('dealer') })
  .ephemeral('seen', z.string(), { see: all('open') })
  .ephemeral('never', z.string(), { see: all('row') })
  .ephemeral('seated', where, {
    see: open,
    check: ({ doc, message, who }) => {
      if (message.x === 13) throw new Error('as told');
      return doc.seats.entries().some(([, seat]) => same(seat, who));
    },
  })
  .channel('deal', z.object({}), ({ doc, who }) => {
    doc.dealer = who;
  })
  .channel('open', z.object({ isOpen: z.boolean() }), ({ doc, message }) => {
    doc.isOpen = message.isOpen;
  })
  .channel('sit', z.object({ key: z.string(), isLeaving: z.boolean() }), ({ doc, message, who }) => {
    if (message.isLeaving) doc.seats.delete(message.key);
    else doc.seats.set(message.key, who);
  });

function stage(definition: Definition, who: readonly Principal[]): { resident: Resident; members: Member[] } {
  const resident = createResident(definition, name);
  const env = fakeEnv();
  return { resident, members: who.map((one) => new Member(resident, one, env)) };
}

function show(resident: Resident, who: Principal, channel: string, message: unknown): string | undefined {
  const refused = applyShows(resident, [{ who, channel, message }])[0];
  checkResident(resident);
  return refused?.code;
}

/** What each of these is told, as `agent channel value`. */
function told(resident: Resident, members: readonly Member[]): string[][] {
  const news = takeShown(resident);
  checkResident(resident);
  return members.map((member) =>
    news
      .filter(({ viewer, kind }) => (viewer === undefined ? kind === member.kind : viewer === member.opening.viewer.id))
      .flatMap(({ json }) => (JSON.parse(json) as Item[]).map(textOf)),
  );
}

function textOf({ channel, who, value }: Item): string {
  return `${who.agent} ${channel} ${JSON.stringify(value)}`;
}

test('[D16] an ephemeral channel says who sees it, by policies that are there, and has a name of its own', (t) => {
  const begun = document({ who: f.principal() }).policies({ some: () => true });
  const make = begun.ephemeral as unknown as (this: typeof begun, ...rest: unknown[]) => typeof begun;
  const mistakes: [unknown[], RegExp][] = [
    [['cursor', where], /ephemeral "cursor": who sees it is said/],
    [['cursor', where, { see: viewerIs('who') }], /who sees it is said/],
    [['cursor', where, { see: requires('some', open) }], /who sees it is said/],
    [['cursor', where, { see: all('other') }], /there is no policy "other"/],
    [['cursor', where, { see: all() }], /names no policy/],
    [['cursor', where, { see: open, check: true }], /check is not a function/],
    [['cursor', {}, { see: open }], /no Standard Schema/],
    [['1', where, { see: open }], /is named/],
  ];
  for (const [args, message] of mistakes) t.throws(() => make.call(begun, ...args), { code: 'APP_INVALID', message });
  t.throws(() => begun.channel('x', where, () => 1).ephemeral('x', where, { see: open }), { code: 'APP_INVALID' });
  t.throws(() => begun.ephemeral('x', where, { see: open }).channel('x', where, () => 1), { code: 'APP_INVALID' });
  t.throws(() => begun.ephemeral('x', where, { see: open }).ephemeral('x', where, { see: open }), /there already/);
  let many = begun;
  for (let at = 0; at < ephemeralsMax; at += 1) many = make.call(many, `c${at}`, where, { see: open });
  t.throws(() => make.call(many, 'one', where, { see: open }), /at most 16/);
  // @ts-expect-error: no policy of this name was said.
  t.throws(() => begun.ephemeral('x', where, { see: all('other') }), { code: 'APP_INVALID' });
  const typed: EphemeralsOf<typeof room>['cursor']['value'] = { x: 1 };
  t.equal(typed.x, 1);
  t.end();
});

test('[D43] the newest value of each is shown, and written nowhere', (t) => {
  const { resident, members } = stage(room, [ada, bob]);
  const before = Buffer.from(encodeSnapshot(resident)).toString('hex');
  show(resident, ada, 'cursor', { x: 1 });
  show(resident, ada, 'cursor', { x: 2, y: 'not in the schema' });
  show(resident, bob, 'cursor', { x: 3 });
  t.same(told(resident, members), Array(2).fill(['ada cursor {"x":2}', 'bob cursor {"x":3}']));
  show(resident, bob, 'cursor', { x: 3 });
  t.same(told(resident, members), [[], []], 'the same again is no news');
  show(resident, ada, 'cursor', null);
  t.same(told(resident, members)[1], ['ada cursor null']);
  show(resident, ada, 'cursor', null);
  t.same(told(resident, members)[1], [], 'what is gone is gone');
  t.equal(Buffer.from(encodeSnapshot(resident)).toString('hex'), before);
  t.end();
});

test('[D43] a value goes with the last view of whoever showed it', (t) => {
  const { resident, members } = stage(room, [ada, ada, bob]);
  const [first, second, third] = members as [Member, Member, Member];
  show(resident, ada, 'cursor', { x: 1 });
  show(resident, ada, 'seen', 'typing');
  told(resident, members);
  closeView(resident, first.opening.viewer);
  t.same(told(resident, [third]), [[]], 'she is there in another tab');
  closeView(resident, second.opening.viewer);
  t.same(told(resident, [third])[0]?.sort(), ['ada cursor null', 'ada seen null']);
  t.equal(show(resident, ada, 'cursor', { x: 1 }), undefined);
  t.same(told(resident, [third]), [[]], 'who has left shows nothing');
  t.equal(shownTo(resident, third.opening.viewer), '');
  t.end();
});

test('[D43] a value is shown while its check says yes; one that it refuses changes nothing', (t) => {
  const { resident, members } = stage(room, [ada, bob]);
  const [first, second] = members as [Member, Member];
  show(resident, ada, 'seated', { x: 1 });
  t.same(told(resident, [second]), [[]]);
  first.send('sit', { key: 'a', isLeaving: false });
  second.send('sit', { key: 'b', isLeaving: false });
  show(resident, ada, 'seated', { x: 1 });
  show(resident, bob, 'seated', { x: 2 });
  t.same(told(resident, [second]), [['ada seated {"x":1}', 'bob seated {"x":2}']]);
  takeFailures(resident);
  show(resident, ada, 'seated', { x: 13 });
  t.same(told(resident, [second]), [[]], 'what was there stays');
  t.match(takeFailures(resident), { name: 'seated', count: 1 });
  first.send('open', { isOpen: false });
  t.same(told(resident, [second]), [[]], 'nothing that it read has changed');
  first.send('sit', { key: 'a', isLeaving: true });
  t.same(told(resident, [second]), [['ada seated null']], 'she has no seat any more');
  t.end();
});

test('[D43] [D13] what is no value of the channel is refused, with a code', (t) => {
  const { resident, members } = stage(room, [ada]);
  t.equal(show(resident, ada, 'none', 1), 'CHANNEL_UNKNOWN');
  t.equal(show(resident, ada, 'deal', {}), 'CHANNEL_UNKNOWN', 'a channel that is logged');
  t.equal(show(resident, ada, 'cursor', { x: 'far' }), 'MESSAGE_INVALID');
  t.equal(show(resident, ada, 'seen', 'x'.repeat(ephemeralLengthMax - 1)), 'MESSAGE_INVALID');
  t.equal(show(resident, ada, 'seen', 'x'.repeat(ephemeralLengthMax - 2)), undefined);
  t.equal(told(resident, members)[0]?.length, 1);
  const strange = document({}).events({ invent: () => true });
  const dated = strange.ephemeral(
    'at',
    z.string().transform(() => new Map()),
    { see: open },
  );
  const made = stage(dated, [ada]);
  t.equal(show(made.resident, ada, 'at', 'x'), 'MESSAGE_INVALID');
  t.match(takeFailures(made.resident), { name: 'at' });
  t.end();
});

test('[D43] past a bound what was shown longest ago goes', (t) => {
  const people = Array.from({ length: ephemeralValuesMax + 1 }, (_, at) => ({ agent: `p${at}`, authority: 'test' }));
  const { resident, members } = stage(room, people);
  const last = members.slice(-1);
  for (const who of people.slice(0, -1)) applyShows(resident, [{ who, channel: 'cursor', message: { x: 1 } }]);
  applyShows(resident, [{ who: people[0] as Principal, channel: 'cursor', message: { x: 1 } }]);
  told(resident, last);
  show(resident, people.at(-1) as Principal, 'cursor', { x: 1 });
  t.same(told(resident, last)[0]?.sort(), ['p1 cursor null', `p${ephemeralValuesMax} cursor {"x":1}`]);
  const long = 'x'.repeat(ephemeralLengthMax - 2);
  for (const who of people) applyShows(resident, [{ who, channel: 'seen', message: long }]);
  checkResident(resident);
  const shown = (JSON.parse(shownTo(resident, (last[0] as Member).opening.viewer)) as Item[]).length;
  t.equal(shown, Math.floor(ephemeralValuesLengthMax / ephemeralLengthMax));
  t.end();
});

test('[D44] who comes to pass is told all, who does so no more that it is gone; each kind once', (t) => {
  const { resident, members } = stage(room, [ada, bob, eve]);
  const [first, second] = members as [Member, Member, Member];
  const move = (member: Member, channel: string, message: unknown): void => {
    deliver(members, member.send(channel, message).deltas);
  };
  for (const [who, channel] of [ada, bob].flatMap((who) => ['hint', 'seen'].map((channel) => [who, channel] as const)))
    show(resident, who, channel, `of ${who.agent}`);
  show(resident, bob, 'never', 'to nobody');
  t.match(takeFailures(resident), { name: 'never', count: 1 }, 'which is a mistake, and told as one');
  t.same(takeShown(resident).length, 1, 'they are all of one kind');
  move(first, 'deal', {});
  t.same(told(resident, members), [['ada hint "of ada"', 'bob hint "of bob"'], [], []]);
  move(second, 'deal', {});
  t.same(told(resident, members), [['ada hint null', 'bob hint null'], ['ada hint "of ada"', 'bob hint "of bob"'], []]);
  move(first, 'open', { isOpen: false });
  const news = takeShown(resident);
  t.same(
    news.map(({ viewer }) => viewer),
    [undefined, undefined],
    'all of a kind are told together',
  );
  t.same((JSON.parse(news[0]?.json ?? '') as Item[]).map(textOf), ['ada seen null', 'bob seen null']);
  show(resident, ada, 'seen', 'in the dark');
  closeView(resident, first.opening.viewer);
  t.same(told(resident, members.slice(1)), [['ada hint null'], []]);
  t.end();
});

/** They look at a row, and there is none. */
const ofRow: ReadonlySet<string> = new Set(['owner', 'shown']);
const rule = fc.oneof(
  fc.constant([] as string[]),
  fc.array(fc.constantFrom(...Object.keys(plain)), { minLength: 1, maxLength: 2 }),
);
/** What policies and the check read, over and over. */
const turns = fc.array(
  fc.oneof(
    fc.record({ do: fc.constant('holder'), who: fc.option(fc.nat(2)) }),
    fc.record({ do: fc.constant('count'), value: fc.integer({ min: -2, max: 2 }) }),
    fc.record({ do: fc.constantFrom('text', 'secret'), value: fc.constantFrom('x', 'y', 'zz') }),
  ),
  { minLength: 1, maxLength: 3 },
);
const act = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('show' as const), at: fc.nat(4), channel: fc.nat(1) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('unshow' as const), at: fc.nat(4), channel: fc.nat(1) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('send' as const), at: fc.nat(4), steps: turns }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('send' as const), at: fc.nat(4), steps }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('come' as const), who: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('leave' as const), at: fc.nat(4) }) },
);

type View = { readonly member: Member; readonly seen: Map<string, unknown> };

/** Whatever is shown, by whom and to whom, against the policies word for word. */
class Shown {
  readonly resident: Resident;
  readonly rules: readonly (readonly string[])[];
  readonly views: View[] = [];
  /** By channel and who shows it. */
  readonly values = new Map<string, { channel: number; who: Principal; value: string }>();
  readonly counts = { shown: 0, gained: 0, lost: 0, left: 0, checked: 0, late: 0 };
  readonly #env = fakeEnv();
  #tokens = 0;

  constructor(rules: readonly (readonly string[])[]) {
    this.rules = rules;
    const see = (names: readonly string[]) => (names.length === 0 ? open : all(...(names as ['holder'])));
    const made = ruled.ephemeral('c0', z.string(), { see: see(rules[0] ?? []) }).ephemeral('c1', z.string(), {
      see: see(rules[1] ?? []),
      check: ({ doc, message }) => isFine(doc.text, message),
    });
    this.resident = createResident(made, name);
    for (const who of people) this.come(who);
  }

  come(who: Principal): void {
    const member = new Member(this.resident, who, this.#env);
    const view: View = { member, seen: new Map() };
    const json = shownTo(this.resident, member.opening.viewer);
    this.#hear(view, json === '' ? [] : JSON.parse(json));
    if (json !== '') this.counts.late += 1;
    this.views.push(view);
  }

  leave(view: View): void {
    this.views.splice(this.views.indexOf(view), 1);
    closeView(this.resident, view.member.opening.viewer);
    if (this.views.some(({ member }) => samePrincipal(member.who, view.member.who))) return;
    for (const [key, { who }] of this.values) {
      if (!samePrincipal(who, view.member.who)) continue;
      this.values.delete(key);
      this.counts.left += 1;
    }
  }

  show({ member: { who } }: View, channel: number, isGone: boolean): void {
    this.#tokens += 1;
    // Such as stands nowhere else.
    const value = `t${this.#tokens}k`;
    applyShows(this.resident, [{ who, channel: `c${channel}`, message: isGone ? null : value }]);
    const key = `${channel} ${who.agent} ${who.authority}`;
    if (isGone) this.values.delete(key);
    else if (this.#isChecked(channel, value)) this.values.set(key, { channel, who, value });
  }

  send({ member }: View, run: unknown): void {
    const { deltas } = member.send('run', { steps: run });
    deliver(
      this.views.map((view) => view.member),
      deltas,
    );
    for (const [key, { channel, value }] of this.values) {
      if (this.#isChecked(channel, value)) continue;
      this.values.delete(key);
      this.counts.checked += 1;
    }
  }

  /** What was told is what may be, and what is known now what there is. Undefined, or what is wrong. */
  settle(): string | undefined {
    const before = this.views.map(({ member }) => this.rules.map((_, channel) => this.#passes(member.who, channel)));
    const former = this.#former;
    this.#former = new Map(this.views.map((view, at) => [view, before[at] ?? []]));
    for (const { viewer, kind, json } of takeShown(this.resident)) {
      for (const view of this.views) {
        const { member } = view;
        if (viewer === undefined ? kind !== member.kind : viewer !== member.opening.viewer.id) continue;
        for (const item of JSON.parse(json) as Item[]) {
          const channel = Number(item.channel.slice(1));
          const may = this.#passes(member.who, channel);
          const could = former.get(view)?.[channel] === true;
          if (!may && (item.value !== null || !could)) return `${member.who.agent} was told ${textOf(item)}`;
          this.counts[may ? (could ? 'shown' : 'gained') : 'lost'] += 1;
        }
        this.#hear(view, JSON.parse(json) as Item[]);
      }
    }
    checkResident(this.resident);
    for (const { member, seen } of this.views) {
      const wanted = [...this.values]
        .filter(([, { channel }]) => this.#passes(member.who, channel))
        .map(([key, { value }]) => [key, value] as const);
      if (JSON.stringify([...seen].sort()) !== JSON.stringify(wanted.sort()))
        return `${member.who.agent} knows ${JSON.stringify([...seen])} of ${JSON.stringify(wanted)}`;
    }
    return undefined;
  }

  #former = new Map<View, readonly boolean[]>();

  #hear({ seen }: View, items: readonly Item[]): void {
    for (const { channel, who, value } of items) {
      const key = `${channel.slice(1)} ${who.agent} ${who.authority}`;
      if (value === null) seen.delete(key);
      else seen.set(key, value);
    }
  }

  #isChecked(channel: number, value: string): boolean {
    const text = this.resident.state['text'];
    return channel === 0 || isFine(typeof text === 'string' ? text : 'start', value);
  }

  #passes(who: Principal, channel: number): boolean {
    const names = this.rules[channel] ?? [];
    return names.every((one) => !ofRow.has(one) && plain[one]?.(this.resident.state, who, undefined) === true);
  }
}

function isFine(text: string, value: string): boolean {
  return text !== 'zz' && (text !== 'y' || value.length % 2 === 0);
}

test('[D43] [D44] [D4] [D28] whatever policies and checks say, each is told what he may see, and nothing else', (t) => {
  const counts = { shown: 0, gained: 0, lost: 0, left: 0, checked: 0, late: 0 };
  fc.assert(
    fc.property(fc.tuple(rule, rule), fc.array(act, { minLength: 4, maxLength: 24 }), (rules, acts) => {
      const shown = new Shown(rules);
      for (const one of acts) {
        const view = 'at' in one ? shown.views[one.at % Math.max(1, shown.views.length)] : undefined;
        if (one.do === 'come') shown.come(people[one.who] as Principal);
        else if (view === undefined) continue;
        else if (one.do === 'leave') shown.leave(view);
        else if (one.do === 'send') shown.send(view, one.steps);
        else shown.show(view, one.channel, one.do === 'unshow');
        const wrong = shown.settle();
        if (wrong !== undefined) throw new Error(wrong);
      }
      for (const key of Object.keys(counts) as (keyof typeof counts)[]) counts[key] += shown.counts[key];
    }),
    { numRuns: 800 },
  );
  t.ok(
    Object.values(counts).every((count) => count >= 20),
    `it did something: ${JSON.stringify(counts)}`,
  );
  t.end();
});
