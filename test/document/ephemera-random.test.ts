// Random policies over what viewers show each other: whatever they say, each is told what he may see, and nothing else.
import fc from 'fast-check';
import { test } from 'tap';
import { z } from 'zod';
import type { DocumentName } from '../../engine/base/ids.ts';
import { samePrincipal } from '../../engine/base/ids.ts';
import type { Principal } from '../../engine/document/define.ts';
import { all, open } from '../../engine/document/define.ts';
import type { Resident } from '../../engine/document/document.ts';
import {
  applyShows,
  checkResident,
  closeView,
  createResident,
  shownTo,
  takeShown,
} from '../../engine/document/document.ts';
import { deliver, fakeEnv, Member, people, steps } from './kit.ts';
import { plain, ruled } from './privacy-kit.ts';

const name = 'board/one' as DocumentName;
type Item = { readonly channel: string; readonly who: Principal; readonly value: unknown };

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
    closeView(this.resident, view.member.opening.viewer, 0);
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
          if (!may && (item.value !== null || !could)) return `${member.who.agent} was told ${JSON.stringify(item)}`;
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
