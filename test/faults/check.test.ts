// The checkers of the fault tests, each seen to find what it is for and nothing else.
import t from 'tap';
import { checkReads, checkRun, longestGapMs } from '../../bench/faults/check.ts';
import type { Copy, Outcome, ReadRecord, SendRecord, StoredValue } from '../../bench/faults/record.ts';

const doc = 'ledger/one';
const names = ['view', 'h1', 'h2', 'h3'];

function sent(client: string, number: number, sentAtMs: number, outcome: Outcome): SendRecord {
  return { client, doc, number, value: `${client}:${number}`, trial: 1, sentAtMs, outcome };
}

function answered(place: number, atMs: number, seq = place + 10): Outcome {
  return { kind: 'answered', seq, place: `${place}`.padStart(8, '0'), atMs };
}

function refused(retry: string): Outcome {
  return { kind: 'refused', code: 'A_CODE', retry, atMs: 50 };
}

/** Values in places 1, 2, ...; the seq of place p is p + 10, and a view does not know it. */
function stored(name: string, values: readonly string[]): Copy {
  const list = values.map((value, index): StoredValue => {
    const place = `${index + 1}`.padStart(8, '0');
    return { place, client: value.split(':')[0] ?? '', value, seq: name === 'view' ? undefined : index + 11 };
  });
  return { name, documents: new Map([[doc, list]]) };
}

/** Every copy holds `values`, but for those that `others` says hold something else. */
function copies(values: readonly string[], others: Record<string, readonly string[]> = {}): Copy[] {
  return names.map((name) => stored(name, others[name] ?? values));
}

const good = [
  sent('a', 1, 0, answered(1, 10)),
  sent('b', 1, 5, answered(2, 15)),
  sent('a', 2, 11, answered(3, 20)),
  sent('a', 3, 12, { kind: 'unsettled' }),
];
const goodValues = ['a:1', 'b:1', 'a:2'];

function kinds(sends: readonly SendRecord[], held: readonly Copy[]): string[] {
  return checkRun(sends, held).map(({ kind, value }) => `${kind} ${value}`);
}

t.test('a run without violations has none', async (t) => {
  t.same(kinds(good, copies(goodValues)), []);
  t.same(kinds(good, copies([...goodValues, 'a:3'])), [], 'what was not settled may be stored');
  t.same(kinds([...good, sent('b', 2, 30, refused('maybe'))], copies([...goodValues, 'b:2'])), []);
  t.same(kinds([...good, sent('b', 2, 30, refused('never'))], copies(goodValues)), []);
});

t.test('an answered value that is missing from one copy is lost, whichever copy it is', async (t) => {
  for (const name of names) {
    const found = checkRun(good, copies(goodValues, { [name]: ['a:1', 'b:1'] }));
    t.same(
      found.map(({ kind, value }) => `${kind} ${value}`),
      ['lost a:2'],
    );
    t.match(found[0]?.text, `was answered and is not in ${name}; sent by a to ${doc} at 11.0 ms (trial 1)`);
    t.match(found[0]?.text, `${name}: nowhere`);
    t.equal(found[0]?.trial, 1);
  }
  t.same(kinds(good, copies(['a:1', 'b:1'])), ['lost a:2'], 'and is counted once when all lack it');
  t.same(kinds(good, copies([])), ['lost a:1', 'lost b:1', 'lost a:2']);
});

t.test('a value in two places of one copy is doubled', async (t) => {
  t.same(kinds(good, copies(goodValues, { h2: [...goodValues, 'a:2'] })), ['doubled a:2']);
  t.same(kinds(good, copies([...goodValues, 'a:3', 'a:3', 'a:3'])), ['doubled a:3'], 'answered or not');
});

t.test('values of one client out of the order in which it sent are reordered', async (t) => {
  const sends = [sent('a', 1, 0, { kind: 'unsettled' }), sent('a', 2, 1, { kind: 'unsettled' })];
  t.same(kinds(sends, copies(['a:1', 'a:2'], { h3: ['a:2', 'a:1'] })), ['reordered a:1']);
});

