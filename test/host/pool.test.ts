// The bounds of a pool of threads, and what its threads begin with.
import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Test } from 'tap';
import t from 'tap';
import { documentName } from '../../engine/base/ids.ts';
import {
  commandsQueuedMax,
  documentQueueMax,
  taskCommandsMax,
  taskResultsLengthMax,
  threadStartsMax,
} from '../../engine/base/limits.ts';
import { hashApplication } from '../../host/application.ts';
import { deleteDocument } from '../../host/history.ts';
import type { Command, Lost, Ran } from '../../host/running.ts';
import type { DocumentPool } from '../../host/workers/document-pool.ts';
import { MemoryStore } from '../contract/memory-store.ts';
import { ada, DeskStage, type ViewerStage } from './desk-stage.ts';
import { appFile, makePool, poolOf, nothingStored as stored } from './pool.ts';

for (const what of ['objects', 'text', 'closures']) {
  t.test(`[D30] a handler that fills the memory of its thread (${what}) ends that, and no host`, async (t) => {
    const pool = await poolOf(t, 1, 64);
    const stage = await DeskStage.of(new MemoryStore(), undefined, pool);
    const [one, other] = [await stage.come('bad/one'), await stage.come('bad/other')];
    stage.send(one, { what }, 'hoard');
    for (const viewer of [one, other]) stage.send(viewer, { text: 'a' }, 'say');
    await stage.settle();
    stage.listen(one, other);
    for (const { view } of [one, other]) t.same(view, { said: ['a'], guarded: '' });
    t.match(
      one.heard.find((message) => message[0] === 4),
      [4, one.attached.view, 1, 3, 'HANDLER_STOPPED'],
    );
    t.same(pool.ended, ['bad/one']);
    t.same(stage.fatal, []);
  });
}

const name = documentName('bad/one').name;

/** Of a document that is begun, and asked to load. */
function load(pool: DocumentPool): Promise<Ran | Lost> {
  return new Promise((resolve) => pool.begin(name, resolve).ask({ kind: 'load', returnByMs: 0, stored }, resolve));
}

/** What the host of a pool ended for. */
async function fatalOf(t: Test, file: string, appHash: string): Promise<unknown> {
  return await new Promise((resolve) => {
    const pool = makePool({ file, appHash, fatal: resolve });
    t.teardown(() => pool.close());
    void load(pool);
  });
}

async function copyOfApp(t: Test, text?: string): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'levelten-pool-'));
  t.teardown(() => rm(dir, { recursive: true }));
  const file = join(dir, 'app.mjs');
  await writeFile(file, text ?? `export { default } from ${JSON.stringify(pathToFileURL(appFile).href)};`);
  return file;
}

t.test('[D29] [H2] a thread runs the application that its host began with, or the host ends', async (t) => {
  const file = await copyOfApp(t);
  const appHash = await hashApplication(file);
  const pool = makePool({ file, appHash, fatal: (cause) => t.fail(String(cause)) });
  t.teardown(() => pool.close());
  t.match(await load(pool), { outcome: { kind: 'done' } });
  await appendFile(file, '// changed');
  t.match(await load(pool), { outcome: { kind: 'done' } }, 'who has begun goes on');
  t.match(await fatalOf(t, file, appHash), { code: 'APP_INVALID', message: /is not what it was/ });
  const gone = join(file, '..', 'gone.mjs');
  t.match(await fatalOf(t, gone, appHash), { code: 'APP_INVALID', message: /cannot be read/ });
  const throwing = await copyOfApp(t, 'throw new Error("not today")');
  const cause = await fatalOf(t, throwing, await hashApplication(throwing));
  t.match(cause, { code: 'APP_INVALID', message: /not today/ });
});

t.test('[D30] threads that end before they have done anything end their host, and not the first of them', async (t) => {
  const file = await copyOfApp(t, 'process.exit(3)');
  const ended: unknown[] = [];
  const appHash = await hashApplication(file);
  const fatal = await new Promise((resolve) => {
    const pool = makePool({ file, appHash, fatal: resolve, onEnded: (...what) => ended.push(what) });
    t.teardown(() => pool.close());
    const again = (result: Ran | Lost): void => {
      if ('pending' in result) void load(pool).then(again);
    };
    void load(pool).then(again);
  });
  t.match(fatal, { code: 'APP_INVALID', message: /end by themselves/ });
  t.same(
    ended,
    Array.from({ length: threadStartsMax }, () => [1, undefined]),
    'nobody is blamed',
  );
});

