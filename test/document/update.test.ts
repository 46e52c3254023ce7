import fc from 'fast-check';
import { Packr } from 'msgpackr';
import { test } from 'tap';
import { CodedError } from '../../engine/base/errors.ts';
import type { JsonObject } from '../../engine/base/merge-patch.ts';
import type { Update } from '../../engine/document/life/update.ts';
import { decodeSection, encodeUpdate, noMessage, piecesOfLife } from '../../engine/document/life/update.ts';

const plain = new Packr({ useRecords: false, variableMapSize: true });
const text = fc.string({ unit: 'grapheme' });
const key = fc.string({ minLength: 1, unit: 'grapheme' }).filter((name) => !(name in {}) && name !== 'prototype');
const leaf = fc.oneof(
  text,
  fc.maxSafeInteger(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.boolean(),
  fc.constant(null),
);
const patch = fc.dictionary(key, fc.oneof(leaf, fc.dictionary(key, leaf, { noNullPrototype: true })), {
  noNullPrototype: true,
});
const count = fc.maxSafeInteger().map(Math.abs);
const parts = fc.record({
  kind: fc.constantFrom('invent', 'session', 'send', 'rewind', 'delete'),
  seq: count,
  atMs: count,
  who: fc.record({ agent: text, authority: text }, { noNullPrototype: true }),
  id: fc.uint8Array({ minLength: 16, maxLength: 16 }),
  session: count,
  n: count,
  done: count,
  channel: text,
  code: text,
  text,
  redo: patch as fc.Arbitrary<JsonObject>,
  undo: patch as fc.Arbitrary<JsonObject>,
  answer: text,
});
const update: fc.Arbitrary<Update> = parts.map((one) => {
  return one.kind !== 'invent' && one.kind !== 'session' ? { ...one, id: new Uint8Array(0) } : { ...one, session: 0 };
});

const sectionOf = (updates: readonly Update[]): Uint8Array => Buffer.concat(updates.map(encodeUpdate));

test('[D11] updates one after the other are decoded as they were, by themselves', (t) => {
  fc.assert(
    fc.property(fc.array(update, { maxLength: 4 }), (updates) => {
      const found = decodeSection(sectionOf(updates)).map((one) => ({ ...one, id: [...one.id] }));
      t.strictSame(
        found.map((one) => JSON.stringify(one)),
        updates.map((one) => JSON.stringify({ ...one, id: [...one.id] })),
      );
    }),
    { numRuns: 200 },
  );
  t.end();
});

test('[D11] damaged bytes are ENGINE_CORRUPT, or other updates; never anything else', (t) => {
  const seen = { corrupt: 0, decoded: 0 };
  fc.assert(
    fc.property(
      fc.array(update, { minLength: 1, maxLength: 2 }),
      fc.nat(),
      fc.nat(255),
      fc.boolean(),
      (updates, at, byte, isCut) => {
        const whole = Uint8Array.from(sectionOf(updates));
        const bytes = isCut ? whole.slice(0, at % whole.length) : whole;
        if (!isCut) bytes[at % bytes.length] = byte;
        try {
          decodeSection(bytes);
          seen.decoded += 1;
        } catch (error) {
          t.ok(error instanceof CodedError && error.code === 'ENGINE_CORRUPT', String(error));
          seen.corrupt += 1;
        }
      },
    ),
    { numRuns: 2_000 },
  );
  t.ok(seen.corrupt > 100 && seen.decoded > 100, JSON.stringify(seen));
  t.end();
});

test('[D9] [D11] an update cannot bring a prototype along, nor what JSON has no word for', (t) => {
  const good = decodeSection(
    encodeUpdate({
      ...noMessage,
      kind: 'send',
      seq: 1,
      atMs: 1,
      who: { agent: '', authority: '' },
      session: 1,
    }),
  );
  t.equal(good.length, 1);
  const row = (redo: unknown): unknown[] => [3, 1, 1, '', '', 1, 1, 0, 'c', '', '', redo, {}, ''];
  for (const redo of [
    new Date(),
    { a: 2n ** 63n },
    { a: new Date() },
    { a: new Uint8Array(2) },
    [],
    'x',
    { constructor: 1 },
  ]) {
    t.throws(() => decodeSection(plain.pack(row(redo))), { code: 'ENGINE_CORRUPT' });
  }
  const hostile = plain.pack(row(JSON.parse('{"__proto__":{"polluted":true}}')));
  try {
    const [found] = decodeSection(hostile);
    t.notOk('polluted' in (found?.redo ?? {}));
  } catch (error) {
    t.match(error, { code: 'ENGINE_CORRUPT' });
  }
  t.notOk('polluted' in {});
  for (const bad of [
    plain.pack(1),
    plain.pack([1]),
    plain.pack([...row({}), 1]),
    plain.pack([9, ...row({}).slice(1)]),
  ]) {
    t.throws(() => decodeSection(bad), { code: 'ENGINE_CORRUPT' });
  }
  t.strictSame(decodeSection(new Uint8Array(0)), []);
  t.end();
});

test('[D20] [D21] what follows the last delete comes in pieces of a bounded size, each of them updates as they stood', (t) => {
  const who = { agent: 'a', authority: 'b' };
  const updateOf = (kind: 'send' | 'delete', seq: number): Uint8Array =>
    Uint8Array.from(
      encodeUpdate({ ...noMessage, kind, seq, atMs: 1, who, answer: kind === 'send' ? 'x'.repeat(100) : '' }),
    );
  const all = [1, 2, 3, 4, 5, 6, 7, 8].map((seq) => updateOf(seq === 3 ? 'delete' : 'send', seq));
  for (const cut of [1, 3, 5, 8]) {
    const sections = [all.slice(0, cut), all.slice(cut)].map((part) => Buffer.concat(part));
    for (const bytesMax of [1, 200, 10_000]) {
      const pieces = piecesOfLife(sections, bytesMax);
      t.same(Buffer.concat(pieces.map(({ updates }) => updates)), Buffer.concat(all.slice(3)));
      for (const { seqFirst, count, updates } of pieces) {
        const seqs = decodeSection(updates).map(({ seq }) => seq);
        t.same(
          seqs,
          Array.from({ length: count }, (_, index) => seqFirst + index),
        );
        t.ok(updates.length < bytesMax + (all[0]?.length ?? 0));
      }
    }
  }
  t.same(piecesOfLife([Buffer.concat(all.slice(0, 3))], 100), []);
  t.end();
});
