// Policies, what requires them, formulas and bubbles: random pages over all of them, against what the page says word for word.
import fc from 'fast-check';
import { test } from 'tap';
import { z } from 'zod';
import { applyDelta } from '../../engine/base/delta.ts';
import type { DocumentName } from '../../engine/base/ids.ts';
import type { Json } from '../../engine/base/merge-patch.ts';
import type { View } from '../../engine/document/define.ts';
import { all, document, t as f, open, requires, same } from '../../engine/document/define.ts';
import type { Former, ViewDelta } from '../../engine/document/document.ts';
import { applyRewind, createResident, openView, takeFailures, viewOf } from '../../engine/document/document.ts';
import { ada, bob, deliver, eve, fakeEnv, Member, opened, people, steps } from './kit.ts';
import { sorted } from './oracle.ts';
import { expectedOf, makeOf, whole } from './privacy-kit.ts';

const name = 'board/one' as DocumentName;

const acts = fc.tuple(fc.nat(2), fc.oneof({ weight: 6, arbitrary: steps }, { weight: 1, arbitrary: fc.nat(13) }));

test('[D4] [D5] [D6] [D19] [D26] [D28] [D32] whatever policies say, and whenever they say something else, a view is what its page says', (t) => {
  const seen = { deltas: 0, alone: 0, moves: 0, together: 0, quiet: 0, late: 0, orders: 0, rewinds: 0 };
  fc.assert(
    fc.property(whole, fc.array(acts, { maxLength: 14 }), (page, sends) => {
      const resident = createResident(makeOf(page), name);
      const env = fakeEnv();
      const members = people.map((who) => new Member(resident, who, env));
      const copies = new Map<Member, Json>(members.map((member) => [member, JSON.parse(member.opening.json)]));
      const formers: Former[] = [];
      for (const [index, run] of sends) {
        const kinds = members.map(({ kind }) => kind);
        const { incarnation, state } = resident;
        const former = Array.isArray(run) ? undefined : formers[run % (formers.length || 1)];
        const sent = Array.isArray(run) ? members[index]?.send('run', { steps: run }) : undefined;
        const deltas = sent?.deltas ?? (former === undefined ? [] : applyRewind(resident, former, ada, env).deltas);
        if (former !== undefined) seen.rewinds += 1;
        formers.push({ seq: resident.seq, incarnation, state: structuredClone(state) });
        const heard = deliver(members, deltas);
        count(seen, deltas, members, kinds);
        for (const member of members) {
          const before = JSON.stringify(sorted(copies.get(member)));
          const json = heard.get(member);
          if (json !== undefined) copies.set(member, applyDelta(copies.get(member), JSON.parse(json)) ?? {});
          const now = JSON.stringify(sorted(copies.get(member)));
          const wanted = JSON.stringify(sorted(expectedOf(page, resident.state, member.who)));
          if (now !== wanted || now !== JSON.stringify(sorted(viewOf(resident, member.who)))) return false;
          if (
            JSON.stringify(
              sorted(JSON.parse(opened(openView(resident, { who: member.who, session: '' }, env)).json)),
            ) !== now
          )
            return false;
          // A delta that changes nothing would tell that something did.
          if ((json !== undefined) === (before === now)) return false;
          if (json === undefined) seen.quiet += 1;
        }
      }
      return true;
    }),
    { numRuns: 600 },
  );
  t.ok(
    Object.values(seen).every((count) => count >= 20),
    `it did something: ${JSON.stringify(seen)}`,
  );
  t.end();
});

function count(
  seen: { deltas: number; alone: number; moves: number; together: number; late: number; orders: number },
  deltas: readonly ViewDelta[],
  members: readonly Member[],
  kinds: readonly number[],
): void {
  seen.deltas += deltas.length;
  seen.alone += deltas.filter(({ viewer, json }) => viewer !== undefined && json !== '').length;
  seen.late += deltas.filter(({ viewer, json }) => viewer !== undefined && json === '').length;
  seen.orders += deltas.filter(({ json }) => json.includes('"@o"')).length;
  seen.moves += members.filter(({ kind }, index) => kind !== kinds[index]).length;
  seen.together += deltas.filter(({ viewer }) => viewer === undefined).length;
}