t.test('an answer that names another place or seq than the disks do is reordered', async (t) => {
  t.same(kinds([sent('a', 1, 0, answered(2, 10))], copies(['a:1'])), ['reordered a:1']);
  t.same(kinds([sent('a', 1, 0, answered(1, 10, 12))], copies(['a:1'])), ['reordered a:1']);
  const sends = [sent('a', 1, 0, answered(2, 10)), sent('b', 1, 0, answered(1, 10))];
  t.same(kinds(sends, copies(['a:1', 'b:1'])).sort(), ['reordered a:1', 'reordered b:1'], 'two that changed places');
});

t.test('a value before one that was answered before it was sent is reordered', async (t) => {
  const sends = [sent('a', 1, 0, answered(2, 10)), sent('b', 1, 11, answered(1, 20))];
  t.same(kinds(sends, copies(['b:1', 'a:1'])), ['reordered b:1']);
  const together = [sent('a', 1, 0, answered(2, 10)), sent('b', 1, 9, answered(1, 20))];
  t.same(kinds(together, copies(['b:1', 'a:1'])), [], 'those that overlap may stand either way');
});

t.test('a value whose refusal said that nothing happened, and that is stored, is found', async (t) => {
  for (const retry of ['never', 'later', 'refresh']) {
    const sends = [...good, sent('b', 2, 30, refused(retry))];
    const found = kinds(sends, copies(goodValues, { h1: [...goodValues, 'b:2'] }));
    t.same(found, ['reportedFailedButStored b:2']);
  }
});

t.test('a value that nobody sent here is invented', async (t) => {
  t.same(kinds(good, copies([...goodValues, 'c:9'])), ['invented c:9']);
  const elsewhere = { ...sent('c', 9, 0, { kind: 'unsettled' }), doc: 'ledger/two' };
  t.same(kinds([...good, elsewhere], copies([...goodValues, 'c:9'])), ['invented c:9']);
});

function read(viewer: string, askedAtMs: number | undefined, count: number): ReadRecord {
  return { viewer, doc, trial: 1, askedAtMs, seenAtMs: (askedAtMs ?? 0) + 1, count };
}

t.test('a view without what was answered before it was asked for is stale', async (t) => {
  t.same(checkReads(good, []), []);
  t.same(
    checkReads(good, [read('r', 0, 0), read('r', 12, 1), read('r', 15, 1), read('r', 16, 2), read('r', 30, 3)]),
    [],
  );
  const found = checkReads(good, [read('r', 16, 1)]);
  t.same(
    found.map(({ kind, value, trial }) => [kind, value, trial]),
    [['stale', `r ${doc}`, 1]],
  );
  t.match(found[0]?.text, 'was shown 1 values of ledger/one at 17.0 ms, and place 2 was answered before it asked');
  t.equal(checkReads(good, [read('r', 21, 2)]).length, 1, 'the last answer counts too');
  t.equal(checkReads(good, [{ ...read('r', 21, 0), doc: 'ledger/two' }]).length, 0, 'each document has its own');
  const late = [sent('a', 1, 0, answered(2, 30)), sent('b', 1, 0, answered(1, 40))];
  t.equal(checkReads(late, [read('r', 50, 1)]).length, 1, 'answers come in any order of places');
});

t.test('a viewer that is shown less than before has a stale view', async (t) => {
  t.same(checkReads([], [read('r', undefined, 1), read('q', undefined, 0), read('r', undefined, 1)]), []);
  const found = checkReads([], [read('r', undefined, 5), read('r', undefined, 4), read('r', 9, 4), read('r', 10, 5)]);
  t.equal(found.length, 2);
  t.match(found[0]?.text, 'was shown 4 values of ledger/one at 1.0 ms, and had been shown 5');
});

t.test('the longest gap is between two answers that follow each other', async (t) => {
  t.equal(longestGapMs([]), 0);
  t.equal(longestGapMs(good), 5);
  t.equal(longestGapMs([...good, sent('b', 2, 20, answered(4, 120))]), 100);
});
