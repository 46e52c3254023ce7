// A message whose handler was stopped from outside.
import t from 'tap';
import type { DocumentName } from '../../engine/base/ids.ts';
import { open } from '../../engine/document/define.ts';
import { checkResident, createResident, refuseSend, replaySections } from '../../engine/document/document.ts';
import { ada, base, fakeEnv, Member } from './kit.ts';

const definition = base.privacy({ text: open });
const name = 's/stopped' as DocumentName;
const text = 'it did not end';

t.test('[D30] [C15] a refusal in place of a handler is an update, and its repeat gets the same', async (t) => {
  const env = fakeEnv();
  const resident = createResident(definition, name);
  const member = new Member(resident, ada, env);
  const send = { who: ada, session: member.session, n: 1, done: 0, channel: 'run', message: {} };
  const { update, result, deltas } = refuseSend(resident, send, 'HANDLER_STOPPED', text, env);
  const refused = { kind: 'refused', n: 1, seq: 3, code: 'HANDLER_STOPPED', text };
  t.same([result, deltas], [refused, []]);
  checkResident(resident);
  const bytes = Uint8Array.from(update ?? []);
  t.same(member.sendAs(1, 0, 'run', { steps: [{ do: 'text', value: 'x' }] }).result, refused, 'whatever it says');
  const again = refuseSend(resident, send, 'HANDLER_STOPPED', 'another', env);
  t.same([again.result, again.update], [refused, undefined]);
  t.match(refuseSend(resident, { ...send, n: 3 }, 'HANDLER_STOPPED', text, env).result, { code: 'SESSION_GAP' });
  const replayed = createResident(definition, name);
  replaySections(replayed, [Buffer.concat([...member.updates, bytes])]);
  checkResident(replayed);
  t.equal(replayed.seq, 3);
  t.same(refuseSend(replayed, send, 'HANDLER_STOPPED', text, env).result, refused);
});
