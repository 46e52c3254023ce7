// What the tests of this room share: a small definition with every kind of field, a world that is told what to say, and
// random programs that handlers run.
import fc from 'fast-check';
import { z } from 'zod';
import type { Definition, Principal } from '../../engine/document/define.ts';
import { document, open, t, viewerIs } from '../../engine/document/define.ts';
import type { Env, Opened, Resident, Sent, ViewDelta, Viewer } from '../../engine/document/document.ts';
import { applySend, checkResident, openView } from '../../engine/document/document.ts';

export const ada: Principal = { agent: 'ada', authority: 'test' };
export const bob: Principal = { agent: 'bob', authority: 'test' };
/** Another ada: the same agent, known to somebody else. */
export const eve: Principal = { agent: 'ada', authority: 'elsewhere' };
export const people = [ada, bob, eve] as const;

/** A world in which nothing is random and a millisecond passes with each look at it. */
export function fakeEnv(): Env {
  let ids = 0;
  let nowMs = 1_700_000_000_000;
  return {
    get nowMs() {
      nowMs += 1;
      return nowMs;
    },
    randomBytes16: () => {
      ids += 1;
      const bytes = new Uint8Array(16);
      new DataView(bytes.buffer).setUint32(12, ids);
      return bytes;
    },
  };
}

export type Opening = Extract<Opened['result'], { kind: 'opened' }>;

export function opened(result: Opened): Opening {
  if (result.result.kind !== 'opened') throw new Error(`not opened: ${JSON.stringify(result.result)}`);
  return result.result;
}

/** Views a document in a new session, and counts its sends. */
export class Member {
  readonly who: Principal;
  readonly session: string;
  readonly opening: Opening;
  readonly updates: readonly Uint8Array[];
  readonly #resident: Resident;
  readonly #env: Env;
  n = 0;
  /** Of viewers, as told last. */
  kind: number;
  /** Whose view it is: another, once it looks at something else. */
  viewer: Viewer;

  constructor(resident: Resident, who: Principal, env: Env, look?: unknown) {
    const answer = openView(resident, { who, session: 'new', look }, env);
    this.who = who;
    this.#resident = resident;
    this.#env = env;
    this.opening = opened(answer);
    this.updates = answer.updates;
    this.session = this.opening.session;
    this.viewer = this.opening.viewer;
    this.kind = this.viewer.kind.id;
  }

  /** Sends the next message, confirming all but the last few. A send that wrote nothing took no number. */
  send(channel: string, message: unknown): Sent {
    const sent = this.sendAs(this.n + 1, Math.max(this.n - 3, 0), channel, message);
    if (sent.update !== undefined) this.n += 1;
    return sent;
  }