t.test('[D29] what is too much for one task comes with the next, in order and once', async (t) => {
  const pool = await poolOf(t);
  const document = pool.begin(name, () => t.fail('it is there'));
  const ask = (command: Command): Promise<Ran> => new Promise((resolve) => document.ask(command, resolve));
  await ask({ kind: 'load', returnByMs: 0, stored });
  const { outcome } = await ask({ kind: 'open', who: ada, session: 'new' });
  const session = outcome.kind === 'opened' ? outcome.session : '';
  const text = 'x'.repeat(100_000);
  const waiting: number[] = [];
  const asked = Array.from({ length: 100 }, async (_, at) => {
    const request = { who: ada, session, n: at + 1, done: at, channel: 'echo', message: { text: `${at} ${text}` } };
    const ran = await new Promise<Ran>((resolve) => {
      document.ask({ kind: 'send', request }, (result) => {
        waiting.push(pool.waiting);
        resolve(result);
      });
    });
    return ran.outcome.kind === 'answered' && JSON.parse(ran.outcome.json) === request.message.text ? ran.seq : ran;
  });
  t.same(
    await Promise.all(asked),
    asked.map((_, at) => at + 3),
  );
  const first = 100 - (waiting[0] ?? 0);
  t.ok(first >= taskResultsLengthMax / 250_000 && first < 40, `${first} were in the first`);
});

t.test('[D29] what waits for threads is bounded, for one document and for a host', async (t) => {
  const pool = await poolOf(t, 2);
  const stage = await DeskStage.of(new MemoryStore(), undefined, pool);
  const viewers: ViewerStage[] = [];
  for (let at = 0; at < commandsQueuedMax / documentQueueMax; at += 1) viewers.push(await stage.come(`bad/${at}`));
  for (const viewer of viewers) for (let n = 1; n <= documentQueueMax; n += 1) stage.send(viewer, {}, 'none');
  t.equal(pool.hasRoom, false);
  const late = stage.open('bad/late');
  stage.listen(late);
  t.match(late.heard, [[4, late.attached.view, 0, 0, 'CHAIN_BUSY']], 'at once');
  await t.rejects(deleteDocument(stage.desk, 'bad/0'), { code: 'CHAIN_BUSY' });
  await stage.settle();
  stage.listen(...viewers);
  // A refusal before the handler takes no number: those behind it have a gap before them.
  const refusals = ({ heard }: ViewerStage) => heard.flatMap((message) => (message[0] === 4 ? [message[4]] : []));
  const all = ['CHANNEL_UNKNOWN', ...Array.from({ length: documentQueueMax - 1 }, () => 'SESSION_GAP')];
  for (const viewer of viewers) t.same(refusals(viewer), all);
  t.equal(pool.hasRoom, true);
  const [one, other] = viewers as [ViewerStage, ViewerStage];
  for (let n = 1; n <= documentQueueMax + 1; n += 1) stage.send(one, {}, 'none');
  stage.send(other, {}, 'none');
  await stage.settle();
  stage.listen(one, other);
  t.equal(refusals(one).filter((code) => code === 'DOCUMENT_BUSY').length, 1);
  t.equal(refusals(other).length, documentQueueMax + 1, 'who asks another is not');
});

t.test('[D29] a document begins where least waits', async (t) => {
  const pool = await poolOf(t, 2);
  const begin = () => pool.begin(name, () => t.fail('it is there'));
  const [one, other] = [begin(), begin()];
  t.same(pool.documents, [1, 1]);
  for (let n = 0; n < taskCommandsMax; n += 1) one.ask({ kind: 'load', returnByMs: 0, stored }, () => {});
  for (let at = 0; at < 3; at += 1) begin();
  t.same(pool.documents, [1, 4], 'behind whom a whole task waits');
  await new Promise((resolve) => other.ask({ kind: 'load', returnByMs: 0, stored }, resolve));
  await new Promise((resolve) => one.ask({ kind: 'load', returnByMs: 0, stored }, resolve));
  begin();
  t.same(pool.documents, [2, 4], 'where the fewest are, otherwise');
});
