// A backup of a real cluster under load, and what comes of it in a cluster of another size: processes, disks, clients.
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { WebSocket } from 'ws';
import { startAnywhere, startCluster } from '../../bench/cluster.ts';
import { onStage } from '../../bench/processes.ts';
import type { OpenDocument } from '../../proxy/client/node.ts';
import { connect } from '../../proxy/client/node.ts';
import { runCommand, untilView } from './kit.ts';

const appFile = fileURLToPath(new URL('../../bench/faults/app.js', import.meta.url));
const names = Array.from({ length: 4 }, (_, number) => `ledger/l${number}`);

type Ledger = { count: number; entries?: Readonly<Record<string, { readonly value: string }>> };
type Load = {
  readonly ledgers: readonly OpenDocument<Ledger>[];
  readonly answered: readonly number[];
  readonly stop: () => Promise<void>;
};
type Frame = { readonly t: string; readonly session?: string; readonly n?: number; readonly seq?: number };

/** A client that says each word itself: opens with `session`, sends one message as number 1, and returns the view and the answer. */
async function sendOnce(proxy: string, session: string, message: object): Promise<{ view: Frame; answer: Frame }> {
  const socket = new WebSocket(proxy, 'levelten.v1.json', { origin: proxy.replace('ws:', 'http:') });
  const frames: Frame[] = [];
  let look = (): void => {};
  socket.on('message', (data) => {
    for (const line of String(data).split('\n')) if (line !== '') frames.push(JSON.parse(line) as Frame);
    look();
  });
  const next = (kind: string): Promise<Frame> =>
    new Promise((done) => {
      look = () => {
        const found = frames.find((frame) => frame.t === kind);
        if (found !== undefined) done(found);
      };
      look();
    });
  await once(socket, 'open');
  const say = (frame: object): void => socket.send(JSON.stringify(frame));
  say({ t: 'hello', as: 'alice' });
  say({ t: 'open', doc: 'ledger/once', session });
  const view = await next('view');
  say({ t: 'send', doc: 'ledger/once', n: 1, done: 0, channel: 'add', message });
  const answer = await next('answer');
  socket.close();
  return { view, answer };
}

/** Each document has what was answered before the backup, and everything in its place. */
async function checkDocuments(t: Test, proxy: string, before: readonly number[]): Promise<void> {
  const reader = connect(proxy, { as: 'carol' });
  for (const [number, name] of names.entries()) {
    const { count, entries } = await untilView(reader.open<Ledger>(name, { readOnly: true }), () => true);
    t.ok(count >= (before[number] ?? 0), `${name} holds ${count}, and ${before[number]} were answered before`);
    const places = Object.keys(entries ?? {}).sort();
    const values = places.map((place) => entries?.[place]?.value);
    const expected = Array.from({ length: count }, (_, value) => `v${value}`);
    t.same(values, expected, 'each in its place');
  }
  reader.close();
}

async function countOf(proxy: string, name: string): Promise<number> {
  const reader = connect(proxy, { as: 'carol' });
  const { count } = await untilView(reader.open<Ledger>(name, { readOnly: true }), () => true);
  reader.close();
  return count;
}

/** Writes to every ledger until it is over; `answered` counts what was. */
function writeOn(proxy: string): Load {
  const client = connect(proxy, { as: 'bob' });
  const ledgers = names.map((name) => client.open<Ledger>(name));
  const answered = names.map(() => 0);
  let isOver = false;
  const load = ledgers.map(async (ledger, number) => {
    while (!isOver) {
      const { value } = await ledger.send('add', { client: 'bob', value: `v${answered[number]}` });
      answered[number] = Number(value);
    }
  });
  const stop = async (): Promise<void> => {
    isOver = true;
    await Promise.all(load);
    client.close();
  };
  return { ledgers, answered, stop };
}

t.test('[B1] [B5] [B6] a backup under load, restored with other hosts and chains, is the same by hash', async (t) => {
  await onStage(async (stage) => {
    const cluster = await startCluster(stage, appFile, ['--history', '20']);
    const at = ['--dir', cluster.dir];
    const message = { client: 'alice', value: 'only once' };
    const first = await sendOnce(cluster.ready.proxy, 'new', message);
    const { ledgers, answered, stop } = writeOn(cluster.ready.proxy);
    // More than a block of history holds.
    await Promise.all(ledgers.map((ledger) => untilView(ledger, ({ count }) => count >= 80)));
    const before = [...answered];
    const backup = join(stage.folder(), 'backup');
    const taken = await runCommand('backup', backup, '--json', ...at);
    t.equal(taken.code, 0, taken.err);
    const after = [...answered];
    await stop();
    t.ok(
      after.some((count, number) => count > (before[number] ?? 0)),
      `it was written to: ${before} to ${after}`,
    );
    const said = JSON.parse(taken.out);
    t.match(said, { state: 'complete', documents: 5, cluster: /^[0-9a-f]{16}$/, hash: /^[0-9a-f]{32}$/ });
    const dir = stage.folder();
    const [complete, used] = await Promise.all([
      runCommand('backup', backup, ...at),
      runCommand('restore', backup, ...at),
      cluster.end(),
    ]);
    t.match(complete.err, /HOST_OPTIONS: .* is a backup that is complete/);
    t.match(used.err, /HOST_OPTIONS: .* is not empty/);
    const [checked, alone, restored] = await Promise.all([
      runCommand('backup', backup, '--check', '--json'),
      runCommand('restore', backup, '--json', '--hosts', '1', '--chains', '1', '--dir', stage.folder()),
      runCommand('restore', backup, '--json', '--hosts', '5', '--chains', '16', '--dir', dir),
    ]);
    const { hash, history, updates } = said;
    t.match(JSON.parse(checked.out), { problems: [], hash });
    t.match(JSON.parse(alone.out), { hosts: 1, chains: 1, hash, history, updates }, alone.err);
    t.match(JSON.parse(restored.out), { hosts: 5, chains: 16, hash, history, updates }, restored.err);

    const young = await startAnywhere(() => ({ dir, appFile }));
    stage.onRelease(() => young.end());
    const second = await runCommand('backup', join(stage.folder(), 'again'), '--json', '--dir', dir);
    t.match(JSON.parse(second.out), { hash, history, updates, chains: 16 });
    t.ok(updates > names.length * 20, `${updates} updates of history`);
    await checkDocuments(t, young.ready.proxy, before);
    const resent = await sendOnce(young.ready.proxy, first.view.session ?? '', message);
    t.match(resent.answer, { n: 1, seq: first.answer.seq }, 'a message sent again is answered as it was');
    t.equal(await countOf(young.ready.proxy, 'ledger/once'), 1, 'and was not taken again');
  });
});
