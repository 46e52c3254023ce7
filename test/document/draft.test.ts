import fc from 'fast-check';
import { test } from 'tap';
import type { JsonObject } from '../../engine/base/merge-patch.ts';
import { merge } from '../../engine/base/merge-patch.ts';
import type { Draft } from '../../engine/document/definition/drafts.ts';
import type { Shape } from '../../engine/document/definition/fields.ts';
import { t as f } from '../../engine/document/definition/fields.ts';
import { beginWork, planRecord } from '../../engine/document/draft/draft.ts';
import { base, fakeEnv, shape, step, steps } from './kit.ts';

type Run = {
  readonly before: JsonObject;
  readonly after: JsonObject;
  readonly redo: JsonObject;
  readonly undo: JsonObject;
};

const channel = base.plan.channels.get('run');
const plan = planRecord(shape);
const { randomBytes16 } = fakeEnv();

function run(state: JsonObject, todo: unknown[]): Run {
  const before = structuredClone(state);
  const work = beginWork(plan, state, randomBytes16);
  channel?.handler({ doc: work.doc, message: { steps: todo }, who: { agent: '', authority: '' }, ctx: {} as never });
  return { before, after: state, ...work.finish() };
}

/** Works on a document of `given` fields, typed. */
function work<S extends Shape>(given: S, state: JsonObject, handler: (doc: Draft<S>) => void): Run {
  const before = structuredClone(state);
  const made = beginWork(planRecord(given), state);
  handler(made.doc as Draft<S>);
  return { before, after: state, ...made.finish() };
}

test('[D7] redo leads from before to after, undo back, and neither says more than it must', (t) => {
  let changes = 0;
  fc.assert(
    fc.property(fc.array(steps, { maxLength: 5 }), (runs) => {
      const state: JsonObject = {};
      for (const todo of runs) {
        const { before, after, redo, undo } = run(state, todo);
        t.strictSame(merge(before, redo), after);
        t.strictSame(merge(after, undo), before);
        const isSame = JSON.stringify(merge(before, redo)) === JSON.stringify(before);
        if (isSame) t.strictSame([redo, undo], [{}, {}]);
        else changes += 1;
      }
    }),
    { numRuns: 500 },
  );
  t.ok(changes > 100, `handlers changed something ${changes} times`);
  t.end();
});

test('[D8] a handler that fails leaves the state as it was', (t) => {
  fc.assert(
    fc.property(steps, fc.array(step, { maxLength: 12 }), (first, second) => {
      const state: JsonObject = {};
      run(state, first);
      const before = structuredClone(state);
      const made = beginWork(plan, state, randomBytes16);
      const message = { steps: [...second, { do: 'throw' }] };
      t.throws(() => channel?.handler({ doc: made.doc, message, who: { agent: '', authority: '' }, ctx: {} as never }));
      made.rollback();
      t.strictSame(state, before);
      const again = beginWork(plan, state, randomBytes16);
      channel?.handler({
        doc: again.doc,
        message: { steps: second },
        who: { agent: '', authority: '' },
        ctx: {} as never,
      });
      again.finish();
      again.rollback();
      t.strictSame(state, before, 'and after it had finished, too');
    }),
    { numRuns: 300 },
  );
  t.end();
});

const note = { notes: f.map(f.record({ text: f.string(''), size: f.int(0) })), box: f.record({ text: f.string('') }) };

test('[D7] a record that is replaced loses the fields that the new one has not', (t) => {
  const start = () => ({ notes: { a: { text: 'x', size: 3 } } });
  const over = work(note, start(), ({ notes }) => notes.set('a', { text: 'y' }));
  t.strictSame(over.redo, { notes: { a: { text: 'y', size: null } } });
  t.strictSame(over.undo, { notes: { a: { text: 'x', size: 3 } } });
  const anew = work(note, start(), ({ notes }) => {
    const old = notes.get('a');
    if (old !== undefined) old.text = 'lost';
    notes.delete('a');
    t.throws(() => old?.text, { code: 'HANDLER_FAILED' });
    notes.set('a', { size: 4 });
    const fresh = notes.get('a');
    if (fresh !== undefined) fresh.size += 1;
  });
  t.strictSame(anew.redo, { notes: { a: { text: null, size: 5 } } });
  t.strictSame(anew.undo, { notes: { a: { text: 'x', size: 3 } } });
  t.end();
});