  sendAs(n: number, done: number, channel: string, message: unknown): Sent {
    const sent = applySend(
      this.#resident,
      { who: this.who, session: this.session, n, done, channel, message },
      this.#env,
    );
    checkResident(this.#resident);
    return sent;
  }
}

/** What each of these hears of an update, as a proxy passes it on: deltas for one alone come first, and count for him in place of his kind's. */
export function deliver(members: readonly Member[], deltas: readonly ViewDelta[]): Map<Member, string> {
  const heard = new Map<Member, string>();
  for (const { viewer, kind, json } of deltas) {
    for (const member of members) {
      if (viewer !== undefined && member.viewer.id === viewer) {
        member.kind = kind;
        heard.set(member, json);
      } else if (viewer === undefined && member.kind === kind && !heard.has(member)) heard.set(member, json);
    }
  }
  for (const [member, json] of heard) if (json === '') heard.delete(member);
  return heard;
}

export function codeOf(sent: Sent | Opened): string {
  return sent.result.kind === 'refused' ? sent.result.code : '';
}

/** One step of a random handler. Paths that do not fit do nothing, or throw: both are cases. */
export type Step =
  | { readonly do: 'text'; readonly value: string | null }
  | { readonly do: 'secret'; readonly value: string | null }
  | { readonly do: 'count'; readonly value: number }
  | { readonly do: 'holder'; readonly who: number | null }
  | { readonly do: 'inside'; readonly value: string | null }
  | { readonly do: 'deep'; readonly value: string | null }
  | { readonly do: 'set'; readonly key: string; readonly owner: number | null; readonly value: string | null }
  | { readonly do: 'edit'; readonly key: string; readonly value: string | null }
  | { readonly do: 'give'; readonly key: string; readonly owner: number | null }
  | { readonly do: 'copy'; readonly key: string; readonly to: string }
  | { readonly do: 'delete'; readonly key: string }
  | { readonly do: 'vote'; readonly key: string; readonly tag: string; readonly value: number | null }
  | { readonly do: 'tag'; readonly tag: string; readonly value: string | null }
  | { readonly do: 'add'; readonly owner: number | null; readonly value: string | null }
  | { readonly do: 'drop'; readonly at: number }
  | { readonly do: 'amend'; readonly at: number; readonly value: string | null }
  | { readonly do: 'hand'; readonly at: number; readonly owner: number | null }
  | { readonly do: 'throw' };

const key = fc.constantFrom('a', 'b', 'toString', 'valueOf', '0');
const value = fc.option(fc.constantFrom('', 'x', 'y', 'zz'));
const person = fc.option(fc.nat(2));
export const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant('text' as const), value }),
  fc.record({ do: fc.constant('secret' as const), value }),
  fc.record({ do: fc.constant('count' as const), value: fc.integer({ min: -1, max: 2 }) }),
  fc.record({ do: fc.constant('holder' as const), who: person }),
  fc.record({ do: fc.constant('inside' as const), value }),
  fc.record({ do: fc.constant('deep' as const), value }),
  fc.record({ do: fc.constant('set' as const), key, owner: person, value }),
  fc.record({ do: fc.constant('edit' as const), key, value }),
  fc.record({ do: fc.constant('give' as const), key, owner: person }),
  fc.record({ do: fc.constant('copy' as const), key, to: key }),
  fc.record({ do: fc.constant('delete' as const), key }),
  fc.record({ do: fc.constant('vote' as const), key, tag: key, value: fc.option(fc.nat(2)) }),
  fc.record({ do: fc.constant('tag' as const), tag: key, value }),
  fc.record({ do: fc.constant('add' as const), owner: person, value }),
  fc.record({ do: fc.constant('add' as const), owner: person, value }),
  fc.record({ do: fc.constant('drop' as const), at: fc.nat(4) }),
  fc.record({ do: fc.constant('amend' as const), at: fc.nat(4), value }),
  fc.record({ do: fc.constant('hand' as const), at: fc.nat(4), owner: person }),
);
export const steps = fc.array(step, { maxLength: 8 });

const entry = {
  owner: t.principal(),
  text: t.string('none'),
  inner: t.record({ holder: t.principal(), text: t.string(''), votes: t.map(t.int(0)) }),
};
export const shape = {
  text: t.string('start'),
  secret: t.string(''),
  count: t.int(0),
  holder: t.principal(),
  box: t.record({ owner: t.principal(), text: t.string(''), deep: t.record({ text: t.string('') }) }),
  notes: t.map(t.record(entry)),
  tags: t.map(t.string('')),
  seats: t.table({ owner: t.principal(), text: t.string('free'), deep: t.record({ text: t.string('') }) }),
};
const everything = z.object({ steps: z.array(z.unknown()) });

