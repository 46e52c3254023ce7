// Quotas at a desk: what accounts count is what there is, whoever fails in between, and nothing begins or grows past what is left.
import t from 'tap';
import type { Principal } from '../../engine/base/ids.ts';
import { claimKeptMs, quotaAgainMs } from '../../engine/base/limits-life.ts';
import { app } from '../../engine/document/define.ts';
import { keyOfPrincipal } from '../../engine/document/life/agenda.ts';
import { standingOf } from '../../engine/document/quota/claim.ts';
import { toProxy } from '../../proxy/link-wire.ts';
import { MemoryStore } from '../contract/memory-store.ts';
import { Prng } from '../prng.ts';
import { quotas, spaces } from './desk-app.ts';
import { DeskStage, type ViewerStage } from './desk-stage.ts';
import { accountOf, begin, fill, lastOf } from './quota-stage.ts';

const [ada, bob, eve] = ['ada', 'bob', 'eve'].map((agent): Principal => ({ agent, authority: 'test' })) as [
  Principal,
  Principal,
  Principal,
];

t.test('[D53] one document more than a principal may have is not begun, until one of his is gone', async (t) => {
  const stage = await DeskStage.of(new MemoryStore());
  const first = await begin(stage, 'metered/a1');
  t.equal(lastOf(first), 'fine');
  t.equal(lastOf(await begin(stage, 'metered/a2')), 'fine');
  const refused = await begin(stage, 'metered/a3');
  t.equal(lastOf(refused), 'QUOTA_EXCEEDED');
  t.same(stage.writtenOf('metered/a3'), []);
  t.equal(lastOf(await begin(stage, 'metered/a1', bob)), 'fine', 'what is there is opened');
  t.match(accountOf(stage, 'metered', ada), { documents: 2, claims: [] });
  t.match(accountOf(stage, 'metered', bob), { documents: 0 });
  await stage.during(stage.desk.act('metered/a1', { kind: 'delete', who: ada, isAsked: true }));
  await stage.settle();
  t.match(accountOf(stage, 'metered', ada), { documents: 1, bytes: 1_024, claims: [] });
  t.equal(lastOf(await begin(stage, 'metered/a3')), 'fine');
  t.match(accountOf(stage, 'metered'), { documents: 2, bytes: 2_048, claims: [] });
  t.same(stage.fatal, []);
});

t.test('[D53] the documents of a space are counted together', async (t) => {
  const stage = await DeskStage.of(new MemoryStore());
  for (const who of [ada, bob, eve]) {
    for (const n of [1, 2]) {
      const isLast = who === eve && n === 2;
      t.equal(lastOf(await begin(stage, `metered/${who.agent}${n}`, who)), isLast ? 'QUOTA_EXCEEDED' : 'fine');
    }
  }
  t.match(accountOf(stage, 'metered'), { documents: 5, claims: [] });
  t.match(
    accountOf(stage, 'metered', eve),
    { documents: 1, claims: [] },
    'what the space refused is counted for nobody',
  );
});

t.test('[D53] a space and a principal begin so many documents in a minute, and more as time goes by', async (t) => {
  const stage = await DeskStage.of(new MemoryStore());
  for (const n of [1, 2, 3]) t.equal(lastOf(await begin(stage, `rated/${n}`)), 'fine');
  t.equal(lastOf(await begin(stage, 'rated/4')), 'QUOTA_EXCEEDED');
  t.equal(lastOf(await begin(stage, 'rated/4', bob)), 'fine');
  t.equal(lastOf(await begin(stage, 'rated/5', bob)), 'QUOTA_EXCEEDED', 'the space');
  await stage.advance(20_000);
  t.equal(lastOf(await begin(stage, 'rated/5')), 'fine');
  t.equal(lastOf(await begin(stage, 'rated/6')), 'QUOTA_EXCEEDED');
});

