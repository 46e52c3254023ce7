// Documents that do things by themselves, on real hosts that are killed meanwhile.
import type { View } from 'levelten';
import { createTestCluster, untilView } from 'levelten/testing';
import t from 'tap';
import type { account } from './life-app.ts';

type Account = View<typeof account>;

const appFile = new URL('./life-app.js', import.meta.url);
const names = ['a', 'b', 'c', 'd', 'e', 'f'].map((key) => `account/${key}`);
const untilMs = 60_000;

t.test('[D45] [D48] [D49] what documents ask for is done once, whichever hosts die', async (t) => {
  const cluster = await createTestCluster({ app: appFile, chains: 4, ports: [24_400, 24_499] });
  t.teardown(() => cluster.close());
  const accounts = names.map((name) => cluster.connect('ada').open<Account>(name));
  let payments = 0;
  for (const [number, victim] of ['h1', 'h2', 'h3'].entries()) {
    for (const [from, one] of accounts.entries()) {
      for (const step of [1, 2]) {
        const to = names[(from + step) % names.length] as string;
        await one.send('pay', { to, amount: from + step });
        payments += 1;
      }
      await one.send('ring', { label: `${number}`, inMs: 300 });
    }
    await cluster.crash(victim);
    for (const one of accounts) await one.send('ring', { label: `${number} late`, inMs: 0 });
    await cluster.restart(victim);
    await cluster.ready();
  }
  const labels = ['0', '0 late', '1', '1 late', '2', '2 late'];
  const isDone = (view: Account): boolean =>
    view.rings.length >= labels.length && view.receipts >= view.paid && view.notes >= labels.length;
  const seen: Account[] = [];
  for (const one of accounts) seen.push(await untilView(one, isDone, untilMs));
  // All is answered, so all that was sent has arrived.
  const sum = (field: 'balance' | 'paid' | 'received'): number => seen.reduce((all, view) => all + view[field], 0);
  t.same([sum('balance'), sum('paid'), sum('received')], [600, payments, payments]);
  for (const view of seen) {
    t.same([...view.rings].sort(), labels);
    t.equal(view.notes, labels.length);
    t.same(view.here, ['ada']);
  }
});

t.test('[D12] [D45] [D47] a cluster that was down rings late, and misses who does not come back', async (t) => {
  const cluster = await createTestCluster({ app: appFile, chains: 2, ports: [24_500, 24_599] });
  t.teardown(() => cluster.close());
  const [ada, bob] = ['ada', 'bob'].map((name) => cluster.connect(name));
  if (ada === undefined || bob === undefined) throw new Error('there are two');
  await ada.open<Account>('account/a').send('ring', { label: 'x', inMs: 2_000 });
  await bob.open<Account>('account/a').send('ring', { label: 'y', inMs: 0 });
  ada.close();
  for (const host of ['h1', 'h2', 'h3']) await cluster.crash(host);
  for (const host of ['h1', 'h2', 'h3']) await cluster.restart(host);
  await cluster.ready();
  const late = cluster.connect('carol').open<Account>('account/a');
  const view = await untilView(late, ({ rings, here }) => rings.length === 2 && here.length === 2, untilMs);
  t.same([...view.rings].sort(), ['x', 'y']);
  t.same([...view.here].sort(), ['bob', 'carol']);

  const rich = bob.open<Account>('account/rich', { create: { balance: 1_000 } });
  t.equal((await untilView(rich, () => true)).balance, 1_000);
  await t.rejects(rich.delete(), { code: 'DELETE_REFUSED' });
  t.ok(await rich.send('ring', { label: 'z', inMs: 0 }), 'numbers go on');
  const hers = cluster.connect('carol').open<Account>('account/rich', { create: { balance: 5 } });
  t.equal((await untilView(hers, () => true)).balance, 1_000);
  await hers.delete();
  t.match(hers.error, { code: 'DOCUMENT_DELETED' });
});
