// Quotas at a desk where something else happens at the same time: other code, a document that cannot be made, a full disk, a clock that jumps.
import t from 'tap';
import { quotaAgainMs } from '../../engine/base/limits-life.ts';
import { app } from '../../engine/document/define.ts';
import { encodeUpdate, noMessage } from '../../engine/document/life/update.ts';
import { standingOf } from '../../engine/document/quota/claim.ts';
import { encodeBatch } from '../../engine/store/format.ts';
import { deleteDocument } from '../../host/history.ts';
import { MemoryStore } from '../contract/memory-store.ts';
import { quotas, spaces } from './desk-app.ts';
import { ada, chain, DeskStage } from './desk-stage.ts';
import { accountOf, begin, fill, lastOf } from './quota-stage.ts';

const inThreads = DeskStage.pool === undefined ? false : 'its code is made here';

t.test('[D53] what begins where an unreadable document was deleted is counted', async (t) => {
  const stage = await DeskStage.of(new MemoryStore());
  await begin(stage, 's/well');
  const place = { chain, epoch: 1 as never, after: stage.store.durable(chain) };
  const sent = encodeUpdate({ ...noMessage, kind: 'send', seq: 7, atMs: 1, who: ada, session: 3, n: 1 });
  const record = encodeBatch(place, [{ name: 'metered/a1', seqFirst: 7, updates: [Uint8Array.from(sent)] }]);
  stage.store.append(chain, [record], undefined);
  stage.store.flush();
  await stage.settle();
  await stage.during(deleteDocument(stage.desk, 'metered/a1'));
  t.equal(lastOf(await begin(stage, 'metered/a1')), 'fine');
  await stage.settle();
  t.match(accountOf(stage, 'metered'), { documents: 1, bytes: 1_024, claims: [] });
  t.match(accountOf(stage, 'metered', ada), { documents: 1, bytes: 1_024, claims: [] });
});

t.test('[D54] a full document asks again, though what it may not take is more than all it has left', async (t) => {
  const stage = await DeskStage.of(new MemoryStore());
  const [one, two] = [await begin(stage, 'metered/a1'), await begin(stage, 'metered/a2')];
  t.equal(await fill(stage, one, 14), 'fine');
  t.equal(await fill(stage, two, 6), 'fine');
  t.equal(await fill(stage, two, 7), 'QUOTA_EXCEEDED');
  t.equal(await fill(stage, two, 0), 'fine');
  await stage.advance(quotaAgainMs);
  for (const _ of [1, 2]) t.equal(await fill(stage, two, 5), 'QUOTA_EXCEEDED', 'there is no room yet');
  await stage.during(stage.desk.act('metered/a1', { kind: 'delete', who: ada }));
  await stage.advance(quotaAgainMs);
  await fill(stage, two, 5);
  t.equal(await fill(stage, two, 5), 'fine', 'there is room since');
  await stage.settle();
  const { bytes } = accountOf(stage, 'metered', ada);
  t.ok(bytes > 5_000, `${bytes}`);
});

t.test('[D54] a document that is full is so no more when its quota is taken away', { skip: inThreads }, async (t) => {
  const stage = await DeskStage.of(new MemoryStore());
  const [one, two] = [await begin(stage, 'metered/a1'), await begin(stage, 'metered/a2')];
  t.equal(await fill(stage, one, 12), 'fine');
  t.equal(await fill(stage, two, 6), 'fine');
  t.equal(await fill(stage, two, 7), 'QUOTA_EXCEEDED');
  const { quota: _, ...plan } = quotas.metered.plan;
  const free = Object.assign(Object.create(Object.getPrototypeOf(quotas.metered)), quotas.metered, { plan });
  await stage.deploy({ app: app({ spaces: { ...spaces, metered: free } }) } as never);
  await stage.settle();
  stage.listen(two);
  t.equal(await fill(stage, two, 7), 'fine');
});

