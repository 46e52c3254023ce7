// What viewers show each other, and to whom.
import { test } from 'tap';
import { z } from 'zod';
import type { DocumentName } from '../../engine/base/ids.ts';
import {
  ephemeralLengthMax,
  ephemeralsMax,
  ephemeralValuesLengthMax,
  ephemeralValuesMax,
} from '../../engine/base/limits-shown.ts';
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
import { ada, bob, deliver, eve, fakeEnv, Member } from './kit.ts';

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
  closeView(resident, first.opening.viewer, 0);
  t.same(told(resident, [third]), [[]], 'she is there in another tab');
  closeView(resident, second.opening.viewer, 0);
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
  closeView(resident, first.opening.viewer, 0);
  t.same(told(resident, members.slice(1)), [['ada hint null'], []]);
  t.end();
});
