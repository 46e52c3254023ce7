// The account of a quota as a document: what it takes, and what it asks.
import t from 'tap';
import { z } from 'zod';
import { assert } from '../../engine/base/assert.ts';
import { documentName, type Principal } from '../../engine/base/ids.ts';
import { claimKeptMs } from '../../engine/base/limits-life.ts';
import { document, t as field, open } from '../../engine/document/define.ts';
import type { Resident } from '../../engine/document/document.ts';
import { applySend, createResident, deliver, openView, passOver, wakeMsOf } from '../../engine/document/document.ts';
import { numberOfDue } from '../../engine/document/hours.ts';
import { account } from '../../engine/document/quota/account.ts';
import { quotaStateOf } from '../../engine/document/quota/claim.ts';
import { applyClaim } from '../../engine/document/quota/resize.ts';
import { openGranted } from '../../host/testing/granted.ts';
import { fakeEnv } from './kit.ts';

const ada: Principal = { agent: 'ada', authority: 'test' };
const about = { document: 'metered/x', id: 'i', n: 1, standing: 0, standingKey: '', isEnd: false };
const size = { documents: 1, bytes: 1_024, cluster: 'k', chain: 7, epoch: 3 };

class Stage {
  readonly resident: Resident = createResident(account, documentName('levelten-quota/metered').name);
  nowMs = 1_700_000_000_000;
  readonly #env = fakeEnv();

  get env() {
    return { nowMs: this.nowMs, randomBytes16: this.#env.randomBytes16 };
  }

  claim(key: string, more: object = {}): { readonly ok: boolean; readonly text?: string } {
    const message = JSON.stringify({ ...about, id: key, ...size, key, limits: null, ...more });
    const letter = { from: 'metered/x', incarnation: '', n: 0, channel: 'claim', message };
    const { reply } = deliver(this.resident, letter, this.env);
    t.equal(reply.code, '', reply.text);
    return JSON.parse(reply.json);
  }
}

t.test('[D53] an account goes on asking though the code that asks did not end once', async (t) => {
  const stage = new Stage();
  stage.claim('k1');
  stage.nowMs += claimKeptMs;
  const due = stage.resident.hours.next(stage.nowMs, false);
  assert(due !== undefined, 'it is to ask');
  passOver(stage.resident, numberOfDue(due), stage.env);
  stage.nowMs += claimKeptMs + 1;
  stage.claim('k2');
  t.ok((wakeMsOf(stage.resident, stage.nowMs) ?? Infinity) <= stage.nowMs + claimKeptMs);
});

t.test('[D53] an account that was restored from a backup hears the heads of its new cluster', async (t) => {
  const stage = new Stage();
  t.match(stage.claim('k1'), { ok: true });
  t.match(stage.claim('k2', { epoch: 2 }), { ok: false });
  t.match(stage.claim('k3', { epoch: 1, cluster: 'other' }), { ok: true });
  t.match(stage.claim('k4', { epoch: 2, cluster: 'other' }), { ok: true });
  t.match(stage.claim('k5', { epoch: 1, cluster: 'other' }), { ok: false });
});

t.test('[D53] what was there before its quota is no document begun', async (t) => {
  const stage = new Stage();
  const limits = { createsPerMinute: 2 };
  for (const key of ['k1', 'k2']) t.match(stage.claim(key, { limits }), { ok: true });
  for (const key of ['k3', 'k4']) t.match(stage.claim(key), { ok: true });
  t.match(stage.claim('k5', { limits }), { ok: false, text: '2 new documents a minute' });
  stage.nowMs += 30_000;
  t.match(stage.claim('k6', { limits }), { ok: true });
});

t.test('[D54] a document claims what it is when it begins', async (t) => {
  const plain = document({ text: field.string('') })
    .privacy({ text: open })
    .create(z.object({ length: z.int() }), ({ doc, arg }) => {
      doc.text = 'x'.repeat(arg.length);
    })
    .quota({ space: { bytes: 10_000 } });
  const resident = createResident(plain, documentName('plain/x').name);
  const { result, updates } = openView(resident, { who: ada, session: '', create: { length: 50_000 } }, fakeEnv());
  t.same(updates, []);
  t.equal(resident.incarnation, '');
  t.same(resident.state, {}, 'nothing of it stays');
  t.equal(result.kind, 'ungranted');
  if (result.kind === 'ungranted') t.ok(result.claim.bytes > 50_000, `${result.claim.bytes}`);
});

t.test('[D54] a full document lets people in, so that they can make it shorter', async (t) => {
  const env = fakeEnv();
  const kept = document({ text: field.string('') })
    .privacy({ text: open })
    .events({ invent: () => true, connected: () => true })
    .channel('fill', z.object({ length: z.int() }), ({ doc, message }) => {
      doc.text = 'x'.repeat(message.length);
    })
    .quota({ space: { bytes: 1_024 } });
  const resident = createResident(kept, documentName('kept/x').name);
  const { result } = openGranted(resident, { who: ada, session: 'new' }, env);
  assert(result.kind === 'opened', 'it begins');
  const send = (n: number, length: number) =>
    applySend(resident, { who: ada, session: result.session, n, done: 0, channel: 'fill', message: { length } }, env);
  t.match(send(1, 2_000).result, { kind: 'answered' });
  const { wants } = quotaStateOf(resident, () => env) ?? {};
  assert(wants !== undefined, 'it is longer than what it has');
  applyClaim(resident, wants, false, env);
  t.match(send(2, 3_000).result, { kind: 'refused', code: 'QUOTA_EXCEEDED' });
  t.match(openView(resident, { who: { agent: 'bob', authority: 'test' }, session: '' }, env).result, {
    kind: 'opened',
  });
});