t.test('[D53] what a document says to an account waits for the end of what is being claimed for it', async (t) => {
  const stage = await DeskStage.of(new MemoryStore());
  const { deliver } = stage;
  const question = { from: 'levelten-quota/metered', incarnation: 'a'.repeat(32), n: 1, channel: '@quota' };
  const ask = (from = question.from) => stage.desk.life.receive('metered/a1', { ...question, from, message: 'null' });
  let isHeld = true;
  stage.deliver = async (to, letter) => {
    const reply = await deliver(to, letter);
    // The account has counted it by now; its clock may say that it did long ago.
    if (letter.channel === 'claim' && isHeld) {
      isHeld = false;
      await t.rejects(ask(), { code: 'CHAIN_BUSY' }, 'nobody can say yet that it did not begin');
    }
    return reply;
  };
  t.equal(lastOf(await begin(stage, 'metered/a1')), 'fine');
  t.match(JSON.parse((await stage.during(ask())).json), { id: /^[0-9a-f]{32}$/, n: 1 });
  t.match(await stage.during(ask('alive/one')), { code: 'CHANNEL_UNKNOWN', json: '' }, 'only accounts are told');
});

t.test('[D53] [E9] an account on a full disk takes what makes room, and counts nothing more', async (t) => {
  const stage = await DeskStage.of(new MemoryStore());
  await begin(stage, 'metered/a1');
  stage.full = 'the disk of h1 is full';
  const about = { document: 'metered/x', key: 'k', id: 'i', n: 1, standing: 0, standingKey: '', isEnd: false };
  const message = { ...about, documents: 1, bytes: 1_024, limits: null, cluster: 'k', chain: 0, epoch: 1 };
  const letter = { from: 'metered/x', incarnation: '', n: 0, channel: 'claim', message: JSON.stringify(message) };
  await t.rejects(stage.during(stage.desk.life.receive('levelten-quota/metered', letter)), { code: 'CHAIN_BUSY' });
  await stage.during(stage.desk.act('metered/a1', { kind: 'delete', who: ada }));
  await stage.settle();
  t.match(accountOf(stage, 'metered'), { documents: 0, bytes: 0, claims: [] });
});

t.test('[D53] a client hears nothing of what befell the way to an account', async (t) => {
  const stage = await DeskStage.of(new MemoryStore());
  stage.deliver = () => Promise.reject(new Error('h2:4711 is gone'));
  const viewer = await begin(stage, 'metered/a1');
  t.match(viewer.heard, [[4, viewer.attached.view, 0, 0, 'CHAIN_BUSY', 'an account of the quota does not answer']]);
});

t.test('[D53] a delete whose accounts take too long is refused, and not tried for ever', async (t) => {
  const stage = await DeskStage.of(new MemoryStore());
  await begin(stage, 'metered/a1');
  const { deliver } = stage;
  let claims = 0;
  stage.deliver = async (to, letter) => {
    const reply = await deliver(to, letter);
    if (letter.channel !== 'claim') return reply;
    claims += 1;
    if (claims < 20) stage.clock.nowMs += 6_000;
    return reply;
  };
  await t.rejects(stage.during(stage.desk.act('metered/a1', { kind: 'delete', who: ada })), { code: 'CHAIN_BUSY' });
  t.equal(claims, 2, 'one for each account');
  await stage.settle();
  t.match(accountOf(stage, 'metered'), { documents: 1, claims: [] });
});

t.test('[D53] [C18] accounts hear of nothing that is not committed', async (t) => {
  const stage = await DeskStage.of(new MemoryStore());
  const { deliver } = stage;
  let [grown, settled] = [0, 0];
  stage.deliver = (to, letter) => {
    const { documents, bytes, key, isDone } = JSON.parse(letter.message);
    const { length, state } = stage.committed('metered/a1');
    if (letter.channel === 'claim' && documents === 0 && bytes > 0) {
      t.ok(length > 8_000, `it claims for what is ${length} long`);
      grown += 1;
    }
    if (letter.channel === 'settle' && isDone) {
      t.equal(standingOf(state)?.key, key, 'it made use of that');
      settled += 1;
    }
    return deliver(to, letter);
  };
  t.equal(await fill(stage, await begin(stage, 'metered/a1'), 8), 'fine');
  await stage.settle();
  t.same([grown, settled], [2, 4]);
});
