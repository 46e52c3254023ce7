// Quotas on real hosts that are killed while documents begin and end: accounts lie on other chains than what they count.
import { createTestCluster, untilView } from 'levelten/testing';
import t from 'tap';
import { runCommand } from './kit.ts';

const appFile = new URL('./life-app.js', import.meta.url);
const people = ['ada', 'bob', 'carol', 'dan'];

t.test('[D53] as many documents begin as may, and are counted, whichever hosts die', async (t) => {
  const cluster = await createTestCluster({ app: appFile, chains: 4, ports: [24_600, 24_699] });
  t.teardown(() => cluster.close());
  const began = new Map<string, string[]>();
  const refusals: string[] = [];
  const open = async (who: string, key: string): Promise<void> => {
    const client = cluster.connect(who);
    const document = client.open(`note/${key}`);
    const code = await untilView(document, () => true, openMsMax).then(
      () => '',
      (error: { readonly code?: string }) => error.code ?? String(error),
    );
    client.close();
    if (code === '') began.set(who, [...(began.get(who) ?? []), key]);
    else refusals.push(code);
  };
  for (const [round, victim] of ['h1', 'h2', 'h3'].entries()) {
    const opens = people.flatMap((who) => [1, 2, 3, 4].map((n) => open(who, `${who}-${round}-${n}`)));
    await cluster.crash(victim);
    await Promise.all(opens);
    await cluster.restart(victim);
    await cluster.ready();
  }
  const count = [...began.values()].reduce((sum, keys) => sum + keys.length, 0);
  // What a head claimed that died is counted until its account has asked.
  t.ok(count > 16 && count <= 30, `${count} began`);
  for (const who of people) t.ok((began.get(who)?.length ?? 0) <= 8, `${who}: ${began.get(who)?.length}`);
  t.same([...new Set(refusals)], ['QUOTA_EXCEEDED']);
  const at = ['--dir', cluster.dir, '--json'];
  const quota = async (...words: readonly string[]): Promise<Record<string, unknown>> =>
    JSON.parse((await runCommand('quota', 'note', ...words, ...at)).out) as Record<string, unknown>;
  const [first = ''] = began.get('ada') ?? [];
  const document = cluster.connect('ada').open(`note/${first}`);
  await document.delete();
  const settled = async (expected: number, ...words: readonly string[]): Promise<void> => {
    for (let looks = 0; looks < looksMax; looks += 1) {
      const { documents, claims } = await quota(...words);
      if (documents !== expected || claims !== 0) continue;
      t.pass(`${words.join(' ')} ${expected}`);
      return;
    }
    t.same(await quota(...words), { documents: expected, claims: 0 });
  };
  await settled(count - 1);
  for (const who of people) await settled((began.get(who)?.length ?? 0) - Number(who === 'ada'), '--as', who);
  t.match(
    (await runCommand('quota', 'note', '--as', 'ada', '--dir', cluster.dir)).out,
    /^ada in note: \d documents, \d+ bytes/,
  );
});

/** Each is a process: an account asks about a claim of which nothing was heard after half a minute. */
const looksMax = 200;
const openMsMax = 60_000;
