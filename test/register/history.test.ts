// The judge of the chance test, seen to find what it is there to find.
import t from 'tap';
import { type Call, checkHistory } from './history.ts';

type Planted = [kind: 'read' | 'cas', calledAt: number, returnedAt: number, result: Call['result'], ...rest: string[]];

/** A read: what it found. A CAS: what it expected, its value, and what it found if it lost. '' stands for nothing. */
function calls(...planted: Planted[]): Call[] {
  return planted.map(([kind, calledAt, returnedAt, result, ...[first, value, found]], id): Call => {
    const textOf = (text: string | undefined) => (text === '' ? undefined : text);
    const base = { id, kind, calledAt, returnedAt, result };
    if (kind === 'read') return { ...base, kind, found: textOf(first) };
    return { ...base, kind, expect: textOf(first), value: value ?? '', found: textOf(found) };
  });
}

t.test('[C1] [C13] a history that one place could have answered is accepted', async (t) => {
  const end = Number.POSITIVE_INFINITY;
  t.equal(
    checkHistory(calls(['read', 0, 1, 'value', ''], ['cas', 2, 3, 'won', '', 'a'], ['read', 4, 5, 'value', 'a'])),
    1,
  );
  t.equal(
    checkHistory(calls(['cas', 0, 5, 'won', '', 'a'], ['read', 1, 2, 'value', 'a'], ['read', 1, 4, 'value', ''])),
    1,
  );
  t.equal(checkHistory(calls(['cas', 0, end, 'unknown', '', 'a'], ['read', 1, 9, 'value', 'a'])), 1);
  t.equal(checkHistory(calls(['cas', 0, end, 'unknown', '', 'a'], ['read', 1, 9, 'value', ''])), 0);
  t.equal(checkHistory(calls(['cas', 0, 1, 'won', '', 'a'], ['cas', 2, 3, 'lost', '', 'b', 'a'])), 1);
});

t.test('[C1] [C13] and each way to be wrong is found', async (t) => {
  const end = Number.POSITIVE_INFINITY;
  const wins: Planted[] = [
    ['cas', 0, 1, 'won', '', 'a'],
    ['cas', 2, 3, 'won', 'a', 'b'],
  ];
  const cases: [what: string, planted: Planted[], finding: RegExp][] = [
    ['a read goes back', [...wins, ['read', 4, 5, 'value', 'a']], /stands at 1, and 1 had returned from 2/],
    ['a read finds nothing where something was', [...wins, ['read', 4, 5, 'value', '']], /stands at 0/],
    ['reads go back', [...wins, ['read', 2, 3, 'value', 'b'], ['read', 4, 5, 'value', 'a']], /stands at 1/],
    ['two win on one', [...wins, ['cas', 0, 9, 'won', 'a', 'c']], /both followed a/],
    [
      'one that lost is seen',
      [
        ['cas', 0, 1, 'lost', '', 'a', ''],
        ['read', 2, 3, 'value', 'a'],
      ],
      /0 lost, and/,
    ],
    [
      'one that failed is seen',
      [
        ['cas', 0, 1, 'failed', '', 'a'],
        ['read', 2, 3, 'value', 'a'],
      ],
      /0 failed, and/,
    ],
    ['a value from nowhere', [['read', 2, 3, 'value', 'z']], /nobody wrote z/],
    [
      'a value before its time',
      [
        ['read', 0, 1, 'value', 'a'],
        ['cas', 2, end, 'unknown', '', 'a'],
      ],
      /stands at 1/,
    ],
    [
      'lost to what was expected',
      [
        ['cas', 0, 1, 'won', '', 'a'],
        ['cas', 0, 9, 'lost', 'a', 'b', 'a'],
      ],
      /what it expec/,
    ],
    [
      'a loop',
      [
        ['cas', 0, 1, 'won', 'b', 'a'],
        ['cas', 0, 9, 'won', 'a', 'b'],
      ],
      /followed one that never was/,
    ],
  ];
  for (const [what, planted, finding] of cases)
    t.throws(() => checkHistory(calls(...planted)), { message: finding }, what);
});
