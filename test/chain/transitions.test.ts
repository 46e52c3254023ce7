// What a reconfiguration makes of every combination of members, and what a last member does in every situation: enumerated, held
// against the rules, and written out in transitions.txt. `GOLDEN=write` writes it anew: commit only what you can explain.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import type { Active, Configuration } from '../../chain/configuration.ts';
import type { HostId } from '../../engine/base/ids.ts';
import { active, endOf, history, One } from './one.ts';

const path = fileURLToPath(new URL('../../../test/chain/transitions.txt', import.meta.url));
const log = history(5);
const hosts = ['a', 'b', 'c'] as const;

/**
 * How a member of a > b > c in epoch 4 meets a seal. `serves`: complete. `later`: it holds the history of an attempt that was
 * abandoned since. `behind`: its log is one of an older epoch, or is being filled. `disk lost`: another store. `silent`: linked,
 * and does not answer. `dead`: no link. `joins`: it has no seat that serves.
 */
const states = ['serves', 'later', 'behind', 'disk lost', 'silent', 'dead', 'joins'] as const;
type State = (typeof states)[number];
type Case = { readonly of: readonly State[]; readonly serversMin: number; readonly isHurried: boolean };

const isValid = (state: State): boolean => state === 'serves' || state === 'later';
const answers = (state: State): boolean => state !== 'silent' && state !== 'dead';
/** The longer logs are those at the end of the chain: forwarding runs ahead of a head's disk. */
const heldBy = (index: number, state: State): number => (isValid(state) ? index + 2 : 1);
const storeOf = (host: string, state: State): string => (state === 'disk lost' ? `${host}2` : host);

type Outcome = { readonly chosen: string | undefined; readonly value: Configuration | undefined; readonly one: One };

function drive({ of, serversMin, isHurried }: Case): Outcome {
  const one = new One('d');
  hosts.forEach((host, index) => {
    if (of[index] !== 'dead') one.connect(host, 'b1', storeOf(host, of[index] as State));
  });
  const order = hosts.map((host, index) => (of[index] === 'joins' ? `(${host})` : host)).join('>');
  one.learn('x', active(4, order));
  one.step({ kind: 'reconfigure', intention: { order: [...hosts] as HostId[], serversMin, loss: undefined } });
  one.decide({ kind: 'won' });
  const nonce = one.replica.drive?.nonce;
  hosts.forEach((host, index) => {
    const state = of[index] as State;
    // A host is asked for its seal if it serves; else it is asked for nothing yet.
    if (!answers(state) || state === 'joins') return;
    const logEpoch = state === 'later' ? 5 : state === 'serves' ? 4 : state === 'behind' ? 3 : 0;
    const position = endOf(log.slice(0, heldBy(index, state)));
    one.hear(host, 5, { kind: 'sealed', nonce, storeId: storeOf(host, state), logEpoch, position });
  });
  if (isHurried) one.step({ kind: 'hurry' });
  const chosen = one.replica.drive?.chosen?.source;
  for (const host of one.replica.drive?.asked ?? []) {
    const state = of[hosts.indexOf(host as 'a')] as State;
    if (answers(state)) one.hear(host, 5, { kind: 'transferred', nonce, storeId: storeOf(host, state) });
  }
  if (isHurried) one.step({ kind: 'hurry' });
  const isTried = one.replica.drive?.stage === 'activating';
  return { chosen, value: isTried ? one.replica.writing : undefined, one };
}

function describe({ chosen, value }: Outcome): string {
  if (chosen === undefined) return 'waits for seals';
  return value === undefined ? `${chosen}, waits` : `${value.members.map(({ host }) => host).join('>')} from ${chosen}`;
}

/** The rules, held against one combination. */
function check({ of, serversMin, isHurried }: Case, { chosen, value, one }: Outcome): string[] {
  const wrong: string[] = [];
  const must = (holds: boolean, rule: string): void => void (holds || wrong.push(rule));
  const stateOf = (host: string): State => of[hosts.indexOf(host as 'a')] as State;
  const valid = hosts.filter((host) => isValid(stateOf(host)));
  const isWaiting = of.some((state) => state === 'silent') && !isHurried;
  must((chosen !== undefined) === (valid.length > 0 && !isWaiting), 'C4: chosen when all who can have answered');
  if (chosen === undefined) return wrong;
  must(isValid(stateOf(chosen)), 'C4: the source is one that counts');
  must(
    valid.every((host) => host <= chosen),
    'C4: the longest of those that count',
  );
  const asked = [...(one.replica.drive?.asked ?? [])];
  const isFilled = valid.length < serversMin;
  must(
    asked.every((host) => isFilled || isValid(stateOf(host))),
    'C8: others are filled only where too few are left',
  );
  if (value === undefined) return wrong;
  const members = value.members.map(({ host }) => host);
  must(value.epoch === 5 && value.minor === 0 && value.phase === 'active', 'C1: one epoch higher');
  must(members.length >= serversMin, 'C6: never fewer than it needs');
  must(
    members.every((host) => answers(stateOf(host))),
    'C4: only who said that it holds the history',
  );
  must(
    value.members.every(({ host, storeId }) => storeId === storeOf(host, stateOf(host))),
    'C10: as the store that said so',
  );
  must(
    value.members.every(({ role }) => role === 'serving'),
    'C8: all who begin an epoch serve',
  );
  must(value.start.lsn === heldBy(hosts.indexOf(chosen as 'a'), stateOf(chosen)), 'C4: with the chosen history');
  must([...members].sort().join() === members.join(), 'C8: in the order that was asked for');
  const expected: Active | undefined = one.replica.drive?.pending?.previous;
  must(expected?.epoch === 4 && expected.nonce === 'n4.0', 'C1: on top of what was active last');
  return wrong;
}