const game = document({
  title: f.string('t'),
  isOpen: f.boolean(false),
  dealer: f.principal(),
  deck: f.list(f.string()),
  players: f.map(f.record({ who: f.principal(), hand: f.string(''), score: f.int(0) })),
})
  .policies({
    dealer: ({ doc, who }) => same(doc.dealer, who),
    shown: ({ doc, row, who }) => doc.isOpen || same(row.who, who),
    member: ({ doc, who }) =>
      same(doc.dealer, who) || doc.players.entries().some(([, player]) => same(player.who, who)),
  })
  .formulas({ best: ({ doc }) => Math.max(0, ...doc.players.entries().map(([, { score }]) => score)) })
  .privacy(
    requires('member', {
      title: open,
      deck: all('dealer'),
      best: open,
      players: { who: open, score: open, hand: all('shown') },
    }),
  )
  .events({ invent: () => true })
  .channel('sit', z.object({ hand: z.string() }), ({ doc, message, who }) => {
    doc.dealer ??= who;
    doc.players.set(who.agent + who.authority, { who, hand: message.hand });
  })
  .channel('open', z.object({ isOpen: z.boolean() }), ({ doc, message }) => {
    doc.isOpen = message.isOpen;
  })
  .channel('score', z.object({ score: z.int() }), ({ doc, message, who }) => {
    const player = doc.players.get(who.agent + who.authority);
    if (player !== undefined) player.score = message.score;
  });

test('[D28] a game: hands are hidden until they are shown, and who does not sit sees nothing', (t) => {
  const resident = createResident(game, name);
  const env = fakeEnv();
  const [first, second, third] = people.map((who) => new Member(resident, who, env)) as [Member, Member, Member];
  t.strictSame(
    members(first, second, third).map(({ opening }) => opening.json),
    ['{}', '{}', '{}'],
  );
  const sat = deliver([first, second, third], first.send('sit', { hand: 'ace' }).deltas);
  t.strictSame([...sat.keys()], [first]);
  t.match(JSON.parse(sat.get(first) ?? ''), {
    title: 't',
    best: 0,
    players: { adatest: { who: ada, hand: 'ace', score: 0 } },
  });
  second.send('sit', { hand: 'king' });
  t.match(viewOf(resident, bob), { players: { adatest: { who: ada, score: 0 }, bobtest: { hand: 'king' } } });
  t.notMatch(JSON.stringify(viewOf(resident, bob)), 'ace');
  t.notMatch(JSON.stringify(viewOf(resident, bob)), 'deck');
  const shown = deliver([first, second, third], first.send('open', { isOpen: true }).deltas);
  t.strictSame(
    [first, second].map((member) => JSON.parse(shown.get(member) ?? '')),
    [{ players: { bobtest: { hand: 'king' } } }, { players: { adatest: { hand: 'ace' } } }],
  );
  t.equal(shown.size, 2);
  const hidden = deliver([first, second, third], first.send('open', { isOpen: false }).deltas);
  t.strictSame(
    JSON.parse(hidden.get(second) ?? ''),
    { players: { adatest: { hand: null } } },
    'and are taken away again',
  );
  const scored = deliver([first, second, third], second.send('score', { score: 3 }).deltas);
  t.strictSame(JSON.parse(scored.get(first) ?? ''), { best: 3, players: { bobtest: { score: 3 } } });
  t.strictSame(viewOf(resident, eve), {});
  const typed: View<typeof game> = { players: { x: { score: 1 } }, best: 1, deck: [] };
  // @ts-expect-error: it is not in the page.
  typed.dealer;
  t.end();
});

function members(...list: readonly Member[]): readonly Member[] {
  return list;
}

type Asked = { everybody: number; each: number; value: number };

function countedBy(asked: Asked) {
  return document({ flag: f.boolean(false), owner: f.principal(), text: f.string(''), other: f.int(0) })
    .policies({
      everybody: ({ doc }) => {
        asked.everybody += 1;
        return doc.flag;
      },
      each: ({ doc, who }) => {
        asked.each += 1;
        return same(doc.owner, who);
      },
    })
    .formulas({
      value: ({ doc }) => {
        asked.value += 1;
        return doc.other * 2;
      },
    })
    .privacy({ text: all('everybody', 'each'), other: all('everybody'), value: all('each') })
    .events({ invent: () => true })
    .channel('write', z.object({ text: z.string() }), ({ doc, message }) => {
      doc.text = message.text;
    })
    .channel('flag', z.object({}), ({ doc }) => {
      doc.flag = !doc.flag;
    })
    .channel('own', z.object({}), ({ doc, who }) => {
      doc.owner = who;
    })
    .channel('add', z.object({}), ({ doc }) => {
      doc.other += 1;
    });
}