t.test('[D54] a document that grows is counted for more, and for less when it has become shorter', async (t) => {
  const stage = await DeskStage.of(new MemoryStore());
  const [one, two] = [await begin(stage, 'metered/a1'), await begin(stage, 'metered/a2')];
  t.equal(await fill(stage, one, 8), 'fine');
  const { bytes } = accountOf(stage, 'metered', ada);
  t.ok(bytes > 9_024 && bytes < 12_000, `${bytes}`);
  t.equal(await fill(stage, one, 12), 'fine');
  t.equal(await fill(stage, two, 6), 'fine', 'it is longer before it is known that it may not be');
  t.equal(await fill(stage, two, 7), 'QUOTA_EXCEEDED');
  t.equal(await fill(stage, two, 1), 'fine', 'shorter it may become');
  t.equal(await fill(stage, one, 2), 'fine');
  await stage.advance(quotaAgainMs);
  t.equal(await fill(stage, two, 7), 'QUOTA_EXCEEDED', 'it asks when it has used up what it has');
  const left = accountOf(stage, 'metered', ada);
  t.ok(left.bytes < 12_000, `${left.bytes}`);
  t.equal(await fill(stage, two, 1), 'fine');
  await stage.settle();
  t.equal(await fill(stage, two, 7), 'fine');
  t.equal(accountOf(stage, 'metered').bytes, bytesOf(stage));
  t.same(accountOf(stage, 'metered').claims, []);
});

/** What all documents of the space say that they count for. */
function bytesOf(stage: DeskStage): number {
  return standings(stage).reduce((sum, one) => sum + one.bytes, 0);
}

function standings(stage: DeskStage): { readonly bytes: number; readonly who: string }[] {
  const names = stage.names.filter((name) => name.startsWith('metered/'));
  return names.flatMap((name) => standingOf(stage.committed(name).state) ?? []);
}

t.test('[D53] [D54] after any failures what accounts count is what there is, and on the way never less', async (t) => {
  for (let seed = 1; seed <= 60; seed += 1) {
    const prng = new Prng(seed);
    const stage = await DeskStage.of(new MemoryStore());
    const viewers: ViewerStage[] = [];
    for (let step = 0; step < 40; step += 1) {
      const name = `metered/${prng.below(4)}`;
      const who = prng.pick([ada, bob]);
      const act = prng.below(10);
      if (act < 4) viewers.push(stage.open(name, 'new', who));
      else if (act < 6)
        stage.send(prng.pick(viewers.length > 0 ? viewers : [stage.open(name)]), { thousands: prng.below(9) }, 'fill');
      else if (act < 7) stage.desk.act(name, { kind: 'delete', who, isAsked: true }).catch(() => undefined);
      else if (act < 9) for (let turns = prng.below(6); turns > 0; turns -= 1) await stage.turn();
      else await restart(stage, viewers);
      if (prng.below(6) === 0) await stage.advance(prng.below(claimKeptMs));
      const { documents, bytes } = accountOf(stage, 'metered');
      const there = standings(stage);
      if (documents < there.length || bytes < bytesOf(stage)) t.fail(`seed ${seed}: ${documents} of ${there.length}`);
    }
    await restart(stage, viewers);
    for (let looks = 0; looks < 4; looks += 1) await stage.advance(claimKeptMs);
    const expected = { documents: standings(stage).length, bytes: bytesOf(stage), claims: [] };
    if (!t.same(accountOf(stage, 'metered'), expected, `seed ${seed}`)) return;
    for (const who of [ada, bob]) {
      const own = standings(stage).filter((one) => one.who === keyOfPrincipal(who));
      t.match(accountOf(stage, 'metered', who), { documents: own.length, claims: [] }, `seed ${seed}`);
    }
    t.same(stage.fatal, []);
  }
});

/** A head dies, with what is not committed; clients are gone. */
async function restart(stage: DeskStage, viewers: ViewerStage[]): Promise<void> {
  viewers.length = 0;
  stage.desk.stop();
  await stage.start();
}

const inThreads = DeskStage.pool === undefined ? false : 'its code is made here';

t.test(
  '[D53] documents that were there before their quota are counted when they are used',
  { skip: inThreads },
  async (t) => {
    const { quota: _, ...plan } = quotas.metered.plan;
    const free = Object.assign(Object.create(Object.getPrototypeOf(quotas.metered)), quotas.metered, { plan });
    const stage = await DeskStage.of(new MemoryStore());
    await stage.deploy({ app: app({ spaces: { ...spaces, metered: free } }) } as never);
    await begin(stage, 'metered/a1');
    t.same(stage.names, ['metered/a1'], 'no account is asked');
    await stage.deploy({ app: app({ spaces }) } as never);
    await stage.settle();
    t.match(accountOf(stage, 'metered'), { documents: 1, claims: [] });
    await stage.during(stage.desk.act('metered/a1', { kind: 'delete', who: ada }));
    await stage.settle();
    t.match(accountOf(stage, 'metered'), { documents: 0, bytes: 0, claims: [] });
  },
);