const columns = [1, 2, 3].flatMap((serversMin) => [false, true].map((isHurried) => ({ serversMin, isHurried })));

function reconfigurations(wrong: string[]): string[] {
  const lines: string[] = [];
  for (const a of states)
    for (const b of states)
      for (const c of states) {
        const of = [a, b, c];
        // One joins at most, and last.
        if (a === 'joins' || b === 'joins') continue;
        const told = columns.map((column) => {
          const one = { of, ...column };
          const outcome = drive(one);
          wrong.push(...check(one, outcome).map((rule) => `${of.join(', ')} ${JSON.stringify(column)}: ${rule}`));
          return describe(outcome);
        });
        lines.push(
          `${of.map((state) => state.padEnd(9)).join(' ')} | ${told.map((cell) => cell.padEnd(15)).join(' | ')}`.trimEnd(),
        );
      }
  return lines;
}

/** What the last serving member may be in the middle of, and what it is then told. */
const situations: Readonly<Record<string, (one: One) => void>> = {
  'a chain of a and b, and nothing else': () => {},
  'the register is being asked': (one) => void one.step({ kind: 'look' }),
  'it drives a reconfiguration itself': (one) => {
    one.step({ kind: 'reconfigure', intention: { order: ['b', 'a'] as HostId[], serversMin: 1, loss: undefined } });
  },
  'a pending configuration is known': (one) => {
    const { phase, ...known } = active(9);
    one.learn('a', { ...known, phase: 'pending', previous: { ...active(1, 'a>b') }, epoch: 9 as never });
  },
  'c joins': (one) => void one.learn('a', active(1, 'a>b>(c)', endOf([]), 1)),
  'c joins and is gated for': (one) => {
    one.learn('a', active(1, 'a>b>(c)', endOf([]), 1));
    one.hear('c', 1, { kind: 'fetch', after: endOf([]) });
    one.hear('a', 1, { kind: 'append', committed: 0, entry: log[0] });
    one.sync();
    one.hear('a', 1, { kind: 'append', committed: 0, entry: log[1] });
    one.sync();
    one.hear('c', 1, { kind: 'ack', position: endOf(log.slice(0, 1)) });
  },
  'c joins, and another register value is known': (one) => {
    one.learn('a', active(1, 'a>b>(c)', endOf([]), 1));
    one.hear('c', 1, { kind: 'fetch', after: endOf([]) });
    one.learn('a', { ...active(2, 'a>c'), phase: 'pending', previous: active(1, 'a>b>(c)', endOf([]), 1) });
  },
  'c serves, so that it is the last': (one) => void one.learn('a', active(1, 'a>b>c', endOf([]), 2)),
  'c has another disk': (one) => void one.connect('c', 'b2', 'c2'),
  'c is not linked': (one) => void one.disconnect('c'),
  'it is sealed': (one) => void one.hear('a', 2, { kind: 'seal' }),
};

const told = {
  'add c': (one: One) => one.step({ kind: 'add', host: 'c' as HostId }),
  'add b': (one: One) => one.step({ kind: 'add', host: 'b' as HostId }),
  'remove c': (one: One) => one.step({ kind: 'remove', host: 'c' as HostId }),
  'remove a': (one: One) => one.step({ kind: 'remove', host: 'a' as HostId }),
  'ack of all from c': (one: One) => one.hear('c', 1, { kind: 'ack', position: endOf(log.slice(0, 2)) }),
};

function changes(): string[] {
  const lines: string[] = [];
  for (const [situation, begin] of Object.entries(situations)) {
    lines.push(situation);
    for (const [what, tell] of Object.entries(told)) {
      const one = new One('b').join(1, 'a>b');
      one.learn('a', active(1, 'a>b'));
      one.connect('a');
      one.connect('c');
      begin(one);
      const cas = tell(one).find((line) => line.startsWith('cas'));
      if (cas !== undefined) lines.push(`  ${what.padEnd(18)} ${cas}`);
    }
  }
  return lines;
}

t.test('[C1] [C4] [C6] [C8] [C10] what is made of every combination of members is what stands written', async (t) => {
  const wrong: string[] = [];
  const head = ['at least', ...columns.map((one) => `${one.serversMin}${one.isHurried ? ', hurried' : ''}`)];
  const table = reconfigurations(wrong);
  t.equal(wrong.join('\n'), '', 'the rules hold in each');
  const text = [
    'What a driver of a > b > c makes of how the three members of the last epoch meet its seal: who begins the next epoch, and',
    'whose history that has. Columns: how many it needs at least to serve, and whether policy hurries it.',
    '',
    `${''.padEnd(21)}${(head[0] ?? '').padEnd(8)} | ${head
      .slice(1)
      .map((cell) => cell.padEnd(15))
      .join(' | ')}`.trimEnd(),
    ...table,
    '',
    'What b, the last that serves in a > b, asks the register when it is told something. Nothing else is asked.',
    '',
    ...changes(),
    '',
  ].join('\n');
  t.comment(`${table.length * columns.length} reconfigurations`);
  if (process.env['GOLDEN'] === 'write') writeFileSync(path, text);
  else t.equal(text, readFileSync(path, 'utf8'), 'transitions.txt tells what happens');
});
