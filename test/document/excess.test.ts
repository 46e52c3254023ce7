// What is larger than an update can be, whichever way it goes.
import { test } from 'tap';
import { z } from 'zod';
import type { DocumentName } from '../../engine/base/ids.ts';
import { document, t as f } from '../../engine/document/define.ts';
import { createResident, deliver } from '../../engine/document/document.ts';
import { ada, codeOf, fakeEnv, Member } from './kit.ts';

const name = 'board/one' as DocumentName;

test('[D15] [D49] what no update can hold is refused, though it only takes away', (t) => {
  const wide = document({ marks: f.map(f.boolean()) })
    .events({ invent: () => true })
    .channel('mark', z.object({ from: z.int() }), ({ doc, message: { from } }) => {
      for (let mark = from; mark < from + 800; mark += 1) doc.marks.set(`${mark}`.padStart(128, '\u20ac'), true);
    })
    .channel('clear', z.object({ count: z.int() }), ({ doc, message }) => {
      for (const key of doc.marks.keys().slice(0, message.count)) doc.marks.delete(key);
    });
  const resident = createResident(wide, name);
  const member = new Member(resident, ada, fakeEnv());
  let marks = 0;
  for (; codeOf(member.send('mark', { from: marks })) === ''; marks += 800);
  const before = structuredClone(resident.state);
  // A key that goes is in redo as in undo, three bytes a unit: more than its document weighs.
  const refused = member.send('clear', { count: marks });
  t.match(refused.result, { kind: 'refused', code: 'UPDATE_TOO_BIG' });
  t.ok((refused.update?.length ?? 0) < 300);
  t.strictSame(resident.state, before);
  const letter = { from: 's/a', incarnation: 'a'.repeat(32), n: 1, channel: 'clear', message: `{"count":${marks}}` };
  for (const updates of [1, 0]) {
    const told = deliver(resident, letter, fakeEnv());
    t.match(
      [told.updates.length, told.reply],
      [updates, { code: 'UPDATE_TOO_BIG', json: '' }],
      'a document is told too',
    );
  }
  t.strictSame(
    [codeOf(member.send('clear', { count: marks / 2 })), codeOf(member.send('clear', { count: marks }))],
    ['', ''],
  );
  t.strictSame(resident.state['marks'], {});
  t.end();
});