test('[D28] a policy is asked when what it read has changed, one that asks nobody for all at once', (t) => {
  const asked: Asked = { everybody: 0, each: 0, value: 0 };
  const resident = createResident(countedBy(asked), name);
  const env = fakeEnv();
  const viewers = Array.from({ length: 50 }, (_, index) => ({ agent: `v${index}`, authority: 'test' }));
  for (const who of viewers) openView(resident, { who, session: '' }, env);
  const writer = new Member(resident, ada, env);
  const since = (run: () => void): number[] => {
    const before = { ...asked };
    run();
    // `Member` has every policy asked about every viewer, to see that what is known is right: what is counted is twice that, or nothing.
    return [asked.everybody - before.everybody, asked.each - before.each, asked.value - before.value];
  };
  const check = since(() => void writer.send('write', { text: 'a' }));
  t.strictSame(check, [0, 51, 0], 'nothing is asked but by the check');
  t.strictSame(
    since(() => void writer.send('flag', {})),
    [1, 51, 0],
  );
  t.strictSame(
    since(() => void writer.send('own', {})),
    [0, 102, 0],
  );
  t.strictSame(
    since(() => void writer.send('add', {})),
    [0, 51, 1],
  );
  t.equal(resident.viewers.kinds, 2, 'the owner, and all others');
  t.end();
});

test('[D6] where many and few become one kind, or part, the few are told alone', (t) => {
  const reveal = document({ isOpen: f.boolean(), dealer: f.principal(), hand: f.string('ace') })
    .policies({ shown: ({ doc, who }) => doc.isOpen || same(doc.dealer, who) })
    .privacy({ hand: all('shown') })
    .events({ invent: () => true })
    .channel('deal', z.object({}), ({ doc, who }) => {
      doc.dealer = who;
    })
    .channel('turn', z.object({}), ({ doc }) => {
      doc.isOpen = !doc.isOpen;
    });
  const crowd = Array.from({ length: 20 }, (_, index) => ({ agent: `v${index}`, authority: 'test' }));
  for (const isDealtFirst of [false, true]) {
    const resident = createResident(reveal, name);
    const env = fakeEnv();
    const dealer = new Member(resident, ada, env);
    if (isDealtFirst) dealer.send('deal', {});
    const others = crowd.map((who) => new Member(resident, who, env));
    dealer.kind = dealer.opening.viewer.kind.id;
    const told = (channel: string): readonly string[] => {
      const { deltas } = dealer.send(channel, {});
      const heard = deliver([dealer, ...others], deltas);
      t.equal(new Set(others.map((other) => heard.get(other) ?? '')).size, 1, 'the crowd hears one thing');
      return deltas.map(({ viewer, json }) => `${viewer === undefined ? 'all' : 'one'} ${json}`);
    };
    if (!isDealtFirst) t.strictSame(told('deal'), ['one {"hand":"ace"}']);
    for (let round = 0; round < 2; round += 1) {
      t.strictSame(told('turn'), ['one ', 'all {"hand":"ace"}']);
      t.equal(resident.viewers.kinds, 1);
      t.strictSame(told('turn'), ['one ', 'all {"hand":null}']);
      t.equal(resident.viewers.kinds, 2);
    }
  }
  t.end();
});

test('[D28] what throws hides, is told to the application alone, and cannot write', (t) => {
  const resident = createResident(
    document({ text: f.string('x'), list: f.list(f.string()) })
      .policies({
        throws: () => {
          throw new Error('a secret reason');
        },
        writes: ({ doc }) => {
          (doc as { text: string }).text = 'y';
          return true;
        },
        pushes: ({ doc }) => {
          (doc.list as unknown as { push: (text: string) => void }).push('y');
          return true;
        },
        waits: (() => Promise.resolve(true)) as unknown as () => boolean,
        truthy: (() => 1) as unknown as () => boolean,
      })
      .formulas({ bad: (() => new Map()) as unknown as () => number, fine: () => 1 })
      .privacy({ text: all('throws'), list: all('writes'), bad: open, fine: all('truthy') })
      .events({ invent: () => true }),
    name,
  );
  const env = fakeEnv();
  t.equal(opened(openView(resident, { who: ada, session: '' }, env)).json, '{}');
  t.match(takeFailures(resident), { count: 5 });
  t.equal(takeFailures(resident), undefined);
  t.strictSame(resident.state, {});
  t.end();
});
