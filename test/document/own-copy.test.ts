// An application may have brought its own copy of this package, and a host runs it with another one.
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { test } from 'tap';
import { z } from 'zod';
import type { DocumentName } from '../../engine/base/ids.ts';
import type { Definition } from '../../engine/document/define.ts';
import { applyRewind, checkResident, createResident, viewOf } from '../../engine/document/document.ts';
import { ada, fakeEnv, Member } from './kit.ts';

const name = 'board/one' as DocumentName;

async function definitionIn(folder: string): Promise<Definition> {
  await cp(fileURLToPath(new URL('../../engine', import.meta.url)), join(folder, 'engine'), { recursive: true });
  const file = pathToFileURL(join(folder, 'engine/document/define.js')).href;
  const { document, t: f, open } = (await import(file)) as typeof import('../../engine/document/define.ts');
  return document({ seats: f.table({ who: f.principal(), word: f.string('') }, { key: 'word' }) })
    .bubbles({ first: ({ doc }) => doc.seats.first(), mine: ({ doc, who }) => doc.seats.where({ who }) })
    .privacy({ seats: { word: open }, first: open, mine: open })
    .events({ invent: () => true })
    .channel('sit', z.object({ word: z.string() }), ({ doc, message, who }) => {
      doc.seats.add({ who, word: message.word });
      return doc.seats.size;
    });
}

test('[D19] [D27] [D32] an application with a copy of its own is shown and kept as any other', async (t) => {
  const resident = createResident(await definitionIn(t.testdir()), name);
  const env = fakeEnv();
  const member = new Member(resident, ada, env);
  const sit = (word: string): string => {
    const { result } = member.send('sit', { word });
    return result.kind === 'answered' ? result.json : result.code;
  };
  t.equal(sit('a'), '1');
  const { seq, incarnation, state } = resident;
  const former = { seq, incarnation, state: structuredClone(state) };
  t.equal(sit('b'), '2');
  const [a, b] = [{ word: 'a' }, { word: 'b' }];
  t.match(viewOf(resident, ada), { seats: [a, b], first: a, mine: [a, b] });
  applyRewind(resident, former, ada, env);
  t.equal(sit('b'), '2', 'what was taken back is not remembered');
  checkResident(resident);
  t.end();
});
