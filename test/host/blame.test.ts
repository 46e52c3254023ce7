// Threads that end where it is hard to say for what: whose message it was is found out, and all others go on.

import { pino } from 'pino';
import t from 'tap';
import { documentName } from '../../engine/base/ids.ts';
import { handlerMsMax, straysToldMax } from '../../engine/base/limits.ts';
import type { JsonObject } from '../../engine/base/merge-patch.ts';
import { encodeUpdate, noMessage } from '../../engine/document/life/update.ts';
import { failureLogger } from '../../host/document-log.ts';
import type { Ran } from '../../host/running.ts';
import { MemoryStore } from '../contract/memory-store.ts';
import { ada, DeskStage, type ViewerStage } from './desk-stage.ts';
import { poolOf } from './pool.ts';

type Said = { said: string[] };

function codes({ heard }: ViewerStage): unknown[] {
  return heard.flatMap((message) => {
    if (message[0] === 3) return [JSON.parse(message[4])];
    return message[0] === 4 ? [message[4]] : [];
  });
}

const bad: readonly (readonly [what: string, channel: string, message: object, code: string, ends: number])[] = [
  ['throws what throws when it is looked at', 'sly', { isEndless: false }, 'HANDLER_FAILED', 0],
  ['throws what never ends when it is looked at', 'sly', { isEndless: true }, 'HANDLER_STOPPED', 1],
  ['ends the thread behind itself', 'behind', { how: 'exit' }, 'HANDLER_STOPPED', 2],
  ['does not end behind itself', 'behind', { how: 'spin' }, 'HANDLER_STOPPED', 2],
];

for (const [what, channel, message, code, ends] of bad) {
  t.test(`[D29] [D30] a handler that ${what} is refused, once; all others go on`, async (t) => {
    const pool = await poolOf(t);
    const stage = await DeskStage.of(new MemoryStore(), undefined, pool);
    const [one, other] = [await stage.come('bad/one'), await stage.come('bad/other')];
    stage.send(one, { text: 'a' }, 'say');
    stage.send(one, message, channel);
    for (const viewer of [one, other]) stage.send(viewer, { text: 'b' }, 'say');
    await stage.settle();
    stage.listen(one, other);
    t.same(codes(one), [1, code, 2]);
    t.same(codes(other), [1]);
    t.same((one.view as Said).said, ['a', 'b']);
    t.equal(pool.ended.length, ends);
    t.equal(stage.failures.length, 1, 'its log is told');
    t.same(stage.fatal, []);
  });
}

t.test('[D29] what throws when it is looked at is logged in the loop of a host too', async (t) => {
  const lines: string[] = [];
  const log = pino({ base: null }, { write: (line: string) => void lines.push(line) });
  const sly = Object.defineProperty(new Error('sly'), 'stack', {
    get: () => {
      throw new Error('nobody may look');
    },
  });
  const revoked = Proxy.revocable({}, {});
  revoked.revoke();
  for (const failure of [sly, new Error('with a cause', { cause: revoked.proxy })]) {
    failureLogger(log)('bad/one', 'sly', failure);
  }
  t.match(
    lines.map((line) => JSON.parse(line)),
    [
      { document: 'bad/one', channel: 'sly', err: { message: 'sly', stack: 'what cannot be said' } },
      { err: { message: /^with a cause/ } },
    ],
  );
});

t.test('[D29] what a policy throws when a view is shown again is told too', async (t) => {
  const pool = await poolOf(t);
  const stage = await DeskStage.of(new MemoryStore(), undefined, pool);
  const viewer = await stage.come('bad/one');
  stage.send(viewer, { who: 'throw' }, 'trap');
  await stage.settle();
  t.match(stage.failures.splice(0), [{ message: 'a policy failed' }]);
  await pool.threads[0]?.[0]?.terminate();
  await stage.settle();
  t.match(stage.failures, [{ message: 'a policy failed' }]);
});

t.test('[D29] what fails behind handlers is told, and not kept without end', async (t) => {
  const pool = await poolOf(t);
  const stage = await DeskStage.of(new MemoryStore(), undefined, pool);
  const viewers: ViewerStage[] = [];
  for (let at = 0; at < 8; at += 1) viewers.push(await stage.come('bad/one'));
  for (const viewer of viewers) for (let n = 1; n <= 30; n += 1) stage.send(viewer, {}, 'stray');
  await stage.settle();
  for (const viewer of viewers) stage.send(viewer, { text: 'a' }, 'say');
  await stage.settle();
  t.ok(pool.strays.length >= straysToldMax && pool.strays.length < 240, `${pool.strays.length} were told`);
  t.match(pool.strays[0], { message: 'nobody waits for this' });
});

t.test('[D30] a document is loaded for as long as that takes', async (t) => {
  const pool = await poolOf(t);
  const name = documentName('bad/long').name;
  const at = { atMs: 1, who: ada };
  const updates = [
    encodeUpdate({ ...noMessage, ...at, kind: 'invent', seq: 1, id: new Uint8Array(16) }),
    encodeUpdate({ ...noMessage, ...at, kind: 'session', seq: 2, id: new Uint8Array(16) }),
  ].map((update) => Buffer.from(update));
  // Nothing costs more time for so few bytes.
  const deep = (levels: number): JsonObject => ({ a: levels === 0 ? 1 : deep(levels - 1) });
  const [redo, undo] = [deep(60), deep(60)];
  for (let n = 1; n <= 30_000; n += 1) {
    const update = { ...noMessage, ...at, kind: 'send', seq: n + 2, session: 2, n, done: n - 1, channel: 'x' } as const;
    updates.push(Buffer.from(encodeUpdate({ ...update, redo, undo })));
  }
  const stored = { snapshot: undefined, sections: [Buffer.concat(updates)], seqFloor: 0, seqLast: updates.length };
  const begun = performance.now();
  const ran = await new Promise<Ran | undefined>((resolve) => {
    const document = pool.begin(name, () => resolve(undefined));
    document.ask({ kind: 'load', returnByMs: 0, stored }, resolve);
  });
  const tookMs = performance.now() - begun;
  t.match(ran, { outcome: { kind: 'done' }, seq: updates.length });
  // On a machine that is fast enough this shows nothing.
  t.comment(`the load took ${Math.round(tookMs)} ms; a handler has ${handlerMsMax}`);
});