t.test(
  '[D53] an account is nobody’s document, and one that does not answer is waited for and not for ever',
  async (t) => {
    const stage = await DeskStage.of(new MemoryStore());
    await begin(stage, 'metered/a1');
    t.equal(lastOf(await begin(stage, 'levelten-quota/metered')), 'SPACE_UNKNOWN');
    stage.deliver = () => new Promise(() => undefined);
    const waiting = stage.open('metered/a2', 'new', ada);
    stage.send(waiting, { thousands: 1 }, 'fill');
    await stage.settle();
    t.same(waiting.heard, []);
    await stage.advance(5_000);
    stage.listen(waiting);
    t.match(waiting.heard, [[toProxy.refused, waiting.attached.view, 0, 0, 'CHAIN_BUSY']]);
    t.same(stage.fatal, []);
  },
);

t.test('[D53] [E9] on a full disk documents with a quota are deleted, and none begins', async (t) => {
  const stage = await DeskStage.of(new MemoryStore());
  await begin(stage, 'metered/a1');
  stage.full = 'the disk of h1 is full';
  t.equal(lastOf(await begin(stage, 'metered/a2')), 'ENGINE_FULL');
  await stage.during(stage.desk.act('metered/a1', { kind: 'delete', who: ada }));
  await stage.settle();
  t.match(accountOf(stage, 'metered'), { documents: 0, bytes: 0, claims: [] });
});

t.test('[D53] deletes and growth of one document at once are counted once', async (t) => {
  const stage = await DeskStage.of(new MemoryStore());
  const viewer = await begin(stage, 'metered/a1');
  stage.send(viewer, { thousands: 8 }, 'fill');
  const acts = [1, 2, 3].map(() => stage.desk.act('metered/a1', { kind: 'delete', who: ada }));
  const ends = await stage.during(Promise.allSettled(acts));
  await stage.settle();
  t.same(ends.map(({ status }) => status).sort(), ['fulfilled', 'rejected', 'rejected']);
  t.match(accountOf(stage, 'metered'), { documents: 0, bytes: 0, claims: [] });
  t.match(accountOf(stage, 'metered', ada), { documents: 0, bytes: 0, claims: [] });
});

t.test('[D53] an account hears no head that was followed by another one', async (t) => {
  const stage = await DeskStage.of(new MemoryStore());
  const claim = { document: 'metered/x', key: 'k1', id: 'i', n: 1, standing: 0, standingKey: '', isEnd: false };
  const size = { documents: 1, bytes: 1_024, limits: null, cluster: 'k', chain: 7 };
  const tell = async (more: object): Promise<unknown> => {
    const message = JSON.stringify({ ...claim, ...size, ...more });
    const letter = { from: 'metered/x', incarnation: '', n: 0, channel: 'claim', message };
    return JSON.parse((await stage.during(stage.desk.life.receive('levelten-quota/metered', letter))).json);
  };
  t.same(await tell({ epoch: 3 }), { ok: true });
  t.match(await tell({ epoch: 2, key: 'k2', id: 'j' }), { ok: false, isBusy: true });
  t.same(await tell({ epoch: 4, key: 'k3' }), { ok: true });
  t.match(
    accountOf(stage, 'metered'),
    { documents: 1, bytes: 1_024, claims: ['k3'] },
    'the one before came to nothing',
  );
  await stage.advance(claimKeptMs);
  t.match(accountOf(stage, 'metered'), { documents: 0, bytes: 0, claims: [] }, 'there is no such document');
});

t.test('[D49] [D53] a document that another one’s message begins is counted for that one', async (t) => {
  const stage = await DeskStage.of(new MemoryStore());
  for (const n of [1, 2, 3]) {
    const letter = { from: 'alive/one', incarnation: 'a'.repeat(32), n, channel: 'write', message: '{"text":"hi"}' };
    const reply = await stage.during(stage.desk.life.receive(`metered/${n}`, letter));
    t.equal(reply.code, n === 3 ? 'QUOTA_EXCEEDED' : '');
  }
  const sender = { agent: 'alive/one', authority: '@document' };
  await stage.settle();
  t.match(accountOf(stage, 'metered', sender), { documents: 2, claims: [] });
});