test('[D7] what comes to nothing is nothing', (t) => {
  const none = work(note, {}, ({ notes, box }) => {
    box.text = 'x';
    box.text = null as unknown as string;
    notes.set('a', { text: 'x' });
    notes.delete('a');
    notes.delete('b');
  });
  t.strictSame(none, { before: {}, after: {}, redo: {}, undo: {} });
  const nested = { box: f.record({ deep: f.record({ text: f.string('') }) }) };
  const deep = work(nested, {}, ({ box }) => {
    box.deep.text = 'x';
    box.deep.text = null as unknown as string;
  });
  t.strictSame([deep.after, deep.redo], [{}, {}]);
  const same = work(note, { notes: { a: { text: 'x' } } }, ({ notes }) => {
    notes.set('a', { text: 'x' });
    notes.set('a', notes.get('a') ?? {});
  });
  t.strictSame(same.redo, {});
  t.end();
});

test('[D2] null and undefined are absent, and absent reads as the default', (t) => {
  const fields = {
    text: f.string('d'),
    size: f.int(7),
    who: f.principal(),
    rate: f.double(0.5),
    isOn: f.boolean(true),
  };
  work(fields, { text: 'x', size: 1, who: { agent: 'a', authority: 'b' }, rate: 2, isOn: false }, (doc) => {
    for (const key of Object.keys(fields)) Object.assign(doc, { [key]: key === 'size' ? undefined : null });
    t.strictSame([doc.text, doc.size, doc.who, doc.rate, doc.isOn], ['d', 7, null, 0.5, true]);
  });
  t.end();
});

test('[D1] a field holds only what it can give back exactly', (t) => {
  const fields = { text: f.string(''), size: f.int(0), who: f.principal(), rate: f.double(0), isOn: f.boolean(false) };
  const bad: [string, unknown][] = [
    ['text', 1],
    ['size', 0.5],
    ['size', 2 ** 53],
    ['size', '1'],
    ['rate', Number.NaN],
    ['rate', Number.POSITIVE_INFINITY],
    ['isOn', 1],
    ['who', { agent: 'a' }],
    ['who', 'a'],
    ['who', { agent: '\ud800', authority: '' }],
  ];
  const { redo } = work(fields, {}, (doc) => {
    for (const [key, value] of bad)
      t.throws(() => Object.assign(doc, { [key]: value }), { code: 'HANDLER_FAILED' }, key);
    doc.size = -0;
    doc.rate = -0;
    doc.text = 'a\ud800b';
    t.equal(doc.text, 'a\ufffdb');
    const who = { agent: 'a', authority: 'b', more: 'x' };
    doc.who = who;
    who.agent = 'changed';
    Object.assign(doc.who ?? {}, { agent: 'changed' });
    t.throws(() => Object.assign(doc, { other: { x: 1 } }) && JSON.parse(JSON.stringify(doc)).other.y.z);
  });
  t.ok(Object.is(redo.size, 0) && Object.is(redo.rate, 0));
  t.strictSame(redo.who, { agent: 'a', authority: 'b' });
  t.notOk('other' in redo);
  t.end();
});

test('[D9] keys that could be taken for something else are refused', (t) => {
  const { after } = work(note, {}, ({ notes }) => {
    for (const key of ['', '__proto__', 'constructor', 'prototype', '@o', 'x'.repeat(129), '\udc00']) {
      t.throws(() => notes.set(key, {}), { code: 'HANDLER_FAILED' }, key);
      t.equal(notes.get(key), undefined);
      t.notOk(notes.has(key) || notes.delete(key));
    }
    t.throws(() => notes.set('a', JSON.parse('{"__proto__":{"text":"x"}}')), { code: 'HANDLER_FAILED' });
    t.throws(() => notes.set('a', { other: 1 } as never), { code: 'HANDLER_FAILED' });
    notes.set('toString', { text: 'x' });
    t.equal(notes.get('valueOf'), undefined);
    t.strictSame([notes.size, notes.keys()], [1, ['toString']]);
  });
  t.strictSame(after, { notes: { toString: { text: 'x' } } });
  t.equal(({} as { text?: string }).text, undefined);
  t.end();
});

test('[D10] a draft is dead when its handler has returned, and shows nothing of itself', (t) => {
  let kept: Draft<typeof note> | undefined;
  const state = { notes: { a: { text: 'x' } } };
  work(note, state, (doc) => {
    kept = doc;
    t.equal(doc.notes, doc.notes);
    t.equal(doc.notes.get('a'), doc.notes.get('a'));
    t.strictSame([JSON.stringify(doc.notes), JSON.stringify(doc.notes.get('a'))], ['{}', '{}']);
  });
  t.throws(() => kept?.notes.get('a'), { code: 'HANDLER_FAILED' });
  t.throws(() => Object.assign(kept?.box ?? {}, { text: 'y' }), { code: 'HANDLER_FAILED' });
  t.strictSame(state, { notes: { a: { text: 'x' } } });
  t.end();
});
