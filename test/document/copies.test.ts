// What a handler puts into a document is a copy, whole and of plain values; nothing in the state is in it twice.
import { test } from 'tap';
import type { JsonObject } from '../../engine/base/merge-patch.ts';
import { merge } from '../../engine/base/merge-patch.ts';
import { t as f } from '../../engine/document/define.ts';
import type { Draft } from '../../engine/document/definition/drafts.ts';
import { beginWork, planRecord } from '../../engine/document/draft/draft.ts';
import { fakeEnv } from './kit.ts';

const entry = { words: f.list(f.string()), tags: f.map(f.int()), inner: f.record({ words: f.list(f.string()) }) };
const shape = {
  free: f.json(),
  words: f.list(f.string()),
  notes: f.map(f.record(entry)),
  rows: f.table({ words: f.list(f.string()), size: f.int() }),
};
type Doc = Draft<typeof shape>;

/** Runs a handler over `state`, and returns what updates alone make of it: the same. */
function run(state: JsonObject, handler: (doc: Doc) => void): JsonObject {
  const before = structuredClone(state);
  const work = beginWork(planRecord(shape), state, fakeEnv().randomBytes16);
  handler(work.doc as Doc);
  return merge(before, JSON.parse(JSON.stringify(work.finish().redo))) as JsonObject;
}

test('[D1] [D11] an array with holes is what JSON makes of it, or refused', (t) => {
  const state: JsonObject = {};
  const holes = (values: readonly unknown[]): readonly unknown[] => Object.assign(new Array(3), values);
  for (const value of [holes([]), [5, 6, 7], holes([5]), [[...holes([])]], [holes([])], [[1, 2, 3]]]) {
    const replayed = run(state, (doc) => {
      doc.free = value;
    });
    t.strictSame(replayed, state);
    t.strictSame(state['free'], JSON.parse(JSON.stringify(value)));
  }
  run(state, ({ words, notes }) => {
    t.throws(() => words.assign(holes(['a']) as string[]), { code: 'HANDLER_FAILED' });
    t.throws(() => notes.set('a', { words: holes(['a']) as string[] }), { code: 'HANDLER_FAILED' });
  });
  t.end();
});

test('[D1] a copy of a record goes its own way, with its lists', (t) => {
  const state: JsonObject = {};
  const replayed = run(state, ({ notes, rows }) => {
    notes.set('a', {});
    const note = notes.get('a');
    note?.words.push('x');
    note?.inner.words.push('x');
    notes.set('b', note as never);
    note?.words.push('y');
    note?.inner.words.push('y');
    notes.get('b')?.words.push('z');
    const row = rows.add({ words: ['x'] });
    row.words.push('y');
    const other = rows.add(row as never);
    row.words.push('z');
    t.same(other.words.values(), ['x', 'y']);
  });
  t.strictSame(replayed, state);
  t.match(state['notes'], {
    a: { words: ['x', 'y'], inner: { words: ['x', 'y'] } },
    b: { words: ['x', 'z'], inner: { words: ['x'] } },
  });
  t.end();
});

test('[D1] a record or a map is given as a plain object, and nothing that only looks empty', (t) => {
  const state: JsonObject = {};
  run(state, ({ notes, words, rows }) => {
    notes.set('a', {});
    for (const value of [new Map([['x', 1]]), new Date(0), new (class {})(), words, notes, rows]) {
      t.throws(() => notes.set('b', value as never), { code: 'HANDLER_FAILED' });
      t.throws(() => notes.set('b', { tags: value as never }), { code: 'HANDLER_FAILED' });
      t.throws(() => rows.add(value as never), { code: 'HANDLER_FAILED' });
    }
    notes.set('c', Object.assign(Object.create(null), { words: ['x'] }));
  });
  t.strictSame(state, { notes: { a: {}, c: { words: ['x'] } } });
  t.end();
});

test('[D9] [D11] a key that is no string finds nothing', (t) => {
  const state: JsonObject = { notes: { 1: { words: ['x'] } } };
  const replayed = run(state, ({ notes }) => {
    t.equal(notes.get(1 as never), undefined);
    t.equal(notes.get(['1'] as never), undefined);
    t.notOk(notes.has(1 as never) || notes.delete(1 as never));
    notes.get('1')?.words.push('y');
    notes.delete('1');
  });
  t.strictSame([replayed, state], [{ notes: {} }, { notes: {} }]);
  t.end();
});
