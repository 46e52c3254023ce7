import type { Test } from 'tap';
import { test } from 'tap';
import { z } from 'zod';
import { all, app, document, t as f, isApp, open, viewerIs } from '../../engine/document/define.ts';
import { definitionOf } from '../../engine/document/definition-of.ts';

const anything = z.object({});
const fields = { text: f.string(''), owner: f.principal(), box: f.record({ text: f.string('') }) };
// biome-ignore lint/complexity/noBannedTypes: these tests hand over what the compiler refuses.
type Untyped = { [step in 'policies' | 'formulas' | 'bubbles' | 'privacy' | 'events' | 'channel']: Function };

function refuses(t: Test, mistakes: readonly (readonly [path: string, make: () => unknown])[]): void {
  for (const [path, make] of mistakes) {
    try {
      make();
      t.fail(`${path}: it was taken`);
    } catch (error) {
      t.match(error, { code: 'APP_INVALID' });
      t.ok(error instanceof Error && error.message.includes(path), `${path} in ${String(error)}`);
    }
  }
}

/** A rule of another copy of this package: its brand is known here, what it says is not. */
const later = { [Object.getOwnPropertySymbols(open)[0] as symbol]: 'nobody', field: 'owner' };

test('[D16] [D28] mistakes in policies, formulas and bubbles are, too', (t) => {
  const made = (): Untyped => document(fields) as unknown as Untyped;
  refuses(t, [
    ['text: there is no policy "nobody"', () => made().privacy({ text: all('nobody') })],
    ['text: it names no policy', () => made().privacy({ text: all() })],
    ['text: its privacy is of another version', () => made().privacy({ text: later })],
    ['box.text: its privacy is of another version', () => made().privacy({ box: { text: later } })],
    ['box: its privacy', () => made().privacy({ box: later })],
    ['policies: it comes before privacy', () => (made().privacy({}) as Untyped).policies({})],
    ['policies.a: it is not a function', () => made().policies({ a: true })],
    ['policies.toString: ', () => made().policies({ toString: () => true })],
    ['formulas.text: a field has this name', () => made().formulas({ text: () => 1 })],
    ['bubbles.a: a formula has this name', () => (made().formulas({ a: () => 1 }) as Untyped).bubbles({ a: () => 1 })],
    ['formulas.a: a bubble has this name', () => (made().bubbles({ a: () => 1 }) as Untyped).formulas({ a: () => 1 })],
  ]);
  t.end();
});

test('[D16] mistakes in a definition are APP_INVALID with their path, when it is made', (t) => {
  const made = (): Untyped => document(fields) as unknown as Untyped;
  const shape = (wrong: object) => () => document(wrong as typeof fields);
  const mistakes: [string, () => unknown][] = [
    ['nothing: ', () => made().privacy({ nothing: open })],
    ['toString: ', () => made().privacy({ toString: open })],
    ['box.nothing: ', () => made().privacy({ box: { nothing: open } })],
    ['text: viewerIs("nobody")', () => made().privacy({ text: viewerIs('nobody') })],
    ['text: viewerIs("text")', () => made().privacy({ text: viewerIs('text') })],
    ['box.text: viewerIs("owner")', () => made().privacy({ box: { text: viewerIs('owner') } })],
    ['text: its privacy', () => made().privacy({ text: {} })],
    ['text: its privacy', () => made().privacy({ text: undefined })],
    ['privacy: it is given twice', () => (made().privacy({}) as Untyped).privacy({})],
    ['a: viewerIs', () => (made().formulas({ a: () => 1 }) as Untyped).privacy({ a: viewerIs('owner') })],
    ['events.create: ', () => made().events({ create: () => true })],
    ['events.invent: ', () => made().events({ invent: true })],
    ['channel "a b": ', () => made().channel('a b', anything, () => 1)],
    ['channel "a": ', () => made().channel('a', {}, () => 1)],
    ['channel "a": ', () => made().channel('a', anything, 1)],
    [
      'channel "a": it is there',
      () => (made().channel('a', anything, () => 1) as Untyped).channel('a', anything, () => 1),
    ],
    ['constructor: ', shape({ constructor: f.string('') })],
    ['prototype: ', shape({ prototype: f.string('') })],
    ['__proto__: ', shape(JSON.parse('{"__proto__":{"kind":"string","initial":""}}'))],
    ['.__proto__: ', shape({ __proto__: f.string('') })],
    ['toString: ', shape({ toString: f.string('') })],
    ['a-b: ', shape({ 'a-b': f.string('') })],
    ['a.b: ', shape({ a: f.record({ b: { kind: 'other' } as never }) })],
    ['a: ', shape({ a: f.record({}) })],
    ['a: ', shape({ a: f.int(0.5) })],
    ['a: ', shape({ a: f.double(Number.NaN) })],
    ['a: ', shape({ a: f.string(1 as never) })],
    ['a: ', shape({ a: f.map(f.map(f.int()) as never) })],
    ['a.*: ', shape({ a: f.map(undefined as never) })],
    ['spaces.Board: ', () => app({ spaces: { Board: document(fields) } })],
    ['spaces.board: ', () => app({ spaces: { board: {} as never } })],
  ];
  refuses(t, mistakes);
  t.end();
});

test('[D16] a definition is what its steps made it, and a step leaves the one before it alone', (t) => {
  const first = document(fields);
  const second = first.channel('a', anything, () => 1);
  t.strictSame([first.plan.channels.size, second.plan.channels.size], [0, 1]);
  // @ts-expect-error: owner is the only principal here.
  t.throws(() => first.privacy({ text: viewerIs('box') }));
  // @ts-expect-error: an answer is JSON.
  first.channel('b', anything, () => new Map());
  // @ts-expect-error: a handler is synchronous.
  first.channel('c', anything, async () => 1);
  const application = app({ spaces: { board: second } });
  t.strictSame([isApp(application), isApp({}), isApp(null), isApp(second)], [true, false, false, false]);
  t.equal(definitionOf(application, 'board'), second);
  t.strictSame([definitionOf(application, 'other'), definitionOf(application, 'toString')], [undefined, undefined]);
  t.end();
});