/** A definition of all kinds of fields, without its privacy. Channel `run` runs steps. */
export const base = document(shape)
  .events({ invent: () => true })
  .channel('run', everything, ({ doc, message }) => {
    for (const raw of message.steps) {
      const step = raw as Step;
      const owner = 'owner' in step && step.owner !== null ? (people[step.owner] ?? null) : null;
      if (step.do === 'text') doc.text = step.value as string;
      else if (step.do === 'secret') doc.secret = step.value as string;
      else if (step.do === 'count') doc.count += step.value;
      else if (step.do === 'holder') doc.holder = step.who === null ? null : (people[step.who] ?? null);
      else if (step.do === 'inside') doc.box.text = step.value as string;
      else if (step.do === 'deep') doc.box.deep.text = step.value as string;
      else if (step.do === 'set') doc.notes.set(step.key, { owner, text: step.value });
      else if (step.do === 'delete') doc.notes.delete(step.key);
      else if (step.do === 'tag') doc.tags.set(step.tag, step.value as string);
      else if (step.do === 'add') doc.seats.add({ owner, text: step.value });
      else if (step.do === 'drop') doc.seats.delete(doc.seats.rows()[step.at]?.id ?? '');
      else if (step.do === 'amend' || step.do === 'hand') {
        const seat = doc.seats.rows()[step.at];
        if (seat === undefined) continue;
        if (step.do === 'hand') seat.owner = owner;
        else seat.text = step.value as string;
        if (step.do === 'amend') seat.deep.text = step.value as string;
      } else if (step.do === 'throw') throw new Error('as told');
      else if (step.do === 'copy') {
        const from = doc.notes.get(step.key);
        if (from !== undefined) doc.notes.set(step.to, from as unknown as { text: string });
      } else {
        const note = doc.notes.get(step.key);
        if (note === undefined) continue;
        if (step.do === 'edit') note.text = step.value as string;
        if (step.do === 'give') note.inner.holder = owner;
        if (step.do === 'give') doc.box.owner = owner;
        if (step.do === 'vote') note.inner.votes.set(step.tag, step.value as number);
      }
    }
  });

const gate = fc.constantFrom('none', 'open', 'own');
export type Page = { readonly [field: string]: Page };

/** A random page of privacy for `base`, by which any field may be open, gated or private. */
export const definition: fc.Arbitrary<{ made: Definition; page: Page }> = fc
  .record({
    text: gate,
    secret: gate,
    count: gate,
    tags: gate,
    whole: gate,
    box: fc.array(gate, { minLength: 3, maxLength: 3 }),
    deep: gate,
    notes: fc.array(gate, { minLength: 4, maxLength: 4 }),
    seats: fc.array(gate, { minLength: 4, maxLength: 4 }),
  })
  .map((picks) => {
    const one = (pick: string | undefined, field: string) =>
      pick === 'open' ? open : pick === 'own' ? viewerIs(field) : undefined;
    const page = (entries: [string, unknown][]): Page =>
      Object.fromEntries(entries.filter(([, part]) => part !== undefined)) as Page;
    const box = page([
      ['owner', one(picks.box[0], 'owner')],
      ['text', one(picks.box[1], 'owner')],
      ['deep', one(picks.deep, 'owner') ?? page([['text', picks.box[2] === 'open' ? open : undefined]])],
    ]);
    const inner = page([
      ['text', one(picks.notes[1], 'holder')],
      ['votes', one(picks.notes[2], 'holder')],
    ]);
    const notes = page([
      ['owner', one(picks.notes[0], 'owner')],
      ['text', one(picks.notes[3], 'owner')],
      ['inner', inner],
    ]);
    const seats = page([
      ['owner', one(picks.seats[0], 'owner')],
      ['text', one(picks.seats[1], 'owner')],
      ['deep', one(picks.seats[2], 'owner')],
    ]);
    const all = page([
      ['text', one(picks.text, 'holder')],
      ['secret', one(picks.secret, 'holder')],
      ['count', one(picks.count, 'holder')],
      ['tags', one(picks.tags, 'holder')],
      ['box', box],
      ['notes', one(picks.whole, 'holder') ?? notes],
      ['seats', one(picks.seats[3], 'holder') ?? seats],
    ]);
    // Pages made at random have no type; what the compiler would refuse, planView checks again.
    return { made: (base.privacy as (page: unknown) => Definition).call(base, all), page: all };
  });
