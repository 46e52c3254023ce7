// Snapshots: what updates made of a document is the same in however many steps they were folded, and comes back as it was.
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { Packr } from 'msgpackr';
import t from 'tap';
import type { DocumentName } from '../../engine/base/ids.ts';
import {
  checkResident,
  createResident,
  openView,
  replaySection,
  restoreResident,
  viewOf,
} from '../../engine/document/document.ts';
import { decodeSnapshot, encodeSnapshot, foldSections } from '../../engine/document/life/snapshot.ts';
import { codeOr, fuzz, spoiled } from '../fuzz.ts';
import { base, fakeEnv, Member, people, steps } from './kit.ts';

const name = 'space/key' as DocumentName;

/** What a document went through: who sends what, in order. */
const sends = fc.array(fc.record({ who: fc.nat(2), steps }), { minLength: 1, maxLength: 12 });

/** All updates of a document that went through this, one by one, and the document as its head has it. */
function lived(script: readonly { readonly who: number; readonly steps: readonly unknown[] }[]) {
  const env = fakeEnv();
  const resident = createResident(base, name);
  const members = people.map((who) => new Member(resident, who, env));
  const updates = members.flatMap((member) => [...member.updates]);
  for (const { who, steps: what } of script) {
    const sent = members[who]?.send('run', { steps: what });
    if (sent?.update !== undefined) updates.push(Uint8Array.from(sent.update));
  }
  return { resident, updates: updates.map((one) => Uint8Array.from(one)) };
}

t.test('[D17] folded in one step or in many, updates give the same bytes', async (t) => {
  const property = fc.property(sends, fc.array(fc.nat(20), { maxLength: 4 }), (script, cuts) => {
    const { resident, updates } = lived(script);
    const whole = foldSections(undefined, updates);
    let stepped: Uint8Array | undefined;
    let from = 0;
    for (const to of [...cuts.filter((cut) => cut < updates.length).sort((a, b) => a - b), updates.length]) {
      if (to === from) continue;
      stepped = foldSections(stepped, [Buffer.concat(updates.slice(from, to))]);
      from = to;
    }
    return Buffer.from(whole).equals(stepped as Buffer) && decodeSnapshot(whole).seq === resident.seq;
  });
  fc.assert(property, { ...fuzz, numRuns: 300 });
  t.pass();
});

t.test(
  '[D17] a document that comes back from a snapshot is the one that went, sessions and answers with it',
  async (t) => {
    const property = fc.property(sends, fc.nat(20), (script, at) => {
      const { resident, updates } = lived(script);
      const cut = Math.min(1 + at, updates.length);
      const back = restoreResident(base, name, foldSections(undefined, updates.slice(0, cut)));
      replaySection(back, Buffer.concat(updates.slice(cut)));
      checkResident(back);
      const plain = createResident(base, name);
      replaySection(plain, Buffer.concat(updates));
      const parts = ({ seq, incarnation, state, length, sessions }: typeof back) => ({
        seq,
        incarnation,
        state,
        length,
        // With the order in which they were used.
        sessions: [...sessions.byId],
      });
      return (
        isDeepStrictEqual(parts(back), parts(plain)) &&
        people.every((who) => isDeepStrictEqual(viewOf(back, who), viewOf(resident, who)))
      );
    });
    fc.assert(property, { ...fuzz, numRuns: 300 });
    t.pass();
  },
);

t.test('[C15] [D17] a session goes on where it was, over a snapshot', async (t) => {
  const env = fakeEnv();
  const resident = createResident(base, name);
  const ada = new Member(resident, people[0], env);
  const first = ada.send('run', { steps: [{ do: 'count', value: 2 }] });
  const updates = [...ada.updates, first.update as Uint8Array];
  const back = restoreResident(base, name, foldSections(undefined, updates));
  const opened = openView(back, { who: people[0], session: ada.session }, env);
  t.match(opened.result, { kind: 'opened', session: ada.session, seq: 3 });
  t.equal(openView(back, { who: people[1], session: ada.session }, env).result.kind, 'refused');
});

t.test('[D17] spoiled bytes are a snapshot or a code, never anything else', async (t) => {
  const { updates } = lived([{ who: 0, steps: [{ do: 'set', key: 'a', owner: 1, value: 'x' }] }]);
  const good = foldSections(undefined, updates);
  const counts = { read: 0, refused: 0 };
  const property = fc.property(fc.oneof(spoiled(fc.constant(good)), fc.uint8Array({ maxLength: 40 })), (bytes) => {
    const found = codeOr(() => decodeSnapshot(bytes));
    counts['value' in found ? 'read' : 'refused'] += 1;
    if ('value' in found) codeOr(() => encodeSnapshot(found.value));
    return 'value' in found || found.code === 'ENGINE_CORRUPT' || found.code === 'ENGINE_FORMAT';
  });
  fc.assert(property, { ...fuzz, numRuns: 10_000 });
  t.ok(counts.read > 50 && counts.refused > 500, JSON.stringify(counts));
});

t.test('[D17] [E3] a version that is not known is refused by name', async (t) => {
  const { updates } = lived([{ who: 0, steps: [] }]);
  const packr = new Packr({ useRecords: false, variableMapSize: true });
  const parts = packr.unpack(foldSections(undefined, updates)) as unknown[];
  t.throws(() => decodeSnapshot(packr.pack([2, ...parts.slice(1)])), {
    code: 'ENGINE_FORMAT',
    message: /version 2 is not 1/,
  });
  t.throws(() => decodeSnapshot(packr.pack([1, 0, ...parts.slice(2)])), { code: 'ENGINE_CORRUPT' });
});
