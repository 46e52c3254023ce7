// What documents asked for, as a desk holds it: in order for each pair of documents, and bounded.
import t from 'tap';
import { tasksHeldMax } from '../../engine/base/limits-life.ts';
import type { Task, TaskResult } from '../../engine/document/document.ts';
import { Outbox } from '../../host/outbox.ts';
import { settled } from '../contract/memory-store.ts';

const incarnation = 'a'.repeat(32);
const half = tasksHeldMax / 2;

function messages(to: string, from: number, through: number): Task[] {
  return Array.from({ length: through - from + 1 }, (_, at) => {
    return { kind: 'message', n: from + at, to, channel: 'hear', arg: 'null' };
  });
}

function outboxOf() {
  const sent: string[] = [];
  const asked: string[] = [];
  const refusals: (() => void)[] = [];
  const outbox = new Outbox({
    effectOf: () => undefined,
    deliver: (to, { from, n }) => {
      sent.push(`${from} ${to} ${n}`);
      return Promise.resolve({ code: '', text: '', json: 'null' });
    },
    settle: (_document, _incarnation, _n, _result: TaskResult, then) => then(true),
    again: (document, refused) => {
      asked.push(document);
      refusals.push(refused);
    },
    wallMs: () => 1_000,
    onFailure: () => undefined,
    fatal: (cause) => {
      throw cause;
    },
  });
  return { outbox, sent, asked, refusals };
}

async function untilEmpty(outbox: Outbox): Promise<void> {
  while (outbox.size > 0) await settled();
}

t.test('[D49] of a document of which not all is held, nothing goes before what is older', async (t) => {
  const { outbox, sent, asked, refusals } = outboxOf();
  outbox.add('s/a', incarnation, messages('s/x', 1, half + 1));
  outbox.add('s/b', incarnation, messages('s/y', 1, half));
  t.equal(outbox.size, half + 1, 'there is no room for the second');
  await untilEmpty(outbox);
  t.same(asked, ['s/b']);
  outbox.add('s/b', incarnation, messages('s/y', half + 1, half + 1));
  await untilEmpty(outbox);
  t.equal(sent.length, half + 1, 'what is newer waits');
  refusals[0]?.();
  outbox.tick(2_000);
  t.same(asked, ['s/b', 's/b'], 'it is asked again where it could not be');
  outbox.addAll('s/b', incarnation, messages('s/y', 1, half + 1));
  await untilEmpty(outbox);
  t.same(
    sent.slice(half + 1),
    messages('s/y', 1, half + 1).map(({ n }) => `s/b s/y ${n}`),
  );
  outbox.add('s/b', incarnation, messages('s/y', half + 2, half + 2));
  await untilEmpty(outbox);
  t.equal(sent.at(-1), `s/b s/y ${half + 2}`);
});
